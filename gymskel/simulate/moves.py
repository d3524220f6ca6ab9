"""Moves as keyframes: joint angles over the phases of a move, with deviations of each athlete."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator
from scipy.interpolate import PchipInterpolator

from gymskel.simulate.athlete import Athlete, correlated_noise


class Phase(NamedTuple):
    """Part of a move with one support: feet, hands or none.

    Columns of `keys`: share of the phase, lean of the trunk, flexion of hip and knee, foot (slope of the sole
    while the feet stand, plantar flexion otherwise), shoulder (0 = by the side, 90 = forward), flexion of the
    elbow, head (positive = tipped back).
    """

    contact: str  # "feet", "hands", or "" in the air
    seconds: float
    speed: float  # m/s along x, in the air
    keys: tuple[tuple[float, ...], ...]


MOVES: dict[str, tuple[Phase, ...]] = {
    "backflip": (
        Phase("feet", 0.84, 0.0, (
            (0.00, -4, 8, 9, 0, 77, 17, 0), (0.17, -12, 21, 17, 0, 47, 11, 0),
            (0.33, -18, 53, 45, 0, -15, 8, 5), (0.50, -30, 66, 72, 0, -50, 5, 10),
            (0.60, -36, 80, 80, 0, -42, 6, 10), (0.72, -24, 80, 88, 0, 25, 15, 10),
            (0.84, -8, 52, 77, -3, 84, 21, 5), (0.92, 6, 24, 54, -10, 122, 26, 0),
            (1.00, 22, 0, 14, -42, 142, 26, 0))),
        Phase("", 0.59, -0.06, (
            (0.12, 40, 6, 45, 45, 135, 34, 5), (0.28, 58, 52, 103, 38, 108, 28, 0),
            (0.42, 78, 88, 106, 35, 85, 15, -10), (0.55, 106, 106, 106, 30, 76, 12, -15),
            (0.68, 148, 112, 100, 30, 62, 18, -15), (0.80, 190, 114, 78, 30, 50, 25, -10),
            (0.90, 224, 110, 48, 25, 30, 32, 0))),
        Phase("feet", 0.42, 0.0, (
            (0.00, 256, 96, 18, 350, 20, 32, 5), (0.06, 262, 102, 36, 360, 20, 32, 5),
            (0.32, 290, 108, 76, 360, 28, 30, 5), (1.00, 356, 36, 40, 360, 50, 20, 0))),
    ),
    "back-handspring": (
        Phase("feet", 0.86, 0.0, (
            (0.00, 0, 14, 22, 0, 74, 15, 0), (0.18, 1, 27, 46, 0, 12, 12, 0),
            (0.36, -6, 53, 74, 0, -46, 25, 0), (0.54, -8, 63, 86, 0, -35, 25, 5),
            (0.68, 7, 58, 87, 0, 10, 12, 5), (0.80, 23, 41, 82, -3, 105, 12, 5),
            (0.90, 46, 12, 62, -18, 143, 8, 15), (1.00, 74, -20, 34, -48, 174, 6, 35))),
        Phase("", 0.28, -1.5, ((0.50, 112, -30, 40, 50, 184, 6, 42),)),
        Phase("hands", 0.33, 0.0, (
            (0.00, 148, -30, 48, 50, 182, 14, 42), (0.33, 178, -8, 58, 45, 162, 24, 35),
            (0.66, 200, 10, 58, 40, 138, 28, 25), (1.00, 216, 42, 36, 40, 122, 16, 15))),
        Phase("", 0.2, -0.9, ((0.50, 230, 76, 24, 40, 144, 26, 10),)),
        Phase("feet", 0.42, 0.0, (
            (0.00, 248, 96, 16, 350, 142, 36, 8), (0.06, 254, 99, 26, 360, 140, 36, 8),
            (0.34, 286, 92, 50, 360, 105, 28, 5), (1.00, 360, 30, 36, 360, 80, 15, 0))),
    ),
}  # fmt: skip
# Degrees by which athletes differ, columns as above: about half of what they differ in s01-s06, the rest is timing and the
# detector.
SPREAD = np.array([5.5, 8, 8, 0, 10, 6, 5])
Move = tuple[Phase, ...]
ACTIVITIES = tuple(MOVES)


def time_phases(move: Move, person: Athlete, fps: float, rng: Generator) -> Array:
    """Return (phases + 1,) seconds at which phases begin and end; the last one is on a frame."""
    tempo = np.clip(person.tempo + rng.normal(0, 0.05), 0.82, 1.25)
    spring = person.spring * rng.uniform(0.98, 1.02)
    ends = np.cumsum([0, *(phase.seconds * (tempo if phase.contact else spring) for phase in move)])
    return ends * (max(1, round(ends[-1] * fps)) / fps / ends[-1])


def draw_curves(move: Move, events: Array, person: Athlete, rng: Generator) -> PchipInterpolator:
    """Return a function from seconds to (..., 7) angles; monotone between keyframes, so that a flat foot stays flat.

    The angle of the foot is the slope of its sole.
    """
    keys = [(n, *key) for n, phase in enumerate(move) for key in phase.keys]
    phase, share, *angles_of_keys = np.array(keys).T
    phase, angles = phase.astype(int), np.transpose(angles_of_keys)
    style, (steps, columns) = np.random.default_rng(person.style), angles.shape
    own = correlated_noise(style, steps, columns, 0.9) + correlated_noise(rng, steps, columns, 0.9) / 3
    own *= SPREAD
    own[:, 1] -= own[:, 0]  # another lean of the trunk does not move the thighs
    own[-1, 0] = own[0, 0]  # every move turns the trunk by 360 degrees exactly
    angles += own
    angles[:, 2] = np.maximum(angles[:, 2], 3)
    contact = np.array([p.contact for p in move])[phase]
    folded = (contact == "") & (angles[:, 1] > 0)
    angles[folded, 1:3] *= (1.08, 0.3) if person.pike else person.tuck
    lean, hip, knee, foot = angles[:, :4].T
    angles[:, 3] = np.where(contact == "feet", foot, lean + hip - knee - foot)
    return PchipInterpolator(events[phase] + share * np.diff(events)[phase], angles)
