"""Heads: from the states of the recurrent layers to class probabilities."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.layers import AttentionPooling


def pool_frames(states: Any, mask: Any, head: str, dropout: float, *, units: int = 32, heads: int = 1) -> Any:
    """Pool (clips, frames, values) over the frames of the mask to (clips, values), with dropout.

    "mean" is Keras' own pooling, "attention" is `AttentionPooling` with `units` and `heads`. "flatten" is the head of the
    thesis, which ignores the mask: a dense layer of two in every frame, all frames flattened.
    """
    if head == "flatten":
        each = layers.Dense(2, activation="relu", name="each_frame")(layers.Dropout(dropout)(states))
        return layers.Flatten()(each)
    pooled = []
    if "attention" in head:
        pooled.append(AttentionPooling(units, heads, name="attention")(states, mask=mask))
    if "mean" in head:
        pooled.append(layers.GlobalAveragePooling1D(name="mean")(states, mask=mask))
    return layers.Dropout(dropout)(layers.Concatenate(name="pooled")(pooled) if pooled[1:] else pooled[0])


def softmax_model(inputs: list, values: Any, classes: int, name: str) -> keras.Model:
    """Build the model that ends in a softmax over the classes."""
    if classes < 2:
        raise ValueError(f"`classes` must be at least 2, got {classes}.")
    half_precision = "16" in keras.config.dtype_policy().compute_dtype  # too coarse for probabilities
    dtype = "float32" if half_precision else None
    outputs = layers.Dense(classes, activation="softmax", name="probabilities", dtype=dtype)(values)
    return keras.Model(inputs, outputs, name=name)


def check_head(head: str, known: tuple[str, ...], frames: int | None) -> None:
    """Raise ValueError for a head that the builder does not have, or "flatten" without `frames`."""
    if head not in known:
        raise ValueError(f"`head` must be {' or '.join(map(repr, known))}, got {head!r}.")
    if head == "flatten" and frames is None:
        raise ValueError("head='flatten' takes clips of one length. Fix: give `frames`.")
