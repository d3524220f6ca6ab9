"""Bodies as arrays: how long their bones are, where their middle is, how far one is turned against another.

All of it for many BODY_25 poses (n, 25, 2) at once, in pixels, unseen joints NaN.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import mean_of_seen
from gymskel.skeleton import BODY_25

MIRROR = BODY_25.mirror_order
_TRUNK = BODY_25.indices("Neck RShoulder LShoulder MidHip RHip LHip".split())

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
BONES = len(_USUAL)
_RIGHT = np.array([BODY_25.indices(pair) for pair in _USUAL])
_LEFT = np.array(MIRROR)[_RIGHT]
_LENGTHS = np.array(list(_USUAL.values()))


def median(values: Array, axis: int) -> Array:
    """The median of what is not NaN along an axis, NaN where nothing is; like np.nanmedian, but fast and silent."""
    ordered = np.sort(values, axis=axis)
    last = np.maximum(np.isfinite(values).sum(axis=axis, keepdims=True) - 1, 0)
    low, high = (np.take_along_axis(ordered, at, axis=axis) for at in (last // 2, (last + 1) // 2))
    return ((low + high) / 2).squeeze(axis)


def centers(xy: Array) -> Array:
    """(..., 2) middle of the trunk, or of whatever is seen where the trunk is not."""
    trunk = mean_of_seen(xy[..., _TRUNK, :])
    return np.where(np.isnan(trunk), mean_of_seen(xy), trunk)


def bones(xy: Array) -> Array:
    """(..., bones) pixels: each bone, the longer one of left and right; NaN where neither is seen."""
    ends = np.stack([xy[..., _RIGHT, :], xy[..., _LEFT, :]])
    return np.fmax(*np.linalg.norm(ends[..., 1, :] - ends[..., 0, :], axis=-1))


def torsos(xy: Array, lengths: Array | None = None) -> Array:
    """(n,) pixels: a torso length of each pose, from all its bones (or those given); never 0 or NaN.

    It is the third quarter of what the bones say, as those turned away look short. Where no bone is seen, the
    extent of the body tells.
    """
    ratios = (bones(xy) if lengths is None else lengths) / _LENGTHS
    at = (np.maximum(np.isfinite(ratios).sum(axis=1) - 1, 0) * 0.75 + 0.5).astype(int)
    size = np.take_along_axis(np.sort(ratios, axis=1), at[:, None], axis=1)[:, 0]
    low, high = (extreme(xy, axis=1) for extreme in (np.fmin.reduce, np.fmax.reduce))
    return np.fmax(1.0, np.where(np.isfinite(size), size, np.linalg.norm(high - low, axis=1) / 3))


def angles(one: Array, other: Array) -> Array:
    """(n,) radians, clockwise on screen, by which `one` must turn to look like `other`; 0 under 5 common joints."""
    both = np.isfinite(one[..., :1] + other[..., :1])
    a, b = (xy - mean_of_seen(np.where(both, xy, np.nan))[..., None, :] for xy in (one, other))
    a, b = np.where(both, a, 0), np.where(both, b, 0)
    cross = (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]).sum(axis=-1)
    best = np.arctan2(cross, (a * b).sum(axis=(-2, -1)))
    return np.where(both.sum(axis=(-2, -1)) >= 5, best, 0.0)


def turned(xy: Array, by: Array, about: Array) -> Array:
    """(n, 25, 2) turned by (n,) radians about (n, 2) points."""
    c, s = np.cos(by)[:, None], np.sin(by)[:, None]
    x, y = np.moveaxis(xy - about[:, None], -1, 0)
    return np.stack([c * x - s * y, s * x + c * y], axis=-1) + about[:, None]


def doubles(xy: Array, others: Array) -> Array:
    """(n, m) median distance of the joints two poses share, in torso lengths; inf if they share under 3."""
    apart = np.full((len(xy), len(others)), np.inf)
    if not apart.size:
        return apart
    size = np.fmax(torsos(xy)[:, None], torsos(others))
    i, j = np.nonzero(np.linalg.norm(centers(xy)[:, None] - centers(others), axis=-1) < 1.5 * size)
    away = np.linalg.norm(xy[i] - others[j], axis=-1)
    enough = np.isfinite(away).sum(axis=1) >= 3
    apart[i, j] = np.where(enough, median(away, axis=1) / size[i, j], np.inf)
    return apart


def without_shared(xy: Array) -> Array:
    """(n, 25, 2) the poses of one frame without the joints that are at the same joint of a more complete one.

    Of people who overlap an estimator gives joints of the one in front to the one behind, too. A pose that
    has most of its joints in common with another is that person once more, and stays as it is.
    """
    seen = np.isfinite(xy[..., 0]).sum(axis=1)
    near = np.linalg.norm(centers(xy)[:, None] - centers(xy), axis=-1) < 3 * torsos(xy)
    i, j = np.nonzero(near & (seen[:, None] < seen))
    shared = np.linalg.norm(xy[i] - xy[j], axis=-1) < 0.15 * torsos(xy)[j, None]
    shared &= (shared.sum(axis=1) <= 0.5 * seen[i])[:, None]
    strange = np.zeros(xy.shape[:2], bool)
    np.logical_or.at(strange, i, shared)
    return np.where(strange[..., None], np.nan, xy)
