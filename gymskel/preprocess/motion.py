"""What follows from the places: velocity, acceleration, bones and the angles of the joints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from gymskel.recording import Recording
from gymskel.recording.times import times_from_start
from gymskel.skeleton import Skeleton

JOINT_ANGLES: Mapping[str, tuple[str, str, str]] = {
    f"{side}{name}": tuple(f"{side}{joint}" for joint in joints)
    for side in "RL"
    for name, joints in {
        "Elbow": ("Shoulder", "Elbow", "Wrist"),
        "Shoulder": ("Hip", "Shoulder", "Elbow"),
        "Hip": ("Shoulder", "Hip", "Knee"),
        "Knee": ("Hip", "Knee", "Ankle"),
        "Ankle": ("Knee", "Ankle", "BigToe"),
    }.items()
}
"""Name of an angle -> the joints it lies between, its own in the middle."""


def velocity(recording: Recording) -> np.ndarray:
    """(frames, joints, 2) float64: change of place a second, NaN where it cannot be known.

    The slope of the parabola through a place and its two neighbours in time (central difference, also for frames
    that are not evenly spaced); at the ends of a run of seen frames the slope of the nearest such parabola, or of
    the line through two places. Uniform motion gives one value exactly, and so does free fall its slope.

    Args:
        recording: in any unit; without fps or timestamps the change is a frame's, not a second's.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=10); one.keypoints[:, :, 0] = np.array([0, 2, 4])[:, None]
    >>> velocity(one)[:, 0].tolist()
    [[20.0, 0.0], [20.0, 0.0], [20.0, 0.0]]
    """
    return derivatives(recording.xy, times_from_start(recording))[0]


def acceleration(recording: Recording) -> np.ndarray:
    """(frames, joints, 2) float64: change of velocity a second, NaN where it cannot be known.

    The second difference over a place and its two neighbours; the ends of a run of seen frames take that of the
    frame next to them, and a run of one or two has none.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=1); one.keypoints[:, :, 1] = np.array([0, 1, 4])[:, None]
    >>> acceleration(one)[:, 0].tolist()
    [[0.0, 2.0], [0.0, 2.0], [0.0, 2.0]]
    """
    return derivatives(recording.xy, times_from_start(recording))[1]


def derivatives(xy: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(velocity, acceleration) of (..., frames, joints, 2) places at (frames,) seconds; NaN = unseen. As told above."""
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
    bend = np.where(
        np.isnan(bend) & ~np.isnan(before), earlier, bend
    )  # the end of a run: as the frame before it
    bend = np.where(np.isnan(bend) & ~np.isnan(after), later, bend)
    curve = np.nan_to_num(bend)
    speed = np.where(np.isnan(before), after - curve * until / 2, before + curve * since / 2)
    return np.moveaxis(speed, 0, -3), np.moveaxis(bend, 0, -3)


DERIVED_CHANNELS = ("vx", "vy", "ax", "ay", "bx", "by")
CLIP_CHANNELS = ("x", "y", "confidence", *DERIVED_CHANNELS)
"""What a joint can have in a frame of Clips: place, confidence, velocity, acceleration, bone."""


def compute_channels(
    keypoints: np.ndarray, channels: Sequence[str], skeleton: Skeleton, times: np.ndarray
) -> np.ndarray:
    """(..., frames, joints, len(channels)) of (..., frames, joints, 2 or 3) keypoints; NaN where unknown.

    Args:
        keypoints: x, y and, if wanted, confidence; NaN = unseen.
        channels: of `CLIP_CHANNELS`.
        skeleton: their layout; bones need its root.
        times: (frames,) seconds.

    Raises:
        ValueError: an unknown channel.
    """
    if unknown := [name for name in channels if name not in CLIP_CHANNELS]:
        raise ValueError(f"Unknown channels {unknown}; there are {', '.join(CLIP_CHANNELS)}.")
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
    """(frames, joints, 2): from the inner joint of each bone to the joint itself; 0 at the root, NaN where unseen.

    Joints that no limb connects with the root have none: NaN.

    Raises:
        ValueError: the skeleton has no root.

    >>> one = Recording(np.ones((1, 25, 3))); one.keypoints[0, one.skeleton.index("Neck"), :2] = 3, 1
    >>> bones(one)[0, one.skeleton.index("Neck")].tolist()
    [2.0, 0.0]
    """
    return bone_vectors(recording.xy, recording.skeleton)


def bone_vectors(xy: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(..., joints, 2): as `bones`, of places in an array."""
    made = np.full_like(xy, np.nan)
    outwards, root = skeleton.bones_outwards(), skeleton.index(skeleton.root)
    made[..., root, :] = xy[..., root, :] - xy[..., root, :]  # NaN stays NaN
    for inner, outer in outwards:
        a, b = skeleton.indices((inner, outer))
        made[..., b, :] = xy[..., b, :] - xy[..., a, :]
    return made


def joint_angles(recording: Recording, names: Iterable[str] | None = None) -> pd.DataFrame:
    """A row a frame, a column a joint: degrees between the two limbs that meet there, 180 = straight.

    Args:
        recording: any.
        names: of `JOINT_ANGLES`; by default all whose joints the layout has.

    Returns:
        Columns such as `RKnee`, values in [0, 180]; NaN where one of the three joints is unseen, or two of them
        lie in one place.

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
        raise ValueError(f"Unknown angles {unknown}; there are {', '.join(JOINT_ANGLES)}.")
    columns = {}
    for name in names:
        a, middle, b = skeleton.indices(JOINT_ANGLES[name])
        one, two = (recording.xy[:, row].astype(np.float64) - recording.xy[:, middle] for row in (a, b))
        across = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
        degrees = np.degrees(np.arctan2(np.abs(across), (one * two).sum(axis=1)))
        columns[name] = np.where((one == 0).all(axis=1) | (two == 0).all(axis=1), np.nan, degrees)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(recording), name="frame"))
