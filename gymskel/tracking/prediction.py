"""Where a person should be in a frame, and how well a pose fits that. Keypoints only.

Leans are in degrees, clockwise on screen: 0 = head up, 90 = head to the right, 180 = upside down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gymskel.body_geometry import torso_lean, torso_length, torso_middle
from gymskel.skeleton import BODY_25
from gymskel.tracking.tracker import Track

CORE = BODY_25.indices(
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee LAnkle".split()
)
ENOUGH = 4  # of these joints must be seen to compare two poses

MAX_RATE = 50.0  # degrees a frame; a double somersault at 25 frames a second turns 45
NEAR = 3  # poses that tell where a body goes: more would be late for the take-off
NEAR_FRAMES = 6
LAG = 0.1  # seconds over which a movement shows against an estimator's trembling
FADE = 4  # frames after which an unseen body is no longer taken to fly and turn on


@dataclass
class Expectation:
    """Where a person should be in a frame.

    Attributes:
        pose: (25, 3) the joints where they are expected; NaN where unknown.
        lean: degrees clockwise of the torso.
        torso: its length, pixels.
        gap: frames since (or until) the person was seen.
    """

    pose: np.ndarray
    lean: float
    torso: float
    gap: int


def expect(track: Track, number: int, *, backwards: bool = False) -> Expectation:
    """Where a person should be in frame `number`, from the poses before it (after it, if `backwards`).

    The nearest pose, moved and turned on as the body did over the last three. `Track.predict` looks at a longer
    time, which tells people apart better; here the next frame of a take-off counts.
    """
    near = _nearest(track, number, backwards)
    at, pose = near[0]
    gap = abs(number - at)
    lasting = min(gap, FADE)
    velocity, rate = _motion(near)
    middle = torso_middle(pose)
    moved = pose.copy()
    moved[:, :2] = _turned(pose[:, :2] - middle, rate * lasting) + middle + velocity * lasting
    lean = next((lean for _, p in near if not np.isnan(lean := float(torso_lean(p[:, :2])))), 0.0)
    return Expectation(moved, lean + rate * lasting, track.size, gap)


def _nearest(track: Track, number: int, backwards: bool) -> list[tuple[int, np.ndarray]]:
    """Frames and poses of up to three before a frame (after it), the nearest first."""
    at = int(np.searchsorted(track.frames, number))
    if backwards:
        order = range(at, min(at + NEAR, len(track.frames)))
    else:
        order = range(at - 1, max(at - 1 - NEAR, -1), -1)
    near = [(track.frames[i], track.poses[i]) for i in order]
    return [(frame, pose) for frame, pose in near if abs(frame - near[0][0]) <= NEAR_FRAMES]


def _motion(near: list[tuple[int, np.ndarray]]) -> tuple[np.ndarray, float]:
    """(2,) pixels and degrees a frame, going away from the poses; medians, so that one bad pose does little."""
    if len(near) < 2:
        return np.zeros(2), 0.0
    steps = np.diff([abs(frame - near[0][0]) for frame, _ in near])
    middles = np.array([torso_middle(pose) for _, pose in near])
    velocity = np.median((middles[:-1] - middles[1:]) / steps[:, None], axis=0)
    leans = np.array([torso_lean(pose[:, :2]) for _, pose in near])
    turns = (leans[:-1] - leans[1:] + 180) % 360 - 180
    rates = (turns / steps)[~np.isnan(turns)]
    return velocity, float(np.clip(np.median(rates), -MAX_RATE, MAX_RATE)) if len(rates) else 0.0


def liveliness(track: Track, number: int) -> float:
    """Torso lengths a second at which the joints moved about the middle of the torso, in the last second."""
    at = np.searchsorted(track.frames, number - track.fps)
    frames = np.array(track.frames[at:])
    xy = np.array([pose[CORE, :2] - torso_middle(pose) for pose in track.poses[at:]])
    later = np.searchsorted(frames, frames + LAG * track.fps)
    pairs = [(a, b) for a, b in enumerate(later) if b < len(frames)]
    if not pairs:
        return 0.0
    a, b = np.transpose(pairs)
    away = np.linalg.norm(xy[b] - xy[a], axis=-1)
    speeds = np.nan_to_num(away).sum(axis=1) / np.maximum(np.isfinite(away).sum(axis=1), 1)
    return float(np.quantile(speeds / (frames[b] - frames[a]), 0.75) * track.fps / track.size)


def _turned(xy: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return xy @ turn.T


def unlikeness(pose: np.ndarray, expected: Expectation) -> float:
    """How badly a pose (25, 3) continues a person, in torso lengths; inf with fewer than 4 joints to compare.

    The mean distance of the 15 joints of trunk, arms and legs from where they are expected, each counted up to
    1.5; a joint that was expected and is unseen counts 0.4. A torso longer than this body's by half adds to it,
    and so does one that leans as it cannot within the frames since.
    """
    known = ~np.isnan(expected.pose[CORE, 0])
    seen = ~np.isnan(pose[CORE, 0])
    if (known & seen).sum() < ENOUGH:
        return np.inf
    away = np.linalg.norm(pose[CORE, :2] - expected.pose[CORE, :2], axis=1) / expected.torso
    away = np.where(seen, np.minimum(away, 1.5), 0.4)[known]
    torso = torso_length(pose[:, :2])
    too_long = 0.1 if np.isnan(torso) else max(0.0, np.log(max(torso, 1e-3) / expected.torso) - 0.4)
    astray = abs((float(torso_lean(pose[:, :2])) - expected.lean + 180) % 360 - 180) - 40 - 20 * expected.gap
    return float(away.mean() + too_long + (0 if np.isnan(astray) else max(0.0, astray) / 90))
