"""Model files: which one was meant, that it is there, and what tells it from another."""

from __future__ import annotations

import os
import zlib
from pathlib import Path


def named_file(given: str | Path | None, variable: str) -> Path | None:
    """The file given, else the one an environment variable names, else None.

    Raises:
        FileNotFoundError: named, and not there.
    """
    named = given or os.environ.get(variable)
    if not named:
        return None
    file = Path(named).expanduser().resolve()
    if not file.is_file():
        by = "" if given else f", named by the environment variable {variable}"
        raise FileNotFoundError(f"No model file {file}{by}.")
    return file


def told_apart(file: Path) -> str:
    """`rtmpose-m 1c9f5b36`: the stem and the content's CRC-32, for many a model is called end2end."""
    crc = 0
    with file.open("rb") as content:
        while piece := content.read(1 << 20):
            crc = zlib.crc32(piece, crc)
    return f"{file.stem} {crc:08x}"
