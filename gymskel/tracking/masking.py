"""People painted out of a crop: an estimator that finds one person, or prefers people who stand, then sees the other."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gymskel.skeleton import BODY_25
from gymskel.tracking.crops import Crop
from gymskel.tracking.prediction import Prediction

_TRUNK = ["Neck Nose", "Neck MidHip", "RShoulder LShoulder", "RHip LHip"]
_SIDE = [
    "{0}Shoulder {0}Hip",
    "{0}Shoulder {0}Elbow",
    "{0}Elbow {0}Wrist",
    "{0}Hip {0}Knee",
    "{0}Knee {0}Ankle",
]
_LIMBS = [
    BODY_25.indices(limb.split()) for limb in _TRUNK + [limb.format(side) for side in "RL" for limb in _SIDE]
]
_PAINTED_WIDTH = 0.4  # torso lengths, along the limbs of a person who is masked
_SPARED_WIDTH = 0.3  # torso lengths, along the limbs of the person wanted
_MAX_COORDINATE = 1e4  # pixels; limbs that reach further out are not painted


def mask_people(
    picture: np.ndarray, crop: Crop, people: Iterable[Prediction], wanted: Prediction | None = None
) -> np.ndarray:
    """Return the picture (size, size, 3) of a crop, with people painted black along their limbs.

    The limbs of the `wanted` person are spared.
    """
    import cv2

    mask = np.zeros(picture.shape[:2], np.uint8)
    for predicted in people:
        _draw_limbs(mask, crop, predicted, _PAINTED_WIDTH, 1)
    if wanted is not None:
        _draw_limbs(mask, crop, wanted, _SPARED_WIDTH, 0)
    return cv2.bitwise_and(picture, picture, mask=1 - mask)


def _draw_limbs(mask: np.ndarray, crop: Crop, predicted: Prediction, torsos: float, value: int) -> None:
    """Set the mask to `value` along the limbs, as wide as so many `torsos`."""
    import cv2

    width = max(1, round(torsos * predicted.torso * crop.size / crop.side))
    xy = predicted.pose[:, :2] @ crop.matrix[:, :2].T + crop.matrix[:, 2]
    for a, b in _LIMBS:
        if np.isfinite(xy[[a, b]]).all() and abs(xy[[a, b]]).max() < _MAX_COORDINATE:
            start, end = ([int(v) for v in np.round(xy[joint])] for joint in (a, b))
            cv2.line(mask, start, end, [value], width)
