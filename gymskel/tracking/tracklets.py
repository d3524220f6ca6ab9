"""Tracklets: runs of poses of one person, split from tracks and joined into chains; the state at their ends."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy import ndarray as Array

from gymskel.tracking.body_states import BodyStates

BRIEF_FRAMES = 5
"""A tracklet of fewer frames is brief: it may be a false detection."""

MEDIUM_GAP = 1.5
"""Seconds: over longer gaps the tracker's links count no more, and no short tracklet fills them."""

STATE_SECONDS = 0.5
"""Seconds of a tracklet from which the state at its end is computed."""


@dataclass(eq=False)
class Tracklet:
    """Poses of one person.

    Attributes:
        frames: frame numbers, strictly rising.
        poses: (25, 3) for each frame.
        track_numbers: for each frame the number of the track it was in, -1 if it was in none.
    """

    frames: list[int]
    poses: list[Array]
    track_numbers: list[int]

    def part(self, start: int | None, end: int | None) -> Tracklet:
        """Return the tracklet from one index to another, as in a slice."""
        at = slice(start, end)
        return Tracklet(self.frames[at], self.poses[at], self.track_numbers[at])

    def merge(self, other: Tracklet) -> Tracklet:
        """Return both together, in the order of frames."""
        order = np.argsort(self.frames + other.frames, kind="stable")
        columns = (
            self.frames + other.frames,
            self.poses + other.poses,
            self.track_numbers + other.track_numbers,
        )
        return Tracklet(*([column[at] for at in order] for column in columns))


def split_at_gaps(frames: list[int], poses: list[Array], track_number: int) -> list[Tracklet]:
    """Return the runs of consecutive frames of a track, each as a tracklet."""
    whole = Tracklet(frames, poses, [track_number] * len(frames))
    ends = [0, *(np.flatnonzero(np.diff(frames) > 1) + 1), len(frames)]
    return [whole.part(a, b) for a, b in pairwise(ends)]


def chain_tracklets(tracklets: list[Tracklet], links: dict[int, int]) -> list[Tracklet]:
    """Return the tracklets, with linked ones merged; `links` maps the index of one to the index of the next."""
    chains = []
    for n in sorted(set(range(len(tracklets))) - set(links.values())):
        chain = tracklets[n]
        while n in links:
            n = links[n]
            chain = chain.merge(tracklets[n])
        chains.append(chain)
    return chains


def end_states(tracklets: list[Tracklet], fps: float, *, reverse: bool) -> BodyStates:
    """Return the state of each at its end, or in reverse at its beginning; that moment is second 0."""
    most = int(STATE_SECONDS * fps) + 1
    bodies = BodyStates.concatenate([BodyStates.unknown()] * len(tracklets))
    poses_ago: list[dict[int, Array]] = []  # frames from the end -> pose
    for tracklet in tracklets:
        near = tracklet.part(None, most) if reverse else tracklet.part(-most, None)
        end = near.frames[0 if reverse else -1]
        poses_ago.append(
            {abs(frame - end): pose[:, :2] for frame, pose in zip(near.frames, near.poses, strict=True)}
        )
    for ago in range(most - 1, -1, -1):
        at = np.array([n for n, poses in enumerate(poses_ago) if ago in poses], int)
        if len(at):
            xy = np.array([poses_ago[n][ago] for n in at], float)
            bodies.assign(at, bodies.select(at).update(-ago / fps, xy))
    return bodies
