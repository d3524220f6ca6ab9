"""Body model: joint angles -> positions in metres, standing on feet or hands."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.skeleton import BODY_25

# Lengths as shares of the body height: Winter, Biomechanics and Motor Control (2009), fig. 4.1 after Drillis
# and Contini (1966); feet and head by eye, to the positions that BODY_25 marks; widths: medians of the published s01-s06
# against the torso in the first frame (shoulders 0.31 torsos on screen, hips 0.25), seen from 35 degrees before the side.
TRUNK, THIGH, SHIN, UPPER_ARM, FOREARM = 0.288, 0.245, 0.246, 0.186, 0.146
ANKLE, TOE, HEEL, PALM = 0.039, 0.115, 0.04, 0.03  # ANKLE and PALM: height over the floor
WIDTHS = {"Shoulder": 0.08, "Elbow": 0.1, "Wrist": 0.09, "Hip": 0.06, "Knee": 0.06, "Ankle": 0.06,
           "Heel": 0.06, "BigToe": 0.06, "SmallToe": 0.095, "Eye": 0.018, "Ear": 0.044}  # fmt: skip


def rotate(forward: float, up: float, degrees: Array) -> Array:
    """Return the vector (forward, up), rotated backward by degrees: (..., 2)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([forward * c - up * s, forward * s + up * c], axis=-1)


def place_joints(angles: Array, height: float, left: Array | None = None) -> Array:
    """Return (frames, 25, 3) metres from MidHip of (frames, 7) angles; `left` where the left side has other angles."""
    joints = np.zeros((len(angles), len(BODY_25), 3))
    for side, sign, own in (("R", -1, angles), ("L", 1, angles if left is None else left)):
        lean, hip, knee, foot, shoulder, elbow, head = own.T
        neck = rotate(0, TRUNK, lean)
        at = {"Hip": np.zeros_like(neck), "Shoulder": neck}
        at["Knee"] = rotate(0, -THIGH, lean + hip)
        at["Ankle"] = at["Knee"] + rotate(0, -SHIN, lean + hip - knee)
        for joint, ahead in (("BigToe", TOE), ("SmallToe", TOE - 0.02), ("Heel", -HEEL)):
            at[joint] = at["Ankle"] + rotate(ahead, -ANKLE, foot)
        at["Elbow"] = neck + rotate(0, -UPPER_ARM, lean + shoulder)
        at["Wrist"] = at["Elbow"] + rotate(0, -FOREARM, lean + shoulder + elbow)
        at["Eye"] = neck + rotate(0.048, 0.115, lean + head)
        at["Ear"] = neck + rotate(0, 0.1, lean + head)
        for joint, place in at.items():
            joints[:, BODY_25.index(side + joint), ::2] = place
            joints[:, BODY_25.index(side + joint), 1] = sign * WIDTHS[joint]
    joints[:, BODY_25.index("Neck"), ::2] = neck
    joints[:, BODY_25.index("Nose"), ::2] = neck + rotate(0.06, 0.095, lean + head)
    return joints * height


def hip_over_contact(contact: str, angles: Array, anchor: float, height: float) -> Array:
    """Return (frames, 2) x and z of the hip while the feet or hands stand at x = `anchor`."""
    joint, floor = ("LWrist", PALM * height) if contact == "hands" else ("LBigToe", 0.0)
    return [anchor, floor] - place_joints(angles, height)[:, BODY_25.index(joint), ::2]


def bend_to_floor(contact: str, angles: Array, hip: Array) -> Array:
    """Return (frames, 7) angles, with legs or arms bent to reach the floor from (frames, 2) `hip`; body height 1."""
    if contact == "feet":
        column, upper, lower, sign = 1, THIGH, SHIN, 1
        aim = -rotate(TOE, -ANKLE, angles[:, 3]) - hip
    else:
        column, upper, lower, sign = 4, UPPER_ARM, FOREARM, -1
        aim = [0, PALM] - rotate(0, TRUNK, angles[:, 0]) - hip
    distance = np.minimum(np.hypot(aim[:, 0], aim[:, 1]), 0.999 * (upper + lower))
    bend = np.arccos(np.clip((distance**2 - upper**2 - lower**2) / (2 * upper * lower), -1, 1))
    aside = np.arctan2(lower * np.sin(bend), upper + lower * np.cos(bend))
    slope = np.degrees(np.arctan2(aim[:, 0], -aim[:, 1]) + sign * aside)
    angles = angles.copy()
    angles[:, column] += (slope - angles[:, 0] - angles[:, column] + 180) % 360 - 180
    angles[:, column + 1] = np.degrees(bend)
    return angles
