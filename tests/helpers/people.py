"""A standing body with known joints, and estimators whose answers are known."""

from collections.abc import Callable

import numpy as np

from gymskel.skeleton import BODY_25, Skeleton

UNSEEN = (np.nan, np.nan, 0)
LIMBS = {
    **{
        "MidHip": (0, 0),
        "Neck": (0, -16),
        "Nose": (1, -23),
        "REye": (0, -24),
        "LEye": (2, -24),
        "REar": (-2, -23),
    },
    **{"RShoulder": (-6, -16), "RElbow": (-9, -7), "RWrist": (-8, 2), "RHip": (-4, 0), "RKnee": (-4, 13)},
    **{"LShoulder": (6, -16), "LElbow": (9, -7), "LWrist": (8, 2), "LHip": (4, 0), "LKnee": (4, 13)},
    **{"RAnkle": (-4, 27), "RHeel": (-5, 29), "RBigToe": (-1, 30), "RSmallToe": (-3, 30)},
    **{"LAnkle": (4, 27), "LHeel": (3, 29), "LBigToe": (7, 30), "LSmallToe": (5, 30)},
}


def body(x: float, y: float, *, scale: float = 1) -> np.ndarray:
    """Return keypoints (25, 3) of a person who stands with the hips at x, y; the left ear is unseen."""
    joints = np.full((25, 3), UNSEEN, np.float32)
    for joint, offset in LIMBS.items():
        joints[BODY_25.index(joint)] = *(np.array([x, y]) + scale * np.array(offset)), 0.75
    return joints


class RedSpot:
    """An estimator that puts a standing body on the middle of the red square of a made video."""

    name = "red spot 1"
    skeleton = BODY_25
    stateless = True

    def __init__(self):
        self.frames = self.resets = 0

    def reset(self):
        self.resets += 1

    def __call__(self, frame):
        self.frames += 1
        rows, columns = np.nonzero((frame[..., 2] > 128) & (frame[..., 0] < 100))
        if not len(rows):
            return np.empty((0, 25, 3), np.float32)
        return body(columns.mean(), rows.mean(), scale=self.scale(len(rows)))[None]

    def scale(self, pixels: int) -> float:
        return 1


def seeing(function: Callable[[int], np.ndarray], name: str = "made", skeleton: Skeleton = BODY_25):
    """Return an estimator that answers by the frame's number."""
    numbers = iter(range(10**6))

    def estimator(frame):
        return function(next(numbers))

    estimator.name, estimator.skeleton = name, skeleton
    return estimator


class SizedSpot(RedSpot):
    """A RedSpot whose body has the size of the square, as in an enlarged crop."""

    name = "found 1"

    def scale(self, pixels: int) -> float:
        return np.sqrt(pixels) / 20
