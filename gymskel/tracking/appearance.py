"""What somebody wears, as colours along the body: tells people apart where their keypoints do not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gymskel.skeleton import BODY_25

_POINTS = [  # part, from joint, to joint, how far along
    *((0, "Neck", "MidHip", share) for share in (0.25, 0.4)),
    *((1, "Neck", "MidHip", share) for share in (0.6, 0.8)),
    *((2, f"{side}Hip", f"{side}Knee", share) for side in "RL" for share in (0.25, 0.5)),
    *((3, f"{side}Knee", f"{side}Ankle", share) for side in "RL" for share in (0.3, 0.6)),
    *((4, f"{side}Shoulder", f"{side}Elbow", share) for side in "RL" for share in (0.3, 0.6)),
]
PARTS = 5  # chest, belly, thighs, shins, upper arms
_PART = np.array([part for part, *_ in _POINTS])
_FROM = BODY_25.indices([joint for _, joint, _, _ in _POINTS])
_TO = BODY_25.indices([joint for _, _, joint, _ in _POINTS])
_SHARE = np.array([[share] for *_, share in _POINTS])

_GRAIN = 10.0  # pixels of a torso in the picture from which colours are taken: each the mean of a patch
_WEIGHTS = np.array([0.5, 1.0, 1.0])  # of lightness, which changes with the light, and the two colours
_USUAL, _OTHER = 8.0, 20.0  # distance of colours that says nothing; ... beyond that, that says all
_WORTH = 0.6  # torso lengths, where everything says somebody else
_SLOW = 0.05  # share of the newest colours in what is known
_KNOWN = 5  # frames after which it is known


def colors_of(frame: np.ndarray, pose: np.ndarray, torso: float) -> np.ndarray:
    """(PARTS, 3) CIE Lab colours of a body (25, 3) in a frame (height, width, 3) uint8 BGR; NaN where it is not seen.

    `torso` is its length in pixels.
    """
    import cv2

    start, end = pose[_FROM, :2], pose[_TO, :2]
    xy = start + _SHARE * (end - start)
    seen = np.isfinite(xy[:, 0])
    if not seen.any():
        return np.full((PARTS, 3), np.nan)
    last = np.array(frame.shape[1::-1]) - 1  # a joint at the very edge is inside
    low, high = (
        np.clip(xy[seen].min(axis=0), 0, last).astype(int),
        np.clip(xy[seen].max(axis=0), 0, last).astype(int),
    )
    region = frame[low[1] : high[1] + 1, low[0] : high[0] + 1]
    scale = min(1.0, _GRAIN / torso)
    size = tuple(max(1, round(scale * side)) for side in region.shape[1::-1])
    small = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
    at = np.nan_to_num((xy - low) * scale).astype(int).clip(0, (size[0] - 1, size[1] - 1))
    values = to_lab(small[at[:, 1], at[:, 0]][None])[0]
    return np.array([_mean(values[seen & (part == _PART)]) for part in range(PARTS)])


def to_lab(image: np.ndarray) -> np.ndarray:
    """CIE Lab of a picture (height, width, 3) uint8 BGR; both colours from 0 to 255, 128 is grey."""
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_BGR2LAB) * np.array([100 / 255, 1, 1])


def _mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=0) if len(values) else np.full(3, np.nan)


@dataclass
class Clothes:
    """The colours of one person so far.

    Attributes:
        mean: (PARTS, 3) slow means of the colours, Lab; NaN of parts never seen.
        spread: (PARTS,) how far single frames usually are from them.
        count: frames seen.
    """

    mean: np.ndarray = field(default_factory=lambda: np.full((PARTS, 3), np.nan))
    spread: np.ndarray = field(default_factory=lambda: np.zeros(PARTS))
    count: int = 0

    def see(self, colors: np.ndarray) -> None:
        """Takes in the (PARTS, 3) colours of a frame."""
        self.count += 1
        share = max(_SLOW, 1 / self.count)
        self.spread += share * np.nan_to_num(self._away(colors) - self.spread)
        known = np.where(np.isnan(self.mean), colors, self.mean)
        self.mean = known + share * np.nan_to_num(colors - known)

    def unlikeness(self, colors: np.ndarray) -> float:
        """How little (PARTS, 3) colours are this person's, in torso lengths: 0 to .6; 0 while too little is known."""
        away = (self._away(colors) - _USUAL - 2 * self.spread) / _OTHER
        both = np.isfinite(away)
        if self.count < _KNOWN or both.sum() < 2:
            return 0.0
        return _WORTH * float(np.clip(away[both], 0, 1).mean())

    def distance(self, colors: np.ndarray) -> float:
        """How far (PARTS, 3) colours are from this person's, 0 to 1; 0.5 where nothing is known."""
        away = self._away(colors) / (_USUAL + _OTHER)
        both = np.isfinite(away)
        return float(np.minimum(away[both], 1).mean()) if both.any() else 0.5

    def apart(self, other: Clothes) -> float:
        """`distance` of another's colours; 0 while too little is known of either."""
        return self.distance(other.mean) if min(self.count, other.count) >= _KNOWN else 0.0

    def _away(self, colors: np.ndarray) -> np.ndarray:
        return np.linalg.norm(_WEIGHTS * (colors - self.mean), axis=1)
