"""BODY_25 poses as arrays: lengths of bones, centers, turns, and how alike two poses are.

All of it for many poses (n, 25, 2) at once, in pixels, unseen joints NaN.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import mean_of_seen
from gymskel.skeleton import BODY_25
from gymskel.tracking.params import BONE_QUANTILE, BOX_TORSOS, MIN_JOINTS, USUAL_BONES, TrackingParams

MIRROR = BODY_25.mirror_order
_TRUNK = BODY_25.indices("Neck RShoulder LShoulder MidHip RHip LHip".split())

_RIGHT_ENDS = np.array([BODY_25.indices(pair) for pair in USUAL_BONES])
_LEFT_ENDS = np.array(MIRROR)[_RIGHT_ENDS]
_USUAL_LENGTHS = np.array(list(USUAL_BONES.values()))  # torso lengths


def nan_median(values: Array, axis: int) -> Array:
    """Return the median along an axis without NaN, like np.nanmedian, but fast and without a warning."""
    ordered = np.sort(values, axis=axis)
    last = np.maximum(np.isfinite(values).sum(axis=axis, keepdims=True) - 1, 0)
    low, high = (np.take_along_axis(ordered, at, axis=axis) for at in (last // 2, (last + 1) // 2))
    return ((low + high) / 2).squeeze(axis)


def body_centers(xy: Array) -> Array:
    """Return the mean (..., 2) of neck, shoulders and hips that are seen, or of all seen joints if none of them is."""
    trunk = mean_of_seen(xy[..., _TRUNK, :])
    return np.where(np.isnan(trunk), mean_of_seen(xy), trunk)


def bone_lengths(xy: Array) -> Array:
    """Return the drawn length (..., bones) of each bone, the longer one of left and right; NaN where neither is seen."""
    ends = np.stack([xy[..., _RIGHT_ENDS, :], xy[..., _LEFT_ENDS, :]])
    return np.fmax(*np.linalg.norm(ends[..., 1, :] - ends[..., 0, :], axis=-1))


def estimate_torso_lengths(xy: Array, lengths: Array | None = None) -> Array:
    """Estimate the torso length (n,) of each pose from all its bones; at least 1 pixel, never NaN.

    Each bone gives one estimate. The upper quartile of them is taken, as bones turned away from the camera look short. A
    pose without any bone gets a third of the diagonal of the box around it, as a standing body is about three torsos high.

    Args:
        xy: (n, 25, 2) poses.
        lengths: (n, bones) lengths of the bones; by default those of `xy`.
    """
    ratios = (bone_lengths(xy) if lengths is None else lengths) / _USUAL_LENGTHS
    at = (np.maximum(np.isfinite(ratios).sum(axis=1) - 1, 0) * BONE_QUANTILE + 1 / 2).astype(int)
    size = np.take_along_axis(np.sort(ratios, axis=1), at[:, None], axis=1)[:, 0]
    low, high = (extreme(xy, axis=1) for extreme in (np.fmin.reduce, np.fmax.reduce))
    return np.fmax(1.0, np.where(np.isfinite(size), size, np.linalg.norm(high - low, axis=1) / BOX_TORSOS))


def alignment_angles(xy: Array, targets: Array) -> Array:
    """Return the radians (n,), clockwise on screen, by which poses turn to align best with their targets.

    Least squares over the joints seen in both, about their means. 0 where too few joints are seen in both.
    """
    both = np.isfinite(xy[..., :1] + targets[..., :1])
    a, b = (each - mean_of_seen(np.where(both, each, np.nan))[..., None, :] for each in (xy, targets))
    a, b = np.where(both, a, 0), np.where(both, b, 0)
    cross = (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]).sum(axis=-1)
    best = np.arctan2(cross, (a * b).sum(axis=(-2, -1)))
    return np.where(both.sum(axis=(-2, -1)) >= MIN_JOINTS, best, 0.0)


def rotation_matrix(degrees: float) -> Array:
    """Return the matrix (2, 2) that turns a place (x, y), as a column, clockwise on screen about the origin."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def rotate_about(xy: Array, radians: Array, centers: Array) -> Array:
    """Return poses (n, 25, 2) turned clockwise on screen by (n,) radians about (n, 2) points."""
    c, s = np.cos(radians)[:, None], np.sin(radians)[:, None]
    x, y = np.moveaxis(xy - centers[:, None], -1, 0)
    return np.stack([c * x - s * y, s * x + c * y], axis=-1) + centers[:, None]


def pose_distances(xy: Array, others: Array) -> Array:
    """Return the median distance (n, m) of the joints that two poses share, in lengths of the longer torso.

    inf where they share too few joints, or their centers are a torso length apart or more.
    """
    distances = np.full((len(xy), len(others)), np.inf)
    if not distances.size:
        return distances
    size = np.fmax(estimate_torso_lengths(xy)[:, None], estimate_torso_lengths(others))
    center_distances = np.linalg.norm(body_centers(xy)[:, None] - body_centers(others), axis=-1)
    i, j = np.nonzero(center_distances < size)
    joint_distances = np.linalg.norm(xy[i] - others[j], axis=-1)
    enough = np.isfinite(joint_distances).sum(axis=1) >= MIN_JOINTS
    distances[i, j] = np.where(enough, nan_median(joint_distances, axis=1) / size[i, j], np.inf)
    return distances


def remove_shared_joints(xy: Array, params: TrackingParams) -> Array:
    """Return a copy of the poses (n, 25, 2) of one frame, without joints that belong to a more complete pose (NaN there).

    Where people overlap, an estimator also gives joints of the person in front to the person behind. A joint is removed
    if it lies over the same joint of a pose with more seen joints. If that is so for more than half of a pose, it is a
    duplicate of the other, and loses none to it. Poses with equally many joints lose none to each other.
    """
    seen = np.isfinite(xy[..., 0]).sum(axis=1)
    sizes = estimate_torso_lengths(xy)
    near = np.linalg.norm(body_centers(xy)[:, None] - body_centers(xy), axis=-1) < BOX_TORSOS * sizes
    i, j = np.nonzero(near & (seen[:, None] < seen))
    shared = np.linalg.norm(xy[i] - xy[j], axis=-1) < params.shared_joint * sizes[j, None]
    shared &= (shared.sum(axis=1) <= seen[i] / 2)[:, None]
    remove = np.zeros(xy.shape[:2], bool)
    np.logical_or.at(remove, i, shared)
    return np.where(remove[..., None], np.nan, xy)
