"""Recordings -> filled, smoothed, centred, scaled, reduced -> padded Clips. Every step is a pure function."""

from gymskel.preprocess.gaps import drop_uncertain, fill, hold
from gymskel.preprocess.geometry import center, mirror, relative, scale, select_joints, turn
from gymskel.preprocess.limbs import rotate_joints
from gymskel.preprocess.missing import is_recognizable, missing_table, visibility_problems
from gymskel.preprocess.motion import acceleration, bones, joint_angles, velocity
from gymskel.preprocess.moves import cut_moves, find_moves, trim
from gymskel.preprocess.noise import (
    remove_outliers,
    smooth,
    smooth_butterworth,
    smooth_one_euro,
    smooth_savgol,
)
from gymskel.preprocess.padding import pad
from gymskel.preprocess.preprocessor import Preprocessor
from gymskel.preprocess.timing import resample, windows

__all__ = [
    "Preprocessor",
    "acceleration",
    "bones",
    "center",
    "cut_moves",
    "drop_uncertain",
    "visibility_problems",
    "fill",
    "find_moves",
    "hold",
    "is_recognizable",
    "joint_angles",
    "mirror",
    "missing_table",
    "pad",
    "relative",
    "remove_outliers",
    "resample",
    "rotate_joints",
    "scale",
    "select_joints",
    "smooth",
    "smooth_butterworth",
    "smooth_one_euro",
    "smooth_savgol",
    "trim",
    "turn",
    "velocity",
    "windows",
]
