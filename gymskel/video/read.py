"""Frames out of video files.

OpenCV reports most troubles of a file by silence. What is known of them is dealt with here, once:

>>> read_frames("training.mov")
Traceback (most recent call last):
FileNotFoundError: No video training.mov.
"""

from __future__ import annotations

import os
import warnings
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from gymskel.video.container import is_iso, missing_bytes

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
        cv2 = open_cv()
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
        if not is_iso(self.path):  # no edit list hides frames
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
    cv2 = open_cv()
    capture = cv2.VideoCapture(os.path.abspath(path))  # noqa: PTH100 ("12:30.mp4" alone is a protocol)
    if not capture.isOpened():
        raise ValueError(
            f"{path} holds no video that OpenCV can open: not a video, cut off while copying, or sound only. "
            f"If a player shows it: {_convert(path)}"
        )
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # OpenCV 4.11 leaves phone videos lying on their side
    return capture


def open_cv() -> Any:
    """The module cv2, whichever of its wheels is there; imported only when a file is opened."""
    try:
        import cv2
    except ImportError as missing:
        raise ImportError(
            "Reading videos needs OpenCV: pip install opencv-python-headless (any of its flavours will do)."
        ) from missing
    return cv2


def _codec(capture: Any) -> str:
    """The four letters, e.g. `av01`."""
    code = int(capture.get(open_cv().CAP_PROP_FOURCC))
    letters = "".join(chr(code >> shift & 0xFF) for shift in (0, 8, 16, 24))
    return letters if letters.isprintable() else "unknown"


def _convert(path: Path) -> str:
    return f"Convert it: mkdir h264; ffmpeg -i {path.name!r} -c:v libx264 -crf 18 {f'h264/{path.stem}.mp4'!r}"


def limit_threads() -> None:
    """Makes OpenCV work in this process with one thread: for one of several processes side by side."""
    open_cv().setNumThreads(1)
