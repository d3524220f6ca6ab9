"""The tracker: people found in each frame are assigned to tracks, from keypoints alone.

    tracker = Tracker(fps)
    for frame, people in enumerate(detections):  # (n, 25, 3) BODY_25, pixels, unseen = NaN, NaN, 0
        numbers = tracker.update(frame, people)  # the track of each person so far, -1 for those without a track
    [athlete] = select_tracks(tracker.finish(), "athlete", fps, image_size)

Lengths are counted in torso lengths of the person in question and times in seconds, so that neither the
picture's size nor the frame rate needs settings.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
from numpy import ndarray as Array
from scipy.optimize import linear_sum_assignment

from gymskel.skeleton import BODY_25
from gymskel.tracking.association import FORBIDDEN, GATE, continuation_costs
from gymskel.tracking.body_states import BodyStates
from gymskel.tracking.geometry import pose_distances, remove_shared_joints
from gymskel.tracking.stitching import stitch_tracks
from gymskel.tracking.track import DEFAULT_FPS, Track

_DUPLICATE_DISTANCE = 0.3  # torso lengths from a person of the same frame, below which a pose starts no track
_ONE_PERSON_DISTANCE = _DUPLICATE_DISTANCE / 2  # torso lengths; two people who cross are further apart
_MEMORY = 10.0  # seconds out of sight after which a track is not continued; shorter for a short track
_MIN_JOINTS = 4  # a pose with fewer starts no track

# a track, the index of the person who continues it, and the earlier state that is continued (-1 = the last)
Assignment = tuple[Track, int, int]
ExtraCost = Callable[[Track], float]


class Tracker:
    """Assigns the people of each frame to tracks, frame after frame.

    Args:
        fps: frames a second; None = 30.
        image_size: (width, height) in pixels, to know who left the picture; None = as far as joints were seen.

    Attributes:
        tracks: every track so far, in order of first appearance; `finish` returns them stitched.
        edges: x of the left and the right edge of the picture, as far as known.
    """

    def __init__(self, fps: float | None, *, image_size: tuple[int, int] | None = None) -> None:
        self.fps = fps or DEFAULT_FPS
        self.tracks: list[Track] = []
        self.edges = (np.inf, -np.inf) if image_size is None else (0.0, float(image_size[0]))
        self._unassigned: list[tuple[list[int], list[Array]]] = []  # frames and poses that are in no track
        # track number -> states before its last gaps, each with the frame after the gap
        self._earlier_states: dict[int, list[tuple[BodyStates, int]]] = {}

    def active(self, frame: int) -> list[Track]:
        """Return the tracks that may be continued at this frame: not in it yet, and not too long unseen."""
        return [track for track in self.tracks if 0 < self._gap(track, frame) <= _memory(track)]

    def _gap(self, track: Track, frame: int) -> float:
        return (frame - track.frames[-1]) / self.fps

    def update(
        self, frame: int, people: Array, *, start: bool = True, extra_cost: ExtraCost | None = None
    ) -> list[int]:
        """Assign the people of a frame to tracks, add their poses, and return their track numbers, -1 for none.

        May be called again for the same frame, with other people found in it.

        Args:
            frame: number of the frame; not smaller than in earlier calls.
            people: (n, 25, 3), unseen joints NaN, NaN, 0.
            start: a person who continues no track starts one, unless it is a duplicate or has under 4 joints.
            extra_cost: cost of continuing a track that keypoints do not show, such as other clothes.
        """
        people = np.asarray(people, np.float32).reshape(-1, len(BODY_25), 3)
        numbers = [-1] * len(people)
        matches = self._match(frame, people, extra_cost)
        for track, person, earlier in matches:
            self._restore_earlier_state(track, frame, earlier)
            numbers[person] = track.number
        if matches:
            bodies = BodyStates.concatenate(track.body for track, _, _ in matches)
            own = remove_shared_joints(people[..., :2].astype(float))[[person for _, person, _ in matches]]
            after = bodies.update(frame / self.fps, own).split()
            for (track, person, _), body in zip(matches, after, strict=True):
                track.append(frame, people[person], body)
        if start:
            self._start_tracks(frame, people, numbers)
        x = people[..., 0]
        left, right = self.edges
        self.edges = np.fmin.reduce(x, axis=None, initial=left), np.fmax.reduce(x, axis=None, initial=right)
        return numbers

    def finish(self) -> list[Track]:
        """Return the tracks after the last frame, stitched from both sides of each gap and numbered anew."""
        return stitch_tracks(self.tracks, self._unassigned, self.fps, self.edges)

    def _start_tracks(self, frame: int, people: Array, numbers: list[int]) -> None:
        """Start tracks for people without one, the most complete pose first; keep duplicates unassigned for `finish`."""
        seen = np.isfinite(people[..., 0]).sum(axis=1)
        for person in np.argsort(-seen, kind="stable"):
            if numbers[person] >= 0 or seen[person] < _MIN_JOINTS:
                continue
            xy = people[person : person + 1, :, :2].astype(float)
            if (pose_distances(xy, self._poses_in(frame)) >= _DUPLICATE_DISTANCE).all():
                track = Track(len(self.tracks), self.fps)
                track.add(frame, people[person])
                self.tracks.append(track)
                numbers[person] = track.number
        for pose, number, joints in zip(people, numbers, seen, strict=True):
            if number < 0 and joints >= _MIN_JOINTS:
                self._unassigned.append(([frame], [pose]))

    def _poses_in(self, frame: int) -> Array:
        """Return (n, 25, 2): the poses of this frame that are in a track."""
        poses = [track.poses[-1][:, :2] for track in self.tracks if track.frames[-1] == frame]
        return np.array(poses, float).reshape(-1, len(BODY_25), 2)

    def _restore_earlier_state(self, track: Track, frame: int, earlier: int) -> None:
        """Cut off the poses since the earlier state that is continued, if any, and note a gap before `frame`."""
        states = self._states_before_gaps(track)
        if earlier >= 0:
            body, first = states[earlier]
            self._unassigned.append(track.cut_from(first, body))
            states = states[:earlier]
        if frame - track.frames[-1] > 1:
            states = [*states[-2:], (track.body, frame)]
        self._earlier_states[track.number] = states

    def _states_before_gaps(self, track: Track) -> list[tuple[BodyStates, int]]:
        """Return the states before gaps with less than 0.2 s of frames since: these may be another person's."""
        least = track.body.frame_counts[0] - 0.2 * self.fps
        states = self._earlier_states.get(track.number, [])
        return [(body, first) for body, first in states if body.frame_counts[0] >= least]

    def _match(self, frame: int, people: Array, extra_cost: ExtraCost | None) -> list[Assignment]:
        """Return the assignment of people (n, 25, 3) to active tracks that costs least in all.

        Of poses that are one person found twice only the one that fits best is assigned.
        """
        xy, active = np.asarray(people, float)[..., :2], self.active(frame)
        if not active or not len(xy):
            return []
        costs, earlier = self._costs(active, frame, remove_shared_joints(xy))
        if extra_cost is not None:
            costs += np.array([[extra_cost(track)] for track in active])
        taken = pose_distances(xy, self._poses_in(frame)).min(axis=1, initial=np.inf)
        costs[(taken < _DUPLICATE_DISTANCE) & (costs > taken)] = FORBIDDEN
        duplicate = pose_distances(xy, xy) < _ONE_PERSON_DISTANCE
        margins = np.array([0.15 if self._gap(track, frame) <= 0.1 else 0.0 for track in active])
        while True:
            # outliers cost little more than near misses: one body half hidden must not drag others along
            rows, columns = linear_sum_assignment(np.log1p((np.minimum(costs, GATE) / 0.12) ** 2))
            found = [(t, p) for t, p in zip(rows, columns, strict=True) if costs[t, p] < GATE]
            ambiguous = [(t, p) for t, p in found if duplicate[p].sum() > 1]
            wrong = [
                (t, p)
                for (t, p), (u, q) in permutations(ambiguous, 2)
                if duplicate[p, q] and costs[t, p] >= costs[u, q] and costs[t, p] > costs[u, p] + margins[t]
            ]  # p may continue t, but rather is q, who continues u, once more
            if not wrong:
                return [(active[t], int(p), int(earlier[t, p])) for t, p in found]
            costs[tuple(np.transpose(wrong))] = FORBIDDEN

    def _costs(self, active: list[Track], frame: int, xy: Array) -> tuple[Array, Array]:
        """Return (tracks, people) costs, and which earlier state each continues (-1 = the last)."""
        states = [(t, enumerate(self._states_before_gaps(track))) for t, track in enumerate(active)]
        earlier = [(t, n, body) for t, before in states for n, (body, _) in before]
        bodies = BodyStates.concatenate([track.body for track in active] + [body for _, _, body in earlier])
        all_costs = continuation_costs(bodies, frame / self.fps, xy, self.edges)
        costs, earlier_costs = np.split(all_costs, [len(active)])
        continued = np.full(costs.shape, -1)
        for (t, n, _), others in zip(earlier, earlier_costs + 0.2, strict=True):
            continued[t] = np.where(others < costs[t], n, continued[t])
            costs[t] = np.minimum(costs[t], others)
        return costs, continued


def _memory(track: Track) -> float:
    """Return the seconds out of sight for which a track may still be continued."""
    return min(_MEMORY, 0.3 + 3 * len(track.frames) / track.fps)
