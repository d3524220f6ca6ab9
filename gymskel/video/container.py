"""What the container of a video says of its own length, which OpenCV does not ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")


def missing_bytes(path: Path) -> str | None:
    """What a file lacks by its own account, in words; None if nothing, or if its kind gives no account.

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


def _end_of_boxes(file: Any, size: int) -> int:
    """Where the last outermost box ends."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0 or len(head) < 8:  # it reaches to the end of the file; or mere padding is left
            return size
        at += max(length, 8)
    return at


def _end_of_segment(head: bytes) -> int:
    """Where the segment of a Matroska file ends; 0 if it does not say."""
    at = 4
    length, at = _vint(head, at)
    at += length + 4  # the segment's own mark
    length, start = _vint(head, at)
    unknown = length == (1 << 7 * (start - at)) - 1
    return 0 if unknown else start + length


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length (RFC 8794, section 4), and where it ends; 0 where the data end."""
    width = 9 - data[at].bit_length() if at < len(data) and data[at] else 1
    value = int.from_bytes(data[at : at + width], "big")
    return value & ((1 << 7 * width) - 1), at + width


def is_iso(path: Path) -> bool:
    """Whether it is an mp4, mov or 3gp."""
    with path.open("rb") as file:
        return file.read(8)[4:] in _ISO_BOXES
