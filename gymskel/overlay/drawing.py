"""A pose over a picture: limbs, joints, box, the torso's line and small text, as arrays in and out.

Right is orange, left is blue, the middle of the body is white, each with a dark edge: told apart by whoever sees
no red or no green, on bright and on dark mats. Widths and letters follow the size of body and picture.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.overlay.alignment import torso_of
from gymskel.skeleton import BODY_25, Skeleton

SIDES = {"right": "#FF7A1F", "left": "#3FB0FF", "middle": "#FFFFFF"}
"""Colours of the body's sides, brighter than those on paper."""
PEOPLE = ("#F0E442", "#2EDB9A", "#F08CC8", "#B9A5FF", "#C9A26B", "#8FE3F5")
"""Colours of people, where a picture shows several: their box, their tag, the edge of their limbs."""
DARK, LIGHT, RED = "#141414", "#FFFFFF", "#E5383B"
_LEVELS = ((0.3, 0.45), (0.6, 0.75), (np.inf, 1.0))  # confidence below -> opacity
_SHIFT = 4  # OpenCV draws at sixteenths of a pixel
_FAR = 1e5  # pixels; further out its integers overflow


def draw_pose(
    frame: np.ndarray,
    pose: np.ndarray,
    skeleton: Skeleton = BODY_25,
    *,
    tag: str = "",
    turned: float | None = None,
    colour: str | None = None,
    box: bool = True,
    size: float | None = None,
) -> np.ndarray:
    """The picture with one person drawn over it, as a new array.

    The surer a joint, the larger and the less transparent; hollow joints were filled in (confidence 0), unseen
    ones are not drawn. A thin line runs along the torso, on past the head.

    Args:
        frame: (height, width, 3) uint8, BGR.
        pose: (joints, 3), x and y in pixels, confidence; unseen = NaN, NaN, 0.
        skeleton: the layout of the joints.
        tag: lines of text beside the box.
        turned: degrees clockwise by which the box is turned, such as the crop in which the person was found.
        colour: `#rrggbb` of box, tag and edges, to tell people apart; by default white, and dark edges.
        box: whether to draw the box.
        size: length in pixels that the width of the lines goes by; by default the diagonal of the body.

    Returns:
        (height, width, 3) uint8, BGR; without a seen joint a mere copy.

    Raises:
        ValueError: `frame` or `pose` has another shape, or `frame` is not uint8.
    """
    frame, pose = np.asarray(frame), np.asarray(pose, float)
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(
            f"`frame` must be (height, width, 3) uint8, got {frame.shape} {frame.dtype}. "
            "Grey pictures: cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)."
        )
    if pose.shape != (len(skeleton), 3):
        raise ValueError(f"`pose` must be ({len(skeleton)}, 3) for {skeleton.name}, got {pose.shape}.")
    drawn = np.array(frame, order="C")
    seen = np.isfinite(pose[:, 0])
    if not seen.any():
        return drawn
    pose = np.column_stack([np.clip(pose[:, :2], -_FAR, _FAR), pose[:, 2]])
    corners = box_around(pose[:, :2], turned or 0.0)
    width = line_width(size or float(np.linalg.norm(np.ptp(pose[seen, :2], axis=0))), frame)
    if box:
        _draw_box(drawn, corners, colour or LIGHT, max(1, round(0.3 * width)))
    _draw_torso(drawn, pose, skeleton, width)
    _draw_body(drawn, pose, skeleton, colour or DARK, width)
    if tag:
        _draw_tag(drawn, tag, corners, colour)
    return drawn


def line_width(size: float, frame: np.ndarray) -> float:
    """Pixels: what suits a body of that size, within what is legible in a picture of this size."""
    side = min(frame.shape[:2])
    return float(np.clip(size / 60, max(1.5, side / 300), max(2.5, side / 90)))


def text_height(frame: np.ndarray) -> int:
    """Pixels of a letter's line that is small and legible in a picture of this size."""
    return round(max(11, 0.026 * min(frame.shape[:2])))


def box_around(xy: np.ndarray, turned: float = 0.0) -> np.ndarray:
    """The corners (4, 2) of the box around the seen points (joints, 2), turned by degrees clockwise.

    They go round from the top left of the turned box; the margin is a twelfth of its longer side.

    >>> box_around(np.array([[0, 0], [24., 12]]))
    array([[-2., -2.],
           [26., -2.],
           [26., 14.],
           [-2., 14.]])
    """
    angle = np.radians(turned)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # row vectors
    own = xy[np.isfinite(xy[:, 0])] @ turn.T
    low, high = own.min(axis=0), own.max(axis=0)
    low, high = low - (high - low).max() / 12, high + (high - low).max() / 12
    return np.array([low, (high[0], low[1]), high, (low[0], high[1])]) @ turn


# --- body -------------------------------------------------------------------------------------------------


def _draw_body(frame: np.ndarray, pose: np.ndarray, skeleton: Skeleton, edge: str, width: float) -> None:
    """Limbs and joints, the unsure ones first and seen through."""
    import cv2

    corner, part = _around(frame, pose, 3 * width)
    if not part.size:
        return
    xy = pose[:, :2] - corner
    limbs, joints = list(_limbs(pose, skeleton)), list(_joints(pose, skeleton))
    for level in range(len(_LEVELS)):
        own_limbs = [limb[1:] for limb in limbs if limb[0] == level]
        own_joints = [joint[1:] for joint in joints if joint[0] == level]
        if not own_limbs and not own_joints:
            continue
        opacity = _LEVELS[level][1]
        layer = part if opacity == 1 else part.copy()
        for more, plain in ((0.45, False), (0.0, True)):  # all edges lie below all colours
            for a, b, side, thin in own_limbs:
                thickness = max(1, round(width * thin + 2 * more * width))
                _line(layer, xy[a], xy[b], SIDES[side] if plain else edge, thickness)
        for row, side, radius in own_joints:
            _joint(layer, xy[row], pose[row, 2], radius * width, SIDES[side], edge)
        if layer is not part:
            cv2.addWeighted(layer, opacity, part, 1 - opacity, 0, dst=part)


def _around(frame: np.ndarray, pose: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """The top left corner of the part of the picture around the pose, and a view of that part."""
    low = np.nanmin(pose[:, :2], axis=0) - margin
    high = np.nanmax(pose[:, :2], axis=0) + margin + 1
    bounds = np.array(frame.shape[1::-1])
    left, top = np.clip(low, 0, bounds).astype(int)
    right, bottom = np.clip(high, 0, bounds).astype(int)
    return np.array([left, top]), frame[top:bottom, left:right]


def _limbs(pose: np.ndarray, skeleton: Skeleton) -> Iterator[tuple[int, int, int, str, float]]:
    """(level, joint, joint, side, relative width) of the limbs with two seen ends."""
    sides, main = skeleton.sides, _main(skeleton)
    for pair in skeleton.limbs:
        a, b = skeleton.indices(pair)
        if np.isfinite(pose[[a, b], 0]).all():
            both = {sides[a], sides[b]} - {"middle"}
            thin = 1.0 if main[a] and main[b] else 0.6
            yield _level(min(pose[a, 2], pose[b, 2])), a, b, both.pop() if len(both) == 1 else "middle", thin


def _joints(pose: np.ndarray, skeleton: Skeleton) -> Iterator[tuple[int, int, str, float]]:
    """(level, joint, side, relative radius) of the seen joints; filled-in ones are clear, as they are hollow."""
    sides, main = skeleton.sides, _main(skeleton)
    for row in np.flatnonzero(np.isfinite(pose[:, 0])):
        confidence = pose[row, 2]
        radius = (0.65 + 0.45 * min(confidence, 1) if confidence else 1.0) * (1 if main[row] else 0.55)
        yield (_level(confidence) if confidence else len(_LEVELS) - 1), row, sides[row], radius


def _main(skeleton: Skeleton) -> list[bool]:
    """Whether each joint belongs to the body's parts; face and feet do not, and are drawn finer."""
    named = {joint for joints in skeleton.parts.values() for joint in joints}
    return [joint in named or not named or joint in ("Neck", "MidHip") for joint in skeleton.joints]


def _level(confidence: float) -> int:
    return next(level for level, (below, _) in enumerate(_LEVELS) if confidence < below)


def _joint(
    frame: np.ndarray, at: np.ndarray, confidence: float, radius: float, colour: str, edge: str
) -> None:
    draw_disc(frame, at, radius + max(0.8, 0.3 * radius), edge)
    draw_disc(frame, at, radius, colour)
    if confidence == 0:
        draw_disc(frame, at, 0.6 * radius, DARK)


def _draw_torso(frame: np.ndarray, pose: np.ndarray, skeleton: Skeleton, width: float) -> None:
    """A thin line from below the hips through the neck to above the head."""
    hips, neck = torso_of(pose[:, :2], skeleton)
    if np.isfinite([hips, neck]).all():
        start, end = hips - 0.2 * (neck - hips), neck + 0.6 * (neck - hips)
        thickness = max(1, round(0.25 * width))
        _line(frame, start, end, DARK, thickness + 2)
        _line(frame, start, end, LIGHT, thickness)


def _draw_box(frame: np.ndarray, corners: np.ndarray, colour: str, thickness: int) -> None:
    corners = np.floor(corners) + 0.5  # the middle of a pixel: a thin line is not smeared over two
    for more, paint in ((2, DARK), (0, colour)):
        for number in range(4):
            _line(frame, corners[number], corners[(number + 1) % 4], paint, thickness + more)


def _draw_tag(frame: np.ndarray, tag: str, corners: np.ndarray, colour: str | None) -> None:
    """The tag above the box, or below it where there is no room."""
    height = text_height(frame)
    gap = 0.3 * height
    low, high = corners.min(axis=0), corners.max(axis=0)
    tall = text_mask(tag, height).shape[0]
    top = low[1] - tall - gap if low[1] - tall - gap >= 0 else high[1] + gap
    draw_text(
        frame, tag, (low[0], top), height=height, plate=colour or DARK, colour=DARK if colour else LIGHT
    )


def _line(frame: np.ndarray, a: np.ndarray, b: np.ndarray, colour: str, thickness: int) -> None:
    import cv2

    ends = (_fine(point) for point in (a, b))
    cv2.line(frame, *ends, bgr(colour), thickness, cv2.LINE_AA, _SHIFT)


def draw_disc(frame: np.ndarray, at: np.ndarray, radius: float, colour: str) -> None:
    """Draws into `frame`: a disc around (x, y), radius in pixels."""
    import cv2

    cv2.circle(frame, _fine(at), round(radius * 2**_SHIFT), bgr(colour), -1, cv2.LINE_AA, _SHIFT)


def _fine(point: np.ndarray) -> tuple[int, int]:
    # keypoints count from a pixel's corner, OpenCV from its middle
    x, y = np.round((np.clip(point, -_FAR, _FAR) - 0.5) * 2**_SHIFT).astype(int).tolist()
    return x, y


@functools.cache
def bgr(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as OpenCV wants it.

    >>> bgr("#FF7A1F")
    (31, 122, 255)
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return blue, green, red


# --- text -------------------------------------------------------------------------------------------------


def draw_text(
    frame: np.ndarray,
    text: str,
    place: Any,
    *,
    height: int,
    colour: str = LIGHT,
    plate: str | None = DARK,
    bold: bool = False,
) -> None:
    """Writes into `frame`: text on a plate that is seen through, its top left corner at `place`, moved inside."""
    mask = text_mask(text, height, bold)
    bounds = np.array(frame.shape[1::-1])
    tall, wide = mask.shape
    left, top = np.clip(np.round(place).astype(int), 0, np.maximum(bounds - (wide, tall), 0))
    part = frame[top : top + tall, left : left + wide]
    mask = mask[: part.shape[0], : part.shape[1]]
    under = part.astype(np.float32)
    if plate:
        under += (np.array(bgr(plate), np.float32) - under) * 0.72
    part[:] = under + (np.array(bgr(colour), np.float32) - under) * mask[..., None] + 0.5


@functools.lru_cache(maxsize=256)
def text_mask(text: str, height: int, bold: bool = False) -> np.ndarray:
    """(pixels, pixels) float32 in 0..1: the letters with a narrow margin; `height` is that of one line."""
    from PIL import Image, ImageDraw

    font, margin, step = _font(height, bold), round(0.28 * height), round(1.3 * height)
    lines = text.split("\n")
    image = Image.new(
        "L", (round(max(map(font.getlength, lines))) + 2 * margin, len(lines) * step + margin // 2)
    )
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((margin, margin // 4 + number * step), line, fill=255, font=font)
    return np.asarray(image, np.float32) / 255


@functools.lru_cache(maxsize=16)
def _font(height: int, bold: bool) -> Any:
    """DejaVu Sans, which comes with matplotlib: its digits are all as wide, and it has most alphabets."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), height)
