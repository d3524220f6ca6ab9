"""The body to compare with, the joints relative to the root, and the answers of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from gymskel.clips import Clips
from gymskel.skeleton import Skeleton

TRAVEL = "travel"
PLACES = ("x", "y", "z")


def make_baseline(
    clips: Clips, baseline: str | np.ndarray = "still", *, target: np.ndarray | None = None
) -> np.ndarray:
    """(clips, frames, joints, channels) float32: clips in which the body does not do what is asked about.

    - "still": the body as it stands in its first frame, all through the clip. What differs from it is the move.
    - "mean": the body in the middle of all places it takes. Nothing moves either, but the pose may be one that no body
      can take, since the mean of a turning body is short.
    - "others": the mean of all clips labelled with another class than the one asked about, stretched to the length of
      each clip. What differs from it is what makes the move this one and not another.
    - an array (frames, joints, channels) or (clips, frames, joints, channels): what you want to compare with, such as
      another clip.

    Confidence is as in the clip. Behind the mask it is the clip's own, so that padding explains nothing.

    Args:
        clips: what is to be explained.
        baseline: as above.
        target: (clips,) int, the class asked about; for "others" alone.

    Raises:
        ValueError: another name or shape; "others" without labels, target or other classes; or a name for clips with
            channels that are no places (velocities ...), which follow from the places: give them as an array.

    >>> clips = Clips.from_arrays(np.arange(6.0).reshape(1, 3, 1, 2))
    >>> make_baseline(clips)[0, :, 0].tolist(), make_baseline(clips, "mean")[0, 0, 0].tolist()
    ([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], [2.0, 3.0])
    """
    x, real = clips.x, clips.mask[..., None, None]
    if not isinstance(baseline, str):
        made = np.asarray(baseline, np.float32)
        if made.shape not in (x.shape, x.shape[1:]):
            raise ValueError(f"`baseline` must be {x.shape} or {x.shape[1:]}, got {made.shape}.")
        if not np.isfinite(made).all():
            raise ValueError("`baseline` must be finite.")
        return np.where(real, made, x).astype(np.float32)
    check_places(clips)
    if baseline == "still":
        made = x[:, :1]
    elif baseline == "mean":
        made = (x * real).sum(1, keepdims=True) / real.sum(1, keepdims=True)
    elif baseline == "others":
        made = _mean_of_others(clips, target)
    else:
        raise ValueError(f"`baseline` must be 'still', 'mean', 'others' or an array, got {baseline!r}.")
    return np.where(real & np.isin(clips.channels, PLACES), made, x).astype(np.float32)


def _mean_of_others(clips: Clips, target: np.ndarray | None) -> np.ndarray:
    if clips.y is None or target is None:
        raise ValueError("`baseline='others'` needs clips with labels `y`, and a target class.")
    made = clips.x.astype(float)
    for label in np.unique(target):
        others = np.flatnonzero(clips.y != label)
        if not len(others):
            raise ValueError(
                f"`baseline='others'` needs clips of another class than {label}; there are none."
            )
        for i in np.flatnonzero(target == label):
            length = clips.lengths[i]
            stretched = [_stretched(clips.x[k, : clips.lengths[k]], length) for k in others]
            made[i, :length] = np.mean(stretched, axis=0)
    return made


def _stretched(x: np.ndarray, frames: int) -> np.ndarray:
    """(frames, ...) the same from its first to its last frame, in another number of frames."""
    at = np.linspace(0, len(x) - 1, frames)
    low = np.minimum(at.astype(int), max(len(x) - 2, 0))
    high = np.minimum(low + 1, len(x) - 1)
    share = (at - low).reshape(-1, *[1] * (x.ndim - 1))
    return x[low] + share * (x[high] - x[low])


def relative_to_root(x: np.ndarray, clips: Clips) -> np.ndarray:
    """The places of all joints relative to the root; the root's own row stays. As it is for a skeleton without root."""
    root, place = clips.skeleton.root, np.isin(clips.channels, PLACES)
    if root is None:
        return x
    row = clips.skeleton.index(root)
    moved = x - np.where(place, x[..., row : row + 1, :], 0)
    moved[..., row, :] = x[..., row, :]
    return moved


def back_from_root(relative: np.ndarray, clips: Clips) -> np.ndarray:
    """What `relative_to_root` was given."""
    root, place = clips.skeleton.root, np.isin(clips.channels, PLACES)
    if root is None:
        return relative
    row = clips.skeleton.index(root)
    moved = relative + np.where(place, relative[..., row : row + 1, :], 0)
    moved[..., row, :] = relative[..., row, :]
    return moved


def rows_of_parts(
    skeleton: Skeleton, parts: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[int]]:
    """Part of the body -> rows of its joints; the root's row is the part "travel" and belongs to no other.

    By default the parts of the skeleton, or every joint by itself where it has none.
    """
    if parts is None:
        parts = skeleton.parts or {joint: (joint,) for joint in skeleton.joints}
    if not parts:
        raise ValueError("`parts` names no part of the body; give some, or None for those of the skeleton.")
    root = skeleton.index(skeleton.root) if skeleton.root else None
    rows = {part: [row for row in skeleton.indices(joints) if row != root] for part, joints in parts.items()}
    rows = {part: some for part, some in rows.items() if some}
    return rows if root is None else {**rows, TRAVEL: [root]}


def spans_of_phases(length: int, phases: int) -> list[tuple[int, int]]:
    """(first frame, frame after the last) of so many equal shares of a clip; some are empty in a very short one.

    >>> spans_of_phases(10, 4)
    [(0, 2), (2, 5), (5, 8), (8, 10)]
    """
    edges = np.round(np.linspace(0, length, phases + 1)).astype(int).tolist()
    return list(pairwise(edges))


def opened(model: Any, clips: Any) -> tuple[Any, Clips]:
    """The keras.Model, taking a list of its inputs, and the Clips; a SkeletonClassifier makes them from Recordings."""
    import keras

    if hasattr(model, "model_"):
        model, clips = model.model_, model.clips(clips)
    if not isinstance(clips, Clips):
        raise TypeError(
            f"`clips` must be Clips for a keras.Model, got {type(clips).__name__}; preprocess.pad makes them."
        )
    return keras.Model(model.inputs, model.outputs, name=model.name), clips


def probabilities_of(model: Any, x: np.ndarray, mask: np.ndarray, batch_size: int) -> np.ndarray:
    """(clips, classes) the model's answers to keypoints under masks."""
    import keras

    parts = []
    for at in range(0, len(x), batch_size):
        some = slice(at, at + batch_size)
        parts.append(keras.ops.convert_to_numpy(model(given(model, x[some], mask[some]), training=False)))
    if not parts:
        raise ValueError("`clips` holds no clip; expected at least one.")
    answers = np.concatenate(parts)
    if answers.ndim != 2:
        raise ValueError(
            f"Model {model.name!r} gives {answers.shape}; expected probabilities (clips, classes)."
        )
    return answers


def given(model: Any, keypoints: Any, mask: np.ndarray) -> list[Any]:
    """The inputs as tensors in the model's order."""
    import keras

    known = {"keypoints": keypoints, "mask": mask}
    names = [tensor.name for tensor in model.inputs]
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"Model {model.name!r} takes {', '.join(unknown)}; expected keypoints and mask.")
    return [keras.ops.convert_to_tensor(known[name]) for name in names]


def targets_of(target: Any, clips: Clips, answers: np.ndarray) -> np.ndarray:
    """(clips,) class numbers: by default each clip's most probable; a name, a number, or one for each clip."""
    if target is None:
        return answers.argmax(axis=1)
    many = [target] * len(clips) if isinstance(target, (str, int, np.integer)) else list(target)
    if len(many) != len(clips):
        raise ValueError(
            f"`target` must be one class or one for each of {len(clips)} clips, got {len(many)}."
        )
    names = list(clips.classes)
    numbers = [names.index(one) if isinstance(one, str) and one in names else one for one in many]
    if wrong := [one for one in numbers if isinstance(one, str) or not 0 <= one < answers.shape[1]]:
        raise ValueError(
            f"`target` must be among {', '.join(names) or 'the classes'} or a number below {answers.shape[1]}, got {wrong[0]!r}."
        )
    return np.array(numbers, int)


def check_places(clips: Clips) -> None:
    """Refuses channels that follow from the places and would contradict them."""
    if others := [name for name in clips.channels if name not in (*PLACES, "confidence")]:
        raise ValueError(
            f"The clips hold the channels {', '.join(others)}, which follow from the places: no body can be made up for them. "
            "Give `baseline` as an array, or train on places alone."
        )
