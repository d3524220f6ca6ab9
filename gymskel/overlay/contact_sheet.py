"""Write a contact sheet: one athlete at some moments, and a plot over the whole recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gymskel.body_geometry import median_distance, torso_ends
from gymskel.files import replace_file
from gymskel.overlay.alignment import Alignment, align
from gymskel.overlay.drawing import RED, SIDE_COLOURS, box_around, draw_disc, draw_pose, draw_text, text_mask
from gymskel.overlay.overlay_video import with_progress_bar
from gymskel.overlay.time_plot import draw_time_plot
from gymskel.recording import Recording
from gymskel.video import Frames, read_frames

WIDTH = 1600
"""Width of a sheet, pixels."""
_MARGIN, _GAP, _CAPTION, _HEADER, _PLOT = 28, 10, 30, 88, 330  # pixels; the last three are heights
_WHITE, _INK, _GREY = "#FFFFFF", "#1A1A1A", "#6B6B6B"
_OUTSIDE = (228, 228, 228)  # beyond the edge of the video
_ASPECT = 1.6  # width to height of the part with the pictures, as on a screen
_MAX_PICTURE_HEIGHT = 900  # pixels, where there are few pictures
_MAX_BODY = 1.6  # of the median body: one wrong pose must not make all pictures small


def write_contact_sheet(
    video: str | Path,
    recording: Recording,
    out: str | Path,
    *,
    frames: int = 24,
    seconds: float | None = None,
    fps: float | None = None,
    counts_from: int | None = None,
    progress: bool = True,
) -> Path:
    """Write a PNG with one person at some moments and a plot over time, and return its path.

    All pictures have one scale. Below each stand the frame number of the recording and the seconds, and "unseen" in
    red where no joint is seen. The plot shows mean confidence and the torso's lean (0 upright, 90 head to the right,
    180 upside down, continued past a full turn). Unseen frames are red, triangles mark the pictures.

    Args:
        video: the file that the recording was made from.
        recording: one person, in pixels.
        out: ends in .png.
        frames: number of pictures, evenly from the first to the last frame in which the person is seen.
        seconds: length of the part shown, where the body moves fastest; by default all.
        fps: frames a second as filmed; by default that of the recording, else of the file.
        counts_from: as in `write_overlay`.
        progress: show a progress bar.

    Raises:
        FileNotFoundError: no such video.
        ValueError: no person is seen; a recording that is not in pixels, of another picture size, or longer than
            the video; `out` with another suffix; `frames` or `seconds` not above 0.
    """
    from PIL import Image

    out = Path(out)
    _check_arguments(recording, out, frames, seconds)
    with read_frames(video, fps=fps) as film:
        alignment = align([recording], film, counts_from=counts_from, fps=fps)
        window = None if seconds is None else max(1, round(seconds * alignment.rate))
        rows = _select_rows(recording, frames, window)
        layout = _arrange(recording, rows)
        pictures = _draw_pictures(film, alignment, rows, layout, progress)
    offset = recording.first_frame - alignment.first
    times = [alignment.seconds(row + offset) for row in range(len(recording))]
    sheet = _paste(pictures, recording, rows, times, layout)
    _draw_header(sheet, recording, alignment.rate)
    plot = draw_time_plot(recording, np.array(times), rows, (WIDTH - 2 * _MARGIN, _PLOT - _MARGIN))
    sheet[-_PLOT:-_MARGIN, _MARGIN:-_MARGIN] = plot
    with replace_file(out) as part:
        Image.fromarray(np.ascontiguousarray(sheet[..., ::-1])).save(part, format="PNG")
    return out


def _check_arguments(recording: Recording, out: Path, frames: int, seconds: float | None) -> None:
    if out.suffix.lower() != ".png":
        raise ValueError(f"{out}: a contact sheet is written as .png.")
    if frames < 1 or (seconds is not None and not seconds > 0):
        raise ValueError(f"`frames` and `seconds` must be above 0, got {frames} and {seconds}.")
    if not recording.seen.any():
        raise ValueError(f"{recording.name}, person {recording.person}: unseen in every frame.")


def _select_rows(recording: Recording, frames: int, window: int | None) -> list[int]:
    """Return the rows to show, evenly over the part where the person is seen, or over its fastest `window` rows."""
    seen = np.flatnonzero(recording.seen.any(axis=1))
    start, end = int(seen[0]), int(seen[-1])
    if window is not None and window < end - start + 1:
        start += _fastest_window(recording.keypoints[start : end + 1], window, recording)
        end = start + window - 1
    return np.unique(np.linspace(start, end, frames).round().astype(int)).tolist()


def _fastest_window(keypoints: np.ndarray, window: int, recording: Recording) -> int:
    """Return the first of the `window` consecutive frames in which the joints travel furthest.

    The travel between two frames is the median over the joints, at most a torso length: a jump to another person is
    no movement.
    """
    distances = np.linalg.norm(np.diff(keypoints[..., :2], axis=0), axis=-1)
    known = np.isfinite(distances).any(axis=1)
    travel = np.zeros(len(distances))
    travel[known] = np.nanmedian(distances[known], axis=1)
    torso = median_distance(*torso_ends(recording.xy, recording.skeleton))
    if not np.isnan(torso):
        travel = np.minimum(travel, torso)
    return int(np.argmax(np.convolve(travel, np.ones(min(window - 1, len(travel)) or 1), mode="valid")))


@dataclass(frozen=True)
class _Layout:
    """Grid of the pictures on the sheet, and the part of the video that each shows."""

    columns: int
    lines: int
    cell: tuple[int, int]  # (width, height) of a picture on the sheet, pixels
    part: tuple[float, float]  # (width, height) of the part of the video it shows, pixels of the video
    centers: np.ndarray  # (pictures, 2) of that part, pixels of the video

    def corner(self, place: int) -> tuple[int, int]:
        """Return (left, top) of a picture on the sheet."""
        line, column = divmod(place, self.columns)
        width, height = self.cell
        return _MARGIN + column * (width + _GAP), _HEADER + line * (height + _CAPTION + _GAP)

    @property
    def height(self) -> int:
        """Height of the whole sheet in pixels."""
        return _HEADER + self.lines * (self.cell[1] + _CAPTION + _GAP) + _PLOT


def _arrange(recording: Recording, rows: Sequence[int]) -> _Layout:
    """Return the layout: one scale for all pictures, and a sheet about as wide as a screen."""
    boxes = np.full((len(recording), 2, 2), np.nan)
    for row in np.flatnonzero(recording.seen.any(axis=1)):
        corners = box_around(recording.xy[row])
        boxes[row] = corners[0], corners[2]
    known = np.flatnonzero(np.isfinite(boxes[:, 0, 0]))
    middles = boxes.mean(axis=1)
    centers = np.stack([np.interp(rows, known, middles[known, axis]) for axis in (0, 1)], axis=1)
    spans = boxes[known, 1] - boxes[known, 0]
    shown = np.isin(known, rows)
    largest = np.minimum(
        spans[shown].max(axis=0) if shown.any() else spans.max(axis=0),
        _MAX_BODY * np.median(spans.max(axis=1)),
    )
    width, height = np.maximum(largest * 1.06, 8)
    width, height = max(width, 0.55 * height), max(height, 0.55 * width)  # no slivers
    columns = _number_of_columns(len(rows), height / width)
    cell = min((WIDTH - 2 * _MARGIN + _GAP) // columns - _GAP, int(_MAX_PICTURE_HEIGHT * width / height))
    lines = -(-len(rows) // columns)
    return _Layout(columns, lines, (cell, round(cell * height / width)), (width, height), centers)


def _number_of_columns(pictures: int, height_to_width: float) -> int:
    """Return the number of columns whose grid comes nearest to `_ASPECT` with few empty places."""
    columns = np.arange(1, pictures + 1)
    cells = (WIDTH - 2 * _MARGIN + _GAP) / columns - _GAP
    lines = -(-pictures // columns)
    heights = lines * (cells * height_to_width + _CAPTION + _GAP)
    empty = (columns * lines - pictures) / pictures
    return int(columns[np.argmin(abs(np.log(WIDTH / heights / _ASPECT)) + empty)])


def _draw_pictures(
    film: Frames, alignment: Alignment, rows: Sequence[int], layout: _Layout, progress: bool
) -> list[np.ndarray]:
    """Return the pictures, (height, width, 3) uint8 each, reading the whole video once."""
    (recording,) = alignment.recordings
    offset = recording.first_frame - alignment.first
    center_of = {row + offset: center for row, center in zip(rows, layout.centers, strict=True)}
    pictures: list[np.ndarray] = []
    for number, frame in enumerate(with_progress_bar(film, progress, film.path.name)):
        if number in center_of:
            pictures.append(_draw_picture(frame, recording, number - offset, layout, center_of[number]))
    alignment.check_length(number + 1)
    return pictures


def _draw_picture(
    frame: np.ndarray, recording: Recording, row: int, layout: _Layout, center: np.ndarray
) -> np.ndarray:
    """Return the part of the frame around `center`, at the sheet's scale, with the pose drawn over it."""
    import cv2

    zoom = layout.cell[0] / layout.part[0]
    corner = center - np.array(layout.part) / 2
    step = max(1, int(1 / zoom))
    if step > 1:  # each pixel of the sheet stands for several: average them first
        frame = cv2.resize(frame, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    scale = zoom * step
    # keypoints count from a pixel's corner, OpenCV from its middle
    shift = -corner * zoom + (scale - 1) / 2
    picture = cv2.warpAffine(
        frame,
        np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], float),
        layout.cell,
        flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR,
        borderValue=_OUTSIDE,
    )
    pose = recording.keypoints[row].astype(float)
    pose[:, :2] = (pose[:, :2] - corner) * zoom
    size = 0.75 * float(np.linalg.norm(layout.cell))
    return draw_pose(picture, pose, recording.skeleton, box=False, size=size)


def _paste(
    pictures: list[np.ndarray], recording: Recording, rows: list[int], times: list[float], layout: _Layout
) -> np.ndarray:
    """Return the sheet with pictures and captions, without header and plot."""
    sheet = np.full((layout.height, WIDTH, 3), 255, np.uint8)
    width, height = layout.cell
    # another decoder may end 2 frames earlier: then the last pictures are missing
    for place, (picture, row) in enumerate(zip(pictures, rows, strict=False)):
        left, top = layout.corner(place)
        sheet[top : top + height, left : left + width] = picture
        words = [(f"{recording.first_frame + row}", _INK, True), (f"{times[row]:.2f} s", _GREY, False)]
        words += [] if recording.seen[row].any() else [("unseen", RED, False)]
        x = left - 4
        for word, colour, bold in words:
            draw_text(sheet, word, (x, top + height + 1), height=17, colour=colour, plate=None, bold=bold)
            x += text_mask(word, 17, bold).shape[1]
    return sheet


def _draw_header(sheet: np.ndarray, recording: Recording, rate: float) -> None:
    """Draw name and origin at the left of the header, the legend at the right."""
    draw_text(sheet, recording.name, (_MARGIN - 8, 12), height=28, colour=_INK, plate=None, bold=True)
    origin = [
        recording.video or "",
        f"person {recording.person}",
        f"{len(recording)} frames at {rate:g} a second",
        recording.estimator or "",
        *(entry["step"] for entry in recording.history if entry["step"] not in ("extract", "follow")),
    ]
    draw_text(sheet, "   ".join(filter(None, origin)), (_MARGIN - 5, 54), height=16, colour=_GREY, plate=None)
    entries = [
        ("trunk" if side == "middle" else side, SIDE_COLOURS[side]) for side in ("left", "right", "middle")
    ]
    if (recording.seen & (recording.confidence == 0)).any():
        entries.append(("filled in", _GREY))
    right = WIDTH - _MARGIN
    for word, colour in reversed(entries):
        right -= text_mask(word, 17).shape[1]
        draw_text(sheet, word, (right, 16), height=17, colour=_INK, plate=None)
        center = np.array([right - 8.0, 28.0])
        draw_disc(sheet, center, 9, _INK)
        draw_disc(sheet, center, 7.5, colour)
        if word == "filled in":
            draw_disc(sheet, center, 4.5, _WHITE)
        right -= 38
