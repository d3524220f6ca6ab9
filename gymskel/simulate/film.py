"""Keypoints -> a video of coloured dots, and an estimator that finds the dots: no camera or pose network is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy import ndarray as Array

from gymskel.recording import Recording
from gymskel.skeleton import BODY_25
from gymskel.video import write_frames

_HUES = 256 / len(BODY_25)  # OpenCV's full circle of hues, shared out among the joints
_HEIGHT, _RADIUS = 540, 9  # pixels: of the picture, of a dot
# Smaller dots, drawn last: from the side, shoulders and hips would hide them.
_ON_TOP = BODY_25.indices(["Neck", "MidHip"])


def write_film(recording: Recording, path: str | Path) -> Path:
    """Write a video in which every seen joint is a dot of its own colour, as if filmed with markers. Returns `path`.

    Colours go around the circle of hues in the order of BODY_25. A dot hides those below it, so that joints are
    lost now and then, as with any camera.

    Args:
        recording: BODY_25, in pixels, with `fps` and `image_size`.
        path: ends in .mp4 or .gif; the picture is 540 pixels high.

    Raises:
        ValueError: another skeleton, no frame rate or no picture size.
    """
    import cv2

    if recording.skeleton.joints != BODY_25.joints or not recording.fps or recording.image_size is None:
        raise ValueError(
            f"{recording.name}: a film needs the joints of BODY_25, `fps` and `image_size`; got "
            f"{recording.skeleton.name}, {recording.fps} and {recording.image_size}."
        )
    scale = _HEIGHT / recording.image_size[1]
    width = round(recording.image_size[0] * scale)
    hues = np.stack([np.arange(len(BODY_25)) * _HUES, *np.full((2, len(BODY_25)), 255)], axis=-1)
    colours = cv2.cvtColor(hues[None].round().astype(np.uint8), cv2.COLOR_HSV2BGR_FULL)[0].tolist()
    with write_frames(path, fps=recording.fps, size=(width, _HEIGHT)) as film:
        for pose in recording.xy * scale:
            frame = np.zeros((_HEIGHT, width, 3), np.uint8)
            for joint in sorted(np.flatnonzero(np.isfinite(pose[:, 0])), key=lambda joint: joint in _ON_TOP):
                at = [int(v) for v in np.round((pose[joint] - 0.5) * 16)]  # in sixteenths of a pixel
                radius = _RADIUS * (0.7 if joint in _ON_TOP else 1)
                cv2.circle(frame, at, round(radius * 16), colours[joint], -1, cv2.LINE_AA, shift=4)
            film.write(frame)
    return Path(path)


class DotFinder:
    """Estimator for the videos of `write_film`: it finds one person by the colours of the dots.

    It replaces MediaPipe or OpenPose, so that extraction can be shown and tested without either. The confidence of a joint
    is the visible area of its dot, as a share of the largest dot.
    """

    name = "dots"
    skeleton = BODY_25
    stateless = True

    def __call__(self, frame: Array) -> Array:
        """Return (1, 25, 3) float32 of a (height, width, 3) uint8 BGR picture; (0, 25, 3) if it has no dots."""
        import cv2

        hue, saturation, value = np.moveaxis(cv2.cvtColor(frame, cv2.COLOR_BGR2HSV_FULL), -1, 0)
        ys, xs = np.nonzero((saturation > 150) & (value > 150))
        joints = np.round(hue[ys, xs] / _HUES).astype(int) % len(BODY_25)
        counts = np.bincount(joints, minlength=len(BODY_25))
        pose = np.full((len(BODY_25), 3), (np.nan, np.nan, 0), np.float32)
        for joint in np.flatnonzero(counts > max(8, 0.3 * counts.max())):  # fewer: where two dots touch
            of = joints == joint
            pose[joint] = np.median(xs[of]) + 0.5, np.median(ys[of]) + 0.5, counts[joint] / counts.max()
        return pose[None] if np.isfinite(pose[:, 0]).any() else np.empty((0, len(BODY_25), 3), np.float32)
