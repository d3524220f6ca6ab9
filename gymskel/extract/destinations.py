"""The folder that each video of a batch is extracted into."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gymskel.extract.folder_lock import find_recording_files, recording_name
from gymskel.extract.settings import file_identity, find_extraction_entry, is_same_file, read_metadata
from gymskel.messages import join_lines
from gymskel.video import find_videos


def list_paths(paths_or_folder: str | Path | Iterable[str | Path]) -> list[Path]:
    """Return one path or several as a list."""
    if isinstance(paths_or_folder, str | Path):
        return [Path(paths_or_folder)]
    return [Path(path) for path in paths_or_folder]


def assign_folders(paths: list[Path], out: Path) -> dict[Path, Path]:
    """Return folder to write -> video to read.

    A video found in a folder keeps its sub-folders below `out`. A video that is named itself goes to the folder in `out`
    that holds its earlier extraction, if there is one, else directly into `out`.

    Raises:
        FileNotFoundError: no such path, or no video.
        ValueError: two videos have the same folder; a video was extracted into several folders before.
    """
    earlier = _find_earlier_folders({path for path in paths if path.is_file()}, out)
    videos_of: dict[Path, list[Path]] = {}
    for path in paths:
        for video in find_videos(path):
            inner = video.relative_to(path).parent if path.is_dir() else Path()
            videos = videos_of.setdefault(earlier.get(path, out / inner / video.stem), [])
            if video not in videos:
                videos.append(video)
    if not videos_of:
        raise FileNotFoundError(
            "No video given: `paths_or_folder` is empty. Fix: name a video, or a folder of them."
        )
    of_one_name: dict[str, list[Path]] = {}  # some file systems take A and a for the same
    for folder, videos in videos_of.items():
        of_one_name.setdefault(str(folder).casefold(), []).extend(videos)
    clashes = [" and ".join(map(str, videos)) for videos in of_one_name.values() if len(videos) > 1]
    if clashes:
        head = "Videos that would become the same folder. Fix: rename all but one of each line."
        raise ValueError(join_lines(head, clashes))
    return {folder: videos[0] for folder, videos in videos_of.items()}


def _find_earlier_folders(videos: set[Path], out: Path) -> dict[Path, Path]:
    """Return video -> the folder below `out` that holds its earlier extraction, for videos that have one."""
    of_one_stem: dict[str, list[Path]] = {}
    for video in videos:
        of_one_stem.setdefault(video.stem, []).append(video)
    found: dict[Path, list[Path]] = {}
    for parent, names, _ in os.walk(out) if videos else ():
        for folder in sorted({Path(parent, recording_name(name)) for name in names}):
            for video in of_one_stem.get(folder.name, ()):
                if _holds_extraction_of(folder, video):
                    found.setdefault(video, []).append(folder)
        names[:] = sorted(name for name in names if not name.startswith("."))
    for video, folders in found.items():
        if len(folders) > 1 and folders[0].parent != out:
            raise ValueError(
                f"{video} was extracted into several folders: {', '.join(map(str, folders))}. "
                "Fix: set `out` (-o) to the parent of the one you mean."
            )
    return {video: folders[0] for video, folders in found.items()}


def _holds_extraction_of(folder: Path, video: Path) -> bool:
    """Return True if a folder, or what a killed run left of it, was extracted from this very file."""
    metadata: dict[str, Any] = {}
    with contextlib.suppress(ValueError, OSError):  # no folder, or a damaged recording.json
        metadata = read_metadata(find_recording_files(folder))
    entry = find_extraction_entry(metadata)
    return bool(entry) and metadata.get("video") == video.name and is_same_file(entry, file_identity(video))
