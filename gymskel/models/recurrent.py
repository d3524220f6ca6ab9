"""Networks with one type of recurrent layer over the frames: simple_rnn, lstm, lstm_attention, and our own conv_gru."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.blocks import DrawBlocks, KeepBlocks, block_arguments
from gymskel.models.features import build_features, model_inputs
from gymskel.models.heads import check_head, pool_frames, softmax_model
from gymskel.skeleton import GYMNASTICS_15, Skeleton

CELLS = {"simple_rnn": (layers.SimpleRNN, 1), "lstm": (layers.LSTM, 4), "gru": (layers.GRU, 3)}
"""Name of a recurrent layer -> layer of Keras, number of kernels that it keeps side by side."""


def simple_rnn(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 64,
    depth: int = 1,
    bidirectional: bool = True,
    dropout: float = 0.4,
    features: str = "conv",
    head: str = "mean",
) -> keras.Model:
    """Build SimpleRNN layers (`recurrent`) over the frames; thesis sec. 5.1.2.

    Published size (514 parameters): `simple_rnn(2, frames=110, **PUBLISHED["simple_rnn"])`.

    Args:
        classes: number of classes.
        skeleton: layout of the joints.
        channels: numbers for each joint.
        frames: length of the clips; needed for head="flatten". None = any length.
        units: recurrent units of each layer, in each direction.
        depth: layers on top of each other; the last is called `recurrent`, those below `recurrent_1`, ...
        bidirectional: read the clip forwards and backwards. Only a model of one direction can continue from frame to
            frame in a stream.
        dropout: share of values dropped before the head in training.
        features: input of the first layer. "conv" = convolutions over four views of the motion, which pool four frames
            into one; "motion" = joints relative to the skeleton's root, the travel of the root, and their change; "raw" =
            the keypoints, as published. See `gymskel.models.features`.
        head: "mean" pools the states over the frames of the mask; "flatten" is the published head.

    Returns:
        keypoints (clips, frames, joints, channels), mask (clips, frames) -> probabilities (clips, classes).

    Raises:
        ValueError: fewer than two classes, `depth` below 1, unknown `features` or `head`.
    """
    check_head(head, ("mean", "flatten"), frames)
    return _recurrent_model(
        "simple_rnn", "simple_rnn", classes, skeleton, channels, frames, units, depth, bidirectional, dropout, features, head
    )  # fmt: skip


def lstm(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 64,
    depth: int = 1,
    bidirectional: bool = True,
    dropout: float = 0.4,
    features: str = "conv",
    head: str = "mean",
) -> keras.Model:
    """Build LSTM layers (`recurrent`) over the frames; thesis sec. 5.1.2. Arguments as in `simple_rnn`.

    Published size: 712 parameters, `PUBLISHED["lstm"]`. The baseline of Zhang et al., stacked layers with the mean of all
    outputs, is `lstm(2, depth=2, bidirectional=False, features="raw")`.
    """
    check_head(head, ("mean", "flatten"), frames)
    return _recurrent_model(
        "lstm", "lstm", classes, skeleton, channels, frames, units, depth, bidirectional, dropout, features, head
    )  # fmt: skip


def lstm_attention(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 64,
    depth: int = 1,
    bidirectional: bool = True,
    dropout: float = 0.4,
    features: str = "conv",
    attention_units: int = 32,
    heads: int = 1,
) -> keras.Model:
    """Build LSTM layers (`recurrent`) whose frames are pooled by learned attention (`attention`); Zhang et al., eq. 9-12.

    The paper gives neither layer sizes nor the number of heads; sizes here are ours. The network of the paper is
    `bidirectional=False, features="raw"`. Other arguments as in `simple_rnn`:

    Args:
        attention_units: size of the space in which the learned query is added to the frames.
        heads: number of means over the frames, each with weights of its own.
    """
    return _recurrent_model(
        "lstm_attention", "lstm", classes, skeleton, channels, frames, units, depth, bidirectional, dropout, features,
        "attention", attention_units, heads,
    )  # fmt: skip


def conv_gru(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 48,
    dropout: float = 0.4,
    filters: tuple[int, int, int] = (20, 40, 64),
    attention_units: int = 32,
) -> keras.Model:
    """Build convolutions over four views of the motion, a bidirectional GRU (`recurrent`), attention and mean.

    Designed for clips of one length, such as the 32 frames of the default preset, but takes any length. Other arguments
    as in `simple_rnn`:

    Args:
        filters: of the two layers of each view, of the first and of the second convolution over all views.
        attention_units: size of the space in which the learned query is added to the frames.
    """
    return _recurrent_model(
        "conv_gru", "gru", classes, skeleton, channels, frames, units, 1, True, dropout, "conv", "attention and mean",
        attention_units, filters=filters,
    )  # fmt: skip


def recurrent_layer(
    sequence: Any,
    mask: Any,
    cell: str,
    units: int,
    name: str,
    *,
    bidirectional: bool = False,
    widths: list[int] | None = None,
) -> Any:
    """Apply one recurrent layer to (clips, frames, values); return its state in each frame.

    Without a mask it runs over the padding. `widths` has the number of values of each part, which no other part sees, and
    each part has `units`; by default there is one part. In two directions the states of all units forwards come first.
    """
    if cell not in CELLS:
        raise ValueError(f"`cell` must be one of {', '.join(CELLS)}, got {cell!r}.")
    cell_layer, kernels = CELLS[cell]
    parts = [sequence.shape[-1]] if widths is None else widths
    part_units = [units] * len(parts)
    blocks = block_arguments(parts, part_units, kernels)
    if blocks:
        blocks["recurrent_initializer"] = DrawBlocks(part_units, part_units, kernels, "orthogonal")
        blocks["recurrent_constraint"] = KeepBlocks(part_units, part_units, kernels)
    layer = cell_layer(units * len(parts), return_sequences=True, name=name, **blocks)
    if bidirectional:
        layer = layers.Bidirectional(layer, name=name)
    return layer(sequence, mask=mask)


def _recurrent_model(
    name: str,
    cell: str,
    classes: int,
    skeleton: Skeleton,
    channels: int,
    frames: int | None,
    units: int,
    depth: int,
    bidirectional: bool,
    dropout: float,
    features: str,
    head: str,
    attention_units: int = 32,
    heads: int = 1,
    filters: tuple[int, int, int] = (20, 40, 64),
) -> keras.Model:
    """Build features, `depth` recurrent layers and a head; arguments as in the public builders."""
    if depth < 1:
        raise ValueError(f"`depth` must be at least 1, got {depth}.")
    inputs = model_inputs(skeleton, channels, frames)
    states, mask, _ = build_features(*inputs, skeleton, features, filters=filters)
    masked = None if head == "flatten" else mask
    for layer in [*(f"recurrent_{below}" for below in range(1, depth)), "recurrent"]:
        states = recurrent_layer(states, masked, cell, units, layer, bidirectional=bidirectional)
    pooled = pool_frames(states, mask, head, dropout, units=attention_units, heads=heads)
    return softmax_model(list(inputs), pooled, classes, name)
