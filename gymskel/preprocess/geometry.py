"""Position, scale, rotation and mirror image of the body in the picture, and its joint layout."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gymskel.body_geometry import median_distance
from gymskel.recording import Recording, UnseenError
from gymskel.skeleton import GYMNASTICS_15, Skeleton


def center(recording: Recording, joint: str = "MidHip", frame: str = "first") -> Recording:
    """Move a joint to the origin.

    Args:
        joint: the joint that becomes the origin.
        frame: "first" subtracts the joint's position in the first frame that shows it from every frame, so the travel
            of the body stays (thesis sec. 4.2.4). "each" centres every frame on its own joint, so travel is removed; a
            frame without the joint becomes unseen as a whole.

    Raises:
        ValueError: an unknown `frame`, or a joint that the layout lacks.
        UnseenError: the joint is unseen in every frame.

    >>> one = Recording(np.ones((2, 25, 3))); one.keypoints[1, :, :2] = 5
    >>> center(one).xy[:, 8, 0].tolist(), center(one, frame="each").xy[:, 8, 0].tolist()
    ([0.0, 4.0], [0.0, 0.0])
    """
    if frame not in ("first", "each"):
        raise ValueError(f"`frame` must be 'first' or 'each', got {frame!r}.")
    row = recording.skeleton.index(joint)
    seen = recording.seen[:, row]
    if not seen.any():
        raise UnseenError(
            f"{recording.name}: {joint} is unseen in every frame, so the body cannot be centred on it."
        )
    origin = recording.xy[np.argmax(seen), row] if frame == "first" else recording.xy[:, [row]]
    keypoints = recording.keypoints.copy()
    keypoints[..., :2] -= origin
    keypoints[np.isnan(keypoints[..., 0]), 2] = 0
    return recording.after("center", keypoints, changes={"space": "body"}, joint=joint, frame=frame)


def scale(recording: Recording, *, top: str = "Neck", bottom: str = "MidHip") -> Recording:
    """Scale the recording to torso lengths: divide it by the median distance from neck to hip.

    Raises:
        UnseenError: the two joints are never seen together.
    """
    upper, lower = (recording.xy[:, row] for row in recording.skeleton.indices([top, bottom]))
    length = require_torso_length(recording.name, upper, lower, f"{top} and {bottom}")
    return recording.after("scale", recording.xy / length, changes={"space": "body"}, top=top, bottom=bottom)


def require_torso_length(
    name: str, top: np.ndarray, bottom: np.ndarray, ends: str = "Neck and MidHip"
) -> float:
    """Return the median distance between two joints, each (frames, 2); UnseenError if never seen together, or if it is 0."""
    length = median_distance(top, bottom)
    if not length > 0:
        raise UnseenError(f"{name}: {ends} are never seen together, so the torso has no length.")
    return length


def turn(recording: Recording, degrees: float, *, about: tuple[float, float] | None = None) -> Recording:
    """Rotate the whole recording, as if the camera had been tilted.

    Args:
        degrees: positive = clockwise on screen (y points down).
        about: (x, y) of the centre of rotation; by default the middle of the picture if its size is known, else the
            origin.

    >>> one = Recording(np.ones((1, 25, 3)), space="body")
    >>> turn(one, 90).xy[0, 0].round(6).tolist()
    [-1.0, 1.0]
    """
    if about is None:
        size = recording.image_size if recording.space == "image" else None
        about = (size[0] / 2, size[1] / 2) if size else (0.0, 0.0)
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    moved = recording.xy.astype(np.float64) - about
    rotated = moved @ np.array([[cos, sin], [-sin, cos]]) + about
    return recording.after("turn", rotated, degrees=float(degrees), about=[float(v) for v in about])


def mirror(recording: Recording) -> Recording:
    """Mirror the recording and exchange left and right joints: the same move to the other side.

    x is mirrored about x = 0 in "body" space, about the middle of the picture if its size is known, else about the
    middle of all seen joints. Mirroring twice gives the recording back.

    Raises:
        ValueError: the layout has no mirror pairs.

    >>> one = Recording(np.ones((1, 25, 3)), space="body")
    >>> one.keypoints[0, one.skeleton.index("RWrist"), 0] = 7
    >>> mirror(one).xy[0, one.skeleton.index("LWrist")].tolist()
    [-7.0, 1.0]
    """
    if not recording.skeleton.mirror:
        raise ValueError(
            f"{recording.name}: skeleton {recording.skeleton.name} names no pairs of left and right. Fix: give it `mirror`."
        )
    keypoints = recording.keypoints[:, recording.skeleton.mirror_order].copy()
    if recording.space == "body":
        sum_of_sides = 0.0  # x + mirrored x
    elif recording.image_size:
        sum_of_sides = float(recording.image_size[0])
    else:
        x = keypoints[..., 0]
        sum_of_sides = float(np.nanmin(x) + np.nanmax(x)) if recording.seen.any() else 0.0
    keypoints[..., 0] = sum_of_sides - keypoints[..., 0]
    return recording.after("mirror", keypoints)


def relative(
    recording: Recording, *, crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
) -> Recording:
    """Express x and y as shares of the picture's width and height (Zhang et al.: exercise quality).

    Args:
        recording: in pixels, of a picture whose size is known.
        crop: left, top, right, bottom of the part of the picture that counts as the whole picture, as shares. Joints
            outside become unseen. Random crops are the augmentation of the paper.

    Raises:
        ValueError: the recording is not in pixels, the picture's size is unknown, or `crop` is out of range.

    >>> one = Recording(np.full((1, 25, 3), 0.5), image_size=(2, 4))
    >>> relative(one).xy[0, 0].tolist(), relative(one, crop=(0, 0, 0.5, 0.5)).xy[0, 0].tolist()
    ([0.25, 0.125], [0.5, 0.25])
    """
    if recording.space != "image" or recording.image_size is None:
        raise ValueError(
            f"{recording.name}: shares of the picture need pixels and `image_size`. Fix: set it with "
            "dataclasses.replace(recording, image_size=(width, height)), before any step that changes the unit."
        )
    left, top, right, bottom = crop
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError(f"`crop` must be left < right and top < bottom, shares in [0, 1], got {crop}.")
    corner, size = np.array([left, top], float), np.array([right - left, bottom - top], float)
    shares = (recording.xy / np.array(recording.image_size, float) - corner) / size
    keypoints = np.concatenate([shares, recording.keypoints[..., 2:]], axis=-1)
    if crop != (0.0, 0.0, 1.0, 1.0):
        keypoints[((shares < 0) | (shares >= 1)).any(axis=-1)] = np.nan, np.nan, 0
    return recording.after("relative", keypoints, changes={"space": "body"}, crop=list(map(float, crop)))


def select_joints(recording: Recording, joints: Skeleton | Iterable[str]) -> Recording:
    """Keep these joints alone, in this order.

    Args:
        joints: names, or a Skeleton such as GYMNASTICS_15.

    Raises:
        ValueError: the layout lacks a joint; the message says which.
    """
    if isinstance(joints, Skeleton):
        layout = joints
    else:
        names = tuple(joints)
        known = (s for s in (recording.skeleton, GYMNASTICS_15) if s.joints == names)
        layout = next(known, None) or recording.skeleton.select(names)
    kept = recording.keypoints[:, recording.skeleton.indices(layout.joints)]
    return recording.after("select_joints", kept, changes={"skeleton": layout}, joints=list(layout.joints))
