"""Where the body is, how big it is drawn, which joints it has, how its limbs are turned, how often it is seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from gymskel.recording import Recording, UnseenError
from gymskel.skeleton import GYMNASTICS_15, Skeleton

THESIS_PAIRS = (
    ("Neck", "RShoulder"), ("RShoulder", "RElbow"), ("RElbow", "RWrist"),
    ("Neck", "LShoulder"), ("LShoulder", "LElbow"), ("LElbow", "LWrist"),
    ("Nose", "Neck"), ("Neck", "MidHip"),
    ("MidHip", "RHip"), ("RHip", "RKnee"), ("RKnee", "RAnkle"),
    ("MidHip", "LHip"), ("LHip", "LKnee"), ("LKnee", "LAnkle"),
)  # fmt: skip
"""Pairs of joints in the order in which the thesis (sec. 4.2.5) turns the second about the first."""


def center(recording: Recording, joint: str = "MidHip", frame: str = "first") -> Recording:
    """The recording with a joint at the origin.

    Args:
        recording: any.
        joint: the joint that becomes the origin.
        frame: "first": where it is in the first frame in which it is seen is subtracted from every frame, so
            the travel of the body stays (thesis sec. 4.2.4). "each": each frame is centred on its own joint and
            travel is gone; a frame in which the joint is unseen becomes unseen as a whole.

    Raises:
        ValueError: the layout has no such joint.
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
            f"{recording.name}: {joint} is unseen in every frame, so nothing can be centred on it."
        )
    origin = recording.xy[np.argmax(seen), row] if frame == "first" else recording.xy[:, [row]]
    keypoints = np.concatenate([recording.xy - origin, recording.keypoints[..., 2:]], axis=-1)
    keypoints[np.isnan(keypoints[..., 0]), 2] = 0
    return recording.after("center", keypoints, changes={"space": "body"}, joint=joint, frame=frame)


def scale(recording: Recording, *, top: str = "Neck", bottom: str = "MidHip") -> Recording:
    """The recording in torso lengths: divided by the median distance from neck to hip.

    Raises:
        UnseenError: the two joints are never seen together.
    """
    a, b = recording.skeleton.indices([top, bottom])
    lengths = np.linalg.norm(recording.xy[:, a] - recording.xy[:, b], axis=-1)
    length = float(np.median(lengths[~np.isnan(lengths)])) if not np.isnan(lengths).all() else 0.0
    if length <= 0:
        raise UnseenError(
            f"{recording.name}: {top} and {bottom} are never seen together, so the torso has no length."
        )
    return recording.after("scale", recording.xy / length, changes={"space": "body"}, top=top, bottom=bottom)


def resample(recording: Recording, *, fps: float) -> Recording:
    """The recording at another frame rate, coordinates interpolated on a straight line in time.

    A new frame between a seen and an unseen place is unseen. Uses `timestamps` where there are any.

    Raises:
        ValueError: the recording's own frame rate is unknown.
    """
    if not fps > 0:
        raise ValueError(f"`fps` must be frames a second above 0, got {fps}.")
    if recording.timestamps is not None:
        times = np.asarray(recording.timestamps, float) - recording.timestamps[0]
    elif recording.fps is None:
        raise ValueError(
            f"{recording.name}: frame rate unknown, so it cannot be brought to {fps:g} fps. Read it with fps=."
        )
    else:
        times = np.arange(len(recording)) / recording.fps
    wanted = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
    after = np.clip(np.searchsorted(times, wanted - 1e-9), 1, max(len(times) - 1, 1))
    before, after = after - 1, np.minimum(after, len(times) - 1)
    span = np.where(after > before, times[after] - times[before], 1.0)
    share = np.clip((wanted - times[before]) / span, 0, 1)[:, None, None].round(9)
    a, b = recording.keypoints[before], recording.keypoints[after]
    between = np.where(share == 0, a, np.where(share == 1, b, a + share * (b - a)))
    between[np.isnan(between[..., 0]), 2] = 0
    changes = {"fps": float(fps), "timestamps": None, "first_frame": 0}
    return recording.after("resample", between.astype(np.float32), changes=changes, fps=float(fps))


def select_joints(recording: Recording, joints: Skeleton | Iterable[str]) -> Recording:
    """The recording with these joints alone, in this order.

    Args:
        recording: any.
        joints: names, or a Skeleton such as GYMNASTICS_15 whose joints are wanted.

    Raises:
        ValueError: the layout lacks a joint; the message says which.
    """
    if isinstance(joints, Skeleton):
        layout = joints
    else:
        names = tuple(joints)
        known = (s for s in (recording.skeleton, GYMNASTICS_15) if s.joints == names)
        layout = next(known, None) or recording.skeleton.select(names)
    rows = recording.skeleton.indices(layout.joints)
    return recording.after(
        "select_joints",
        recording.keypoints[:, rows],
        changes={"skeleton": layout},
        joints=list(layout.joints),
    )


def rotate_joints(
    recording: Recording,
    *,
    angles: Sequence[float] | None = None,
    method: str = "tree",
    max_angle: float = 15,
    seed: int | None = None,
) -> Recording:
    """A copy of the recording with its limbs turned a little, the same in all frames.

    Args:
        recording: any; unseen joints stay unseen, and a limb whose inner joint is unseen is left as it is.
        angles: degrees, positive = clockwise on screen, one for each pair; drawn at random if not given.
        method: "tree" turns each limb about its inner joint together with all that hangs on it, so that bones
            keep their length; pairs are the bones outwards from the root, angles from -max_angle to max_angle.
            "thesis" (sec. 4.2.5) turns only the outer joint of each of 14 pairs, whole angles from 0 to
            `max_angle`: limbs beyond it stretch, and every turn is clockwise.
        max_angle: degrees.
        seed: for the random angles.
    """
    pairs = turning_pairs(recording.skeleton, method)
    if angles is None:
        angles = draw_angles(np.random.default_rng(seed), (len(pairs),), method, max_angle)
    if len(angles) != len(pairs):
        raise ValueError(f"`angles` must have one entry for each of {len(pairs)} pairs, got {len(angles)}.")
    turned = turn(recording.xy[None], pairs, np.asarray(angles, float)[None])[0]
    return recording.after("rotate_joints", turned, angles=[float(a) for a in angles], method=method)


def turning_pairs(skeleton: Skeleton, method: str) -> list[tuple[int, list[int]]]:
    """[(row of the pivot, rows that turn about it), ...] in the order of turning."""
    if method == "thesis":
        return [(skeleton.index(a), [skeleton.index(b)]) for a, b in THESIS_PAIRS]
    if method != "tree":
        raise ValueError(f"`method` must be 'tree' or 'thesis', got {method!r}.")
    if skeleton.root is None:
        raise ValueError(
            f"Skeleton {skeleton.name} has no root, so its limbs form no tree. Give it one, or use method='thesis'."
        )
    bones, reached = [], [skeleton.root]
    for joint in reached:  # grows while it is walked: breadth first from the root
        for a, b in skeleton.limbs:
            for inner, outer in ((a, b), (b, a)):
                if inner == joint and outer not in reached:
                    reached.append(outer)
                    bones.append((inner, outer))
    beyond: dict[str, list[str]] = {joint: [joint] for joint in reached}
    for inner, outer in reversed(bones):
        beyond[inner] = beyond[inner] + beyond[outer]
    return [(skeleton.index(inner), skeleton.indices(beyond[outer])) for inner, outer in bones]


def draw_angles(
    rng: np.random.Generator, shape: tuple[int, ...], method: str, max_angle: float
) -> np.ndarray:
    """Random angles in degrees: whole and never negative for the thesis, symmetric for the tree."""
    if method == "thesis":
        return rng.integers(0, int(max_angle), shape, endpoint=True).astype(float)
    return rng.uniform(-max_angle, max_angle, shape)


def turn(xy: np.ndarray, pairs: Sequence[tuple[int, list[int]]], angles: np.ndarray) -> np.ndarray:
    """(clips, frames, joints, 2) with the joints of each pair turned about its pivot.

    x' = ox + cos(a)(x - ox) - sin(a)(y - oy), y' = oy + sin(a)(x - ox) + cos(a)(y - oy); thesis sec. 4.2.5.

    Args:
        xy: (clips, frames, joints, 2), y down; NaN = unseen.
        pairs: from `turning_pairs`.
        angles: (clips, pairs) degrees, clockwise on screen.
    """
    xy = np.array(xy)
    radians = np.deg2rad(angles)
    for k, (pivot, rows) in enumerate(pairs):
        cos, sin = np.cos(radians[:, k, None, None]), np.sin(radians[:, k, None, None])
        origin = xy[:, :, [pivot]]
        x, y = np.moveaxis(xy[:, :, rows] - origin, -1, 0)
        turned = origin + np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        xy[:, :, rows] = np.where(np.isnan(origin), xy[:, :, rows], turned)
    return xy
