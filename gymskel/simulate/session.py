"""A move within a longer simulated recording: walk, stand, raise the arms, move, stand, walk away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator
from scipy.integrate import cumulative_trapezoid
from scipy.interpolate import CubicHermiteSpline

from gymskel.recording import Recording
from gymskel.simulate.athlete import draw_athlete, seeded_generator
from gymskel.simulate.body import ANKLE, SHIN, THIGH, TOE, hip_over_contact, place_joints
from gymskel.simulate.camera import capture
from gymskel.simulate.motion import Motion, find_markers, simulate_motion
from gymskel.simulate.recordings import name_recording
from gymskel.skeleton import BODY_25

STAND = (0.0, 3.0, 5.0, 0.0, 5.0, 12.0, 0.0)  # degrees, columns as in `place_joints`; by eye
STRIDES = 0.9  # a second: two steps each; about 1.2 m/s with the swing below
RESTING_SPEED = 0.5  # metres a second: a body rests while all joints are slower, relative to the hip
LOSS_WALKING = 0.2  # rate at which `capture` loses a joint while walking, against the mean of a move
SWING = 22.0  # degrees that a thigh swings to either side while walking; by eye


@dataclass(frozen=True, eq=False)
class Session:
    """A simulated recording that is longer than its move, and its true markers. Ends of ranges are not included."""

    recording: Recording
    motion: Motion  # the whole recording in metres
    start: int  # the published marker: first frame with both wrists below the shoulder line, moving down
    end: int  # the frame after the published marker: both heels down again
    onset: int  # first frame after the last rest before it: arms held up, no joint faster than RESTING_SPEED about the hip
    rest: int  # first frame of the next rest: the body is upright again
    first: int  # frames [first, stop) are the motion of `simulate_motion`
    stop: int


def simulate_session(
    activity: str = "backflip",
    *,
    before: float = 2.0,
    after: float = 2.0,
    athlete: str = "a01",
    sample: int = 1,
    seed: int = 0,
    fps: float = 60.0,
    noise: float = 1.5,
    lost: float = 0.1,
) -> Session:
    """Simulate a recording in which the athlete walks up, performs the move, and walks away.

    The athlete walks in along a random direction, turns, stands, raises both arms, holds them for a moment and swings
    them down into the move; afterwards straightens up, stands, turns and walks away. Angles and their speeds are
    continuous where the parts meet; standing feet do not move. The camera is a third further away than for the move
    alone. Joints outside the picture are unseen.

    >>> session = simulate_session("back-handspring", before=1, after=1.5)
    >>> 60 < session.onset < session.start < session.end < session.rest < len(session.recording) - 90
    True

    Args:
        activity, athlete, sample, seed, fps, noise, lost: as in `simulate_recording`, with the same move. `lost` is the
            share within the move; fewer joints are lost while walking.
        before: seconds of walking and standing before the arms go up.
        after: seconds of standing and walking after the athlete is upright again.

    Raises:
        ValueError: `before` or `after` below 0.5; others as in `simulate_recording`.
    """
    if not (0.5 <= before < np.inf and 0.5 <= after < np.inf):
        raise ValueError(f"`before` and `after` must be seconds from 0.5, got {before} and {after}.")
    if not (0 <= noise < np.inf and 0 <= lost < 1):
        raise ValueError(f"`noise` must be pixels from 0, `lost` a share in [0, 1), got {noise} and {lost}.")
    move = simulate_motion(activity, athlete=athlete, sample=sample, seed=seed, fps=fps)
    person, rng = draw_athlete(athlete), seeded_generator("session", activity, athlete, sample, seed)
    right, left = (read_angles(move.joints, side) for side in "RL")
    lead = lead_in(right[:2], left[:2], move.joints[0], person.height, before, fps, rng)
    tail = lead_out(right[-2:], left[-2:], move.joints[-1], person.height, after, fps, rng)
    joints = np.concatenate([lead, move.joints, tail])
    padding = (len(lead), len(tail))
    lean = np.pad(move.lean, padding, mode="edge")
    motion = Motion(joints, lean, np.pad(move.airborne, padding), np.pad(move.on_hands, padding))
    first, stop = len(lead), len(lead) + len(move.lean)
    start, end = find_markers(motion, first - round(0.4 * fps))
    velocity = np.gradient(joints - joints[:, [BODY_25.index("MidHip")]], 1 / fps, axis=0)
    resting = (np.linalg.norm(velocity, axis=-1) < RESTING_SPEED).all(axis=1)
    onset, rest = int(np.flatnonzero(resting[:start])[-1] + 1), int(end + np.argmax(resting[end:]))
    distance, down = person.distance * 1.33 * rng.uniform(0.95, 1.05), person.down + rng.normal(0, 10)
    camera = person._replace(yaw=person.yaw + rng.normal(0, 3), distance=distance, down=down)
    # the move then loses as many joints as in simulate_recording
    loss_factor = (stop - first + LOSS_WALKING * sum(padding)) / len(joints)
    keypoints = capture(joints, lean, camera, fps, noise, lost * loss_factor, rng)
    recording = name_recording(keypoints, fps, activity, sample, athlete)
    return Session(recording, motion, start, end, onset, rest, first, stop)


def read_angles(joints: Array, side: str) -> Array:
    """Return (frames, 7) degrees, unwrapped: the angles for `place_joints` of one side of the body."""

    def slope(a: str, b: str, ahead: float, up: float) -> Array:
        x, z = (joints[:, BODY_25.index(b)] - joints[:, BODY_25.index(a)])[:, ::2].T
        return np.degrees(np.unwrap(np.arctan2(z, x) - np.arctan2(up, ahead)))

    lean = slope("MidHip", "Neck", 0, 1)
    limbs = (("Hip", "Knee"), ("Knee", "Ankle"), ("Shoulder", "Elbow"), ("Elbow", "Wrist"))
    thigh, shin, upper, fore = (slope(side + a, side + b, 0, -1) for a, b in limbs)
    foot, head = slope(f"{side}Ankle", f"{side}BigToe", TOE, -ANKLE), slope("Neck", f"{side}Ear", 0, 1)
    angles = [lean, thigh - lean, thigh - shin, foot, upper - lean, fore - upper, head - lean]
    return np.stack(angles, axis=-1)


def lead_in(
    right: Array, left: Array, joints: Array, height: float, before: float, fps: float, rng: Generator
) -> Array:
    """Return (frames, 25, 3) metres: the frames before the move.

    `right` and `left` are the (2, 7) angles of the first two frames of the move, `joints` is its first frame, (25, 3).
    """
    raised = rng.uniform(125, 165)
    speed = (right[1, 4] - right[0, 4]) * fps  # arms that fall ever faster take twice the way over the speed
    swing = float(np.clip(2 * (right[0, 4] - raised) / speed if speed else 0.3, 0.15, 0.4))
    rise, hold = rng.uniform(0.4, 0.7), rng.uniform(0.25, 0.5)
    down = -swing  # seconds before the move's first frame at which the arms begin to go down, to rise ...
    rises = down - hold - rise
    frames = round((before - rises) * fps)
    times = np.arange(-frames, 0) / fps
    up = [*STAND[:4], raised, *STAND[5:]]
    postures = []
    for side in (right, left):
        knots = [-frames / fps, rises, rises + rise, down, 0.0]
        speeds = [*np.zeros((4, 7)), (side[1] - side[0]) * fps]
        postures.append(CubicHermiteSpline(knots, [STAND, STAND, up, up, side[0]], speeds)(times))
    still = rng.uniform(0.2, 0.45)  # seconds of standing before the arms go up
    vigour = step(-times, still - rises, still - rises + 0.4)
    heading = draw_heading(rng) * step(-times, still - rises, still - rises + 0.6)
    return walk(postures, vigour, heading, joints, height, fps, rng)


def lead_out(
    right: Array, left: Array, joints: Array, height: float, after: float, fps: float, rng: Generator
) -> Array:
    """Return (frames, 25, 3) metres: the frames after the move; arguments as in `lead_in`, of its last frames."""
    recover, still = rng.uniform(0.5, 0.8), rng.uniform(0.2, 0.45)
    frames = round((recover + after) * fps)
    times = np.arange(1, frames + 1) / fps
    knots = [0.0, recover, recover + after + 1 / fps]
    postures = []
    for side in (right, left):
        stand = STAND + 360 * np.round((side[1] - STAND) / 360)
        speeds = [(side[1] - side[0]) * fps, np.zeros(7), np.zeros(7)]
        postures.append(CubicHermiteSpline(knots, [side[1], stand, stand], speeds)(times))
    vigour = step(times, recover + still, recover + still + 0.4)
    heading = draw_heading(rng) * step(times, recover + still, recover + still + 0.6)
    return walk(postures, vigour, heading, joints, height, fps, rng)


def draw_heading(rng: Generator) -> float:
    """Draw the degrees between the direction of walking and that of the move; 0 in half of all cases."""
    return rng.uniform(-180, 180) if rng.random() < 0.5 else 0.0


def step(times: Array, begin: float, end: float) -> Array:
    """Return a smooth step: 0 before `begin`, 1 after `end`."""
    share = np.clip((times - begin) / (end - begin), 0, 1)
    return share**2 * (3 - 2 * share)


def walk(
    postures: list[Array],
    vigour: Array,
    heading: Array,
    joints: Array,
    height: float,
    fps: float,
    rng: Generator,
) -> Array:
    """Return (frames, 25, 3) metres: the postures with walking added and the feet on the floor.

    Args:
        postures: (frames, 7) angles of the right and of the left side.
        vigour: (frames,) 0 = stands, 1 = walks.
        heading: (frames,) degrees about the vertical.
        joints: (25, 3) the frame of the move before or after; standing feet have the same position as there.
    """
    right, left = (posture.copy() for posture in postures)
    phase = 2 * np.pi * (STRIDES * np.arange(len(right)) / fps + rng.random())
    for side, at in ((right, phase), (left, phase + np.pi)):
        ahead, lift = np.sin(at), np.clip(np.cos(at), 0, None)  # a thigh that swings forward bends its knee
        side[:, 1] += vigour * SWING * ahead
        side[:, 2] += vigour * 45 * lift**2
        side[:, 3] -= vigour * 15 * np.clip(-ahead, 0, None)  # behind, the heel comes up first
        side[:, 4] -= vigour * 18 * ahead
    hip = hip_over_contact("feet", postures[1], 0.0, height)[:, 0]
    placed = place_joints(right, height, left)
    placed[..., 2] -= placed[..., 2].min(axis=1, keepdims=True)
    placed[..., 0] += hip[:, None]  # while standing, the toes are at 0
    speed = vigour * 4 * STRIDES * np.radians(SWING) * (THIGH + SHIN) * height
    cos, sin = np.cos(np.radians(heading))[:, None], np.sin(np.radians(heading))[:, None]
    x, y = placed[..., 0], placed[..., 1]
    placed[..., :2] = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
    for axis, way in enumerate((cos, sin)):
        gone = cumulative_trapezoid(speed * way[:, 0], dx=1 / fps, initial=0)
        gone -= gone[-1] if vigour[0] > vigour[-1] else 0  # 0 where the move is
        placed[..., axis] += gone[:, None]
    placed[..., 0] += joints[BODY_25.index("LBigToe"), 0]
    return placed
