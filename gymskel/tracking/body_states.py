"""The state of many bodies after the last frame each was seen in, and the prediction of their joints from it."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import mean_of_seen
from gymskel.skeleton import BODY_25
from gymskel.tracking.geometry import (
    alignment_angles,
    body_centers,
    bone_lengths,
    estimate_torso_lengths,
    nan_median,
    rotate_about,
)
from gymskel.tracking.params import USUAL_BONES, TrackingParams

_JOINTS, _STEPS = len(BODY_25), 8  # the velocity is a median, for which the latest 8 steps are enough

BODY = np.dtype(
    [
        ("last_seen", float),  # second of the last frame the body was seen in
        ("frame_count", int),  # frames seen so far
        ("joints", float, (_JOINTS, 2)),  # pixels; unseen joints are carried along; NaN if never seen
        ("joint_times", float, _JOINTS),  # second in which each joint was last seen; -inf if never
        ("step_times", float, _STEPS),  # seconds of the latest steps from frame to frame; NaN if fewer
        ("steps", float, (_STEPS, 3)),  # velocity of each: x, y, turning clockwise; pixels, radians a second
        ("recent_bones", float, len(USUAL_BONES)),  # pixels, in the last few poses
        ("full_bones", float, len(USUAL_BONES)),  # pixels, when not foreshortened
        ("torso", float),  # pixels
    ]
)
"""The state of one body. States of several are an array (bodies,) of this type."""


def unknown_bodies(count: int) -> Array:
    """Return the states (count,) of bodies that were never seen."""
    bodies = np.zeros(count, BODY)
    for name in ("joints", "step_times", "steps", "full_bones", "recent_bones"):
        bodies[name] = np.nan
    bodies["joint_times"], bodies["torso"] = -np.inf, 1
    return bodies


def delay(bodies: Array, seconds: Array) -> Array:
    """Return the same bodies, everything seen (n,) seconds later."""
    later = bodies.copy()
    later["last_seen"] += seconds
    later["joint_times"] += seconds[:, None]
    later["step_times"] += seconds[:, None]
    return later


def recent_motion(bodies: Array, seconds: float) -> Array:
    """Return the velocity (n, 3) of each body in its last `seconds`: x, y and turning, in pixels and radians a second.

    Each is the median of the steps from frame to frame; 0 with a single frame.
    """
    steps = np.where(_is_recent(bodies, seconds)[..., None], bodies["steps"], np.nan)
    return np.nan_to_num(nan_median(steps, axis=1))


def _is_recent(bodies: Array, seconds: float) -> Array:
    """Return (n, 8) True for the steps that ended within `seconds` of the last frame."""
    return abs(bodies["last_seen"][:, None] - bodies["step_times"]) < seconds


def predict_joints(bodies: Array, now: float | Array, params: TrackingParams) -> Array:
    """Predict the joints (n, 25, 2) at the second `now`, or at (n,) seconds.

    A body goes on as it moved lately, less and less so; a body that jumped falls.
    """
    gaps, motion = (now - bodies["last_seen"])[:, None], recent_motion(bodies, params.motion_window)
    count = _is_recent(bodies, params.motion_window).sum(axis=1)[:, None]
    motion *= count / (count + params.step_doubt)
    decay = np.array([params.sideways_decay, params.vertical_decay, params.turn_decay])
    travel = motion * np.sign(gaps) * decay * (1 - np.exp(-abs(gaps) / decay))
    step_ages = bodies["last_seen"][:, None] - bodies["step_times"]
    age = nan_median(np.where(_is_recent(bodies, params.motion_window), step_ages, np.nan), axis=1)
    up, gap, fall = motion[:, 1], gaps[:, 0], params.gravity * bodies["torso"]
    arc = up * gap + fall * (gap / 2 + age) * gap  # `age` is the velocity's: it has changed since
    jumped = (up < -params.jump_speed * bodies["torso"]) & (gap > 0) & (gap < params.longest_flight)
    travel[:, 1] = np.where(jumped, arc, travel[:, 1])
    joints = bodies["joints"]
    return rotate_about(joints, travel[:, 2], body_centers(joints)) + travel[:, None, :2]


def update_bodies(bodies: Array, now: float, xy: Array, params: TrackingParams) -> Array:
    """Return the states after a frame at the second `now` with poses (n, 25, 2).

    A pose without any joint leaves its body as it was. Frames may also be given backwards in time, all of them.
    """
    empty = ~np.isfinite(xy[..., 0]).any(axis=1)
    known = bodies["frame_count"] > 0
    seconds = np.where(known, now - bodies["last_seen"], 0.0)
    joints, step, foreign = _align(bodies, now, xy, params)
    joints = np.where(known[:, None, None], joints, np.nan)
    xy = np.where((foreign & known[:, None])[..., None], np.nan, xy)
    seen = np.isfinite(xy[..., 0])
    moved = known & (seconds != 0)
    velocity = np.where(moved[:, None], step / np.where(moved, seconds, 1)[:, None], np.nan)
    after = bodies.copy()
    after["last_seen"] = now
    after["frame_count"] += 1
    after["joints"] = np.where(seen[..., None], xy, joints)
    after["joint_times"] = np.where(seen, now, bodies["joint_times"])
    newest = np.where(moved, now, np.nan)[:, None]
    after["step_times"] = np.concatenate([bodies["step_times"][:, 1:], newest], axis=1)
    after["steps"] = np.concatenate([bodies["steps"][:, 1:], velocity[:, None]], axis=1)
    after["full_bones"], after["recent_bones"] = _update_bones(bodies, bone_lengths(xy), abs(seconds), params)
    after["torso"] = estimate_torso_lengths(after["joints"], after["full_bones"])
    after[empty] = bodies[empty]
    return after


def _align(bodies: Array, now: float, xy: Array, params: TrackingParams) -> tuple[Array, Array, Array]:
    """Move and turn the known joints onto new poses.

    Returns:
        (n, 25, 2) the known joints in their new places; (n, 3) the step: x, y and turning; (n, 25) bool: joints of
        `xy` that do not go along with the body, so are another person's.
    """
    joints = bodies["joints"]
    both = np.isfinite(joints[..., 0] + xy[..., 0])
    fresh = abs(now - bodies["joint_times"]) < params.fresh_joint
    foreign = np.zeros(both.shape, bool)
    for _ in range(2):  # the second time without joints that do not go along
        own = (both & ~foreign)[..., None]
        before, after = np.where(own, joints, np.nan), np.where(own, xy, np.nan)
        turn = alignment_angles(before, after)
        about = np.nan_to_num(mean_of_seen(before))
        aligned = rotate_about(joints, turn, about)
        shift = nan_median(after - rotate_about(before, turn, about), axis=1)
        # no joint in common: upper half before, lower half now
        shift = np.where(np.isnan(shift), mean_of_seen(xy) - mean_of_seen(joints), shift)
        aligned = aligned + np.nan_to_num(shift)[:, None]
        off = np.linalg.norm(xy - aligned, axis=-1) / bodies["torso"][:, None]
        usual = nan_median(np.where(own[..., 0], off, np.nan), axis=1)[:, None]
        foreign = both & fresh & (off > np.fmax(params.foreign_distance, params.foreign_ratio * usual))
    return aligned, np.concatenate([np.nan_to_num(shift), turn[:, None]], axis=1), foreign


def _update_bones(
    bodies: Array, lengths: Array, seconds: Array, params: TrackingParams
) -> tuple[Array, Array]:
    """Return `full_bones` and `recent_bones` after a pose with bones of these lengths, (n,) seconds later.

    Full lengths grow at once, though not for a single pose, and shrink over seconds.
    """
    full, recent, seconds = bodies["full_bones"], bodies["recent_bones"], seconds[:, None]
    change = lengths - full
    most = (params.bone_growth + params.young_bone_growth / (1 + bodies["frame_count"]))[:, None] * full
    shrink = 1 - np.exp(-seconds / params.bone_shrinking)
    change = np.where(change < 0, shrink * change, np.minimum(params.bone_update * change, most))
    full = np.where(np.isnan(full), lengths, full + np.nan_to_num(change))
    keep = np.where(np.isnan(recent), 0, np.exp(-seconds / params.bone_memory))
    mixed = keep * np.nan_to_num(recent) + (1 - keep) * lengths
    return full, np.where(np.isnan(lengths), recent, mixed)
