"""Small videos with known pictures, and changes to the bytes of their files."""

import struct
from pathlib import Path

import numpy as np


def make_video(path: Path, *, frames: int = 30, fps: float = 25, size=(160, 120)) -> Path:
    """Write a red square that moves 2 pixels a frame to the right, over black."""
    import cv2

    codec = "MJPG" if path.suffix == ".avi" else "mp4v"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, size)
    for number in range(frames):
        frame = np.zeros((size[1], size[0], 3), np.uint8)
        left = 10 + 2 * number
        frame[20:40, left : left + 20] = 0, 0, 255
        writer.write(frame)
    writer.release()
    return path


def patch(path: Path, change) -> Path:
    """Replace the bytes of a file by `change(bytes)`."""
    path.write_bytes(change(path.read_bytes()))
    return path


def uneven(mp4: bytes, runs: list[tuple[int, int]]) -> bytes:
    """Return the same file with other durations of its frames: runs of (frames, ticks) in the stts box."""
    at = mp4.rfind(b"stts") - 4
    size = struct.unpack(">I", mp4[at : at + 4])[0]
    box = struct.pack(">I4sII", 16 + 8 * len(runs), b"stts", 0, len(runs))
    box += b"".join(struct.pack(">II", *run) for run in runs)
    changed = bytearray((mp4[:at] + box + mp4[at + size :]).replace(b"edts", b"free"))
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        at = changed.rfind(name) - 4
        length = struct.unpack(">I", changed[at : at + 4])[0] + len(box) - size
        changed[at : at + 4] = struct.pack(">I", length)
    return bytes(changed)
