"""A video with the people of its recordings drawn over it, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gymskel.overlay.alignment import (
    Followed,
    body_size,
    check_fit,
    check_length,
    first_number,
    followed,
    frame_rate,
    lean_of,
    mean_confidence,
    seconds_of,
)
from gymskel.overlay.annotation import Beside, draw_below
from gymskel.overlay.drawing import DARK, PEOPLE, RED, draw_pose, draw_text, text_height
from gymskel.recording import Recording
from gymskel.video import Frames, read_frames, write_frames

_GIF_SIDE, _GIF_FPS = 480, 15  # more makes files that no messenger takes


def write_overlay(
    video: str | Path,
    recordings: Recording | Sequence[Recording],
    out: str | Path,
    *,
    fps: float | None = None,
    slow: float = 1.0,
    counts_from: int | None = None,
    beside: Beside | None = None,
    progress: bool = True,
) -> Path:
    """The file written: the video with everybody in `recordings` drawn over it.

    Each person's tag says the mean confidence, by how many degrees the torso leans (0 is upright, +90 head to the
    right of the screen, 180 upside down), and what following left in the history: by how many degrees the crop
    was turned (as the box is drawn), how many estimates it took and why. The corner says the frame as the
    recording numbers it, and the seconds; it is red where nobody is seen.

    Args:
        video: the file that the recordings were made from.
        recordings: one person or several, in pixels; several have a colour each.
        out: ends in .mp4, or .gif: at most 480 pixels and 15 frames a second.
        fps: frames a second as filmed; by default what the recordings say, else the file.
        slow: how many times slower than filmed.
        counts_from: what the video's first frame is called. By default 0 for recordings that say how they were
            made, and 1 for trees of CSVs that do not (OpenPose), unless they have a frame 0.
        beside: what a classifier says of the one person drawn: probabilities for the upper left corner, and a strip that
            runs below the picture.
        progress: show how far it is.

    Raises:
        FileNotFoundError: no such video.
        ValueError: recordings that are not in pixels, of another picture size, or longer than the video;
            `out` ends in something else or is the video; `slow` is not above 0; `beside` with several people, or with
            shapes that do not fit.
        OSError: the file could not be written.
    """
    if not 0 < slow < np.inf:
        raise ValueError(f"`slow` must be above 0 (2 = half as fast), got {slow}.")
    out = Path(out)
    if out.resolve() == Path(video).resolve():
        raise ValueError(f"{out} is the video itself; write to another file.")
    recordings = [recordings] if isinstance(recordings, Recording) else list(recordings)
    beside = _checked(beside, recordings)
    with read_frames(video, fps=fps) as frames:
        check_fit(recordings, frames)
        first = first_number(recordings, counts_from)
        check_length(recordings, frames.count, first, video)
        rate = frame_rate(recordings, frames, fps)
        step, zoom = 1, 1.0
        if out.suffix.lower() == ".gif":
            step = int(np.ceil(rate / slow / _GIF_FPS))
            zoom = min(1.0, _GIF_SIDE / max(frames.image_size))
        size = tuple(max(1, round(zoom * side)) for side in frames.image_size)
        people, panel = _people(recordings, first, zoom), beside.panel(size)
        whole = size if panel is None else (size[0], size[1] + len(panel))
        with write_frames(out, fps=rate / slow / step, size=whole) as written:
            for number, frame in enumerate(_shown(frames, progress, out.name)):
                if number % step == 0:
                    picture = _draw_people(_resize(frame, size), number, people, zoom)
                    seconds = seconds_of(recordings, number, first, rate, constant=fps is not None)
                    unseen = all(person.row(number) is None for person in people)
                    row = people[0].row_of(number)
                    lines = [*beside.lines(row), f"frame {number + first}   {seconds:.2f} s"]
                    _draw_caption(picture, "\n".join(lines), unseen)
                    if panel is not None:
                        share = None if row is None else (row + 0.5) / len(recordings[0])
                        picture = draw_below(picture, panel, share)
                    written.write(picture)
            check_length(recordings, number + 1, first, video)
    return out


@dataclass(frozen=True)
class _Person:
    """What is drawn of a person, worked out once.

    Attributes:
        recording: the joints.
        offset: number of its first frame from the start of the video.
        confidence: (frames,) mean of the found joints.
        lean: (frames,) degrees clockwise of the torso.
        record: how it was followed, if that is known.
        size: usual diagonal of the body in pixels of the output.
        colour: its own, where several are drawn.
    """

    recording: Recording
    offset: int
    confidence: np.ndarray
    lean: np.ndarray
    record: Followed | None
    size: float
    colour: str | None

    def row(self, number: int) -> int | None:
        """The row of a frame of the video; None where the person is unseen."""
        row = self.row_of(number)
        return row if row is not None and self.recording.seen[row].any() else None

    def row_of(self, number: int) -> int | None:
        """The row of a frame of the video, whether anybody is seen in it or not; None outside the recording."""
        row = number - self.offset
        return row if 0 <= row < len(self.recording) else None

    def tag(self, row: int) -> str:
        """What is written beside the person."""
        confidence = self.confidence[row]
        sure = "filled in" if np.isnan(confidence) else f"confidence {confidence:.2f}"
        words = [f"person {self.recording.person}: {sure}" if self.colour else sure]
        words += [f"torso {self.lean[row]:+.0f}°"] if np.isfinite(self.lean[row]) else []
        return "\n".join(filter(None, ["   ".join(words), self._how(row)]))

    def _how(self, row: int) -> str:
        """How the pose was found, as far as it was not plain."""
        if self.record is None:
            return ""
        angle, estimates, why = (
            of[row] for of in (self.record.angle, self.record.estimates, self.record.why)
        )
        words = [f"crop turned {angle:+.0f}°"] if angle is not None and round(angle) else []
        if why or estimates > 1:
            words.append(f"{estimates} estimate{'s' if estimates > 1 else ''}{': ' if why else ''}{why}")
        return "   ".join(words)


def _checked(beside: Beside | None, recordings: Sequence[Recording]) -> Beside:
    """What to draw beside the picture; nothing where nothing was given."""
    if beside is None:
        return Beside()
    if len(recordings) != 1:
        raise ValueError(
            f"`beside` is about one person, but {len(recordings)} are drawn: give one recording."
        )
    return beside.checked(recordings[0])


def _people(recordings: Sequence[Recording], first: int, zoom: float) -> list[_Person]:
    several = len(recordings) > 1
    return [
        _Person(
            recording,
            recording.first_frame - first,
            mean_confidence(recording),
            lean_of(recording.xy, recording.skeleton),
            followed(recording),
            zoom * body_size(recording),
            PEOPLE[number % len(PEOPLE)] if several else None,
        )
        for number, recording in enumerate(recordings)
    ]


def _draw_people(frame: np.ndarray, number: int, people: Sequence[_Person], zoom: float) -> np.ndarray:
    """The frame with everybody seen in it, the last one below."""
    for person in reversed(people):
        row = person.row(number)
        if row is not None:
            pose = person.recording.keypoints[row] * np.float32([zoom, zoom, 1])
            angle = person.record.angle[row] if person.record else None
            frame = draw_pose(
                frame,
                pose,
                person.recording.skeleton,
                tag=person.tag(row),
                turned=angle,
                colour=person.colour,
                size=person.size,
            )
    return frame


def _draw_caption(frame: np.ndarray, text: str, unseen: bool) -> None:
    """Text in the corner, red where nobody is seen."""
    text, plate = (f"{text}   unseen", RED) if unseen else (text, DARK)
    draw_text(frame, text, (0, 0), height=text_height(frame), plate=plate)


def _resize(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    import cv2

    return frame if frame.shape[1::-1] == size else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def _shown(frames: Frames, progress: bool, name: str) -> Frames:
    from tqdm import tqdm

    return tqdm(frames, total=frames.count, desc=name, unit="frame", leave=False, disable=not progress)
