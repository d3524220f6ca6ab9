"""Recordings as a folder of Parquet files, for data sets larger than memory; needs `pip install "gymskel[parquet]"`.

A row is a frame, a column is a coordinate, so that other tools can query it:

    recording             int64: number of the recording in the data set
    frame                 int64: number of the frame in its video
    seconds               double: since the recording's start, null if no frame rate is known
    activity, sample, athlete, video, person       the same in each frame of a recording; compressed they take no room
    Nose_x, Nose_y, Nose_confidence, Neck_x ...    float: as in a Recording, unseen = NaN, NaN, 0

    SELECT activity, recording, max(MidHip_y) - min(MidHip_y) AS rise FROM 'moves/*.parquet' GROUP BY ALL  -- DuckDB
    pd.read_parquet("moves", columns=["recording", "seconds", "Nose_y"])                                 # pandas

All metadata (layout, history, ...) is JSON in each file's footer under the key `gymskel`; a row group holds whole
recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import MAX_RATIO, refuse_bomb
from gymskel.files import replace_file
from gymskel.formats.columns import columns_to_json, fields_from_json, make_columns
from gymskel.formats.dataframe import TEXT_COLUMNS, coordinate_columns
from gymskel.formats.parquet_dataset import RowGroup, StoredRecordings, import_pyarrow
from gymskel.messages import join_names
from gymskel.recording import Recording
from gymskel.recording.times import frame_seconds
from gymskel.skeleton import Skeleton

_FOOTER_KEY = b"gymskel"


def write_parquet(
    recordings: Iterable[Recording], folder: str | Path, *, partition_mb: float = 128, group_mb: float = 4
) -> Path:
    """Write recordings as a folder of Parquet files and return the folder; `open_parquet` reads them.

    Takes any iterable, a generator too, and holds at most three row groups of recordings in memory. After an
    interruption the data set is refused when read: only the last file is marked as the last.

    Args:
        recordings: all of one layout, at least one; frame rates and spaces may differ.
        folder: made if it does not exist; it must not hold .parquet files yet.
        partition_mb: most keypoints in a file, in MB before compression.
        group_mb: most keypoints in a row group, the least that is read at once; one recording at least.

    Raises:
        ValueError: no recordings, several layouts, a value that breaks the rule of its field. No file is left behind.
        TypeError: an object that is no Recording, or that JSON cannot hold.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if existing := _parquet_files(folder):
        raise ValueError(
            f"{folder} holds {existing[0].name} already. Fix: delete it, or give another folder."
        )
    groups = _groups(recordings, int(1e6 * group_mb))
    group, start, paths = next(groups, None), 0, list[Path]()
    if group is None:
        raise ValueError("`recordings` is empty: nothing to write.")
    layout = group[0].skeleton
    try:
        while group:
            paths.append(folder / f"part-{len(paths):05}.parquet")
            group, count = _write_part(paths, group, groups, start, int(1e6 * partition_mb), layout)
            start += count
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise
    return folder


def read_parquet(folder: str | Path, *, max_ratio: float = MAX_RATIO) -> list[Recording]:
    """Return all recordings of a folder by `write_parquet`, in order; arguments and errors as `open_parquet`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one = Recording(np.ones((2, 25, 3)), 60, "backflip", athlete="ann")
    ...     read_parquet(write_parquet([one], folder))
    [<Recording backflip-1-ann: 2 frames at 60 fps, BODY_25>]
    """
    return list(open_parquet(folder, max_ratio=max_ratio))


def open_parquet(folder: str | Path, *, max_ratio: float = MAX_RATIO) -> StoredRecordings:
    """Return the recordings of a folder by `write_parquet`: their metadata now, keypoints when iterated.

    A file is refused as a decompression bomb by `max_ratio` as in `read_pack`.

    Raises:
        FileNotFoundError: no such folder, or no .parquet file in it.
        ValueError: a file is not by `write_parquet`, damaged, of a newer gymskel, or missing among the others.
    """
    folder = Path(folder)
    paths = _parquet_files(folder)
    if not paths:
        raise FileNotFoundError(f"No .parquet file in a folder {folder}.")
    groups: list[RowGroup] = []
    metadata: dict[str, list[Any]] = {}
    start = 0
    for number, path in enumerate(paths):
        footer = _read_footer(path, max_ratio)
        if footer.part != number or footer.is_last != (number == len(paths) - 1):
            raise ValueError(
                f"{path} says it is part {footer.part}{', the last' * footer.is_last}, and is {number} of "
                f"{len(paths)} in the folder: files are missing, foreign, or the writing was interrupted. Fix: copy or write the folder again."
            )
        for name, values in footer.metadata.items():
            metadata.setdefault(name, []).extend(values)
        metadata.setdefault("frames", []).extend(footer.lengths)
        if metadata["skeleton"][start] != metadata["skeleton"][0]:
            raise ValueError(f"{path} has another layout of joints than {paths[0]}.")
        for k, count in enumerate(footer.groups):
            groups.append(RowGroup(path, k, start, count))
            start += count
    return StoredRecordings(folder, metadata["skeleton"][0], tuple(groups), metadata, np.arange(start))


def _parquet_files(folder: Path) -> list[Path]:
    """Return the .parquet files in a folder, without the hidden ones that a killed run leaves."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))


def _groups(recordings: Iterable[Recording], limit: int) -> Iterator[list[Recording]]:
    """Yield lists of recordings with at most `limit` bytes of keypoints, or of one recording."""
    group: list[Recording] = []
    size = 0
    for recording in recordings:
        if not isinstance(recording, Recording):
            raise TypeError(f"`recordings` must be Recordings, got a {type(recording).__name__}.")
        if group and size + recording.keypoints.nbytes > limit:
            yield group
            group, size = [], 0
        group.append(recording)
        size += recording.keypoints.nbytes
    if group:
        yield group


def _write_part(
    paths: list[Path],
    group: list[Recording],
    groups: Iterator[list[Recording]],
    start: int,
    limit: int,
    layout: Skeleton,
) -> tuple[list[Recording] | None, int]:
    """Write the last of `paths`, from `group` and some of the further `groups`, with keypoints of at most `limit` bytes.

    `start` is the number of the first recording. Return the first group of the next file (None after the last file) and
    the number of recordings written.
    """
    pa, pq = import_pyarrow()
    planes = dict.fromkeys(coordinate_columns(layout), "BYTE_STREAM_SPLIT")
    counts: list[int] = []
    lengths: list[int] = []
    kept: list[Recording] = []
    size = 0
    with (
        replace_file(paths[-1]) as part,
        pq.ParquetWriter(
            part,
            _schema(pa, layout),
            compression="lz4",
            use_dictionary=[*TEXT_COLUMNS, "recording", "person"],
            column_encoding=planes,
            write_statistics=["recording", *TEXT_COLUMNS],
            write_page_checksum=True,
        ) as file,
    ):
        while True:
            stripped = [_without_numbers(recording) for recording in group]
            make_columns(stripped, start + sum(counts))  # refuses values that break a rule
            table = _table(pa, group, start + sum(counts), layout)
            file.write_table(table, row_group_size=len(table))
            counts.append(len(group))
            lengths += map(len, group)
            kept += stripped
            size += sum(recording.keypoints.nbytes for recording in group)
            following = next(groups, None)
            if following is None or size + sum(r.keypoints.nbytes for r in following) > limit:
                break
            group = following
        entries = {"part": len(paths) - 1, "last": following is None, "groups": counts, "lengths": lengths}
        file.add_key_value_metadata({_FOOTER_KEY: columns_to_json(make_columns(kept), entries)})
    return following, sum(counts)


def _without_numbers(recording: Recording) -> Recording:
    """Return the recording with its first frame alone; kept for its metadata until its file is closed."""
    times = None if recording.timestamps is None else np.array(recording.timestamps[:1])
    return replace(recording, keypoints=recording.keypoints[:1].copy(), timestamps=times)


def _schema(pa: Any, layout: Skeleton) -> Any:
    fields = [("recording", pa.int64()), ("frame", pa.int64()), ("seconds", pa.float64())]
    fields += [(name, pa.string()) for name in TEXT_COLUMNS] + [("person", pa.int64())]
    return pa.schema(fields + [(name, pa.float32()) for name in coordinate_columns(layout)])


def _table(pa: Any, group: list[Recording], start: int, layout: Skeleton) -> Any:
    """Return a row group as a pyarrow.Table; `start` is the number of its first recording."""
    for recording in group:
        if recording.skeleton != layout:
            raise ValueError(
                f"{recording.name} has the layout {recording.skeleton.name}, those before it {layout.name}: one data "
                "set has one layout. Fix: use select_joints, or write_pack, which takes several."
            )
    rows = pa.array(np.repeat(np.arange(len(group)), [len(recording) for recording in group]))
    frames = np.concatenate([recording.first_frame + np.arange(len(recording)) for recording in group])
    seconds = np.concatenate([frame_seconds(recording) for recording in group])
    columns = [pa.array(range(start, start + len(group)), pa.int64()).take(rows), pa.array(frames)]
    columns += [pa.array(seconds, from_pandas=True)]
    for name, column_type in [*((name, pa.string()) for name in TEXT_COLUMNS), ("person", pa.int64())]:
        columns += [pa.array([getattr(recording, name) for recording in group], column_type).take(rows)]
    points = np.concatenate([recording.keypoints for recording in group]).reshape(len(rows), -1)
    columns += [pa.array(np.ascontiguousarray(column)) for column in points.T]
    return pa.Table.from_arrays(columns, schema=_schema(pa, layout))


@dataclass(frozen=True)
class _Footer:
    """Contents of a file by its footer."""

    part: int  # number of the file in the data set
    is_last: bool
    groups: list[int]  # recordings of each row group
    lengths: list[int]  # frames of each recording
    metadata: dict[str, list[Any]]  # field name -> value of each recording


def _read_footer(path: Path, max_ratio: float) -> _Footer:
    """Return the contents of a file by its footer, checked against its row groups."""
    pa, pq = import_pyarrow()
    try:
        parquet = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} is no Parquet file, damaged or cut off: {error}") from None
    row_groups = [parquet.row_group(k) for k in range(parquet.num_row_groups)]
    row_bytes = 4 * parquet.num_columns
    unpacked = sum(max(group.total_byte_size, group.num_rows * row_bytes) for group in row_groups)
    refuse_bomb(path, unpacked, max_ratio)
    text = (parquet.metadata or {}).get(_FOOTER_KEY)
    if text is None:
        raise ValueError(f"{path} was not written by write_parquet: no key 'gymskel' in its footer.")
    footer = _parse_footer(path, text)
    frames = [int(part.sum()) for part in np.split(np.array(footer.lengths), np.cumsum(footer.groups)[:-1])]
    found = [group.num_rows for group in row_groups]
    if frames != found:
        raise ValueError(f"{path}: row groups of {join_names(found)} frames, expected {join_names(frames)}.")
    layout = footer.metadata["skeleton"][0]
    schema, expected = parquet.schema.to_arrow_schema(), _schema(pa, layout)
    if not schema.equals(expected):
        odd = join_names([str(field) for field in schema if field not in list(expected)] or schema.names)
        raise ValueError(f"{path}: columns other than those of {layout.name}: {odd}.")
    return footer


def _parse_footer(path: Path, text: bytes) -> _Footer:
    """Return the contents in the JSON text of a footer, checked against each other."""
    metadata, entries = fields_from_json(str(path), text)
    part, is_last = entries.get("part"), entries.get("last")
    groups, lengths = _counts(entries.get("groups")), _counts(entries.get("lengths"))
    if type(part) is not int or not isinstance(is_last, bool) or not groups or not lengths:
        raise ValueError(f"{path}: its metadata is damaged (part, last, groups or lengths).")
    layouts = metadata["skeleton"]
    if not sum(groups) == len(lengths) == len(layouts) or len(set(layouts)) > 1:
        found = f"{len(layouts)} recordings, {len(lengths)} lengths, {sum(groups)} in groups"
        raise ValueError(f"{path}: {found}.")
    return _Footer(part, is_last, groups, lengths, metadata)


def _counts(value: Any) -> list[int]:
    """Return a list of whole numbers from 1; an empty list for anything else."""
    is_valid = isinstance(value, list) and all(type(count) is int and count > 0 for count in value)
    return value if is_valid else []
