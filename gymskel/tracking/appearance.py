"""Appearance of a person: the colours of the clothes along the body. It tells people apart where keypoints do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from gymskel.skeleton import BODY_25
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.track import Observation

_SAMPLES = [  # part, from joint, to joint, share of the way
    *((0, "Neck", "MidHip", share) for share in (0.25, 0.4)),
    *((1, "Neck", "MidHip", share) for share in (0.6, 0.8)),
    *((2, f"{side}Hip", f"{side}Knee", share) for side in "RL" for share in (0.25, 0.5)),
    *((3, f"{side}Knee", f"{side}Ankle", share) for side in "RL" for share in (0.3, 0.6)),
    *((4, f"{side}Shoulder", f"{side}Elbow", share) for side in "RL" for share in (0.3, 0.6)),
]
PARTS = 5  # chest, belly, thighs, shins, upper arms
_SAMPLE_PARTS = np.array([part for part, *_ in _SAMPLES])
_FROM_JOINTS = BODY_25.indices([joint for _, joint, _, _ in _SAMPLES])
_TO_JOINTS = BODY_25.indices([joint for _, _, joint, _ in _SAMPLES])
_SHARES = np.array([[share] for *_, share in _SAMPLES])


def body_colors(frame: np.ndarray, pose: np.ndarray, torso: float, params: TrackingParams) -> np.ndarray:
    """Return the CIE Lab colours (PARTS, 3) of a body in a frame; NaN for parts that are not seen.

    Args:
        frame: (height, width, 3) uint8, BGR.
        pose: (25, 3) BODY_25, pixels.
        torso: torso length in pixels.
    """
    import cv2

    start, end = pose[_FROM_JOINTS, :2], pose[_TO_JOINTS, :2]
    xy = start + _SHARES * (end - start)
    seen = np.isfinite(xy[:, 0])
    if not seen.any():
        return np.full((PARTS, 3), np.nan)
    last = np.array(frame.shape[1::-1]) - 1  # a joint at the very edge is inside
    low, high = (np.clip(corner(xy[seen], axis=0), 0, last).astype(int) for corner in (np.min, np.max))
    region = frame[low[1] : high[1] + 1, low[0] : high[0] + 1]
    scale = min(1.0, params.sampled_torso / torso)
    width, height = (max(1, round(scale * side)) for side in region.shape[1::-1])
    small = cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA)
    at = np.nan_to_num((xy - low) * scale).astype(int).clip(0, (width - 1, height - 1))
    colors = bgr_to_lab(small[at[:, 1], at[:, 0]][None])[0]
    return np.array([_mean_color(colors[seen & (part == _SAMPLE_PARTS)]) for part in range(PARTS)])


def bgr_to_lab(image: np.ndarray) -> np.ndarray:
    """Return a picture (height, width, 3) uint8 BGR in CIE Lab: lightness 0 to 100, colours 0 to 255 (128 is grey)."""
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_BGR2LAB) * np.array([100 / 255, 1, 1])


def _mean_color(colors: np.ndarray) -> np.ndarray:
    return colors.mean(axis=0) if len(colors) else np.full(3, np.nan)


@dataclass
class Appearance:
    """The colours of one person so far."""

    params: TrackingParams
    # slow means of the colours, Lab; NaN for parts never seen
    mean: np.ndarray = field(default_factory=lambda: np.full((PARTS, 3), np.nan))
    spread: np.ndarray = field(default_factory=lambda: np.zeros(PARTS))  # usual distance of a frame from them
    count: int = 0  # frames seen

    def update(self, colors: np.ndarray) -> None:
        """Take the colours (PARTS, 3) of a frame into the means."""
        self.count += 1
        share = max(self.params.appearance_update, 1 / self.count)
        self.spread += share * np.nan_to_num(self._part_distances(colors) - self.spread)
        known = np.where(np.isnan(self.mean), colors, self.mean)
        self.mean = known + share * np.nan_to_num(colors - known)

    def cost(self, colors: np.ndarray) -> float:
        """Return the cost that colours (PARTS, 3) are this person's, 0 to 0.6 torso lengths.

        0 while the appearance is not known, or with fewer than 2 parts to compare.
        """
        away = (
            self._part_distances(colors) - self.params.same_color_distance - 2 * self.spread
        ) / self.params.other_color_distance
        both = np.isfinite(away)
        if self.count < self.params.appearance_frames or both.sum() < 2:
            return 0.0
        return self.params.appearance_cost * float(np.clip(away[both], 0, 1).mean())

    def distance(self, colors: np.ndarray) -> float:
        """Return the mean distance of colours (PARTS, 3) from this person's, 0 to 1; a half with no part to compare."""
        away = self._part_distances(colors) / (
            self.params.same_color_distance + self.params.other_color_distance
        )
        both = np.isfinite(away)
        return float(np.minimum(away[both], 1).mean()) if both.any() else 1 / 2

    def distance_to(self, other: Appearance) -> float:
        """Return the `distance` of the other's mean colours; 0 while one of the two is not known."""
        return (
            self.distance(other.mean)
            if min(self.count, other.count) >= self.params.appearance_frames
            else 0.0
        )

    def _part_distances(self, colors: np.ndarray) -> np.ndarray:
        return np.linalg.norm((colors - self.mean) * [self.params.lightness_weight, 1, 1], axis=1)


def learn_appearance(observations: Iterable[Observation], params: TrackingParams) -> Appearance:
    """Return the appearance from the colours of observations, in the order of their frames."""
    appearance = Appearance(params)
    for observation in observations:
        if observation.colors is not None:
            appearance.update(observation.colors)
    return appearance
