"""The clips of the report: which are shown, their kinematics beside the group's."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict
from html import escape
from io import BytesIO

import numpy as np
import pandas as pd

from gymskel.kinematics import measure_kinematics
from gymskel.recording import Recording
from gymskel.report.html import draw_table
from gymskel.report.report_data import Facts
from gymskel.visualize import plot_skeletons

SHOWN = 4  # clips of each kind
_POSES = 9
MEASURES = {
    "flight_time": "Time in the air, without the hands (seconds)",
    "jump_height_time": "Jump height, worked out from the longest flight (metres)",
    "takeoff_angle": "Take-off angle above the floor (degrees)",
    "turn": "How far the trunk turns (degrees; 360 = all round)",
    "rotation_peak": "Fastest rotation (degrees a second)",
    "hip_travel": "Travel of the hip along the picture (lengths of the trunk)",
    "hip_rise": "How far the hip rises (lengths of the trunk)",
}
"""What is told of `measure_kinematics`, in a coach's words."""


def clearest(facts: Facts) -> list[int]:
    """Rows of the table: right while left out, the surest of each move in turn."""
    table = _tested(facts)
    right = table[table["move"] == table["answer"]].sort_values("probability", ascending=False, kind="stable")
    turn = right.groupby("move").cumcount()
    return right.index[np.argsort(turn.to_numpy(), kind="stable")][:SHOWN].tolist()


def most_doubtful(facts: Facts) -> list[int]:
    """Rows of the table: the surest mistakes, then the least sure right answers; none of the clearest."""
    table = _tested(facts)
    for_truth = table["probability"].where(table["move"] == table["answer"], -table["probability"])
    order = for_truth.sort_values(kind="stable").index[:SHOWN].tolist()
    clear = clearest(facts)
    return [row for row in order if row not in clear]


def _tested(facts: Facts) -> pd.DataFrame:
    """Tested recordings with an answer; the move is what the training called it."""
    table = facts.table[facts.table["tested"] & facts.table["probability"].notna()]
    if facts.evaluation is None or not len(table):
        return table[:0]
    truth = facts.evaluation.predictions.drop_duplicates("recording").set_index("recording")["truth"]
    return table.assign(move=truth.loc[table["recording"]].to_numpy())


def measured(recordings: Sequence[Recording], step: Callable[[], object]) -> pd.DataFrame:
    """A row of `measure_kinematics` for each recording, NaN where it cannot be measured; `step` is called after each."""
    rows = []
    for one in recordings:
        try:
            numbers = asdict(measure_kinematics(one))
        except ValueError:  # no frame rate, or no trunk ever seen
            numbers = {}
        rows.append({name: numbers.get(name, np.nan) for name in MEASURES})
        step()
    return pd.DataFrame(rows, columns=list(MEASURES), dtype=float)


def beside_group(numbers: pd.DataFrame, moves: Sequence[str], row: int) -> str:
    """A table: the values of one recording beside the others of the same move."""
    same = np.flatnonzero(np.array(moves) == moves[row])
    others = numbers.iloc[same[same != row]]
    rows = []
    for name, words in MEASURES.items():
        value, known = numbers[name].iloc[row], others[name].dropna()
        if np.isnan(value) or not len(known):
            continue
        low, middle, high = np.percentile(known, [10, 50, 90])
        where = "below" if value < low else "above" if value > high else "within"
        rows.append([words, _short(value), _short(middle), f"{_short(low)} to {_short(high)}", where])
    if not rows:
        return "<p>No measures: they need the frame rate, and other recordings of the same move.</p>"
    caption = f"Measured, beside {len(others)} other recordings of {moves[row] or 'no named move'}"
    columns = ["measure", "this clip", "middle of the others", "80 in 100 of them", "this clip is"]
    return draw_table(caption, columns, rows, numbers=[1, 2, 3])


def draw_poses(recording: Recording) -> str:
    """An image of the body at some moments, for print and for whoever has no JavaScript."""
    from matplotlib.figure import Figure

    if recording.seen.any(axis=1).sum() < 1:
        return ""
    rows = np.flatnonzero(recording.seen.any(axis=1))
    frames = rows[np.unique(np.linspace(0, len(rows) - 1, _POSES).round().astype(int))]
    figure = Figure(figsize=(10, 2), layout="constrained")
    plot_skeletons(recording, frames=frames.tolist(), ax=figure.subplots()).set_title("", loc="left")
    file = BytesIO()
    figure.savefig(file, format="png", dpi=90)
    name = escape(recording.name)
    picture = base64.b64encode(file.getvalue()).decode("ascii")
    return (
        f'<div class="scroll" role="region" aria-label="{name} at {len(frames)} moments" tabindex="0">'
        f'<img class="poses" width="900" height="180" alt="The body in {name} at {len(frames)} moments, from the first frame on the left to the '
        f'last on the right" src="data:image/png;base64,{picture}"></div>'
    )


def _short(value: float) -> str:
    """0.61, 12.3, 412."""
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"
