"""Folders that appear whole or not at all, with one writer each, however a process ends.

While a video is worked on there is a hidden folder `.NAME.part` beside the recording-to-be. The file `lock` in it is
locked by the process, and the system takes the lock away however the process ends. So whoever gets the lock may take
for dead what else is in there. In it a recording grows in `making`, is complete in `new`, and an older one that it
replaces waits in `old`; three renames, each of which happens or does not, do the replacing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gymskel.recording import FILE_NAME, JSON_NAME, Recording, write_recording

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextlib.contextmanager
def claimed(folder: Path, *, wait: bool = False) -> Iterator[bool]:
    """Whether this process alone may write `folder` in the block; False: another one is at it.

    Where the file system knows no locks it is always True.

    Args:
        folder: of a recording.
        wait: until the other is done.
    """
    part = _part(folder)
    lock = _lock(part / "lock", wait)
    if lock is None:
        yield False
        return
    try:
        _settle(part, folder)  # what a killed run left
        yield True
    finally:
        _settle(part, folder)
        if fcntl is None:
            os.close(lock)  # Windows removes no open file
        shutil.rmtree(part, ignore_errors=True)
        if fcntl is not None:
            os.close(lock)


def publish(recordings: list[Recording], folder: Path) -> None:
    """Everybody of a video, written into a claimed `folder`, which appears or changes when all is written.

    Files of an older recording go; any other files stay.
    """
    part = _part(folder)
    for recording in recordings:
        made = write_recording(recording, part / "making")
    made.rename(part / "new")  # now it is complete
    if folder.exists():
        folder.rename(part / "old")
    else:
        (part / "new").rename(folder)
    _settle(part, folder)


def clean(folder: Path) -> None:
    """Takes away what a killed run left beside `folder`, unless somebody is at it now."""
    if _part(folder).is_dir():
        with claimed(folder):
            pass


def is_begun(folder: Path) -> bool:
    """Whether somebody is at it, or died over it."""
    return _part(folder).is_dir()


def standing(folder: Path) -> Path:
    """Where the files of a recording are: in `folder`, or where a run that was killed while replacing it left them."""
    places = (folder, _part(folder) / "new", _part(folder) / "old")
    return next((place for place in places if place.is_dir()), folder)


def recording_of(name: str) -> str:
    """The name of a recording's folder, given that or the name of the hidden folder beside it."""
    return name[1:-5] if name.startswith(".") and name.endswith(".part") else name


def csv_files(folder: Path) -> list[Path]:
    """The per-frame CSVs in a folder, which need not be there; other tables are not ours."""
    return [file for file in folder.glob("*.csv") if FILE_NAME.fullmatch(file.name)]


def _part(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.part"  # hidden, so that no reader takes it for a recording


def _settle(part: Path, folder: Path) -> None:
    """Goes on where a replacement stopped, and takes away what else is in `part`."""
    old, new = part / "old", part / "new"
    if old.is_dir():
        if not folder.exists():
            (new if new.is_dir() else old).rename(folder)
        for file in old.iterdir() if old.is_dir() else ():
            if file.name != JSON_NAME and not FILE_NAME.fullmatch(file.name):
                file.replace(folder / file.name)
    for name in ("old", "new", "making"):
        shutil.rmtree(part / name, ignore_errors=True)


def _lock(file: Path, wait: bool) -> int | None:
    """The handle of a file that is made and locked; None if another process has locked it."""
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT)
        except FileNotFoundError:  # whoever had it has just taken the folder away
            continue
        try:
            if not _take(handle, wait):
                os.close(handle)
                return None
            if os.path.samestat(os.fstat(handle), file.stat()):
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # locked too late: the file is gone or a new one


def _take(handle: int, wait: bool) -> bool:
    if fcntl is None:
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
