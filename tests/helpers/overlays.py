"""Recordings that fit `make_video`, pictures, and colours read back from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.skeleton import BODY_25
from gymskel.video import read_frames

STANDING = simulate_recordings(athletes=1, per_athlete=1, fps=30)[0]


def rgb(colour: str) -> tuple[int, ...]:
    """Convert `#rrggbb` to three numbers."""
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def pixels(frame: np.ndarray, colour: str, *, off: int = 12) -> np.ndarray:
    """Return (n, 2) x, y of the pixels that have about this colour."""
    near = np.abs(frame[..., ::-1].astype(int) - rgb(colour)).max(axis=-1) <= off
    return np.argwhere(near)[:, ::-1]


def grey(width: int = 320, height: int = 240) -> np.ndarray:
    """Return a grey picture."""
    return np.full((height, width, 3), 90, np.uint8)


def pose_of(**joints) -> np.ndarray:
    """Return a BODY_25 pose of some joints: name=(x, y) or (x, y, confidence)."""
    pose = np.full((25, 3), (np.nan, np.nan, 0))
    for name, at in joints.items():
        pose[BODY_25.index(name)] = at if len(at) == 3 else (*at, 1.0)
    return pose


def drifting(frames: int = 12, size=(160, 120), **fields) -> Recording:
    """Return a standing body in the middle of the picture, drifting 2 pixels a frame to the right."""
    body = STANDING.xy[0]
    low, high = np.nanmin(body, axis=0), np.nanmax(body, axis=0)
    body = (body - low) / (high - low).max() * 0.6 * size[1] + np.array([0.3 * size[0], 0.2 * size[1]])
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., :2] = body + 2 * np.arange(frames)[:, None, None] * [1, 0]
    given = {"video": "clip.mp4", "sample": "clip", "fps": 25, "image_size": size, **fields}
    return Recording(keypoints, **given)


def unseen(recording: Recording, rows) -> Recording:
    """Return the recording without the person in these rows."""
    keypoints = recording.keypoints.copy()
    keypoints[rows] = np.nan, np.nan, 0
    return replace(recording, keypoints=keypoints)


def pictures(path: Path) -> list[np.ndarray]:
    """Return all frames of a video."""
    with read_frames(path) as frames:
        return list(frames)
