"""Two people who were taken for each other where they met, told apart by what they wear when all frames are known."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from gymskel.body_geometry import torso_middle
from gymskel.tracking.appearance import Clothes
from gymskel.tracking.track import Track

MET = 1.5  # torso lengths between the middles of two people who may be taken for each other
ALIKE = 0.15  # unlikeness of clothes up to which nobody is told apart by them
SWITCH = 1.0  # what it costs that they are exchanged from one frame to the next, where they have met
NEVER = 1e3

Colors = dict[int, np.ndarray]  # number of a frame -> what is worn in it


def exchanges(tracks: list[Track], colors: dict[int, Colors]) -> Iterator[tuple[Track, Track, list[int]]]:
    """Pairs of tracks, and the frames in which each has the pose of the other; give them back before the next pair.

    For each pair the likeliest course of exchanges (Viterbi): what each wears is known from before they first met, and
    they are exchanged only while they are near each other, or one is out of sight.

    Args:
        tracks: of people.
        colors: number of a track -> number of a frame -> `colors_of` the pose.
    """
    middles = {track.number: _middles(track) for track in tracks}
    for one, other in combinations(tracks, 2):
        numbers, near = _near(one, other, middles)
        met = numbers[near]
        if not len(met):
            continue
        people = [_known(colors[track.number], met[0]) for track in (one, other)]
        swapped = _course(numbers, near, people, (colors[one.number], colors[other.number]))
        if swapped:
            yield one, other, swapped
            middles |= {track.number: _middles(track) for track in (one, other)}


def _middles(track: Track) -> np.ndarray:
    """(frames of the track, 2) the middle of the torso."""
    return np.array([torso_middle(pose) for pose in track.poses])


def _near(one: Track, other: Track, middles: dict[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The frames from where both are known, and in which they may be taken for each other."""
    first = max(one.frames[0], other.frames[0])
    numbers = np.arange(first, max(one.frames[-1], other.frames[-1]) + 1)
    places = [
        np.column_stack([np.interp(numbers, track.frames, axis) for axis in middles[track.number].T])
        for track in (one, other)
    ]
    away = np.linalg.norm(places[0] - places[1], axis=1)
    return numbers, away < MET * max(one.size, other.size)


def _known(colors: Colors, before: int) -> Clothes:
    """What somebody wore before a frame."""
    clothes = Clothes()
    for number in sorted(colors):
        if number < before:
            clothes.see(colors[number])
    return clothes


def _course(
    numbers: np.ndarray, near: np.ndarray, people: list[Clothes], colors: tuple[Colors, Colors]
) -> list[int]:
    """The frames in which they are exchanged."""
    one, other = people
    if min(one.apart(other), other.apart(one)) < ALIKE:
        return []
    gain = np.zeros(len(numbers))  # of being exchanged
    seen = np.zeros((2, len(numbers)), bool)
    for at, number in enumerate(numbers):
        for which, (mine, theirs) in enumerate(((one, other), (other, one))):
            if number in colors[which]:
                seen[which, at] = True
                gain[at] += mine.distance(colors[which][number]) - theirs.distance(colors[which][number])
    switch = np.where(near | ~seen.all(axis=0), SWITCH, NEVER)
    best, came = np.array([0.0, -NEVER]), []
    for at in range(len(numbers)):
        stay, change = best, best[::-1] - switch[at]
        came.append(change > stay)
        best = np.maximum(stay, change) + np.array([0.0, gain[at]])
    state, swapped = int(best[1] > best[0]), []
    for at in range(len(numbers) - 1, -1, -1):
        if state:
            swapped.append(int(numbers[at]))
        state ^= int(came[at][state])
    return swapped[::-1]
