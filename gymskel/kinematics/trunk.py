"""The trunk's angle, followed through every turn."""

from __future__ import annotations

import numpy as np

from gymskel.body_geometry import torso_lean
from gymskel.kinematics.segments import xy_in_body_25
from gymskel.recording import Recording
from gymskel.recording.times import times_from_start

WRONG_POSE = 60.0  # degrees off the path from which a pose is wrong; also the largest cost of a frame
FAST_TURN = 1500.0  # degrees a second that cost as much as a wrong pose
LONG_GAP = 0.15  # seconds: longer gaps may hide half a turn, see `_add_hidden_turns`


def trunk_angle(recording: Recording) -> np.ndarray:
    """Return (frames,) degrees of the trunk from upright, clockwise on screen, through every turn; NaN = unknown.

    Estimators reverse a body for a few frames, so neighbouring frames are not simply connected. The result is the path
    of least cost through all frames (Viterbi 1967). A frame costs its distance from the seen trunk, at most 60 degrees.
    A turn costs the square of its speed; 1500 degrees a second cost as much as a frame that is 60 degrees off. Both
    numbers were chosen on the published recordings of s01-s06. Frames 60 degrees or more off the path are wrong poses:
    NaN. Through more than 0.15 s without a pose the trunk continues to turn as it did before and after.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=10)
    >>> one.keypoints[:, 1, :2] = [[0, -9], [9, 0], [0, 9]]
    >>> trunk_angle(one).tolist()
    [0.0, 90.0, 180.0]
    """
    raw, times = torso_lean(xy_in_body_25(recording)), times_from_start(recording)
    bins = np.arange(0, 360, 5.0)
    off = np.nan_to_num(abs((raw[:, None] - bins + 180) % 360 - 180).clip(max=WRONG_POSE) / WRONG_POSE)
    turns = (bins - bins[:, None] + 180) % 360 - 180  # from row to column, the short direction
    durations = np.diff(times, prepend=times[0])
    cost, came = off[0], np.zeros(off.shape, int)
    for t in range(1, len(off)):
        through = cost[:, None] + (turns / durations[t] / FAST_TURN) ** 2 * durations[t]
        came[t] = through.argmin(axis=0)
        cost = through.min(axis=0) + off[t] * durations[t]
    best = np.empty(len(off), int)
    best[-1] = cost.argmin()
    for t in range(len(off) - 1, 0, -1):
        best[t - 1] = came[t, best[t]]
    path = np.cumsum(np.concatenate([[bins[best[0]]], turns[best[:-1], best[1:]]]))
    path -= 360 * np.round(path[0] / 360)
    miss = (raw - path + 180) % 360 - 180
    return _add_hidden_turns(np.where(abs(miss) < WRONG_POSE, path + miss, np.nan), times)


def _add_hidden_turns(angle: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Add full turns to gaps longer than `LONG_GAP`: the number nearest to the mean speed before and after the gap."""
    seen = np.flatnonzero(~np.isnan(angle))
    angle = angle.copy()
    for last, first in (seen[k : k + 2] for k in np.flatnonzero(np.diff(times[seen]) > LONG_GAP)):
        before = seen[(seen <= last) & (times[seen] >= times[last] - 0.15)]
        after = seen[(seen >= first) & (times[seen] <= times[first] + 0.15)]
        speeds = [np.polyfit(times[rows], angle[rows], 1)[0] for rows in (before, after) if len(rows) > 1]
        if speeds and first - last > 1:
            expected = np.mean(speeds) * (times[first] - times[last])
            angle[first:] += 360 * np.round((expected - (angle[first] - angle[last])) / 360)
    return angle
