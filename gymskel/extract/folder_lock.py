"""Folders that appear whole or not at all, with one writer each, however a process ends.

While a video is worked on, a hidden work folder `.NAME.part` stands beside the folder of its recording. The process locks the
file `lock` in it, and the system releases the lock however the process ends. So whatever else a process finds there after
it got the lock was left by a dead one. In the work folder a recording grows in `making` and is complete in `new`; an older
recording that it replaces waits in `old`. Three renames, each of which happens or does not, replace the older one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from gymskel.files import acquire_lock
from gymskel.recording import CSV_NAME_PATTERN, METADATA_NAME, Recording, write_recording


@contextlib.contextmanager
def lock_folder(folder: Path, *, wait: bool = False) -> Iterator[bool]:
    """Yield True if this process alone may write `folder` in the block, False if another process holds the lock.

    With `wait`, and on a file system without locks, it is always True.
    """
    work = _work_folder(folder)
    lock = _lock_work_folder(work, wait)
    if lock is None:
        yield False
        return
    try:
        _finish_replacement(work, folder)  # of a run that was killed
        yield True
    finally:
        _finish_replacement(work, folder)
        if sys.platform == "win32":
            os.close(lock)  # an open file cannot be removed
        shutil.rmtree(work, ignore_errors=True)
        if sys.platform != "win32":
            os.close(lock)


def publish(recordings: list[Recording], folder: Path) -> None:
    """Write all recordings of a video into a locked `folder`; it appears or changes when all are written.

    Files of an older recording go; any other files stay.
    """
    work = _work_folder(folder)
    for recording in recordings:
        written = write_recording(recording, work / "making")
    written.rename(work / "new")  # now it is complete
    if folder.exists():
        folder.rename(work / "old")
    else:
        (work / "new").rename(folder)
    _finish_replacement(work, folder)


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed run left beside `folder`, unless another process works on it now."""
    if has_work_folder(folder):
        with lock_folder(folder):
            pass


def has_work_folder(folder: Path) -> bool:
    """Return True if a process works on `folder`, or ended while it did."""
    return _work_folder(folder).is_dir()


def find_recording_files(folder: Path) -> Path:
    """Return the folder with a recording's files: `folder`, or where a run left them that was killed while replacing it."""
    work = _work_folder(folder)
    return next((place for place in (folder, work / "new", work / "old") if place.is_dir()), folder)


def recording_name(name: str) -> str:
    """Return the name of a recording's folder, given that name or the name of its work folder."""
    return name[1:-5] if name.startswith(".") and name.endswith(".part") else name


def _work_folder(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.part"  # hidden, so that no reader takes it for a recording


def _finish_replacement(work: Path, folder: Path) -> None:
    """Continue a replacement where it stopped, and remove what else is in the work folder."""
    old, new = work / "old", work / "new"
    if old.is_dir():
        if not folder.exists():
            (new if new.is_dir() else old).rename(folder)
        for file in old.iterdir() if old.is_dir() else ():
            if file.name != METADATA_NAME and not CSV_NAME_PATTERN.fullmatch(file.name):
                file.replace(folder / file.name)
    for name in ("old", "new", "making"):
        shutil.rmtree(work / name, ignore_errors=True)


def _lock_work_folder(work: Path, wait: bool) -> int | None:
    """Make and lock a work folder; return the handle of its lock, or None if another process holds it."""
    while True:
        work.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # its last owner has just removed the folder
            return acquire_lock(work / "lock", wait=wait)
