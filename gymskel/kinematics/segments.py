"""The body's lengths and masses: torso, metres in a pixel, the centre of mass."""

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
    """Metres in one unit (pixel) of the recording; NaN where trunk, thigh or shin are never seen.

    What trunk, thigh and shin together should measure (SEGMENT_LENGTHS x `height`), over what they do: the 75th percentile of
    each over the frames, right and left averaged.

    >>> from gymskel.simulate import simulate_recording
    >>> 0.002 < metres_per_unit(simulate_recording("backflip"), 1.6) < 0.006
    True
    """
    xy, total = xy_in_body_25(recording), 0.0
    for ends in SEGMENT_LENGTHS:
        sides = []
        for a, b in _on_each_side(ends):
            length = np.linalg.norm(xy[:, a] - xy[:, b], axis=-1)
            if not np.isnan(length).all():
                sides.append(np.nanpercentile(length, 75))
        total += np.mean(sides) if sides else np.nan
    return float(sum(SEGMENT_LENGTHS.values()) * height / total) if total else np.nan


def center_of_mass(recording: Recording) -> np.ndarray:
    """(frames, 2) the centre of mass in the recording's unit, from the masses of the segments (SEGMENT_MASSES).

    A limb that is seen on one side only counts for both; a head or foot that is not seen counts at the neck or ankle.
    NaN where trunk, an upper arm, a thigh or a shin is seen on neither side.

    >>> one = Recording(np.ones((1, 25, 3)))
    >>> center_of_mass(one).round(6).tolist()
    [[1.0, 1.0]]
    """
    return mass_of(xy_in_body_25(recording))


def mass_of(xy: np.ndarray) -> np.ndarray:
    """(frames, 2) from (frames, 25, 2)."""
    total, mass = np.zeros((len(xy), 2)), 0.0
    for ends, (share, along) in SEGMENT_MASSES.items():
        places = np.stack([xy[:, a] + along * (xy[:, b] - xy[:, a]) for a, b in _on_each_side(ends)])
        if ends[-1] in ("Ear", "Wrist", "BigToe"):  # at the end of a chain: better there than unknown
            inner = {"Ear": "Neck", "Wrist": "Elbow", "BigToe": "Ankle"}[ends[-1]]
            near = np.stack([xy[:, a] for a, _ in _on_each_side((inner, inner))])
            places = np.where(np.isnan(places).all(axis=0), np.broadcast_to(near, places.shape), places)
        both = np.where(np.isnan(places), places[::-1], places).mean(axis=0)
        weight = share if ends in (("Ear", "Ear"), ("Neck", "MidHip")) else 2 * share
        total, mass = total + weight * both, mass + weight
    return total / mass


def xy_in_body_25(recording: Recording) -> np.ndarray:
    """(frames, 25, 2) float64 in the recording's unit."""
    return as_body_25(recording.xy.astype(np.float64), recording.skeleton)


def _on_each_side(ends: tuple[str, str]) -> list[tuple[int, int]]:
    """Rows of the two joints on the right and on the left; joints in the middle of the body are on both."""
    return [
        tuple(BODY_25.indices([end if end in BODY_25 else f"{side}{end}" for end in ends])) for side in "RL"
    ]
