"""The body of a clip in pixels: one scale for all frames, and small drawings of single frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gymskel.activations.lettering import LIGHT, SIDES, WHITE

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from gymskel.clips import Clips
    from gymskel.skeleton import Skeleton

_FINE = 4
"""Bodies are drawn this many times larger and scaled down, so that lines are smooth."""
_ODD = 1.5
"""A body this many times larger than nine in ten has a joint astray; it does not set the scale."""
_TALLEST = 3
"""Height of all poses together, in bodies; clips that go up and down further are drawn smaller."""


def scaled_poses(clip: Clips, body: int) -> tuple[np.ndarray, int]:
    """Return the joints of each frame in pixels, and the height of all of them together.

    Args:
        clip: Clips of one clip.
        body: pixels of the largest body, from joint to joint along x or y.

    Returns:
        (frames, joints, 2): x from the middle of the body, y down from the highest joint of all; NaN = unseen. A few
        bodies with a joint astray do not count for the scale and may stand out of the height.

    Raises:
        ValueError: no channels x and y, or no frame in which a joint is seen.
    """
    if not {"x", "y"} <= set(clip.channels):
        raise ValueError(
            f"`clip` needs the channels x and y to draw the body; it has {', '.join(clip.channels)}."
        )
    length = int(clip.lengths[0])
    xy = clip.x[0, :length][..., [clip.channels.index("x"), clip.channels.index("y")]].astype(float)
    xy[~clip.seen[0, :length]] = np.nan
    seen = np.isfinite(xy[..., 0]).any(axis=1)
    if not seen.any():
        raise ValueError(f"`clip` ({clip.sources[0]}) has no frame in which a joint is seen.")
    low, high = np.nanmin(xy[seen], axis=1), np.nanmax(xy[seen], axis=1)  # (frames, 2)
    size = (high - low).max(axis=1)
    usual = size <= _ODD * np.percentile(size, 90)
    top, bottom = low[usual, 1].min(), high[usual, 1].max()
    scale = min(body / max(size[usual].max(), 1e-6), _TALLEST * body / max(bottom - top, 1e-6))
    xy[seen, :, 0] -= ((low + high) / 2)[:, None, 0]
    xy[..., 1] -= top
    margin = max(3, body // 16)
    return xy * scale + np.array([0, margin]), int(np.ceil((bottom - top) * scale)) + 2 * margin


def pose_distance(poses: np.ndarray, frame_width: float) -> int:
    """Return the number of frames from one drawn body to the next at which nine in ten have room.

    Args:
        poses: (frames, joints, 2) pixels, NaN = unseen.
        frame_width: pixels of a frame.
    """
    wide = np.nanmax(poses[..., 0], axis=1, initial=0) - np.nanmin(poses[..., 0], axis=1, initial=0)
    return max(1, int(np.ceil((np.percentile(wide, 90) + 4) / frame_width)))


def draw_poses(skeleton: Skeleton, poses: Mapping[float, np.ndarray], size: tuple[int, int]) -> Image.Image:
    """Return an image of bodies side by side, with a light line from each down to the lower edge.

    Args:
        skeleton: layout of the joints.
        poses: x of the middle in pixels -> (joints, 2) pixels from `scaled_poses`.
        size: width and height of the image in pixels.
    """
    from PIL import Image, ImageDraw

    drawing = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), WHITE)
    pen = ImageDraw.Draw(drawing)
    for middle, pose in poses.items():
        if np.isfinite(pose).any():
            foot = np.nanmax(pose[:, 1]) + 3
            pen.line((middle * _FINE, foot * _FINE, middle * _FINE, drawing.height), fill=LIGHT, width=_FINE)
        _draw_body(pen, skeleton, (pose + np.array([middle, 0])) * _FINE)
    return drawing.resize(size, Image.Resampling.LANCZOS)


def _draw_body(pen: ImageDraw.ImageDraw, skeleton: Skeleton, xy: np.ndarray) -> None:
    """Draw the limbs whose two ends are seen, and a dot for each joint; large dots where a layout has no limbs."""
    sides = skeleton.sides
    for a, b in (skeleton.indices(pair) for pair in skeleton.limbs):
        if np.isfinite(xy[[a, b]]).all():
            both = {sides[a], sides[b]} - {"middle"}
            colour = SIDES[both.pop() if len(both) == 1 else "middle"]
            pen.line((*xy[a], *xy[b]), fill=colour, width=2 * _FINE)
    for row, (x, y) in enumerate(xy):
        if np.isfinite((x, y)).all():
            radius = _FINE * (1 if skeleton.limbs else 2)
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=SIDES[sides[row]])
