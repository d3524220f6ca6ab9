"""Pack keypoints into short text: 16 bits a coordinate, 8 bits a confidence, in base64."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from gymskel.recording import Recording

_UNSEEN, _MAX_COORDINATE = -32768, 32767  # of int16


def pack_keypoints(recording: Recording) -> dict[str, Any]:
    """Return the keypoints in a form that JSON can hold, about 7 characters per joint and frame.

    Returns:
        `frames` and `joints`, their numbers; `origin` [x, y] and `scale` in the recording's unit; `xy`, base64 of
        little-endian int16 (frames, joints, 2): a coordinate is its number times `scale` plus `origin`, -32768 = unseen;
        `sure`, base64 of uint8 (frames, joints): confidence times 255, 0 for a joint that is unseen or filled in.

    >>> packed = pack_keypoints(Recording(np.ones((2, 25, 3))))
    >>> packed["frames"], packed["joints"], packed["origin"]
    (2, 25, [1.0, 1.0])
    """
    xy, seen = recording.xy.astype(float), recording.seen
    points = xy[seen] if seen.any() else np.zeros((1, 2))
    low, high = points.min(axis=0), points.max(axis=0)
    origin = (low + high) / 2
    scale = float((high - low).max() / 2 / _MAX_COORDINATE) or 1.0
    steps = np.where(seen[..., None], np.rint((np.nan_to_num(xy) - origin) / scale), _UNSEEN)
    confidence = np.clip(np.rint(255 * recording.confidence), recording.confidence > 0, 255)
    return {
        "frames": len(recording),
        "joints": len(recording.skeleton),
        "origin": origin.tolist(),
        "scale": scale,
        "xy": to_base64(steps.astype("<i2")),
        "sure": to_base64(confidence.astype(np.uint8)),
    }


def to_base64(array: np.ndarray) -> str:
    """Return the bytes of an array in base64.

    >>> to_base64(np.array([1, 2], np.uint8))
    'AQI='
    """
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
