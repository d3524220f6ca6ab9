"""Recordings in a folder of Parquet files, as `parquet.open_parquet` gives them: read when asked for, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.formats.pack import recordings_of
from gymskel.recording import Recording
from gymskel.skeleton import Skeleton

_CHANNELS = ("x", "y", "confidence")


@dataclass(frozen=True)
class RowGroup:
    """A row group: where it is, and which recordings it holds."""

    path: Path
    number: int
    start: int
    count: int

    @property
    def label(self) -> str:
        """Its name in an error."""
        return f"{self.path} row group {self.number}"


@dataclass(frozen=True, eq=False)
class StoredRecordings:
    """Recordings in a Parquet data set, in its order: iterated one by one, with one row group in memory.

    `stored[rows]` is some of them, as with Clips: by slice, list of numbers or bool mask. It reads nothing, so that
    `stored[train]` and `stored[test]` of `splits.leave_groups_out(stored.groups)` keep athletes apart.

    Attributes:
        folder: where they are.
        skeleton: layout of the joints.
        row_groups: where each row group is.
        facts: field -> a value for each recording of the whole data set, and `frames`.
        rows: (recordings,) int: which recordings of the data set these are, ascending.
    """

    folder: Path
    skeleton: Skeleton
    row_groups: tuple[RowGroup, ...]
    facts: dict[str, list[Any]]
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<{len(self)} recordings in {self.folder}, {int(self.lengths.sum())} frames, {self.skeleton.name}>"

    def __getitem__(self, which: Any) -> StoredRecordings:
        """Some of the recordings; their order stays that of the files."""
        return replace(self, rows=np.unique(np.atleast_1d(self.rows[which])))

    def __iter__(self) -> Iterator[Recording]:
        for group in range(len(self.row_groups)):
            yield from self.read_group(group)

    def column(self, field: str) -> list[Any]:
        """A field of every recording: fps, activity, sample, athlete, history, video, ..., frames."""
        return [self.facts[field][row] for row in self.rows]

    @property
    def activities(self) -> tuple[str | None, ...]:
        """(recordings,) the moves."""
        return tuple(self.column("activity"))

    @property
    def athletes(self) -> tuple[str | None, ...]:
        """(recordings,) who."""
        return tuple(self.column("athlete"))

    @property
    def fps(self) -> tuple[float | None, ...]:
        """(recordings,) frames a second."""
        return tuple(self.column("fps"))

    @property
    def lengths(self) -> np.ndarray:
        """(recordings,) frames."""
        return np.array(self.column("frames"), int)

    @property
    def sources(self) -> tuple[str, ...]:
        """(recordings,) recording of origin, as `Recording.source`."""
        names = zip(*(self.column(field) for field in ("activity", "sample", "athlete")), strict=True)
        return tuple(
            Path(video).stem if video else "-".join(part for part in name if part)
            for video, name in zip(self.column("video"), names, strict=True)
        )

    @property
    def groups(self) -> np.ndarray:
        """(recordings,) who must not be on both sides of a split: the athlete, or the source where unknown."""
        pairs = zip(self.athletes, self.sources, strict=True)
        return np.array([a if a is not None else f"source {s}" for a, s in pairs])

    def rows_of(self, group: int) -> np.ndarray:
        """Which of these recordings (0 to len - 1) lie in a row group."""
        one = self.row_groups[group]
        return np.arange(*np.searchsorted(self.rows, [one.start, one.start + one.count]))

    def read_group(self, group: int) -> list[Recording]:
        """Those of these recordings that lie in a row group, in order; nothing is read where there are none.

        Raises:
            ValueError: the file is damaged, or its rows are not the recordings that its footer says.
        """
        one, wanted = self.row_groups[group], self.rows[self.rows_of(group)]
        if not len(wanted):
            return []
        stored = np.arange(one.start, one.start + one.count)
        lengths = np.array(self.facts["frames"][one.start : one.start + one.count])
        keypoints, seconds = _numbers(one, self.skeleton, np.repeat(stored, lengths))
        ends = np.cumsum(lengths)
        rows = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        rows = [rows[number - one.start] for number in wanted]
        fields = {name: [values[number] for number in wanted] for name, values in self.facts.items()}
        clocks = [
            seconds[row].copy() if timed else None for row, timed in zip(rows, fields["timed"], strict=True)
        ]
        return recordings_of(one.label, fields, [keypoints[row] for row in rows], clocks, wanted)


def need_pyarrow() -> tuple[Any, Any]:
    """pyarrow and pyarrow.parquet, imported when first needed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as fault:
        raise ValueError(f'Parquet needs pyarrow: pip install "gymskel[parquet]" ({fault})') from None
    return pa, pq


def columns_of_joints(layout: Skeleton) -> list[str]:
    """Names of the columns that hold keypoints, in the order of a Recording's numbers."""
    return [f"{joint}_{channel}" for joint in layout.joints for channel in _CHANNELS]


def _numbers(group: RowGroup, layout: Skeleton, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frames, joints, 3) keypoints and (frames,) seconds of a row group; `expected`: the recording of each row."""
    pa, pq = need_pyarrow()
    names = columns_of_joints(layout)
    try:
        with pq.ParquetFile(group.path, pre_buffer=False, page_checksum_verification=True) as file:
            table = file.read_row_group(group.number, ["recording", "seconds", *names], use_threads=False)
    except (pa.ArrowException, OSError) as fault:
        raise ValueError(f"{group.label} is damaged: {fault}") from None
    empty = [name for name in ("recording", *names) if table[name].null_count]
    if empty:
        raise ValueError(f"{group.label}: no number in {', '.join(empty[:4])}; unseen is NaN, NaN, 0.")
    numbers = table["recording"].to_numpy()
    if len(numbers) != len(expected) or (numbers != expected).any():
        row = int(np.argmax(numbers != expected)) if len(numbers) == len(expected) else len(numbers)
        raise ValueError(f"{group.label}: row {row} is not of the recording that the footer says.")
    keypoints = np.empty((len(expected), len(names)), np.float32)
    for k, name in enumerate(names):
        keypoints[:, k] = table[name].to_numpy()
    return keypoints.reshape(len(expected), len(layout), 3), np.array(table["seconds"].to_numpy(), float)
