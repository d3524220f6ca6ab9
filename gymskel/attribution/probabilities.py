"""Probabilities that a model gives for keypoints, and the classes that are asked about."""

from __future__ import annotations

from typing import Any

import numpy as np

from gymskel.clips import Clips
from gymskel.messages import join_names


def model_and_clips(model: Any, clips: Any) -> tuple[Any, Clips]:
    """Return a keras.Model that takes a list of its inputs, and Clips; a SkeletonClassifier makes both."""
    import keras

    if hasattr(model, "model_"):
        model, clips = model.model_, model.clips(clips)
    if not isinstance(clips, Clips):
        raise TypeError(
            f"`clips` must be Clips for a keras.Model, got {type(clips).__name__}. Fix: make them with preprocess.pad."
        )
    return keras.Model(model.inputs, model.outputs, name=model.name), clips


def class_probabilities(model: Any, x: np.ndarray, mask: np.ndarray, batch_size: int) -> np.ndarray:
    """Return the probabilities that the model gives for keypoints and masks, (clips, classes)."""
    import keras

    batches = []
    for start in range(0, len(x), batch_size):
        batch = slice(start, start + batch_size)
        tensors = model_tensors(model, x[batch], mask[batch])
        batches.append(keras.ops.convert_to_numpy(model(tensors, training=False)))
    if not batches:
        raise ValueError("`clips` holds no clip; expected at least one.")
    probabilities = np.concatenate(batches)
    if probabilities.ndim != 2:
        raise ValueError(
            f"Model {model.name!r} gives {probabilities.shape}; expected probabilities (clips, classes)."
        )
    return probabilities


def model_tensors(model: Any, keypoints: Any, mask: np.ndarray) -> list[Any]:
    """Return keypoints and mask as tensors, in the order in which the model takes them."""
    import keras

    known = {"keypoints": keypoints, "mask": mask}
    names = [tensor.name for tensor in model.inputs]
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"Model {model.name!r} takes {join_names(unknown)}; expected keypoints and mask.")
    return [keras.ops.convert_to_tensor(known[name]) for name in names]


def target_classes(target: Any, clips: Clips, probabilities: np.ndarray) -> np.ndarray:
    """Return the number of the class that each clip is asked about, (clips,).

    `target` is a class name or number, one for each clip, or None for each clip's most probable class.

    Raises:
        ValueError: an unknown class, or another number of targets than of clips.
    """
    if target is None:
        return probabilities.argmax(axis=1)
    targets = [target] * len(clips) if isinstance(target, (str, int, np.integer)) else list(target)
    if len(targets) != len(clips):
        raise ValueError(
            f"`target` must be one class or one for each of {len(clips)} clips, got {len(targets)}."
        )
    names, count = list(clips.classes), probabilities.shape[1]
    numbers = [names.index(name) if isinstance(name, str) and name in names else name for name in targets]
    if wrong := [number for number in numbers if isinstance(number, str) or not 0 <= number < count]:
        raise ValueError(
            f"`target` must be among {join_names(names) or 'the classes'} or a number below {count}, got {wrong[0]!r}."
        )
    return np.array(numbers, int)
