"""The first entry in the history of an extracted recording: from which file, and with which settings it was made."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gymskel.extract.settings import ExtractionSettings
from gymskel.recording.folders import DiskFolder
from gymskel.recording.metadata import read_people_metadata

_CHECKED_BYTES = 1 << 20  # bytes at the start of a file that the checksum covers


def extraction_entry(video: Path, settings: ExtractionSettings) -> dict[str, Any]:
    """Return the first entry of a recording's history: the identity of the file, `people` and `follow`."""
    people = list(settings.people) if isinstance(settings.people, tuple) else settings.people
    return {"step": "extract", **file_identity(video), "people": people, "follow": settings.follow}


def file_identity(video: Path) -> dict[str, int]:
    """Return size in bytes and the checksum of the first megabyte: they tell files of one name apart."""
    with video.open("rb") as file:
        return {"bytes": video.stat().st_size, "crc32": zlib.crc32(file.read(_CHECKED_BYTES))}


def is_same_file(entry: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """Return True if an entry of a history names the file with this identity."""
    return all(entry.get(key) == identity[key] for key in ("bytes", "crc32"))


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return what recording.json in `folder` says of its first person; empty without that file.

    Raises:
        ValueError: the file is damaged.
    """
    return next(iter(read_people_metadata(DiskFolder(folder)).values()), {})


def find_extraction_entry(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry that `extraction_entry` wrote into a person's history; empty if there is none."""
    return next((entry for entry in metadata.get("history", ()) if entry["step"] == "extract"), {})
