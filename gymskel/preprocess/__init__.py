"""Recordings -> filled, smoothed, centred, scaled, reduced -> padded Clips. Every step is a pure function."""

from gymskel.preprocess.clean import fill, is_recognizable, smooth
from gymskel.preprocess.geometry import center, resample, rotate_joints, scale, select_joints
from gymskel.preprocess.preprocessor import Preprocessor, pad

__all__ = [
    "Preprocessor",
    "center",
    "fill",
    "is_recognizable",
    "pad",
    "resample",
    "rotate_joints",
    "scale",
    "select_joints",
    "smooth",
]
