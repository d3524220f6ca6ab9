"""Who is who: the people found in each frame joined to tracks, from keypoints alone.

    tracker = Tracker(fps)
    for frame, people in enumerate(found):       # (n, 25, 3) BODY_25, pixels, unseen = NaN, NaN, 0
        numbers = tracker.update(frame, people)  # the track of each so far, -1 for those dropped
    athlete, = select_tracks(tracker.finish(), "athlete", fps, image_size)

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
from gymskel.tracking.association import GATE, NEVER, continuation_costs
from gymskel.tracking.geometry import doubles, without_shared
from gymskel.tracking.selection import own_movement, select_tracks
from gymskel.tracking.stitching import relink
from gymskel.tracking.track import USUAL_FPS, Bodies, Track, distance

__all__ = ["Track", "Tracker", "select_tracks", "distance", "own_movement"]

DOUBLE = 0.3
"""Torso lengths: of poses in one frame that lie nearer together a second never starts a track of its own."""

_SAME = DOUBLE / 2  # nearer than two people who cross


class Tracker:
    """Joins the people of each frame to tracks, frame after frame.

    Args:
        fps: frames a second; None = 30.
        memory: seconds for which somebody out of sight is remembered (less if they were seen only briefly).
        image_size: (width, height) in pixels, to know who left the picture; None = as far as joints were seen.

    Attributes:
        tracks: every track so far, in order of first appearance; `finish` gives them mended in the end.
        edges: x of the left and the right edge of the picture, as far as known.
    """

    def __init__(
        self, fps: float | None, memory: float = 10.0, *, image_size: tuple[int, int] | None = None
    ) -> None:
        self.fps, self.memory = fps or USUAL_FPS, memory
        self.tracks: list[Track] = []
        self._aside: list[tuple[list[int], list[Array]]] = []  # frames and poses dropped, or taken back
        self.edges = (np.inf, -np.inf) if image_size is None else (0.0, float(image_size[0]))  # left, right
        self._older: dict[
            int, list[tuple[Bodies, int]]
        ] = {}  # as before the last gaps, and the frame after each

    def live(self, frame: int) -> list[Track]:
        """The tracks that may still be continued at this frame: those not in it yet, nor forgotten."""
        return [track for track in self.tracks if 0 < self._gap(track, frame) <= self._remembered(track)]

    def _gap(self, track: Track, frame: int) -> float:
        return (frame - track.frames[-1]) / self.fps

    def _remembered(self, track: Track) -> float:
        return min(self.memory, 0.3 + 3 * len(track.frames) / self.fps)

    def match(self, frame: int, people: Array) -> list[tuple[Track, int]]:
        """Which of the (n, 25, 3) people continue which tracks: the assignment that costs least in all.

        Of poses that are one person found twice only the one that fits best is assigned.
        """
        return [(track, person) for track, person, _ in self._match(frame, people)]

    def update(
        self,
        frame: int,
        people: Array,
        *,
        start: bool = True,
        besides: Callable[[Track], float] | None = None,
    ) -> list[int]:
        """The track number of each of the (n, 25, 3) people, -1 for those dropped; the tracks take them in.

        May be called again for the same frame, with others found in it.

        Args:
            frame: number of the frame; no frame after it was given before.
            people: unseen joints NaN, NaN, 0.
            start: whoever continues no track starts one, unless it is a double or has under 4 joints.
            besides: what continuing a track costs besides, for reasons that keypoints do not tell.
        """
        people = np.asarray(people, np.float32).reshape(-1, len(BODY_25), 3)
        numbers = [-1] * len(people)
        found = self._match(frame, people, besides)
        for track, person, older in found:
            self._look_back(track, frame, older)
            numbers[person] = track.number
        if found:
            bodies = Bodies.joined(track.body for track, _, _ in found)
            own = without_shared(people[..., :2].astype(float))[[person for _, person, _ in found]]
            after = bodies.see(frame / self.fps, own).apart()
            for (track, person, _), body in zip(found, after, strict=True):
                track.append(frame, people[person], body)
        if start:
            self._start(frame, people, numbers)
            self._keep_dropped(frame, people, numbers)
        x = people[..., 0]
        left, right = self.edges
        self.edges = np.fmin.reduce(x, axis=None, initial=left), np.fmax.reduce(x, axis=None, initial=right)
        return numbers

    def finish(self) -> list[Track]:
        """Everybody's track when all frames were given, mended by what came after (see `relink`), numbered anew."""
        return relink(self.tracks, self._aside, self.fps, self.edges)

    def _start(self, frame: int, people: Array, numbers: list[int]) -> None:
        """New tracks for those without one, the most completely seen first, so that doubles come later."""
        seen = np.isfinite(people[..., 0]).sum(axis=1)
        for person in np.argsort(-seen, kind="stable"):
            if numbers[person] >= 0 or seen[person] < 4:
                continue
            xy = people[person : person + 1, :, :2].astype(float)
            if (doubles(xy, self._present(frame)) >= DOUBLE).all():
                track = Track(len(self.tracks), self.fps)
                track.add(frame, people[person])
                self.tracks.append(track)
                numbers[person] = track.number

    def _keep_dropped(self, frame: int, people: Array, numbers: list[int]) -> None:
        """Sets aside who got no track; in the end it may be seen who it was."""
        for pose, number in zip(people, numbers, strict=True):
            if number < 0 and np.isfinite(pose[:, 0]).sum() >= 4:
                self._aside.append(([frame], [pose]))

    def _present(self, frame: int) -> Array:
        """(n, 25, 2) the people of this frame that have a track."""
        poses = [track.poses[-1][:, :2] for track in self.tracks if track.frames[-1] == frame]
        return np.array(poses, float).reshape(-1, len(BODY_25), 2)

    def _look_back(self, track: Track, frame: int, older: int) -> None:
        """Takes back what a track was given after an older gap, if it continues from there; notes a new gap."""
        before = self._before(track)
        if older >= 0:
            body, first = before[older]
            self._aside.append(track.back_to(first, body))
            before = before[:older]
        if frame - track.frames[-1] > 1:
            before = [*before[-2:], (track.body, frame)]
        self._older[track.number] = before

    def _before(self, track: Track) -> list[tuple[Bodies, int]]:
        """As it was before gaps since which so little was seen that it may have been somebody else."""
        seen = track.body.seen[0] - 0.2 * self.fps
        return [(body, first) for body, first in self._older.get(track.number, []) if body.seen[0] >= seen]

    def _match(
        self, frame: int, people: Array, besides: Callable[[Track], float] | None = None
    ) -> list[tuple[Track, int, int]]:
        """As `match`, and which older state of the track is continued (-1 = the last)."""
        xy, live = np.asarray(people, float)[..., :2], self.live(frame)
        if not live or not len(xy):
            return []
        costs, older = self._costs(live, frame, without_shared(xy))
        if besides is not None:
            costs += np.array([[besides(track)] for track in live])
        taken = doubles(xy, self._present(frame)).min(axis=1, initial=np.inf)
        costs[(taken < DOUBLE) & (costs > taken)] = NEVER
        same = doubles(xy, xy) < _SAME
        sure = np.array([0.15 if self._gap(track, frame) <= 0.1 else 0.0 for track in live])
        while True:
            # outliers cost little more than near misses: one body half hidden must not drag others along
            rows, columns = linear_sum_assignment(np.log1p((np.minimum(costs, GATE) / 0.12) ** 2))
            found = [(t, p) for t, p in zip(rows, columns, strict=True) if costs[t, p] < GATE]
            close = [one for one in found if same[one[1]].sum() > 1]
            wrong = [
                (t, p)
                for (t, p), (u, q) in permutations(close, 2)
                if same[p, q] and costs[t, p] >= costs[u, q] and costs[t, p] > costs[u, p] + sure[t]
            ]  # p may continue t, but rather is q, who continues u, once more
            if not wrong:
                return [(live[t], int(p), int(older[t, p])) for t, p in found]
            costs[tuple(np.transpose(wrong))] = NEVER

    def _costs(self, live: list[Track], frame: int, xy: Array) -> tuple[Array, Array]:
        """(tracks, people) what each continuation costs, and which older state it continues (-1 = the last)."""
        older = [
            (t, n, body) for t, track in enumerate(live) for n, (body, _) in enumerate(self._before(track))
        ]
        bodies = Bodies.joined([track.body for track in live] + [body for _, _, body in older])
        costs, before = np.split(continuation_costs(bodies, frame / self.fps, xy, self.edges), [len(live)])
        which = np.full(costs.shape, -1)
        for (t, n, _), other in zip(older, before + 0.2, strict=True):
            which[t] = np.where(other < costs[t], n, which[t])
            costs[t] = np.minimum(costs[t], other)
        return costs, which
