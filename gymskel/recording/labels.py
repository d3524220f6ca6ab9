"""Labels from a table: activity and athlete of videos whose names do not contain them."""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import pandas as pd

from gymskel.messages import join_names
from gymskel.recording.model import Recording


def label_recordings(
    recordings: Iterable[Recording], labels: str | Path | pd.DataFrame | LabelTable
) -> list[Recording]:
    """Return the recordings with activity and athlete from a table.

    Args:
        recordings: each is looked up by its video's file name, with or without extension, in any case.
        labels: a CSV file or DataFrame with columns `file`, `activity` and optionally `athlete`; a recording keeps
            its athlete if the table names none.

    Raises:
        FileNotFoundError: no such file.
        ValueError: columns are missing, a file is named twice, two recordings have one name, or one has no row.
    """
    recordings, table = list(recordings), read_labels(labels)
    rows = table.rows_of([(r.source, r.video) for r in recordings])
    counts = Counter((r.source, r.person, r.sample, r.first_frame) for r in recordings)
    table.refuse_repeated(source for (source, *_), count in counts.items() if count > 1)
    return [
        replace(r, activity=row["activity"], athlete=row.get("athlete") or r.athlete)
        for r, row in zip(recordings, rows, strict=True)
    ]


@dataclass(frozen=True)
class LabelTable:
    """A table of labels."""

    label: str  # its name in messages
    rows: list[dict[str, str | None]]  # file, activity and perhaps athlete

    def refuse_repeated(self, names: Iterable[str]) -> None:
        """Raise ValueError if there is any name; each is that of several videos."""
        if repeated := join_names(sorted(set(names))):
            raise ValueError(
                f"{self.label}: one row for all recordings called {repeated}. Fix: rename videos."
            )

    def rows_of(self, videos: Iterable[tuple[str, str | None]]) -> list[dict[str, str | None]]:
        """Return the row of each video, given as (name without extension, file name or None); each must have one."""
        numbers: dict[str, list[int]] = {}
        for row in range(len(self.rows)):
            name = self._file_name(row)
            for key in {name.casefold(), PureWindowsPath(name).stem.casefold()}:
                numbers.setdefault(key, []).append(row)
        found, unlabelled, repeated = [], [], []
        for source, video in videos:
            keys = {str(_tidy(name)).casefold() for name in (source, video) if name}
            matches = {n for key in keys for n in numbers.get(key, ())}
            if len(matches) > 1:  # the stem of anna.1 and anna.2 is anna for both
                matches = {n for n in matches if self._file_name(n).casefold() in keys} or matches
            found.append(self.rows[min(matches)] if matches else {})
            repeated += [source] if len(matches) > 1 else []
            unlabelled += [source] if found[-1].get("activity") is None else []
        if repeated:
            shown = join_names(sorted(set(repeated)))
            raise ValueError(f"{self.label}: named twice: {shown}. Fix: keep one row of each.")
        if unlabelled:
            shown = join_names(unlabelled)
            raise ValueError(
                f"{self.label} has no activity for {shown}. Fix: add a row `file,activity,athlete` for each."
            )
        return found

    def _file_name(self, row: int) -> str:
        return PureWindowsPath(self.rows[row]["file"] or "").name  # splits at both kinds of slash


def read_labels(labels: str | Path | pd.DataFrame | LabelTable) -> LabelTable:
    """Return a table of labels, from a CSV file or a DataFrame; arguments and errors as `label_recordings`."""
    if isinstance(labels, LabelTable):
        return labels
    if isinstance(labels, pd.DataFrame):
        label, table = "labels", labels
    else:
        label, table = str(labels), read_text_table(Path(labels), "labels", "file, activity, athlete")
    table = table.rename(columns=lambda name: str(name).strip().lower())
    if not {"file", "activity"} <= set(table.columns):
        raise ValueError(
            f"{label}: columns are {join_names(table.columns)}; expected file, activity and, if known, athlete. "
            "Fix: name them in the first line."
        )
    rows = [{str(key): _tidy(cell) for key, cell in row.items()} for row in table.to_dict("records")]
    return LabelTable(label, [row for row in rows if row["file"] is not None])


def read_text_table(path: Path, content: str, columns: str) -> pd.DataFrame:
    """Return a CSV as texts, the way spreadsheets write it; errors contain `content`, a word, and the expected `columns`.

    Commas, semicolons or tabs; UTF-8 or UTF-16; with or without a first line `sep=;`. Cells have no blanks around
    them, empty cells are NaN, names of columns are in small letters.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no such table; a row has more cells than there are columns.
    """
    if not path.is_file():
        raise FileNotFoundError(f"No {content} file {path}; expected a CSV with columns {columns}.")
    try:
        names, rows = _cells(path.read_bytes())
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV in UTF-8 with columns {columns}: {error}") from error
    cells = [{name: cell for name, cell in zip(names, row, strict=False) if cell} for row in rows]
    return pd.DataFrame(cells, columns=names)


def _cells(content: bytes) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns in small letters, and the cells of each row."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    lines = content.decode("utf-16" if is_utf16 else "utf-8-sig").lstrip().splitlines(keepends=True)
    if lines and lines[0].lower().startswith("sep="):
        lines = lines[1:]
    separator = max(",;\t", key=lines[0].count) if lines else ","
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    names, *rows = [row for row in cells if any(row)] or [[]]
    if not names:
        raise ValueError("it is empty.")
    if too_long := join_names(row[0] for row in rows if any(row[len(names) :])):
        raise ValueError(
            f"more cells than columns for {too_long}. Fix: put texts with {separator!r} in quotes."
        )
    return [name.lower() for name in names], rows


def _tidy(cell: Any) -> str | None:
    """Return a cell as text without blanks around it, letters composed (macOS splits them); None if empty."""
    return None if pd.isna(cell) else unicodedata.normalize("NFC", str(cell).strip()) or None
