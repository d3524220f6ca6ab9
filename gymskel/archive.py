"""Opening .zip and .npz files that others made: nothing outside its folder, no bombs, no pickles."""

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

HARMLESS = 64 << 20
"""Bytes that a file may unpack to, however small it is."""
MAX_RATIO = 50
"""Beyond that a file may unpack to this many times its own size: rather a decompression bomb than keypoints."""
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    struct.error,
    UnicodeDecodeError,
    NotImplementedError,
    RuntimeError,
)
"""What zipfile raises for files that are cut off, damaged, packed in an unknown way, or locked."""

_CHUNK = 1 << 20
_HEADER = re.compile(
    r"\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(((?:\d{1,15},? ?)*)\), \}\s*"
)


@contextmanager
def open_zip(
    path: str | Path,
    *,
    max_ratio: float = MAX_RATIO,
    way: str = "If you trust it, unpack it and give the folder.",
) -> Iterator[zipfile.ZipFile]:
    """An open .zip whose names stay inside it and that unpacks to a size in proportion.

    Args:
        path: the file.
        max_ratio: what unpacks to more than `HARMLESS` and to more than this many times its own size is refused.
        way: the end of that message.

    Raises:
        ValueError: a name that leads out of the folder, a name that is there twice, a decompression bomb.
        zipfile.BadZipFile: no .zip, or a damaged one; see `DAMAGED` for what reading a member may raise.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        refuse_bomb(path, sum(member.file_size for member in members), max_ratio, way=way)
        names = set()
        for member in members:
            _refuse_way_out(path, member.orig_filename)
            if member.filename in names:
                raise ValueError(f"{path} holds {member.filename} twice; it was not made by a common packer.")
            names.add(member.filename)
        yield archive


def refuse_bomb(
    path: str | Path,
    unpacked: int,
    max_ratio: float = MAX_RATIO,
    *,
    way: str = "If you trust it, raise max_ratio=.",
) -> None:
    """Raises ValueError where a file says that it unpacks to far more than it is.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     refuse_bomb(file.name, 1_000_000)  # more than 50 times nothing, but harmless
    """
    size = Path(path).stat().st_size
    if unpacked > max(HARMLESS, max_ratio * size):
        raise ValueError(
            f"{path} has {size / 1e6:.1f} MB and unpacks to {unpacked / 1e6:.1f} MB, more than {max_ratio:g} times "
            f"as much: refused as a decompression bomb. {way}"
        )


def read_array(
    archive: zipfile.ZipFile, name: str, dtype: str, shape: tuple[int | None, ...], *, label: str
) -> np.ndarray:
    """An array in an open .npz, looked at before memory is taken for it.

    Args:
        archive: the open file.
        name: the member, `x.npy`.
        dtype: what it must be, as numpy writes it: `<f4`; `<U` for a text of any length.
        shape: what it must be; None for any length.
        label: what it is called in errors.

    Raises:
        ValueError: another dtype or shape, a pickle, or not as many bytes as it says.
    """
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{label}: packed in a way that no .npz is (method {info.compress_type}).")
    with archive.open(info) as member:
        magic, length = member.read(8), member.read(2)
        text = member.read(int.from_bytes(length, "little")).decode("latin1")
        header = _HEADER.fullmatch(text) if magic == b"\x93NUMPY\x01\x00" else None
        if header is None:
            raise ValueError(f"{label} is no plain array of numpy.")
        kind, by_column, sides = header.groups()
        found = tuple(int(side) for side in sides.split(",") if side.strip())
        if "O" in kind:
            raise ValueError(f"{label} is a pickle, which could run code: refused.")
        fits = len(found) == len(shape) and all(w in (None, f) for w, f in zip(shape, found, strict=True))
        if not fits or (by_column == "True" and len(found) > 1) or not _is_kind(kind, dtype):
            expected = ", ".join("n" if side is None else str(side) for side in shape)
            raise ValueError(f"{label}: expected ({expected}) {dtype}, got {found} {kind}.")
        size = math.prod(found) * np.dtype(kind).itemsize
        if member.tell() + size != info.file_size:
            there = info.file_size - member.tell()
            raise ValueError(f"{label}: {found} {kind} takes {size} bytes, {there} are there.")
        array = np.empty(found, kind)
        raw, at = array.reshape(-1).view(np.uint8), 0
        while chunk := member.read(_CHUNK):  # to the end, where zipfile compares the checksum
            raw[at : at + len(chunk)] = np.frombuffer(chunk, np.uint8)
            at += len(chunk)
    if at != size:
        raise ValueError(f"{label}: cut off after {at} of {size} bytes.")
    return array


def _is_kind(found: str, wanted: str) -> bool:
    return found == wanted or (wanted == "<U" and re.fullmatch(r"<U\d{1,9}", found) is not None)


def _refuse_way_out(path: str | Path, name: str) -> None:
    """Raises ValueError for a name that would lie outside the folder it is unpacked to, on any system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name[:1] in ("/", "\\") or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise ValueError(
            f"{path} holds {name!r}, which leads out of its folder: refused. Pack the folder itself again."
        )
