"""Who does what in which video: labels from a table, for videos whose names do not say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from gymskel.recording.noun import Recording


def label_recordings(recordings: Iterable[Recording], labels: str | Path | pd.DataFrame) -> list[Recording]:
    """The same recordings with activity and athlete from a table.

    Args:
        recordings: to label; each is looked up by its video's file name, with or without extension.
        labels: a CSV file or DataFrame with columns `file`, `activity` and optionally `athlete`; where it says
            no athlete, the one known stays.

    Raises:
        FileNotFoundError: no such file.
        ValueError: columns are missing, a file is named twice, or a recording has no row.
    """
    recordings = list(recordings)
    if isinstance(labels, pd.DataFrame):
        table, where = labels, "labels"
    else:
        where = str(labels)
        if not Path(labels).is_file():
            raise FileNotFoundError(
                f"No labels file {labels}; expected a CSV with columns file, activity, athlete."
            )
        table = pd.read_csv(labels, dtype=str)
    if not {"file", "activity"} <= set(table.columns):
        raise ValueError(
            f"{where}: columns are {list(table.columns)}; expected file, activity and (optionally) athlete."
        )
    stems = table["file"].map(lambda file: Path(str(file)).stem)
    if stems.duplicated().any():
        raise ValueError(f"{where}: named twice: {', '.join(sorted(set(stems[stems.duplicated()])))}.")
    rows = dict(zip(stems, table.to_dict("records"), strict=True))
    unnamed = [r.source for r in recordings if r.source not in rows or pd.isna(rows[r.source]["activity"])]
    if unnamed:
        raise ValueError(
            f"{where} has no activity for {', '.join(unnamed[:8])}{' ...' if len(unnamed) > 8 else ''}. Add a row `file,activity,athlete` for each."
        )
    labelled = []
    for recording in recordings:
        athlete = rows[recording.source].get("athlete")
        labelled.append(
            replace(
                recording,
                activity=rows[recording.source]["activity"],
                athlete=recording.athlete if pd.isna(athlete) else str(athlete),
            )
        )
    return labelled
