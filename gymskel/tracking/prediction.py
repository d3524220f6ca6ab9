"""Prediction of a person's pose in the next frame, and the cost that a found pose continues the person.

Leans are in degrees, clockwise on screen: 0 = head up, 90 = head to the right, 180 = upside down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gymskel.body_geometry import mean_of_seen, torso_lean, torso_length, torso_middle
from gymskel.skeleton import BODY_25, GYMNASTICS_15
from gymskel.tracking.body_states import recent_motion
from gymskel.tracking.geometry import rotation_matrix
from gymskel.tracking.params import MIN_JOINTS, TrackingParams
from gymskel.tracking.track import Track

CORE_JOINTS = BODY_25.indices(GYMNASTICS_15.joints)  # trunk, arms and legs


@dataclass
class Prediction:
    """The pose that a person should have in a frame."""

    pose: np.ndarray  # (25, 3); NaN where unknown
    lean: float  # degrees clockwise of the torso
    torso: float  # torso length, pixels
    gap: int  # frames since (or until) the person was seen


def predict_pose(track: Track, number: int, params: TrackingParams, *, backwards: bool = False) -> Prediction:
    """Predict the pose in frame `number` from the poses before it, or after it if `backwards`.

    The nearest pose goes on as the body moved and turned in its last steps. `predict_joints` uses a longer time, which
    tells people apart better; here the next frame of a take-off counts.
    """
    frames, poses, body = track.nearest(number, params.predicting_poses, backwards=backwards)
    gap = abs(number - frames[-1])
    seconds = min(gap, params.extrapolated_frames) / track.fps
    x, y, turning = recent_motion(body, params.following_window)[0] * (-seconds if backwards else seconds)
    turn = float(np.degrees(turning))
    moved = poses[-1].copy()
    middle = mean_of_seen(moved[:, :2])
    moved[:, :2] = (moved[:, :2] - middle) @ rotation_matrix(turn).T + middle + (x, y)
    leans = [float(lean) for lean in torso_lean(np.array(poses)[..., :2]) if not np.isnan(lean)]
    return Prediction(moved, (leans[-1] if leans else 0.0) + turn, track.torso, gap)


def recent_limb_speed(track: Track, number: int, params: TrackingParams) -> float:
    """Return the speed of the joints relative to the torso's middle, in torso lengths a second, over the last second."""
    at = np.searchsorted(track.frames, number - track.fps)
    frames = np.array(track.frames[at:])
    xy = np.array(
        [
            pose[CORE_JOINTS, :2] - torso_middle(pose)
            for pose in (seen.pose for seen in track.observations[at:])
        ]
    )
    later = np.searchsorted(frames, frames + params.speed_lag * track.fps)
    pairs = [(a, b) for a, b in enumerate(later) if b < len(frames)]
    if not pairs:
        return 0.0
    a, b = np.transpose(pairs)
    away = np.linalg.norm(xy[b] - xy[a], axis=-1)
    speeds = np.nan_to_num(away).sum(axis=1) / np.maximum(np.isfinite(away).sum(axis=1), 1)
    return float(
        np.quantile(speeds / (frames[b] - frames[a]), params.liveliness_quantile) * track.fps / track.torso
    )


def pose_cost(pose: np.ndarray, predicted: Prediction, params: TrackingParams) -> float:
    """Return the cost that a pose (25, 3) continues a person, in torso lengths; inf with too few joints to compare.

    It is the mean distance of the core joints from their predicted places, each limited; a predicted joint that is unseen
    counts as much as one that is somewhat off. Added are a torso much longer than this body's, and a lean that the body
    cannot reach within the frames since.
    """
    known = ~np.isnan(predicted.pose[CORE_JOINTS, 0])
    seen = ~np.isnan(pose[CORE_JOINTS, 0])
    if (known & seen).sum() < MIN_JOINTS:
        return np.inf
    away = np.linalg.norm(pose[CORE_JOINTS, :2] - predicted.pose[CORE_JOINTS, :2], axis=1) / predicted.torso
    away = np.where(seen, np.minimum(away, params.max_joint_cost), params.unseen_joint_cost)[known]
    length = torso_length(pose[:, :2])
    longer = np.log(np.maximum(length, 1) / predicted.torso) - params.longer_torso
    too_long = params.unseen_torso_cost if np.isnan(length) else max(0.0, longer)
    lean = float(torso_lean(pose[:, :2]))
    turned = abs((lean - predicted.lean + 180) % 360 - 180)
    beyond = turned - params.lean_slack - params.lean_slack_rate * predicted.gap
    too_far = 0.0 if np.isnan(beyond) else max(0.0, beyond) / 90
    return float(away.mean() + too_long + too_far)
