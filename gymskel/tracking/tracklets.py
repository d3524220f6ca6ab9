"""Runs of poses of one person: cut out of tracks, and put together again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy import ndarray as Array


@dataclass(eq=False)
class Piece:
    """Poses of one person.

    Attributes:
        frames: their numbers, strictly rising.
        poses: (25, 3) for each.
        numbers: for each the number of the track it had, -1 if it had none.
    """

    frames: list[int]
    poses: list[Array]
    numbers: list[int]

    def part(self, start: int | None, end: int | None) -> Piece:
        """The piece from one index to another."""
        at = slice(start, end)
        return Piece(self.frames[at], self.poses[at], self.numbers[at])

    def merged(self, other: Piece) -> Piece:
        """Both together, in the order of frames."""
        order = np.argsort(self.frames + other.frames, kind="stable")
        columns = (self.frames + other.frames, self.poses + other.poses, self.numbers + other.numbers)
        return Piece(*([column[at] for at in order] for column in columns))


def cut(frames: list[int], poses: list[Array], number: int) -> list[Piece]:
    """The runs of frames without a gap."""
    whole = Piece(frames, poses, [number] * len(frames))
    ends = [0, *(np.flatnonzero(np.diff(frames) > 1) + 1), len(frames)]
    return [whole.part(a, b) for a, b in pairwise(ends)]


def chained(pieces: list[Piece], links: dict[int, int]) -> list[Piece]:
    """The pieces with those that are linked put together."""
    chains = []
    for n in sorted(set(range(len(pieces))) - set(links.values())):
        chain = pieces[n]
        while n in links:
            n = links[n]
            chain = chain.merged(pieces[n])
        chains.append(chain)
    return chains
