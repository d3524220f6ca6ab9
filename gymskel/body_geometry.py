"""The torso of a body in the picture: where its ends are, how long it is, how it leans. For any skeleton.

Arrays in, arrays out: `xy` is (..., joints, 2), y down, unseen joints NaN. The torso runs from MidHip to Neck. A
layout without these two joints gets them as the middles of hips and shoulders (`Skeleton.convert`).
"""

from __future__ import annotations

import numpy as np

from gymskel.skeleton import BODY_25, Skeleton

NECK, MID_HIP = BODY_25.indices(["Neck", "MidHip"])  # the torso's two ends


def as_body_25(xy: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Return places (..., joints, 2) of any skeleton as (..., 25, 2) in BODY_25; NaN for joints it lacks."""
    points = np.concatenate([xy, np.zeros_like(xy[..., :1])], axis=-1)
    return skeleton.convert(points, BODY_25)[..., :2]


def torso_ends(xy: np.ndarray, skeleton: Skeleton = BODY_25) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of Neck and of MidHip, two arrays (..., 2); NaN where unseen or not in the layout."""
    body = xy if skeleton is BODY_25 else as_body_25(xy, skeleton)
    return body[..., NECK, :], body[..., MID_HIP, :]


def torso_length(xy: np.ndarray, skeleton: Skeleton = BODY_25) -> np.ndarray:
    """Return the distance (...) from Neck to MidHip as it is drawn, foreshortened or not; NaN where unseen.

    >>> pose = np.full((25, 2), np.nan); pose[8], pose[1] = (10, 10), (13, 6)
    >>> float(torso_length(pose))
    5.0
    """
    neck, mid_hip = torso_ends(xy, skeleton)
    return np.linalg.norm(neck - mid_hip, axis=-1)


def median_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the median distance of two joints (frames, 2) over the frames that show both; NaN if none does."""
    distances = np.linalg.norm(one - other, axis=-1)
    known = distances[~np.isnan(distances)]
    return float(np.median(known)) if len(known) else float("nan")


def torso_lean(xy: np.ndarray, skeleton: Skeleton = BODY_25) -> np.ndarray:
    """Return degrees (...) clockwise on screen by which the torso leans, in (-180, 180].

    0 is upright, 90 head to the right of the picture, 180 upside down. NaN where the torso is unseen, or where Neck and
    MidHip lie in one place.

    >>> pose = np.full((25, 2), np.nan); pose[8], pose[1] = (10, 10), (20, 10)
    >>> float(torso_lean(pose))
    90.0
    """
    neck, mid_hip = torso_ends(xy, skeleton)
    x, y = np.moveaxis(neck - mid_hip, -1, 0)
    lean = np.degrees(np.arctan2(x, -y))
    return np.where((x == 0) & (y == 0), np.nan, np.where(lean == -180, 180, lean))


def torso_middle(xy: np.ndarray) -> np.ndarray:
    """Return (2,) halfway between Neck and MidHip of one BODY_25 pose (25, 2 or 3).

    Where the torso is unseen, it is the median of all joints that are seen.
    """
    middle = (xy[NECK, :2] + xy[MID_HIP, :2]) / 2
    return middle if not np.isnan(middle).any() else np.nanmedian(xy[:, :2], axis=0)


def mean_of_seen(xy: np.ndarray) -> np.ndarray:
    """Return the mean (..., 2) of the joints (..., joints, 2) that are seen; NaN where none is."""
    seen = np.isfinite(xy[..., :1])
    count = seen.sum(axis=-2)
    return np.where(count, np.where(seen, xy, 0).sum(axis=-2) / np.maximum(count, 1), np.nan)
