"""Limbs rotated about their inner joints: as published, or along the kinematic tree with constant bone lengths."""

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
"""Pairs of joints in the order in which the thesis (sec. 4.2.5) rotates the second about the first."""


def rotate_joints(
    recording: Recording,
    *,
    angles: Sequence[float] | None = None,
    method: str = "tree",
    max_angle: float = 15,
    seed: int | None = None,
) -> Recording:
    """Rotate each limb by a small angle, the same in all frames.

    Args:
        recording: any; unseen joints stay unseen, and a limb whose inner joint is unseen stays as it is.
        angles: degrees, positive = clockwise on screen, one for each pair; drawn at random if not given.
        method: "tree" rotates each limb about its inner joint, together with all joints further out, so that bones
            keep their length. Pairs are the bones outwards from the root, angles lie in -max_angle to max_angle.
            "thesis" (sec. 4.2.5) rotates only the outer joint of each of 14 pairs, by whole angles from 0 to
            `max_angle`: limbs further out stretch, and every rotation is clockwise.
        max_angle: degrees.
        seed: of the random angles.

    Raises:
        ValueError: an unknown method, a wrong number of angles, or a layout without the root or joints it needs.
    """
    pairs = rotation_pairs(recording.skeleton, method)
    if angles is None:
        degrees = draw_angles(np.random.default_rng(seed), (len(pairs),), method, max_angle)
    else:
        degrees = np.asarray(angles, float)
    if len(degrees) != len(pairs):
        raise ValueError(f"`angles` must have one entry for each of {len(pairs)} pairs, got {len(degrees)}.")
    rotated = rotate_limbs(recording.xy[None], pairs, degrees[None])[0]
    return recording.after("rotate_joints", rotated, angles=degrees.tolist(), method=method)


def rotation_pairs(skeleton: Skeleton, method: str) -> list[tuple[int, list[int]]]:
    """Return [(row of the pivot, rows that rotate about it), ...] in the order of rotation."""
    if method == "thesis":
        return [(skeleton.index(a), [skeleton.index(b)]) for a, b in THESIS_PAIRS]
    if method != "tree":
        raise ValueError(f"`method` must be 'tree' or 'thesis', got {method!r}.")
    bones = skeleton.bones_outwards()
    beyond: dict[str, list[str]] = {joint: [joint] for bone in bones for joint in bone}
    for inner, outer in reversed(bones):
        beyond[inner] = beyond[inner] + beyond[outer]
    return [(skeleton.index(inner), skeleton.indices(beyond[outer])) for inner, outer in bones]


def draw_angles(
    rng: np.random.Generator, shape: tuple[int, ...], method: str, max_angle: float
) -> np.ndarray:
    """Draw random angles in degrees: whole and never negative for "thesis", symmetric about 0 for "tree"."""
    if method == "thesis":
        return rng.integers(0, int(max_angle), shape, endpoint=True).astype(float)
    return rng.uniform(-max_angle, max_angle, shape)


def rotate_limbs(xy: np.ndarray, pairs: Sequence[tuple[int, list[int]]], angles: np.ndarray) -> np.ndarray:
    """Rotate the joints of each pair about its pivot; returns (clips, frames, joints, 2).

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
        rotated = origin + np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        xy[:, :, rows] = np.where(np.isnan(origin), xy[:, :, rows], rotated)
    return xy
