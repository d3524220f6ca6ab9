"""One person over time, and what is known of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array

from gymskel.tracking.body_states import unknown_bodies, update_bodies
from gymskel.tracking.params import DEFAULT_FPS, DEFAULT_PARAMS, TrackingParams


class Observation(NamedTuple):
    """A person in one frame.

    `status` says how a follower found the person: "" in the first crop, as predicted; "nobody" or "poor", the result of the
    first crop, where it took another; "backwards", from the frames after; "found" and "found again", in an overview.
    """

    pose: Array  # (25, 3) float32, pixels; unseen joints NaN, NaN, 0
    colors: Array | None = None  # (PARTS, 3) `body_colors`
    lean: float = 0.0  # degrees clockwise by which the crop was turned
    status: str = ""
    track_number: int = -1  # of the track it was in while frames came; -1 if it was in none


class Track:
    """One person over time.

    Attributes:
        number: index of the track, in order of first appearance.
        fps: frames a second.
        frames: numbers of the frames the person was found in, strictly rising.
        observations: one for each of them.
        body: (1,) state of the body after the last frame; at first that of a body never seen.
    """

    def __init__(
        self,
        number: int,
        fps: float | None = None,
        frames: Sequence[int] = (),
        observations: Sequence[Observation] = (),
        body: Array | None = None,
        params: TrackingParams = DEFAULT_PARAMS,
    ) -> None:
        self.number, self.fps = number, fps or DEFAULT_FPS
        self.frames, self.observations = list(frames), list(observations)
        self.body = unknown_bodies(1) if body is None else body
        self._params = params

    @property
    def poses(self) -> list[Array]:
        """(25, 3) float32 for each of the frames."""
        return [observation.pose for observation in self.observations]

    @property
    def torso(self) -> float:
        """Torso length in pixels, from the bones when not foreshortened; at least 1, never NaN."""
        return float(self.body["torso"][0])

    def at(self, frame: int) -> Observation | None:
        """Return the observation in a frame, or None."""
        index = int(np.searchsorted(self.frames, frame))
        return self.observations[index] if self.frames[index : index + 1] == [frame] else None

    def add(self, frame: int, observation: Observation) -> None:
        """Add an observation, in any order of frames; it replaces that of a frame that is there already."""
        if not self.frames or frame > self.frames[-1]:
            xy = observation.pose[None, :, :2].astype(float)
            self.append(frame, observation, update_bodies(self.body, frame / self.fps, xy, self._params))
            return
        index = int(np.searchsorted(self.frames, frame))
        replaced = self.frames[index] == frame
        self.frames[index : index + replaced] = [frame]
        self.observations[index : index + replaced] = [observation]
        last = slice(-int(self.fps) - 1, None)
        self.body = self._replay(self.frames[last], [seen.pose for seen in self.observations[last]])

    def append(self, frame: int, observation: Observation, body: Array) -> None:
        """Add an observation after all others, and the state of the body after it."""
        self.frames.append(frame)
        self.observations.append(observation)
        self.body = body

    def nearest(
        self, number: int, count: int, *, backwards: bool = False
    ) -> tuple[list[int], list[Array], Array]:
        """Return up to `count` frames and poses before a frame, the nearest last, and the state (1,) of the body then.

        If `backwards`, those from the frame on, in reverse.
        """
        at = int(np.searchsorted(self.frames, number))
        rows = slice(at, at + count) if backwards else slice(max(at - count, 0), at)
        frames, poses = self.frames[rows], [seen.pose for seen in self.observations[rows]]
        if backwards:
            frames, poses = frames[::-1], poses[::-1]
        newest = not backwards and at == len(self.frames)
        return frames, poses, self.body if newest else self._replay(frames, poses)

    def _replay(self, frames: Sequence[int], poses: Sequence[Array]) -> Array:
        """Return the state (1,) of the body after these poses alone."""
        body = unknown_bodies(1)
        for number, pose in zip(frames, poses, strict=True):
            body = update_bodies(body, number / self.fps, pose[None, :, :2].astype(float), self._params)
        return body
