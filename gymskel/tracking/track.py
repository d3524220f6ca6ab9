"""One person over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray as Array

from gymskel.tracking.body_states import BodyStates

DEFAULT_FPS = 30.0  # frames a second where the frame rate is unknown


class Track:
    """One person over time.

    Attributes:
        number: index of the track, in order of first appearance.
        fps: frames a second; 30 if None is given.
        frames: numbers of the frames the person was found in, strictly rising.
        poses: (25, 3) float32 for each of them.
        body: state of the body after the last frame; by default that of a body never seen.
    """

    def __init__(
        self,
        number: int,
        fps: float | None = None,
        frames: Sequence[int] = (),
        poses: Sequence[Array] = (),
        body: BodyStates | None = None,
    ) -> None:
        self.number, self.fps = number, fps or DEFAULT_FPS
        self.frames, self.poses = list(frames), list(poses)
        self.body = body or BodyStates.unknown()

    @property
    def torso(self) -> float:
        """Torso length in pixels, from the bones when not foreshortened; at least 1, never NaN."""
        return float(self.body.torso[0])

    def add(self, frame: int, pose: Array) -> None:
        """Add a (25, 3) pose, in any order of frames; it replaces the pose of a frame that is there already."""
        pose = np.asarray(pose, np.float32)
        if not self.frames or frame > self.frames[-1]:
            xy = pose[None, :, :2].astype(float)
            self.append(frame, pose, self.body.update(frame / self.fps, xy))
            return
        at = int(np.searchsorted(self.frames, frame))
        if self.frames[at] == frame:
            self.poses[at] = pose
        else:
            self.frames.insert(at, frame)
            self.poses.insert(at, pose)
        self.body = self._replay_last_second()

    def append(self, frame: int, pose: Array, body: BodyStates) -> None:
        """Add a pose after all others, and the state of the body after it."""
        self.frames.append(frame)
        self.poses.append(pose)
        self.body = body

    def cut_from(self, frame: int, body: BodyStates) -> tuple[list[int], list[Array]]:
        """Remove and return the frames and poses from `frame` on; `body` is the state before."""
        keep = int(np.searchsorted(self.frames, frame))
        removed = self.frames[keep:], self.poses[keep:]
        self.frames[keep:], self.poses[keep:], self.body = [], [], body
        return removed

    def _replay_last_second(self) -> BodyStates:
        """Return the state after the poses of the last second alone."""
        body = BodyStates.unknown()
        for number, pose in list(zip(self.frames, self.poses, strict=True))[-int(self.fps) - 1 :]:
            body = body.update(number / self.fps, pose[None, :, :2].astype(float))
        return body
