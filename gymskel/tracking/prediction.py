"""Prediction of a person's pose in the next frame, and the cost that a found pose continues the person.

Leans are in degrees, clockwise on screen: 0 = head up, 90 = head to the right, 180 = upside down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gymskel.body_geometry import torso_lean, torso_length, torso_middle
from gymskel.skeleton import BODY_25, GYMNASTICS_15
from gymskel.tracking.geometry import rotation_matrix
from gymskel.tracking.track import Track

CORE_JOINTS = BODY_25.indices(GYMNASTICS_15.joints)  # trunk, arms and legs
MIN_CORE_JOINTS = 4  # fewest of these joints that must be seen to compare two poses
_MAX_TURN = 50.0  # degrees a frame; a double somersault at 25 frames a second turns 45
_MAX_POSES = 3  # nearest poses that a prediction is made from: more would be late for the take-off
_MAX_SPAN = 6  # frames from the nearest of these poses to the furthest
_EXTRAPOLATED = 4  # frames after which an unseen body is no longer taken to fly and turn on
_LAG = 0.1  # seconds over which a movement shows against an estimator's trembling
_MAX_JOINT_COST = 1.5  # torso lengths that a joint far from its place counts
_UNSEEN_JOINT_COST = 0.4  # torso lengths that a predicted joint counts that is unseen


@dataclass
class Prediction:
    """The pose that a person should have in a frame."""

    pose: np.ndarray  # (25, 3); NaN where unknown
    lean: float  # degrees clockwise of the torso
    torso: float  # torso length, pixels
    gap: int  # frames since (or until) the person was seen


def predict_pose(track: Track, number: int, *, backwards: bool = False) -> Prediction:
    """Predict the pose in frame `number` from the poses before it, or after it if `backwards`.

    The nearest pose goes on as the body moved and turned over the last three. `BodyStates.predict` uses a longer time,
    which tells people apart better; here the next frame of a take-off counts.
    """
    near = _nearest_poses(track, number, backwards)
    at, pose = near[0]
    gap = abs(number - at)
    frames = min(gap, _EXTRAPOLATED)
    velocity, turn = _motion(near)
    middle = torso_middle(pose)
    moved = pose.copy()
    moved[:, :2] = (pose[:, :2] - middle) @ rotation_matrix(turn * frames).T + middle + velocity * frames
    leans = (float(torso_lean(pose[:, :2])) for _, pose in near)
    lean = next((lean for lean in leans if not np.isnan(lean)), 0.0)
    return Prediction(moved, lean + turn * frames, track.torso, gap)


def _nearest_poses(track: Track, number: int, backwards: bool) -> list[tuple[int, np.ndarray]]:
    """Return up to three frames and poses before a frame, or from it on; the nearest first."""
    at = int(np.searchsorted(track.frames, number))
    rows = slice(at, at + _MAX_POSES) if backwards else slice(max(at - _MAX_POSES, 0), at)
    near = list(zip(track.frames[rows], track.poses[rows], strict=True))[:: 1 if backwards else -1]
    return [(frame, pose) for frame, pose in near if abs(frame - near[0][0]) <= _MAX_SPAN]


def _motion(near: list[tuple[int, np.ndarray]]) -> tuple[np.ndarray, float]:
    """Return velocity (2,) in pixels and turning in degrees per frame, signed towards the predicted frame.

    Both are medians of the steps between the poses `near`: (frame, pose) pairs, the nearest first. Both are 0 with one pose.
    Turning is at most 50 degrees, and 0 where the lean of the torso is unknown.
    """
    if len(near) < 2:
        return np.zeros(2), 0.0
    steps = np.diff([abs(frame - near[0][0]) for frame, _ in near])
    middles = np.array([torso_middle(pose) for _, pose in near])
    velocity = np.median((middles[:-1] - middles[1:]) / steps[:, None], axis=0)
    leans = np.array([torso_lean(pose[:, :2]) for _, pose in near])
    turns = (leans[:-1] - leans[1:] + 180) % 360 - 180
    rates = (turns / steps)[~np.isnan(turns)]
    return velocity, float(np.clip(np.median(rates), -_MAX_TURN, _MAX_TURN)) if len(rates) else 0.0


def recent_limb_speed(track: Track, number: int) -> float:
    """Return the speed of the joints relative to the torso's middle, in torso lengths a second, over the last second."""
    at = np.searchsorted(track.frames, number - track.fps)
    frames = np.array(track.frames[at:])
    xy = np.array([pose[CORE_JOINTS, :2] - torso_middle(pose) for pose in track.poses[at:]])
    later = np.searchsorted(frames, frames + _LAG * track.fps)
    pairs = [(a, b) for a, b in enumerate(later) if b < len(frames)]
    if not pairs:
        return 0.0
    a, b = np.transpose(pairs)
    away = np.linalg.norm(xy[b] - xy[a], axis=-1)
    speeds = np.nan_to_num(away).sum(axis=1) / np.maximum(np.isfinite(away).sum(axis=1), 1)
    return float(np.quantile(speeds / (frames[b] - frames[a]), 0.75) * track.fps / track.torso)


def pose_cost(pose: np.ndarray, predicted: Prediction) -> float:
    """Return the cost that a pose (25, 3) continues a person, in torso lengths; inf with fewer than 4 joints to compare.

    It is the mean distance of the core joints from their predicted places, each at most 1.5; a predicted joint that is
    unseen counts 0.4. Added are a torso longer than this body's by half or more, and a lean that the body cannot reach
    within the frames since.
    """
    known = ~np.isnan(predicted.pose[CORE_JOINTS, 0])
    seen = ~np.isnan(pose[CORE_JOINTS, 0])
    if (known & seen).sum() < MIN_CORE_JOINTS:
        return np.inf
    away = np.linalg.norm(pose[CORE_JOINTS, :2] - predicted.pose[CORE_JOINTS, :2], axis=1) / predicted.torso
    away = np.where(seen, np.minimum(away, _MAX_JOINT_COST), _UNSEEN_JOINT_COST)[known]
    torso = torso_length(pose[:, :2])
    too_long = 0.1 if np.isnan(torso) else max(0.0, np.log(np.maximum(torso, 1e-3) / predicted.torso) - 0.4)
    lean = float(torso_lean(pose[:, :2]))
    turned = abs((lean - predicted.lean + 180) % 360 - 180) - 40 - 20 * predicted.gap
    return float(away.mean() + too_long + (0 if np.isnan(turned) else max(0.0, turned) / 90))
