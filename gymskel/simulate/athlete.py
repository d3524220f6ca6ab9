"""Who moves: body, technique and camera of an athlete, drawn from a hash of the name: the same everywhere."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator


def seeded_generator(*words: object) -> Generator:
    """A generator of its own for these words; hashlib because `hash` differs between processes."""
    digest = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def shiver(rng: Generator, steps: int, columns: int, keep: float) -> Array:
    """(steps, columns) standard normal; each column keeps the share `keep` of its last value."""
    values = rng.standard_normal((steps, columns))
    for t in range(1, steps):
        values[t] = keep * values[t - 1] + np.sqrt(1 - keep**2) * values[t]
    return values


class Athlete(NamedTuple):
    """What stays the same in all recordings of an athlete, and the camera that films them."""

    height: float  # metres
    spring: float  # duration of the phases in the air, against the keyframes
    tuck: float  # flexion of hip and knee in the air
    drift: float  # speed along x in the air
    distance: float  # metres from the camera
    yaw: float  # degrees; 0 = seen exactly from the side, positive = the camera stands further to the front
    tempo: float  # duration of the phases on the floor
    pike: bool  # rotates with nearly straight knees
    style: int  # seed of the athlete's own deviations from the keyframes
    facing: int  # -1 = faces left on screen, 1 = right
    right: float  # place in the picture: pixels off its middle
    down: float


def draw_athlete(name: str) -> Athlete:
    """The athlete of this name: always the same one.

    Distance and yaw are those of the published s01-s06: the width of shoulders and hips against the torso in the first
    frame says how far the body is turned, the ankles' height on screen before and after how far away it stands.
    """
    rng = seeded_generator("athlete", name)
    low, high = np.transpose([(1.5, 1.78), (0.93, 1.08), (0.85, 1.05), (0.75, 1.25), (4.2, 5.3), (28, 52)])
    floor, pike, style = rng.normal(1, 0.085), rng.random() < 0.2, int(rng.integers(2**32))
    place = rng.uniform((-120, -70), (120, 0))
    return Athlete(*rng.uniform(low, high), floor, pike, style, int(rng.choice([-1, 1])), *place)
