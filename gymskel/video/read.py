"""Read frames from video files.

OpenCV is silent about most faults of a file. This module turns them into errors and warnings:

>>> read_frames("training.mov")
Traceback (most recent call last):
FileNotFoundError: No video training.mov. Fix: check the path.
"""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.video.container import describe_missing_bytes, is_iso_media

VIDEO_SUFFIXES = tuple(".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .webm .wmv".split())
"""Endings of the files in a folder that count as videos, in lower case; a file that is named itself may have any."""

_COMPLETE_SHARE = 0.9  # of the frames that the header promises; healthy trimmed files promise 40 and hold 36
_LATE_SECONDS = 0.25  # by which sound may outlast the picture, or rounding the true length
_UNEVEN_SHARE = 0.2  # of the usual interval; phones' clocks round to 2-5 %, a dropped frame is 100 %
_RETRIES = 100  # reads behind the last frame: is it the end, or a frame that cannot be decoded?
_LOST_INTERVALS = 3  # median intervals: a longer one means lost frames, not a phone in poor light
_MAX_HEADER_FPS = 10_000  # frames a second; broken headers name their clock instead, 90000 a second


class VideoWarning(UserWarning):
    """A video is cut off or damaged, or its file does not say how long it should be."""


def read_frames(path: str | Path, *, fps: float | None = None) -> Frames:
    """Return an iterator over the frames of a video; memory stays constant.

    ::

        with read_frames("backflip-1-s07.mov") as frames:
            for frame in frames:        # (height, width, 3) uint8, BGR, the way up it was filmed
                ...
        print(frames.fps, frames.timestamps)

    Args:
        path: a video file.
        fps: frames a second; overrides the header, which is often wrong for slow motion and converted files.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the path is a folder, the file holds no video that OpenCV can decode, or it is a picture.
        ImportError: OpenCV is not installed.

    At the end of a file that lacks frames or bytes there is a `VideoWarning`. Two faults stay hidden: a decoder
    covers small damage inside frames, and a stream (.ts, .h264) is complete wherever it is cut.
    """
    return Frames(path, fps=fps)


class Frames(Iterator[np.ndarray], AbstractContextManager["Frames"]):
    """An open video: an iterator over its frames, and a context manager that closes it.

    Attributes:
        path: the file.
        fps: frames a second, as given or as the header says; None if neither says.
        image_size: (width, height) of the frames in pixels, after turning them upright.
        count: number of frames by the header, which may be wrong; None if the header does not say.
    """

    def __init__(self, path: str | Path, *, fps: float | None = None) -> None:
        if fps is not None and not 0 < fps < np.inf:
            raise ValueError(f"`fps` must be frames a second above 0, got {fps}. Fix: such as fps=60.")
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
        """Read the first frame, and the second one if the file may be a single picture."""
        if not self._read_ahead():
            codec = _codec(self._capture)
            self.close()
            raise ValueError(
                f"{self.path}: OpenCV decodes no frame of it; its codec is {codec}. Fix: {_conversion(self.path)}"
            )
        may_be_picture = self.count is None or (self.count == 1 and _codec(self._capture).strip() == "gif")
        if may_be_picture and not self._read_ahead():
            self.close()
            raise ValueError(f"{self.path} is a single picture, not a video. Fix: name a video file.")

    def _read_ahead(self) -> bool:
        if not self._capture.isOpened():
            return False
        is_read, frame = self._capture.read()
        if is_read:
            self._ahead.append((np.ascontiguousarray(frame), self._capture.get(self._clock) / 1000))
        return is_read

    def __next__(self) -> np.ndarray:
        """Return the next frame (height, width, 3) uint8, BGR, C-contiguous; the caller may change it."""
        if not self._ahead and not self._read_ahead():
            if self._capture.isOpened():  # the end is reached for the first time
                is_short = self.count is not None and len(self._seconds) < self.count
                has_more = is_short and any(self._capture.grab() for _ in range(_RETRIES))
                self.close()
                if missing := self._describe_missing(has_more):
                    warnings.warn(f"{self.path}: {missing}", VideoWarning, stacklevel=2)
            raise StopIteration
        frame, seconds = self._ahead.popleft()
        self._seconds.append(seconds)
        return frame

    def _describe_missing(self, has_more: bool) -> str | None:
        """Return a sentence on what a file read to its end lacks, or None; `has_more`: frames follow an undecodable one."""
        read = len(self._seconds)
        if self.count is None:
            guess = f" It has no clock either: {self.fps or 'no'} fps may be a guess."
            rate = "" if any(self._seconds) else guess
            return (
                f"the file does not say how many frames it has; {read} were read, and more may have been filmed.{rate} "
                "Fix: compare its length with a player's, and give `fps` if you know it."
            )
        damaged = f"{read} of {self.count} frames could be read; the file is cut off or damaged"
        fix = "Fix: copy it again from the camera."
        if missing := describe_missing_bytes(self.path):
            return f"{damaged}: {missing}. {fix}"
        if has_more:
            return f"{damaged}: frame {read} cannot be decoded, and what follows was left out. {fix}"
        intervals = np.diff(self._seconds)
        jumps = len(intervals) and intervals.max() > _LOST_INTERVALS * np.median(intervals) > 0
        if (read < self.count and jumps) or self._avi_lost_frames():
            return f"{damaged}: frames are missing in its middle. {fix}"
        allowed = (1 - _COMPLETE_SHARE) * self.count
        if not is_iso_media(self.path):  # no edit list hides frames
            allowed = min(allowed, _LATE_SECONDS * (self.fps or np.inf))
        if self.count - read > allowed and not self._clock_is_complete():
            return f"{damaged}, trimmed without encoding anew, or its sound is longer than its picture. {fix}"
        return None

    def _clock_is_complete(self) -> bool:
        """Return True if the frames read fill the time promised, though fewer: a variable rate, and none is missing."""
        if self.count is None or not self._header_fps or len(self._seconds) < 2:
            return False
        end = self._seconds[-1] + np.median(np.diff(self._seconds))
        return bool(self.count / self._header_fps - end < _LATE_SECONDS)

    def _avi_lost_frames(self) -> bool:
        """Return True for an AVI whose clock, which counts the chunks in the file, ends before its header's count."""
        if self.count is None or not self._header_fps:
            return False
        with self.path.open("rb") as file:
            is_avi = file.read(4) == b"RIFF"
        return is_avi and round(self._seconds[-1] * self._header_fps) + 1 < self.count

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds (frames read so far,) float64 of each frame by the file's own clock."""
        return np.array(self._seconds)

    @property
    def has_variable_rate(self) -> bool:
        """True if the times of the frames read so far do not fit the constant rate in the header.

        The rate of phones varies in poor light, and that of screen recorders too; rounding of the clock does not count.
        """
        intervals = np.diff(self._seconds)
        if not len(intervals) or not (intervals > 0).all():  # some files have no clock: all zeros
            return False
        usual = 1 / self._header_fps if self._header_fps else np.median(intervals)
        return bool(np.abs(intervals - usual).max() > _UNEVEN_SHARE * usual)

    def close(self) -> None:
        """Close the file; all attributes stay."""
        self._capture.release()
        self._ahead.clear()

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.close()


def find_videos(path: str | Path) -> list[Path]:
    """Return the videos under a folder, sorted; or the one file that is named, whatever its suffix.

    Hidden files and folders are skipped (macOS leaves `._IMG_1234.MOV` beside a copy).

    Raises:
        FileNotFoundError: no such path, or a folder without a video.
    """
    root = Path(path)
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise FileNotFoundError(f"No video or folder {root}. Fix: check the path.")
    videos = []
    for parent, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        visible = (Path(parent, name) for name in files if not name.startswith("."))
        videos += [file for file in visible if file.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        raise FileNotFoundError(
            f"No video in the folder {root}: expected files that end in {', '.join(VIDEO_SUFFIXES)}. "
            "Fix: name the folder that holds them."
        )
    return sorted(videos)


def _open(path: Path) -> Any:
    """Return an open cv2.VideoCapture."""
    if not path.exists():
        raise FileNotFoundError(f"No video {path}. Fix: check the path.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a video. Fix: extract_videos takes folders.")
    if not path.stat().st_size:
        raise ValueError(f"{path} is empty (0 bytes). Fix: copy it again from the camera.")
    cv2 = open_cv()
    capture = cv2.VideoCapture(os.path.abspath(path))  # noqa: PTH100 ("12:30.mp4" alone is a protocol)
    if not capture.isOpened():
        raise ValueError(
            f"{path} holds no video that OpenCV can open: not a video, cut off while copying, or sound only. "
            f"Fix: copy it again; if a player shows it, {_conversion(path)}"
        )
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # OpenCV 4.11 leaves phone videos lying on their side
    return capture


def open_cv() -> Any:
    """Return the module cv2 of any of its wheels; it is imported only when a file is opened."""
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            "Reading videos needs OpenCV. Fix: pip install opencv-python-headless (any other of its wheels will do too)."
        ) from error
    return cv2


def _codec(capture: Any) -> str:
    """Return the four letters of the codec, such as `av01`."""
    code = int(capture.get(open_cv().CAP_PROP_FOURCC))
    letters = "".join(chr(code >> shift & 0xFF) for shift in (0, 8, 16, 24))
    return letters if letters.isprintable() else "unknown"


def _conversion(path: Path) -> str:
    return f"convert it: mkdir h264; ffmpeg -i {path.name!r} -c:v libx264 -crf 18 {f'h264/{path.stem}.mp4'!r}"


def limit_threads() -> None:
    """Limit OpenCV in this process to one thread, for a process that is one of several."""
    open_cv().setNumThreads(1)
