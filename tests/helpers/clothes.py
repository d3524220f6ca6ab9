"""Pictures of people in coloured clothes."""

import cv2
import numpy as np

from gymskel.skeleton import BODY_25

RED, GREEN, BLUE, SKIN, GREY = (40, 40, 200), (60, 160, 40), (180, 60, 30), (140, 170, 220), (90, 90, 90)
_LIMBS = {
    0: [("Neck", "MidHip")],
    2: [("RHip", "RKnee"), ("LHip", "LKnee")],
    3: [("RKnee", "RAnkle"), ("LKnee", "LAnkle")],
    4: [("RShoulder", "RElbow"), ("LShoulder", "LElbow")],
}


def dressed(pose, shirt, trousers, torso=60, back=GREY):
    """Return a frame with a person in it: shirt on trunk and upper arms, trousers, bare shins."""
    frame = np.full((480, 640, 3), back, np.uint8)
    for part, color in ((4, shirt), (0, shirt), (2, trousers), (3, SKIN)):
        for limb in _LIMBS[part]:
            ends = [tuple(int(v) for v in pose[BODY_25.index(joint), :2]) for joint in limb]
            cv2.line(frame, *ends, color, int(0.3 * torso))
    return frame
