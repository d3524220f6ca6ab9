"""Recordings to per-frame CSV files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from gymskel.files import replace_file
from gymskel.messages import join_names
from gymskel.recording.folders import CSV_NAME_PATTERN, METADATA_NAME, DiskFolder
from gymskel.recording.metadata import METADATA_FORMAT, Metadata, read_people_metadata, to_metadata
from gymskel.recording.model import Recording

_BEFORE_FRAMES = ("video", "activity", "sample", "athlete", "fps", "image_size", "first_frame")
_AFTER_FRAMES = ("estimator", "history", "timestamps", "skeleton")


def write_recording(recording: Recording, root: str | Path) -> Path:
    """Write a recording as per-frame CSVs in the raw published form with `recording.json`, and return their folder.

    That is `root/<name of the video>`; other people of the same video share it. `read_recording` returns an equal
    recording. The JSON is written last: a person it names is complete.

    Args:
        recording: in pixels; a frame in which no joint is seen gets no file.
        root: the folder of all recordings; made if it does not exist.

    Raises:
        ValueError: the recording is not in pixels any more (centred, scaled), its name has a slash, or its folder
            holds another video.
        TypeError: `history` holds an object that JSON cannot hold.
    """
    video = _video_name(recording)
    folder = Path(root) / Path(video).stem
    seen = np.flatnonzero(recording.seen.any(axis=1))
    metadata = {
        **to_metadata(recording, _BEFORE_FRAMES),
        "frames": len(recording),
        **to_metadata(recording, _AFTER_FRAMES),
        "files": len(seen),
    }
    folder.mkdir(parents=True, exist_ok=True)
    people = read_people_metadata(DiskFolder(folder))
    people[recording.person] = metadata
    matches = [match for entry in os.scandir(folder) if (match := CSV_NAME_PATTERN.fullmatch(entry.name))]
    videos = {match["video"] for match in matches} | {
        saved.get("video") or video for saved in people.values()
    }
    if shown := join_names(sorted(videos - {video})):
        raise ValueError(f"{folder} holds {shown}, not {video}. Fix: give another `root`.")
    others = {person: saved for person, saved in people.items() if person != recording.person}
    _write_metadata(folder, others)  # an unfinished person must not look complete
    for match in matches:  # an older version of the same person
        if int(match["person"]) == recording.person:
            (folder / match.string).unlink()
    rows = "x,y,c\n" + "%.18e,%.18e,%.18e\n" * len(recording.skeleton)
    values = np.nan_to_num(recording.keypoints.astype(np.float64), nan=0.0).reshape(len(recording), -1)
    for frame in seen:
        name = f"{video}-{recording.first_frame + frame}-{recording.person}.csv"
        (folder / name).write_bytes((rows % tuple(values[frame])).encode())
    _write_metadata(folder, people)
    return folder


def _video_name(recording: Recording) -> str:
    """Return the file name of the video for the names of the CSVs."""
    if recording.space != "image":
        rule = "only recordings in pixels are written as CSVs"
        raise ValueError(f"{recording.name}: {rule}, not {recording!r}. Fix: use formats.write_pack.")
    video = recording.video or f"{recording.name}.mov"
    if set(video) & set("/\\\0"):
        raise ValueError(
            f"{recording.name}: {video!r} cannot name files. Fix: give `video` a name without slashes."
        )
    return video


def _write_metadata(folder: Path, people: dict[int, Metadata]) -> None:
    """Write recording.json whole or not at all; remove it if there are no people."""
    path = folder / METADATA_NAME
    if not people:
        path.unlink(missing_ok=True)
        return
    with replace_file(path) as part:
        part.write_text(json.dumps({"format": METADATA_FORMAT, "people": people}, indent=1), encoding="utf-8")
