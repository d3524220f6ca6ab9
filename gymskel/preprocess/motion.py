"""What follows from the places: velocity, acceleration, bones and the angles of the joints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from gymskel.preprocess.limbs import bones_outwards
from gymskel.preprocess.timing import times_of
from gymskel.recording import Recording

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
    return _derivatives(recording)[0]


def acceleration(recording: Recording) -> np.ndarray:
    """(frames, joints, 2) float64: change of velocity a second, NaN where it cannot be known.

    The second difference over a place and its two neighbours; the ends of a run of seen frames take that of the
    frame next to them, and a run of one or two has none.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=1); one.keypoints[:, :, 1] = np.array([0, 1, 4])[:, None]
    >>> acceleration(one)[:, 0].tolist()
    [[0.0, 2.0], [0.0, 2.0], [0.0, 2.0]]
    """
    return _derivatives(recording)[1]


def _derivatives(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Velocity and acceleration, (frames, joints, 2) each."""
    xy = recording.xy.astype(np.float64)
    step = np.diff(times_of(recording))[:, None, None]  # (frames - 1, 1, 1)
    edge = np.full_like(xy[:1], np.nan)
    slope = np.diff(xy, axis=0) / step
    bend = 2 * np.diff(slope, axis=0) / (step[1:] + step[:-1])
    before, after = np.concatenate([edge, slope]), np.concatenate([slope, edge])
    to, on = (np.concatenate(parts) for parts in ((step[:1], step), (step, step[-1:])))
    if len(xy) < 3:
        bend = np.full_like(xy, np.nan)
    else:  # where a frame has no neighbour on one side, the parabola of the one on the other
        bend = np.concatenate([edge, bend, edge])
        next_to = np.concatenate([edge, bend[:-1]]), np.concatenate([bend[1:], edge])
        bend = np.where(np.isnan(bend) & ~np.isnan(before), next_to[0], bend)
        bend = np.where(np.isnan(bend) & ~np.isnan(after), next_to[1], bend)
    if len(xy) == 1:
        return edge, edge.copy()
    curve = np.nan_to_num(bend)
    speed = np.where(np.isnan(before), after - curve * on / 2, before + curve * to / 2)
    return speed, bend


def bones(recording: Recording) -> np.ndarray:
    """(frames, joints, 2): from the inner joint of each bone to the joint itself; 0 at the root, NaN where unseen.

    Joints that no limb connects with the root have none: NaN.

    Raises:
        ValueError: the skeleton has no root.

    >>> one = Recording(np.ones((1, 25, 3))); one.keypoints[0, one.skeleton.index("Neck"), :2] = 3, 1
    >>> bones(one)[0, one.skeleton.index("Neck")].tolist()
    [2.0, 0.0]
    """
    skeleton, xy = recording.skeleton, recording.xy
    made = np.full_like(xy, np.nan)
    outwards = bones_outwards(skeleton)
    root = skeleton.index(skeleton.root)
    made[:, root] = xy[:, root] - xy[:, root]  # NaN stays NaN
    for inner, outer in outwards:
        a, b = skeleton.indices((inner, outer))
        made[:, b] = xy[:, b] - xy[:, a]
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
