"""Recordings -> filled, smoothed, centred, scaled, reduced -> padded Clips. Every step is a pure function."""

from gymskel.preprocess.clean import fill, is_recognizable, smooth
from gymskel.preprocess.geometry import center, mirror, relative, scale, select_joints, turn
from gymskel.preprocess.limbs import rotate_joints
from gymskel.preprocess.motion import acceleration, bones, joint_angles, velocity
from gymskel.preprocess.preprocessor import Preprocessor, pad
from gymskel.preprocess.timing import resample, windows

__all__ = [
    "Preprocessor",
    "acceleration",
    "bones",
    "center",
    "fill",
    "is_recognizable",
    "joint_angles",
    "mirror",
    "pad",
    "relative",
    "resample",
    "rotate_joints",
    "scale",
    "select_joints",
    "smooth",
    "turn",
    "velocity",
    "windows",
]
