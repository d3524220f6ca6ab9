"""Recordings in a folder of Parquet files, returned by `parquet.open_parquet`: read on demand, one row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.formats.columns import make_recordings
from gymskel.formats.dataframe import coordinate_columns
from gymskel.messages import join_names
from gymskel.recording import Recording
from gymskel.skeleton import Skeleton


@dataclass(frozen=True)
class RowGroup:
    """Place and content of a row group."""

    path: Path
    number: int  # of the row group in the file
    start: int  # number of its first recording in the data set
    count: int  # recordings

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"{self.path} row group {self.number}"


@dataclass(frozen=True, eq=False)
class StoredRecordings:
    """Recordings in a Parquet data set, in its order: iterated one by one, with one row group in memory.

    `stored[rows]` selects recordings as Clips do: by slice, list of numbers or bool mask. It reads no file, so that
    `stored[train]` and `stored[test]` of `splits.leave_groups_out(stored.groups)` keep athletes apart.

    Attributes:
        folder: folder of the files.
        skeleton: layout of the joints.
        row_groups: place of each row group.
        metadata: field -> a value for each recording of the whole data set; `frames` is one of the fields.
        rows: (recordings,) int, ascending: numbers of these recordings in the data set.
    """

    folder: Path
    skeleton: Skeleton
    row_groups: tuple[RowGroup, ...]
    metadata: dict[str, list[Any]]
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<{len(self)} recordings in {self.folder}, {int(self.lengths.sum())} frames, {self.skeleton.name}>"

    def __getitem__(self, which: Any) -> StoredRecordings:
        """Return some of the recordings, in the order of the files."""
        return replace(self, rows=np.unique(np.atleast_1d(self.rows[which])))

    def __iter__(self) -> Iterator[Recording]:
        for group in range(len(self.row_groups)):
            yield from self.read_group(group)

    def column(self, field: str) -> list[Any]:
        """Return a field of every recording: fps, activity, sample, athlete, history, video, ..., frames."""
        return [self.metadata[field][row] for row in self.rows]

    @property
    def activities(self) -> tuple[str | None, ...]:
        """(recordings,) the moves; None if unknown."""
        return tuple(self.column("activity"))

    @property
    def athletes(self) -> tuple[str | None, ...]:
        """(recordings,) the athletes; None if unknown."""
        return tuple(self.column("athlete"))

    @property
    def fps(self) -> tuple[float | None, ...]:
        """(recordings,) frames a second; None if unknown."""
        return tuple(self.column("fps"))

    @property
    def lengths(self) -> np.ndarray:
        """(recordings,) frames."""
        return np.array(self.column("frames"), int)

    @property
    def sources(self) -> tuple[str, ...]:
        """(recordings,) names of the recordings of origin, as `Recording.source`."""
        names = zip(*(self.column(field) for field in ("activity", "sample", "athlete")), strict=True)
        return tuple(
            Path(video).stem if video else "-".join(part for part in name if part)
            for video, name in zip(self.column("video"), names, strict=True)
        )

    @property
    def groups(self) -> np.ndarray:
        """(recordings,) groups to keep apart in training and test: the athlete, or the source if that is unknown."""
        pairs = zip(self.athletes, self.sources, strict=True)
        return np.array([a if a is not None else f"source {s}" for a, s in pairs])

    def rows_of(self, group: int) -> np.ndarray:
        """Return the places of a row group's recordings among these: numbers from 0 to len - 1."""
        place = self.row_groups[group]
        return np.arange(*np.searchsorted(self.rows, [place.start, place.start + place.count]))

    def read_group(self, group: int) -> list[Recording]:
        """Return those of these recordings that a row group holds, in order. Reads no file if there are none.

        Raises:
            ValueError: the file is damaged, or its rows are of other recordings than its footer says.
        """
        place, wanted = self.row_groups[group], self.rows[self.rows_of(group)]
        if not len(wanted):
            return []
        stored = np.arange(place.start, place.start + place.count)
        lengths = np.array(self.metadata["frames"][place.start : place.start + place.count])
        keypoints, seconds = _read_numbers(place, self.skeleton, np.repeat(stored, lengths))
        ends = np.cumsum(lengths)
        slices = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        slices = [slices[number - place.start] for number in wanted]
        fields = {name: [values[number] for number in wanted] for name, values in self.metadata.items()}
        pairs = zip(slices, fields["timed"], strict=True)
        timestamps = [seconds[rows].copy() if timed else None for rows, timed in pairs]
        return make_recordings(place.label, fields, [keypoints[rows] for rows in slices], timestamps, wanted)


def import_pyarrow() -> tuple[Any, Any]:
    """Return the modules pyarrow and pyarrow.parquet, imported when first needed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ValueError(f'Parquet needs pyarrow ({error}). Fix: pip install "gymskel[parquet]"') from None
    return pa, pq


def _read_numbers(group: RowGroup, layout: Skeleton, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (frames, joints, 3) keypoints and (frames,) seconds; `expected` is (frames,) the recording of each row."""
    pa, pq = import_pyarrow()
    names = coordinate_columns(layout)
    try:
        with pq.ParquetFile(group.path, pre_buffer=False, page_checksum_verification=True) as file:
            table = file.read_row_group(group.number, ["recording", "seconds", *names], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{group.label} is damaged: {error}") from None
    if empty := [name for name in ("recording", *names) if table[name].null_count]:
        raise ValueError(f"{group.label}: no number in {join_names(empty)}; unseen is NaN, NaN, 0.")
    numbers = table["recording"].to_numpy()
    if len(numbers) != len(expected) or (numbers != expected).any():
        row = int(np.argmax(numbers != expected)) if len(numbers) == len(expected) else len(numbers)
        raise ValueError(f"{group.label}: row {row} is of another recording than the footer says.")
    keypoints = np.empty((len(expected), len(names)), np.float32)
    for k, name in enumerate(names):
        keypoints[:, k] = table[name].to_numpy()
    return keypoints.reshape(len(expected), len(layout), 3), np.array(table["seconds"].to_numpy(), float)
