"""Model files: finding the one that is meant, and naming it so that no other has the same name."""

from __future__ import annotations

import os
import zlib
from pathlib import Path


def find_model_file(given: str | Path | None, variable: str) -> Path | None:
    """Return the file given, else the one that an environment variable names, else None.

    Raises:
        FileNotFoundError: the file that is given or named does not exist.
    """
    wanted = given or os.environ.get(variable)
    if not wanted:
        return None
    file = Path(wanted).expanduser().resolve()
    if not file.is_file():
        by = "" if given else f", named by the environment variable {variable}"
        raise FileNotFoundError(f"No model file {file}{by}.")
    return file


def name_with_checksum(file: Path) -> str:
    """Return the stem of a file and the CRC-32 of its content, such as `rtmpose-m 1c9f5b36`.

    The stem alone is not unique: many models are called end2end.
    """
    crc = 0
    with file.open("rb") as content:
        while piece := content.read(1 << 20):
            crc = zlib.crc32(piece, crc)
    return f"{file.stem} {crc:08x}"
