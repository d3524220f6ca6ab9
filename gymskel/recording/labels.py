"""Who does what in which video: labels from a table, for videos whose names do not say it."""

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

from gymskel.recording.model import Recording


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
    table.refuse_twice(source for (source, *_), count in alike.items() if count > 1)
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

    def refuse_twice(self, names: Iterable[str]) -> None:
        """Raises ValueError if there are names that several videos have."""
        if twice := sorted(set(names)):
            raise ValueError(
                f"{self.where}: there are several recordings called {', '.join(twice[:8])}; a row cannot tell which is "
                "meant. Rename their videos."
            )

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
    table = (
        labels
        if isinstance(labels, pd.DataFrame)
        else read_texts(Path(labels), "labels", "file, activity, athlete")
    )
    table = table.rename(columns=lambda name: str(name).strip().lower())
    if not {"file", "activity"} <= set(table.columns):
        raise ValueError(
            f"{where}: columns are {list(table.columns)}; expected file, activity and (optionally) athlete."
        )
    rows = [{key: _tidy(cell) for key, cell in row.items()} for row in table.to_dict("records")]
    return Labels(where, [row for row in rows if row["file"] is not None])


def read_texts(path: Path, kind: str, columns: str) -> pd.DataFrame:
    """A CSV of texts as spreadsheets write it: commas, semicolons or tabs, UTF-8 or UTF-16, `sep=;` above it or not.

    Cells are without blanks around them, empty ones NaN; names of columns small.

    Args:
        path: of the file.
        kind: what it holds, for messages.
        columns: which ones it should have, for messages.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no such table; a row has more cells than there are columns.
    """
    if not path.is_file():
        raise FileNotFoundError(f"No {kind} file {path}; expected a CSV with columns {columns}.")
    try:
        content = path.read_bytes()
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        lines = content.decode("utf-16" if utf16 else "utf-8-sig").lstrip().splitlines(keepends=True)
        if lines and lines[0].lower().startswith("sep="):
            lines = lines[1:]
        separator = max(",;\t", key=lines[0].count) if lines else ","
        cells = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
        names, *rows = [row for row in cells if any(row)] or [[]]
        if not names:
            raise ValueError("it is empty.")
        if long := [row[0] for row in rows if any(row[len(names) :])]:
            raise ValueError(
                f"more cells than columns for {', '.join(long[:8])}. Put quotes about a text with {separator!r} in it."
            )
    except (ValueError, csv.Error) as fault:
        raise ValueError(f"{path} is not a CSV in UTF-8 with columns {columns}: {fault}") from fault
    names = [name.lower() for name in names]
    return pd.DataFrame(
        [{k: v for k, v in zip(names, row, strict=False) if v} for row in rows], columns=names
    )


def _tidy(cell: Any) -> str | None:
    """A cell without blanks around it, letters composed (a Mac parts them); None if empty."""
    return None if pd.isna(cell) else unicodedata.normalize("NFC", str(cell).strip()) or None
