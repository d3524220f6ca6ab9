"""Skeleton pickles of PYSKL and MMAction2 to recordings, without running code in the pickle.

    {"split": {"train": [frame_dir, ...], "val": [...]},
     "annotations": [{"frame_dir": "v1", "label": 3, "img_shape": (height, width), "total_frames": T,
                      "keypoint": (people, T, joints, 2), "keypoint_score": (people, T, joints)}, ...]}

as their documents on custom data sets describe it; a bare list of annotations, as in earlier versions, is read too.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.formats.coordinates import join_points
from gymskel.formats.unpickle import load_plain, unwrap_array
from gymskel.messages import join_lines, join_names
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
    """Return the people in a skeleton pickle, a Recording each, in its order.

    A joint whose score is 0 or less is unseen. People who are unseen throughout (padding) are left out. If all are, the
    annotation gives one Recording that is all NaN, with a `MissingFramesWarning`.

    Args:
        split: the name of a list in "split": read its annotations, in its order. By default all.
        classes: class names in the order of the labels. Without them the name gives the activity, else the number.
        person: read only this person of each annotation.
        fps: frames a second; the files do not contain it.
        skeleton: layout of the points; by default COCO_17 for 17 and COCO_18 for 18.
        to: layout of the recordings, by `Skeleton.convert`; None keeps that of the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a pickle that wants to run code; no such split; annotations that cannot be read, listed together.
    """
    path = Path(path)
    content = load_plain(path)
    annotations = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
        raise ValueError(f'{path} holds no list of "annotations"; expected a pickle of PYSKL or MMAction2.')
    rows = list(range(len(annotations))) if split is None else _rows(path, content, annotations, split)
    if not rows:
        raise ValueError(f"{path} holds no annotation{f' in {split!r}' if split else ''}.")
    recordings, errors = [], []
    for row in rows:
        annotation = {key: unwrap_array(value) for key, value in annotations[row].items()}
        label = f"annotation {row} ({annotation.get('frame_dir', 'no frame_dir')})"
        try:
            recordings += _people(annotation, label, classes, person, fps, skeleton, to)
        except (ValueError, TypeError) as error:
            errors.append(f"{error}" if label in str(error) else f"{label}: {error}")
    if errors:
        head = f"{path}: {len(errors)} of {len(rows)} annotations cannot be read:"
        raise ValueError(join_lines(head, errors))
    return recordings


def _rows(path: Path, content: Any, annotations: list[dict[str, Any]], split: str) -> list[int]:
    """Return the numbers of the annotations in a split."""
    splits = content.get("split") if isinstance(content, dict) else None
    splits = splits if isinstance(splits, dict) else {}
    if split not in splits:
        raise ValueError(f"{path} has no split {split!r}; it has {sorted(splits)}.")
    rows = {str(unwrap_array(one.get("frame_dir"))): row for row, one in enumerate(annotations)}
    names = [str(name) for name in unwrap_array(splits[split])]
    if missing := [name for name in names if name not in rows]:
        raise ValueError(f"{path}: split {split!r} names {join_names(missing)}, without an annotation.")
    return [rows[name] for name in names]


def _people(
    annotation: Mapping[str, Any],
    label: str,
    classes: Sequence[str] | None,
    person: int | None,
    fps: float | None,
    skeleton: Skeleton | None,
    to: Skeleton | None,
) -> list[Recording]:
    """Return the people of one annotation."""
    points, scores = _arrays(annotation, label)
    layout = skeleton or _LAYOUTS.get(points.shape[2])
    if layout is None or len(layout) != points.shape[2]:
        known = f"{layout.name} has {len(layout)}" if layout else "known are 17 (COCO_17) and 18 (COCO_18)"
        raise ValueError(f"{label}: {points.shape[2]} points a person; {known}. Fix: give skeleton=.")
    seen = np.nan_to_num(scores, nan=1.0) > 0  # join_points refuses a score that is NaN
    people = [k for k in range(len(points)) if seen[k].any()]
    if not people:
        warnings.warn(f"{label}: no person in {points.shape[1]} frames.", MissingFramesWarning, stacklevel=4)
        people = [0]
    if person is not None:
        if person not in people:
            raise ValueError(f"{label} holds no person {person}, only {people}.")
        people = [person]
    name = parse_video_name(str(annotation["frame_dir"]))
    name["activity"] = _activity(annotation.get("label"), classes, label, name["activity"])
    size = unwrap_array(annotation.get("img_shape"))
    recordings = []
    for k in people:
        xy = np.where(seen[k, ..., None], points[k], np.nan)
        keypoints = join_points(xy, scores[k], label=f"{label}, person {k}", joints=layout.joints)
        target = layout if to is None else to
        recordings.append(
            Recording(
                layout.convert(keypoints, target),
                skeleton=target,
                person=k,
                **name,
                video=f"{annotation['frame_dir']}.mp4",
                image_size=None if size is None else (int(size[1]), int(size[0])),
                fps=fps,
                history=({"step": "read_pyskl"},),
            )
        )
    return recordings


def _arrays(annotation: Mapping[str, Any], label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (people, frames, joints, 2) places and (people, frames, joints) scores, both float32."""
    if missing := {"frame_dir", "keypoint"} - set(annotation):
        raise ValueError(f"{label} lacks {join_names(sorted(missing))}.")
    points, scores = (np.asarray(annotation.get(name, 0)) for name in ("keypoint", "keypoint_score"))
    if points.ndim == 4 and points.shape[3] == 3:
        raise ValueError(f"{label}: points in 3-D; a Recording holds x and y in the picture.")
    if points.ndim != 4 or points.shape[3] != 2 or points.dtype.kind not in "fiu" or 0 in points.shape:
        raise ValueError(f"{label}: `keypoint` must be (people, frames, joints, 2), got {points.shape}.")
    has_scores = "keypoint_score" in annotation
    if not has_scores or scores.shape != points.shape[:3] or scores.dtype.kind not in "fiu":
        found = scores.shape if has_scores else "none"
        raise ValueError(f"{label}: `keypoint_score` must be {points.shape[:3]} as `keypoint`, got {found}.")
    frames = annotation.get("total_frames", points.shape[1])
    if frames != points.shape[1]:
        raise ValueError(f"{label}: {points.shape[1]} frames of points, but total_frames = {frames}.")
    return points.astype(np.float32), scores.astype(np.float32)


def _activity(number: Any, classes: Sequence[str] | None, label: str, named: str | None) -> str | None:
    """Return the class name of a label's number; without `classes` the activity in the name, else the number."""
    if number is None or classes is None:
        return named if named or number is None else str(number)
    if not isinstance(number, (int, np.integer)) or not 0 <= number < len(classes):
        raise ValueError(f"{label}: label {number!r}, but `classes` has names for 0 to {len(classes) - 1}.")
    return str(classes[int(number)])
