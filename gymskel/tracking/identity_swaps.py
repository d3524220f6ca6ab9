"""Identity swaps: frames in which two tracks have each other's poses, found by appearance when all frames are known."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from gymskel.body_geometry import torso_middle
from gymskel.tracking.appearance import Appearance
from gymskel.tracking.track import Track

_NEAR_DISTANCE = 1.5  # torso lengths between the middles of two people within which they may be swapped
_MIN_APPEARANCE_DISTANCE = 0.15  # 0 to 1; closer appearances cannot tell two people apart
_SWAP_COST = 1.0  # of one swap between consecutive frames, while the two are close; a sum of colour distances
_IMPOSSIBLE = 1e3  # cost of a swap while the two people are apart and both seen

Colors = dict[int, np.ndarray]  # frame number -> `body_colors` of the pose


def find_swaps(tracks: list[Track], colors: dict[int, Colors]) -> Iterator[tuple[Track, Track, list[int]]]:
    """Yield pairs of tracks, and the frames in which each has the pose of the other.

    For each pair the likeliest sequence of swaps is found (Viterbi 1967). Both appearances are learned before the two
    people first meet. A swap is possible only while they are near each other, or one is unseen.

    The caller swaps the poses back before it asks for the next pair. `colors` is by track number.
    """
    middles = {track.number: _torso_middles(track) for track in tracks}
    for a, b in combinations(tracks, 2):
        numbers, near = _near_frames(a, b, middles)
        met = numbers[near]
        if not len(met):
            continue
        appearances = [_appearance_before(met[0], colors[track.number]) for track in (a, b)]
        swapped = _swapped_frames(numbers, near, appearances, (colors[a.number], colors[b.number]))
        if swapped:
            yield a, b, swapped
            middles |= {track.number: _torso_middles(track) for track in (a, b)}


def _torso_middles(track: Track) -> np.ndarray:
    """Return the `torso_middle` (frames found, 2) of each pose of a track, in pixels; an unseen torso gives no NaN."""
    return np.array([torso_middle(pose) for pose in track.poses])


def _near_frames(a: Track, b: Track, middles: dict[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the frame numbers since both are known, and (frames,) bool: near each other, gaps interpolated."""
    first = max(a.frames[0], b.frames[0])
    numbers = np.arange(first, max(a.frames[-1], b.frames[-1]) + 1)
    places = [
        np.column_stack([np.interp(numbers, track.frames, axis) for axis in middles[track.number].T])
        for track in (a, b)
    ]
    away = np.linalg.norm(places[0] - places[1], axis=1)
    return numbers, away < _NEAR_DISTANCE * max(a.torso, b.torso)


def _appearance_before(number: int, colors: Colors) -> Appearance:
    """Return the appearance from the frames before frame `number`."""
    appearance = Appearance()
    for earlier in sorted(colors):
        if earlier < number:
            appearance.update(colors[earlier])
    return appearance


def _swapped_frames(
    numbers: np.ndarray, near: np.ndarray, appearances: list[Appearance], colors: tuple[Colors, Colors]
) -> list[int]:
    """Return the numbers of the frames in which two tracks are swapped, in the likeliest sequence of swaps."""
    a, b = appearances
    if min(a.distance_to(b), b.distance_to(a)) < _MIN_APPEARANCE_DISTANCE:
        return []
    gains = np.zeros(len(numbers))  # of being swapped
    seen = np.zeros((2, len(numbers)), bool)
    for at, number in enumerate(numbers):
        for row, (own, other) in enumerate(((a, b), (b, a))):
            if number in colors[row]:
                seen[row, at] = True
                gains[at] += own.distance(colors[row][number]) - other.distance(colors[row][number])
    swap_costs = np.where(near | ~seen.all(axis=0), _SWAP_COST, _IMPOSSIBLE)
    best, changed = np.array([0.0, -_IMPOSSIBLE]), []  # best: gain of the best sequence to each state
    for at in range(len(numbers)):
        stay, change = best, best[::-1] - swap_costs[at]
        changed.append(change > stay)
        best = np.maximum(stay, change) + np.array([0.0, gains[at]])
    state, swapped = int(best[1] > best[0]), []  # state 1: swapped
    for at in range(len(numbers) - 1, -1, -1):
        if state:
            swapped.append(int(numbers[at]))
        state ^= int(changed[at][state])
    return swapped[::-1]
