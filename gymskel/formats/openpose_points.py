"""The numbers in OpenPose's JSON files: which joints they are, and where in the picture.

All facts are those of OpenPose's own source: the order of the joints from poseParameters.cpp, the scales from
keypointScaler.cpp, scaleAndSizeExtractor.cpp and openCv.cpp, the versions from fileStream.cpp.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gymskel.recording import MAX_CONFIDENCE
from gymskel.skeleton import BODY_25, COCO_17, COCO_18, Skeleton

_BODY_25B = Skeleton(
    name="BODY_25B",
    joints=(
        *COCO_17.joints,
        *["UpperNeck", "HeadTop", "LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel"],
    ),
)
_MPI_15 = Skeleton(name="MPI_15", joints=("Head", *COCO_18.joints[1:14], "Chest"))

MODELS: dict[str, tuple[Skeleton, tuple[int, ...]]] = {
    "BODY_25": (BODY_25, (25, 137)),
    "COCO": (COCO_18, (18,)),
    "MPI": (_MPI_15, (15,)),
    "BODY_135": (_BODY_25B, (135,)),
    "BODY_25B": (_BODY_25B, (25,)),
}
"""OpenPose's --model_pose -> the layout of its first points, and how many points there may be. The first that fits counts."""

_SLACK = 0.05  # a peak between pixels may lie a little outside the picture
SHOWN = 8  # names in one message


@dataclass(frozen=True)
class Found:
    """Everybody in the files of a clip, file after file.

    Attributes:
        points: (people, points, 3) float64, as written.
        frames: (people,) in which frame.
        ids: (people,) OpenPose's person_id, -1 where it did not say.
    """

    points: np.ndarray
    frames: np.ndarray
    ids: np.ndarray


def parse_files(label: str, folder: Any, files: dict[int, str]) -> Found:
    """The numbers of all files; faulty files are named together."""
    rows: list[list[float]] = []
    frames, ids, faults = [], [], []
    for frame, name in files.items():
        try:
            for person, numbers in _people_in(folder.read(name)):
                rows.append(numbers)
                frames.append(frame)
                ids.append(person)
        except ValueError as fault:
            faults.append(f"{name}: {fault}")
    if faults:
        way = "Delete them (their frames become NaN), or let OpenPose write them again."
        raise ValueError(
            list_faults(f"{label}: {len(faults)} of {len(files)} files are broken. {way}", faults)
        )
    lengths = {
        len(numbers): files[frame] for numbers, frame in zip(reversed(rows), reversed(frames), strict=True)
    }
    if len(lengths) > 1:
        told = ", ".join(f"{length} in {name}" for length, name in lengths.items())
        raise ValueError(
            f"{label}: files of several layouts in one clip ({told} numbers a person); part them."
        )
    points = np.array(rows, np.float64).reshape(len(rows), -1, 3) if rows else np.zeros((0, len(BODY_25), 3))
    return Found(points, np.array(frames, int), np.array(ids, int))


def _people_in(text: bytes) -> Iterator[tuple[int, list[float]]]:
    """person_id (-1 for none) and the numbers of each person in a file."""
    facts = json.loads(text)
    people = facts.get("people") if isinstance(facts, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise ValueError('no list "people".')
    for person in people:
        numbers = person.get("pose_keypoints_2d", person.get("pose_keypoints"))  # until version 1.0
        if not isinstance(numbers, list) or not numbers or len(numbers) % 3:
            told = f"{len(numbers)} numbers" if isinstance(numbers, list) else "none"
            raise ValueError(f'"pose_keypoints_2d" must be x, y, c for each point of the body, got {told}.')
        if not all(isinstance(number, (int, float)) for number in numbers):
            raise ValueError('"pose_keypoints_2d" holds something else than numbers.')
        values = numbers[2::3]
        if not 0 <= min(values) <= max(values) <= MAX_CONFIDENCE or not all(map(math.isfinite, numbers)):
            raise ValueError(f"numbers that are not finite, or a confidence outside 0 to {MAX_CONFIDENCE}.")
        known = person.get("person_id", -1)
        known = known[0] if isinstance(known, list) and known else known
        yield (known if isinstance(known, int) else -1), numbers


def find_layout(label: str, found: Found, wanted: str | None) -> tuple[str, Skeleton]:
    """OpenPose's model, by its number of points or as told, and the layout of its first points."""
    count = found.points.shape[1]
    if not len(found.points):
        return wanted or "BODY_25", BODY_25
    for model, (layout, counts) in MODELS.items():
        if count in counts and wanted in (None, model):
            return model, layout
    known = ", ".join(f"{'/'.join(map(str, counts))} ({model})" for model, (_, counts) in MODELS.items())
    asked = f" for model_pose={wanted!r}" if wanted else ""
    raise ValueError(f"{label}: {count} points a person{asked}; known are {known}.")


def check_scale(label: str, points: np.ndarray, names: list[str], scale: int) -> None:
    """Refuses files that were evidently written with another keypoint_scale than said.

    Unseen points tell 3 from 4: OpenPose scales them too, so that they lie at 0, 0 or at -1, -1. Where every point is
    seen, and none is below 0, both are possible: said to be 4, a warning.
    """
    seen = points[..., 2] > 0
    if not seen.any():
        return
    low = np.where(seen[..., None], points[..., :2], np.inf).min(axis=(1, 2))
    high = np.where(seen[..., None], points[..., :2], -np.inf).max(axis=(1, 2))
    corner = (points[~seen][:, :2] == -1).all(axis=1).any()  # 4 and nothing else
    signed = corner or low.min() < -_SLACK
    inside = (low >= -1 - _SLACK) & (high <= 1 + _SLACK) & np.isfinite(low)
    if scale < 3:
        odd, found = inside, 4 if signed else 3
    elif (~inside & np.isfinite(low)).any():
        odd, found = ~inside & np.isfinite(low), 0
    elif scale == 3:
        odd, found = np.full(len(points), signed), 4
    else:
        zeros = (points[~seen][:, :2] == 0).all(axis=1).any()
        odd, found = np.full(len(points), zeros and not signed), 3
        if not odd.any() and not signed and low.min() >= 0:
            warnings.warn(
                f"{label}: no coordinate is below 0, so that with keypoint_scale=4 everybody is right of and below the "
                "middle of the picture. Files that hold coordinates from 0 to 1 take keypoint_scale=3.",
                stacklevel=2,
            )
    if not odd.any():
        return
    files = list(dict.fromkeys(name for name, one in zip(names, odd, strict=True) if one))
    among = len(set(names))
    some = (
        f" ({', '.join(files[:SHOWN])}{' ...' if len(files) > SHOWN else ''})" if len(files) < among else ""
    )
    range_ = {0: "beyond 1, like pixels", 3: "from 0 to 1", 4: "from -1 to 1"}[found]
    way = f"keypoint_scale={found}" + (", image_size=(width, height) of the video" if found else "")
    raise ValueError(
        f"{label}: {len(files)} of {among} files with people hold coordinates {range_}{some}, which is not "
        f"keypoint_scale={scale}. {'Part them from the others, or give' if some else 'Give'} {way}."
    )


def to_pixels(
    label: str,
    points: np.ndarray,
    scale: int,
    image_size: tuple[int, int] | None,
    written_size: tuple[int, int] | None,
) -> np.ndarray:
    """The points in pixels of the video: OpenPose's scaling (keypointScaler.cpp, openCv.cpp) turned round.

    Normalised is x / (width - 1). Net and output size keep the aspect: the scale is the smaller of the ratios
    of (width - 1) and (height - 1).
    """
    points = points.copy()
    if image_size is None:
        return points
    last = np.subtract(image_size, 1.0)  # the last pixel
    if scale in (1, 2):
        ratios = last / np.subtract(written_size, 1.0)
        points[..., :2] *= ratios.min() if scale == 1 else ratios.max()
    elif scale == 3:
        points[..., :2] *= last
    elif scale == 4:
        points[..., :2] = (points[..., :2] + 1) / 2 * last
    beyond = points[points[..., 2] > 0][:, :2].max(axis=0, initial=0)
    if (beyond > last * (1 + _SLACK) + 1).any():
        raise ValueError(
            f"{label}: joints reach x, y = {beyond[0]:.0f}, {beyond[1]:.0f} in pictures of {image_size}; "
            "`image_size` must be (width, height) of the video as shown, with `written_size` if OpenPose scaled."
        )
    return points


def list_faults(head: str, faults: list[str]) -> str:
    """A headline and a line a fault, not too many of them."""
    more = [f"... and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    return "\n".join([head, *faults[:SHOWN], *more])
