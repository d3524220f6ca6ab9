"""Flight time, jump height, take-off, rotation, travel; in metres where the athlete's height is known.

Everything is measured in the plane of the picture: film from the side, at hip height, with a camera at rest. A body that
moves towards the camera or away from it changes its size, and every measured length with it.
"""

from gymskel.kinematics.measure import GRAVITY, Kinematics, kinematics_table, measure_kinematics
from gymskel.kinematics.segments import (
    SEGMENT_LENGTHS,
    SEGMENT_MASSES,
    center_of_mass,
    metres_per_unit,
    torso_length,
)
from gymskel.kinematics.trunk import trunk_angle

__all__ = [
    "GRAVITY",
    "SEGMENT_LENGTHS",
    "SEGMENT_MASSES",
    "Kinematics",
    "center_of_mass",
    "measure_kinematics",
    "kinematics_table",
    "metres_per_unit",
    "torso_length",
    "trunk_angle",
]
