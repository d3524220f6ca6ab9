"""Files of pose-format (.pose) to recordings; needs `pip install "gymskel[pose]"`.

A .pose file holds components (body, face, hands ...), each with names for its points; who wrote it shows in the names:
`pose_keypoints_2d` and `BODY_135` are OpenPose's, `POSE_LANDMARKS` is MediaPipe's.
"""

from __future__ import annotations

import struct
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
"""Component -> who found it, its layout, and its points' names as joints of that layout."""


def read_pose(path: str | Path, *, person: int | None = None, fps: float | None = None) -> list[Recording]:
    """Everybody in a .pose file, a Recording each.

    The body of OpenPose and of MediaPipe becomes BODY_25, also where only some of its points were kept; faces, hands,
    depth and world coordinates are dropped. Any other file becomes a layout of all its points, with the limbs that it
    tells; points of one name are told apart as `component/point`. Confidence 0 is unseen. People who are unseen
    throughout are left out, unless everybody is. pose-format itself reads no more than the first person of files of its
    version 0.0.

    Args:
        path: the file.
        person: take this person, as numbered in the file.
        fps: frames a second; overrides what the file says.

    Raises:
        FileNotFoundError: no such file.
        ValueError: pose-format is not installed; the file is damaged, cut off or holds no frames; a number that is no
            place or no confidence, with frame and joint.
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
    estimator, rows, layout = _layout(pose.header)
    recordings = []
    size = pose.header.dimensions.width, pose.header.dimensions.height
    facts = {
        **parse_video_name(path.stem),
        "fps": fps or float(pose.body.fps) or None,
        "image_size": size if min(size) > 0 else None,
        "estimator": estimator,
        "history": ({"step": "read_pose"},),
    }
    if person is not None and not 0 <= person < data.shape[1]:
        raise ValueError(f"{path} holds no person {person}, only 0 to {data.shape[1] - 1}.")
    for k in range(data.shape[1]) if person is None else [person]:
        seen = confidence[:, k, rows] != 0
        xy = np.where(seen[..., None], data[:, k, rows, :2], np.nan)
        label = f"{path}, person {k}"
        keypoints = join_points(xy, confidence[:, k, rows], label=label, joints=layout.joints)
        kept = layout if estimator is None else BODY_25
        recordings.append(Recording(layout.convert(keypoints, kept), skeleton=kept, person=k, **facts))
    return [one for one in recordings if one.seen.any()] or recordings[:1]


def _load(path: Path) -> Any:
    """What pose-format reads; it has no errors of its own."""
    try:
        from pose_format import Pose
    except ImportError as fault:
        raise ValueError(f'.pose files need pose-format: pip install "gymskel[pose]" ({fault})') from None
    try:
        return Pose.read(path.read_bytes())
    except (
        ValueError,
        TypeError,
        struct.error,
        IndexError,
        OverflowError,
        AttributeError,
        NotImplementedError,
    ) as fault:
        raise ValueError(f"{path} is no .pose file, damaged or cut off: {fault}") from None


def _layout(header: Any) -> tuple[str | None, list[int], Skeleton]:
    """Who found the points (None: unknown), which of them are wanted, and their layout."""
    start = 0
    for component in header.components:
        who, layout, names = _BODIES.get(component.name, (None, BODY_25, {}))
        kept = [k for k, point in enumerate(component.points) if point in names]
        if kept:
            joints = [names[component.points[k]] for k in kept]
            return who, [start + k for k in kept], layout.select(joints, name=layout.name)
        start += len(component.points)
    often = Counter(point for component in header.components for point in component.points)
    joints, limbs = [], []
    for component in header.components:
        limbs += [(len(joints) + a, len(joints) + b) for a, b in component.limbs]
        joints += [p if often[p] == 1 else f"{component.name}/{p}" for p in component.points]
    named = "+".join(component.name for component in header.components)
    return (
        None,
        list(range(len(joints))),
        Skeleton(named, tuple(joints), [(joints[a], joints[b]) for a, b in limbs]),
    )
