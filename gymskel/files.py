"""Files that appear whole or not at all, and files that one process at a time may lock."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextlib.contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to, and rename it to `path` when the block ends without an error.

    The yielded name is hidden, has the suffix of `path`, and differs from that of any other writer. After an error or
    Ctrl-C the new file is removed and `path` stays as it was. Missing parent folders are made. A link stays a link:
    the file it leads to is replaced.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replace_file(Path(folder, "table.csv")) as part:
    ...         _ = part.write_text("a,b")
    ...     [file.name for file in Path(folder).iterdir()]
    ['table.csv']

    Raises:
        ValueError: `path` is a folder, a device or a pipe.
        OSError: the folder cannot be written to.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is a folder, a device or a pipe. Fix: name a file.")
    if path.is_symlink():
        path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def acquire_lock(file: Path, *, wait: bool) -> int | None:
    """Make and lock a file; return its handle, or None if another process has locked it.

    The lock ends when the handle is closed, or when the process ends in any way. On a file system without locks every
    process gets it.

    Args:
        file: in a folder that exists.
        wait: wait until the other process gives the lock back.

    Raises:
        FileNotFoundError: the folder is missing.
    """
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT)
        is_ours = False
        try:
            if not _lock_handle(handle, wait):
                return None
            with contextlib.suppress(FileNotFoundError):
                is_ours = os.path.samestat(os.fstat(handle), file.stat())
            if is_ours:
                return handle
        finally:
            if not is_ours:  # or locked too late: the file is gone or a new one
                os.close(handle)


def _lock_handle(handle: int, wait: bool) -> bool:
    """Return True if the open file is locked now, or its file system has no locks; False if another process holds it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return sys.platform != "win32"  # a file system without locks
    return True
