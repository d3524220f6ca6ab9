"""MediaPipe's pose model: one person a frame, on any laptop."""

from __future__ import annotations

from typing import Any

import numpy as np

from gymskel.quiet import hushed
from gymskel.skeleton import MEDIAPIPE_33

MIN_VISIBILITY = 0.1
"""MediaPipe always returns all 33 landmarks; one less visible than this was guessed, not seen."""


class MediaPipe:
    """An estimator: the pose landmarks of MediaPipe 0.10.21, as frame -> (0 or 1, 33, 3) float32.

    x and y in pixels; the confidence is MediaPipe's visibility. A landmark whose visibility is under 0.1 or
    that lies outside the picture is unseen: NaN, NaN, 0. The coordinates are raw; smoothing is a step of
    `preprocess`, where the history tells of it.

    Args:
        tracking: look for the person near where they were in the frame before. Faster than searching every
            frame afresh, but it loses a body that turns, and cannot be followed (`follow=False` only).

    Raises:
        ImportError: mediapipe is missing, or too new to carry its pose model.
    """

    skeleton = MEDIAPIPE_33

    def __init__(self, *, tracking: bool = False) -> None:
        """Imports mediapipe; the graph starts at the first frame."""
        mediapipe = _import()
        self.stateless = not tracking
        self.name = f"MediaPipe {mediapipe.__version__} pose, {'tracking' if tracking else 'static'}"
        self._make = mediapipe.solutions.pose.Pose
        self._graph: Any = None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """(0 or 1, 33, 3) float32 from a frame (height, width, 3) uint8, BGR."""
        if self._graph is not None:
            return self._landmarks(frame)
        with hushed():  # it talks while the graph starts, until after the first frame
            self._graph = self._make(
                static_image_mode=self.stateless, model_complexity=1, smooth_landmarks=False
            )
            return self._landmarks(frame)

    def _landmarks(self, frame: np.ndarray) -> np.ndarray:
        import cv2  # mediapipe brings it

        found = self._graph.process(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).pose_landmarks
        if found is None:
            return np.empty((0, len(self.skeleton), 3), np.float32)
        points = np.array([[p.x, p.y, p.visibility] for p in found.landmark], np.float32)
        inside = ((points[:, :2] >= 0) & (points[:, :2] < 1)).all(axis=1)
        height, width = frame.shape[:2]
        points[:, :2] *= width, height
        points[~inside | (points[:, 2] < MIN_VISIBILITY)] = np.nan, np.nan, 0
        return points[None]

    def reset(self) -> None:
        """Forgets the last person, and frees the graph; the next frame starts a fresh one."""
        if self._graph is not None:
            self._graph.close()
            self._graph = None


def _import() -> Any:
    """The module `mediapipe`, if it still has the pose model inside."""
    ways = (
        'Ways out: pip install "gymskel[mediapipe]" on Python 3.12 or older (it pins mediapipe 0.10.21); '
        "OpenPose; or any callable of your own with `name` and `skeleton` as `estimator`."
    )
    try:
        with hushed():
            import mediapipe
    except ImportError as missing:
        raise ImportError(f"mediapipe cannot be imported ({missing}). {ways}") from missing
    if not hasattr(mediapipe, "solutions"):
        raise ImportError(
            f"mediapipe {mediapipe.__version__} has no `mp.solutions` any more (since 0.10.30). {ways}"
        )
    return mediapipe
