"""Skeleton pickles of PYSKL and MMAction2 to recordings, without running what a pickle may hold.

    {"split": {"train": [frame_dir, ...], "val": [...]},
     "annotations": [{"frame_dir": "v1", "label": 3, "img_shape": (height, width), "total_frames": T,
                      "keypoint": (people, T, joints, 2), "keypoint_score": (people, T, joints)}, ...]}

as their documents on custom data sets describe it; a bare list of annotations, as earlier versions had it, will do, too.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.formats.coordinates import join_points
from gymskel.formats.openpose_points import list_faults
from gymskel.formats.unpickle import load_plain, plain
from gymskel.recording import MissingFramesWarning, Recording, parse_video_name
from gymskel.skeleton import BODY_25, COCO_17, COCO_18, Skeleton

_LAYOUTS = {17: COCO_17, 18: COCO_18}


def read_pyskl(
    path: str | Path,
    *,
    split: str | None = None,
    classes: Sequence[str] | None = None,
    person: int | None = None,
    fps: float | None = None,
    skeleton: Skeleton | None = None,
    to: Skeleton | None = BODY_25,
) -> list[Recording]:
    """Everybody in a skeleton pickle, a Recording each, in its order.

    A joint whose score is 0 or less was not found and is unseen. People that are unseen throughout (the padding of
    shorter lists of people) are left out; if everybody is, one Recording that is all NaN stands for the annotation,
    with a `MissingFramesWarning`.

    Args:
        path: the .pkl file.
        split: the name of a list in "split": its annotations, in its order. By default all.
        classes: class names in the order of the labels; without them the activity is what the name says, else the
            label's number as a text.
        person: take this one of each annotation.
        fps: frames a second; the files do not say.
        skeleton: layout of the points; by default COCO_17 for 17 and COCO_18 for 18.
        to: layout of the recordings, by `Skeleton.convert`; None keeps that of the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a pickle that wants to run code, which is named; no such split; annotations that cannot be read,
            all of them named.
    """
    path = Path(path)
    facts = load_plain(path)
    annotations = facts.get("annotations") if isinstance(facts, dict) else facts
    if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
        raise ValueError(
            f'{path} holds no list of "annotations"; expected a skeleton pickle of PYSKL or MMAction2.'
        )
    rows = range(len(annotations)) if split is None else _rows(path, facts, annotations, split)
    if not len(rows):
        raise ValueError(f"{path} holds no annotation{f' in {split!r}' if split else ''}.")
    recordings, faults = [], []
    for row in rows:
        one = {key: plain(value) for key, value in annotations[row].items()}
        label = f"annotation {row} ({one.get('frame_dir', 'no frame_dir')})"
        try:
            recordings += _people(one, label, classes, person, fps, skeleton, to)
        except (ValueError, TypeError) as fault:
            faults.append(f"{fault}" if label in str(fault) else f"{label}: {fault}")
    if faults:
        raise ValueError(
            list_faults(f"{path}: {len(faults)} of {len(rows)} annotations cannot be read:", faults)
        )
    return recordings


def _rows(path: Path, facts: Any, annotations: list[dict], split: str) -> list[int]:
    """Which annotations a split names."""
    splits = facts.get("split") if isinstance(facts, dict) else None
    if not isinstance(splits, dict) or split not in splits:
        raise ValueError(
            f"{path} has no split {split!r}; it has {sorted(splits) if isinstance(splits, dict) else []}."
        )
    rows = {str(plain(one.get("frame_dir"))): row for row, one in enumerate(annotations)}
    names = [str(name) for name in plain(splits[split])]
    if missing := [name for name in names if name not in rows]:
        raise ValueError(f"{path}: split {split!r} names {missing[:6]}, which no annotation is.")
    return [rows[name] for name in names]


def _people(
    one: Mapping[str, Any],
    label: str,
    classes: Sequence[str] | None,
    person: int | None,
    fps: float | None,
    skeleton: Skeleton | None,
    to: Skeleton | None,
) -> list[Recording]:
    """The people of one annotation."""
    points, scores = _arrays(one, label)
    layout = skeleton or _LAYOUTS.get(points.shape[2])
    if layout is None or len(layout) != points.shape[2]:
        known = f"{layout.name} has {len(layout)}" if layout else "known are 17 (COCO_17) and 18 (COCO_18)"
        raise ValueError(
            f"{label}: {points.shape[2]} points a person; {known}. Say which they are with skeleton=."
        )
    seen = np.nan_to_num(scores, nan=1.0) > 0  # a score that is NaN is for join_points to refuse
    there = [k for k in range(len(points)) if seen[k].any()]
    if not there:
        warnings.warn(f"{label}: nobody in {points.shape[1]} frames.", MissingFramesWarning, stacklevel=4)
        there = [0]
    if person is not None and person not in there:
        raise ValueError(f"{label} holds no person {person}, only {there}.")
    size = plain(one.get("img_shape"))
    fields = {
        **parse_video_name(str(one["frame_dir"])),
        "video": f"{one['frame_dir']}.mp4",
        "image_size": None if size is None else (int(size[1]), int(size[0])),
        "fps": fps,
        "history": ({"step": "read_pyskl"},),
    }
    fields["activity"] = _activity(one.get("label"), classes, label, fields["activity"])
    recordings = []
    for k in there if person is None else [person]:
        xy = np.where(seen[k, ..., None], points[k], np.nan)
        keypoints = join_points(xy, scores[k], label=f"{label}, person {k}", joints=layout.joints)
        kept = layout if to is None else to
        keypoints = layout.convert(keypoints, kept)
        recordings.append(Recording(keypoints, skeleton=kept, person=k, **fields))
    return recordings


def _arrays(one: Mapping[str, Any], label: str) -> tuple[np.ndarray, np.ndarray]:
    """(people, frames, joints, 2) places and (people, frames, joints) scores, both float32."""
    if lacking := {"frame_dir", "keypoint"} - set(one):
        raise ValueError(f"{label} lacks {', '.join(sorted(lacking))}.")
    points, scores = (np.asarray(one.get(name, 0)) for name in ("keypoint", "keypoint_score"))
    if points.ndim == 4 and points.shape[3] == 3:
        raise ValueError(f"{label}: points in 3-D; a Recording holds x and y in the picture.")
    if points.ndim != 4 or points.shape[3] != 2 or points.dtype.kind not in "fiu" or 0 in points.shape:
        raise ValueError(
            f"{label}: `keypoint` must be (people, frames, joints, 2) numbers, got {points.shape}."
        )
    if "keypoint_score" not in one or scores.shape != points.shape[:3] or scores.dtype.kind not in "fiu":
        told = scores.shape if "keypoint_score" in one else "none"
        raise ValueError(
            f"{label}: `keypoint_score` must be {points.shape[:3]} as `keypoint` is, got {told}."
        )
    frames = one.get("total_frames", points.shape[1])
    if frames != points.shape[1]:
        raise ValueError(f"{label}: {points.shape[1]} frames of points, but total_frames = {frames}.")
    return points.astype(np.float32), scores.astype(np.float32)


def _activity(number: Any, classes: Sequence[str] | None, label: str, named: str | None) -> str | None:
    """The class name of a label."""
    if number is None or classes is None:
        return named if named or number is None else str(number)
    if not isinstance(number, (int, np.integer)) or not 0 <= number < len(classes):
        raise ValueError(f"{label}: label {number!r}, but `classes` has names for 0 to {len(classes) - 1}.")
    return str(classes[number])
