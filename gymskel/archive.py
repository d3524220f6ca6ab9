"""Opening .zip and .npz files from others: nothing outside their folder, no decompression bombs, no pickles."""

from __future__ import annotations

import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np

ALWAYS_ALLOWED_BYTES = 64 << 20
"""Bytes that a file may unpack to, however small it is."""
MAX_RATIO = 50
"""A file may unpack to more bytes than that, but to at most this many times its own size: more is no keypoints."""
DAMAGED_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    struct.error,
    UnicodeDecodeError,
    NotImplementedError,
    RuntimeError,
)
"""Errors of zipfile for files that are cut off, damaged, packed in an unknown way, or locked."""
RAISE_MAX_RATIO = "Fix: if you trust the file, raise max_ratio=."

_CHUNK = 1 << 20  # bytes read at once
_NPY_HEADER = re.compile(
    r"\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(((?:\d{1,15},? ?)*)\), \}\s*"
)


@contextmanager
def open_zip(
    path: str | Path,
    *,
    max_ratio: float = MAX_RATIO,
    hint: str = "Fix: if you trust the file, unpack it and give the folder.",
) -> Iterator[zipfile.ZipFile]:
    """Yield an open .zip whose names stay inside it and that unpacks to a size in proportion.

    Raises:
        ValueError: a name that leads out of the folder, a name twice, a decompression bomb (see `refuse_bomb`).
        zipfile.BadZipFile: no .zip, or a damaged one; reading a member may raise any of `DAMAGED_ERRORS`.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        refuse_bomb(path, sum(member.file_size for member in members), max_ratio, hint=hint)
        names = set()
        for member in members:
            name = member.orig_filename  # that must stay in the folder it is unpacked to, on any system
            parts = PurePosixPath(name.replace("\\", "/")).parts
            if ".." in parts or name[:1] in ("/", "\\") or re.match(r"[A-Za-z]:", name) or "\0" in name:
                raise ValueError(
                    f"{path} holds {name!r}, which leads out of its folder: refused. Fix: pack it again."
                )
            if member.filename in names:
                raise ValueError(f"{path} holds {member.filename} twice; no common packer made it.")
            names.add(member.filename)
        yield archive


def refuse_bomb(
    path: str | Path, unpacked: int, max_ratio: float = MAX_RATIO, *, hint: str = RAISE_MAX_RATIO
) -> None:
    """Raise ValueError, with `hint`, if `unpacked` is over `ALWAYS_ALLOWED_BYTES` and over `max_ratio` times the file.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     refuse_bomb(file.name, 1_000_000)  # more than 50 times nothing, but few bytes
    """
    size = Path(path).stat().st_size
    if unpacked > max(ALWAYS_ALLOWED_BYTES, max_ratio * size):
        raise ValueError(
            f"{path} has {size / 1e6:.1f} MB and unpacks to {unpacked / 1e6:.1f} MB, more than {max_ratio:g} times "
            f"as much: refused as a decompression bomb. {hint}"
        )


def read_array(
    archive: zipfile.ZipFile, name: str, dtype: str, shape: tuple[int | None, ...], *, label: str
) -> np.ndarray:
    """Return an array of an open .npz; its header is checked before memory is taken for it.

    Args:
        name: the member, `x.npy`; `label` is its name in messages.
        dtype: the expected dtype, as numpy writes it: `<f4`; `<U` for a text of any length.
        shape: the expected shape; None for any length.

    Raises:
        ValueError: another dtype or shape, a pickle, or not as many bytes as the header says.
    """
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{label}: packed in a way that no .npz is (method {info.compress_type}).")
    with archive.open(info) as member:
        magic, length = member.read(8), member.read(2)
        text = member.read(int.from_bytes(length, "little")).decode("latin1")
        header = _NPY_HEADER.fullmatch(text) if magic == b"\x93NUMPY\x01\x00" else None
        if header is None:
            raise ValueError(f"{label} is no plain array of numpy.")
        found, found_dtype = _check_header(header, dtype, shape, label)
        size = math.prod(found) * np.dtype(found_dtype).itemsize
        if size != (rest := info.file_size - member.tell()):
            raise ValueError(f"{label}: {found} {found_dtype} takes {size} bytes, the file has {rest}.")
        array = np.empty(found, found_dtype)
        raw, filled = array.reshape(-1).view(np.uint8), 0
        while chunk := member.read(_CHUNK):  # to the end, where zipfile compares the checksum
            raw[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
            filled += len(chunk)
    if filled != size:
        raise ValueError(f"{label}: cut off after {filled} of {size} bytes.")
    return array


def _check_header(
    header: re.Match[str], dtype: str, shape: tuple[int | None, ...], label: str
) -> tuple[tuple[int, ...], str]:
    """Return shape and dtype in the header of an array."""
    found_dtype, is_by_column, sides = header.groups()
    found = tuple(int(side) for side in sides.split(",") if side.strip())
    if "O" in found_dtype:
        raise ValueError(f"{label} is a pickle, which could run code: refused.")
    fits = len(found) == len(shape) and all(w in (None, f) for w, f in zip(shape, found, strict=True))
    is_dtype = found_dtype == dtype or (dtype == "<U" and re.fullmatch(r"<U\d{1,9}", found_dtype))
    if not fits or (is_by_column == "True" and len(found) > 1) or not is_dtype:
        expected = ", ".join("n" if side is None else str(side) for side in shape)
        raise ValueError(f"{label}: expected ({expected}) {dtype}, got {found} {found_dtype}.")
    return found, found_dtype
