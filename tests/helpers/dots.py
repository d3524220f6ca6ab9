"""People drawn as coloured dots, and an estimator that finds them: pictures whose answer is known exactly."""

import numpy as np

from gymskel.skeleton import BODY_25
from gymskel.tracking.track import Observation, Track

JOINTS = len(BODY_25)
UNSEEN = (np.nan, np.nan, 0)


def stand(x=0.0, y=0.0, torso=60.0, lean=0.0):
    """Return (25, 3): a standing person, the middle of the hips at x, y, leaning by `lean` degrees clockwise.

    Without face and feet, whose dots would lie on each other.
    """
    places = {
        **{"Nose": (0.1, -1.35), "Neck": (0, -1), "MidHip": (0, 0)},
        **{"RShoulder": (-0.3, -0.98), "RElbow": (-0.45, -0.4), "RWrist": (-0.4, 0.15)},
        **{"LShoulder": (0.3, -0.98), "LElbow": (0.5, -0.45), "LWrist": (0.55, 0.1)},
        **{"RHip": (-0.18, 0), "RKnee": (-0.22, 0.85), "RAnkle": (-0.25, 1.7)},
        **{"LHip": (0.18, 0), "LKnee": (0.24, 0.83), "LAnkle": (0.3, 1.68)},
    }
    pose = np.full((JOINTS, 3), UNSEEN, np.float32)
    for joint, place in places.items():
        pose[BODY_25.index(joint)] = *place, 1
    a = np.radians(lean)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    pose[:, :2] = torso * pose[:, :2] @ turn.T + (x, y)
    return pose


def track_of(poses, first=0, number=0):
    """A track with a pose in each frame from `first` on, 30 frames a second."""
    track = Track(number, 30)
    for frame, pose in enumerate(poses, first):
        track.add(frame, Observation(pose))
    return track


def draw(people, size=(640, 480)):
    """(height, width, 3) uint8: a dot a joint, its colour the joint (red) and the person (green)."""
    import cv2

    frame = np.zeros((size[1], size[0], 3), np.uint8)
    for number, pose in enumerate(people):
        for joint in np.flatnonzero(np.isfinite(pose[:, 0])):
            at = tuple(int(v) for v in np.round((pose[joint, :2] - 0.5) * 16))
            cv2.circle(frame, at, 5 * 16, (255, 40 * (number + 1), 10 * (int(joint) + 1)), -1, shift=4)
    return frame


class Dots:
    """An estimator that finds everybody drawn by `draw`, except people who lean by more than `limit` degrees.

    One person at a time, if `alone`: the one with the widest spread, as single-person estimators do.
    """

    name = "dots"
    skeleton = BODY_25
    stateless = True

    def __init__(self, limit=180.0, alone=False):
        self.limit, self.alone, self.calls = limit, alone, 0

    def __call__(self, frame):
        self.calls += 1
        ys, xs = np.nonzero(frame[..., 0] > 250)
        _, green, red = frame[ys, xs].T.astype(int)
        joints, people = np.round(red / 10).astype(int) - 1, []
        for number in range(5):
            pose = np.full((JOINTS, 3), UNSEEN, np.float32)
            own = (abs(green - 40 * (number + 1)) < 12) & (joints >= 0) & (joints < JOINTS)
            count, x, y = (np.bincount(joints[own], w, JOINTS) for w in (None, xs[own], ys[own]))
            drawn = count >= 10  # fewer are a blend of two dots that overlap
            pose[drawn, 0] = x[drawn] / count[drawn] + 0.5
            pose[drawn, 1] = y[drawn] / count[drawn] + 0.5
            pose[drawn, 2] = 0.9
            if np.isfinite(pose[:, 0]).sum() >= 8 and not self._is_blind_to(pose):
                people.append(pose)
        if self.alone and people:
            people = [max(people, key=lambda pose: np.ptp(pose[np.isfinite(pose[:, 0]), 1]))]
        return np.array(people, np.float32).reshape(-1, JOINTS, 3)

    def _is_blind_to(self, pose):
        x, y = pose[BODY_25.index("Neck"), :2] - pose[BODY_25.index("MidHip"), :2]
        return abs(np.degrees(np.arctan2(x, -y))) > self.limit
