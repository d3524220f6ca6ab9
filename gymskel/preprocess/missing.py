"""Missing joints in recordings: how much is missing, where, and whether it is too much."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gymskel.recording import Recording
from gymskel.skeleton import GYMNASTICS_15


def missing_table(recordings: Recording | Iterable[Recording], *, phases: int = 4) -> pd.DataFrame:
    """Return a table of missing joints: a row for each joint, a column for each part of the clip.

    - `table["unseen"]`: share of frames in which a joint has no position (NaN).
    - `table["filled"]`: share of frames in which its position was filled in (confidence 0).
    - `table["longest_gap"]`: most frames in a row in which it was not found, unseen or filled in.

    Columns are the phases "1/4" ... "4/4", and "all" for the whole clip. The row "all" is the mean over all joints; its
    longest gap counts frames in which no joint is found.

    Args:
        recordings: one, or several with one joint layout. Frames of several recordings are pooled; the longest gap is
            the longest in any of them.
        phases: number of equal parts of each clip. A gap that crosses a border counts in both parts with the frames
            that it has there. In very short clips some parts are empty; a share is NaN if the part is empty in all.

    Raises:
        ValueError: no recordings, `phases` below 1, or layouts that differ.

    >>> one = Recording(np.ones((8, 25, 3))); one.keypoints[3:7, 4] = np.nan, np.nan, 0
    >>> missing_table(one, phases=2).loc["RWrist"].unstack()
    phase         1/2   2/2  all
    measure
    unseen       0.25  0.75  0.5
    filled       0.00  0.00  0.0
    longest_gap  1.00  3.00  4.0
    """
    recordings = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: there is nothing to count.")
    if phases < 1:
        raise ValueError(f"`phases` must be at least 1, got {phases}.")
    first = recordings[0]
    if other := [r for r in recordings if r.skeleton.joints != first.skeleton.joints]:
        raise ValueError(
            f"{other[0].name} has the joints of {other[0].skeleton.name}, {first.name} those of "
            f"{first.skeleton.name}. Fix: make a table for each layout."
        )
    joints = len(first.skeleton)
    unseen, filled, longest = np.zeros((3, joints + 1, phases + 1))
    frames = np.zeros(phases + 1)
    for recording in recordings:
        lost, found = ~recording.seen, recording.confidence > 0
        edges = np.arange(phases + 1) * len(recording) // phases
        for part, rows in enumerate([*map(slice, edges[:-1], edges[1:]), slice(None)]):
            frames[part] += len(lost[rows])
            unseen[:-1, part] += lost[rows].sum(axis=0)
            filled[:-1, part] += (~lost & ~found)[rows].sum(axis=0)
            gaps = longest_run(np.column_stack([~found, ~found.any(axis=1)])[rows])
            longest[:, part] = np.maximum(longest[:, part], gaps)
    for counts in (unseen, filled):
        counts[-1] = counts[:-1].mean(axis=0)
    shares = np.where(frames > 0, frames, np.nan)
    measures = {"unseen": unseen / shares, "filled": filled / shares, "longest_gap": longest.astype(int)}
    index = pd.Index([*first.skeleton.joints, "all"], name="joint")
    names = [f"{k}/{phases}" for k in range(1, phases + 1)] + ["all"]
    tables = {measure: pd.DataFrame(values, index, names) for measure, values in measures.items()}
    return pd.concat(tables, axis=1, names=["measure", "phase"])


def is_recognizable(
    recording: Recording, *, min_seen: float = 0.5, min_joint: float = 0.15, max_blind: float = 0.25
) -> bool:
    """Return True if enough of the body was found to train on the recording.

    `visibility_problems` gives the reasons where it was not. The thesis dropped recordings by eye (sec. 4.2.3); this rule
    puts numbers to that. It counts the joints of GYMNASTICS_15 that the layout has, or all joints if it has none of
    them. A joint counts as found with confidence above 0; filled-in joints do not count. With the defaults all 113
    published recordings pass.

    Args:
        min_seen: smallest accepted share of found joints over all frames.
        min_joint: smallest accepted share of frames in which any one joint is found.
        max_blind: largest accepted run of frames that show fewer than half of the joints, as a share of all frames.
    """
    return not visibility_problems(recording, min_seen=min_seen, min_joint=min_joint, max_blind=max_blind)


def visibility_problems(
    recording: Recording, *, min_seen: float = 0.5, min_joint: float = 0.15, max_blind: float = 0.25
) -> list[str]:
    """Return one sentence for each rule of `is_recognizable` that the recording breaks; an empty list if none.

    Arguments as in `is_recognizable`.

    >>> one = Recording(np.ones((8, 25, 3))); one.keypoints[:7, 4] = np.nan, np.nan, 0
    >>> visibility_problems(one)
    ['RWrist (12.5 %) found in fewer than 15 % of the frames.']
    """
    names = [name for name in recording.skeleton.joints if name in GYMNASTICS_15] or recording.skeleton.joints
    found = (recording.confidence > 0)[:, recording.skeleton.indices(names)]
    problems = []
    if found.mean() < min_seen:
        problems.append(
            f"{_percent(found.mean())} of all joints found over all frames, fewer than {_percent(min_seen)}."
        )
    shares = found.mean(axis=0)
    if poor := [row for row in np.argsort(shares, kind="stable") if shares[row] < min_joint]:
        joints = ", ".join(f"{names[row]} ({_percent(shares[row])})" for row in poor)
        problems.append(f"{joints} found in fewer than {_percent(min_joint)} of the frames.")
    blind = int(longest_run(found.mean(axis=1) < 0.5))
    if blind > max_blind * len(found):
        problems.append(
            f"Fewer than half of the joints found in {blind} frames in a row, more than {_percent(max_blind)} "
            f"of {len(found)}."
        )
    return problems


def longest_run(flags: np.ndarray) -> np.ndarray:
    """Return the length of the longest run of True along the first axis, separately for each position of the others.

    >>> longest_run(np.array([True, False, True, True, False])).tolist()
    2
    """
    flags = np.asarray(flags, bool)
    now = np.arange(len(flags)).reshape(-1, *[1] * (flags.ndim - 1))
    return (now - np.maximum.accumulate(np.where(flags, -1, now))).max(axis=0, initial=0)


def find_runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return (start, end) of each run of True in (frames,) flags, end not included."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _percent(share: float) -> str:
    """Return a share as text, "12.5 %"; rounded down, so that a value below a limit never reads like the limit."""
    return f"{np.floor(1000 * share + 1e-6) / 10:g} %"
