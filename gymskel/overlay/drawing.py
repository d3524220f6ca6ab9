"""Draw a pose over a picture: limbs, joints, box, the torso's line and small text.

Right is orange, left is blue, the middle of the body is white, each with a dark edge. Colour-blind readers can
distinguish them on bright and on dark mats. Line widths and letters follow the size of body and picture.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gymskel.body_geometry import torso_ends
from gymskel.skeleton import BODY_25, Skeleton

if TYPE_CHECKING:
    from PIL import ImageFont

SIDE_COLOURS = {"right": "#FF7A1F", "left": "#3FB0FF", "middle": "#FFFFFF"}
"""Colours of the body's sides; plots on white use darker ones."""
PERSON_COLOURS = ("#F0E442", "#2EDB9A", "#F08CC8", "#B9A5FF", "#C9A26B", "#8FE3F5")
"""Colours of box, tag and limb edges, one per person, where a picture shows several people."""
DARK, LIGHT, RED = "#141414", "#FFFFFF", "#E5383B"
_OPACITIES = ((0.3, 0.45), (0.6, 0.75), (np.inf, 1.0))  # (confidence below, opacity in 0..1)
_SUBPIXEL_BITS = 4  # OpenCV draws at sixteenths of a pixel
_PLATE_OPACITY = 0.72
_MAX_COORDINATE = 1e5  # pixels; OpenCV's integers overflow further out


def draw_pose(
    frame: np.ndarray,
    pose: np.ndarray,
    skeleton: Skeleton = BODY_25,
    *,
    tag: str = "",
    box_angle: float = 0.0,
    colour: str | None = None,
    box: bool = True,
    size: float | None = None,
) -> np.ndarray:
    """Return a copy of the picture with one person drawn over it.

    Joints grow and become opaque with their confidence. Hollow joints were filled in (confidence 0); unseen ones are
    not drawn. A thin line runs along the torso and past the head.

    Args:
        frame: (height, width, 3) uint8, BGR.
        pose: (joints, 3), x and y in pixels, confidence; unseen = NaN, NaN, 0.
        skeleton: the layout of the joints.
        tag: lines of text beside the box.
        box_angle: rotation of the box in degrees clockwise, such as that of the crop the person was found in.
        colour: `#rrggbb` of box, tag and edges, one per person; by default a white box and dark edges.
        box: draw the box.
        size: length in pixels that sets the width of the lines; by default the diagonal of the body.

    Returns:
        (height, width, 3) uint8, BGR; an unchanged copy where no joint is seen.

    Raises:
        ValueError: `frame` or `pose` has another shape, or `frame` is not uint8.
    """
    frame, pose = np.asarray(frame), np.asarray(pose, float)
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(
            f"`frame` must be (height, width, 3) uint8, got {frame.shape} {frame.dtype}. "
            "Fix for grey pictures: cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)."
        )
    if pose.shape != (len(skeleton), 3):
        raise ValueError(f"`pose` must be ({len(skeleton)}, 3) for {skeleton.name}, got {pose.shape}.")
    drawn = np.array(frame, order="C")
    seen = np.isfinite(pose[:, 0])
    if not seen.any():
        return drawn
    pose = np.column_stack([np.clip(pose[:, :2], -_MAX_COORDINATE, _MAX_COORDINATE), pose[:, 2]])
    corners = box_around(pose[:, :2], box_angle)
    width = line_width(size or float(np.linalg.norm(np.ptp(pose[seen, :2], axis=0))), frame)
    if box:
        _draw_box(drawn, corners, colour or LIGHT, max(1, round(0.3 * width)))
    _draw_torso(drawn, pose, skeleton, width)
    _draw_body(drawn, pose, skeleton, colour or DARK, width)
    if tag:
        _draw_tag(drawn, tag, corners, colour)
    return drawn


def line_width(size: float, frame: np.ndarray) -> float:
    """Return the line width in pixels for a body of this size, kept within legible bounds for the picture."""
    side = min(frame.shape[:2])
    return float(np.clip(size / 60, max(1.5, side / 300), max(2.5, side / 90)))


def text_height(frame: np.ndarray) -> int:
    """Return the height of a line of small legible text for this picture, in pixels."""
    return round(max(11, 0.026 * min(frame.shape[:2])))


def box_around(xy: np.ndarray, angle: float = 0.0) -> np.ndarray:
    """Return the corners (4, 2) of the box around the seen points (joints, 2), rotated by `angle` degrees clockwise.

    The corners run clockwise from the top left of the rotated box. The margin is a twelfth of its longer side.

    >>> box_around(np.array([[0, 0], [24., 12]]))
    array([[-2., -2.],
           [26., -2.],
           [26., 14.],
           [-2., 14.]])
    """
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    rotation = np.array([[cos, sin], [-sin, cos]])  # of row vectors
    rotated = xy[np.isfinite(xy[:, 0])] @ rotation.T
    low, high = rotated.min(axis=0), rotated.max(axis=0)
    low, high = low - (high - low).max() / 12, high + (high - low).max() / 12
    return np.array([low, (high[0], low[1]), high, (low[0], high[1])]) @ rotation


def _draw_body(frame: np.ndarray, pose: np.ndarray, skeleton: Skeleton, edge: str, width: float) -> None:
    """Draw limbs and joints into `frame`; those of low confidence first and half transparent."""
    import cv2

    corner, part = _region_around(frame, pose, 3 * width)
    if not part.size:
        return
    xy = pose[:, :2] - corner
    limbs, joints = list(_limbs(pose, skeleton)), list(_joints(pose, skeleton))
    for level, (_, opacity) in enumerate(_OPACITIES):
        level_limbs = [limb[1:] for limb in limbs if limb[0] == level]
        level_joints = [joint[1:] for joint in joints if joint[0] == level]
        if not level_limbs and not level_joints:
            continue
        layer = part if opacity == 1 else part.copy()
        for edge_width, is_edge in ((0.45, True), (0.0, False)):  # all edges lie below all colours
            for a, b, side, relative_width in level_limbs:
                thickness = max(1, round(width * relative_width + 2 * edge_width * width))
                _draw_line(layer, xy[a], xy[b], edge if is_edge else SIDE_COLOURS[side], thickness)
        for row, side, radius in level_joints:
            size = radius * width
            draw_disc(layer, xy[row], size + max(0.8, 0.3 * size), edge)
            draw_disc(layer, xy[row], size, SIDE_COLOURS[side])
            if pose[row, 2] == 0:  # filled in, not seen
                draw_disc(layer, xy[row], 0.6 * size, DARK)
        if layer is not part:
            cv2.addWeighted(layer, opacity, part, 1 - opacity, 0, dst=part)


def _region_around(frame: np.ndarray, pose: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the top left corner (x, y) of the region around the pose, and a view of that region."""
    low = np.nanmin(pose[:, :2], axis=0) - margin
    high = np.nanmax(pose[:, :2], axis=0) + margin + 1
    bounds = np.array(frame.shape[1::-1])
    (left, top), (right, bottom) = np.clip([low, high], 0, bounds).astype(int)
    return np.array([left, top]), frame[top:bottom, left:right]


def _limbs(pose: np.ndarray, skeleton: Skeleton) -> Iterator[tuple[int, int, int, str, float]]:
    """Yield (opacity level, joint, joint, side, relative width) of the limbs with two seen ends."""
    sides, main = skeleton.sides, _is_main(skeleton)
    for pair in skeleton.limbs:
        a, b = skeleton.indices(pair)
        if np.isfinite(pose[[a, b], 0]).all():
            both = {sides[a], sides[b]} - {"middle"}
            relative_width = 1.0 if main[a] and main[b] else 0.6
            side = both.pop() if len(both) == 1 else "middle"
            yield _opacity_level(min(pose[a, 2], pose[b, 2])), a, b, side, relative_width


def _joints(pose: np.ndarray, skeleton: Skeleton) -> Iterator[tuple[int, int, str, float]]:
    """Yield (opacity level, joint, side, relative radius) of the seen joints; filled-in ones are fully opaque."""
    sides, main = skeleton.sides, _is_main(skeleton)
    for row in np.flatnonzero(np.isfinite(pose[:, 0])):
        confidence = pose[row, 2]
        radius = (0.65 + 0.45 * min(confidence, 1) if confidence else 1.0) * (1 if main[row] else 0.55)
        level = _opacity_level(confidence) if confidence else len(_OPACITIES) - 1
        yield level, row, sides[row], radius


def _is_main(skeleton: Skeleton) -> list[bool]:
    """Return a flag for each joint: True in a body part, Neck or MidHip; False for face and feet, drawn finer."""
    in_parts = {joint for joints in skeleton.parts.values() for joint in joints}
    return [joint in in_parts or not in_parts or joint in ("Neck", "MidHip") for joint in skeleton.joints]


def _opacity_level(confidence: float) -> int:
    return next(level for level, (below, _) in enumerate(_OPACITIES) if confidence < below)


def _draw_torso(frame: np.ndarray, pose: np.ndarray, skeleton: Skeleton, width: float) -> None:
    """Draw a thin line into `frame`, from below the hips through the neck to above the head."""
    neck, hips = torso_ends(pose[:, :2], skeleton)
    if np.isfinite([hips, neck]).all():
        start, end = hips - 0.2 * (neck - hips), neck + 0.6 * (neck - hips)
        thickness = max(1, round(0.25 * width))
        _draw_line(frame, start, end, DARK, thickness + 2)
        _draw_line(frame, start, end, LIGHT, thickness)


def _draw_box(frame: np.ndarray, corners: np.ndarray, colour: str, thickness: int) -> None:
    corners = np.floor(corners) + 0.5  # the middle of a pixel: a thin line is not smeared over two
    for edge_width, line_colour in ((2, DARK), (0, colour)):
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            _draw_line(frame, start, end, line_colour, thickness + edge_width)


def _draw_tag(frame: np.ndarray, tag: str, corners: np.ndarray, colour: str | None) -> None:
    """Draw the tag above the box, or below it where there is no room."""
    height = text_height(frame)
    gap = 0.3 * height
    low, high = corners.min(axis=0), corners.max(axis=0)
    above = low[1] - text_mask(tag, height).shape[0] - gap
    top = above if above >= 0 else high[1] + gap
    plate, letters = (colour, DARK) if colour else (DARK, LIGHT)
    draw_text(frame, tag, (low[0], top), height=height, plate=plate, colour=letters)


def _draw_line(frame: np.ndarray, a: np.ndarray, b: np.ndarray, colour: str, thickness: int) -> None:
    import cv2

    cv2.line(frame, _subpixel(a), _subpixel(b), bgr(colour), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def draw_disc(frame: np.ndarray, center: np.ndarray, radius: float, colour: str) -> None:
    """Draw a disc into `frame` around `center` (x, y), in pixels."""
    import cv2

    steps = round(radius * 2**_SUBPIXEL_BITS)
    cv2.circle(frame, _subpixel(center), steps, bgr(colour), -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _subpixel(point: np.ndarray) -> tuple[int, int]:
    # keypoints count from a pixel's corner, OpenCV from its middle
    x, y = np.round((np.clip(point, -_MAX_COORDINATE, _MAX_COORDINATE) - 0.5) * 2**_SUBPIXEL_BITS)
    return int(x), int(y)


@functools.cache
def bgr(colour: str) -> tuple[int, int, int]:
    """Convert `#rrggbb` to OpenCV's blue, green, red.

    >>> bgr("#FF7A1F")
    (31, 122, 255)
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return blue, green, red


def draw_text(
    frame: np.ndarray,
    text: str,
    corner: npt.ArrayLike,
    *,
    height: int,
    colour: str = LIGHT,
    plate: str | None = DARK,
    bold: bool = False,
) -> None:
    """Write lines of this `height` into `frame`, on a half transparent plate; None = no plate.

    `corner` is (x, y) of the top left corner in pixels; text that would lie outside is moved inside the picture.
    """
    mask = text_mask(text, height, bold)
    space = np.array(frame.shape[1::-1]) - mask.shape[::-1]
    left, top = np.clip(np.rint(np.asarray(corner, float)).astype(int), 0, np.maximum(space, 0))
    region = frame[top : top + mask.shape[0], left : left + mask.shape[1]]
    mask = mask[: region.shape[0], : region.shape[1]]
    background = region.astype(np.float32)
    if plate:
        background += (np.array(bgr(plate), np.float32) - background) * _PLATE_OPACITY
    region[:] = background + (np.array(bgr(colour), np.float32) - background) * mask[..., None] + 0.5


@functools.lru_cache(maxsize=256)
def text_mask(text: str, height: int, bold: bool = False) -> np.ndarray:
    """Return the letters as (rows, columns) float32 in 0..1 with a narrow margin; `height` is that of one line."""
    from PIL import Image, ImageDraw

    font, margin, step = _font(height, bold), round(0.28 * height), round(1.3 * height)
    lines = text.split("\n")
    width = round(max(map(font.getlength, lines))) + 2 * margin
    image = Image.new("L", (width, len(lines) * step + margin // 2))
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((margin, margin // 4 + number * step), line, fill=255, font=font)
    return np.asarray(image, np.float32) / 255


@functools.lru_cache(maxsize=16)
def _font(height: int, bold: bool) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which matplotlib installs: all its digits are equally wide, and it covers most alphabets."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), height)
