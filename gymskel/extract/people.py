"""Who is who: the people of each frame joined to tracks, and which track is the athlete's. Keypoints only.

    tracker = Tracker(fps)
    for frame, people in enumerate(found):       # (n, 25, 3) BODY_25, pixels, unseen = NaN, NaN, 0
        numbers = tracker.update(frame, people)  # the track of each, -1 for those dropped
    athlete, = choose(tracker.tracks, "athlete", fps, image_size)

The lengths here are torso lengths of the person in question, and the times seconds, so that neither the
picture's size nor the frame rate needs settings.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import permutations

import numpy as np
from numpy import ndarray as Array
from scipy.optimize import linear_sum_assignment

from gymskel.skeleton import BODY_25

USUAL_FPS = 30.0
"""Frames a second where nobody said."""

DOUBLE = 0.3
"""Torso lengths: two poses in one frame whose joints lie nearer together are one person, found twice."""

_MIRROR = BODY_25.mirror_order
_TRUNK = BODY_25.indices("Neck RShoulder LShoulder MidHip RHip LHip".split())
_BODY = BODY_25.indices(  # without face and feet, which would count a walker's ankles five times
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle".split()
)
_ROOT = BODY_25.index("MidHip")

# Bones in torso lengths: medians of the 113 published recordings, each bone at its longest (80th percentile);
# the shoulder, which those show from the side, as wide as from the front. Left and right are measured
# together, as estimators mistake one for the other.
_USUAL = {
    ("Neck", "MidHip"): 1.0,
    ("RShoulder", "RHip"): 1.03,
    ("Neck", "RShoulder"): 0.36,
    ("RShoulder", "RElbow"): 0.63,
    ("RElbow", "RWrist"): 0.58,
    ("RHip", "RKnee"): 0.84,
    ("RKnee", "RAnkle"): 0.87,
    ("Neck", "Nose"): 0.48,
}
_RIGHT = np.array([BODY_25.indices(pair) for pair in _USUAL])
_LEFT = np.array(_MIRROR)[_RIGHT]
_LENGTHS = np.array(list(_USUAL.values()))

_GATE = 0.9  # what continuing a track may cost at most
_NEVER = 1e6  # an assignment that is not allowed; finite, as the solver wants it


class Track:
    """One person over time.

    Attributes:
        number: index of the track, in order of first appearance.
        fps: frames a second.
        frames: numbers of the frames he was found in, strictly rising.
        poses: (25, 3) float32 for each of them.
    """

    def __init__(self, number: int, fps: float | None = None) -> None:
        self.number, self.fps = number, fps or USUAL_FPS
        self.frames: list[int] = []
        self.poses: list[Array] = []
        self._state = _State(self.fps)

    def __repr__(self) -> str:
        span = f"{self.frames[0]} to {self.frames[-1]}" if self.frames else "none"
        return f"<Track {self.number}: {len(self.frames)} frames, {span}>"

    def add(self, frame: int, pose: Array) -> None:
        """Takes a (25, 3) pose in; a frame that is there already gets the new pose."""
        pose = np.asarray(pose, np.float32)
        if not self.frames or frame > self.frames[-1]:
            self.frames.append(frame)
            self.poses.append(pose)
            self._state.see(frame, pose)
            return
        at = int(np.searchsorted(self.frames, frame))
        if self.frames[at] == frame:
            self.poses[at] = pose
        else:
            self.frames.insert(at, frame)
            self.poses.insert(at, pose)
        self._state = self._replay(self.frames[-1] + 1)

    def predict(self, frame: int) -> Array:
        """(25, 2) where the joints are expected in a frame, in pixels; NaN for joints never seen.

        They are carried along by the body's velocity and turning, less and less so over a gap. It is the
        frames before `frame` that tell; where there are none, those after it, backwards.
        """
        return _expect([self._state_at(frame)], frame)[0]

    @property
    def size(self) -> float:
        """Length of the torso in pixels, from the bones at their longest lately; never 0 or NaN."""
        return self._state.size

    def _state_at(self, frame: int) -> _State:
        """What is known of the person for that frame, without the frame itself."""
        return self._state if not self.frames or self.frames[-1] < frame else self._replay(frame)

    def _replay(self, frame: int) -> _State:
        """The state from the last second before `frame`, or else the first second after it, in reverse."""
        most, state = int(self.fps) + 1, _State(self.fps)
        at = int(np.searchsorted(self.frames, frame))
        past = range(max(0, at - most), at)
        for n in past or reversed(range(at, min(len(self.frames), at + most))):
            if self.frames[n] != frame:
                state.see(self.frames[n], self.poses[n])
        return state


class _State:
    """What is known of a person after a frame: where the joints are, how they move, how long the bones are."""

    def __init__(self, fps: float) -> None:
        self.fps, self.frame, self.seen = fps, 0, 0
        self.known = np.full((len(BODY_25), 2), np.nan)  # unseen joints: carried along with the body
        self.at = np.full(len(BODY_25), -np.inf)  # frame in which each joint was last seen
        self.velocity = np.zeros(2)  # of the body, pixels a second
        self.turn = 0.0  # radians a second, clockwise on screen
        self.reach = np.full(len(_LENGTHS), np.nan)  # pixels: bones when not foreshortened
        self.size = 1.0  # pixels
        self.look = np.nan  # pixels: torso length that the last few poses look like
        self._steps: list[tuple[float, Array]] = []  # (second, (3,) velocity and turn) of the last few frames

    def see(self, frame: int, pose: Array) -> None:
        """Goes on to a pose; frames may also fall throughout."""
        xy = pose[:, :2].astype(float)
        seen = np.isfinite(xy[:, 0])
        if not seen.any():
            return
        seconds = abs(frame - self.frame) / self.fps if self.seen else 0.0
        if self.seen:
            self._step(frame, xy, seen, (frame - self.frame) / self.fps)
        self.known[seen], self.at[seen] = xy[seen], frame
        self._measure(xy, seconds)
        self.frame, self.seen = frame, self.seen + 1

    def _step(self, frame: int, xy: Array, seen: Array, seconds: float) -> None:
        both = seen & np.isfinite(self.known[:, 0])
        if both.any():
            angle = float(_angles(self.known, xy)) if both.sum() >= 5 else 0.0
            moves = xy[both] - self.known[both]
            step = np.sort(moves, axis=0)[len(moves) // 2]
            about = self.known[both].mean(axis=0)
            self.known = _turned(self.known[None], np.array([angle]), about[None])[0] + step
        else:  # an upper half before, a lower half now: better than nothing
            angle, step = 0.0, xy[seen].mean(axis=0) - np.nanmean(self.known, axis=0)
            self.known = self.known + step
        now = frame / self.fps
        self._steps.append((now, np.array([*step, angle]) / seconds))
        lately = [rates for at, rates in self._steps[-8:] if abs(now - at) < 0.3]
        del self._steps[:-8]
        rates = np.median(lately, axis=0) * len(lately) / (len(lately) + 0.3)  # one alone is not much trusted
        self.velocity, self.turn = rates[:2], float(rates[2])

    def _measure(self, xy: Array, seconds: float) -> None:
        """Bones grow to what is seen, a little at a time, and shrink over seconds: shorter is mostly foreshortened."""
        bones = _bones(xy)
        change = np.minimum(0.2 * (bones - self.reach), (0.02 + 0.2 / (1 + self.seen)) * self.reach)
        change = np.where(change < 0, (1 - np.exp(-seconds / 3)) * (bones - self.reach), change)
        self.reach = np.where(np.isnan(self.reach), bones, self.reach + np.nan_to_num(change))
        size, now = _scale(np.array([self.reach, bones]))
        self.size = max(1.0, float(size if np.isfinite(size) else _sizes(self.known[None])[0]))
        keep = np.exp(-seconds / 0.1)
        if np.isfinite(now):
            self.look = now if np.isnan(self.look) else keep * self.look + (1 - keep) * now


def _middle(values: Array, axis: int) -> Array:
    """The lower median of what is not NaN along an axis: fast, and silent about all NaN."""
    ordered = np.sort(values, axis=axis)
    at = np.maximum(np.isfinite(values).sum(axis=axis, keepdims=True) - 1, 0) // 2
    return np.take_along_axis(ordered, at, axis=axis).squeeze(axis)


def _bones(xy: Array) -> Array:
    """(..., 8) pixels: each bone, the longer one of left and right; NaN where neither is seen."""
    ends = np.stack([xy[..., _RIGHT, :], xy[..., _LEFT, :]])
    return np.fmax(*np.linalg.norm(ends[..., 1, :] - ends[..., 0, :], axis=-1))


def _scale(bones: Array) -> Array:
    """(n,) pixels of a torso length from (n, 8) bones: the third quarter, as turned away bones look short."""
    ratios = np.sort(bones / _LENGTHS, axis=1)
    at = (np.maximum(np.isfinite(bones).sum(axis=1) - 1, 0) * 0.75 + 0.5).astype(int)
    return np.take_along_axis(ratios, at[:, None], axis=1)[:, 0]


def _sizes(xy: Array) -> Array:
    """(n,) pixels of a torso length of (n, 25, 2) poses; by their extent where no bone is seen."""
    low, high = (extreme(xy, axis=1) for extreme in (np.fmin.reduce, np.fmax.reduce))
    scale, extent = _scale(_bones(xy)), np.linalg.norm(high - low, axis=1) / 3
    return np.where(np.isfinite(scale), scale, np.maximum(extent, 1))


def _centers(xy: Array) -> Array:
    """(..., 2) middle of the trunk, or of whatever is seen where the trunk is not."""
    trunk = _mean(xy[..., _TRUNK, :])
    return np.where(np.isnan(trunk), _mean(xy), trunk)


def _mean(xy: Array) -> Array:
    """(..., 2) mean over the joints that are seen; NaN if none is."""
    seen = np.isfinite(xy[..., :1])
    count = seen.sum(axis=-2)
    return np.where(count, np.where(seen, xy, 0).sum(axis=-2) / np.maximum(count, 1), np.nan)


def _angles(one: Array, other: Array) -> Array:
    """(...,) radians by which `one` is turned best to look like `other`, over the joints seen in both."""
    both = np.isfinite(one[..., :1] + other[..., :1])
    a, b = (xy - _mean(np.where(both, xy, np.nan))[..., None, :] for xy in (one, other))
    a, b = np.where(both, a, 0), np.where(both, b, 0)
    cross = (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]).sum(axis=-1)
    return np.arctan2(cross, (a * b).sum(axis=(-2, -1)))


def _turned(xy: Array, angles: Array, about: Array) -> Array:
    """(n, 25, 2) turned by (n,) radians about (n, 2) points."""
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, y = np.moveaxis(xy - about[:, None], -1, 0)
    return np.stack([c * x - s * y, s * x + c * y], axis=-1) + about[:, None]


def _expect(states: list[_State], frame: int) -> Array:
    """(n, 25, 2) where the joints are expected. Sideways the body keeps going, gravity ends all that rises."""
    gaps = np.array([(frame - state.frame) / state.fps for state in states])[:, None]
    known = np.array([state.known for state in states])
    velocity = np.array([state.velocity for state in states])
    turn = np.array([state.turn for state in states])
    fade = np.array([2.0, 0.4, 0.3])  # seconds over which x, y and the turning die away
    lasting = np.sign(gaps) * fade * (1 - np.exp(-np.abs(gaps) / fade))
    turned = _turned(known, turn * lasting[:, 2], _centers(known))
    return turned + (velocity * lasting[:, :2])[:, None]


def distance(track: Track, pose: Array, frame: int) -> float:
    """How badly a (25, 3) pose continues a track, in torso lengths.

    The mean distance of the joints seen in both to where they are expected, the worst fifth left out, the
    body turned within what a body may turn since it was last seen; and a part for bones that are too long,
    for another size, for left and right exchanged, and for few joints to tell from. inf if there are none.
    """
    state = track._state_at(frame)
    poses = np.asarray(pose, float)[None, :, :2]
    only = np.zeros(1, int)
    place, build, _ = _distances([state], _expect([state], frame), frame, poses, only, only)
    return float(place[0] + build[0])


def _distances(
    states: list[_State], expected: Array, frame: int, xy: Array, t: Array, p: Array
) -> tuple[Array, Array, Array]:
    """(pairs,) of poses `xy[p]` and states `t`: how far from the place expected, how unlike in build, log ratio of size."""
    gaps = np.array([abs(frame - state.frame) / state.fps for state in states])
    sizes = np.array([state.size for state in states])
    free = np.minimum(np.radians(10 + 500 * gaps), np.pi)[t]  # beyond the turning that is expected anyway
    unseen = np.array([abs(state.frame - state.at) / state.fps for state in states])
    weights = np.exp(-unseen / 0.15)[t]  # where a joint is that was not seen lately, is not known well
    plain = _misfit(expected[t], xy[p], weights, free, sizes[t])
    swapped = _misfit(expected[t], xy[:, _MIRROR][p], weights, free, sizes[t]) + 0.1
    bones, reach = _bones(xy), np.array([state.reach for state in states])
    too_long = np.clip(np.log(np.maximum(bones[p], 1e-3) / reach[t]) - 0.25, 0, 1)
    known = np.isfinite(too_long)
    stretch = np.where(known, too_long, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    scale = np.maximum(_scale(bones)[p], 1e-3)
    ratio = np.nan_to_num(np.log(scale / sizes[t]))
    looks = np.array([state.look for state in states])[t]
    change, may = (
        np.nan_to_num(np.log(scale / looks)),
        0.25 + gaps[t],
    )  # who turns away gets shorter by and by
    sure = np.minimum(np.isfinite(bones).sum(axis=1) / 6, 1)[p]
    larger = np.clip(0.5 * stretch + change - may, 0, 0.3)  # or a single joint is somebody else's
    smaller = np.clip(-change - may, 0, 0.4)
    build = np.maximum(np.minimum(0.5 * stretch, 0.3), sure * np.maximum(larger, smaller))
    return np.minimum(plain, swapped), build, ratio


def _misfit(expected: Array, xy: Array, weights: Array, free: Array, sizes: Array) -> Array:
    """(n,) mean distance of the joints in torso lengths after turning within `free` radians; inf if none."""
    both = np.isfinite(expected[..., 0] + xy[..., 0])
    weights = np.where(both, weights, 0)
    angles = np.where(both.sum(axis=1) >= 5, np.clip(_angles(expected, xy), -free, free), 0)
    about = _mean(np.where(both[..., None], expected, np.nan))
    away = np.linalg.norm(xy - _turned(expected, angles, about), axis=-1) / sizes[:, None]
    order = np.argsort(away, axis=1)  # NaN last
    away, weights = (np.take_along_axis(values, order, axis=1) for values in (away, weights))
    before = np.cumsum(weights, axis=1) - weights
    total = weights.sum(axis=1, keepdims=True)
    kept = np.clip(0.8 * total - before, 0, weights)
    sums = np.where(kept > 0, kept * away, 0).sum(axis=1)
    mean = sums / np.maximum(0.8 * total[:, 0], 1e-9) + 0.4 / np.maximum(total[:, 0], 0.4)
    return np.where(both.any(axis=1), mean + 0.05 * np.abs(angles), np.inf)


def _doubles(xy: Array, others: Array) -> Array:
    """(n, m) middle distance of the joints that two poses share, in torso lengths; inf if they share under 3."""
    apart = np.full((len(xy), len(others)), np.inf)
    if not apart.size:
        return apart
    scale = np.fmax(_sizes(xy)[:, None], _sizes(others))
    near = np.linalg.norm(_centers(xy)[:, None] - _centers(others), axis=-1) < 1.5 * scale
    i, j = np.nonzero(near)
    away = np.linalg.norm(xy[i] - others[j], axis=-1)
    enough = np.isfinite(away).sum(axis=1) >= 3
    apart[i, j] = np.where(enough, _middle(away, axis=1) / scale[i, j], np.inf)
    return apart


class Tracker:
    """Joins the people of each frame to tracks, frame after frame.

    Args:
        fps: frames a second; None = 30.
        memory: seconds for which somebody out of sight is remembered (less if he was seen only briefly).
        image_size: (width, height) in pixels, to know who left the picture; None = as far as joints were seen.

    Attributes:
        tracks: every track so far, in order of first appearance.
    """

    def __init__(
        self, fps: float | None, memory: float = 10.0, *, image_size: tuple[int, int] | None = None
    ) -> None:
        self.fps, self.memory = fps or USUAL_FPS, memory
        self.tracks: list[Track] = []
        self._older: dict[
            int, list[tuple[_State, int]]
        ] = {}  # before the last gaps, and the frames after them
        known = image_size is not None
        self._edges = np.array([[0, 0], image_size] if known else [[np.inf] * 2, [-np.inf] * 2], float)

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
        xy, live = np.asarray(people, float)[..., :2], self.live(frame)
        if not live or not len(xy):
            return []
        costs, _ = self._costs(live, frame, xy)
        taken = _doubles(xy, self._present(frame)).min(axis=1, initial=np.inf)
        costs = np.where((taken < DOUBLE) & (costs > taken), _NEVER, costs)
        apart = _doubles(xy, xy)
        while True:
            rows, columns = linear_sum_assignment(np.log1p((np.minimum(costs, _GATE) / 0.12) ** 2))
            found = [(t, p) for t, p in zip(rows, columns, strict=True) if costs[t, p] < _GATE]
            wrong = [
                (t, p)
                for (t, p), (u, q) in permutations(found, 2)
                if apart[p, q] < DOUBLE / 2 and costs[t, p] >= costs[u, q] and costs[t, p] > costs[u, p] + 0.1
            ]  # p may continue t, but rather is q, who continues u, once more
            if not wrong:
                return [(live[t], int(p)) for t, p in found]
            costs[tuple(np.transpose(wrong))] = _NEVER

    def update(self, frame: int, people: Array, *, start: bool = True) -> list[int]:
        """The track number of each of the (n, 25, 3) people, -1 for those dropped; the tracks take them in.

        May be called again for the same frame, with others found in it.

        Args:
            frame: number of the frame; no frame after it was given before.
            people: unseen joints NaN, NaN, 0.
            start: whoever continues no track starts one, unless it is a double or has under 4 joints.
        """
        people = np.asarray(people, np.float32).reshape(-1, len(BODY_25), 3)
        numbers = [-1] * len(people)
        for track, person in self.match(frame, people):
            self._continue(track, frame, people[person])
            numbers[person] = track.number
        if start:
            self._start(frame, people, numbers)
        joints = people[np.isfinite(people[..., 0])][:, :2]
        if len(joints):
            self._edges[0] = np.minimum(self._edges[0], joints.min(axis=0))
            self._edges[1] = np.maximum(self._edges[1], joints.max(axis=0))
        return numbers

    def _start(self, frame: int, people: Array, numbers: list[int]) -> None:
        """New tracks for those without one, the most completely seen first, so that doubles come later."""
        seen = np.isfinite(people[..., 0]).sum(axis=1)
        for person in np.argsort(-seen, kind="stable"):
            if numbers[person] >= 0 or seen[person] < 4:
                continue
            xy = people[person : person + 1, :, :2].astype(float)
            if (_doubles(xy, self._present(frame)) >= DOUBLE).all():
                track = Track(len(self.tracks), self.fps)
                track.add(frame, people[person])
                self.tracks.append(track)
                numbers[person] = track.number

    def _continue(self, track: Track, frame: int, pose: Array) -> None:
        """Adds the pose; to the track as it was before one of its last gaps if that is what the pose continues."""
        before = self._before(track)
        older = self._costs([track], frame, pose[None, :, :2].astype(float))[1][0, 0] if before else -1
        if older >= 0:
            state, first = before[older]
            keep = int(np.searchsorted(track.frames, first))
            track.frames[keep:], track.poses[keep:], track._state = [], [], state
            before = before[:older]
        if frame - track._state.frame > 1:
            before = [*before[-2:], (deepcopy(track._state), frame)]
        self._older[track.number] = before
        track.add(frame, pose)

    def _before(self, track: Track) -> list[tuple[_State, int]]:
        """The states before gaps since which the track was seen so little that it may have been somebody else."""
        older = self._older.get(track.number, [])
        return [(state, first) for state, first in older if track._state.seen - state.seen <= 0.2 * self.fps]

    def _present(self, frame: int) -> Array:
        """(n, 25, 2) the people of this frame that have a track."""
        poses = [track.poses[-1][:, :2] for track in self.tracks if track.frames[-1] == frame]
        return np.array(poses, float).reshape(-1, len(BODY_25), 2)

    def _costs(self, live: list[Track], frame: int, xy: Array) -> tuple[Array, Array]:
        """(tracks, people) what each continuation costs, and which older state it continues (-1 = the last)."""
        older = [
            (t, n, state) for t, track in enumerate(live) for n, (state, _) in enumerate(self._before(track))
        ]
        states = [track._state for track in live] + [state for _, _, state in older]
        young = np.array([len(track.frames) < 3 for track in live] + [False] * len(older))
        costs, before = np.split(self._state_costs(states, young, frame, xy), [len(live)])
        which = np.full(costs.shape, -1)
        for (t, n, _), other in zip(older, before + 0.2, strict=True):
            which[t] = np.where(other < costs[t], n, which[t])
            costs[t] = np.minimum(costs[t], other)
        return costs, which

    def _state_costs(self, states: list[_State], young: Array, frame: int, xy: Array) -> Array:
        """(states, people) what each continuation costs; the longer unseen, the less the place says."""
        gaps = np.array([(frame - state.frame) / self.fps for state in states])
        speed = np.array([np.linalg.norm(state.velocity) / state.size for state in states])
        tolerance = _GATE + (2 + 0.6 * speed) * np.minimum(gaps, 1) + young * np.minimum(12 * gaps, 1)
        expected = _expect(states, frame)
        sizes = np.array([state.size for state in states])
        away = np.linalg.norm(_centers(expected)[:, None] - _centers(xy), axis=-1) / sizes[:, None]
        returning = self._returning(states, frame, xy)
        t, p = np.nonzero((away < tolerance[:, None] + 1.5) | np.isfinite(returning))
        place, build, ratio = _distances(states, expected, frame, xy, t, p)
        late = np.minimum(gaps, 1)[t]
        size = np.abs(ratio + 0.08)  # a single pose looks smaller than the body is
        back = returning[t, p] + 1.5 * size + build
        stay = place * _GATE / tolerance[t] + build + late * (0.2 + np.minimum(size, 0.5) + build)
        costs = np.full(away.shape, _NEVER)
        costs[t, p] = np.fmin(np.fmin(stay, back) + 0.05 * young[t], _NEVER)
        return costs

    def _returning(self, states: list[_State], frame: int, xy: Array) -> Array:
        """(states, people) what it costs that he went out of the picture and is back at one of its edges; or inf."""
        sizes = np.array([state.size for state in states])
        gaps = np.array([(frame - state.frame) / state.fps for state in states])
        velocity = np.array([state.velocity for state in states])
        known = np.array([state.known for state in states])
        middles = _centers(known)
        onward = middles + velocity * gaps[:, None]
        gone = (self._inside(onward[:, None]) < 0.5 * sizes) | (self._inside(known) < 0.5 * sizes)
        way = np.linalg.norm(middles[:, None] - _centers(xy), axis=-1) / sizes[:, None]
        price = np.where(gone[:, None], 0.3, np.where(way < 1 + 5 * gaps[:, None], 0.45, np.inf))
        here = (gaps > 0.2)[:, None] & (self._inside(xy) < 1.5 * sizes[:, None])
        return np.where(here, price, np.inf)

    def _inside(self, xy: Array) -> Array:
        """(n,) pixels from the joint of (n, joints, 2) nearest to the left or right edge; negative outside."""
        low, high = self._edges[:, 0]
        return np.fmin(xy[..., 0] - low, high - xy[..., 0]).min(
            axis=1, initial=np.inf, where=np.isfinite(xy[..., 0])
        )


def own_movement(track: Track | Array, fps: float | None) -> float:
    """How much a body moves in itself: torso lengths a second at which joints move about the middle of the hips.

    It is the middle of the liveliest half second, so that neither a long walk adds up to a somersault nor a
    few wrong frames do; what trembles as an estimator does is taken off.

    Args:
        track: a track, or (frames, 25, 3) keypoints.
        fps: frames a second; None = 30.
    """
    keypoints = _filled(track) if isinstance(track, Track) else np.asarray(track)
    fps = fps or USUAL_FPS
    xy = keypoints[..., :2].astype(float)
    size = _middle(_scale(_bones(xy)), axis=0)
    lag, half = max(1, round(0.1 * fps)), max(1, round(0.03 * fps))
    if len(xy) <= lag or not size > 0:
        return 0.0
    padded = np.pad(xy, ((half, half), (0, 0), (0, 0)), constant_values=np.nan)
    windows = [padded[n : n + len(xy)] for n in range(2 * half + 1)]
    moves = np.diff(
        _middle(np.array(windows), axis=0)[[np.arange(len(xy) - lag), np.arange(lag, len(xy))]], axis=0
    )[0]
    body = np.where(np.isnan(moves[:, _ROOT]), _middle(moves, axis=1), moves[:, _ROOT])
    square = ((moves - body[:, None])[:, _BODY] ** 2).sum(axis=-1)
    tremble = _middle(np.abs(np.diff(xy[:, _BODY], n=2, axis=0)), axis=0) / 0.6745  # of each: 6 variances
    square -= (tremble**2).sum(axis=-1) / 6 * 2 * 1.57 / (2 * half + 1)  # a median keeps pi/2 / n of it
    speed = np.sqrt(np.maximum(square, 0)) / size * fps / lag
    speed = np.sort(speed, axis=1)[:, :-2]  # the two fastest joints, or unseen ones, do not count
    seen = np.isfinite(speed)
    mean = np.where(
        seen.sum(axis=1) >= 5, np.where(seen, speed, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), 0
    )
    width = max(1, round(0.5 * fps))
    mean = np.pad(mean, (0, max(0, width - len(mean))))
    return float(np.median(np.lib.stride_tricks.sliding_window_view(mean, width), axis=1).max())


def _filled(track: Track) -> Array:
    """(frames, 25, 3) from the first frame to the last; NaN where he was not found."""
    keypoints = np.full((track.frames[-1] - track.frames[0] + 1, len(BODY_25), 3), np.nan, np.float32)
    keypoints[np.subtract(track.frames, track.frames[0])] = track.poses
    return keypoints


def choose(
    tracks: list[Track],
    people: str | int | tuple[float, float],
    fps: float | None,
    image_size: tuple[int, int] | None,
) -> list[Track]:
    """The tracks wanted: one of them, or several for "all"; none where there are no tracks.

    Whoever was there for less than 0.2 s, or never moves (a poster), is taken only if nobody else is there.

    Args:
        tracks: as the `Tracker` made them.
        people: "athlete" (whose body moves most in itself), "largest", "longest" (found in most frames),
            "all" (without those of under 0.2 s, if others are there), the number of a track, or a point x, y in
            pixels: whoever was nearest to it in the first half second of the own track.
        fps: frames a second; None = 30.
        image_size: (width, height) in pixels, or None; a point must lie in it.

    Raises:
        ValueError: another word; no track of that number; a point outside the picture.
    """
    fps, tracks = fps or USUAL_FPS, [track for track in tracks if track.frames]
    if isinstance(people, (int, np.integer)) and not isinstance(people, bool):
        wanted = [track for track in tracks if track.number == people]
        if not wanted:
            there = ", ".join(str(track.number) for track in tracks) or "none"
            raise ValueError(f"No person {people} here; there are {there}.")
        return wanted
    if people == "all":
        return [track for track in tracks if not _is_brief(track, fps)] or tracks
    if isinstance(people, str) and people in _WORTH:
        worth = {track.number: _WORTH[people](track, fps) for track in tracks}
    else:
        point = _point(people, image_size)
        worth = {track.number: -_away(track, point, fps) for track in tracks}
    best = sorted(tracks, key=lambda t: (_is_brief(t, fps), _is_still(t, fps), -worth[t.number], t.number))
    return best[:1]


_WORTH = {
    "athlete": own_movement,
    "largest": lambda track, fps: float(_middle(_scale(_bones(np.array(track.poses)[..., :2])), axis=0)),
    "longest": lambda track, fps: float(len(track.frames)),
}


def _point(people: object, image_size: tuple[int, int] | None) -> Array:
    try:
        point = np.array(people, float)
    except (TypeError, ValueError):
        point = np.empty(0)
    if point.shape != (2,) or not np.isfinite(point).all():
        words = ", ".join([*_WORTH, "all"])
        raise ValueError(
            f"`people` must be {words}, the number of a person or a point (x, y), got {people!r}."
        )
    if image_size is not None and not ((point >= 0) & (point <= image_size)).all():
        raise ValueError(
            f"The point {tuple(people)} lies outside the picture of {image_size[0]} x {image_size[1]} pixels."
        )
    return point


def _away(track: Track, point: Array, fps: float) -> float:
    """Pixels from the point to the nearest joint, in the middle of the track's first half second."""
    first = np.array(track.poses[: max(1, round(fps / 2))])[..., :2]
    return float(np.median(np.nanmin(np.linalg.norm(first - point, axis=-1), axis=1)))


def _is_brief(track: Track, fps: float) -> bool:
    return len(track.frames) < 0.2 * fps


def _is_still(track: Track, fps: float) -> bool:
    """Whether nothing moves, neither in the body nor the body in the picture."""
    xy = np.array(track.poses)[..., :2]
    places = (
        np.median(_centers(xy)[: len(xy) // 5 * 5].reshape(5, -1, 2), axis=1)
        if len(xy) >= 5
        else _centers(xy)
    )
    travel = np.ptp(places, axis=0).max() / track.size
    return own_movement(track, fps) < 0.15 and travel < 0.3
