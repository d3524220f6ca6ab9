"""Identity swaps: frames in which two tracks have each other's poses, found by appearance when all frames are known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import torso_middle
from gymskel.tracking.appearance import Appearance, learn_appearance
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.track import Observation, Track

_IMPOSSIBLE = 1e6  # cost of what is not allowed; finite, as costs are added


def undo_swaps(tracks: list[Track], params: TrackingParams) -> list[Track]:
    """Return the tracks, observations exchanged between two of them in frames in which each has the other's.

    For each pair the likeliest sequence of swaps is found (Viterbi 1967). Both appearances are learned before the two
    people first meet. A swap is possible only while they are near each other, or one is unseen. A frame that one of the
    two alone has moves to the other. The state of the bodies stays as it is.
    """
    people = [dict(zip(track.frames, track.observations, strict=True)) for track in tracks]
    paths = [_path(person) for person in people]
    for a, b in combinations(range(len(people)), 2):
        reach = params.swap_reach * max(tracks[a].torso, tracks[b].torso)
        numbers, near = _near_frames(paths[a], paths[b], reach)
        if near.any() and (swapped := _swapped_frames(numbers, near, people[a], people[b], params)):
            people[a], people[b] = (
                _exchange(people[one], people[other], swapped) for one, other in ((a, b), (b, a))
            )
            paths[a], paths[b] = _path(people[a]), _path(people[b])
    return [
        Track(track.number, track.fps, list(person), list(person.values()), track.body)
        for track, person in zip(tracks, people, strict=True)
        if person
    ]


Frames = dict[int, Observation]  # frame number -> observation, rising


def _exchange(own: Frames, other: Frames, numbers: set[int]) -> Frames:
    """Return a person's observations, those of the given frames taken from the other."""
    kept = {number: seen for number, seen in own.items() if number not in numbers}
    return dict(sorted((kept | {number: other[number] for number in numbers & other.keys()}).items()))


def _path(person: Frames) -> tuple[Array, Array]:
    """Return the frame numbers (frames,) of a person and the `torso_middle` (frames, 2) in each, in pixels."""
    middles = [torso_middle(seen.pose) for seen in person.values()]
    return np.array(list(person), int), np.array(middles).reshape(-1, 2)


def _near_frames(a: tuple[Array, Array], b: tuple[Array, Array], reach: float) -> tuple[Array, Array]:
    """Return the frame numbers since both are known, and (frames,) bool: within `reach` pixels, gaps interpolated."""
    if not len(a[0]) or not len(b[0]):  # all of one went to the other
        return np.zeros(0, int), np.zeros(0, bool)
    numbers = np.arange(max(a[0][0], b[0][0]), max(a[0][-1], b[0][-1]) + 1)
    places = [
        np.column_stack([np.interp(numbers, frames, axis) for axis in middles.T])
        for frames, middles in (a, b)
    ]
    return numbers, np.linalg.norm(places[0] - places[1], axis=1) < reach


def _swapped_frames(numbers: Array, near: Array, a: Frames, b: Frames, params: TrackingParams) -> set[int]:
    """Return the numbers of the frames in which two people are swapped, in the likeliest sequence of swaps."""
    met = numbers[near][0]
    looks = [
        learn_appearance([seen for number, seen in own.items() if number < met], params) for own in (a, b)
    ]
    if min(looks[0].distance_to(looks[1]), looks[1].distance_to(looks[0])) < params.swap_min_distance:
        return set()
    gains, both_seen = _swap_gains(numbers, a, b, looks)
    costs = np.where(near | ~both_seen, params.swap_cost, _IMPOSSIBLE)
    return {int(number) for number in numbers[_best_path(gains, costs)]}


def _swap_gains(numbers: Array, a: Frames, b: Frames, looks: list[Appearance]) -> tuple[Array, Array]:
    """Return how much better the colours of each frame fit if the two are swapped, and (frames,) bool: both seen."""
    gains, seen = np.zeros(len(numbers)), np.zeros((2, len(numbers)), bool)
    first, second = looks
    for row, (frames, own, other) in enumerate(((a, first, second), (b, second, first))):
        for at, number in enumerate(numbers):
            observation = frames.get(int(number))
            if observation is not None and observation.colors is not None:
                seen[row, at] = True
                gains[at] += own.distance(observation.colors) - other.distance(observation.colors)
    return gains, seen.all(axis=0)


def _best_path(gains: Array, costs: Array) -> Array:
    """Return (frames,) bool: swapped, for most gains less costs of each change; not swapped at the start."""
    best, changed = np.array([0.0, -_IMPOSSIBLE]), []  # best: of each state, not swapped and swapped
    for gain, cost in zip(gains, costs, strict=True):
        stay, change = best, best[::-1] - cost
        changed.append(change > stay)
        best = np.maximum(stay, change) + np.array([0.0, gain])
    swapped = np.zeros(len(gains), bool)
    state = int(best[1] > best[0])
    for at in range(len(gains) - 1, -1, -1):
        swapped[at] = state
        state ^= int(changed[at][state])
    return swapped
