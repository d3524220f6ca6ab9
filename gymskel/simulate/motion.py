"""The move in metres: the body stands on feet or hands, or flies on a parabola."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import ndarray as Array
from scipy.interpolate import CubicSpline, PchipInterpolator

from gymskel.simulate.athlete import Athlete, draw_athlete, seeded_generator
from gymskel.simulate.body import bend_to_floor, hip_over_contact, place_joints
from gymskel.simulate.moves import ACTIVITIES, MOVES, Move, draw_curves, time_phases
from gymskel.skeleton import BODY_25

GRAVITY = 9.81  # metres per second squared
FLIGHT_MARGIN = 0.08  # seconds next to a flight in which the hip follows its speed, not the keyframes


@dataclass(frozen=True, eq=False)
class Motion:
    """True motion behind a simulated recording."""

    joints: Array  # (frames, 25, 3) float64 metres in BODY_25 order; x forward, y to the athlete's left, z up
    lean: Array  # (frames,) degrees that the trunk has turned backward from upright; unwrapped, 360 in all
    airborne: Array  # (frames,) bool: nothing touches the floor, the hip flies on a parabola
    on_hands: Array  # (frames,) bool: the hands stand on the floor


def move_body(move: Move, events: Array, times: Array, curves: PchipInterpolator, person: Athlete) -> Motion:
    """Place the body in the world.

    In the air the hip flies on a parabola. On the floor it follows the keyframes on a spline that meets the parabolas
    with equal speed; the limbs on the floor bend so that they stay where they stand.
    """
    meet, still = curves(events), (np.zeros(2),) * 3
    anchors = [0.0] * len(move)  # x of the feet or hands in each phase on the floor
    flights = {}  # phase -> where the hip leaves, its velocity there and at the end
    for n, phase in enumerate(move):
        if not phase.contact:
            seconds = events[n + 1] - events[n]
            leave = hip_over_contact(move[n - 1].contact, meet[[n]], anchors[n - 1], person.height)[0]
            arrive = hip_over_contact(move[n + 1].contact, meet[[n + 1]], 0.0, person.height)[0]
            fall = np.array([0, GRAVITY * seconds])
            velocity = np.array([phase.speed * person.drift, (arrive[1] - leave[1]) / seconds]) + fall / 2
            flights[n] = leave, velocity, velocity - fall
            anchors[n + 1] = leave[0] + velocity[0] * seconds - arrive[0]
    number = np.clip(np.searchsorted(events, times, side="right") - 1, 0, len(move) - 1)
    angles, root = curves(times), np.zeros((len(times), 2))
    for n, phase in enumerate(move):
        now, t = number == n, times[number == n] - events[n]
        if phase.contact:
            seconds = events[n + 1] - events[n]
            knots = np.array([key[0] for key in phase.keys]) * seconds
            between = (knots >= FLIGHT_MARGIN) & (knots <= seconds - FLIGHT_MARGIN)
            knots = np.concatenate([[0], knots[between], [seconds]])
            through = hip_over_contact(phase.contact, curves(events[n] + knots), 0.0, person.height)
            ends = (1, flights.get(n - 1, still)[2]), (1, flights.get(n + 1, still)[1])
            hip = CubicSpline(knots, through, bc_type=ends)(t)
            angles[now] = bend_to_floor(phase.contact, angles[now], hip / person.height)
            root[now] = hip_over_contact(phase.contact, angles[now], anchors[n], person.height)
        else:
            leave, velocity, _ = flights[n]
            root[now] = leave + velocity * t[:, None] - np.outer(t**2, [0, GRAVITY / 2])
    joints = place_joints(angles, person.height)
    joints[..., ::2] += root[:, None]
    contact = np.array([phase.contact for phase in move])[number]
    return Motion(joints, angles[:, 0], contact == "", contact == "hands")


def simulate_motion(
    activity: str = "backflip", *, athlete: str = "a01", sample: int = 1, seed: int = 0, fps: float = 60.0
) -> Motion:
    """Simulate a move in metres, before camera and detector: the true motion of `simulate_recording`.

    Arguments and errors as in `simulate_recording`.

    >>> motion = simulate_motion("backflip")
    >>> print(round(motion.lean[-1] - motion.lean[0]))  # degrees: a full turn, backward
    360
    """
    if activity not in MOVES:
        raise ValueError(f"`activity` must be one of {', '.join(ACTIVITIES)}, got {activity!r}.")
    if not 0 < fps < np.inf:
        raise ValueError(f"`fps` must be frames a second above 0, got {fps}.")
    move, person = MOVES[activity], draw_athlete(athlete)
    rng = seeded_generator("motion", activity, athlete, sample, seed)
    events = time_phases(move, person, fps, rng)
    times = np.arange(round(events[-1] * fps) + 1) / fps
    return move_body(move, events, times, draw_curves(move, events, person, rng), person)


def find_markers(motion: Motion, begin: int) -> tuple[int, int]:
    """Return (start, end) of the move by the published markers, read from the true joints; `end` is not included.

    It starts in the first frame from `begin` on with both wrists below the shoulders; `begin` must be while the arms go
    down. It ends after the flight in the first frame with both heels less than 1 cm above the floor.
    """
    wrists, shoulders, heels = (
        motion.joints[:, BODY_25.indices([f"R{joint}", f"L{joint}"]), 2]
        for joint in ("Wrist", "Shoulder", "Heel")
    )
    below = (wrists < shoulders).all(axis=1)
    below[:begin] = False
    off = np.flatnonzero(motion.airborne | motion.on_hands)[-1]
    down = (heels < 0.01).all(axis=1)
    down[: off + 1] = False
    return int(np.argmax(below)), int(np.argmax(down)) + 1
