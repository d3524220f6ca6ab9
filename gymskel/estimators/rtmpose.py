"""RTMPose through rtmlib: everyone in the picture, 26 joints, on any computer with the weights."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import urllib.parse
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.estimators.model_files import find_model_file, name_with_checksum
from gymskel.quiet import hide_stderr
from gymskel.skeleton import HALPE_26

_MIN_SCORE = 0.3  # below which a joint is taken for guessed; MMPose draws from this score on (`kpt_thr`)
_MODES = ("performance", "balanced", "lightweight")  # rtmlib's pairs of models, the best and slowest first
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "rocm": "ROCMExecutionProvider"}
_PERSON_CLASS = 0  # of COCO


class RTMPose:
    """An estimator: YOLOX finds the people, RTMPose the joints of each, as frame -> (people, 26, 3) float32.

    x and y in pixels. RTMPose's score is the mean of two peaks, along x and y (SimCC): about 0.9 to 1.1 for joints in plain
    sight, clipped to [0, 1]. A joint that scores under 0.3 or lies outside the picture is unseen: NaN, NaN, 0.

    The weights are `det` and `pose`, else those that the environment variables RTMPOSE_DET and RTMPOSE_POSE name, else those
    that rtmlib downloaded before; else they are downloaded now.

    Args:
        det: a YOLOX detector of people or of COCO's 80 classes, .onnx.
        pose: an RTMPose model of Halpe's 26 joints (`...halpe26...`), .onnx.
        mode: the pair of models to download where a file is not given: performance, balanced or lightweight.
        device: cpu, cuda, cuda:1 ... or rocm; all but cpu need a build of onnxruntime for it.
        download: False to raise an error instead of downloading missing weights.

    Raises:
        ImportError: rtmlib or onnxruntime is missing.
        FileNotFoundError: no such file, or the weights are not here and cannot be downloaded.
        ValueError: an option out of its range; at the first frame, a model with other inputs or outputs.
    """

    skeleton = HALPE_26
    stateless = True

    def __init__(
        self,
        *,
        det: str | Path | None = None,
        pose: str | Path | None = None,
        mode: str = "balanced",
        device: str = "cpu",
        download: bool = True,
    ) -> None:
        """Import rtmlib and find the weights; the models are loaded at the first frame."""
        if mode not in _MODES:
            raise ValueError(f"`mode` must be {', '.join(_MODES[:-1])} or {_MODES[-1]}, got {mode!r}.")
        given = {"det": find_model_file(det, "RTMPOSE_DET"), "pose": find_model_file(pose, "RTMPOSE_POSE")}
        wrong = [str(file) for file in given.values() if file is not None and file.suffix != ".onnx"]
        if wrong:
            raise ValueError(f"Models must be .onnx files (in OpenMMLab's zips), got {', '.join(wrong)}.")
        rtmlib = _import(device)
        urls = rtmlib.BodyWithFeet.MODE[mode]
        self._det, self._pose = (given[part] or _weights(urls[part], download) for part in ("det", "pose"))
        self._device = device
        self.name = f"RTMPose {name_with_checksum(self._pose)}, people by {name_with_checksum(self._det)}"
        self._models: tuple[Any, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the loaded models: each process loads its own."""
        return {**self.__dict__, "_models": None}

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Return (people, 26, 3) float32 for a frame (height, width, 3) uint8, BGR."""
        if self._models is None:
            self._models = self._load()
        detector, estimator = self._models
        boxes = _person_boxes(detector(frame))
        if not len(boxes):  # asked for no box, rtmlib takes the whole picture for a person
            return np.empty((0, len(self.skeleton), 3), np.float32)
        places, scores = estimator(frame, bboxes=boxes)
        people = np.concatenate([places, np.clip(scores, 0, 1)[..., None]], axis=-1).astype(np.float32)
        height, width = frame.shape[:2]
        inside = ((people[..., :2] >= 0) & (people[..., :2] < (width, height))).all(axis=-1)
        people[~inside | (people[..., 2] < _MIN_SCORE)] = np.nan, np.nan, 0
        return people

    def _load(self) -> tuple[Any, Any]:
        """Return the loaded detector and pose model, after a check of their inputs and outputs."""
        rtmlib = _import(self._device)
        with hide_stderr(), contextlib.redirect_stdout(io.StringIO()):  # both print
            detector = rtmlib.YOLOX(str(self._det), score_thr=0.3, backend="onnxruntime", device=self._device)
            pose = rtmlib.RTMPose(str(self._pose), backend="onnxruntime", device=self._device)
        for model, file in ((detector, self._det), (pose, self._pose)):
            _check_device(model.session, self._device)
            shape = list(model.session.get_inputs()[0].shape)
            if len(shape) != 4 or shape[1] != 3:
                raise ValueError(f"{file} takes {shape}, expected a picture (1, 3, height, width).")
            fixed = all(isinstance(size, int) for size in shape[2:])  # else the model takes any size
            height, width = shape[2:] if fixed else model.model_input_size[::-1]
            model.model_input_size = (height, width) if model is detector else (width, height)
        if detector.session.get_outputs()[0].shape[-1] != 5:  # boxes and scores of people, no classes
            detector.det_mode = "multiclass"
        joints = [output.shape[1] for output in pose.session.get_outputs()]
        if len(joints) != 2 or any(isinstance(n, int) and n != len(self.skeleton) for n in joints):
            raise ValueError(
                f"{self._pose} gives {joints} joints, expected x and y of the {len(self.skeleton)} of Halpe. "
                "Fix: take an RTMPose model with halpe26 in its name."
            )
        return detector, pose


def _person_boxes(found: Any) -> np.ndarray:
    """Return (people, 4): left, top, right, bottom of the boxes of people that are wider and higher than 0."""
    boxes, classes = found if isinstance(found, tuple) else (found, None)
    boxes = np.reshape(boxes, (-1, 4))
    keep = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return boxes[keep if classes is None else keep & (classes == _PERSON_CLASS)]


def _check_device(session: Any, device: str) -> None:
    """Raise RuntimeError if onnxruntime fell back to the CPU, as it does where a GPU's libraries are missing."""
    wanted, got = _PROVIDERS[device.split(":")[0]], session.get_providers()
    if wanted not in got:
        raise RuntimeError(
            f"onnxruntime could not start on {device!r}; it has {', '.join(got)} instead. Fix: install the CUDA "
            "and cuDNN that this onnxruntime was built for, or use device='cpu'."
        )


def _import(device: str) -> Any:
    """Return the module `rtmlib`, after a check that onnxruntime can run on the device."""
    if not re.fullmatch(r"cpu|rocm|cuda(:\d+)?", device):
        raise ValueError(f"`device` must be cpu, cuda, cuda:1 ... or rocm, got {device!r}.")
    try:
        import onnxruntime
        import rtmlib
    except ImportError as missing:
        raise ImportError(
            f'RTMPose needs rtmlib and onnxruntime ({missing}). Fix: pip install "gymskel[rtmpose]"; '
            'pip install "gymskel[mediapipe]" on Python 3.12 or older; OpenPose; or any callable of your own '
            "with `name` and `skeleton` as `estimator`."
        ) from missing
    able = onnxruntime.get_available_providers()
    if _PROVIDERS[device.split(":")[0]] not in able:
        raise ValueError(
            f"onnxruntime {onnxruntime.__version__} cannot run on {device!r}, only on {', '.join(able)}. Fix: "
            "pip install onnxruntime-gpu in place of onnxruntime, or use device='cpu'."
        )
    return rtmlib


def _weights(url: str, download: bool) -> Path:
    """Return the .onnx file that rtmlib makes of the zip at `url`; download it if it is missing and `download` is True."""
    from rtmlib.tools import file

    zipped = Path(file._get_rtmhub_dir(), "checkpoints", Path(urllib.parse.urlparse(url).path).name)
    cached = zipped.with_name(f"{zipped.name.split('.')[0]}.onnx")  # as download_checkpoint names it
    if cached.is_file():
        return cached
    try:
        if not download:
            raise FileNotFoundError("`download` is False")
        return Path(file.download_checkpoint(url))
    except (OSError, http.client.HTTPException, zipfile.BadZipFile) as error:
        broken = isinstance(error, zipfile.BadZipFile)
        raise FileNotFoundError(
            f"RTMPose's weights are not here, and {url} was not downloaded ({error}{f'; delete {zipped}' * broken}). "
            f"Fix: run RTMPose(download=True) once with internet access; it keeps them as {cached}, which may be "
            "copied to other hosts. Or give the .onnx files of a detector and a Halpe-26 pose model as det= and pose=, "
            "or in the environment variables RTMPOSE_DET and RTMPOSE_POSE."
        ) from error
