"""Numbers in OpenPose's JSON files: their joints, and their places in the picture.

All facts are those of OpenPose's own source: the order of the joints from poseParameters.cpp, the scales from
keypointScaler.cpp, scaleAndSizeExtractor.cpp and openCv.cpp, the versions from fileStream.cpp.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gymskel.messages import join_lines, join_names
from gymskel.recording import MAX_CONFIDENCE
from gymskel.recording.folders import Folder
from gymskel.skeleton import BODY_25, COCO_17, COCO_18, Skeleton

_BODY_25B_ENDS = "UpperNeck HeadTop LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel".split()
_BODY_25B = Skeleton(name="BODY_25B", joints=(*COCO_17.joints, *_BODY_25B_ENDS))
_MPI_15 = Skeleton(name="MPI_15", joints=("Head", *COCO_18.joints[1:14], "Chest"))

MODELS: dict[str, tuple[Skeleton, tuple[int, ...]]] = {
    "BODY_25": (BODY_25, (25, 137)),
    "COCO": (COCO_18, (18,)),
    "MPI": (_MPI_15, (15,)),
    "BODY_135": (_BODY_25B, (135,)),
    "BODY_25B": (_BODY_25B, (25,)),
}
"""OpenPose's --model_pose -> layout of its first points, and possible numbers of points. The first that fits counts."""

_OUTSIDE = 0.05  # share of the picture's size by which a peak between pixels may lie outside it
_SCALE_RANGES = {0: "beyond 1, like pixels", 3: "from 0 to 1", 4: "from -1 to 1"}


@dataclass(frozen=True)
class FoundPeople:
    """All people in the files of a clip, file after file."""

    points: np.ndarray  # (people, points, 3) float64 x, y, confidence, as in the files
    frames: np.ndarray  # (people,) number of the frame
    ids: np.ndarray  # (people,) OpenPose's person_id, -1 if there is none


def parse_files(label: str, folder: Folder, files: dict[int, str]) -> FoundPeople:
    """Return the people in files, given as frame -> file name; raise ValueError for all broken files together."""
    rows: list[list[float]] = []
    frames, ids, errors = [], [], []
    for frame, name in files.items():
        try:
            for person, numbers in _people_in(folder.read(name)):
                rows.append(numbers)
                frames.append(frame)
                ids.append(person)
        except ValueError as error:
            errors.append(f"{name}: {error}")
    if errors:
        head = f"{label}: {len(errors)} of {len(files)} files are broken."
        fix = "Fix: delete them (their frames become NaN), or let OpenPose write them again."
        raise ValueError(join_lines(f"{head} {fix}", errors))
    lengths = {len(row): files[frame] for row, frame in zip(reversed(rows), reversed(frames), strict=True)}
    if len(lengths) > 1:
        shown = join_names(f"{length} in {name}" for length, name in lengths.items())
        raise ValueError(
            f"{label}: several layouts in a clip ({shown} numbers a person). Fix: separate them."
        )
    points = np.array(rows, np.float64).reshape(len(rows), -1, 3) if rows else np.zeros((0, len(BODY_25), 3))
    return FoundPeople(points, np.array(frames, int), np.array(ids, int))


def _people_in(text: bytes) -> Iterator[tuple[int, list[float]]]:
    """Yield person_id (-1 for none) and the numbers of each person in a file."""
    content = json.loads(text)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise ValueError('no list "people".')
    for person in people:
        numbers = person.get("pose_keypoints_2d", person.get("pose_keypoints"))  # until version 1.0
        if not isinstance(numbers, list) or not numbers or len(numbers) % 3:
            found = f"{len(numbers)} numbers" if isinstance(numbers, list) else "none"
            raise ValueError(f'"pose_keypoints_2d" must be x, y, c for each point of the body, got {found}.')
        if not all(isinstance(number, (int, float)) for number in numbers):
            raise ValueError('"pose_keypoints_2d" holds something else than numbers.')
        confidence = numbers[2::3]
        if not 0 <= min(confidence) <= max(confidence) <= MAX_CONFIDENCE or not all(
            map(math.isfinite, numbers)
        ):
            raise ValueError(f"numbers that are not finite, or a confidence outside 0 to {MAX_CONFIDENCE}.")
        identity = person.get("person_id", -1)
        identity = identity[0] if isinstance(identity, list) and identity else identity
        yield (identity if isinstance(identity, int) else -1), numbers


def find_model(label: str, found: FoundPeople, model_pose: str | None) -> tuple[str, Skeleton]:
    """Return OpenPose's model, by the number of points or as given, and the layout of its first points."""
    count = found.points.shape[1]
    if not len(found.points):
        return model_pose or "BODY_25", BODY_25
    for model, (layout, counts) in MODELS.items():
        if count in counts and model_pose in (None, model):
            return model, layout
    known = ", ".join(f"{'/'.join(map(str, counts))} ({model})" for model, (_, counts) in MODELS.items())
    given = f" for model_pose={model_pose!r}" if model_pose else ""
    raise ValueError(f"{label}: {count} points a person{given}; known are {known}.")


def check_scale(label: str, points: np.ndarray, names: list[str], scale: int) -> None:
    """Refuse points that evidently have another keypoint_scale than `scale`; the error gives the scale that fits.

    `points` is (people, points, 3) as in the files, `names` (people,) their files. Unseen points tell 3 from 4: OpenPose
    scales them too, so that they lie at 0, 0 or at -1, -1. If every point is seen, and none is below 0, both are
    possible: there is a warning if `scale` is 4.
    """
    seen = points[..., 2] > 0
    if not seen.any():
        return
    is_odd, scale_found = _odd_people(points, seen, scale)
    if not is_odd.any():
        low = points[..., :2][seen].min()
        if scale == 4 and low >= 0 and not _has_unseen_at(points, seen, -1):
            warnings.warn(
                f"{label}: no coordinate is below 0, so with keypoint_scale=4 all people are right of and below the "
                "middle of the picture. Files with coordinates from 0 to 1 need keypoint_scale=3.",
                stacklevel=2,
            )
        return
    odd_files = list(dict.fromkeys(name for name, odd in zip(names, is_odd, strict=True) if odd))
    count = len(set(names))
    only_some = len(odd_files) < count
    shown = f" ({join_names(odd_files)})" if only_some else ""
    size = ", image_size=(width, height) of the video" if scale_found else ""
    raise ValueError(
        f"{label}: {len(odd_files)} of {count} files with people hold coordinates {_SCALE_RANGES[scale_found]}{shown}, "
        f"which is not keypoint_scale={scale}. Fix: {'separate them from the others, or ' if only_some else ''}give "
        f"keypoint_scale={scale_found}{size}."
    )


def _odd_people(points: np.ndarray, seen: np.ndarray, scale: int) -> tuple[np.ndarray, int]:
    """Return (people,) bool: the points do not fit `scale`, and the scale that would fit those."""
    low = np.where(seen[..., None], points[..., :2], np.inf).min(axis=(1, 2))
    high = np.where(seen[..., None], points[..., :2], -np.inf).max(axis=(1, 2))
    is_signed = _has_unseen_at(points, seen, -1) or bool(low.min() < -_OUTSIDE)
    has_points = np.isfinite(low)
    is_normalised = (low >= -1 - _OUTSIDE) & (high <= 1 + _OUTSIDE) & has_points
    if scale < 3:
        return is_normalised, 4 if is_signed else 3
    if (has_points & ~is_normalised).any():
        return has_points & ~is_normalised, 0
    if scale == 3:
        return np.full(len(points), is_signed), 4
    return np.full(len(points), _has_unseen_at(points, seen, 0) and not is_signed), 3


def _has_unseen_at(points: np.ndarray, seen: np.ndarray, value: float) -> bool:
    """Return True if an unseen point lies at x = y = `value`."""
    return bool((points[~seen][:, :2] == value).all(axis=1).any())


def to_pixels(
    label: str,
    points: np.ndarray,
    scale: int,
    image_size: tuple[int, int] | None,
    written_size: tuple[int, int] | None,
) -> np.ndarray:
    """Return the points in pixels of the video: the inverse of OpenPose's scaling (keypointScaler.cpp, openCv.cpp).

    Normalised is x / (width - 1). Net and output size keep the aspect: the scale is the smaller of the ratios of
    (width - 1) and (height - 1). Joints outside the picture are an error.
    """
    points = points.copy()
    if image_size is None:
        return points
    last = np.subtract(image_size, 1.0)  # the last pixel
    if written_size is not None:
        ratios = last / np.subtract(written_size, 1.0)
        points[..., :2] *= ratios.min() if scale == 1 else ratios.max()
    elif scale == 3:
        points[..., :2] *= last
    elif scale == 4:
        points[..., :2] = (points[..., :2] + 1) / 2 * last
    furthest = points[points[..., 2] > 0][:, :2].max(axis=0, initial=0)
    if (furthest > last * (1 + _OUTSIDE) + 1).any():
        raise ValueError(
            f"{label}: joints reach x, y = {furthest[0]:.0f}, {furthest[1]:.0f} in pictures of {image_size}. Fix: "
            "give `image_size` (width, height) of the video as shown, and `written_size` if OpenPose scaled."
        )
    return points
