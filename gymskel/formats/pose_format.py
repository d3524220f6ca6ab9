"""Files of pose-format (.pose) to recordings; needs `pip install "gymskel[pose]"`.

A .pose file holds components (body, face, hands ...), each with names for its points. The names show the estimator:
`pose_keypoints_2d` and `BODY_135` are OpenPose's, `POSE_LANDMARKS` is MediaPipe's.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.formats.coordinates import join_points
from gymskel.formats.openpose_points import MODELS
from gymskel.recording import Recording, parse_video_name
from gymskel.skeleton import BODY_25, MEDIAPIPE_33, Skeleton

_MEDIAPIPE = (
    "NOSE LEFT_EYE_INNER LEFT_EYE LEFT_EYE_OUTER RIGHT_EYE_INNER RIGHT_EYE RIGHT_EYE_OUTER LEFT_EAR RIGHT_EAR "
    "MOUTH_LEFT MOUTH_RIGHT LEFT_SHOULDER RIGHT_SHOULDER LEFT_ELBOW RIGHT_ELBOW LEFT_WRIST RIGHT_WRIST LEFT_PINKY "
    "RIGHT_PINKY LEFT_INDEX RIGHT_INDEX LEFT_THUMB RIGHT_THUMB LEFT_HIP RIGHT_HIP LEFT_KNEE RIGHT_KNEE LEFT_ANKLE "
    "RIGHT_ANKLE LEFT_HEEL RIGHT_HEEL LEFT_FOOT_INDEX RIGHT_FOOT_INDEX"
).split()
_BODY_135 = MODELS["BODY_135"][0]

_BODIES: dict[str, tuple[str, Skeleton, dict[str, str]]] = {
    "pose_keypoints_2d": ("OpenPose", BODY_25, {joint: joint for joint in BODY_25.joints}),
    "BODY_135": ("OpenPose BODY_135", _BODY_135, {joint: joint for joint in _BODY_135.joints}),
    "POSE_LANDMARKS": ("MediaPipe", MEDIAPIPE_33, dict(zip(_MEDIAPIPE, MEDIAPIPE_33.joints, strict=True))),
}
"""Component -> its estimator, its layout, and its points' names as joints of that layout."""


def read_pose(path: str | Path, *, person: int | None = None, fps: float | None = None) -> list[Recording]:
    """Return the people in a .pose file, a Recording each.

    The body of OpenPose and of MediaPipe becomes BODY_25, also if the file keeps only some of its points; faces, hands,
    depth and world coordinates are dropped. Any other file becomes a layout of all its points and limbs; points of the
    same name become `component/point`. Confidence 0 is unseen. People who are unseen throughout are left out, unless all
    are. pose-format itself reads only the first person of files of its version 0.0.

    Args:
        person: read only this person, as numbered in the file.
        fps: frames a second; overrides the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: pose-format is not installed; the file is damaged or holds no frames; an invalid place or confidence.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}.")
    pose = _load(path)
    data, confidence = np.ma.getdata(pose.body.data), np.asarray(pose.body.confidence)
    if data.ndim != 4 or 0 in data.shape or data.shape[3] < 2 or confidence.shape != data.shape[:3]:
        raise ValueError(
            f"{path}: expected (frames, people, points, 2 or 3) numbers, got {data.shape} with {confidence.shape}."
        )
    estimator, points, layout = _find_body(pose.header)
    if person is not None and not 0 <= person < data.shape[1]:
        raise ValueError(f"{path} holds no person {person}, only 0 to {data.shape[1] - 1}.")
    size = pose.header.dimensions.width, pose.header.dimensions.height
    target = layout if estimator is None else BODY_25
    recordings = []
    for k in range(data.shape[1]) if person is None else [person]:
        seen = confidence[:, k, points] != 0
        xy = np.where(seen[..., None], data[:, k, points, :2], np.nan)
        label = f"{path}, person {k}"
        keypoints = join_points(xy, confidence[:, k, points], label=label, joints=layout.joints)
        recordings.append(
            Recording(
                layout.convert(keypoints, target),
                skeleton=target,
                person=k,
                **parse_video_name(path.stem),
                fps=(float(pose.body.fps) or None) if fps is None else fps,
                image_size=size if min(size) > 0 else None,
                estimator=estimator,
                history=({"step": "read_pose"},),
            )
        )
    return [recording for recording in recordings if recording.seen.any()] or recordings[:1]


def _load(path: Path) -> Any:
    """Return the file as pose-format reads it."""
    try:
        from pose_format import Pose
    except ImportError as error:
        raise ValueError(f'This needs pose-format ({error}). Fix: pip install "gymskel[pose]"') from None
    try:
        return Pose.read(path.read_bytes())
    except Exception as error:  # pose-format raises any error for a damaged file
        raise ValueError(f"{path} is no .pose file, damaged or cut off: {error}") from None


def _find_body(header: Any) -> tuple[str | None, list[int], Skeleton]:
    """Return the estimator (None if unknown), the numbers of the body's points, and their layout."""
    start = 0
    for component in header.components:
        if component.name in _BODIES:
            estimator, layout, joint_of = _BODIES[component.name]
            numbers = [k for k, point in enumerate(component.points) if point in joint_of]
            if numbers:
                joints = [joint_of[component.points[k]] for k in numbers]
                return estimator, [start + k for k in numbers], layout.select(joints, name=layout.name)
        start += len(component.points)
    counts = Counter(point for component in header.components for point in component.points)
    joints, limbs = [], list[tuple[int, int]]()
    for component in header.components:
        limbs += [(len(joints) + a, len(joints) + b) for a, b in component.limbs]
        joints += [point if counts[point] == 1 else f"{component.name}/{point}" for point in component.points]
    name = "+".join(component.name for component in header.components)
    layout = Skeleton(name, tuple(joints), tuple((joints[a], joints[b]) for a, b in limbs))
    return None, list(range(len(joints))), layout
