"""Write frames into video files."""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.files import replace_file
from gymskel.video.read import open_cv, read_frames


class CodecWarning(UserWarning):
    """A video is written with a codec that browsers do not play."""


@dataclass
class VideoWriter:
    """A video file while it is written; "H.264" plays everywhere, "MPEG-4" not in browsers."""

    path: Path  # of the complete file
    size: tuple[int, int]  # (width, height) of the frames to write
    codec: str  # "H.264", "MPEG-4" or "GIF"
    sink: Callable[[np.ndarray], Any]  # encodes a frame
    count: int = 0  # frames written so far

    def write(self, frame: np.ndarray) -> None:
        """Append a frame (height, width, 3) uint8, BGR. Raises ValueError for another shape or dtype."""
        width, height = self.size
        if np.shape(frame) != (height, width, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"{self.path}: a frame must be ({height}, {width}, 3) uint8, got {np.shape(frame)} {frame.dtype}. "
                "Fix: convert or resize the frame."
            )
        if self.codec != "GIF" and (width % 2 or height % 2):
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        self.sink(np.ascontiguousarray(frame))
        self.count += 1


@contextlib.contextmanager
def write_frames(path: str | Path, *, fps: float, size: tuple[int, int]) -> Iterator[VideoWriter]:
    """Yield a new video to write frames into; it appears at `path` when it is complete.

    ::

        with write_frames("drawn.mp4", fps=25, size=(1280, 720)) as video:
            for frame in frames:
                video.write(frame)

    An .mp4 is H.264 if ffmpeg is installed (`pip install imageio-ffmpeg`, or a program on the PATH). Otherwise it is
    MPEG-4 Part 2, which OpenCV writes by itself and which browsers do not play (`CodecWarning`). Both need even sizes: a
    picture of odd size gets its last row or column twice. A .gif keeps its size, and stays in memory until the end.

    Args:
        path: ends in .mp4 or .gif; an older file is replaced. Its folder is made if it is not there.
        fps: frames a second.
        size: (width, height) of the frames in pixels.

    Raises:
        ValueError: another suffix, `fps` or `size` not above 0, no frame written.
        OSError: the file could not be written, or what was written does not read back.
    """
    path = Path(path)
    if path.suffix.lower() not in (".mp4", ".gif"):
        raise ValueError(
            f"{path}: a video must end in .mp4 or .gif, got {path.suffix!r}. Fix: {path.stem}.mp4"
        )
    if not 0 < fps < np.inf or len(size) != 2 or min(size) < 1:
        raise ValueError(
            f"{path}: `fps` and `size` must be above 0, got {fps} and {size}. Fix: such as fps=25, size=(1280, 720)."
        )
    size = int(size[0]), int(size[1])
    even = size[0] + size[0] % 2, size[1] + size[1] % 2
    with replace_file(path) as part:
        if path.suffix.lower() == ".gif":
            codec, opened = "GIF", _gif(part, fps)
        elif program := _ffmpeg():
            codec, opened = "H.264", _h264(program, part, fps, even)
        else:
            codec, opened = "MPEG-4", _mpeg4(part, fps, even)
            warnings.warn(
                f"{path}: written as MPEG-4 Part 2, which browsers do not play. Fix, for H.264: pip install imageio-ffmpeg",
                CodecWarning,
                stacklevel=4,
            )
        with opened as sink:
            video = VideoWriter(path, size, codec, sink)
            yield video
            if not video.count:
                raise ValueError(f"{path}: no frame was written. Fix: call `write` in the block.")
        if codec != "GIF":
            _check_written(part, video, even)


@functools.cache
def _ffmpeg() -> str | None:
    """Return the path of an ffmpeg that encodes H.264, or None."""
    try:
        import imageio_ffmpeg

        program = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # not installed; without its binary
        program = shutil.which("ffmpeg")
    if not program:
        return None
    try:
        listed = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, text=True)
    except OSError:
        return None
    return program if "libx264" in listed.stdout else None


@contextlib.contextmanager
def _h264(
    program: str, part: Path, fps: float, size: tuple[int, int]
) -> Iterator[Callable[[np.ndarray], Any]]:
    """Yield a function that sends a frame through a pipe to ffmpeg."""
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size[0]}x{size[1]}", "-r", f"{fps:.6f}", "-i", "-"]
    encoding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    command = [program, "-y", "-loglevel", "error", *raw, *encoding, "-movflags", "+faststart", str(part)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        pipe: Any = process.stdin
        try:
            yield pipe.write
            pipe.close()
        except BrokenPipeError:
            pass  # ffmpeg ended early, and wrote the reason to the log
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
            process.wait()
        if process.returncode:
            log.seek(0)
            message = log.read().decode(errors="replace").strip() or f"exit status {process.returncode}"
            raise OSError(f"{part}: ffmpeg could not write it: {message}. Fix: check the space on the disk.")


@contextlib.contextmanager
def _mpeg4(part: Path, fps: float, size: tuple[int, int]) -> Iterator[Callable[[np.ndarray], Any]]:
    """Yield a function that gives a frame to OpenCV's own writer."""
    cv2 = open_cv()
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter_fourcc(*"mp4v"), fps, size)
    try:
        if not writer.isOpened():
            raise OSError(f"{part}: OpenCV cannot write an .mp4 here. Fix: pip install imageio-ffmpeg")
        yield writer.write
    finally:
        writer.release()


@contextlib.contextmanager
def _gif(part: Path, fps: float) -> Iterator[Callable[[np.ndarray], Any]]:
    """Yield a function that gives a frame to Pillow; each frame has its own 256 colours."""
    from PIL import Image

    pictures: list[Image.Image] = []

    def write(frame: np.ndarray) -> None:
        picture = Image.fromarray(np.ascontiguousarray(frame[..., ::-1]))
        pictures.append(picture.quantize(256, method=Image.Quantize.FASTOCTREE))

    yield write
    # a GIF counts in hundredths of a second; rounding the sums keeps the whole as long as it is
    ends = np.round(100 * np.arange(len(pictures) + 1) / fps).astype(int)
    durations = (10 * np.maximum(np.diff(ends), 2)).tolist()  # browsers slow down what is faster
    pictures[0].save(part, save_all=True, append_images=pictures[1:], duration=durations, loop=0)


def _check_written(part: Path, video: VideoWriter, size: tuple[int, int]) -> None:
    """Raise OSError if a file lacks frames that were written; OpenCV does not report a full disk."""
    try:
        with read_frames(part) as frames:
            complete = frames.count == video.count and frames.image_size == size
    except ValueError:
        complete = video.count == 1 and part.stat().st_size > 0  # a single picture, to the reader
    if not complete:
        raise OSError(
            f"{video.path}: the {video.count} frames written cannot be read back. Fix: check the space on the disk."
        )
