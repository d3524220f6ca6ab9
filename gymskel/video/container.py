"""Length of a video file by its container, which OpenCV does not check."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")


def describe_missing_bytes(path: Path) -> str | None:
    """Return a sentence on what a file lacks at its end by its own account; None if nothing is missing or known.

    Sizes of the outermost boxes: ISO/IEC 14496-12 4.2 (mp4, mov, 3gp), RIFF (avi), RFC 8794 (mkv, webm);
    GIF89a ends with a semicolon.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        if head[4:8] in _ISO_BOXES:
            end = _end_of_boxes(file, size)
        elif head[:4] == b"RIFF":
            end = 8 + int.from_bytes(head[4:8], "little")
        elif head[:4] == b"\x1a\x45\xdf\xa3":
            end = _end_of_segment(head)
        elif head[:4] == b"GIF8":
            file.seek(max(size - 64, 0))
            return None if file.read().rstrip(b"\0").endswith(b";") else "it ends without its end mark"
        else:
            return None
    return f"{end - size} bytes are missing at its end" if end > size else None


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Return the offset in bytes at which the last outermost box ends."""
    offset = 0
    while offset < size:
        file.seek(offset)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0 or len(head) < 8:  # it reaches to the end of the file; or mere padding is left
            return size
        offset += max(length, 8)
    return offset


def _end_of_segment(head: bytes) -> int:
    """Return the offset in bytes at which the segment of a Matroska file ends; 0 if the file does not say."""
    length, offset = _read_vint(head, 4)
    offset += length + 4  # the segment's own mark
    length, start = _read_vint(head, offset)
    is_unknown = length == (1 << 7 * (start - offset)) - 1
    return 0 if is_unknown else start + length


def _read_vint(data: bytes, offset: int) -> tuple[int, int]:
    """Return a number of variable length (RFC 8794, section 4) and the offset of its end; 0 where the data end."""
    width = 9 - data[offset].bit_length() if offset < len(data) and data[offset] else 1
    value = int.from_bytes(data[offset : offset + width], "big")
    return value & ((1 << 7 * width) - 1), offset + width


def is_iso_media(path: Path) -> bool:
    """Return True for an mp4, mov or 3gp (ISO base media file format)."""
    with path.open("rb") as file:
        return file.read(8)[4:] in _ISO_BOXES
