"""A square of the picture, turned: what an estimator is shown, and the way back.

Leans are in degrees, clockwise on screen: 0 = head up, 90 = head to the right, 180 = upside down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Crop:
    """A square of the picture, turned so that a body that leans by `lean` stands upright in it.

    Attributes:
        center: (x, y) of its middle in the picture, pixels.
        side: its side in the picture, pixels.
        lean: degrees clockwise by which the body leans, so by which the square is turned.
        size: its side as it is shown, pixels.
    """

    center: tuple[float, float]
    side: float
    lean: float = 0.0
    size: int = 384

    @property
    def matrix(self) -> np.ndarray:
        """(2, 3) float64: pixels of the picture -> pixels of the view."""
        scale, angle = self.size / self.side, np.radians(-self.lean)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([self.size, self.size]) / 2
        return np.column_stack([turn, middle - turn @ np.asarray(self.center)])

    def cut(self, frame: np.ndarray) -> np.ndarray:
        """(size, size, 3) uint8 of a frame (height, width, 3) uint8; black beyond the picture's edge."""
        import cv2

        step = max(1, int(self.side / self.size))
        view = self
        if step > 1:  # each of its pixels stands for several: average them first
            frame = cv2.resize(frame, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
            view = Crop(
                (self.center[0] / step, self.center[1] / step), self.side / step, self.lean, self.size
            )
        matrix = view.matrix
        # keypoints count from a pixel's corner, OpenCV from its middle
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - (0.5, 0.5)
        return cv2.warpAffine(frame, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)

    def back(self, people: np.ndarray) -> np.ndarray:
        """(people, joints, 3): keypoints found in the view, in pixels of the picture."""
        matrix = self.matrix
        placed = np.array(people, np.float32)
        inverse = np.linalg.inv(matrix[:, :2])
        placed[..., :2] = (people[..., :2] - matrix[:, 2]) @ inverse.T
        return placed
