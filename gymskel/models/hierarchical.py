"""hierarchical_rnn: the body's parts, then limbs with the trunk, then halves, then the whole body."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.features import build_features, model_inputs
from gymskel.models.heads import check_head, pool_frames, softmax_model
from gymskel.models.layers import EveryNth, PoolFrames, TakeFeatures
from gymskel.models.recurrent import recurrent_layer
from gymskel.skeleton import GYMNASTICS_15, Skeleton

PARTS = ("right_arm", "left_arm", "trunk", "right_leg", "left_leg")
LEVELS = (
    {f"{limb}_and_trunk": (limb, "trunk") for limb in PARTS if limb != "trunk"},
    {
        "upper_body": ("right_arm_and_trunk", "left_arm_and_trunk"),
        "lower_body": ("right_leg_and_trunk", "left_leg_and_trunk"),
    },
    {"full_body": ("upper_body", "lower_body")},
)
"""Levels above the parts: name of a node -> the two nodes below that it joins; Du, Wang, Wang 2015, fig. 2."""


def hierarchical_rnn(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    units: int = 16,
    cell: str = "simple_rnn",
    bidirectional: bool = True,
    dropout: float = 0.4,
    features: str = "conv",
    fusion: str = "recurrent",
    head: str = "mean",
) -> keras.Model:
    """Build recurrent layers for the parts of the body, joined limb by limb; thesis sec. 5.1.2, after Du, Wang, Wang 2015.

    Layers `right_arm`, `left_arm`, `trunk`, `right_leg`, `left_leg`; each limb is joined with the trunk
    (`right_arm_and_trunk` ...), the arms form `upper_body`, the legs `lower_body`, both `full_body`. The skeleton defines
    the joints of each part. With fusion="recurrent" all levels are recurrent, as in Du et al. The nodes of one level share
    one recurrent layer (`level_1` to `level_3`, `full_body`). Two frames are pooled into one between the first three levels,
    so all four levels together take twice the steps of the first. Other arguments as in `simple_rnn`:

    Args:
        units: of each part on each level, in each direction.
        cell: "simple_rnn", "lstm" or "gru".
        fusion: "recurrent"; or "concatenate" = only the parts are recurrent, as published
            (`PUBLISHED["hierarchical_rnn"]`).

    Raises:
        ValueError: the skeleton lacks a part; unknown `features`, `cell`, `fusion` or `head`.
    """
    if missing := sorted(set(PARTS) - set(skeleton.parts)):
        raise ValueError(
            f"Skeleton {skeleton.name} has no part {', '.join(missing)}; the hierarchical model needs all of {', '.join(PARTS)}. Fix: see Skeleton.parts."
        )
    if fusion not in ("recurrent", "concatenate"):
        raise ValueError(f"`fusion` must be 'recurrent' or 'concatenate', got {fusion!r}.")
    check_head(head, ("mean", "flatten"), frames)
    inputs = model_inputs(skeleton, channels, frames)
    parts = {part: skeleton.parts[part] for part in PARTS}
    values, mask, widths = build_features(*inputs, skeleton, features, parts=parts, filters=(8, 16, 24))
    mask = None if head == "flatten" else mask
    if fusion == "concatenate":
        body = _concatenated(values, mask, widths, cell, units, bidirectional)
    else:
        body, mask = _fused(values, mask, widths, cell, units, bidirectional)
    return softmax_model(list(inputs), pool_frames(body, mask, head, dropout), classes, "hierarchical_rnn")


def _concatenated(
    values: Any, mask: Any, widths: list[int], cell: str, units: int, bidirectional: bool
) -> Any:
    """Build a recurrent layer for each part, with plain concatenations above, as published; return the states of the body."""
    states, start = {}, 0
    for part, width in zip(PARTS, widths, strict=True):
        part_values = TakeFeatures(range(start, start + width), name=f"{part}_values")(values)
        states[part] = recurrent_layer(part_values, mask, cell, units, part, bidirectional=bidirectional)
        start += width
    for level in LEVELS:
        for name, (a, b) in level.items():
            states[name] = layers.Concatenate(name=name)([states[a], states[b]])
    return states["full_body"]


def _fused(
    values: Any, mask: Any, widths: list[int], cell: str, units: int, bidirectional: bool
) -> tuple[Any, Any]:
    """Build a recurrent layer for each level; return (states of the body, mask of its frames)."""
    names = list(PARTS)
    for number, level in enumerate(LEVELS, 1):
        level_states = recurrent_layer(
            values, mask, cell, units, f"level_{number}", bidirectional=bidirectional, widths=widths
        )
        states = {}
        for k, name in enumerate(names):
            starts = [(k + direction * len(names)) * units for direction in range(1 + bidirectional)]
            columns = [column for start in starts for column in range(start, start + units)]
            states[name] = TakeFeatures(columns, name=name)(level_states)
        names = list(level)
        joined = [states[part] for name in names for part in level[name]]
        values = layers.Concatenate(name=f"level_{number}_joined")(joined)
        last = number == len(LEVELS)  # the full body has as many frames as its halves
        if mask is None and not last:
            values = layers.MaxPooling1D(2, padding="same", name=f"level_{number}_pool")(values)
        elif not last:
            values = PoolFrames(2, name=f"level_{number}_pool")(values, mask=mask)
            mask = EveryNth(2, name=f"level_{number}_mask")(mask)
        widths = [values.shape[-1] // len(names)] * len(names)
    return recurrent_layer(values, mask, cell, units, "full_body", bidirectional=bidirectional), mask
