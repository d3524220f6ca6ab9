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
from gymskel.tracking.association import FORBIDDEN, assignment_losses, continuation_costs
from gymskel.tracking.body_states import update_bodies
from gymskel.tracking.geometry import pose_distances, remove_shared_joints
from gymskel.tracking.params import DEFAULT_FPS, DEFAULT_PARAMS, MIN_JOINTS, TrackingParams
from gymskel.tracking.stitching import Run, stitch_tracks
from gymskel.tracking.track import Observation, Track

ExtraCost = Callable[[Track], float]


class Tracker:
    """Assigns the people of each frame to tracks, frame after frame.

    Args:
        fps: frames a second; None = 30.
        image_size: (width, height) in pixels, to know who left the picture; None = as far as joints were seen.
        params: the numbers that steer it.

    Attributes:
        tracks: every track so far, in order of first appearance; `finish` returns them stitched.
        edges: x of the left and the right edge of the picture, as far as known.
    """

    def __init__(
        self,
        fps: float | None,
        *,
        image_size: tuple[int, int] | None = None,
        params: TrackingParams = DEFAULT_PARAMS,
    ) -> None:
        self.fps, self.params = fps or DEFAULT_FPS, params
        self.tracks: list[Track] = []
        self.edges = (np.inf, -np.inf) if image_size is None else (0.0, float(image_size[0]))
        self._unassigned: list[Run] = []

    def active(self, frame: int) -> list[Track]:
        """Return the tracks that may be continued at this frame: not in it yet, and not too long unseen."""
        return [
            track for track in self.tracks if 0 < (frame - track.frames[-1]) / self.fps <= self._memory(track)
        ]

    def _memory(self, track: Track) -> float:
        """Return the seconds out of sight for which a track may still be continued."""
        grown = self.params.first_memory + self.params.memory_growth * len(track.frames) / self.fps
        return min(self.params.long_gap, grown)

    def update(
        self, frame: int, people: Array, *, start: bool = True, extra_cost: ExtraCost | None = None
    ) -> list[int]:
        """Assign the people of a frame to tracks, add their poses, and return their track numbers, -1 for none.

        May be called again for the same frame, with other people found in it.

        Args:
            frame: number of the frame; not smaller than in earlier calls.
            people: (n, 25, 3), unseen joints NaN, NaN, 0.
            start: a person who continues no track starts one, unless it is a duplicate or has too few joints.
            extra_cost: cost of continuing a track that keypoints do not show, such as other clothes.
        """
        people = np.asarray(people, np.float32).reshape(-1, len(BODY_25), 3)
        numbers = [-1] * len(people)
        matches = self._match(frame, people, extra_cost)
        if matches:
            bodies = np.concatenate([track.body for track, _ in matches])
            own = remove_shared_joints(people[..., :2].astype(float), self.params)
            xy = own[[person for _, person in matches]]
            after = update_bodies(bodies, frame / self.fps, xy, self.params)
            for n, (track, person) in enumerate(matches):
                track.append(frame, Observation(people[person]), after[n : n + 1])
                numbers[person] = track.number
        if start:
            self._start_tracks(frame, people, numbers)
        x = people[..., 0]
        left, right = self.edges
        self.edges = np.fmin.reduce(x, axis=None, initial=left), np.fmax.reduce(x, axis=None, initial=right)
        return numbers

    def finish(self) -> list[Track]:
        """Return the tracks after the last frame, stitched from both sides of each gap and numbered anew."""
        return stitch_tracks(self.tracks, self._unassigned, self.fps, self.edges, self.params)

    def _start_tracks(self, frame: int, people: Array, numbers: list[int]) -> None:
        """Start tracks for people without one, the most complete pose first; keep duplicates unassigned for `finish`."""
        seen = np.isfinite(people[..., 0]).sum(axis=1)
        for person in np.argsort(-seen, kind="stable"):
            if numbers[person] >= 0 or seen[person] < MIN_JOINTS:
                continue
            observation, xy = Observation(people[person]), people[person, :, :2].astype(float)
            if (pose_distances(xy[None], self._poses_in(frame)) < self.params.duplicate_distance).any():
                self._unassigned.append(([frame], [observation]))
                continue
            track = Track(len(self.tracks), self.fps, params=self.params)
            track.add(frame, observation)
            self.tracks.append(track)
            numbers[person] = track.number

    def _poses_in(self, frame: int) -> Array:
        """Return (n, 25, 2): the poses of this frame that are in a track."""
        poses = [track.observations[-1].pose[:, :2] for track in self.tracks if track.frames[-1] == frame]
        return np.array(poses, float).reshape(-1, len(BODY_25), 2)

    def _match(self, frame: int, people: Array, extra_cost: ExtraCost | None) -> list[tuple[Track, int]]:
        """Return the assignment of people (n, 25, 3) to active tracks that costs least in all."""
        xy, active = np.asarray(people, float)[..., :2], self.active(frame)
        if not active or not len(xy):
            return []
        bodies = np.concatenate([track.body for track in active])
        own = remove_shared_joints(xy, self.params)
        costs = continuation_costs(bodies, frame / self.fps, own, self.edges, self.params)
        if extra_cost is not None:
            costs += np.array([[extra_cost(track)] for track in active])
        taken = pose_distances(xy, self._poses_in(frame)).min(axis=1, initial=np.inf)
        costs[(taken < self.params.duplicate_distance) & (costs > taken)] = FORBIDDEN
        # two people who cross are further apart than half of this
        duplicate = pose_distances(xy, xy) < self.params.duplicate_distance / 2
        fresh = frame / self.fps - bodies["last_seen"] <= self.params.recent_seconds
        pairs = _assign(costs, duplicate, np.where(fresh, self.params.recent_margin, 0), self.params)
        return [(active[t], p) for t, p in pairs]


def _assign(costs: Array, duplicate: Array, margins: Array, params: TrackingParams) -> list[tuple[int, int]]:
    """Return pairs of a track and a person that cost least in all; of a person found twice only the better pose.

    Args:
        costs: (tracks, people), changed in place.
        duplicate: (people, people) bool: the two poses are one person found twice.
        margins: (tracks,) costs by which a duplicate must fit a track better than its twin, not to be left out.
    """
    while True:
        rows, columns = linear_sum_assignment(assignment_losses(costs, params))
        pairs = [(int(t), int(p)) for t, p in zip(rows, columns, strict=True) if costs[t, p] < params.gate]
        ambiguous = [(t, p) for t, p in pairs if duplicate[p].sum() > 1]
        wrong = [
            (t, p)
            for (t, p), (u, q) in permutations(ambiguous, 2)
            if duplicate[p, q] and costs[t, p] >= costs[u, q] and costs[t, p] > costs[u, p] + margins[t]
        ]  # p may continue t, but rather is q, who continues u, once more
        if not wrong:
            return pairs
        costs[tuple(np.transpose(wrong))] = FORBIDDEN
