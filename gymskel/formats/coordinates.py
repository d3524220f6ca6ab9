"""Coordinates in files of other programs, checked and put into the form of a Recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gymskel.messages import join_names
from gymskel.recording import MAX_CONFIDENCE
from gymskel.recording.folders import MAX_FRAMES_PER_FILE
from gymskel.skeleton import BODY_25, COCO_17, COCO_18, GYMNASTICS_15, HALPE_26, MEDIAPIPE_33, Skeleton

LAYOUTS = (BODY_25, GYMNASTICS_15, COCO_17, COCO_18, HALPE_26, MEDIAPIPE_33)


def join_points(
    xy: np.ndarray,
    confidence: np.ndarray | None,
    *,
    label: str,
    joints: Sequence[str],
    first_frame: int = 0,
) -> np.ndarray:
    """Return (frames, joints, 3) float32 x, y, confidence; a joint without a place is NaN, NaN, 0.

    Args:
        xy: (frames, joints, 2); unseen is NaN.
        confidence: (frames, joints), ignored for unseen joints; None = 1 for each joint with a place.
        label, joints, first_frame: file and recording, names, and number of the first frame, for messages.

    Raises:
        ValueError: infinite, x without y, no confidence or one outside 0 to 1.2; with frame and joint.

    >>> join_points(np.array([[[3, 4], [np.nan, np.nan]]]), np.array([[0.5, np.nan]]), label="a", joints=["Nose", "Neck"])
    array([[[3. , 4. , 0.5],
            [nan, nan, 0. ]]], dtype=float32)
    """
    xy = np.asarray(xy, np.float32)
    unseen = np.isnan(xy)
    has_place = ~unseen[..., 0]
    confidence = has_place.astype(np.float32) if confidence is None else np.asarray(confidence, np.float32)
    rules = (
        (np.isinf(xy).any(axis=-1), "x and y must be finite, or NaN if the joint is unseen"),
        (unseen[..., 0] != unseen[..., 1], "x and y must both be numbers, or both be NaN"),
        (has_place & np.isnan(confidence), "a place without a confidence (NaN); it must lie in 0..1"),
        (
            has_place & ((confidence < 0) | (confidence > MAX_CONFIDENCE)),
            f"confidence must lie in 0..1 (a peak may overshoot to {MAX_CONFIDENCE})",
        ),
    )
    for is_broken, rule in rules:
        if is_broken.any():
            frame, joint = np.argwhere(is_broken)[0]
            values = (*xy[frame, joint].tolist(), float(confidence[frame, joint]))
            more = f" (and in {is_broken.sum() - 1} other places)" if is_broken.sum() > 1 else ""
            raise ValueError(
                f"{label}: frame {first_frame + frame}, {joints[joint]}{more}: {rule}; "
                f"got x, y, confidence = {', '.join(f'{value:g}' for value in values)}."
            )
    keypoints = np.concatenate([xy, confidence[..., None]], axis=-1)
    keypoints[~has_place] = np.nan, np.nan, 0
    return keypoints


def find_layout(joints: Sequence[str], skeleton: Skeleton | None = None, *, label: str = "") -> Skeleton:
    """Return the known layout that has exactly these joints, in any order; else a new layout without limbs.

    Raises:
        ValueError: `skeleton`, the layout that the caller gave, has other joints; the message starts with `label`.

    >>> find_layout(COCO_17.joints[::-1]).name, find_layout(["snout", "left_ear", "right_ear"]).mirror
    ('COCO_17', (('right_ear', 'left_ear'),))
    """
    for layout in LAYOUTS if skeleton is None else (skeleton,):
        if set(layout.joints) == set(joints):
            return layout
    if skeleton is not None:
        missing, extra = set(skeleton.joints) - set(joints), set(joints) - set(skeleton.joints)
        raise ValueError(
            f"{label}: joints are not those of {skeleton.name}; missing: {join_names(sorted(missing)) or 'none'}, "
            f"extra: {join_names(sorted(extra)) or 'none'}. Fix: give `skeleton` with the joints of the file, or leave it out."
        )
    return Skeleton(f"{len(joints)} joints", tuple(joints))


def check_frame_numbers(label: str, first: int, last: int, count: int, entries: str = "rows") -> None:
    """Raise ValueError if `count` rows or files have numbers from `first` to `last` that cannot be frame numbers."""
    if first < 0 or last - first >= MAX_FRAMES_PER_FILE * count:
        found = f"{count} {entries} with numbers from {first} to {last}"
        raise ValueError(f"{label}: {found}, which are no frame numbers. Fix: number them anew.")
