"""The four architectures of the papers and one of our own, as plain keras.Models with the inputs `keypoints` and `mask`.

Each builder has two forms. By default the recurrent layers see the mask and the head pools over the frames, so
that neither the length nor the content of the padding changes an answer. With `head="flatten"` it is the network
as published: no mask, a dense layer in every frame, all frames flattened, tied to one length `frames`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
from keras import layers

from gymskel.models.layers import (
    AttentionPooling,
    Bones,
    Change,
    EveryNth,
    PoolFrames,
    RelativeToRoot,
    TakeJoints,
    WithVelocity,
    ZeroBehindMask,
)
from gymskel.skeleton import GYMNASTICS_15, Skeleton

LIMBS = ("right_arm", "left_arm", "right_leg", "left_leg")


def simple_rnn(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 64,
    dropout: float = 0.4,
    features: str = "motion",
    head: str = "mean",
) -> keras.Model:
    """One SimpleRNN layer (`recurrent`) over the frames; thesis sec. 5.1.2.

    Published size (514 parameters): `simple_rnn(2, frames=110, units=2, dropout=.5, features="raw",
    head="flatten")`, or `PUBLISHED["simple_rnn"]`.

    Args:
        classes: number of classes.
        skeleton: layout of the joints.
        channels: numbers for each joint.
        frames: length of the clips; needed for head="flatten", otherwise any length will do.
        units: recurrent units.
        dropout: share of values dropped before the head in training.
        features: "motion" feeds joints relative to the skeleton's root, the root's own travel, and their change since
            the last frame; "raw" the keypoints as they come, as published.
        head: "mean" pools the states over the frames of the mask; "flatten" is the published head.

    Returns:
        keypoints (clips, frames, joints, channels), mask (clips, frames) -> probabilities (clips, classes).
    """
    return _one_layer(
        layers.SimpleRNN, "simple_rnn", classes, skeleton, channels, frames, units, dropout, features, head
    )


def lstm(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 64,
    dropout: float = 0.4,
    features: str = "motion",
    head: str = "mean",
) -> keras.Model:
    """One LSTM layer (`recurrent`) over the frames; thesis sec. 5.1.2. Arguments as in `simple_rnn`.

    Published size: 712 parameters, `PUBLISHED["lstm"]`.
    """
    return _one_layer(
        layers.LSTM, "lstm", classes, skeleton, channels, frames, units, dropout, features, head
    )


def lstm_attention(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 64,
    dropout: float = 0.4,
    features: str = "motion",
    stem: int = 64,
    attention_units: int = 32,
) -> keras.Model:
    """An LSTM (`recurrent`) whose frames are pooled by learned attention (`attention`); Zhang et al., eq. 9-12.

    The paper gives neither layer sizes nor the number of heads; sizes here are ours, and so is the short
    convolution before the LSTM: `stem=0, features="raw"` is the paper's network. With features="motion" the
    frames also hold the joints' change over four frames. Arguments as in `simple_rnn`, and:

    Args:
        stem: filters of a dense layer in each frame and of a convolution over three frames, which come before
            the LSTM; 0 = none.
        attention_units: size of the space in which the learned query meets the frames.
    """
    keypoints, mask = _inputs(skeleton, channels, frames)
    placed = _placed(keypoints, skeleton, features)
    sequence = _joints(placed, skeleton, skeleton.joints, features, "body", steps=(1, 4))
    if stem:
        sequence = _stem(sequence, mask, stem)
    states = layers.LSTM(units, return_sequences=True, name="recurrent")(sequence, mask=mask)
    pooled = AttentionPooling(attention_units, name="attention")(states, mask=mask)
    return _classify([keypoints, mask], layers.Dropout(dropout)(pooled), classes, "lstm_attention")


def conv_gru(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 64,
    dropout: float = 0.4,
    stream: int = 32,
    stem: tuple[int, int] = (64, 96),
    attention_units: int = 32,
) -> keras.Model:
    """Convolutions over four views of the motion, a GRU both ways (`recurrent`), attention beside the mean.

    The views are the joints relative to the root, their bones (where the skeleton is a tree), and the joints' change
    over one and over four frames. Each goes through a dense layer in every frame and a convolution over three; then
    all together through two more convolutions, after each of which two frames become one: the GRU sees a quarter
    of the frames. Made for clips of one length, such as the 32 frames of the default preset; any length will do.
    Arguments as in `simple_rnn`, and:

    Args:
        stream: filters of each view.
        stem: filters of the two convolutions before the GRU.
        attention_units: size of the space in which the learned query meets the frames.
    """
    keypoints, given = _inputs(skeleton, channels, frames)
    mask = given
    placed = _placed(keypoints, skeleton, "motion")
    joints = TakeJoints(list(range(len(skeleton))), name="joints")(placed)
    views = {"joints": joints, "fast": Change(1, name="fast")(joints), "slow": Change(4, name="slow")(joints)}
    if skeleton.root is not None and skeleton.limbs:
        inner, outer = zip(*skeleton.bones_outwards(), strict=True)
        bones = Bones(skeleton.indices(inner), skeleton.indices(outer), name="bones")(keypoints)
        views["bones"] = bones
    sequence = layers.Concatenate(name="views")(
        [_stem(view, mask, stream, f"{name}_stem") for name, view in views.items()]
    )
    for number, filters in enumerate(stem, 1):
        sequence = ZeroBehindMask(name=f"stem_{number}_mask")(sequence, mask=mask)
        around = layers.Conv1D(filters, 3, padding="same", use_bias=False, name=f"stem_{number}")(sequence)
        sequence = _activated(around, mask, f"stem_{number}")
        sequence = PoolFrames(2, name=f"stem_{number}_pool")(sequence, mask=mask)
        mask = EveryNth(2, name=f"mask_{number}")(mask)
    gru = layers.GRU(units, return_sequences=True)
    states = layers.Bidirectional(gru, name="recurrent")(sequence, mask=mask)
    attended = AttentionPooling(attention_units, name="attention")(states, mask=mask)
    mean = layers.GlobalAveragePooling1D(name="mean")(states, mask=mask)
    pooled = layers.Concatenate(name="pooled")([attended, mean])
    return _classify([keypoints, given], layers.Dropout(dropout)(pooled), classes, "conv_gru")


def hierarchical_rnn(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 16,
    dropout: float = 0.4,
    features: str = "motion",
    head: str = "mean",
) -> keras.Model:
    """A SimpleRNN for each part of the body, joined limb by limb; thesis sec. 5.1.2, after Du, Wang, Wang 2015.

    Layers `right_arm`, `left_arm`, `trunk`, `right_leg`, `left_leg`; each limb is joined with the trunk, arms
    make the upper body, legs the lower, both the full body (8 * units values). The joints of each part come
    from the skeleton. Arguments as in `simple_rnn`; published size: `PUBLISHED["hierarchical_rnn"]`.

    Raises:
        ValueError: the skeleton lacks a part.
    """
    missing = sorted({*LIMBS, "trunk"} - set(skeleton.parts))
    if missing:
        raise ValueError(
            f"Skeleton {skeleton.name} has no part {', '.join(missing)}; the hierarchical model needs the joints of each, see Skeleton.parts."
        )
    keypoints, mask = _inputs(skeleton, channels, frames)
    placed = _placed(keypoints, skeleton, features)
    masked = None if head == "flatten" else mask
    states = {}
    for part in ("right_arm", "left_arm", "trunk", "right_leg", "left_leg"):
        sequence = _joints(placed, skeleton, skeleton.parts[part], features, part)
        states[part] = layers.SimpleRNN(units, return_sequences=True, name=part)(sequence, mask=masked)
    right_arm, left_arm, right_leg, left_leg = (
        layers.Concatenate(name=f"{limb}_and_trunk")([states[limb], states["trunk"]]) for limb in LIMBS
    )
    upper = layers.Concatenate(name="upper_body")([right_arm, left_arm])
    lower = layers.Concatenate(name="lower_body")([right_leg, left_leg])
    body = layers.Concatenate(name="full_body")([upper, lower])
    pooled = _pool(body, mask, head, frames, dropout)
    return _classify([keypoints, mask], pooled, classes, "hierarchical_rnn")


PUBLISHED: dict[str, dict[str, Any]] = {
    "simple_rnn": {"units": 2, "dropout": 0.5, "features": "raw", "head": "flatten"},
    "lstm": {"units": 2, "dropout": 0.5, "features": "raw", "head": "flatten"},
    "hierarchical_rnn": {"units": 2, "dropout": 0.8, "features": "raw", "head": "flatten"},
}
"""Arguments that give the networks of the thesis; `frames` comes from the data (110 there)."""


def _one_layer(
    layer: Any,
    name: str,
    classes: int,
    skeleton: Skeleton,
    channels: int,
    frames: int | None,
    units: int,
    dropout: float,
    features: str,
    head: str,
) -> keras.Model:
    keypoints, mask = _inputs(skeleton, channels, frames)
    sequence = _joints(_placed(keypoints, skeleton, features), skeleton, skeleton.joints, features, "body")
    masked = None if head == "flatten" else mask
    states = layer(units, return_sequences=True, name="recurrent")(sequence, mask=masked)
    return _classify([keypoints, mask], _pool(states, mask, head, frames, dropout), classes, name)


def _inputs(skeleton: Skeleton, channels: int, frames: int | None) -> tuple[Any, Any]:
    keypoints = keras.Input((frames, len(skeleton), channels), name="keypoints")
    return keypoints, keras.Input((frames,), dtype="bool", name="mask")


def _placed(keypoints: Any, skeleton: Skeleton, features: str) -> Any:
    """The keypoints relative to the root for features="motion"; as they are where there is no root."""
    if features not in ("motion", "raw"):
        raise ValueError(f"`features` must be 'motion' or 'raw', got {features!r}.")
    if features == "raw" or skeleton.root is None:
        return keypoints
    return RelativeToRoot(skeleton.index(skeleton.root), name="pose_and_travel")(keypoints)


def _joints(
    placed: Any,
    skeleton: Skeleton,
    joints: Iterable[str],
    features: str,
    part: str,
    steps: Iterable[int] = (1,),
) -> Any:
    """(clips, frames, values) of some joints, with their change over `steps` frames for features="motion"."""
    taken = TakeJoints(skeleton.indices(joints), name=f"{part}_joints")(placed)
    return taken if features == "raw" else WithVelocity(steps=steps, name=f"{part}_velocity")(taken)


def _stem(sequence: Any, mask: Any, filters: int, name: str = "stem") -> Any:
    """A dense layer in each frame, a convolution over three; both normalised over the frames of the mask."""
    frame = layers.Dense(filters, use_bias=False, name=f"{name}_frame")(sequence)
    sequence = ZeroBehindMask(name=f"{name}_mask")(_activated(frame, mask, f"{name}_frame"), mask=mask)
    around = layers.Conv1D(filters, 3, padding="same", use_bias=False, name=name)(sequence)
    return _activated(around, mask, name)


def _activated(sequence: Any, mask: Any, name: str) -> Any:
    """Normalised over the frames of the mask, through a leaky rectifier."""
    normal = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(sequence, mask=mask)
    return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_relu")(normal)


def _pool(states: Any, mask: Any, head: str, frames: int | None, dropout: float) -> Any:
    """(clips, frames, units) -> (clips, values)."""
    if head == "mean":
        pooled = layers.GlobalAveragePooling1D(name="mean")(states, mask=mask)
        return layers.Dropout(dropout)(pooled)
    if head != "flatten":
        raise ValueError(f"`head` must be 'mean' or 'flatten', got {head!r}.")
    if frames is None:
        raise ValueError("head='flatten' is tied to one length of clip: give `frames`.")
    each = layers.Dense(2, activation="relu", name="each_frame")(layers.Dropout(dropout)(states))
    return layers.Flatten()(each)


def _classify(inputs: list, values: Any, classes: int, name: str) -> keras.Model:
    if classes < 2:
        raise ValueError(f"`classes` must be at least 2, got {classes}.")
    outputs = layers.Dense(classes, activation="softmax", name="probabilities")(values)
    return keras.Model(inputs, outputs, name=name)
