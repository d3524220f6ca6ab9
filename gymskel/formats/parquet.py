"""Recordings as a folder of Parquet files, for data sets larger than memory; needs `pip install "gymskel[parquet]"`.

A row is a frame, a column is a coordinate, so that other tools read it with pleasure:

    recording             int64: number of the recording in the data set
    frame                 int64: number of the frame in its video
    seconds               double: since the recording's start, null where no frame rate is known
    activity, sample, athlete, video, person       the same in each frame of a recording; packed they take no room
    Nose_x, Nose_y, Nose_confidence, Neck_x ...    float: as in a Recording, unseen = NaN, NaN, 0

    SELECT activity, recording, max(MidHip_y) - min(MidHip_y) AS rise FROM 'moves/*.parquet' GROUP BY ALL  -- DuckDB
    pd.read_parquet("moves", columns=["recording", "seconds", "Nose_y"])                                 # pandas

What rows cannot say (layout, history, ...) stands as JSON in each file's footer under the key `gymskel`; a row group
holds whole recordings. A row a recording with lists of numbers was measured beside it on the 113 published recordings:
hardly faster to read (470 to 580 MB of keypoints a second unpacked, this 510, as it is written 460), and lists cannot be
split into the planes of bytes that pack coordinates best: 74 % of the room here, 85 % at best there, for a third less
speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import MAX_RATIO, refuse_bomb
from gymskel.formats.pack import (
    columns_of,
    facts_text,
    fields_of,
    read_facts,
)
from gymskel.formats.parquet_dataset import RowGroup, StoredRecordings, columns_of_joints, need_pyarrow
from gymskel.recording import Recording
from gymskel.skeleton import Skeleton

_KEY = b"gymskel"
_TEXTS = ("activity", "sample", "athlete", "video")


def write_parquet(
    recordings: Iterable[Recording], folder: str | Path, *, partition_mb: float = 128, group_mb: float = 4
) -> Path:
    """Writes recordings as a folder of Parquet files and returns the folder; `open_parquet` reads them back.

    Takes any iterable, a generator too, and holds at most three row groups of recordings in memory. A data set that was
    interrupted is refused when read: only the last file says that it is the last.

    Args:
        recordings: all of one layout, at least one; frame rates and spaces may differ.
        folder: where; made if it is not there. It must not hold .parquet files yet.
        partition_mb: keypoints in a file at the most, in MB before packing.
        group_mb: keypoints in a row group, the least that is read at a time; one recording at least.

    Raises:
        ValueError: no recordings, several layouts, a field that a file cannot hold; nothing is left behind.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if held := sorted(path.name for path in folder.glob("*.parquet")):
        raise ValueError(f"{folder} holds {held[0]} already; write to another folder, or delete it.")
    groups = _groups(recordings, int(1e6 * group_mb))
    group, start, paths = next(groups, None), 0, []
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
    """All recordings of a folder of `write_parquet`, in order; see `open_parquet`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one = Recording(np.ones((2, 25, 3)), 60, "backflip", athlete="ann")
    ...     read_parquet(write_parquet([one], folder))
    [<Recording backflip-1-ann: 2 frames at 60 fps, BODY_25>]
    """
    return list(open_parquet(folder, max_ratio=max_ratio))


def open_parquet(folder: str | Path, *, max_ratio: float = MAX_RATIO) -> StoredRecordings:
    """The recordings of a folder of `write_parquet`: what they are is known, keypoints are read when asked for.

    Args:
        folder: the folder.
        max_ratio: a file that unpacks to more than 64 MB and to more than this many times its own size is
            refused as a decompression bomb.

    Raises:
        FileNotFoundError: no such folder, or no .parquet file in it.
        ValueError: a file is not one of `write_parquet`, damaged, of a newer gymskel, or missing among the others.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise FileNotFoundError(f"No .parquet file in a folder {folder}.")
    groups, fields, start = [], {}, 0
    for number, path in enumerate(paths):
        facts = _footer(path, max_ratio)
        if facts["part"] != number or facts["last"] != (number == len(paths) - 1):
            raise ValueError(
                f"{path} says it is part {facts['part']}{', the last' * facts['last']}, and lies as {number} of "
                f"{len(paths)} in the folder: files are missing, foreign, or the writing was interrupted."
            )
        for name, values in fields_of(str(path), facts["columns"]).items():
            fields.setdefault(name, []).extend(values)
        fields.setdefault("frames", []).extend(facts["lengths"])
        if fields["skeleton"][start] != fields["skeleton"][0]:
            raise ValueError(f"{path} has another layout of joints than {paths[0]}.")
        for k, count in enumerate(facts["groups"]):
            groups.append(RowGroup(path, k, start, count))
            start += count
    return StoredRecordings(folder, fields["skeleton"][0], tuple(groups), fields, np.arange(start))


# --- writing -----------------------------------------------------------------------------------------------------


def _groups(recordings: Iterable[Recording], limit: int) -> Iterator[list[Recording]]:
    """Recordings in lists of at most so many bytes of keypoints, and at least one recording."""
    group, size = [], 0
    for one in recordings:
        if not isinstance(one, Recording):
            raise TypeError(f"`recordings` must be Recordings, got a {type(one).__name__}.")
        if group and size + one.keypoints.nbytes > limit:
            yield group
            group, size = [], 0
        group.append(one)
        size += one.keypoints.nbytes
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
    """Writes the last of `paths`; the group that begins the next file (None: this is the last), and recordings written."""
    pa, pq = need_pyarrow()
    path = paths[-1]
    part = path.with_name(f".{path.name}.part")
    planes = dict.fromkeys(columns_of_joints(layout), "BYTE_STREAM_SPLIT")
    counts, lengths, light, size = [], [], [], 0
    try:
        with pq.ParquetWriter(
            part,
            _schema(pa, layout),
            compression="lz4",
            use_dictionary=[*_TEXTS, "recording", "person"],
            column_encoding=planes,
            write_statistics=["recording", *_TEXTS],
            write_page_checksum=True,
        ) as file:
            while True:
                own = [_without_numbers(one) for one in group]
                columns_of(own, start + sum(counts))  # refuses what a file cannot hold
                table = _table(pa, group, start + sum(counts), layout)
                file.write_table(table, row_group_size=len(table))
                counts.append(len(group))
                lengths += map(len, group)
                light += own
                size += sum(one.keypoints.nbytes for one in group)
                group = next(groups, None)
                if group is None or size + sum(one.keypoints.nbytes for one in group) > limit:
                    break
            facts = {"part": len(paths) - 1, "last": group is None, "groups": counts, "lengths": lengths}
            file.add_key_value_metadata({_KEY: facts_text({**facts, "columns": columns_of(light)})})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return group, sum(counts)


def _without_numbers(one: Recording) -> Recording:
    """All that a recording says, with its first frame alone: what is kept of it until its file is closed."""
    clock = None if one.timestamps is None else np.array(one.timestamps[:1])
    return replace(one, keypoints=one.keypoints[:1].copy(), timestamps=clock)


def _schema(pa: Any, layout: Skeleton) -> Any:
    fields = [("recording", pa.int64()), ("frame", pa.int64()), ("seconds", pa.float64())]
    fields += [(name, pa.string()) for name in _TEXTS] + [("person", pa.int64())]
    return pa.schema(fields + [(name, pa.float32()) for name in columns_of_joints(layout)])


def _table(pa: Any, group: list[Recording], start: int, layout: Skeleton) -> Any:
    """A row group."""
    for one in group:
        if one.skeleton != layout:
            raise ValueError(
                f"{one.name} has the layout {one.skeleton.name}, those before it {layout.name}: one data set has "
                "one layout. Use select_joints, or write_pack, which takes several."
            )
    lengths = [len(one) for one in group]

    def spread(values: list[Any], kind: Any) -> Any:
        return pa.array(values, kind).take(pa.array(np.repeat(np.arange(len(group)), lengths)))

    seconds = [
        np.asarray(one.timestamps, float)
        if one.timestamps is not None
        else np.arange(len(one)) / (one.fps or np.nan)
        for one in group
    ]
    frames = [one.first_frame + np.arange(len(one)) for one in group]
    columns = [spread(list(range(start, start + len(group))), pa.int64()), pa.array(np.concatenate(frames))]
    columns += [pa.array(np.concatenate(seconds), from_pandas=True)]
    columns += [spread([getattr(one, name) for one in group], pa.string()) for name in _TEXTS]
    columns += [spread([one.person for one in group], pa.int64())]
    points = np.concatenate([one.keypoints for one in group]).reshape(sum(lengths), -1)
    columns += [pa.array(np.ascontiguousarray(column)) for column in points.T]
    return pa.Table.from_arrays(columns, schema=_schema(pa, layout))


# --- reading -----------------------------------------------------------------------------------------------------


def _footer(path: Path, max_ratio: float) -> dict[str, Any]:
    """What a file says of itself, checked against its row groups."""
    pa, pq = need_pyarrow()
    try:
        footer = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as fault:
        raise ValueError(f"{path} is no Parquet file, damaged or cut off: {fault}") from None
    sizes = [footer.row_group(k) for k in range(footer.num_row_groups)]
    numbers = 4 * footer.num_columns
    refuse_bomb(path, sum(max(one.total_byte_size, one.num_rows * numbers) for one in sizes), max_ratio)
    text = (footer.metadata or {}).get(_KEY)
    if text is None:
        raise ValueError(
            f"{path} was not written by write_parquet: its footer says nothing under the key 'gymskel'."
        )
    facts = read_facts(str(path), text)
    layouts = fields_of(str(path), facts["columns"])["skeleton"]
    lengths, counts = facts.get("lengths"), facts.get("groups")
    whole = all(
        isinstance(some, list) and all(type(n) is int and n > 0 for n in some) for some in (lengths, counts)
    )
    if not whole or type(facts.get("part")) is not int or not isinstance(facts.get("last"), bool):
        raise ValueError(f"{path}: its facts are damaged (part, last, groups or lengths).")
    if not sum(counts) == len(lengths) == len(layouts) or not lengths or len(set(layouts)) > 1:
        raise ValueError(
            f"{path}: facts on {len(layouts)} recordings, {len(lengths)} lengths, {sum(counts)} in groups."
        )
    frames = [int(part.sum()) for part in np.split(np.array(lengths), np.cumsum(counts)[:-1])]
    if frames != [one.num_rows for one in sizes]:
        raise ValueError(
            f"{path}: row groups of {[one.num_rows for one in sizes][:8]} frames, expected {frames[:8]}."
        )
    found, wanted = footer.schema.to_arrow_schema(), _schema(pa, layouts[0])
    if not found.equals(wanted):
        odd = [str(field) for field in found if field not in list(wanted)]
        raise ValueError(
            f"{path}: columns other than those of {layouts[0].name}: {odd[:4] or found.names[:4]}."
        )
    return facts
