"""Who does what in which video: labels from a table, for videos whose names do not say it."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any

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
    where = "labels" if isinstance(labels, pd.DataFrame) else str(labels)
    table = labels if isinstance(labels, pd.DataFrame) else _read_table(Path(labels))
    table = table.rename(columns=lambda name: str(name).strip().lower())
    if not {"file", "activity"} <= set(table.columns):
        raise ValueError(
            f"{where}: columns are {list(table.columns)}; expected file, activity and (optionally) athlete."
        )
    rows: dict[str, dict[str, str | None]] = {}
    twice = set()
    for row in table.to_dict("records"):
        row = {key: _tidy(cell) for key, cell in row.items()}
        if row["file"] is not None:
            stem = PureWindowsPath(row["file"]).stem  # knows both kinds of slash
            if stem in rows:
                twice.add(stem)
            rows[stem] = row
    if twice:
        raise ValueError(f"{where}: named twice: {', '.join(sorted(twice))}.")
    sources = [_tidy(r.source) for r in recordings]
    unnamed = [source for source in sources if rows.get(source, {}).get("activity") is None]
    if unnamed:
        raise ValueError(
            f"{where} has no activity for {', '.join(unnamed[:8])}{' ...' if len(unnamed) > 8 else ''}. "
            "Add a row `file,activity,athlete` for each."
        )
    return [
        replace(r, activity=rows[source]["activity"], athlete=rows[source].get("athlete") or r.athlete)
        for r, source in zip(recordings, sources, strict=True)
    ]


def _read_table(path: Path) -> pd.DataFrame:
    """A CSV as spreadsheets write it: commas, semicolons or tabs, a byte order mark or none."""
    if not path.is_file():
        raise FileNotFoundError(
            f"No labels file {path}; expected a CSV with columns file, activity, athlete."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        # "NA" may be somebody's initials
        return pd.read_csv(io.StringIO(text), dtype=str, sep=separator, keep_default_na=False)
    except ValueError as fault:
        raise ValueError(
            f"{path} is not a CSV in UTF-8 with columns file, activity, athlete: {fault}"
        ) from fault


def _tidy(cell: Any) -> str | None:
    """A cell without blanks around it, letters composed (a Mac parts them); None if empty."""
    return None if pd.isna(cell) else unicodedata.normalize("NFC", str(cell).strip()) or None
