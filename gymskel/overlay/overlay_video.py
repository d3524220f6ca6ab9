"""Write a video with the people of its recordings drawn over it, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gymskel.body_geometry import torso_lean
from gymskel.overlay.alignment import align
from gymskel.overlay.annotation import Annotation, append_strip, per_frame
from gymskel.overlay.drawing import DARK, PERSON_COLOURS, RED, draw_pose, draw_text, text_height
from gymskel.overlay.time_plot import mean_confidence
from gymskel.recording import Recording
from gymskel.video import Frames, read_frames, write_frames

_GIF_SIDE, _GIF_FPS = 480, 15  # pixels, frames a second; messengers refuse larger files


def write_overlay(
    video: str | Path,
    recordings: Recording | Sequence[Recording],
    out: str | Path,
    *,
    fps: float | None = None,
    slow: float = 1.0,
    counts_from: int | None = None,
    annotation: Annotation | None = None,
    progress: bool = True,
) -> Path:
    """Write the video with all people of `recordings` drawn over it, and return its path.

    Each person's tag gives the mean confidence and the torso's lean in degrees (0 upright, +90 head to the right of
    the screen, 180 upside down). If the recording's history has a `follow` step, the tag also gives the rotation of the
    crop and the number of estimates with its reason; the box is rotated alike. The corner gives the frame number of the
    recording and the seconds; it is red where no person is seen.

    Args:
        video: the file that the recordings were made from.
        recordings: one person or several, in pixels; several have a colour each.
        out: ends in .mp4, or .gif: at most 480 pixels and 15 frames a second.
        fps: frames a second as filmed; by default that of the recordings, else of the file.
        slow: factor of slow motion; 2 = half as fast as filmed.
        counts_from: the recordings' number of the video's first frame. By default 0 for recordings with an estimator,
            image size or history, and 1 for other trees of CSVs (OpenPose), unless they have a frame 0.
        annotation: a classifier's output about the one person drawn: probabilities for the upper left corner, and a
            strip below the picture.
        progress: show a progress bar.

    Raises:
        FileNotFoundError: no such video.
        ValueError: recordings that are not in pixels, of another picture size, or longer than the video;
            `out` with another suffix, or the video itself; `slow` is not above 0; `annotation` with several people, or
            with shapes that do not fit.
        OSError: the file could not be written.
    """
    if not 0 < slow < np.inf:
        raise ValueError(f"`slow` must be above 0 (2 = half as fast), got {slow}.")
    out = Path(out)
    if out.resolve() == Path(video).resolve():
        raise ValueError(f"{out} is the video itself. Fix: write to another file.")
    recordings = [recordings] if isinstance(recordings, Recording) else list(recordings)
    annotation = Annotation() if annotation is None else per_frame(annotation, recordings)
    with read_frames(video, fps=fps) as frames:
        alignment = align(recordings, frames, counts_from=counts_from, fps=fps)
        stride, zoom = 1, 1.0
        if out.suffix.lower() == ".gif":
            stride = int(np.ceil(alignment.rate / slow / _GIF_FPS))
            zoom = min(1.0, _GIF_SIDE / max(frames.image_size))
        width, height = (max(1, round(zoom * side)) for side in frames.image_size)
        people = _people(recordings, alignment.first, zoom)
        strip = annotation.draw_strip((width, height))
        size = (width, height + (0 if strip is None else len(strip)))
        with write_frames(out, fps=alignment.rate / slow / stride, size=size) as written:
            for number, frame in enumerate(with_progress_bar(frames, progress, out.name)):
                if number % stride:
                    continue
                picture = _draw_people(_resize(frame, (width, height)), number, people, zoom)
                row = people[0].row(number)
                lines = annotation.probability_lines(row)
                lines.append(f"frame {number + alignment.first}   {alignment.seconds(number):.2f} s")
                unseen = all(person.seen_row(number) is None for person in people)
                _draw_caption(picture, "\n".join(lines), unseen)
                if strip is not None:
                    position = None if row is None else (row + 0.5) / len(recordings[0])
                    picture = append_strip(picture, strip, position)
                written.write(picture)
            alignment.check_length(number + 1)
    return out


@dataclass(frozen=True)
class _DrawnPerson:
    """A person with everything drawn of them, computed once."""

    recording: Recording
    offset: int  # index of the recording's first frame in the video
    tags: Sequence[str]  # (frames,) text beside the person
    crop_angles: Sequence[float]  # (frames,) degrees clockwise, 0 where unknown
    size: float  # median diagonal of the body, pixels of the output
    colour: str | None  # `#rrggbb`, None where only one person is drawn

    def row(self, number: int) -> int | None:
        """Return the recording's row of a frame of the video; None outside the recording."""
        row = number - self.offset
        return row if 0 <= row < len(self.recording) else None

    def seen_row(self, number: int) -> int | None:
        """Return the recording's row of a frame of the video; None where the person is unseen."""
        row = self.row(number)
        return row if row is not None and self.recording.seen[row].any() else None


def _follow_lists(recording: Recording) -> tuple[list[float], list[int], list[str]]:
    """Return crop angle (degrees clockwise), number of estimates and its reason for each frame.

    They are those of the last step `follow` in the history; 0, 1 and "" where there is none of this length.
    """
    frames = len(recording)
    for entry in reversed(recording.history):
        if entry["step"] == "follow":
            lists = [entry.get(key) for key in ("angle", "estimates", "why")]
            if all(isinstance(values, (list, tuple)) and len(values) == frames for values in lists):
                angles, estimates, reasons = lists
                return [angle or 0.0 for angle in angles], list(estimates), list(reasons)
    return [0.0] * frames, [1] * frames, [""] * frames


def _tag(confidence: float, lean: float, angle: float, estimates: int, reason: str) -> str:
    """Return the text beside a person: confidence and lean; below them a turned crop and repeated estimates."""
    words = ["filled in" if np.isnan(confidence) else f"confidence {confidence:.2f}"]
    words += [f"torso {lean:+.0f}°"] if np.isfinite(lean) else []
    below = [f"crop turned {angle:+.0f}°"] if round(angle) else []
    if reason or estimates > 1:
        below.append(f"{estimates} estimate{'s' if estimates > 1 else ''}{': ' if reason else ''}{reason}")
    return "\n".join(filter(None, ["   ".join(words), "   ".join(below)]))


def _people(recordings: Sequence[Recording], first: int, zoom: float) -> list[_DrawnPerson]:
    people = []
    for number, recording in enumerate(recordings):
        angles, estimates, reasons = _follow_lists(recording)
        leans = torso_lean(recording.xy, recording.skeleton)
        tags = list(map(_tag, mean_confidence(recording), leans, angles, estimates, reasons))
        colour = None
        if len(recordings) > 1:
            colour = PERSON_COLOURS[number % len(PERSON_COLOURS)]
            tags = [f"person {recording.person}: {tag}" for tag in tags]
        xy = recording.xy[recording.seen.any(axis=1)]
        spans = np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)  # (frames, 2) of the box around the body
        size = zoom * float(np.median(np.linalg.norm(spans, axis=1))) if len(xy) else float("nan")
        people.append(_DrawnPerson(recording, recording.first_frame - first, tags, angles, size, colour))
    return people


def _draw_people(frame: np.ndarray, number: int, people: Sequence[_DrawnPerson], zoom: float) -> np.ndarray:
    """Return the frame with all people seen in it; the first one lies on top."""
    for person in reversed(people):
        row = person.seen_row(number)
        if row is not None:
            pose = person.recording.keypoints[row] * np.array([zoom, zoom, 1], np.float32)
            frame = draw_pose(
                frame,
                pose,
                person.recording.skeleton,
                tag=person.tags[row],
                box_angle=person.crop_angles[row],
                colour=person.colour,
                size=person.size,
            )
    return frame


def _draw_caption(frame: np.ndarray, text: str, unseen: bool) -> None:
    """Draw text into the corner; on red, with the word "unseen", where no person is seen."""
    text, plate = (f"{text}   unseen", RED) if unseen else (text, DARK)
    draw_text(frame, text, (0, 0), height=text_height(frame), plate=plate)


def _resize(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    import cv2

    return frame if frame.shape[1::-1] == size else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def with_progress_bar(frames: Frames, progress: bool, name: str) -> Iterable[np.ndarray]:
    """Return the frames, with a progress bar if `progress`."""
    from tqdm import tqdm

    return tqdm(frames, total=frames.count, desc=name, unit="frame", leave=False, disable=not progress)
