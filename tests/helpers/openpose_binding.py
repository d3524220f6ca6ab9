"""A stand-in for OpenPose's Python binding, written from how the binding behaves, wrong calls included.

OpenPose's source, python/openpose/openpose_python.cpp and flags.hpp: flags are gflags, so they are the
process's, keep what was set, and an unknown one ends the process; pictures are a pointer, without strides and
without a reference; keypoints lie in memory of the binding. The tests copy this file to where the binding would
be, with the version set.

Its network finds a red square: a person whose joints all lie in the square's middle, the last one missing, and
a second one of whom only the hip was found.
"""

import os
import sys
import weakref
from pathlib import Path

import numpy as np

VERSION = "1.7"  # or 1.6, 1.5
FLAGS = {
    "logging_level": 3,
    "disable_multi_thread": False,
    "model_folder": "models/",
    "output_resolution": "-1x-1",
    "num_gpu": -1,
    "num_gpu_start": 0,
    "keypoint_scale": 0,
    "number_people_max": -1,
    "maximize_positives": False,
    "model_pose": "BODY_25",
    "net_resolution": "-1x368",
    "scale_number": 1,
    "scale_gap": 0.3,
    "render_pose": -1,
    "face": False,
    "hand": False,
    "write_json": "",
}
GPUS = 2
NOISE = np.random.default_rng(0)
_memory = np.zeros((2, 25, 3), np.float32)  # of the keypoints, used again for every frame


def get_gpu_number():
    return GPUS


def _end(message):
    print(f"ERROR: {message}", file=sys.stderr, flush=True)
    os._exit(1)


class Datum:
    def __init__(self):
        self.poseKeypoints = None

    @property
    def cvInputData(self):
        raise NotImplementedError("nobody should read it back")

    @cvInputData.setter
    def cvInputData(self, frame):
        if frame.dtype not in (np.uint8, np.float32, np.float64):
            raise RuntimeError("Unsupported type")
        self._shape, self._frame = frame.shape, weakref.ref(frame)

    def _picture(self):
        """What lies in the memory that the picture had, taken for contiguous bytes."""
        frame = self._frame()
        if frame is None or frame.dtype != np.uint8 or min(frame.strides) < 0:
            return NOISE.integers(0, 256, self._shape, np.uint8)  # somebody else's by now
        steps = np.cumprod((1, *self._shape[:0:-1]))[::-1]
        return np.lib.stride_tricks.as_strided(frame, self._shape, steps)


if VERSION == "1.7":

    class VectorDatum(list):
        pass


class WrapperPython:
    def __init__(self):
        self.started = False

    def configure(self, flags):
        for name, value in flags.items():
            if name not in FLAGS:
                _end(f"unknown command line flag '{name}'")
            FLAGS[name] = value
        model = Path(FLAGS["model_folder"] + "pose/body_25")  # joined as strings: the last slash is needed
        for file in ("pose_deploy.prototxt", "pose_iter_584000.caffemodel"):
            if not (model / file).is_file():
                _end(f"{model / file} not found")
        if any(int(size) % 16 for size in FLAGS["net_resolution"].split("x") if size != "-1"):
            _end("net_resolution is no multiple of 16")
        if FLAGS["num_gpu_start"] + max(FLAGS["num_gpu"], 1) > GPUS:
            _end("more GPUs than there are")

    def start(self):
        self.started = True

    def emplaceAndPop(self, datums):
        if not isinstance(datums, globals().get("VectorDatum", list)):
            raise TypeError("emplaceAndPop(): incompatible function arguments.")
        if not self.started:
            _end("not started")
        (datum,) = datums
        picture = datum._picture()
        red = (picture[..., 2] > 128) & (picture[..., 0] < 100)
        rows, columns = np.nonzero(red)
        _memory[:] = -7
        if len(rows):
            _memory[0] = columns.mean(), rows.mean(), 1.02
            _memory[0, 24] = _memory[1] = 0
            _memory[1, 8] = 3, 4, 0.5
            datum.poseKeypoints = (
                _memory[: FLAGS["number_people_max"]] if FLAGS["number_people_max"] > 0 else _memory
            )
        else:
            nobody = {"1.7": None, "1.6": np.array(0, np.float32), "1.5": np.empty((0, 25, 3), np.float32)}
            datum.poseKeypoints = nobody[VERSION]
        return True if VERSION == "1.7" else None
