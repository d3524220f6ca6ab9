"""Metres -> camera -> pixels -> detector: noise and lost joints where detectors have them."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator
from scipy.special import ndtr

from gymskel.simulate.athlete import Athlete
from gymskel.skeleton import BODY_25

IMAGE_SIZE = (1920, 1080)
FOCAL = 1500.0  # pixels: the main camera of a phone at 1080p, about 65 degrees wide
EYE_LEVEL = 1.15  # metres: a phone on a tripod


def project(joints: Array, camera: Athlete) -> Array:
    """(frames, joints, 2) pixels of (frames, joints, 3) metres: a level pinhole camera that does not move."""
    yaw = np.radians(camera.yaw)
    towards = np.array([np.sin(yaw), -camera.facing * np.cos(yaw)])  # from athlete to camera, on the floor
    right = np.array([-towards[1], towards[0]])
    hip = joints[:, BODY_25.index("MidHip"), 0]
    flat = joints[..., :2] - [(hip.min() + hip.max()) / 2, 0]
    scale = FOCAL / (camera.distance - flat @ towards)
    x = IMAGE_SIZE[0] / 2 + camera.right + flat @ right * scale
    y = IMAGE_SIZE[1] / 2 + camera.down - (joints[..., 2] - EYE_LEVEL) * scale
    return np.stack([x, y], axis=-1)


# How much more often than a hip a joint is lost: by eye, after OpenPose on the published raw recordings.
LOST = {"Nose": 1.3, "Elbow": 1.5, "Wrist": 2.2, "Eye": 1.5, "Ear": 1.8, "SmallToe": 1.5, "Heel": 1.3}


def shiver(rng: Generator, frames: int, joints: int, keep: float) -> Array:
    """(frames, joints) standard normal; each joint keeps the share `keep` of its last value."""
    values = rng.standard_normal((frames, joints))
    for t in range(1, frames):
        values[t] = keep * values[t - 1] + np.sqrt(1 - keep**2) * values[t]
    return values


def detect(
    xy: Array, lean: Array, fps: float, facing: int, noise: float, lost: float, rng: Generator
) -> Array:
    """(frames, joints, 3) float32 keypoints that a detector might give for the true pixels `xy`."""
    frames, joints = xy.shape[:2]
    inverted = (1 - np.cos(np.radians(lean)))[:, None] / 2  # 0 upright ... 1 head down
    speed = np.linalg.norm(np.diff(xy, axis=0, prepend=xy[:1]), axis=-1) * fps / 60  # pixels in 1/60 s
    weight = np.array([LOST.get(name.lstrip("RL"), 1.0) for name in BODY_25.joints])
    hidden = "L" if facing > 0 else "R"  # the side of the head away from the camera
    weight[BODY_25.indices([f"{hidden}Ear", f"{hidden}Eye"])] *= (8, 2)
    shake = np.stack([shiver(rng, frames, joints, 0.5) for _ in "xy"], axis=-1)
    xy = xy + noise * (1 + 1.5 * inverted + speed / 20)[..., None] * shake
    # Lost while a slow wandering, in part that of the whole body, lies below the joint's chance: in runs.
    wander = 0.6 * shiver(rng, frames, 1, 0.85) + 0.8 * shiver(rng, frames, joints, 0.85)
    chance = weight * (0.3 + 6 * inverted**2 + speed / 15)
    gone = ndtr(wander) < np.minimum(lost * chance / chance.mean(), 0.95)
    gone |= ((xy < 0) | (xy >= IMAGE_SIZE)).any(axis=-1)
    level = 0.78 - 0.06 * weight - 0.3 * inverted - speed / 200
    confidence = np.clip(level + 0.08 * shiver(rng, frames, joints, 0.7), 0.06, 0.98)
    keypoints = np.concatenate([xy, confidence[..., None]], axis=-1).astype(np.float32)
    keypoints[gone] = np.nan, np.nan, 0
    return keypoints
