"""Baselines: bodies that do not move as in the clip, to compare it with."""

from __future__ import annotations

import numpy as np

from gymskel.attribution.bodies import PLACES
from gymskel.clips import Clips


def make_baseline(
    clips: Clips, baseline: str | np.ndarray = "still", *, target: np.ndarray | None = None
) -> np.ndarray:
    """Return clips in which the body does not make the move: (clips, frames, joints, channels) float32.

    - "still": the body keeps the pose of its first frame. The difference from it is the move.
    - "mean": the body keeps its mean pose. The mean of a turning body is short, so the pose may be impossible.
    - "others": the mean of all clips labelled with another class than the target, stretched to the length of each clip.
      The difference from it is what makes the move this one and no other.
    - an array (frames, joints, channels) or (clips, frames, joints, channels): a baseline of your own, such as another
      clip.

    Confidence and padding are those of the clip, so they explain nothing.

    Args:
        clips: the clips to be explained.
        baseline: as above.
        target: (clips,) int, the class asked about; for "others" alone.

    Raises:
        ValueError: another name or shape; "others" without labels, target or other classes; or a name for clips with
            channels that follow from the places (velocities ...): give an array for these.

    >>> clips = Clips.from_arrays(np.arange(6.0).reshape(1, 3, 1, 2))
    >>> make_baseline(clips)[0, :, 0].tolist(), make_baseline(clips, "mean")[0, 0, 0].tolist()
    ([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], [2.0, 3.0])
    """
    x, real = clips.x, clips.mask[..., None, None]
    if not isinstance(baseline, str):
        result = np.asarray(baseline, np.float32)
        if result.shape not in (x.shape, x.shape[1:]):
            raise ValueError(f"`baseline` must be {x.shape} or {x.shape[1:]}, got {result.shape}.")
        if not np.isfinite(result).all():
            raise ValueError("`baseline` must be finite.")
        return np.where(real, result, x).astype(np.float32)
    check_places(clips)
    if baseline == "still":
        result = x[:, :1]
    elif baseline == "mean":
        result = (x * real).sum(1, keepdims=True) / real.sum(1, keepdims=True)
    elif baseline == "others":
        result = _mean_of_others(clips, target)
    else:
        raise ValueError(f"`baseline` must be 'still', 'mean', 'others' or an array, got {baseline!r}.")
    return np.where(real & np.isin(clips.channels, PLACES), result, x).astype(np.float32)


def _mean_of_others(clips: Clips, target: np.ndarray | None) -> np.ndarray:
    """Return for each clip the mean of the clips of other classes than its target, in its length."""
    if clips.y is None or target is None:
        raise ValueError("`baseline='others'` needs clips with labels `y`, and a target class.")
    result = clips.x.astype(float)
    for label in np.unique(target):
        others = np.flatnonzero(clips.y != label)
        if not len(others):
            raise ValueError(
                f"`baseline='others'` needs clips of another class than {label}; there are none."
            )
        for i in np.flatnonzero(target == label):
            length = clips.lengths[i]
            stretched = [_stretched(clips.x[k, : clips.lengths[k]], length) for k in others]
            result[i, :length] = np.mean(stretched, axis=0)
    return result


def _stretched(x: np.ndarray, frames: int) -> np.ndarray:
    """Return x, (old frames, ...), interpolated linearly to another number of frames."""
    positions = np.linspace(0, len(x) - 1, frames)
    low = np.minimum(positions.astype(int), max(len(x) - 2, 0))
    high = np.minimum(low + 1, len(x) - 1)
    share = (positions - low).reshape(-1, *[1] * (x.ndim - 1))
    return x[low] + share * (x[high] - x[low])


def check_places(clips: Clips) -> None:
    """Raise a ValueError for channels that follow from the places, such as velocities: a new pose contradicts them."""
    if others := [name for name in clips.channels if name not in (*PLACES, "confidence")]:
        raise ValueError(
            f"The clips hold the channels {', '.join(others)}, which follow from the places: no body can be made up for them. "
            "Fix: give `baseline` as an array, or train on places alone."
        )
