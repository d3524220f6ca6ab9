"""Metres -> camera -> pixels -> detector, with the noise and the lost joints of real detectors."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator
from scipy.special import ndtr

from gymskel.simulate.athlete import Athlete, correlated_noise
from gymskel.skeleton import BODY_25

IMAGE_SIZE = (1920, 1080)
FOCAL = 1500.0  # pixels: the main camera of a phone at 1080p, about 65 degrees wide
EYE_LEVEL = 1.15  # metres: a phone on a tripod


def project(joints: Array, camera: Athlete) -> Array:
    """Return (frames, joints, 2) pixels of (frames, joints, 3) metres, for a level pinhole camera at rest."""
    towards, right = axes(camera)
    hip = joints[:, BODY_25.index("MidHip"), 0]
    flat = joints[..., :2] - [(hip.min() + hip.max()) / 2, 0]
    scale = FOCAL / (camera.distance - flat @ towards)
    x = IMAGE_SIZE[0] / 2 + camera.right + flat @ right * scale
    y = IMAGE_SIZE[1] / 2 + camera.down - (joints[..., 2] - EYE_LEVEL) * scale
    return np.stack([x, y], axis=-1)


def axes(camera: Athlete) -> tuple[Array, Array]:
    """Return two directions on the floor, (x, y): from the athlete to the camera, and to the right of the picture."""
    yaw = np.radians(camera.yaw)
    towards = np.array([np.sin(yaw), -camera.facing * np.cos(yaw)])
    return towards, np.array([-towards[1], towards[0]])


def is_hidden(joints: Array, camera: Athlete) -> Array:
    """Return (frames, joints) bool, True for elbows and wrists that the trunk hides from the camera."""
    (towards, right), hidden = axes(camera), np.zeros(joints.shape[:2], bool)
    picture = np.stack([joints[..., :2] @ right, joints[..., 2], joints[..., :2] @ towards], axis=-1)
    hip, neck = (picture[:, BODY_25.index(name)] for name in ("MidHip", "Neck"))
    trunk = neck - hip
    for joint in BODY_25.indices(["RElbow", "LElbow", "RWrist", "LWrist"]):
        away = picture[:, joint] - hip
        share = np.clip((away * trunk)[:, :2].sum(axis=1) / (trunk[:, :2] ** 2).sum(axis=1), 0, 1)
        away = away - share[:, None] * trunk
        hidden[:, joint] = (np.hypot(away[:, 0], away[:, 1]) < HIDING_RADIUS) & (away[:, 2] < 0)
    return hidden


# Rate at which a joint is lost, against that of a hip: by eye, after OpenPose on the published raw recordings.
LOST = {"Nose": 1.3, "Elbow": 1.5, "Wrist": 2.2, "Eye": 1.5, "Ear": 1.8, "SmallToe": 1.5, "Heel": 1.3}
HARDEST_LEAN, LEAN_WIDTH = 135.0, 60.0  # degrees of lean around which joints are lost: s01-s06, confidence 0
HIDING_RADIUS = 0.22  # metres from the middle of the trunk; joints behind it are hidden within this distance


def capture(
    joints: Array, lean: Array, camera: Athlete, fps: float, noise: float, lost: float, rng: Generator
) -> Array:
    """Return (frames, joints, 3) float32 keypoints that a detector could give for (frames, joints, 3) metres."""
    xy, hidden = project(joints, camera), is_hidden(joints, camera)
    frames, columns = xy.shape[:2]
    inverted = (1 - np.cos(np.radians(lean)))[:, None] / 2  # 0 upright ... 1 head down
    speed = np.linalg.norm(np.diff(xy, axis=0, prepend=xy[:1]), axis=-1) * fps / 60  # pixels in 1/60 s
    weight = np.array([LOST.get(name.lstrip("RL"), 1.0) for name in BODY_25.joints])
    far = "L" if camera.facing > 0 else "R"  # the side of the head away from the camera
    weight[BODY_25.indices([f"{far}Ear", f"{far}Eye"])] *= (8, 2)
    shake = np.stack([correlated_noise(rng, frames, columns, 0.5) for _ in "xy"], axis=-1)
    xy = xy + noise * (1 + 1.5 * inverted + speed / 20)[..., None] * shake
    # Lost while a slow wandering, in part that of the whole body, lies below the joint's chance: in runs.
    wander = 0.6 * correlated_noise(rng, frames, 1, 0.85) + 0.8 * correlated_noise(rng, frames, columns, 0.85)
    hard = np.exp(-(((lean - HARDEST_LEAN) / LEAN_WIDTH) ** 2))[:, None]
    chance = weight * (0.2 + 8 * hard + speed / 20) * np.where(hidden, 12, 1)
    gone = ndtr(wander) < np.minimum(lost * chance / chance.mean(), 0.95)
    gone |= ((xy < 0) | (xy >= IMAGE_SIZE)).any(axis=-1)
    level = 0.78 - 0.06 * weight - 0.3 * inverted - speed / 200
    confidence = np.clip(level + 0.08 * correlated_noise(rng, frames, columns, 0.7), 0.06, 0.98)
    keypoints = np.concatenate([xy, confidence[..., None]], axis=-1).astype(np.float32)
    keypoints[gone] = np.nan, np.nan, 0
    return keypoints


# Joint of an inverted body -> the joint it is read as when the body is read as upright with raised arms.
TURNED = {"MidHip": "Neck", "RHip": "RShoulder", "LHip": "LShoulder", "RKnee": "RElbow", "LKnee": "LElbow",
          "RAnkle": "RWrist", "LAnkle": "LWrist"}  # fmt: skip


def misread_as_upright(keypoints: Array, lean: Array, rng: Generator) -> Array:
    """Return the keypoints with a run of frames in which a stretched, inverted body is read as an upright one.

    Arms and legs change places and the head is not found. This happens in 17 of the 21 handsprings of s01-s06, mostly for 8
    to 13 frames, and in no backflip, where the legs are bent.
    """
    xy = keypoints[..., :2]
    start, end = rng.uniform((105, 160), (140, 205))
    misreads = rng.random() < 0.8
    hip, knee = (xy[:, BODY_25.indices([f"R{j}", f"L{j}"])].mean(axis=1) for j in ("Hip", "Knee"))
    trunk, thigh = xy[:, BODY_25.index("Neck")] - xy[:, BODY_25.index("MidHip")], knee - hip
    lengths = np.linalg.norm(trunk, axis=1) * np.linalg.norm(thigh, axis=1)
    stretched = (trunk * thigh).sum(axis=1) < -0.5 * lengths  # hips flexed by less than 60 degrees; NaN: no
    run = np.flatnonzero((lean > start) & (lean < end) & stretched & misreads)
    misread = keypoints.copy()
    for names in TURNED.items():
        a, b = BODY_25.indices(names)
        misread[run, a], misread[run, b] = keypoints[run, b], keypoints[run, a]
    head = BODY_25.indices(["Nose", "REye", "LEye", "REar", "LEar"])
    misread[run[:, None], head] = np.nan, np.nan, 0
    return misread
