"""Numbers drawn with a pose: the torso's midpoints and lean, the mean confidence, the size of the body."""

from __future__ import annotations

import numpy as np

from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, Skeleton


def torso_midpoints(xy: np.ndarray, skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Return the midpoints of hips and shoulders, two arrays (..., 2); NaN where unseen or not in the layout."""
    points = np.concatenate([xy, np.zeros_like(xy[..., :1])], axis=-1)
    body = skeleton.convert(points, BODY_25)
    hips, neck = BODY_25.indices(("MidHip", "Neck"))
    return body[..., hips, :2], body[..., neck, :2]


def torso_lean(xy: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Return the lean (...) of the torso in degrees clockwise on screen, in (-180, 180]; NaN where it is unseen.

    0 is upright, 90 head to the right, 180 upside down.

    >>> pose = np.full((25, 2), np.nan); pose[8], pose[1] = (10, 10), (20, 10)
    >>> float(torso_lean(pose, BODY_25))
    90.0
    """
    hips, neck = torso_midpoints(xy, skeleton)
    x, y = np.moveaxis(neck - hips, -1, 0)
    lean = np.degrees(np.arctan2(x, -y))
    return np.where((x == 0) & (y == 0), np.nan, np.where(lean == -180, 180, lean))


def unwrap_degrees(angles: np.ndarray) -> np.ndarray:
    """Return the angles (frames,) without jumps of 360 degrees; NaN stays and is skipped.

    >>> unwrap_degrees(np.array([170, np.nan, -170.]))
    array([170.,  nan, 190.])
    """
    unwrapped, known = np.array(angles, float), np.isfinite(angles)
    unwrapped[known] = np.unwrap(unwrapped[known], period=360)
    return unwrapped


def mean_confidence(recording: Recording) -> np.ndarray:
    """Return the mean confidence (frames,) of the joints with confidence above 0; NaN where there are none."""
    found = recording.confidence > 0
    count = found.sum(axis=1)
    total = np.where(found, recording.confidence, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def body_diagonal(recording: Recording) -> float:
    """Return the median over the frames of the diagonal of the box around the body, in pixels; NaN if unseen."""
    xy = recording.xy[recording.seen.any(axis=1)]
    if not len(xy):
        return float("nan")
    spans = np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)
    return float(np.median(np.linalg.norm(spans, axis=1)))
