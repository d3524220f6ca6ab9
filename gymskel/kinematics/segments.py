"""Body segments: their lengths and masses, the centre of mass, metres in a pixel."""

from __future__ import annotations

import numpy as np

from gymskel.body_geometry import as_body_25, torso_ends
from gymskel.preprocess.geometry import require_torso_length
from gymskel.recording import Recording
from gymskel.skeleton import BODY_25

SEGMENT_LENGTHS = {("Neck", "MidHip"): 0.288, ("Hip", "Knee"): 0.245, ("Knee", "Ankle"): 0.246}
"""Lengths as shares of the body height: Winter, Biomechanics and Motor Control (2009), fig. 4.1, after Drillis and
Contini (1966). The arms are left out: they are the joints most often lost and blurred."""

SEGMENT_MASSES = {
    ("Ear", "Ear"): (0.081, 0.0),
    ("Neck", "MidHip"): (0.497, 0.5),
    ("Shoulder", "Elbow"): (0.028, 0.436),
    ("Elbow", "Wrist"): (0.022, 0.682),
    ("Hip", "Knee"): (0.100, 0.433),
    ("Knee", "Ankle"): (0.0465, 0.433),
    ("Ankle", "BigToe"): (0.0145, 0.5),
}
"""Share of the body's mass, and where it lies between the two joints: Winter (2009), table 4.1, after Dempster (1955);
forearm and hand are one, and so are head and neck, at the ear. Masses of arms and legs are those of one side."""


def torso_length(recording: Recording) -> float:
    """Median distance from Neck to MidHip, in the recording's unit.

    Raises:
        UnseenError: the two are never seen together.
    """
    return require_torso_length(recording.name, *torso_ends(xy_in_body_25(recording)))


def metres_per_unit(recording: Recording, height: float) -> float:
    """Return metres in one unit (pixel) of the recording; NaN where trunk, thigh or shin are never seen.

    It is the expected length of trunk, thigh and shin together (SEGMENT_LENGTHS x `height`) over the measured one. A
    segment's measured length is the 75th percentile over the frames, right and left averaged.

    >>> from gymskel.simulate import simulate_recording
    >>> 0.002 < metres_per_unit(simulate_recording("backflip"), 1.6) < 0.006
    True
    """
    xy, total = xy_in_body_25(recording), 0.0
    for ends in SEGMENT_LENGTHS:
        sides = []
        for a, b in _both_sides(ends):
            length = np.linalg.norm(xy[:, a] - xy[:, b], axis=-1)
            if not np.isnan(length).all():
                sides.append(np.nanpercentile(length, 75))
        total += np.mean(sides) if sides else np.nan
    return float(sum(SEGMENT_LENGTHS.values()) * height / total) if total else np.nan


def center_of_mass(recording: Recording) -> np.ndarray:
    """Return (frames, 2) the centre of mass in the recording's unit, from the masses of the segments (SEGMENT_MASSES).

    A limb that is seen on one side counts for both sides; an unseen head or foot counts at the neck or ankle. NaN where
    trunk, an upper arm, a thigh or a shin is seen on neither side.

    >>> one = Recording(np.ones((1, 25, 3)))
    >>> center_of_mass(one).round(6).tolist()
    [[1.0, 1.0]]
    """
    return mass_center(xy_in_body_25(recording))


def mass_center(xy: np.ndarray) -> np.ndarray:
    """Return (frames, 2) the centre of mass of (frames, 25, 2) positions; see `center_of_mass`."""
    total, mass = np.zeros((len(xy), 2)), 0.0
    for ends, (share, along) in SEGMENT_MASSES.items():
        centers = np.stack([xy[:, a] + along * (xy[:, b] - xy[:, a]) for a, b in _both_sides(ends)])
        if ends[-1] in ("Ear", "Wrist", "BigToe"):  # at the end of a chain: the inner joint replaces it
            inner = {"Ear": "Neck", "Wrist": "Elbow", "BigToe": "Ankle"}[ends[-1]]
            near = np.stack([xy[:, a] for a, _ in _both_sides((inner, inner))])
            centers = np.where(np.isnan(centers).all(axis=0), np.broadcast_to(near, centers.shape), centers)
        both = np.where(np.isnan(centers), centers[::-1], centers).mean(axis=0)
        weight = share if ends in (("Ear", "Ear"), ("Neck", "MidHip")) else 2 * share
        total, mass = total + weight * both, mass + weight
    return total / mass


def xy_in_body_25(recording: Recording) -> np.ndarray:
    """Return (frames, 25, 2) float64 positions in the recording's unit, in the order of BODY_25."""
    return as_body_25(recording.xy.astype(np.float64), recording.skeleton)


def _both_sides(ends: tuple[str, str]) -> list[tuple[int, int]]:
    """Return the rows of two joints on the right and on the left; joints in the middle of the body are on both sides."""
    start, end = ([BODY_25.index(n if n in BODY_25 else side + n) for side in "RL"] for n in ends)
    return list(zip(start, end, strict=True))
