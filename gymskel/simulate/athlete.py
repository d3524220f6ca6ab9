"""Athletes: body, technique and camera, drawn from a hash of the name, so equal on every computer."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator


def seeded_generator(*words: object) -> Generator:
    """Return a random generator for these words; hashlib, because `hash` differs between processes."""
    digest = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def correlated_noise(rng: Generator, steps: int, columns: int, keep: float) -> Array:
    """Return (steps, columns) standard normal noise with the correlation `keep` from one step to the next."""
    values = rng.standard_normal((steps, columns))
    for t in range(1, steps):
        values[t] = keep * values[t - 1] + np.sqrt(1 - keep**2) * values[t]
    return values


class Athlete(NamedTuple):
    """Properties that are equal in all recordings of an athlete, and of the camera."""

    height: float  # metres
    spring: float  # duration of the phases in the air, as a share of that in the keyframes
    tuck: float  # flexion of hip and knee in the air, likewise
    drift: float  # speed along x in the air, likewise
    distance: float  # metres from the camera
    yaw: float  # degrees; 0 = seen exactly from the side, positive = the camera stands further to the front
    tempo: float  # duration of the phases on the floor, as a share of that in the keyframes
    pike: bool  # rotates with nearly straight knees
    style: int  # seed of the athlete's own deviations from the keyframes
    facing: int  # -1 = faces left on screen, 1 = right
    right: float  # pixels from the middle of the picture
    down: float


def draw_athlete(name: str) -> Athlete:
    """Return the athlete of this name; equal names give equal athletes.

    Distance and yaw are those of the published s01-s06. Yaw follows from the width of shoulders and hips against the torso
    in the first frame, distance from the height of the ankles in the picture before and after the move.
    """
    rng = seeded_generator("athlete", name)
    low, high = np.transpose([(1.5, 1.78), (0.93, 1.08), (0.85, 1.05), (0.75, 1.25), (4.2, 5.3), (28, 52)])
    tempo, pike, style = rng.normal(1, 0.085), rng.random() < 0.2, int(rng.integers(2**32))
    right, down = rng.uniform((-120, -70), (120, 0))
    height, spring, tuck, drift, distance, yaw = rng.uniform(low, high)
    facing = int(rng.choice([-1, 1]))
    return Athlete(height, spring, tuck, drift, distance, yaw, tempo, pike, style, facing, right, down)
