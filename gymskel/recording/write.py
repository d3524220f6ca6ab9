"""Recordings to per-frame CSV files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.recording.folders import FILE_NAME, Folder
from gymskel.recording.metadata import JSON_FORMAT, JSON_NAME, saved_people
from gymskel.recording.model import Recording


def write_recording(recording: Recording, root: str | Path) -> Path:
    """Writes a recording as per-frame CSVs in the raw published form, and `recording.json` beside them.

    The folder is `root/<name of the video>`; other people of the same video share it. What is written reads
    back equal. The JSON comes last: what it names is complete.

    Args:
        recording: in pixels; a frame in which no joint is seen gets no file.
        root: the folder of all recordings; made if it is not there.

    Returns:
        The recording's folder.

    Raises:
        ValueError: the recording is not in pixels any more (centred, scaled), its name has a slash, or its folder holds another video.
    """
    if recording.space != "image":
        raise ValueError(
            f"{recording.name}: only recordings in pixels are written as CSVs; this one is relative to a joint ({recording!r})."
        )
    video = recording.video or f"{recording.name}.mov"
    if set(video) & set("/\\\0"):
        raise ValueError(
            f"{recording.name}: {video!r} cannot name files. Give `video` a name without slashes, or `activity` and `athlete`."
        )
    folder = Path(root) / Path(video).stem
    folder.mkdir(parents=True, exist_ok=True)
    people = saved_people(Folder(folder))
    seen = np.flatnonzero(recording.seen.any(axis=1))
    people[recording.person] = {**_facts(recording), "files": len(seen)}
    json.dumps(people, default=_plain)  # fails before anything is touched
    matches = [match for entry in os.scandir(folder) if (match := FILE_NAME.fullmatch(entry.name))]
    videos = {match["video"] for match in matches} | {
        saved.get("video") or video for saved in people.values()
    }
    if videos != {video}:
        told = ", ".join(sorted(videos - {video}))
        raise ValueError(f"{folder} holds {told}, not {video}; write it below another `root`.")
    others = {person: facts for person, facts in people.items() if person != recording.person}
    _write_json(folder, others)  # what is half written must not look complete
    for match in matches:  # an older version of the same person
        if int(match["person"]) == recording.person:
            (folder / match.string).unlink()
    rows = "x,y,c\n" + "%.18e,%.18e,%.18e\n" * len(recording.skeleton)
    values = np.nan_to_num(recording.keypoints.astype(np.float64), nan=0.0).reshape(len(recording), -1)
    for frame in seen:
        name = f"{video}-{recording.first_frame + frame}-{recording.person}.csv"
        (folder / name).write_bytes((rows % tuple(values[frame])).encode())
    _write_json(folder, people)
    return folder


def _write_json(folder: Path, people: dict[int, dict[str, Any]]) -> None:
    """recording.json whole or not at all; none for nobody."""
    known, part = folder / JSON_NAME, folder / f".{JSON_NAME}.part"
    if not people:
        known.unlink(missing_ok=True)
        return
    text = json.dumps({"format": JSON_FORMAT, "people": people}, indent=1, default=_plain)
    part.write_text(text, encoding="utf-8")
    part.replace(known)


def _facts(recording: Recording) -> dict[str, Any]:
    """What the CSVs cannot say."""
    times = recording.timestamps
    return {
        "video": recording.video,
        "activity": recording.activity,
        "sample": recording.sample,
        "athlete": recording.athlete,
        "fps": recording.fps,
        "image_size": list(recording.image_size) if recording.image_size else None,
        "first_frame": int(recording.first_frame),
        "frames": len(recording),
        "estimator": recording.estimator,
        "history": [dict(entry) for entry in recording.history],
        "timestamps": None if times is None else [float(t) for t in times],
        "skeleton": recording.skeleton.to_dict(),
    }


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a recording's fields or history cannot be stored as JSON.")
