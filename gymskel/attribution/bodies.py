"""Joints relative to the root, parts of the body, and phases of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from gymskel.clips import Clips
from gymskel.skeleton import Skeleton

TRAVEL = "travel"
"""Name of the root's row: the path of the whole body."""
PLACES = ("x", "y", "z")
"""Channels that are places; all others follow from them, but for the confidence."""


def relative_to_root(x: np.ndarray, clips: Clips, *, inverse: bool = False) -> np.ndarray:
    """Return x with the places of all joints relative to the root, or the inverse. The row of the root stays."""
    root, place = clips.skeleton.root, np.isin(clips.channels, PLACES)
    if root is None:
        return x
    row = clips.skeleton.index(root)
    path = np.where(place, x[..., row : row + 1, :], 0)
    moved = x + path if inverse else x - path
    moved[..., row, :] = x[..., row, :]
    return moved


def rows_by_part(
    skeleton: Skeleton, parts: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[int]]:
    """Return part of the body -> rows of its joints. The root's row is the part "travel" and belongs to no other.

    The default parts are those of the skeleton, or the single joints where it has none.
    """
    if parts is None:
        parts = skeleton.parts or {joint: (joint,) for joint in skeleton.joints}
    if not parts:
        raise ValueError(
            "`parts` names no part of the body. Fix: give some, or None for those of the skeleton."
        )
    root = skeleton.index(skeleton.root) if skeleton.root else None
    rows = {part: [row for row in skeleton.indices(joints) if row != root] for part, joints in parts.items()}
    rows = {part: joint_rows for part, joint_rows in rows.items() if joint_rows}
    return rows if root is None else {**rows, TRAVEL: [root]}


def phase_spans(length: int, phases: int) -> list[tuple[int, int]]:
    """Return (first frame, frame after the last) of each of `phases` equal shares of a clip; very short ones are empty.

    >>> phase_spans(10, 4)
    [(0, 2), (2, 5), (5, 8), (8, 10)]
    """
    edges = np.round(np.linspace(0, length, phases + 1)).astype(int).tolist()
    return list(pairwise(edges))
