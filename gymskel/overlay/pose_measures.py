"""Numbers drawn with a pose: unwrapped angles, the mean confidence, the size of the body."""

from __future__ import annotations

import numpy as np

from gymskel.recording import Recording


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
