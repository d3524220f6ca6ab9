"""Frames out of video files and into them: the only file that opens one.

OpenCV reports most troubles of a file by silence. What is known of them is dealt with here, once:

>>> read_frames("training.mov")
Traceback (most recent call last):
FileNotFoundError: No video training.mov.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".webm", ".wmv"),
)
"""What counts as a video in a folder, in lower case; a file that is named itself may be called anything."""

_COMPLETE = 0.9  # of the frames that the header promises; healthy cut files promise 40 and hold 36
_LATE = 0.25  # seconds: by which sound may outlast the picture, and rounding the truth
_UNEVEN = 0.2  # of the median interval; phones' clocks round to 2-5 %, a dropped frame is 100 %
_RETRIES = 100  # reads behind the last frame: is it the end, or one that cannot be decoded?
_JUMP = 3  # median intervals: a longer one is lost frames, not a phone that saves light
_MAX_HEADER_FPS = 10_000  # broken headers name their clock instead, 90000 a second


class VideoWarning(UserWarning):
    """A video that is cut off or damaged, as far as it can be told; or that cannot tell whether it is."""


def read_frames(path: str | Path, *, fps: float | None = None) -> Frames:
    """The frames of a video, one after the other, in constant memory.

    ::

        with read_frames("backflip-1-s07.mov") as frames:
            for frame in frames:        # (height, width, 3) uint8, BGR, the way up it was filmed
                ...
        print(frames.fps, frames.timestamps)

    Args:
        path: a video file.
        fps: frames a second; overrides the header, which is wrong in slow motion and in many converted files.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the path is a folder, the file holds no video that OpenCV can decode, or it is a picture.
        ImportError: OpenCV is not installed.

    At the end of a file in which frames or bytes are missing there is a `VideoWarning`. What cannot be told:
    a decoder hides small damage inside frames, and a stream (.ts, .h264) is whole wherever it is cut.
    """
    return Frames(path, fps=fps)


class Frames:
    """An open video: an iterator over its frames, and a context manager that closes it.

    Attributes:
        path: the file.
        fps: frames a second, as given or as the header says; None if neither says.
        image_size: (width, height) of the frames in pixels, after turning them upright.
        count: number of frames that the header promises, not always true; None if it does not say.
    """

    def __init__(self, path: str | Path, *, fps: float | None = None) -> None:
        """As `read_frames`."""
        if fps is not None and not 0 < fps < np.inf:
            raise ValueError(f"`fps` must be frames a second above 0, got {fps}.")
        self.path = Path(path)
        self._capture = _open(self.path)
        cv2 = _cv2()
        header = self._capture.get(cv2.CAP_PROP_FPS)
        self._header_fps = header if 0 < header < _MAX_HEADER_FPS else None
        rate = fps or self._header_fps
        self.fps: float | None = rate and float(rate)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.count: int | None = int(count) if count > 0 else None
        self._clock = cv2.CAP_PROP_POS_MSEC
        self._ahead: deque[tuple[np.ndarray, float]] = deque()
        self._seconds: list[float] = []
        self._check_first_frames()
        height, width = self._ahead[0][0].shape[:2]
        self.image_size = (width, height)

    def _check_first_frames(self) -> None:
        """Reads the first frame, and the second where the file may be a mere picture."""
        if not self._read_ahead():
            codec = _codec(self._capture)
            self.close()
            raise ValueError(
                f"{self.path}: OpenCV decodes no frame of it; its codec is {codec}. {_convert(self.path)}"
            )
        picture = self.count is None or (self.count == 1 and _codec(self._capture).strip() == "gif")
        if picture and not self._read_ahead():
            self.close()
            raise ValueError(f"{self.path} is a single picture, not a video.")

    def _read_ahead(self) -> bool:
        if not self._capture.isOpened():
            return False
        good, frame = self._capture.read()
        if good:
            self._ahead.append((np.ascontiguousarray(frame), self._capture.get(self._clock) / 1000))
        return good

    def __iter__(self) -> Frames:
        """Itself: the frames can be gone through once."""
        return self

    def __next__(self) -> np.ndarray:
        """(height, width, 3) uint8, BGR, C-contiguous, the caller's own."""
        if not self._ahead and not self._read_ahead():
            if self._capture.isOpened():  # the end is reached for the first time
                short = self.count is not None and len(self._seconds) < self.count
                more = short and any(self._capture.grab() for _ in range(_RETRIES))
                self.close()
                self._check_length(more)
            raise StopIteration
        frame, seconds = self._ahead.popleft()
        self._seconds.append(seconds)
        return frame

    def _check_length(self, more: bool) -> None:
        if fault := self._fault(more):
            warnings.warn(f"{self.path}: {fault}", VideoWarning, stacklevel=3)

    def _fault(self, more: bool) -> str | None:
        """What is wrong with a file that was read to its end; `more`: frames follow one that cannot be read."""
        read = len(self._seconds)
        if self.count is None:
            rate = (
                "" if any(self._seconds) else f" Nor has it a clock: {self.fps or 'no'} fps may be a guess."
            )
            return f"the file does not say how many frames it has; {read} were read, and whether more were filmed cannot be told.{rate}"
        told = f"{read} of {self.count} frames could be read; the file is cut off or damaged"
        again = "Copy it again from the camera."
        if missing := missing_bytes(self.path):
            return f"{told}: {missing}. {again}"
        if more:
            return f"{told}: frame {read} cannot be decoded, and what follows was left out. {again}"
        intervals = np.diff(self._seconds)
        jumps = bool(len(intervals)) and intervals.max() > _JUMP * np.median(intervals) > 0
        if (read < self.count and jumps) or self._avi_lost_frames():
            return f"{told}: frames are missing in its middle. {again}"
        allowed = (1 - _COMPLETE) * self.count
        if not _is_iso(self.path):  # no edit list hides frames
            allowed = min(allowed, _LATE * (self.fps or np.inf))
        if self.count - read > allowed and not self._clock_is_complete():
            return (
                f"{told}, trimmed without encoding it anew, or its sound is longer than its picture. {again}"
            )
        return None

    def _clock_is_complete(self) -> bool:
        """Whether fewer frames than promised filled the time promised: a varying rate, of which none is missing."""
        if not self._header_fps or len(self._seconds) < 2:
            return False
        end = self._seconds[-1] + np.median(np.diff(self._seconds))
        return bool(self.count / self._header_fps - end < _LATE)

    def _avi_lost_frames(self) -> bool:
        """Whether an AVI's clock, which counts the chunks that are there, ends before its header's count."""
        with self.path.open("rb") as file:
            avi = file.read(4) == b"RIFF"
        return bool(avi and self._header_fps and round(self._seconds[-1] * self._header_fps) + 1 < self.count)

    @property
    def timestamps(self) -> np.ndarray:
        """(frames read so far,) float64, seconds of each frame by the file's own clock."""
        return np.array(self._seconds)

    @property
    def varying(self) -> bool:
        """Whether the frames read so far really came at other times than the header's rate says.

        Phones that save light vary, and so do screen recorders; a clock that rounds does not.
        """
        intervals = np.diff(self._seconds)
        if not len(intervals) or not (intervals > 0).all():  # some files have no clock: all zeros
            return False
        usual = 1 / self._header_fps if self._header_fps else np.median(intervals)
        return bool(np.abs(intervals - usual).max() > _UNEVEN * usual)

    def close(self) -> None:
        """Closes the file; what was learnt about it stays."""
        self._capture.release()
        self._ahead.clear()

    def __enter__(self) -> Frames:
        """Itself, open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.close()


def find_videos(path: str | Path) -> list[Path]:
    """The videos under a folder, sorted; or the one file that was named, whatever its suffix.

    Hidden files and folders are skipped (macOS leaves `._IMG_1234.MOV` beside a copy).

    Raises:
        FileNotFoundError: no such path, or a folder without a video.
    """
    root = Path(path)
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise FileNotFoundError(f"No video or folder {root}.")
    videos = []
    for at, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = (Path(at, name) for name in files if not name.startswith("."))
        videos += [file for file in shown if file.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        raise FileNotFoundError(
            f"No video in the folder {root}: expected files that end in {', '.join(VIDEO_SUFFIXES)}."
        )
    return sorted(videos)


def _open(path: Path) -> Any:
    """An opened cv2.VideoCapture."""
    if not path.exists():
        raise FileNotFoundError(f"No video {path}.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a video; extract_videos takes folders.")
    if not path.stat().st_size:
        raise ValueError(f"{path} is empty (0 bytes). Copy it again from the camera.")
    cv2 = _cv2()
    capture = cv2.VideoCapture(os.path.abspath(path))  # noqa: PTH100 ("12:30.mp4" alone is a protocol)
    if not capture.isOpened():
        raise ValueError(
            f"{path} holds no video that OpenCV can open: not a video, cut off while copying, or sound only. "
            f"If a player shows it: {_convert(path)}"
        )
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # OpenCV 4.11 leaves phone videos lying on their side
    return capture


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as missing:
        raise ImportError(
            "Reading videos needs OpenCV: pip install opencv-python-headless (any of its flavours will do)."
        ) from missing
    return cv2


def _codec(capture: Any) -> str:
    """The four letters, e.g. `av01`."""
    code = int(capture.get(_cv2().CAP_PROP_FOURCC))
    letters = "".join(chr(code >> shift & 0xFF) for shift in (0, 8, 16, 24))
    return letters if letters.isprintable() else "unknown"


def _convert(path: Path) -> str:
    return f"Convert it: ffmpeg -i {path.name!r} -c:v libx264 -crf 18 {path.stem + '-h264.mp4'!r}"


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


_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")


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


def _is_iso(path: Path) -> bool:
    """Whether it is an mp4, mov or 3gp."""
    with path.open("rb") as file:
        return file.read(8)[4:] in _ISO_BOXES


def limit_threads() -> None:
    """Makes OpenCV work in this process with one thread: for one of several processes side by side."""
    _cv2().setNumThreads(1)


# --- writing ----------------------------------------------------------------------------------------------


class CodecWarning(UserWarning):
    """A video is written in a way that not everything can play."""


class NewVideo:
    """A video that is being written.

    Attributes:
        path: where it will be.
        size: (width, height) of the frames to write.
        codec: `H.264`, which plays everywhere; `MPEG-4`, which browsers do not play; or `GIF`.
        count: number of frames written so far.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], codec: str, sink: Callable[[np.ndarray], Any]
    ) -> None:
        self.path, self.size, self.codec, self.count = path, size, codec, 0
        self._sink = sink

    def write(self, frame: np.ndarray) -> None:
        """Appends a frame (height, width, 3) uint8, BGR. Raises ValueError for another shape or dtype."""
        width, height = self.size
        if np.shape(frame) != (height, width, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"{self.path}: a frame must be ({height}, {width}, 3) uint8, got {np.shape(frame)} {frame.dtype}."
            )
        if self.codec != "GIF" and (width % 2 or height % 2):
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        self._sink(np.ascontiguousarray(frame))
        self.count += 1


@contextlib.contextmanager
def write_frames(path: str | Path, *, fps: float, size: tuple[int, int]) -> Iterator[NewVideo]:
    """A new video to write frames into; it is at `path` when it is complete, and not before.

    ::

        with write_frames("drawn.mp4", fps=25, size=(1280, 720)) as video:
            for frame in frames:
                video.write(frame)

    An .mp4 is H.264 where ffmpeg is at hand (`pip install imageio-ffmpeg`, or on the PATH), otherwise MPEG-4
    Part 2, which OpenCV writes alone and which browsers do not play (`CodecWarning`). Both want even sizes: an odd picture gets
    its last row or column twice. A .gif keeps its size, and is held in memory until the end.

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
            f"{path}: videos are written as .mp4 or .gif, not as {path.suffix or 'no suffix'!r}."
        )
    if not 0 < fps < np.inf or len(size) != 2 or min(size) < 1:
        raise ValueError(f"{path}: `fps` and `size` must be above 0, got {fps} and {size}.")
    size = int(size[0]), int(size[1])
    even = size[0] + size[0] % 2, size[1] + size[1] % 2
    with whole_file(path) as part:
        if path.suffix.lower() == ".gif":
            codec, opened = "GIF", _gif(part, fps)
        elif program := _ffmpeg():
            codec, opened = "H.264", _h264(program, part, fps, even)
        else:
            codec, opened = "MPEG-4", _mpeg4(part, fps, even)
            warnings.warn(
                f"{path}: written as MPEG-4 Part 2, which browsers do not play; for H.264: pip install imageio-ffmpeg.",
                CodecWarning,
                stacklevel=4,
            )
        with opened as sink:
            video = NewVideo(path, size, codec, sink)
            yield video
            if not video.count:
                raise ValueError(f"{path}: no frame was written.")
        if codec != "GIF":
            _check_written(part, video, even)


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A hidden path beside `path` to write to, which becomes `path` at the end; it goes if something fails."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@functools.cache
def _ffmpeg() -> str | None:
    """A program ffmpeg that encodes H.264, or None."""
    try:
        import imageio_ffmpeg

        program = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # not installed; without its binary
        program = shutil.which("ffmpeg")
    if not program:
        return None
    try:
        told = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, text=True)
    except OSError:
        return None
    return program if "libx264" in told.stdout else None


@contextlib.contextmanager
def _h264(
    program: str, part: Path, fps: float, size: tuple[int, int]
) -> Iterator[Callable[[np.ndarray], Any]]:
    """Frames through a pipe into ffmpeg."""
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size[0]}x{size[1]}", "-r", f"{fps:.6f}", "-i", "-"]
    made = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    command = [program, "-y", "-loglevel", "error", *raw, *made, "-movflags", "+faststart", str(part)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said)
        pipe: Any = process.stdin
        try:
            yield pipe.write
            pipe.close()
        except BrokenPipeError:
            pass  # it ended early, and has said why
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
            process.wait()
        if process.returncode:
            said.seek(0)
            words = said.read().decode(errors="replace").strip() or f"exit status {process.returncode}"
            raise OSError(f"{part}: ffmpeg could not write it: {words}")


@contextlib.contextmanager
def _mpeg4(part: Path, fps: float, size: tuple[int, int]) -> Iterator[Callable[[np.ndarray], Any]]:
    """Frames into OpenCV's own writer."""
    cv2 = _cv2()
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter_fourcc(*"mp4v"), fps, size)
    try:
        if not writer.isOpened():
            raise OSError(f"{part}: OpenCV cannot write an .mp4 here. Way out: pip install imageio-ffmpeg.")
        yield writer.write
    finally:
        writer.release()


@contextlib.contextmanager
def _gif(part: Path, fps: float) -> Iterator[Callable[[np.ndarray], Any]]:
    """Frames into Pillow, each with the 256 colours that suit it."""
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


def _check_written(part: Path, video: NewVideo, size: tuple[int, int]) -> None:
    """Raises OSError where a file does not hold what was written; OpenCV does not say that a disk is full."""
    try:
        with read_frames(part) as frames:
            good = frames.count == video.count and frames.image_size == size
    except ValueError:
        good = video.count == 1 and part.stat().st_size > 0  # a single picture, to the reader
    if not good:
        raise OSError(
            f"{video.path}: the {video.count} frames written cannot be read back. Is the disk full?"
        )
