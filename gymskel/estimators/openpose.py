"""OpenPose through its Python binding: everyone in the picture, BODY_25, on a GPU host with OpenPose built."""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.skeleton import BODY_25

_MODEL_FILES = [Path("pose/body_25/pose_iter_584000.caffemodel"), Path("pose/body_25/pose_deploy.prototxt")]
_INSTALLED = "/usr/local/python"  # where `make install` puts the binding
_locks: dict[tuple[int, int], int] = {}  # (process, GPU) -> its lock file, open while the process lives


class OpenPose:
    """An estimator: OpenPose 1.5 to 1.7, as frame -> (people, 25, 3) float32.

    All people found are returned in OpenPose's order, which is no identity: the same index may be another person in the
    next frame. The confidence is a heat map's peak and may overshoot 1 a little. An unseen joint is NaN, NaN, 0.

    Args:
        model_folder: OpenPose's `models`; by default the environment variable OPENPOSE_MODELS, else `models` beside the build.
        python_folder: the binding's folder, `<build>/python` (on Windows also the `Release` folder in it); by default the
            environment variable OPENPOSE_PYTHON, else wherever Python finds it, else /usr/local/python.
        net_resolution: size of the network's input, `WIDTHxHEIGHT` in multiples of 16; -1 follows from the picture's shape.
            Smaller is faster and takes less GPU memory.
        scale_number: number of sizes in which the network sees the picture; 1 is fastest, 4 finds most.
        scale_gap: share of the full size by which each of them is smaller than the one before.
        gpu: the GPU to run on, counted from 0; by default OpenPose's own choice among those that CUDA_VISIBLE_DEVICES shows.
            Of several, each worker process takes the first that no other process on this host has (not on Windows).

    Raises:
        ImportError: the binding cannot be imported.
        FileNotFoundError: `model_folder` does not hold the model.
        ValueError: an option out of its range; OpenPose itself would end the process. A `gpu` that is not there is found
            at the first frame, in the process that uses it.
    """

    skeleton = BODY_25
    stateless = True

    def __init__(
        self,
        *,
        model_folder: str | Path | None = None,
        python_folder: str | Path | None = None,
        net_resolution: str = "-1x368",
        scale_number: int = 1,
        scale_gap: float = 0.25,
        gpu: int | Sequence[int] | None = None,
    ) -> None:
        """Import the binding and find the model; OpenPose starts at the first frame."""
        _check_options(net_resolution, scale_number, scale_gap)
        self._gpus = check_gpus(gpu)
        self._op, self._python_folder = _import(python_folder)
        # gflags keep what an earlier instance set: every flag of ours is given every time. A flag or a value
        # that OpenPose does not know ends the process, so nothing of the caller's goes through unchecked;
        # number_people_max (would drop a tucked athlete) and keypoint_scale (pixels) stay as they are
        self._flags = {
            "model_folder": f"{_find_models(model_folder, self._op)}{os.sep}",
            "model_pose": "BODY_25",
            "net_resolution": net_resolution,
            "scale_number": scale_number,
            "scale_gap": scale_gap,
            "render_pose": 0,  # its pictures are not used
            "num_gpu": -1,
            "num_gpu_start": 0,
        }
        scales = f", {scale_number} scales {scale_gap:g} apart" if scale_number > 1 else ""
        self.name = f"OpenPose BODY_25 {net_resolution}{scales}"
        self._wrapper: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the running OpenPose: each process starts its own."""
        return {**self.__dict__, "_op": None, "_wrapper": None}

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Return (people, 25, 3) float32 for a frame (height, width, 3) uint8, BGR."""
        if self._wrapper is None:
            self._start()
        frame = np.ascontiguousarray(frame)  # the binding ignores strides, and keeps no reference
        datum = self._op.Datum()
        datum.cvInputData = frame
        newer = hasattr(self._op, "VectorDatum")  # 1.7; a plain list is a TypeError there
        datums = self._op.VectorDatum([datum]) if newer else [datum]
        if self._wrapper.emplaceAndPop(datums) is False:  # older ones answer None
            raise RuntimeError("OpenPose stopped: a frame without a result. Fix: see its own message above.")
        found = datum.poseKeypoints
        if found is None or np.ndim(found) == 0:  # nobody, said in the newer and in the older way
            return np.empty((0, len(self.skeleton), 3), np.float32)
        people = np.array(found, np.float32)  # a copy: the binding owns what it handed out
        people[~(people[..., 2] > 0)] = np.nan, np.nan, 0
        return people

    def _start(self) -> None:
        if self._op is None:  # unpickled
            self._op, _ = _import(self._python_folder)
        flags = dict(self._flags)
        if self._gpus:
            flags |= {"num_gpu": 1, "num_gpu_start": take_gpu(self._gpus, self._op.get_gpu_number())}
        wrapper = self._op.WrapperPython()
        wrapper.configure(flags)
        wrapper.start()
        self._wrapper = wrapper


def _check_options(net_resolution: str, scale_number: int, scale_gap: float) -> None:
    sizes = re.fullmatch(r"(-1|\d+)x(-1|\d+)", str(net_resolution))
    if not sizes or sizes.groups() == ("-1", "-1") or any(int(s) % 16 for s in sizes.groups() if s != "-1"):
        raise ValueError(
            f"`net_resolution` must be WIDTHxHEIGHT in multiples of 16, one of them -1 at most, got {net_resolution!r}."
        )
    if not (isinstance(scale_number, int) and scale_number >= 1):
        raise ValueError(f"`scale_number` must be a whole number, 1 or more, got {scale_number!r}.")
    if not 0 < scale_gap < 1 or (scale_number - 1) * scale_gap >= 1:
        raise ValueError(
            f"`scale_gap` must lie between 0 and 1 and leave something of the last of the {scale_number} "
            f"scales, got {scale_gap!r}."
        )


def _import(python_folder: str | Path | None) -> tuple[Any, str]:
    """Return the binding's module, and the folder it was imported from ("" = Python's own path)."""
    wanted = python_folder or os.environ.get("OPENPOSE_PYTHON")
    errors = []
    for folder in [str(wanted)] if wanted else ["", _INSTALLED]:
        for name in ("openpose.pyopenpose", "pyopenpose"):  # Linux, Windows
            try:
                return _import_from(folder, name), folder
            except ImportError as error:
                errors.append(f"{name}{' in ' + folder if folder else ''}: {error}")
    raise ImportError(
        f"OpenPose's Python binding cannot be imported ({'; '.join(errors)}). Fix: build OpenPose with "
        "BUILD_PYTHON=ON and name its <build>/python as python_folder= or in the environment variable "
        'OPENPOSE_PYTHON; pip install "gymskel[mediapipe]" on Python 3.12 or older, or "gymskel[rtmpose]"; or '
        "any callable of your own with `name` and `skeleton` as `estimator`."
    )


def _import_from(folder: str, name: str) -> Any:
    """Import a module from a folder that is on Python's path only meanwhile; "" = from Python's own path."""
    if not folder:
        return importlib.import_module(name)
    inner = Path(folder, "openpose", "Release")  # where Visual Studio leaves pyopenpose.pyd
    paths = [folder, str(inner)] if inner.is_dir() else [folder]
    sys.path[:0] = paths
    try:
        add_dll_directory = getattr(os, "add_dll_directory", None)  # Windows only
        if add_dll_directory is not None:
            near = Path(paths[-1]).resolve()
            places = [up / part for up in [near, *near.parents[:4]] for part in ("x64/Release", "bin")]
            for libraries in filter(Path.is_dir, places):  # OpenPose's DLLs; Python does not find them itself
                add_dll_directory(str(libraries))  # stays: cuDNN loads parts of itself later
        importlib.invalidate_caches()
        return importlib.import_module(name)
    finally:
        for path in paths:
            sys.path.remove(path)


def _find_models(model_folder: str | Path | None, binding: Any) -> Path:
    """Return the folder that holds the model; without a model OpenPose would end the process."""
    wanted = model_folder or os.environ.get("OPENPOSE_MODELS")
    parents = Path(binding.__file__).resolve().parents[:5]  # of openpose/build/python/.../pyopenpose.so
    tried = [Path(wanted)] if wanted else [parent / "models" for parent in parents]
    for folder in tried:
        if all((folder / file).is_file() for file in _MODEL_FILES):
            return folder.resolve()
    raise FileNotFoundError(
        f"No OpenPose model, {' and '.join(map(str, _MODEL_FILES))}, in {' or '.join(map(str, tried))}. Fix: give "
        "OpenPose's models folder as model_folder= or in the environment variable OPENPOSE_MODELS."
    )


# --- GPUs ----------------------------------------------------------------------------------------------------------------


def check_gpus(gpu: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the numbers of the GPUs given, none for None; raise ValueError for no number, or several on Windows."""
    if gpu is None:
        return ()
    gpus = (gpu,) if isinstance(gpu, int) else tuple(gpu)
    if not gpus or any(isinstance(g, bool) or not isinstance(g, int) or g < 0 for g in gpus):
        raise ValueError(f"`gpu` must be a GPU's number, 0 or more, or several of them, got {gpu!r}.")
    if len(set(gpus)) > 1 and os.name == "nt":
        raise ValueError(f"`gpu` must be a single number on Windows, got {gpu!r}.")
    return gpus


def take_gpu(gpus: tuple[int, ...], count: int) -> int:
    """Return the GPU for this process, of a host with `count`: the only one, or the first that no other has taken.

    Raises:
        ValueError: the host has no such GPU.
        RuntimeError: several to choose from, and every one is taken.
    """
    missing = [gpu for gpu in gpus if gpu >= count]
    if missing:
        raise ValueError(f"`gpu` {', '.join(map(str, missing))}: OpenPose sees {count} here, counted from 0.")
    if len(gpus) == 1:
        return gpus[0]
    mine = next((gpu for gpu in gpus if (os.getpid(), gpu) in _locks), None)
    free = mine if mine is not None else next((gpu for gpu in gpus if _lock(gpu)), None)
    if free is None:
        raise RuntimeError(
            f"Every GPU of {', '.join(map(str, gpus))} is taken by another process. Fix: use as many workers as GPUs, "
            "or name a single GPU to share it."
        )
    return free


def _lock(gpu: int) -> bool:
    """Lock a GPU for this process until it ends; return False if another process has it."""
    import fcntl

    path = Path(tempfile.gettempdir(), f"gymskel-gpu-{gpu}-{os.getuid()}.lock")
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _locks[os.getpid(), gpu] = file  # a forked process does not own the GPU
    return True
