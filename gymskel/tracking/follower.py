"""The follower: people are followed through a video with any estimator, also while they turn upside down.

For each person and frame: predict the pose from the frames before; show the estimator that square of the picture,
turned so that the person stands upright; map the keypoints back; keep them if they continue this person. If they do
not, try other turns and another size, and keep the pose that continues the person best, whatever the estimator's
confidence. If no pose does, the person is unseen in this frame. A person found again is searched for backwards through
the frames missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from gymskel.body_geometry import torso_lean, torso_middle
from gymskel.tracking.appearance import body_colors
from gymskel.tracking.crops import (
    Crop,
    mask_people,
    overview_crops,
    propose_crops,
    tile_crops,
    turned_overviews,
)
from gymskel.tracking.geometry import estimate_torso_lengths
from gymskel.tracking.identity_swaps import find_swaps
from gymskel.tracking.prediction import (
    CORE_JOINTS,
    MIN_CORE_JOINTS,
    Prediction,
    pose_cost,
    predict_pose,
    recent_limb_speed,
)
from gymskel.tracking.stitching import join_tracks
from gymskel.tracking.track import DEFAULT_FPS, Track
from gymskel.tracking.track_state import CONFIRMING_FRAMES, Match, Target, TrackState, swap_entries
from gymskel.tracking.tracker import Tracker

_MAX_COST = 0.9  # torso lengths; a pose that costs more does not continue the person
_MAX_FOLLOWED = 3  # people followed at once, where one athlete is wanted
_TENTATIVE_CROPS = 3  # crops tried for a tentative person, and backwards
_TENTATIVE_GAP = 3  # frames without a tentative person, after which the search ends
_CONFIRMED_GAP = 1.0  # seconds without a confirmed person, after which only overviews may find them again
_RARE_GAP = 8  # frames without a person, after which the search becomes rarer
_NEAR_DISTANCE = 0.75  # torso lengths from a known person within which a detection is no new person
_POOR_FIRST_COST = 0.25  # torso lengths, from which a first pose is searched for again
_APPEARANCE_WEIGHT = 1.5  # of the appearance cost over a gap
_OVERVIEW_SECONDS = 0.25  # between two searches of the next part of the whole picture
_KEPT_BYTES, _KEPT_FRAMES = 200 << 20, 32  # most of the last frames, kept for searching backwards


class Follower:
    """Follows people through the frames of one video.

    Args:
        find_people: frame (height, width, 3) -> (people, 25, 3), a stateless estimator.
        fps: frames a second, or None.
        image_size: (width, height) in pixels, or None.
        follow_all: follow all people at once, however many; by default at most three, and the others are only known.

    Attributes:
        tracker: everybody's tracks, `tracker.tracks`.
        states: track number -> the record of that person.
        estimates: number of calls of `find_people`, frame by frame; those of a search backwards count where it began.
    """

    def __init__(
        self,
        find_people: Callable[[np.ndarray], np.ndarray],
        fps: float | None,
        image_size: tuple[int, int] | None = None,
        *,
        follow_all: bool = False,
    ) -> None:
        self.tracker = Tracker(fps, image_size=image_size)
        self.states: dict[int, TrackState] = {}
        self.estimates: list[int] = []
        self._find_people = find_people
        self._max_followed = None if follow_all else _MAX_FOLLOWED
        self._fps = fps or DEFAULT_FPS
        self._overviews = 0  # shown so far
        self._found_new = False  # in the last overview
        self._frames_alone = 0  # frames in a row without anybody known
        self._kept_frames: deque[tuple[int, np.ndarray]] = deque()

    def step(self, number: int, frame: np.ndarray) -> None:
        """Take in the next frame (height, width, 3), in the order of the video."""
        self.estimates.append(0)
        self._keep_frame(number, frame)
        followed = self._tracks_to_follow(number)
        found = [track for track in followed if self._continue(track, number, frame)]
        due = self._found_new or number % max(1, round(_OVERVIEW_SECONDS * self._fps)) == 0
        self._found_new = False
        self._frames_alone = 0 if followed else self._frames_alone + 1
        if due or not found:
            self._search_overviews(number, frame, self._next_overviews(frame, alone=not followed, due=due))

    def finish(self) -> list[Track]:
        """Return the tracks of confirmed people, the parts of one person joined; call it once, after the last frame.

        If nobody is confirmed, all tracks are returned. Identity swaps are undone. The record of a joined track is in
        `states` under its number.
        """
        tracks = self.tracker.tracks
        confirmed = [t for t in tracks if self.states[t.number].is_confirmed] or tracks
        colors = {number: state.colors for number, state in self.states.items()}
        for a, b, numbers in find_swaps(confirmed, colors):
            self._swap(a, b, set(numbers))
        joined, parts = join_tracks(confirmed, self._fps, self.tracker.edges, self._link_cost)
        for track, numbers in zip(joined, parts, strict=True):
            own = self.states[track.number]
            for frame, number in zip(track.frames, numbers, strict=True):
                own.leans[frame] = self.states[number].leans[frame]
                own.status[frame] = self.states[number].status[frame]
        return joined

    def _link_cost(self, one: int, other: int) -> float:
        """Return the appearance cost of joining two tracks, by their numbers."""
        a, b = self.states[one].appearance, self.states[other].appearance
        return _APPEARANCE_WEIGHT * min(a.cost(b.mean), b.cost(a.mean))

    def _swap(self, a: Track, b: Track, numbers: set[int]) -> None:
        """Exchange poses, leans, status and colours of two tracks in these frames; a frame of one alone moves to the other.

        The state of the body and the learned appearance of both tracks stay as they are.
        """
        first, second = self.states[a.number], self.states[b.number]
        swap_entries(first.leans, second.leans, numbers)
        swap_entries(first.status, second.status, numbers)
        swap_entries(first.colors, second.colors, numbers)
        poses_a, poses_b = (dict(zip(track.frames, track.poses, strict=True)) for track in (a, b))
        swap_entries(poses_a, poses_b, numbers)
        for track, poses in ((a, poses_a), (b, poses_b)):
            track.frames, track.poses = sorted(poses), [poses[number] for number in sorted(poses)]

    # --- people who are known -------------------------------------------------------------------------------------

    def _tracks_to_follow(self, number: int) -> list[Track]:
        """Return the tracks worth a search of their own: the largest person, the liveliest, and one of the others in turn.

        Tracks unseen for long are left out in two of three frames.
        """
        active = [t for t in self.tracker.active(number) if number - t.frames[-1] <= self._max_gap(t)]
        active.sort(key=lambda track: -track.torso * min(len(track.frames), self._fps))
        if self._max_followed is not None and len(active) > self._max_followed:
            largest, *others = active
            others.sort(key=lambda track: -recent_limb_speed(track, number))
            kept = self._max_followed - 1
            states = [(self.states[track.number], track) for track in others[kept:]]
            # the tentative first, then the one whose last search is longest ago
            _, turn = min(states, key=lambda pair: (pair[0].is_confirmed, pair[0].last_search))
            active = [largest, *others[:kept], turn]
        gaps = [(track, number - track.frames[-1]) for track in active]
        return [track for track, gap in gaps if gap <= _RARE_GAP or gap % 3 == 0]

    def _max_gap(self, track: Track) -> float:
        """Return the frames for which an unseen person is searched for at the predicted place."""
        return _CONFIRMED_GAP * self._fps if self.states[track.number].is_confirmed else _TENTATIVE_GAP

    def _continue(self, track: Track, number: int, frame: np.ndarray, *, backwards: bool = False) -> bool:
        """Search a frame for a known person, add the pose to the track, and return True if it was found."""
        state = self.states[track.number]
        state.last_search = max(state.last_search, number)
        predicted = predict_pose(track, number, backwards=backwards)
        good_cost = state.max_good_cost(predicted.gap)
        others = self._other_targets(track, number, backwards)
        near = [other.predicted for other in others]
        crops = propose_crops(predicted, near, second_first=state.second_first)
        limit = _TENTATIVE_CROPS if backwards or not state.is_confirmed else None
        target = Target(predicted, state.appearance)
        match, first_result = self._find_match(frame, target, others, islice(crops, limit), good_cost)
        if match is None or match.cost > _MAX_COST:
            state.status[number] = "lost"
            return False
        track.add(number, match.pose)
        state.leans[number] = match.crop.lean
        state.status[number] = "backwards" if backwards else first_result
        state.adapt_search(match, first_result)
        state.colors[number] = match.colors
        if match.cost < good_cost:
            state.appearance.update(match.colors)
        if not backwards:
            self._confirm(track, number, as_predicted=match.cost < good_cost, after_gap=predicted.gap > 1)
        return True

    def _confirm(self, track: Track, number: int, *, as_predicted: bool, after_gap: bool) -> None:
        """Count a frame for a track, and search backwards once it is confirmed, or found again after a gap."""
        state = self.states[track.number]
        state.confirmations += as_predicted
        just_confirmed = state.confirmations == CONFIRMING_FRAMES  # and so until the next frame is counted
        if just_confirmed and as_predicted:
            self._search_first_pose_again(track)
        if state.is_confirmed and (after_gap or just_confirmed):
            self._search_backwards(track, track.frames[0] if just_confirmed else number)

    def _find_match(
        self,
        frame: np.ndarray,
        target: Target,
        others: list[Target],
        crops: Iterator[tuple[Crop, list[Prediction]]],
        good_cost: float,
    ) -> tuple[Match | None, str]:
        """Return the cheapest match in the crops, or None, and the result of the first crop.

        Crops are tried until a match costs less than `good_cost`, in torso lengths; each comes with the people to paint out
        in it, and counts as one estimate. The match may cost more than a pose of this person may. The result of the first crop
        is "" if its match was good, "poor" for another match, "nobody" if no pose in it fits this person. A pose that costs
        less for one of the others is that person's.
        """
        best: Match | None = None
        first_result = ""
        for attempt, (crop, masked) in enumerate(crops):
            for pose in self._estimate(frame, crop, masked, target.predicted):
                if pose_cost(pose, target.predicted) > _MAX_COST:
                    continue
                colors = body_colors(frame, pose, target.predicted.torso)
                cost = target.cost(pose, colors)
                if any(other.cost(pose, colors) < cost for other in others):
                    continue
                if best is None or cost < best.cost:
                    best = Match(pose, cost, crop, attempt, colors)
            if best and best.cost < good_cost:
                break
            first_result = first_result or ("poor" if best else "nobody")
        return best, first_result

    def _estimate(
        self, frame: np.ndarray, crop: Crop, masked: list[Prediction], wanted: Prediction | None = None
    ) -> np.ndarray:
        """Return the people (people, 25, 3) found in a crop, in the picture's pixels; unseen outside the picture.

        People with under 4 core joints are left out. Those in `masked` are painted out; the `wanted` person is spared.
        """
        self.estimates[-1] += 1
        picture = crop.cut(frame)
        people = self._find_people(mask_people(picture, crop, masked, wanted) if masked else picture)
        people = crop.to_picture(people)
        height, width = frame.shape[:2]
        inside = ((people[..., :2] >= 0) & (people[..., :2] <= (width, height))).all(axis=-1)
        people[~inside] = np.nan, np.nan, 0
        return people[inside[:, CORE_JOINTS].sum(axis=1) >= MIN_CORE_JOINTS]

    def _other_targets(self, track: Track, number: int, backwards: bool) -> list[Target]:
        """Return the other confirmed people who are, or should be, in this frame."""
        others = [t for t in self.tracker.tracks if t is not track and self.states[t.number].is_confirmed]
        late = 0 if backwards else _RARE_GAP
        there = [t for t in others if t.frames[0] <= number <= t.frames[-1] + late]
        return [Target(_pose_in(t, number), self.states[t.number].appearance) for t in there]

    # --- people who are new or come back --------------------------------------------------------------------------

    def _search_overviews(self, number: int, frame: np.ndarray, crops: list[Crop]) -> None:
        """Search crops of the whole picture for people who are not known yet, or unseen."""
        for crop in crops:
            known = [_pose_in(track, number) for track in self.tracker.tracks if track.frames[-1] == number]
            for pose in self._estimate(frame, crop, known):
                here = [track for track in self.tracker.tracks if track.frames[-1] == number]
                new = not any(_is_beside(pose, track) for track in here)
                colors = body_colors(frame, pose, estimate_torso_lengths(pose[None, :, :2])[0])
                cost = self._appearance_cost(colors)
                (found,) = self.tracker.update(number, pose[None], start=new, extra_cost=cost)
                if found < 0:
                    continue
                self._found_new |= found not in self.states
                status = "found again" if found in self.states else "found"
                state = self.states.setdefault(found, TrackState())
                state.leans[number], state.status[number], state.colors[number] = crop.lean, status, colors
                if state.is_confirmed:
                    self._search_backwards(self.tracker.tracks[found], number)

    def _appearance_cost(self, colors: np.ndarray) -> Callable[[Track], float]:
        """Return a function: track -> weighted `Appearance.cost` of colours (PARTS, 3), in torso lengths."""
        return lambda track: _APPEARANCE_WEIGHT * self.states[track.number].appearance.cost(colors)

    def _next_overviews(self, frame: np.ndarray, *, alone: bool, due: bool) -> list[Crop]:
        """Return the next crop of the whole picture; if nobody is known, also turned ones, tiles, or all at once."""
        turned = turned_overviews(frame) if alone and (due or self._frames_alone <= _TENTATIVE_GAP) else ()
        if alone and due:
            return [*overview_crops(frame), *turned]
        crops = [*overview_crops(frame), *(tile_crops(frame) if alone else ())]
        self._overviews += 1
        return [crops[(self._overviews - 1) % len(crops)], *turned]

    # --- searching backwards --------------------------------------------------------------------------------------

    def _keep_frame(self, number: int, frame: np.ndarray) -> None:
        """Keep a frame for searching backwards, and drop the oldest ones."""
        self._kept_frames.append((number, frame))
        while len(self._kept_frames) > min(_KEPT_FRAMES, max(8, _KEPT_BYTES // frame.nbytes)):
            self._kept_frames.popleft()

    def _search_first_pose_again(self, track: Track) -> None:
        """Search the first frame of a track again, upright, if the pose of the overview fits the next poses badly.

        The old pose stays if the search finds no better one.
        """
        state, number, pose = self.states[track.number], track.frames.pop(0), track.poses.pop(0)
        predicted, frame = predict_pose(track, number, backwards=True), dict(self._kept_frames).get(number)
        before = state.leans[number], state.status[number], state.colors[number]
        cost = pose_cost(pose, predicted)
        fits = cost < _POOR_FIRST_COST
        if fits or frame is None or not self._continue(track, number, frame, backwards=True):
            track.frames.insert(0, number)
            track.poses.insert(0, pose)
        elif pose_cost(track.poses[0], predicted) >= cost:
            track.add(number, pose)
        else:
            return
        state.leans[number], state.status[number], state.colors[number] = before

    def _search_backwards(self, track: Track, number: int) -> None:
        """Search the frames kept before `number`, backwards, until the person is known or lost for 9 frames."""
        missed = 0
        for earlier, frame in reversed(self._kept_frames):
            if earlier >= number:
                continue
            if earlier in track.frames or missed > _RARE_GAP:
                return
            missed = 0 if self._continue(track, earlier, frame, backwards=True) else missed + 1


def _pose_in(track: Track, number: int) -> Prediction:
    """Return the pose of a person in a frame, or the predicted pose if there is none."""
    at = int(np.searchsorted(track.frames, number))
    if at < len(track.frames) and track.frames[at] == number:
        pose = track.poses[at]
        return Prediction(pose, float(torso_lean(pose[:, :2])), track.torso, 1)
    return predict_pose(track, number)


def _is_beside(pose: np.ndarray, track: Track) -> bool:
    """Return True if a pose (25, 3) lies over the newest pose of a track."""
    away = np.linalg.norm(torso_middle(pose) - torso_middle(track.poses[-1]))
    return bool(away < _NEAR_DISTANCE * track.torso)
