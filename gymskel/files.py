"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to, and rename it to `path` when the block ends without an error.

    The yielded name is hidden, has the suffix of `path`, and differs from that of any other writer. After an error or
    Ctrl-C the new file is removed and `path` stays as it was. Missing parent folders are made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replace_file(Path(folder, "table.csv")) as part:
    ...         _ = part.write_text("a,b")
    ...     [file.name for file in Path(folder).iterdir()]
    ['table.csv']

    Raises:
        OSError: the folder cannot be written to.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
