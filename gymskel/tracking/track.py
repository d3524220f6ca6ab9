"""One person over time, where the joints are expected next, and how badly a pose continues that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import mean_of_seen
from gymskel.skeleton import BODY_25
from gymskel.tracking.geometry import BONES, MIRROR, angles, bones, centers, median, torsos, turned

USUAL_FPS = 30.0
"""Frames a second where nobody said."""

_STEPS = 8  # of which velocity and turning are the median
_LASTING = np.array([2.0, 0.4, 0.3])  # seconds over which going sideways, up or down, and turning die away
_GRAVITY = 20.0  # torso lengths of half a metre per second squared


@dataclass(frozen=True, eq=False)
class Bodies:
    """What is known of n people after the last frame each was seen in; pixels and seconds.

    Attributes:
        last: (n,) second of that frame.
        seen: (n,) frames seen so far.
        joints: (n, 25, 2) those unseen are carried along with the body; NaN if never seen.
        at: (n, 25) second in which each joint was last seen.
        times: (n, 8) when: the last steps from frame to frame.
        rates: (n, 8, 3) the steps: x, y and turning, in pixels and radians (clockwise) a second.
        reach: (n, bones) the bones when not foreshortened.
        look: (n, bones) the bones in the last few poses.
        size: (n,) length of the torso.
    """

    last: Array
    seen: Array
    joints: Array
    at: Array
    times: Array
    rates: Array
    reach: Array
    look: Array
    size: Array

    @classmethod
    def unseen(cls) -> Bodies:
        """One person of whom nothing is known yet."""
        joints, nan = len(BODY_25), np.nan
        return cls(
            np.zeros(1),
            np.zeros(1, int),
            np.full((1, joints, 2), nan),
            np.full((1, joints), -np.inf),
            np.full((1, _STEPS), nan),
            np.full((1, _STEPS, 3), nan),
            np.full((1, BONES), nan),
            np.full((1, BONES), nan),
            np.ones(1),
        )

    @classmethod
    def joined(cls, several: Iterable[Bodies]) -> Bodies:
        """All in one."""
        several = list(several)
        return cls(*(np.concatenate([getattr(one, field.name) for one in several]) for field in fields(cls)))

    def apart(self) -> list[Bodies]:
        """Each on its own."""
        columns = [getattr(self, field.name) for field in fields(self)]
        return [Bodies(*(column[n : n + 1] for column in columns)) for n in range(len(self.last))]

    def take(self, at: Array) -> Bodies:
        """Some of them, by their (k,) indices."""
        return Bodies(*(getattr(self, field.name)[at] for field in fields(self)))

    def put(self, at: Array, others: Bodies) -> None:
        """Writes `others` in the place of those at (k,) indices."""
        for field in fields(self):
            getattr(self, field.name)[at] = getattr(others, field.name)

    def later(self, seconds: Array) -> Bodies:
        """The same, but all that was seen was seen (n,) seconds later."""
        after = seconds[:, None]
        return replace(self, last=self.last + seconds, at=self.at + after, times=self.times + after)

    @property
    def motion(self) -> Array:
        """(n, 3) x, y and turning of the body, in pixels and radians a second, as they were lately."""
        lately = self._lately
        count = lately.sum(axis=1)[:, None]
        rates = median(np.where(lately[..., None], self.rates, np.nan), axis=1)
        return np.nan_to_num(rates) * count / (count + 0.3)  # one step alone is not much trusted

    @property
    def _lately(self) -> Array:
        return abs(self.last[:, None] - self.times) < 0.3

    def expect(self, now: float) -> Array:
        """(n, 25, 2) where the joints are expected: the body keeps going, less and less so; who jumped falls."""
        gaps, motion = (now - self.last)[:, None], self.motion
        way = motion * np.sign(gaps) * _LASTING * (1 - np.exp(-abs(gaps) / _LASTING))
        ago = median(np.where(self._lately, self.last[:, None] - self.times, np.nan), axis=1)
        up, gap, fall = motion[:, 1], gaps[:, 0], _GRAVITY * self.size
        arc = up * gap + fall * (gap / 2 + ago) * gap
        jumped = (up < -1.5 * self.size) & (gap > 0) & (gap < 0.5)
        way[:, 1] = np.where(jumped, arc, way[:, 1])
        return turned(self.joints, way[:, 2], centers(self.joints)) + way[:, None, :2]

    def see(self, now: float, xy: Array) -> Bodies:
        """As they are after a frame at the second `now` with poses (n, 25, 2); time may also fall throughout."""
        blank = ~np.isfinite(xy[..., 0]).any(axis=1)
        known = self.seen > 0
        seconds = np.where(known, now - self.last, 0.0)
        joints, step, strange = self._step(now, xy)
        joints = np.where(known[:, None, None], joints, np.nan)
        xy = np.where((strange & known[:, None])[..., None], np.nan, xy)
        here = np.isfinite(xy[..., 0])
        moved = known & (seconds != 0)
        rate = np.where(moved[:, None], step / np.where(moved, seconds, 1)[:, None], np.nan)
        joints = np.where(here[..., None], xy, joints)
        reach, look = self._measure(bones(xy), abs(seconds))
        after = Bodies(
            np.where(blank, self.last, now),
            self.seen + ~blank,
            joints,
            np.where(here, now, self.at),
            np.concatenate([self.times[:, 1:], np.where(moved, now, np.nan)[:, None]], axis=1),
            np.concatenate([self.rates[:, 1:], rate[:, None]], axis=1),
            reach,
            look,
            torsos(joints, reach),
        )
        return after if not blank.any() else after._but(self, blank)

    def _but(self, other: Bodies, where: Array) -> Bodies:
        """Those of `other` at (n,) `where`."""
        one, two = self.apart(), other.apart()
        return Bodies.joined(b if skip else a for a, b, skip in zip(one, two, where, strict=True))

    def _step(self, now: float, xy: Array) -> tuple[Array, Array, Array]:
        """The joints carried along to new poses, (n, 3) the step, (n, 25) joints that are somebody else's."""
        both = np.isfinite(self.joints[..., 0] + xy[..., 0])
        fresh = abs(now - self.at) < 0.2
        strange = np.zeros(both.shape, bool)
        for _ in range(2):  # the second time without joints that do not go along
            mine = (both & ~strange)[..., None]
            one, other = np.where(mine, self.joints, np.nan), np.where(mine, xy, np.nan)
            by = angles(one, other)
            about = np.nan_to_num(mean_of_seen(one))
            carried = turned(self.joints, by, about)
            way = median(other - turned(one, by, about), axis=1)
            way = np.where(
                np.isnan(way), mean_of_seen(xy) - mean_of_seen(self.joints), way
            )  # upper half before, lower half now
            carried = carried + np.nan_to_num(way)[:, None]
            off = np.linalg.norm(xy - carried, axis=-1) / self.size[:, None]
            usual = median(np.where(mine[..., 0], off, np.nan), axis=1)[:, None]
            strange = both & fresh & (off > np.fmax(0.5, 3 * usual))
        return carried, np.concatenate([np.nan_to_num(way), by[:, None]], axis=1), strange

    def _measure(self, lengths: Array, seconds: Array) -> tuple[Array, Array]:
        """`reach` grows at once, though not for a single pose, and shrinks over seconds; `look` goes along."""
        change, seconds = lengths - self.reach, seconds[:, None]
        most = (0.02 + 0.2 / (1 + self.seen))[:, None] * self.reach
        change = np.where(change < 0, (1 - np.exp(-seconds / 3)) * change, np.minimum(0.2 * change, most))
        reach = np.where(np.isnan(self.reach), lengths, self.reach + np.nan_to_num(change))
        keep = np.where(np.isnan(self.look), 0, np.exp(-seconds / 0.1))
        look = keep * np.nan_to_num(self.look) + (1 - keep) * lengths
        return reach, np.where(np.isnan(lengths), self.look, look)


class Track:
    """One person over time.

    Attributes:
        number: index of the track, in order of first appearance.
        fps: frames a second.
        frames: numbers of the frames the person was found in, strictly rising.
        poses: (25, 3) float32 for each of them.
        body: what is known of the person after the last frame; its times are in seconds.
    """

    def __init__(self, number: int, fps: float | None = None) -> None:
        self.number, self.fps = number, fps or USUAL_FPS
        self.frames: list[int] = []
        self.poses: list[Array] = []
        self.body = Bodies.unseen()

    @classmethod
    def of(cls, number: int, fps: float | None, frames: list[int], poses: list[Array], body: Bodies) -> Track:
        """A track of frames, strictly rising, a (25, 3) pose for each, and the body after them."""
        track = cls(number, fps)
        track.frames, track.poses, track.body = list(frames), list(poses), body
        return track

    def __repr__(self) -> str:
        span = f"{self.frames[0]} to {self.frames[-1]}" if self.frames else "none"
        return f"<Track {self.number}: {len(self.frames)} frames, {span}>"

    def add(self, frame: int, pose: Array) -> None:
        """Takes a (25, 3) pose in; a frame that is there already gets the new pose."""
        pose = np.asarray(pose, np.float32)
        if not self.frames or frame > self.frames[-1]:
            xy = pose[None, :, :2].astype(float)
            self.append(frame, pose, self.body.see(frame / self.fps, xy))
            return
        at = int(np.searchsorted(self.frames, frame))
        if self.frames[at] == frame:
            self.poses[at] = pose
        else:
            self.frames.insert(at, frame)
            self.poses.insert(at, pose)
        self.body = self._replay(self.frames[-1] + 1)

    def append(self, frame: int, pose: Array, body: Bodies) -> None:
        """Takes in a pose after all others, and the body as it is then."""
        self.frames.append(frame)
        self.poses.append(pose)
        self.body = body

    def back_to(self, frame: int, body: Bodies) -> tuple[list[int], list[Array]]:
        """Gives away this frame and those after it, which were somebody else's: their numbers and poses."""
        keep = int(np.searchsorted(self.frames, frame))
        given = self.frames[keep:], self.poses[keep:]
        self.frames[keep:], self.poses[keep:], self.body = [], [], body
        return given

    def predict(self, frame: int) -> Array:
        """(25, 2) where the joints are expected in a frame, in pixels; NaN for joints never seen.

        They are carried along by the body's velocity and turning, less and less so over a gap. It is the
        frames before `frame` that tell; where there are none, those after it, backwards.
        """
        return self.body_at(frame).expect(frame / self.fps)[0]

    @property
    def size(self) -> float:
        """Length of the torso in pixels, from the bones at their longest lately; never 0 or NaN."""
        return float(self.body.size[0])

    def body_at(self, frame: int) -> Bodies:
        """What is known for that frame from others than itself."""
        return self.body if not self.frames or self.frames[-1] < frame else self._replay(frame)

    def _replay(self, frame: int) -> Bodies:
        """The body after the last second before `frame`, or else after the first second from it on, in reverse."""
        most, body = int(self.fps) + 1, Bodies.unseen()
        at = int(np.searchsorted(self.frames, frame))
        for n in range(max(0, at - most), at) or reversed(range(at, min(len(self.frames), at + most))):
            if self.frames[n] != frame:
                body = body.see(self.frames[n] / self.fps, self.poses[n][None, :, :2].astype(float))
        return body


def distance(track: Track, pose: Array, frame: int) -> float:
    """How badly a (25, 3) pose continues a track, in torso lengths.

    The mean distance of the joints seen in both to where they are expected, the worst third left out, the
    body turned within what a body may turn since it was last seen; and a part for bones that are too long,
    for another size, for left and right exchanged, and for few joints to tell from. inf if there are none.
    """
    body, now = track.body_at(frame), frame / track.fps
    only = np.zeros(1, int)
    place, build, _ = distances(body, body.expect(now), now, np.asarray(pose, float)[None, :, :2], only, only)
    return float(place[0] + build[0])


def distances(
    bodies: Bodies, expected: Array, now: float, xy: Array, b: Array, p: Array
) -> tuple[Array, Array, Array]:
    """(pairs,) of `bodies` b and poses `xy` p: how far from the place `expected`, how unlike in build, and in size.

    Place in torso lengths, build likewise (what it is worth), size as a logarithm.
    """
    gaps = abs(now - bodies.last)[b]
    free = np.minimum(np.radians(10 + 500 * gaps), np.pi)  # beyond the turning that is expected anyway
    unseen = abs(bodies.last[:, None] - bodies.at)
    weights = np.exp(-unseen / 0.15)[b]  # where a joint is that was not seen lately, is not known well
    plain = _misfit(expected[b], xy[p], weights, free, bodies.size[b])
    swapped = _misfit(expected[b], xy[:, MIRROR][p], weights, free, bodies.size[b]) + 0.1
    known = np.stack([bodies.reach[b], bodies.look[b]])
    longer = np.log(np.maximum(bones(xy)[p], 1e-3) / np.maximum(known, 1e-3))  # (2, pairs, bones)
    count = np.isfinite(longer[0]).sum(axis=1)
    stretch = np.nan_to_num(np.clip(longer[0] - 0.25, 0, 1)).sum(axis=1) / np.maximum(count, 1)
    sizes = np.nan_to_num(median(longer, axis=2))  # the middle bone, as single joints may be somebody else's
    sizes[0] += 0.08 * (count > 0)  # in a single pose some bones always look shorter
    change = sizes[np.argmin(abs(sizes), axis=0), np.arange(len(b))] * np.clip((count - 1) / 4, 0, 1)
    change = np.clip(2 * (abs(change) - 0.12 - 0.6 * gaps), 0, np.where(change > 0, 0.3, 0.5))
    build = np.maximum(np.minimum(0.5 * stretch, 0.3), change)  # turning away from the camera takes a while
    return np.minimum(plain, swapped), build, sizes[0] * np.minimum((count + 1) / 5, 1)


def _misfit(expected: Array, xy: Array, weights: Array, free: Array, sizes: Array) -> Array:
    """(n,) mean distance of the joints in torso lengths after turning within `free` radians; inf if none."""
    both = np.isfinite(expected[..., 0] + xy[..., 0])
    weights = np.where(both, weights, 0)
    by = np.clip(angles(expected, xy), -free, free)
    about = mean_of_seen(np.where(both[..., None], expected, np.nan))
    straight, aside = (
        _nearest(np.linalg.norm(xy - other, axis=-1) / sizes[:, None], weights)
        for other in (expected, turned(expected, by, about))
    )
    few = 0.4 / np.maximum(weights.sum(axis=1), 0.4)
    return np.where(both.any(axis=1), np.fmin(straight, aside + 0.05 * abs(by)) + few, np.inf)


def _nearest(away: Array, weights: Array) -> Array:
    """(n,) weighted mean of the distances (n, joints), without the worst third."""
    order = np.argsort(away, axis=1)  # NaN last
    away, weights = (np.take_along_axis(values, order, axis=1) for values in (away, weights))
    share = (2 / 3) * weights.sum(axis=1, keepdims=True)
    kept = np.clip(share - (np.cumsum(weights, axis=1) - weights), 0, weights)
    return np.where(kept > 0, kept * away, 0).sum(axis=1) / np.maximum(share[:, 0], 1e-9)
