"""Velocities, accelerations, bone vectors and joint angles, computed from positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from gymskel.messages import join_names
from gymskel.recording import Recording
from gymskel.recording.times import times_from_start
from gymskel.skeleton import Skeleton

JOINT_ANGLES: Mapping[str, tuple[str, str, str]] = {
    f"{side}{name}": (f"{side}{inner}", f"{side}{name}", f"{side}{outer}")
    for side in "RL"
    for name, (inner, outer) in {
        "Elbow": ("Shoulder", "Wrist"),
        "Shoulder": ("Hip", "Elbow"),
        "Hip": ("Shoulder", "Knee"),
        "Knee": ("Hip", "Ankle"),
        "Ankle": ("Knee", "BigToe"),
    }.items()
}
"""Name of an angle -> its three joints; the angle is at the one in the middle."""


def velocity(recording: Recording) -> np.ndarray:
    """Return (frames, joints, 2) float64 velocity per second; NaN where it cannot be known.

    It is the slope of the parabola through a position and its two neighbours in time (central difference, also for
    frames that are not evenly spaced). At the ends of a run of seen frames it is the slope of the nearest such parabola,
    or of the line through two positions. Exact for uniform motion and for free fall.

    Args:
        recording: in any unit; without fps or timestamps the result is per frame, not per second.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=10); one.keypoints[:, :, 0] = np.array([0, 2, 4])[:, None]
    >>> velocity(one)[:, 0].tolist()
    [[20.0, 0.0], [20.0, 0.0], [20.0, 0.0]]
    """
    return derivatives(recording.xy, times_from_start(recording))[0]


def acceleration(recording: Recording) -> np.ndarray:
    """Return (frames, joints, 2) float64 acceleration per second squared; NaN where it cannot be known.

    It is the second difference over a position and its two neighbours. The ends of a run of seen frames take the value
    of the frame next to them; a run of one or two frames has none.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=1); one.keypoints[:, :, 1] = np.array([0, 1, 4])[:, None]
    >>> acceleration(one)[:, 0].tolist()
    [[0.0, 2.0], [0.0, 2.0], [0.0, 2.0]]
    """
    return derivatives(recording.xy, times_from_start(recording))[1]


def derivatives(xy: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `velocity` and `acceleration`, both shaped like (..., frames, joints, 2) `xy`; `times` (frames,) seconds."""
    xy = np.moveaxis(np.asarray(xy, np.float64), -3, 0)
    step = np.diff(times).reshape(-1, *[1] * (xy.ndim - 1))
    edge = np.full_like(xy[:1], np.nan)
    if len(xy) == 1:
        return np.moveaxis(edge, 0, -3), np.moveaxis(edge.copy(), 0, -3)
    slope = np.diff(xy, axis=0) / step
    before, after = np.concatenate([edge, slope]), np.concatenate([slope, edge])
    since, until = np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]])
    bend = np.concatenate([edge, 2 * np.diff(slope, axis=0) / (step[1:] + step[:-1]), edge])
    earlier, later = np.concatenate([edge, bend[:-1]]), np.concatenate([bend[1:], edge])
    # the end of a run takes the value of the frame before it, its start that of the frame after it
    bend = np.where(np.isnan(bend) & ~np.isnan(before), earlier, bend)
    bend = np.where(np.isnan(bend) & ~np.isnan(after), later, bend)
    curve = np.nan_to_num(bend)
    speed = np.where(np.isnan(before), after - curve * until / 2, before + curve * since / 2)
    return np.moveaxis(speed, 0, -3), np.moveaxis(bend, 0, -3)


DERIVED_CHANNELS = ("vx", "vy", "ax", "ay", "bx", "by")  # velocity, acceleration, bone vector, from x and y
CLIP_CHANNELS = ("x", "y", "confidence", *DERIVED_CHANNELS)  # all that `pad` can compute


def compute_channels(
    keypoints: np.ndarray, channels: Sequence[str], skeleton: Skeleton, times: np.ndarray
) -> np.ndarray:
    """Compute channels of keypoints: (..., frames, joints, len(channels)); NaN where unknown.

    Args:
        keypoints: (..., frames, joints, 2 or 3): x, y and, for the channel "confidence", confidence; NaN = unseen.
        channels: names from `CLIP_CHANNELS`; ValueError if another is named.
        skeleton: joint layout of the keypoints; bones need its root.
        times: (frames,) seconds.
    """
    if unknown := [name for name in channels if name not in CLIP_CHANNELS]:
        raise ValueError(f"Unknown channels {join_names(unknown)}; there are {', '.join(CLIP_CHANNELS)}.")
    xy = keypoints[..., :2]
    values = {"x": xy[..., 0], "y": xy[..., 1], "confidence": keypoints[..., -1]}
    if set(channels) & {"vx", "vy", "ax", "ay"}:
        speed, bend = derivatives(xy, times)
        values |= {"vx": speed[..., 0], "vy": speed[..., 1], "ax": bend[..., 0], "ay": bend[..., 1]}
    if set(channels) & {"bx", "by"}:
        bone = bone_vectors(xy, skeleton)
        values |= {"bx": bone[..., 0], "by": bone[..., 1]}
    return np.stack([values[name] for name in channels], axis=-1)


def bones(recording: Recording) -> np.ndarray:
    """Return (frames, joints, 2) bone vectors, from the inner joint of each bone to the joint itself.

    0 at the root; NaN where a joint is unseen, or where no limb connects it with the root.

    Raises:
        ValueError: the skeleton has no root.

    >>> one = Recording(np.ones((1, 25, 3))); one.keypoints[0, one.skeleton.index("Neck"), :2] = 3, 1
    >>> bones(one)[0, one.skeleton.index("Neck")].tolist()
    [2.0, 0.0]
    """
    return bone_vectors(recording.xy, recording.skeleton)


def bone_vectors(xy: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Return the bone vectors of (..., joints, 2) positions, as `bones` does for a recording."""
    vectors = np.full_like(xy, np.nan)
    outwards = skeleton.bones_outwards()  # raises without a root
    root = skeleton.index(str(skeleton.root))
    vectors[..., root, :] = xy[..., root, :] - xy[..., root, :]  # NaN stays NaN
    for bone in outwards:
        inner, outer = skeleton.indices(bone)
        vectors[..., outer, :] = xy[..., outer, :] - xy[..., inner, :]
    return vectors


def joint_angles(recording: Recording, names: Iterable[str] | None = None) -> pd.DataFrame:
    """Return joint angles: degrees between the two limbs that meet at a joint, 180 = straight.

    Args:
        names: names from `JOINT_ANGLES`; by default all whose joints the layout has.

    Returns:
        A row for each frame and a column for each joint, such as `RKnee`; values in [0, 180]. NaN where one of the three
        joints is unseen, or an outer joint coincides with the middle one.

    Raises:
        ValueError: an unknown name, or a joint that the layout lacks.

    >>> one = Recording(np.ones((1, 25, 3)))
    >>> for joint, place in {"RHip": (0, 0), "RKnee": (0, 1), "RAnkle": (1, 1)}.items():
    ...     one.keypoints[0, one.skeleton.index(joint), :2] = place
    >>> joint_angles(one, ["RKnee"])["RKnee"].tolist()
    [90.0]
    """
    skeleton = recording.skeleton
    if names is None:
        names = [name for name, joints in JOINT_ANGLES.items() if all(joint in skeleton for joint in joints)]
    names = list(names)
    if unknown := [name for name in names if name not in JOINT_ANGLES]:
        raise ValueError(f"Unknown angles {join_names(unknown)}; there are {', '.join(JOINT_ANGLES)}.")
    columns = {}
    for name in names:
        inner, middle, outer = skeleton.indices(JOINT_ANGLES[name])
        a, b = (recording.xy[:, row].astype(np.float64) - recording.xy[:, middle] for row in (inner, outer))
        cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        degrees = np.degrees(np.arctan2(np.abs(cross), (a * b).sum(axis=1)))
        columns[name] = np.where((a == 0).all(axis=1) | (b == 0).all(axis=1), np.nan, degrees)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(recording), name="frame"))
