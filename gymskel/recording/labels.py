"""Who does what in which video: labels from a table, for videos whose names do not say it."""

from __future__ import annotations

import codecs
import io
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import pandas as pd

from gymskel.recording.noun import Recording


def label_recordings(
    recordings: Iterable[Recording], labels: str | Path | pd.DataFrame | Labels
) -> list[Recording]:
    """The same recordings with activity and athlete from a table.

    Args:
        recordings: to label; each is looked up by its video's file name, with or without extension, capitals or not.
        labels: a CSV file or DataFrame with columns `file`, `activity` and optionally `athlete`; where it says
            no athlete, the one known stays.

    Raises:
        FileNotFoundError: no such file.
        ValueError: columns are missing, a file is named twice, two recordings have one name, or one has no row.
    """
    recordings, table = list(recordings), read_labels(labels)
    rows = table.rows_of([(r.source, r.video) for r in recordings])
    alike = Counter((r.source, r.person, r.sample, r.first_frame) for r in recordings)
    if twice := sorted({source for (source, *_), count in alike.items() if count > 1}):
        raise ValueError(
            f"{table.where}: there are several recordings called {', '.join(twice[:8])}; a row cannot tell which is meant. Rename their videos."
        )
    return [
        replace(r, activity=row["activity"], athlete=row.get("athlete") or r.athlete)
        for r, row in zip(recordings, rows, strict=True)
    ]


@dataclass(frozen=True)
class Labels:
    """A table of labels.

    Attributes:
        where: what errors call it.
        rows: each with file, activity, perhaps athlete.
    """

    where: str
    rows: list[dict[str, str | None]]

    def rows_of(self, videos: Iterable[tuple[str, str | None]]) -> list[dict[str, str | None]]:
        """The row of each video, given as (its name without extension, its file name or None).

        Raises:
            ValueError: a video has no row with an activity, or several rows.
        """
        known: dict[str, list[int]] = {}
        for number, row in enumerate(self.rows):
            name = PureWindowsPath(row["file"]).name  # knows both kinds of slash
            for key in {name.casefold(), PureWindowsPath(name).stem.casefold()}:
                known.setdefault(key, []).append(number)
        found, unnamed, twice = [], [], []
        for source, video in videos:
            keys = {str(_tidy(name)).casefold() for name in (source, video) if name}
            whole = {n for key in keys for n in known.get(key, ())}
            if len(whole) > 1:  # of anna.1 and anna.2 the stem is anna, too
                whole = {
                    n for n in whole if PureWindowsPath(self.rows[n]["file"]).name.casefold() in keys
                } or whole
            row = self.rows[min(whole)] if whole else {}
            found.append(row)
            twice += [source] if len(whole) > 1 else []
            unnamed += [source] if row.get("activity") is None else []
        if twice:
            raise ValueError(f"{self.where}: named twice: {', '.join(sorted(set(twice)))}.")
        if unnamed:
            raise ValueError(
                f"{self.where} has no activity for {', '.join(unnamed[:8])}{' ...' if len(unnamed) > 8 else ''}. "
                "Add a row `file,activity,athlete` for each."
            )
        return found


def read_labels(labels: str | Path | pd.DataFrame | Labels) -> Labels:
    """A table of labels, from a CSV file or a DataFrame.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no such table.
    """
    if isinstance(labels, Labels):
        return labels
    where = "labels" if isinstance(labels, pd.DataFrame) else str(labels)
    table = labels if isinstance(labels, pd.DataFrame) else _read_table(Path(labels))
    table = table.rename(columns=lambda name: str(name).strip().lower())
    if not {"file", "activity"} <= set(table.columns):
        raise ValueError(
            f"{where}: columns are {list(table.columns)}; expected file, activity and (optionally) athlete."
        )
    rows = [{key: _tidy(cell) for key, cell in row.items()} for row in table.to_dict("records")]
    return Labels(where, [row for row in rows if row["file"] is not None])


def _read_table(path: Path) -> pd.DataFrame:
    """A CSV as spreadsheets write it: commas, semicolons or tabs, UTF-8 or UTF-16, `sep=;` above it or not."""
    if not path.is_file():
        raise FileNotFoundError(
            f"No labels file {path}; expected a CSV with columns file, activity, athlete."
        )
    try:
        content = path.read_bytes()
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        lines = content.decode("utf-16" if utf16 else "utf-8-sig").lstrip().splitlines(keepends=True)
        if lines and lines[0].lower().startswith("sep="):
            lines = lines[1:]
        separator = max(",;\t", key=lines[0].count) if lines else ","
        with warnings.catch_warnings():
            # a comma too many at the end of each row is no harm; "NA" may be somebody's initials
            warnings.simplefilter("ignore", pd.errors.ParserWarning)
            return pd.read_csv(
                io.StringIO("".join(lines)), dtype=str, sep=separator, keep_default_na=False, index_col=False
            )
    except ValueError as fault:
        raise ValueError(
            f"{path} is not a CSV in UTF-8 with columns file, activity, athlete: {fault}"
        ) from fault


def _tidy(cell: Any) -> str | None:
    """A cell without blanks around it, letters composed (a Mac parts them); None if empty."""
    return None if pd.isna(cell) else unicodedata.normalize("NFC", str(cell).strip()) or None
