"""What is missing in recordings: which joint, when, how much, and whether too much."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gymskel.recording import Recording
from gymskel.skeleton import GYMNASTICS_15


def missing_table(recordings: Recording | Iterable[Recording], *, phases: int = 4) -> pd.DataFrame:
    """Which joint is lost when: a row for each joint and for all together, a column for each part of the clip.

    `table["unseen"]` has the share of frames in which a joint has no place (NaN), `table["filled"]` the share in
    which its place was filled in (confidence 0), `table["longest_gap"]` the frames in a row in which it was not
    found, be it unseen or filled in. Columns are the phases "1/4" ... "4/4" and "all", the whole clip. The row
    "all" counts all joints; its longest gap is that of frames in which none is found.

    Args:
        recordings: one, or many with one layout. Of many, frames are pooled and the longest gap is the longest
            in any.
        phases: equal parts of each clip's frames. A gap that runs from one into the next counts in each with
            the frames it has there. In clips of fewer frames some parts are empty, shares NaN if all are.

    Raises:
        ValueError: no recordings, or layouts that differ.

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
        raise ValueError("`recordings` is empty: nothing to look at.")
    if phases < 1:
        raise ValueError(f"`phases` must be at least 1, got {phases}.")
    first = recordings[0]
    if other := [r for r in recordings if r.skeleton.joints != first.skeleton.joints]:
        raise ValueError(
            f"{other[0].name} has the joints of {other[0].skeleton.name}, {first.name} those of "
            f"{first.skeleton.name}: make a table for each layout."
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
    recording: Recording,
    *,
    min_seen: float = 0.5,
    min_joint: float = 0.15,
    max_blind: float = 0.25,
) -> bool:
    """Whether enough of the body was really seen to be trained on; `visibility_problems` says what speaks against it.

    The thesis dropped recordings by eye (sec. 4.2.3); this rule puts numbers to it. It looks at those of the 15
    joints of GYMNASTICS_15 that the layout has, and counts only what the estimator found (confidence above 0),
    not what was filled in. Defaults let all 113 published recordings pass.

    Args:
        recording: any.
        min_seen: at least this share of all joints in all frames was found.
        min_joint: every joint was found in at least this share of the frames.
        max_blind: no more than this share of the frames in one run shows fewer than half of the joints.
    """
    return not visibility_problems(recording, min_seen=min_seen, min_joint=min_joint, max_blind=max_blind)


def visibility_problems(
    recording: Recording,
    *,
    min_seen: float = 0.5,
    min_joint: float = 0.15,
    max_blind: float = 0.25,
) -> list[str]:
    """Why a recording is too poor: a sentence for each rule it breaks, none where it `is_recognizable`.

    Args:
        recording: any.
        min_seen: as in `is_recognizable`, like the others.
        min_joint: see there.
        max_blind: see there.

    >>> one = Recording(np.ones((8, 25, 3))); one.keypoints[:7, 4] = np.nan, np.nan, 0
    >>> visibility_problems(one)
    ['RWrist (12.5 %) found in fewer than 15 % of the frames.']
    """
    names = [name for name in recording.skeleton.joints if name in GYMNASTICS_15] or recording.skeleton.joints
    found = (recording.confidence > 0)[:, recording.skeleton.indices(names)]
    faults = []
    if found.mean() < min_seen:
        faults.append(
            f"Joints found in {_percent(found.mean())} of all places, fewer than {_percent(min_seen)}."
        )
    shares = found.mean(axis=0)
    if poor := [row for row in np.argsort(shares, kind="stable") if shares[row] < min_joint]:
        told = ", ".join(f"{names[row]} ({_percent(shares[row])})" for row in poor)
        faults.append(f"{told} found in fewer than {_percent(min_joint)} of the frames.")
    blind = int(longest_run(found.mean(axis=1) < 0.5))
    if blind > max_blind * len(found):
        told = f"Fewer than half of the joints found in {blind} frames in a row"
        faults.append(f"{told}, more than {_percent(max_blind)} of {len(found)}.")
    return faults


def longest_run(flags: np.ndarray) -> np.ndarray:
    """Length of the longest run of True along the first axis, for each of the others by itself.

    >>> longest_run(np.array([True, False, True, True, False])).tolist()
    2
    """
    flags = np.asarray(flags, bool)
    now = np.arange(len(flags)).reshape(-1, *[1] * (flags.ndim - 1))
    return (now - np.maximum.accumulate(np.where(flags, -1, now))).max(axis=0, initial=0)


def _percent(share: float) -> str:
    """12.5 %, rounded down, so that what is below a limit never reads like the limit."""
    return f"{np.floor(1000 * share + 1e-6) / 10:g} %"
