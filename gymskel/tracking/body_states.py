"""The state of many bodies after the last frame each was seen in, and the prediction of their joints from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import mean_of_seen
from gymskel.skeleton import BODY_25
from gymskel.tracking.geometry import (
    BONE_COUNT,
    alignment_angles,
    body_centers,
    bone_lengths,
    estimate_torso_lengths,
    nan_median,
    rotate_about,
)

_STEP_COUNT = 8  # latest steps that are kept; velocity and turning are medians of the recent ones
_RECENT = 0.3  # seconds before the last frame in which a step counts as recent
_DECAY = np.array([2.0, 0.4, 0.3])  # seconds over which motion sideways, up or down, and turning die away
_GRAVITY = 20.0  # torso lengths per second squared, for a torso of half a metre


class BodyStates(NamedTuple):
    """The state of n bodies after the last frame each was seen in, in pixels and seconds."""

    last_seen: Array  # (n,) second of that frame
    frame_counts: Array  # (n,) number of frames seen so far
    joints: Array  # (n, 25, 2) places; unseen joints are carried along with the body; NaN if never seen
    joint_times: Array  # (n, 25) second in which each joint was last seen; -inf if never
    step_times: Array  # (n, 8) seconds of the latest steps from frame to frame; NaN where there are fewer
    steps: Array  # (n, 8, 3) velocity of each: x, y and turning (clockwise), in pixels and radians a second
    full_bones: Array  # (n, bones) lengths of the bones when not foreshortened
    recent_bones: Array  # (n, bones) lengths of the bones in the last few poses
    torso: Array  # (n,) torso length

    @classmethod
    def unknown(cls) -> BodyStates:
        """Return the state of one body that was never seen."""
        joints, nan = len(BODY_25), np.nan
        return cls(
            np.zeros(1),
            np.zeros(1, int),
            np.full((1, joints, 2), nan),
            np.full((1, joints), -np.inf),
            np.full((1, _STEP_COUNT), nan),
            np.full((1, _STEP_COUNT, 3), nan),
            np.full((1, BONE_COUNT), nan),
            np.full((1, BONE_COUNT), nan),
            np.ones(1),
        )

    @classmethod
    def concatenate(cls, several: Iterable[BodyStates]) -> BodyStates:
        """Return all bodies of several states as one, in their order."""
        return cls(*(np.concatenate(columns) for columns in zip(*several, strict=True)))

    def split(self) -> list[BodyStates]:
        """Return a state of one body for each body."""
        return [BodyStates(*(column[n : n + 1] for column in self)) for n in range(len(self.last_seen))]

    def select(self, at: Array) -> BodyStates:
        """Return the bodies at (k,) indices."""
        return BodyStates(*(column[at] for column in self))

    def overwrite(self, at: Array, others: BodyStates) -> None:
        """Overwrite the bodies at (k,) indices with the k bodies of `others`."""
        for column, values in zip(self, others, strict=True):
            column[at] = values

    def delayed(self, seconds: Array) -> BodyStates:
        """Return the same bodies, everything seen (n,) seconds later."""
        last_seen, after = self.last_seen + seconds, seconds[:, None]
        joint_times, step_times = self.joint_times + after, self.step_times + after
        return self._replace(last_seen=last_seen, joint_times=joint_times, step_times=step_times)

    @property
    def motion(self) -> Array:
        """(n, 3) recent velocity of each body: x, y and turning, in pixels and radians a second."""
        recent = self._recent
        count = recent.sum(axis=1)[:, None]
        velocity = nan_median(np.where(recent[..., None], self.steps, np.nan), axis=1)
        return np.nan_to_num(velocity) * count / (count + 0.3)  # one step alone is not much trusted

    @property
    def _recent(self) -> Array:
        """(n, 8) bool: the steps near the last frame."""
        return abs(self.last_seen[:, None] - self.step_times) < _RECENT

    def predict(self, now: float | Array) -> Array:
        """Predict the joints (n, 25, 2) at the second `now`, or at (n,) seconds.

        A body goes on as it moved lately, less and less so; a body that jumped falls.
        """
        gaps, motion = (now - self.last_seen)[:, None], self.motion
        travel = motion * np.sign(gaps) * _DECAY * (1 - np.exp(-abs(gaps) / _DECAY))
        recent_times = np.where(self._recent, self.last_seen[:, None] - self.step_times, np.nan)
        age = nan_median(recent_times, axis=1)  # of the velocity, seconds
        up, gap, fall = motion[:, 1], gaps[:, 0], _GRAVITY * self.torso
        arc = up * gap + fall * (gap / 2 + age) * gap
        jumped = (up < -1.5 * self.torso) & (gap > 0) & (gap < 0.5)
        travel[:, 1] = np.where(jumped, arc, travel[:, 1])
        return rotate_about(self.joints, travel[:, 2], body_centers(self.joints)) + travel[:, None, :2]

    def update(self, now: float, xy: Array) -> BodyStates:
        """Return the states after a frame at the second `now` with poses (n, 25, 2).

        A pose without any joint leaves its body as it was. Frames may also be given backwards in time, all of them.
        """
        empty = ~np.isfinite(xy[..., 0]).any(axis=1)
        known = self.frame_counts > 0
        seconds = np.where(known, now - self.last_seen, 0.0)
        joints, step, foreign = self._align(now, xy)
        joints = np.where(known[:, None, None], joints, np.nan)
        xy = np.where((foreign & known[:, None])[..., None], np.nan, xy)
        seen = np.isfinite(xy[..., 0])
        moved = known & (seconds != 0)
        velocity = np.where(moved[:, None], step / np.where(moved, seconds, 1)[:, None], np.nan)
        joints = np.where(seen[..., None], xy, joints)
        full_bones, recent_bones = self._update_bones(bone_lengths(xy), abs(seconds))
        after = BodyStates(
            np.where(empty, self.last_seen, now),
            self.frame_counts + ~empty,
            joints,
            np.where(seen, now, self.joint_times),
            np.concatenate([self.step_times[:, 1:], np.where(moved, now, np.nan)[:, None]], axis=1),
            np.concatenate([self.steps[:, 1:], velocity[:, None]], axis=1),
            full_bones,
            recent_bones,
            estimate_torso_lengths(joints, full_bones),
        )
        at = np.flatnonzero(empty)
        after.overwrite(at, self.select(at))
        return after

    def _align(self, now: float, xy: Array) -> tuple[Array, Array, Array]:
        """Move and turn the known joints onto new poses.

        Returns:
            (n, 25, 2) the known joints in their new places; (n, 3) the step: x, y and turning; (n, 25) bool: joints of
            `xy` that do not go along with the body, so are another person's.
        """
        both = np.isfinite(self.joints[..., 0] + xy[..., 0])
        fresh = abs(now - self.joint_times) < 0.2
        foreign = np.zeros(both.shape, bool)
        for _ in range(2):  # the second time without joints that do not go along
            own = (both & ~foreign)[..., None]
            before, after = np.where(own, self.joints, np.nan), np.where(own, xy, np.nan)
            turn = alignment_angles(before, after)
            about = np.nan_to_num(mean_of_seen(before))
            aligned = rotate_about(self.joints, turn, about)
            shift = nan_median(after - rotate_about(before, turn, about), axis=1)
            # no joint in common: upper half before, lower half now
            shift = np.where(np.isnan(shift), mean_of_seen(xy) - mean_of_seen(self.joints), shift)
            aligned = aligned + np.nan_to_num(shift)[:, None]
            off = np.linalg.norm(xy - aligned, axis=-1) / self.torso[:, None]
            usual = nan_median(np.where(own[..., 0], off, np.nan), axis=1)[:, None]
            foreign = both & fresh & (off > np.fmax(0.5, 3 * usual))
        return aligned, np.concatenate([np.nan_to_num(shift), turn[:, None]], axis=1), foreign

    def _update_bones(self, lengths: Array, seconds: Array) -> tuple[Array, Array]:
        """Return `full_bones` and `recent_bones` after a pose with bones of these lengths, (n,) seconds later.

        Full lengths grow at once, though not for a single pose, and shrink over seconds.
        """
        change, seconds = lengths - self.full_bones, seconds[:, None]
        most = (0.02 + 0.2 / (1 + self.frame_counts))[:, None] * self.full_bones
        change = np.where(change < 0, (1 - np.exp(-seconds / 3)) * change, np.minimum(0.2 * change, most))
        full = np.where(np.isnan(self.full_bones), lengths, self.full_bones + np.nan_to_num(change))
        keep = np.where(np.isnan(self.recent_bones), 0, np.exp(-seconds / 0.1))
        recent = keep * np.nan_to_num(self.recent_bones) + (1 - keep) * lengths
        return full, np.where(np.isnan(lengths), self.recent_bones, recent)
