"""MediaPipe's pose model: on any laptop, with the model inside the package or a downloaded one."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.estimators.model_files import find_model_file, name_with_checksum
from gymskel.messages import join_names
from gymskel.quiet import hide_stderr
from gymskel.skeleton import MEDIAPIPE_33

_MIN_VISIBILITY = 0.1  # below which a landmark is taken for guessed; MediaPipe always returns all 33
_TASK_FILES = {"pose_detector.tflite", "pose_landmarks_detector.tflite"}  # in a .task, a zip


class MediaPipe:
    """An estimator: MediaPipe's pose landmarks, as frame -> (people, 33, 3) float32.

    x and y in pixels, not smoothed; the confidence is MediaPipe's visibility. A landmark whose visibility is under 0.1 or
    that lies outside the picture is unseen: NaN, NaN, 0.

    Without `model` it is the model inside mediapipe 0.10.21, the last wheel with one; it finds one person. With `model` it
    is the Tasks API, in any version since 0.10.

    Args:
        model: a pose landmarker, `pose_landmarker_lite.task`, `_full` or `_heavy`, as MediaPipe's documentation offers
            them; by default the environment variable MEDIAPIPE_MODEL, else the model inside.
        people: largest number of people found in a frame; more than one only with a `model`.
        tracking: search near the person's place in the frame before: faster, but it loses a body that turns, and works
            with `follow=False` only. Only for the model inside.

    Raises:
        ImportError: mediapipe is missing, or too new to carry its pose model and no `model` is given.
        FileNotFoundError: no such `model`.
        ValueError: `model` is no pose landmarker; options that the model cannot do.
    """

    skeleton = MEDIAPIPE_33

    def __init__(self, *, model: str | Path | None = None, people: int = 1, tracking: bool = False) -> None:
        """Import mediapipe; the graph starts at the first frame, in the process that uses it."""
        self._model = find_model_file(model, "MEDIAPIPE_MODEL")
        self._people = people
        self._graph: Any = None
        self.stateless = not tracking
        _check_options(self._model, people, tracking)
        mediapipe = _import(inside=self._model is None)
        file = "" if self._model is None else f" {name_with_checksum(self._model)}"
        limit = f", up to {people} people" if people > 1 else ""
        mode = "tracking" if tracking else "static"
        self.name = f"MediaPipe {mediapipe.__version__} pose{file}, {mode}{limit}"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the graph: each process starts its own."""
        return {**self.__dict__, "_graph": None}

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Return (people, 33, 3) float32 for a frame (height, width, 3) uint8, BGR."""
        if self._graph is not None:
            return self._landmarks(frame)
        with hide_stderr():  # it prints while the graph starts, until after the first frame
            mediapipe = _import(inside=self._model is None)
            if self._model is None:
                self._graph = _InsideModel(mediapipe, static=self.stateless)
            else:
                self._graph = _TaskModel(mediapipe, self._model, self._people)
            return self._landmarks(frame)

    def _landmarks(self, frame: np.ndarray) -> np.ndarray:
        import cv2  # mediapipe brings it

        people = self._graph.find(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        found = [[(point.x, point.y, point.visibility) for point in person] for person in people]
        points = np.array(found, np.float32).reshape(-1, len(self.skeleton), 3)
        inside = ((points[..., :2] >= 0) & (points[..., :2] < 1)).all(axis=-1)
        height, width = frame.shape[:2]
        points[..., :2] *= width, height
        points[~inside | (points[..., 2] < _MIN_VISIBILITY)] = np.nan, np.nan, 0
        return points

    def reset(self) -> None:
        """Forget the last person and free the graph; the model inside stays open if it is stateless."""
        stays_open = self.stateless and self._model is None  # mediapipe 1.2 complains at exit of an open task
        if self._graph is not None and not stays_open:
            self._graph.close()
            self._graph = None


class _InsideModel:
    """The model inside mediapipe 0.10.21."""

    def __init__(self, mediapipe: Any, *, static: bool) -> None:
        self._pose = mediapipe.solutions.pose.Pose(
            static_image_mode=static, model_complexity=1, smooth_landmarks=False
        )
        self.close = self._pose.close

    def find(self, rgb: np.ndarray) -> list[Any]:
        """Return the landmarks of each person in a picture (height, width, 3) uint8, RGB."""
        found = self._pose.process(rgb).pose_landmarks
        return [] if found is None else [found.landmark]


class _TaskModel:
    """A pose landmarker of the Tasks API."""

    def __init__(self, mediapipe: Any, model: Path, people: int) -> None:
        vision = mediapipe.tasks.vision
        options = vision.PoseLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.IMAGE,  # the others track
            num_poses=people,
        )
        self._landmarker = vision.PoseLandmarker.create_from_options(options)
        self._mediapipe = mediapipe
        self.close = self._landmarker.close

    def find(self, rgb: np.ndarray) -> list[Any]:
        """Return the landmarks of each person in a picture (height, width, 3) uint8, RGB."""
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=rgb)
        return self._landmarker.detect(image).pose_landmarks


def _check_options(model: Path | None, people: int, tracking: bool) -> None:
    if isinstance(people, bool) or not isinstance(people, int) or people < 1:
        raise ValueError(f"`people` must be a whole number, 1 or more, got {people!r}.")
    if model is None:
        if people > 1:
            raise ValueError(
                f"MediaPipe's own model finds one person a frame, got people={people}. Fix: give a pose "
                "landmarker .task file as model= or in the environment variable MEDIAPIPE_MODEL, or use OpenPose."
            )
        return
    if tracking:
        raise ValueError(
            f"`tracking` is for the model inside mediapipe, not for {model}. Fix: tracking=False."
        )
    parts: set[str] = set()
    with contextlib.suppress(OSError, zipfile.BadZipFile, RuntimeError), zipfile.ZipFile(model) as archive:
        parts = set(archive.namelist())
    if not parts >= _TASK_FILES:
        raise ValueError(
            f"{model} is no pose landmarker: it should hold {' and '.join(sorted(_TASK_FILES))}, and holds "
            f"{join_names(sorted(parts)) or 'no files'}. Fix: download MediaPipe's pose_landmarker_full.task."
        )


def _import(*, inside: bool) -> Any:
    """Return the module `mediapipe`; with `inside`, check that it still has a model inside."""
    fix = (
        'Fix: pip install "gymskel[mediapipe]" on Python 3.12 or older (it pins mediapipe 0.10.21); '
        'OpenPose; pip install "gymskel[rtmpose]"; or any callable of your own with `name` and `skeleton` as '
        "`estimator`."
    )
    try:
        with hide_stderr():
            import mediapipe
    except ImportError as missing:
        raise ImportError(f"mediapipe cannot be imported ({missing}). {fix}") from missing
    if inside and not hasattr(mediapipe, "solutions"):
        raise ImportError(
            f"mediapipe {mediapipe.__version__} has no `mp.solutions` and no model inside any more (since "
            "0.10.30). Download pose_landmarker_full.task from MediaPipe's documentation and give it as model= "
            f"or in the environment variable MEDIAPIPE_MODEL. {fix}"
        )
    return mediapipe
