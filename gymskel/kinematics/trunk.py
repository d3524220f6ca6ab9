"""The trunk's angle, followed through every turn."""

from __future__ import annotations

import numpy as np

from gymskel.body_geometry import torso_lean
from gymskel.kinematics.segments import xy_in_body_25
from gymskel.recording import Recording
from gymskel.recording.times import times_from_start

WRONG, FASTEST = 60.0, 1500.0  # degrees, degrees a second: see `trunk_angle`
BLIND = 0.15  # seconds: longer gaps may hide half a turn, see `_carried`


def trunk_angle(recording: Recording) -> np.ndarray:
    """(frames,) degrees of the trunk from upright, clockwise on screen, followed through every turn; NaN = unknown.

    Estimators turn a body round for a few frames, so neighbours are not simply joined: of all ways through
    the frames that which is best in all is taken (Viterbi 1967), where a frame costs its distance from the trunk seen
    there, 60 degrees at most, and turning costs the square of its speed, 1500 degrees a second as much as a frame that is
    60 degrees off. Chosen on the published recordings of s01-s06. Frames 60 degrees and more off the best way are wrong
    poses: NaN. Through more than 0.15 s without a pose the trunk goes on turning as it did before and after.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=10)
    >>> one.keypoints[:, 1, :2] = [[0, -9], [9, 0], [0, 9]]
    >>> trunk_angle(one).tolist()
    [0.0, 90.0, 180.0]
    """
    raw, times = torso_lean(xy_in_body_25(recording)), times_from_start(recording)
    bins = np.arange(0, 360, 5.0)
    off = np.nan_to_num(abs((raw[:, None] - bins + 180) % 360 - 180).clip(max=WRONG) / WRONG)
    turned = (bins - bins[:, None] + 180) % 360 - 180  # from row to column, the short way
    waits = np.diff(times, prepend=times[0])
    cost, came = off[0], np.zeros(off.shape, int)
    for t in range(1, len(off)):
        through = cost[:, None] + (turned / waits[t] / FASTEST) ** 2 * waits[t]
        came[t] = through.argmin(axis=0)
        cost = through.min(axis=0) + off[t] * waits[t]
    way = np.empty(len(off), int)
    way[-1] = cost.argmin()
    for t in range(len(off) - 1, 0, -1):
        way[t - 1] = came[t, way[t]]
    path = np.cumsum(np.concatenate([[bins[way[0]]], turned[way[:-1], way[1:]]]))
    path -= 360 * np.round(path[0] / 360)
    miss = (raw - path + 180) % 360 - 180
    return _carried(np.where(abs(miss) < WRONG, path + miss, np.nan), times)


def _carried(angle: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Angles with full turns put into long gaps: unseen for half a turn, a body is not taken to have swung back.

    Through a gap of more than `BLIND` seconds that number of turns is taken which comes nearest to the mean of the
    speeds in the 0.15 s before and after it.
    """
    seen = np.flatnonzero(~np.isnan(angle))
    angle = angle.copy()
    for last, first in (seen[k : k + 2] for k in np.flatnonzero(np.diff(times[seen]) > BLIND)):
        before = seen[(seen <= last) & (times[seen] >= times[last] - 0.15)]
        after = seen[(seen >= first) & (times[seen] <= times[first] + 0.15)]
        speeds = [np.polyfit(times[rows], angle[rows], 1)[0] for rows in (before, after) if len(rows) > 1]
        if speeds and first - last > 1:
            goes_on = np.mean(speeds) * (times[first] - times[last])
            angle[first:] += 360 * np.round((goes_on - (angle[first] - angle[last])) / 360)
    return angle
