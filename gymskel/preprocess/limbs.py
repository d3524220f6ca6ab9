"""Limbs turned about their inner joints: the published way, and along the kinematic tree with bones kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gymskel.recording import Recording
from gymskel.skeleton import Skeleton

THESIS_PAIRS = (
    ("Neck", "RShoulder"), ("RShoulder", "RElbow"), ("RElbow", "RWrist"),
    ("Neck", "LShoulder"), ("LShoulder", "LElbow"), ("LElbow", "LWrist"),
    ("Nose", "Neck"), ("Neck", "MidHip"),
    ("MidHip", "RHip"), ("RHip", "RKnee"), ("RKnee", "RAnkle"),
    ("MidHip", "LHip"), ("LHip", "LKnee"), ("LKnee", "LAnkle"),
)  # fmt: skip
"""Pairs of joints in the order in which the thesis (sec. 4.2.5) turns the second about the first."""


def rotate_joints(
    recording: Recording,
    *,
    angles: Sequence[float] | None = None,
    method: str = "tree",
    max_angle: float = 15,
    seed: int | None = None,
) -> Recording:
    """A copy of the recording with its limbs turned a little, the same in all frames.

    Args:
        recording: any; unseen joints stay unseen, and a limb whose inner joint is unseen is left as it is.
        angles: degrees, positive = clockwise on screen, one for each pair; drawn at random if not given.
        method: "tree" turns each limb about its inner joint together with all that hangs on it, so that bones
            keep their length; pairs are the bones outwards from the root, angles from -max_angle to max_angle.
            "thesis" (sec. 4.2.5) turns only the outer joint of each of 14 pairs, whole angles from 0 to
            `max_angle`: limbs beyond it stretch, and every turn is clockwise.
        max_angle: degrees.
        seed: for the random angles.
    """
    pairs = rotation_pairs(recording.skeleton, method)
    if angles is None:
        angles = draw_angles(np.random.default_rng(seed), (len(pairs),), method, max_angle)
    if len(angles) != len(pairs):
        raise ValueError(f"`angles` must have one entry for each of {len(pairs)} pairs, got {len(angles)}.")
    turned = rotate_limbs(recording.xy[None], pairs, np.asarray(angles, float)[None])[0]
    return recording.after("rotate_joints", turned, angles=[float(a) for a in angles], method=method)


def rotation_pairs(skeleton: Skeleton, method: str) -> list[tuple[int, list[int]]]:
    """[(row of the pivot, rows that turn about it), ...] in the order of turning."""
    if method == "thesis":
        return [(skeleton.index(a), [skeleton.index(b)]) for a, b in THESIS_PAIRS]
    if method != "tree":
        raise ValueError(f"`method` must be 'tree' or 'thesis', got {method!r}.")
    bones = skeleton.bones_outwards()
    reached = [skeleton.root, *(outer for _, outer in bones)]
    beyond: dict[str, list[str]] = {joint: [joint] for joint in reached}
    for inner, outer in reversed(bones):
        beyond[inner] = beyond[inner] + beyond[outer]
    return [(skeleton.index(inner), skeleton.indices(beyond[outer])) for inner, outer in bones]


def draw_angles(
    rng: np.random.Generator, shape: tuple[int, ...], method: str, max_angle: float
) -> np.ndarray:
    """Random angles in degrees: whole and never negative for the thesis, symmetric for the tree."""
    if method == "thesis":
        return rng.integers(0, int(max_angle), shape, endpoint=True).astype(float)
    return rng.uniform(-max_angle, max_angle, shape)


def rotate_limbs(xy: np.ndarray, pairs: Sequence[tuple[int, list[int]]], angles: np.ndarray) -> np.ndarray:
    """(clips, frames, joints, 2) with the joints of each pair turned about its pivot.

    x' = ox + cos(a)(x - ox) - sin(a)(y - oy), y' = oy + sin(a)(x - ox) + cos(a)(y - oy); thesis sec. 4.2.5.

    Args:
        xy: (clips, frames, joints, 2), y down; NaN = unseen.
        pairs: from `rotation_pairs`.
        angles: (clips, pairs) degrees, clockwise on screen.
    """
    xy = np.array(xy)
    radians = np.deg2rad(angles)
    for k, (pivot, rows) in enumerate(pairs):
        cos, sin = np.cos(radians[:, k, None, None]), np.sin(radians[:, k, None, None])
        origin = xy[:, :, [pivot]]
        x, y = np.moveaxis(xy[:, :, rows] - origin, -1, 0)
        turned = origin + np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        xy[:, :, rows] = np.where(np.isnan(origin), xy[:, :, rows], turned)
    return xy
