"""One kind of recurrent layer over the frames: simple_rnn, lstm, lstm_attention, and our own conv_gru."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.blocks import DrawBlocks, KeepBlocks
from gymskel.models.front import in_blocks, inputs_of, see
from gymskel.models.heads import check_head, classify, pool
from gymskel.skeleton import GYMNASTICS_15, Skeleton

CELLS = {"simple_rnn": (layers.SimpleRNN, 1), "lstm": (layers.LSTM, 4), "gru": (layers.GRU, 3)}
"""Name of a recurrent layer -> Keras' layer, and how many kernels it keeps side by side."""


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
    """SimpleRNN layers (`recurrent`) over the frames; thesis sec. 5.1.2.

    Published size (514 parameters): `simple_rnn(2, frames=110, **PUBLISHED["simple_rnn"])`.

    Args:
        classes: number of classes.
        skeleton: layout of the joints.
        channels: numbers for each joint.
        frames: length of the clips; needed for head="flatten", otherwise any length will do.
        units: recurrent units of each layer, in each direction.
        depth: layers on top of each other; the last is called `recurrent`, those below `recurrent_1`, ...
        bidirectional: read the clip forwards and backwards. Only a model of one direction can go on from frame to frame
            in a stream.
        dropout: share of values dropped before the head in training.
        features: what the first layer sees: "conv", convolutions over four views of the motion, after which four
            frames are one; "motion", joints relative to the skeleton's root, the root's own travel, and their change;
            "raw", the keypoints as they come, as published. See `gymskel.models.front`.
        head: "mean" pools the states over the frames of the mask; "flatten" is the published head.

    Returns:
        keypoints (clips, frames, joints, channels), mask (clips, frames) -> probabilities (clips, classes).

    Raises:
        ValueError: fewer than two classes; features, head or depth that there are not.
    """
    check_head(head, ("mean", "flatten"), frames)
    return _model(
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
    """LSTM layers (`recurrent`) over the frames; thesis sec. 5.1.2. Arguments as in `simple_rnn`.

    Published size: 712 parameters, `PUBLISHED["lstm"]`. The baseline of Zhang et al., stacked layers and the mean of all
    outputs, is `lstm(2, depth=2, bidirectional=False, features="raw")`.
    """
    check_head(head, ("mean", "flatten"), frames)
    return _model(
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
    """LSTM layers (`recurrent`) whose frames are pooled by learned attention (`attention`); Zhang et al., eq. 9-12.

    The paper gives neither layer sizes nor the number of heads; sizes here are ours. The paper's network is
    `bidirectional=False, features="raw"`. Arguments as in `simple_rnn`, and:

    Args:
        attention_units: size of the space in which the learned query meets the frames.
        heads: number of means over the frames, each with weights of its own.
    """
    return _model(
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
    """Convolutions over four views of the motion, a GRU both ways (`recurrent`), attention beside the mean.

    Made for clips of one length, such as the 32 frames of the default preset; any length will do. Arguments as in
    `simple_rnn`, and:

    Args:
        filters: of the two layers of each view, and of the two convolutions over all views.
        attention_units: size of the space in which the learned query meets the frames.
    """
    return _model(
        "conv_gru", "gru", classes, skeleton, channels, frames, units, 1, True, dropout, "conv", "attention and mean",
        attention_units, filters=filters,
    )  # fmt: skip


def scan(
    sequence: Any,
    mask: Any,
    cell: str,
    units: int,
    name: str,
    *,
    bidirectional: bool = False,
    widths: list[int] | None = None,
) -> Any:
    """One recurrent layer over the frames, its state in each of them.

    Args:
        sequence: (clips, frames, values).
        mask: (clips, frames), or None to run over the padding.
        cell: a name of CELLS.
        units: for each part.
        name: of the layer.
        bidirectional: forwards and backwards: all units forwards, then all backwards.
        widths: number of values of each part, which no other part sees; by default there is one part.
    """
    if cell not in CELLS:
        raise ValueError(f"`cell` must be one of {', '.join(CELLS)}, got {cell!r}.")
    kind, kernels = CELLS[cell]
    parts = [sequence.shape[-1]] if widths is None else widths
    blocks, own = in_blocks(parts, [units] * len(parts), kernels), [units] * len(parts)
    if blocks:
        blocks["recurrent_initializer"] = DrawBlocks(own, own, kernels, "orthogonal")
        blocks["recurrent_constraint"] = KeepBlocks(own, own, kernels)
    layer = kind(units * len(parts), return_sequences=True, name=name, **blocks)
    if bidirectional:
        layer = layers.Bidirectional(layer, name=name)
    return layer(sequence, mask=mask)


def _model(
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
    if depth < 1:
        raise ValueError(f"`depth` must be at least 1, got {depth}.")
    inputs = keypoints, mask = inputs_of(skeleton, channels, frames)
    states, mask, _ = see(keypoints, mask, skeleton, features, filters=filters)
    masked = None if head == "flatten" else mask
    for below in range(1, depth):
        states = scan(states, masked, cell, units, f"recurrent_{below}", bidirectional=bidirectional)
    states = scan(states, masked, cell, units, "recurrent", bidirectional=bidirectional)
    pooled = pool(states, mask, head, dropout, units=attention_units, heads=heads)
    return classify(list(inputs), pooled, classes, name)
