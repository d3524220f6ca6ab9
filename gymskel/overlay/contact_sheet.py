"""A contact sheet: one recording at a glance, the athlete at some moments, and how sure each frame is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gymskel.overlay.alignment import check_fit, check_length, first_number, frame_rate, seconds_of, torso_of
from gymskel.overlay.drawing import (
    LIGHT,
    RED,
    SIDES,
    bgr,
    box_around,
    draw_disc,
    draw_pose,
    draw_text,
    text_mask,
)
from gymskel.overlay.time_plot import draw_strip
from gymskel.recording import Recording
from gymskel.video import read_frames, whole_file

WIDTH = 1600
"""Pixels of a sheet from left to right."""
_MARGIN, _GAP, _CAPTION, _HEAD, _STRIP = 28, 10, 30, 88, 330
_PAPER, _INK, _GREY, _BEYOND = "#FFFFFF", "#1A1A1A", "#6B6B6B", "#E4E4E4"
_WIDE = 1.6  # width of the part with the pictures to its height, as on a screen
_TALLEST = 900  # pixels, of few pictures
_LARGEST = 1.6  # of the usual body: one wrong pose must not make all pictures small


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
    """The file written: a PNG with one person at some moments, at one scale, and a strip over the whole time.

    Below each picture stand the frame, as the recording numbers it, and the seconds; "unseen" in red where
    there is no joint. The strip shows mean confidence and the torso's lean (0 upright, 90 head to the right,
    180 upside down, on past a turn), unseen frames in red, and marks the pictures.

    Args:
        video: the file that the recording was made from.
        recording: one person, in pixels.
        out: ends in .png.
        frames: number of pictures, evenly from the first to the last frame in which the person is seen.
        seconds: only so much of it, where the body moves fastest.
        fps: frames a second as filmed; by default what the recording says, else the file.
        counts_from: as in `write_overlay`.
        progress: show how far it is.

    Raises:
        FileNotFoundError: no such video.
        ValueError: nobody is seen; a recording that is not in pixels, of another picture size, or longer than
            the video; `out` ends in something else; `frames` or `seconds` is not above 0.
    """
    from PIL import Image

    out = Path(out)
    if out.suffix.lower() != ".png":
        raise ValueError(f"{out}: a contact sheet is written as .png.")
    if frames < 1 or (seconds is not None and not seconds > 0):
        raise ValueError(f"`frames` and `seconds` must be above 0, got {frames} and {seconds}.")
    if not recording.seen.any():
        raise ValueError(
            f"{recording.name}, person {recording.person}: unseen in every frame; nothing to show."
        )
    with read_frames(video, fps=fps) as film:
        check_fit([recording], film)
        first = first_number([recording], counts_from)
        check_length([recording], film.count, first, video)
        rate = frame_rate([recording], film, fps)
        rows = _chosen(recording, frames, seconds and max(1, round(seconds * rate)))
        layout = _layout(recording, rows)
        cells = _cells(film, recording, rows, layout, first, progress)
    number = recording.first_frame - first
    times = [
        seconds_of([recording], row + number, first, rate, constant=fps is not None)
        for row in range(len(recording))
    ]
    sheet = _paste(cells, recording, rows, times, layout)
    _head(sheet, recording, rate)
    strip = draw_strip(recording, np.array(times), rows, (WIDTH - 2 * _MARGIN, _STRIP - _MARGIN))
    sheet[-_STRIP:-_MARGIN, _MARGIN:-_MARGIN] = strip
    with whole_file(out) as part:
        Image.fromarray(np.ascontiguousarray(sheet[..., ::-1])).save(part, format="PNG")
    return out


# --- which frames -----------------------------------------------------------------------------------------


def _chosen(recording: Recording, frames: int, window: int | None) -> list[int]:
    """Rows of the pictures, evenly over the part where the person is seen, or over its fastest `window`."""
    seen = np.flatnonzero(recording.seen.any(axis=1))
    low, high = int(seen[0]), int(seen[-1])
    if window is not None and window < high - low + 1:
        low += _fastest(recording.keypoints[low : high + 1], window, recording)
        high = low + window - 1
    return np.unique(np.linspace(low, high, frames).round().astype(int)).tolist()


def _fastest(keypoints: np.ndarray, window: int, recording: Recording) -> int:
    """The first of the `window` frames in which the joints go furthest.

    A step is the median over the joints, at most a torso: a jump to somebody else is no move.
    """
    steps = np.linalg.norm(np.diff(keypoints[..., :2], axis=0), axis=-1)
    some = np.isfinite(steps).any(axis=1)
    way = np.zeros(len(steps))
    way[some] = np.nanmedian(steps[some], axis=1)
    hips, neck = torso_of(recording.xy, recording.skeleton)
    torso = np.linalg.norm(neck - hips, axis=-1)
    if np.isfinite(torso).any():
        way = np.minimum(way, np.nanmedian(torso))
    return int(np.argmax(np.convolve(way, np.ones(min(window - 1, len(way)) or 1), mode="valid")))


# --- pictures ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """Where the pictures stand.

    Attributes:
        columns: pictures side by side.
        lines: pictures one above the other.
        cell: (width, height) of a picture on the sheet, pixels.
        part: (width, height) of what it shows, pixels of the video.
        centers: (rows chosen, 2) middle of what each shows, pixels of the video.
    """

    columns: int
    lines: int
    cell: tuple[int, int]
    part: tuple[float, float]
    centers: np.ndarray

    def corner(self, place: int) -> tuple[int, int]:
        """(left, top) of a picture on the sheet."""
        line, column = divmod(place, self.columns)
        width, height = self.cell
        return _MARGIN + column * (width + _GAP), _HEAD + line * (height + _CAPTION + _GAP)

    @property
    def height(self) -> int:
        """Pixels of the whole sheet from top to bottom."""
        return _HEAD + self.lines * (self.cell[1] + _CAPTION + _GAP) + _STRIP


def _layout(recording: Recording, rows: Sequence[int]) -> _Layout:
    """One scale for all pictures, and as many columns as make the sheet about as wide as a screen."""
    boxes = np.full((len(recording), 2, 2), np.nan)
    for row in np.flatnonzero(recording.seen.any(axis=1)):
        corners = box_around(recording.xy[row])
        boxes[row] = corners[0], corners[2]
    known = np.flatnonzero(np.isfinite(boxes[:, 0, 0]))
    middles = boxes.mean(axis=1)
    centers = np.stack([np.interp(rows, known, middles[known, axis]) for axis in (0, 1)], axis=1)
    spans = boxes[known, 1] - boxes[known, 0]
    chosen = np.isin(known, rows)
    largest = np.minimum(
        spans[chosen].max(axis=0) if chosen.any() else spans.max(axis=0),
        _LARGEST * np.median(spans.max(axis=1)),
    )
    wide, high = np.maximum(largest * 1.06, 8)
    wide, high = max(wide, 0.55 * high), max(high, 0.55 * wide)  # no slivers
    best: tuple[float, int] = (np.inf, 1)
    for columns in range(1, len(rows) + 1):
        cell = (WIDTH - 2 * _MARGIN + _GAP) / columns - _GAP
        lines = -(-len(rows) // columns)
        height = lines * (cell * high / wide + _CAPTION + _GAP)
        empty = (columns * lines - len(rows)) / len(rows)
        best = min(best, (abs(np.log(WIDTH / height / _WIDE)) + empty, columns))
    columns = best[1]
    cell = min((WIDTH - 2 * _MARGIN + _GAP) // columns - _GAP, int(_TALLEST * wide / high))
    return _Layout(
        columns, -(-len(rows) // columns), (cell, round(cell * high / wide)), (wide, high), centers
    )


def _cells(
    film, recording: Recording, rows: Sequence[int], layout: _Layout, first: int, progress: bool
) -> list[np.ndarray]:
    """The pictures, (height, width, 3) uint8 each; only these are kept of the video."""
    from tqdm import tqdm

    offset = recording.first_frame - first
    wanted = {row + offset: place for place, row in enumerate(rows)}
    cells: list[np.ndarray] = []
    count = 0
    for number, frame in enumerate(
        tqdm(film, total=film.count, desc=film.path.name, unit="frame", leave=False, disable=not progress)
    ):
        count = number + 1
        if number in wanted:
            cells.append(
                _cell(frame, recording, rows[wanted[number]], layout, layout.centers[wanted[number]])
            )
    check_length([recording], count, first, film.path)
    return cells


def _cell(
    frame: np.ndarray, recording: Recording, row: int, layout: _Layout, center: np.ndarray
) -> np.ndarray:
    """What a picture shows: cut, brought to the sheet's scale, and drawn upon."""
    import cv2

    zoom = layout.cell[0] / layout.part[0]
    corner = center - np.array(layout.part) / 2
    step = max(1, int(1 / zoom))
    if step > 1:  # each pixel stands for several: average them first
        frame = cv2.resize(frame, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    scale = zoom * step
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], float)
    matrix[:, 2] = (
        -corner * zoom + (scale - 1) / 2
    )  # keypoints count from a pixel's corner, OpenCV from its middle
    picture = cv2.warpAffine(
        frame,
        matrix,
        layout.cell,
        flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR,
        borderValue=bgr(_BEYOND),
    )
    pose = recording.keypoints[row].astype(float)
    pose[:, :2] = (pose[:, :2] - corner) * zoom
    size = 0.75 * float(np.linalg.norm(layout.cell))
    return draw_pose(picture, pose, recording.skeleton, box=False, size=size)


def _paste(
    cells: Sequence[np.ndarray],
    recording: Recording,
    rows: Sequence[int],
    times: Sequence[float],
    layout: _Layout,
) -> np.ndarray:
    """The sheet with pictures and captions."""
    sheet = np.full((layout.height, WIDTH, 3), bgr(_PAPER), np.uint8)
    width, height = layout.cell
    for place, (cell, row) in enumerate(
        zip(cells, rows, strict=False)
    ):  # another decoder may end 2 frames earlier
        left, top = layout.corner(place)
        sheet[top : top + height, left : left + width] = cell
        words = [(f"{recording.first_frame + row}", _INK, True), (f"{times[row]:.2f} s", _GREY, False)]
        words += [] if recording.seen[row].any() else [("unseen", RED, False)]
        x = left - 4
        for word, colour, bold in words:
            draw_text(sheet, word, (x, top + height + 1), height=17, colour=colour, plate=None, bold=bold)
            x += text_mask(word, 17, bold).shape[1]
    return sheet


def _head(sheet: np.ndarray, recording: Recording, rate: float) -> None:
    """Name and origin at the left, the legend at the right."""
    draw_text(sheet, recording.name, (_MARGIN - 8, 12), height=28, colour=_INK, plate=None, bold=True)
    facts = [
        recording.video or "",
        f"person {recording.person}",
        f"{len(recording)} frames at {rate:g} a second",
    ]
    facts += [recording.estimator] if recording.estimator else []
    facts += [entry["step"] for entry in recording.history if entry["step"] not in ("extract", "follow")]
    draw_text(sheet, "   ".join(filter(None, facts)), (_MARGIN - 5, 54), height=16, colour=_GREY, plate=None)
    hollow = bool((recording.seen & (recording.confidence == 0)).any())
    entries = [("left", SIDES["left"]), ("right", SIDES["right"]), ("trunk", SIDES["middle"])]
    entries += [("filled in", _GREY)] if hollow else []
    right = WIDTH - _MARGIN
    for word, colour in reversed(entries):
        right -= text_mask(word, 17).shape[1]
        draw_text(sheet, word, (right, 16), height=17, colour=_INK, plate=None)
        at = np.array([right - 8.0, 28.0])
        draw_disc(sheet, at, 9, _INK)
        draw_disc(sheet, at, 7.5, colour)
        if word == "filled in":
            draw_disc(sheet, at, 4.5, LIGHT)
        right -= 38
