"""Clips that the report shows: their selection, kinematics and pictures."""

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
from gymskel.report.html_parts import render_table
from gymskel.report.report_data import ReportData
from gymskel.visualize import plot_skeletons

MAX_CLIPS = 4
"""Largest number of clearest, and of most doubtful, clips."""
_POSES = 9  # bodies in a picture
MEASURE_LABELS = {
    "flight_time": "Time in the air, hands off the floor (seconds)",
    "jump_height_time": "Jump height, computed from the longest flight (metres)",
    "takeoff_angle": "Take-off angle above the floor (degrees)",
    "turn": "Rotation of the trunk (degrees; 360 = full turn)",
    "rotation_peak": "Fastest rotation (degrees per second)",
    "hip_travel": "Horizontal travel of the hip (trunk lengths)",
    "hip_rise": "Rise of the hip (trunk lengths)",
}
"""Field of `Kinematics` -> label in a coach's words."""


def select_clearest(data: ReportData) -> list[int]:
    """Return up to `MAX_CLIPS` rows of the table with right answers: the most certain of each move, then the second, ..."""
    table = data.table[data.table["probability"].notna()]
    right = table[table["tested"] & (table["truth"] == table["answer"])]
    right = right.sort_values("probability", ascending=False, kind="stable")
    rank_in_move = right.groupby("truth").cumcount()
    return right.index[np.argsort(rank_in_move.to_numpy(), kind="stable")][:MAX_CLIPS].tolist()


def select_most_doubtful(data: ReportData) -> list[int]:
    """Return up to `MAX_CLIPS` rows: the most certain mistakes, then the least certain right answers; none of the clearest."""
    table = data.table[data.table["tested"] & data.table["probability"].notna()]
    certainty = table["probability"].where(table["truth"] == table["answer"], -table["probability"])
    doubtful = certainty.sort_values(kind="stable").index[:MAX_CLIPS]
    return doubtful[~doubtful.isin(select_clearest(data))].tolist()


def measure_recordings(recordings: Sequence[Recording], progress: Callable[[], object]) -> pd.DataFrame:
    """Return a row of `measure_kinematics` for each recording, NaN if it cannot be measured; call `progress` after each."""
    rows = []
    for recording in recordings:
        try:
            measures = asdict(measure_kinematics(recording))
        except ValueError:  # no frame rate, or no trunk ever seen
            measures = {}
        rows.append({name: measures.get(name, np.nan) for name in MEASURE_LABELS})
        progress()
    return pd.DataFrame(rows, columns=list(MEASURE_LABELS), dtype=float)


def render_comparison(measures: pd.DataFrame, moves: Sequence[str], row: int) -> str:
    """Return a table that compares the recording of a row of `measures` with the others of the same label in `moves`."""
    same = np.flatnonzero(np.array(moves) == moves[row])
    others = measures.iloc[same[same != row]]
    rows = []
    for name, label in MEASURE_LABELS.items():
        value, known = measures[name].iloc[row], others[name].dropna()
        if np.isnan(value) or not len(known):
            continue
        low, middle, high = np.percentile(known, [10, 50, 90])
        where = "below" if value < low else "above" if value > high else "within"
        rows.append([label, _short(value), _short(middle), f"{_short(low)} to {_short(high)}", where])
    if not rows:
        return "<p>No measures: they need the frame rate, and other recordings of the same move.</p>"
    caption = f"Measures, compared with {len(others)} other recordings of {moves[row] or 'an unnamed move'}"
    columns = ["measure", "this clip", "middle of the others", "80 in 100 of the others", "this clip is"]
    return render_table(caption, columns, rows, numbers=[1, 2, 3])


def render_poses(recording: Recording) -> str:
    """Return an image of the body at up to 9 moments, for print and browsers without JavaScript; empty if unseen."""
    from matplotlib.figure import Figure

    rows = np.flatnonzero(recording.seen.any(axis=1))
    if not len(rows):
        return ""
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
    """Return a number with about three digits.

    >>> _short(0.612), _short(12.34), _short(412.3)
    ('0.61', '12.3', '412')
    """
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"
