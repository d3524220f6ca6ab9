"""Coordinates of other people's files, checked and put together as a Recording has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gymskel.recording import MAX_CONFIDENCE
from gymskel.skeleton import BODY_25, COCO_17, COCO_18, GYMNASTICS_15, HALPE_26, MEDIAPIPE_33, Skeleton

LAYOUTS = (BODY_25, GYMNASTICS_15, COCO_17, COCO_18, HALPE_26, MEDIAPIPE_33)
SPARSE = 1000  # frames a row, beyond which a number is no frame number


def join_points(
    xy: np.ndarray,
    confidence: np.ndarray | None,
    *,
    label: str,
    joints: Sequence[str],
    first_frame: int = 0,
) -> np.ndarray:
    """(frames, joints, 3) float32, x, y and confidence; what has no place is NaN, NaN, 0 whatever its confidence.

    Args:
        xy: (frames, joints, 2); unseen is NaN.
        confidence: (frames, joints); None = 1 wherever there is a place.
        label: file and recording, for errors.
        joints: names, for errors.
        first_frame: number of the first frame, for errors.

    Raises:
        ValueError: infinite, x without y, no confidence or one outside 0 to 1.2; with frame and joint.

    >>> join_points(np.array([[[3, 4], [np.nan, np.nan]]]), np.array([[0.5, np.nan]]), label="a", joints=["Nose", "Neck"])
    array([[[3. , 4. , 0.5],
            [nan, nan, 0. ]]], dtype=float32)
    """
    xy = np.asarray(xy, np.float32)
    unseen = np.isnan(xy)
    there = ~unseen[..., 0]
    given = there.astype(np.float32) if confidence is None else np.asarray(confidence, np.float32)
    wrong = (
        (np.isinf(xy).any(axis=-1), "x and y must be finite, or NaN where the joint is unseen"),
        (unseen[..., 0] != unseen[..., 1], "x and y must both be there, or both be NaN"),
        (there & np.isnan(given), "a place without a confidence (NaN); it must lie in 0..1"),
        (
            there & ((given < 0) | (given > MAX_CONFIDENCE)),
            f"confidence must lie in 0..1 (a peak may overshoot to {MAX_CONFIDENCE})",
        ),
    )
    for bad, told in wrong:
        if bad.any():
            frame, joint = np.argwhere(bad)[0]
            values = (*xy[frame, joint].tolist(), float(given[frame, joint]))
            more = f" (and in {bad.sum() - 1} other places)" if bad.sum() > 1 else ""
            raise ValueError(
                f"{label}: frame {first_frame + frame}, {joints[joint]}{more}: {told}; "
                f"got x, y, confidence = {', '.join(f'{value:g}' for value in values)}."
            )
    keypoints = np.concatenate([xy, given[..., None]], axis=-1)
    keypoints[~there] = np.nan, np.nan, 0
    return keypoints


def find_layout(joints: Sequence[str], wanted: Skeleton | None = None, *, label: str = "") -> Skeleton:
    """The known layout that has exactly these joints, in whatever order; else a layout of these names, without limbs.

    Args:
        joints: the names in a file.
        wanted: the layout the caller gave: it must have exactly these joints.
        label: file, for the error.

    Raises:
        ValueError: `wanted` has other joints.

    >>> find_layout(COCO_17.joints[::-1]).name, find_layout(["snout", "left_ear", "right_ear"]).mirror
    ('COCO_17', (('right_ear', 'left_ear'),))
    """
    for layout in LAYOUTS if wanted is None else (wanted,):
        if set(layout.joints) == set(joints):
            return layout
    if wanted is not None:
        lacks, more = set(wanted.joints) - set(joints), set(joints) - set(wanted.joints)
        raise ValueError(
            f"{label}: joints are not those of {wanted.name}; it lacks {sorted(lacks)[:6]}, has more {sorted(more)[:6]}."
        )
    return Skeleton(f"{len(joints)} joints", tuple(joints))


def refuse_sparse(label: str, first: int, last: int, rows: int) -> None:
    """Raises ValueError where numbers of frames are so far apart that they count something else."""
    if first < 0 or last - first >= SPARSE * rows:
        raise ValueError(
            f"{label}: {rows} rows with numbers from {first} to {last}, which are no frame numbers."
        )
