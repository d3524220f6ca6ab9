"""The follower: people are followed through a video with any estimator, also while they turn upside down.

For each person and frame: predict the pose from the frames before; propose crops of the picture, turned so that the
person stands upright; estimate the poses in them; associate the pose that continues the person best, whatever the
estimator's confidence; update the track. If no pose continues the person, the person is unseen in this frame. A person
found again is searched for backwards through the frames missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

import numpy as np

from gymskel.body_geometry import torso_middle
from gymskel.tracking.appearance import body_colors
from gymskel.tracking.crops import Crop, overview_crops, propose_crops, tile_crops, turned_overviews
from gymskel.tracking.geometry import estimate_torso_lengths
from gymskel.tracking.identity_swaps import undo_swaps
from gymskel.tracking.params import DEFAULT_FPS, DEFAULT_PARAMS, TrackingParams
from gymskel.tracking.person import Person
from gymskel.tracking.prediction import pose_cost, recent_limb_speed
from gymskel.tracking.search import FindPeople, Target, estimate_in_crop, find_match
from gymskel.tracking.stitching import join_tracks
from gymskel.tracking.track import Observation, Track
from gymskel.tracking.tracker import Tracker


class Follower:
    """Follows people through the frames of one video.

    Args:
        find_people: frame (height, width, 3) -> (people, 25, 3), a stateless estimator.
        fps: frames a second, or None.
        image_size: (width, height) in pixels, or None.
        params: the numbers that steer it.
        follow_all: follow all people at once, however many; by default a few, and the others are only known.

    Attributes:
        tracker: everybody's tracks, `tracker.tracks`.
        people: track number -> that person.
        estimates: number of calls of `find_people`, frame by frame; those of a search backwards count where it began.
    """

    def __init__(
        self,
        find_people: FindPeople,
        fps: float | None,
        image_size: tuple[int, int] | None = None,
        params: TrackingParams = DEFAULT_PARAMS,
        *,
        follow_all: bool = False,
    ) -> None:
        self.params = params
        self.tracker = Tracker(fps, image_size=image_size, params=self.params)
        self.people: dict[int, Person] = {}
        self.estimates: list[int] = []
        self._estimator = find_people
        self._max_followed = None if follow_all else self.params.max_followed
        self._fps = fps or DEFAULT_FPS
        self._overviews = 0  # shown so far
        self._found_new = False  # in the last overview
        self._frames_alone = 0  # frames in a row without anybody known
        self._kept_frames: deque[tuple[int, np.ndarray]] = deque()

    def step(self, number: int, frame: np.ndarray) -> None:
        """Take in the next frame (height, width, 3), in the order of the video."""
        self.estimates.append(0)
        self._keep_frame(number, frame)
        followed = self._people_to_follow(number)
        found = [self._follow(person, number, frame) for person in followed]
        self._frames_alone = 0 if followed else self._frames_alone + 1
        due = self._found_new or number % max(1, round(self.params.overview_seconds * self._fps)) == 0
        if due or not any(found):
            self._search_overviews(number, frame, self._next_overviews(frame, alone=not followed, due=due))

    def finish(self) -> list[Track]:
        """Return the tracks of confirmed people, the parts of one person joined; call it once, after the last frame.

        If nobody is confirmed, all tracks are returned. Identity swaps are undone.
        """
        tracks = [person.track for person in self.people.values() if person.is_confirmed]
        tracks = undo_swaps(tracks or self.tracker.tracks, self.params)
        return join_tracks(tracks, self._fps, self.tracker.edges, self.params)

    # --- people who are known -------------------------------------------------------------------------------------

    def _people_to_follow(self, number: int) -> list[Person]:
        """Return the people worth a search of their own: the largest, the liveliest, and one of the others in turn.

        People unseen for long are left out in two of three frames.
        """
        gaps = {track.number: number - track.frames[-1] for track in self.tracker.active(number)}
        near = [self.people[n] for n, gap in gaps.items() if gap <= self._max_gap(self.people[n])]
        near.sort(key=lambda person: -person.track.torso * min(len(person.track.frames), self._fps))
        if self._max_followed is not None and len(near) > self._max_followed:
            largest, *others = near
            others.sort(key=lambda person: -recent_limb_speed(person.track, number, self.params))
            kept = self._max_followed - 1
            # the tentative first, then the one whose last search is longest ago
            turn = min(others[kept:], key=lambda person: (person.is_confirmed, person.last_search))
            near = [largest, *others[:kept], turn]
        return [person for person in near if self._is_searched(gaps[person.track.number])]

    def _is_searched(self, gap: int) -> bool:
        """Return True if a person unseen for `gap` frames is searched for now."""
        return gap <= self.params.rare_gap or gap % self.params.rare_step == 0

    def _max_gap(self, person: Person) -> float:
        """Return the frames for which an unseen person is searched for at the predicted place."""
        confirmed = self.params.confirmed_seconds * self._fps
        return confirmed if person.is_confirmed else self.params.tentative_gap

    def _follow(self, person: Person, number: int, frame: np.ndarray, *, backwards: bool = False) -> bool:
        """Search a frame for a known person, add the pose to the track, and return True if it was found."""
        params = self.params
        person.last_search = max(person.last_search, number)
        target = person.target(number, backwards=backwards)
        others = self._other_targets(person, number, backwards)
        crops = propose_crops(
            target.predicted, [o.predicted for o in others], params, second_first=person.second_first
        )
        limit = params.tentative_crops if backwards or not person.is_confirmed else None
        good_cost = person.max_good_cost(target.predicted.gap)
        match = find_match(self._find_people, frame, islice(crops, limit), target, others, good_cost, params)
        if match is None:
            person.missed.add(number)
            return False
        person.track.add(number, match.observation("backwards" if backwards else match.first_result))
        person.adapt_search(match)
        if match.cost < good_cost:
            person.appearance.update(match.colors)
        if not backwards:
            self._confirm(person, number, as_predicted=match.cost < good_cost, gap=target.predicted.gap)
        return True

    def _find_people(self, picture: np.ndarray) -> np.ndarray:
        """Return the estimator's people in a picture, and count the call."""
        self.estimates[-1] += 1
        return self._estimator(picture)

    def _other_targets(self, person: Person, number: int, backwards: bool) -> list[Target]:
        """Return the other confirmed people who are, or should be, in this frame."""
        late = 0 if backwards else self.params.rare_gap
        return [
            other.target_in(number)
            for other in self.people.values()
            if other is not person
            and other.is_confirmed
            and other.track.frames[0] <= number <= other.track.frames[-1] + late
        ]

    def _confirm(self, person: Person, number: int, *, as_predicted: bool, gap: int) -> None:
        """Count a frame for a person, and search backwards once confirmed, or found again after a gap."""
        person.confirmations += as_predicted
        # and so until the next frame is counted
        just_confirmed = person.confirmations == self.params.confirming_frames
        if just_confirmed and as_predicted:
            self._search_first_frame_again(person)
        if person.is_confirmed and (gap > 1 or just_confirmed):
            self._search_backwards(person, person.track.frames[0] if just_confirmed else number)

    # --- people who are new or come back --------------------------------------------------------------------------

    def _search_overviews(self, number: int, frame: np.ndarray, crops: list[Crop]) -> None:
        """Search crops of the whole picture for people who are not known yet, or unseen."""
        self._found_new = False
        for crop in crops:
            known = [person.target_in(number).predicted for person in self._seen_in(number)]
            for pose in estimate_in_crop(self._find_people, frame, crop, known, self.params):
                torso = estimate_torso_lengths(pose[None, :, :2])[0]
                colors = body_colors(frame, pose, torso, self.params)
                new = not any(self._is_beside(pose, person.track) for person in self._seen_in(number))
                extra_cost = self._appearance_cost(colors)
                (found,) = self.tracker.update(number, pose[None], start=new, extra_cost=extra_cost)
                if found >= 0:
                    self._note_found(found, number, Observation(pose, colors, crop.lean))

    def _note_found(self, track_number: int, number: int, observation: Observation) -> None:
        """Note how the pose that the tracker gave to a track was found, and search backwards for a known person."""
        track = self.tracker.tracks[track_number]
        known = track_number in self.people
        track.observations[-1] = observation._replace(status="found again" if known else "found")
        self._found_new |= not known
        person = self.people.setdefault(track_number, Person(track, self.params))
        if person.is_confirmed:
            self._search_backwards(person, number)

    def _seen_in(self, number: int) -> list[Person]:
        """Return the people who were found in the newest frame."""
        return [person for person in self.people.values() if person.track.frames[-1] == number]

    def _is_beside(self, pose: np.ndarray, track: Track) -> bool:
        """Return True if a pose (25, 3) lies over the newest pose of a track."""
        away = np.linalg.norm(torso_middle(pose) - torso_middle(track.observations[-1].pose))
        return bool(away < self.params.beside_distance * track.torso)

    def _appearance_cost(self, colors: np.ndarray) -> Callable[[Track], float]:
        """Return a function: track -> weighted `Appearance.cost` of colours (PARTS, 3), in torso lengths."""
        weight = self.params.appearance_weight
        return lambda track: weight * self.people[track.number].appearance.cost(colors)

    def _next_overviews(self, frame: np.ndarray, *, alone: bool, due: bool) -> list[Crop]:
        """Return the next crop of the whole picture; if nobody is known, also turned ones, tiles, or all at once."""
        newly = alone and (due or self._frames_alone <= self.params.tentative_gap)
        turned = turned_overviews(frame, self.params) if newly else []
        crops = overview_crops(frame, self.params)
        if alone and due:
            return [*crops, *turned]
        crops += tile_crops(frame, self.params) if alone else []
        self._overviews += 1
        return [crops[(self._overviews - 1) % len(crops)], *turned]

    # --- searching backwards --------------------------------------------------------------------------------------

    def _keep_frame(self, number: int, frame: np.ndarray) -> None:
        """Keep a frame for searching backwards, and drop the oldest ones."""
        self._kept_frames.append((number, frame))
        affordable = max(self.params.rare_gap, self.params.kept_bytes // frame.nbytes)
        while len(self._kept_frames) > min(self.params.kept_frames, affordable):
            self._kept_frames.popleft()

    def _search_first_frame_again(self, person: Person) -> None:
        """Search the first frame of a track again, upright, if the pose of the overview fits the next poses badly.

        The old pose stays if the search finds no better one.
        """
        track = person.track
        number, first = track.frames.pop(0), track.observations.pop(0)
        target, frame = person.target(number, backwards=True), dict(self._kept_frames).get(number)
        cost = pose_cost(first.pose, target.predicted, self.params)
        if cost >= self.params.poor_first_cost and frame is not None:
            found = self._follow(person, number, frame, backwards=True)
            if found and pose_cost(track.observations[0].pose, target.predicted, self.params) < cost:
                return
        track.add(number, first)

    def _search_backwards(self, person: Person, number: int) -> None:
        """Search the frames kept before `number`, backwards, until the person is known or lost for too long."""
        missed = 0
        for earlier, frame in reversed(self._kept_frames):
            if earlier >= number:
                continue
            if earlier in person.track.frames or missed > self.params.rare_gap:
                return
            missed = 0 if self._follow(person, earlier, frame, backwards=True) else missed + 1
