"""The moves as keyframes: angles of the joints over the phases of a move, with each athlete's own deviations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator
from scipy.interpolate import PchipInterpolator

from gymskel.simulate.athlete import Athlete


class Phase(NamedTuple):
    """A stretch of a move with one kind of support, at tempo 1.

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
        Phase("feet", 0.64, 0.0, (
            (0.00, -8, 8, 7, 0, 80, 15, 0), (0.22, -13, 24, 16, 0, 5, 12, 0),
            (0.46, -28, 64, 58, 0, -50, 8, 10), (0.68, -32, 86, 88, 0, -35, 10, 12),
            (0.86, -16, 58, 70, -6, 70, 25, 5), (1.00, 10, 10, 12, -50, 160, 15, 0))),
        Phase("", 0.65, -0.20, (
            (0.12, 31, 0, 14, 55, 168, 15, 8), (0.28, 72, 52, 75, 45, 110, 25, 5),
            (0.46, 134, 112, 122, 35, 50, 20, -15), (0.63, 212, 118, 122, 35, 44, 18, -12),
            (0.80, 285, 88, 70, 30, 48, 15, 5))),
        Phase("feet", 0.20, 0.0, (
            (0.00, 331, 56, 38, 348, 62, 18, 8), (0.50, 334, 82, 76, 360, 66, 20, 12),
            (1.00, 352, 58, 62, 360, 66, 20, 5))),
    ),
    "back-handspring": (
        Phase("feet", 0.70, 0.0, (
            (0.00, -8, 8, 7, 0, 80, 15, 0), (0.22, -8, 24, 22, 0, 10, 12, 0),
            (0.48, -12, 58, 64, 0, -38, 8, 5), (0.66, -10, 78, 90, 0, -25, 10, 5),
            (0.84, 14, 50, 66, -5, 80, 12, 5), (1.00, 46, 0, 16, -45, 165, 8, 22))),
        Phase("", 0.30, -1.4, ((0.50, 98, -34, 32, 50, 178, 6, 42),)),
        Phase("hands", 0.25, 0.0, (
            (0.00, 158, -32, 38, 50, 175, 10, 45), (0.53, 178, -8, 20, 50, 172, 12, 35),
            (1.00, 204, 36, 6, 45, 158, 8, 15))),
        Phase("", 0.20, -1.1, ((0.50, 249, 66, 8, 35, 146, 8, 5),)),
        Phase("feet", 0.20, 0.0, (
            (0.00, 294, 72, 20, 346, 138, 8, 5), (0.50, 326, 57, 40, 360, 132, 10, 8),
            (1.00, 352, 32, 36, 360, 128, 12, 0))),
    ),
}  # fmt: skip
Move = tuple[Phase, ...]
ACTIVITIES = tuple(MOVES)


def time_phases(move: Move, who: Athlete, fps: float, rng: Generator) -> Array:
    """(phases + 1,) seconds at which the phases meet; the last is on a frame."""
    tempo = np.clip(who.tempo + rng.normal(0, 0.05), 0.82, 1.25)
    spring = who.spring * rng.uniform(0.98, 1.02)
    ends = np.cumsum([0, *(phase.seconds * (tempo if phase.contact else spring) for phase in move)])
    return ends * (max(1, round(ends[-1] * fps)) / fps / ends[-1])


def draw_curves(move: Move, events: Array, who: Athlete, rng: Generator) -> PchipInterpolator:
    """Seconds -> (..., 7) angles, the foot as the slope of its sole; monotone, so a flat foot stays flat."""
    keys = [(n, *key) for n, phase in enumerate(move) for key in phase.keys]
    phase, share, *columns = np.array(keys).T
    phase, angles = phase.astype(int), np.transpose(columns)
    own = np.random.default_rng(who.style).normal(0, 3, angles.shape) + rng.normal(0, 1.5, angles.shape)
    own[:, 3] = 0
    own[[0, -1], 0] = 0  # every move turns the trunk by 360 degrees exactly
    angles += own
    contact = np.array([p.contact for p in move])[phase]
    folded = (contact == "") & (angles[:, 1] > 0)
    angles[folded, 1:3] *= (1.08, 0.3) if who.pike else who.tuck
    lean, hip, knee, foot = angles[:, :4].T
    angles[:, 3] = np.where(contact == "feet", foot, lean + hip - knee - foot)
    return PchipInterpolator(events[phase] + share * np.diff(events)[phase], angles)
