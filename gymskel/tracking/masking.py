"""People painted out of a view: an estimator that finds one person, or prefers those who stand, then sees the other."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gymskel.skeleton import BODY_25
from gymskel.tracking.crops import Crop
from gymskel.tracking.prediction import Expectation

_LIMBS = [
    BODY_25.indices(limb.split())
    for limb in (
        "Neck Nose",
        "Neck MidHip",
        "RShoulder LShoulder",
        "RHip LHip",
        "RShoulder RHip",
        "LShoulder LHip",
        "RShoulder RElbow",
        "RElbow RWrist",
        "LShoulder LElbow",
        "LElbow LWrist",
        "RHip RKnee",
        "RKnee RAnkle",
        "LHip LKnee",
        "LKnee LAnkle",
    )
]
_THICK = 0.4  # torso lengths: how wide the paint along a limb is
_SPARED = 0.3  # ... and what is spared along the limbs of the person wanted


def painted(
    shown: np.ndarray, view: Crop, people: Iterable[Expectation], wanted: Expectation | None = None
) -> np.ndarray:
    """What a view shows (size, size, 3) with people painted over along their limbs, but not where `wanted` should be."""
    import cv2

    mask = np.zeros(shown.shape[:2], np.uint8)
    for expected in people:
        _draw(mask, view, expected, _THICK, 1)
    if wanted is not None:
        _draw(mask, view, wanted, _SPARED, 0)
    return cv2.bitwise_and(shown, shown, mask=1 - mask)


def _draw(mask: np.ndarray, view: Crop, expected: Expectation, thick: float, value: int) -> None:
    import cv2

    width = max(1, round(thick * expected.torso * view.size / view.side))
    xy = expected.pose[:, :2] @ view.matrix[:, :2].T + view.matrix[:, 2]
    for a, b in _LIMBS:
        if np.isfinite(xy[[a, b]]).all() and abs(xy[[a, b]]).max() < 1e4:
            ends = [tuple(int(v) for v in np.round(xy[joint])) for joint in (a, b)]
            cv2.line(mask, *ends, value, width)
