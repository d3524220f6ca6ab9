"""From the states of the recurrent layers to class probabilities."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.layers import AttentionPooling

HEADS = ("mean", "attention", "attention and mean", "flatten")


def pool(states: Any, mask: Any, head: str, dropout: float, *, units: int = 32, heads: int = 1) -> Any:
    """(clips, frames, values) -> (clips, values) over the frames of the mask, dropout included.

    "mean" is Keras' own pooling, "attention" the `AttentionPooling` of so many units and heads; "flatten" is the head of
    the thesis, which knows no mask: a dense layer of two in every frame, all frames flattened.
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


def classify(inputs: list, values: Any, classes: int, name: str) -> keras.Model:
    """The model from its inputs to a softmax over the classes."""
    if classes < 2:
        raise ValueError(f"`classes` must be at least 2, got {classes}.")
    half = (
        "16" in keras.config.dtype_policy().compute_dtype
    )  # of mixed precision: too coarse for probabilities
    dtype = "float32" if half else None
    outputs = layers.Dense(classes, activation="softmax", name="probabilities", dtype=dtype)(values)
    return keras.Model(inputs, outputs, name=name)


def check_head(head: str, known: tuple[str, ...], frames: int | None) -> None:
    """Raises ValueError for a head that the builder does not have, or "flatten" without the length it is tied to."""
    if head not in known:
        raise ValueError(f"`head` must be {' or '.join(map(repr, known))}, got {head!r}.")
    if head == "flatten" and frames is None:
        raise ValueError("head='flatten' is tied to one length of clip: give `frames`.")
