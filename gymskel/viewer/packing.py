"""Keypoints as short text: 16 bits a coordinate, 8 bits a confidence, in base64."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from gymskel.recording import Recording

_UNSEEN, _MOST = -32768, 32767


def pack_keypoints(recording: Recording) -> dict[str, Any]:
    """The keypoints as JSON knows them, about 7 characters a joint and frame.

    Returns:
        `frames` and `joints`; `xy`, base64 of int16 (frames, joints, 2), little-endian: a coordinate is its number times
        `scale` plus `origin` ([x, y]), -32768 = unseen; `sure`, base64 of uint8 (frames, joints): confidence times 255, and
        0 for a joint that is unseen or filled in.

    >>> packed = pack_keypoints(Recording(np.ones((2, 25, 3))))
    >>> packed["frames"], packed["joints"], packed["origin"]
    (2, 25, [1.0, 1.0])
    """
    xy, seen = recording.xy.astype(float), recording.seen
    there = xy[seen] if seen.any() else np.zeros((1, 2))
    low, high = there.min(axis=0), there.max(axis=0)
    origin = (low + high) / 2
    scale = float((high - low).max() / 2 / _MOST) or 1.0
    numbers = np.where(seen[..., None], np.rint((np.nan_to_num(xy) - origin) / scale), _UNSEEN)
    sure = np.clip(np.rint(255 * recording.confidence), recording.confidence > 0, 255)
    return {
        "frames": len(recording),
        "joints": len(recording.skeleton),
        "origin": origin.tolist(),
        "scale": scale,
        "xy": as_text(numbers.astype("<i2")),
        "sure": as_text(sure.astype(np.uint8)),
    }


def unpack_keypoints(packed: Mapping[str, Any]) -> np.ndarray:
    """(frames, joints, 3) float32 of what `pack_keypoints` gave: coordinates to half of `scale`, confidence to 1/510.

    >>> unpack_keypoints(pack_keypoints(Recording(np.ones((2, 25, 3)))))[1, 24].tolist()
    [1.0, 1.0, 1.0]
    """
    shape = packed["frames"], packed["joints"]
    numbers = np.frombuffer(base64.b64decode(packed["xy"]), "<i2").reshape(*shape, 2)
    sure = np.frombuffer(base64.b64decode(packed["sure"]), np.uint8).reshape(shape)
    xy = numbers * packed["scale"] + np.asarray(packed["origin"])
    xy = np.where(numbers == _UNSEEN, np.nan, xy)
    return np.concatenate([xy, sure[..., None] / 255], axis=-1).astype(np.float32)


def as_text(numbers: np.ndarray) -> str:
    """The bytes of an array in base64."""
    return base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode("ascii")
