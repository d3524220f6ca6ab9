"""Unseen joints, shaking joints, recordings beyond help."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gymskel.recording import Recording
from gymskel.skeleton import GYMNASTICS_15


def fill(recording: Recording, *, method: str = "linear") -> Recording:
    """The recording with unseen joints filled in from the frames before and after.

    A filled-in place keeps confidence 0, so that it can be told from one that was seen. Before a joint is first
    seen it stands where it appears, after it was last seen where it vanished; a joint never seen stays NaN.

    Args:
        recording: any.
        method: "linear" draws a straight line in time between the frames on either side. "thesis" walks through
            the frames and takes the mean of the previous, already filled value and the next seen one, as the
            published data were made (thesis sec. 4.2.1; in the author's program a joint seen only in the very
            last frame does not count as a next value).

    >>> one = Recording(np.zeros((4, 25, 3)))
    >>> one.keypoints[1:3] = np.nan, np.nan, 0; one.keypoints[3] = 8, 16, 1
    >>> fill(one, method="thesis").xy[:, 0, 0].tolist()
    [0.0, 0.0, 0.0, 8.0]
    >>> fill(one).xy[:, 0, 0].round().tolist()
    [0.0, 3.0, 5.0, 8.0]
    """
    if method not in ("linear", "thesis"):
        raise ValueError(f"`method` must be 'linear' or 'thesis', got {method!r}.")
    xy, seen = recording.xy.astype(np.float64), recording.seen
    frames = len(xy)
    now = np.arange(frames)[:, None]
    counts = seen & (now < frames - 1) if method == "thesis" else seen
    before = np.maximum.accumulate(np.where(seen, now, -1))
    after = np.minimum.accumulate(np.where(counts, now, frames)[::-1])[::-1]
    joint = np.arange(seen.shape[1])
    previous, following = xy[np.maximum(before, 0), joint], xy[np.minimum(after, frames - 1), joint]
    if method == "linear":
        share = ((now - before) / np.maximum(after - before, 1))[..., None]
    else:  # the mean with a fixed next value, taken k times, leaves 2^-k of the way
        share = (1 - 0.5 ** (now - before))[..., None]
    between = previous + share * (following - previous)
    between = np.where((before < 0)[..., None], following, between)
    between = np.where((after == frames)[..., None], previous, between)
    between[(before < 0) & (after == frames)] = np.nan
    return recording.after("fill", np.where(seen[..., None], xy, between), method=method)


def smooth(recording: Recording, *, window: int = 3, method: str = "centered") -> Recording:
    """The recording with each coordinate averaged over neighbouring frames.

    Only seen places are averaged, and an unseen one stays unseen: nothing spreads over a gap.

    Args:
        recording: any.
        window: frames in the mean; odd for "centered".
        method: "centered" is eq. 4.1 of the thesis; at the ends the mean is over the frames there are.
            "trailing" is what its author's program does: the mean of a frame and those before it, the first
            `window` - 1 frames left as they are. It moves everything (window - 1) / 2 frames late.

    >>> one = Recording(np.zeros((4, 25, 3))); one.keypoints[:, :, 0] = np.array([0, 3, 6, 0])[:, None]
    >>> smooth(one).xy[:, 0, 0].tolist(), smooth(one, method="trailing").xy[:, 0, 0].tolist()
    ([1.5, 3.0, 3.0, 3.0], [0.0, 3.0, 3.0, 3.0])
    """
    if method not in ("centered", "trailing"):
        raise ValueError(f"`method` must be 'centered' or 'trailing', got {method!r}.")
    if window < 1 or (method == "centered" and window % 2 == 0):
        raise ValueError(f"`window` must be a number of frames, odd for 'centered', got {window}.")
    columns = pd.DataFrame(recording.xy.reshape(len(recording), -1).astype(np.float64))
    mean = columns.rolling(window, center=method == "centered", min_periods=1).mean().to_numpy(copy=True)
    if method == "trailing":
        mean[: window - 1] = columns[: window - 1]
    mean = np.where(recording.seen[..., None], mean.reshape(recording.xy.shape), np.nan)
    return recording.after("smooth", mean, window=window, method=method)


def is_recognizable(
    recording: Recording,
    *,
    min_seen: float = 0.5,
    min_joint: float = 0.15,
    max_blind: float = 0.25,
) -> bool:
    """Whether enough of the body was really seen to be trained on.

    The thesis dropped recordings by eye (sec. 4.2.3); this rule puts numbers to it. It looks at those of the 15
    joints of GYMNASTICS_15 that the layout has, and counts only what the estimator found (confidence above 0),
    not what was filled in. Defaults let all 113 published recordings pass.

    Args:
        recording: any.
        min_seen: at least this share of all joints in all frames was found.
        min_joint: every joint was found in at least this share of the frames.
        max_blind: no more than this share of the frames in one run shows fewer than half of the joints.
    """
    joints = [row for row, name in enumerate(recording.skeleton.joints) if name in GYMNASTICS_15]
    found = (recording.confidence > 0)[:, joints or slice(None)]
    blind = found.mean(axis=1) < 0.5
    return bool(
        found.mean() >= min_seen
        and found.mean(axis=0).min() >= min_joint
        and longest_run(blind) <= max_blind * len(recording)
    )


def longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of True.

    >>> longest_run(np.array([True, False, True, True, False]))
    2
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
