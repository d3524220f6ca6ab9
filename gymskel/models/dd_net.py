"""dd_net, without recurrence: Yang et al. 2019, "Make Skeleton-based Action Recognition Model Smaller, Faster and Better"."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.features import activate, model_inputs
from gymskel.models.heads import softmax_model
from gymskel.models.layers import (
    Change,
    Distances,
    EveryNth,
    LargestOfFrames,
    PoolFrames,
    TakeJoints,
    ZeroBehindMask,
)
from gymskel.skeleton import GYMNASTICS_15, Skeleton


def dd_net(
    classes: int,
    *,
    skeleton: Skeleton = GYMNASTICS_15,
    channels: int = 2,
    frames: int | None = None,
    filters: int = 64,
    dropout: float = 0.5,
) -> keras.Model:
    """Build convolutions over the distances between joints and their motion at two speeds; Yang et al. 2019.

    Sizes are those of the paper: 1.8 million parameters with 64 filters, 0.15 million with 16 (its "lite" form). Frames
    behind the mask never count; the paper does not say. Other arguments as in `simple_rnn`:

    Args:
        filters: of the first convolutions; later ones have 2, 4 and 8 times as many.
    """
    inputs = keypoints, mask = model_inputs(skeleton, channels, frames)
    joints = TakeJoints(list(range(len(skeleton))), name="joints")(keypoints)
    distances = Distances(name="distances")(keypoints)
    slow, fast = Change(1, gain=1.0, name="slow")(joints), Change(2, gain=2.0, name="fast")(joints)
    half = EveryNth(2, name="mask_2")(mask)
    views = [
        PoolFrames(2, name="distances_pool")(_embed(distances, mask, filters, "distances"), mask=mask),
        PoolFrames(2, name="slow_pool")(_embed(slow, mask, filters, "slow"), mask=mask),
        _embed(EveryNth(2, name="fast_half")(fast), half, filters, "fast"),
    ]
    values, mask = layers.Concatenate(name="views")(views), half
    for number, times in enumerate((2, 4, 8), 1):
        for letter in "ab":
            values = _convolution(values, mask, times * filters, 3, f"conv_{number}{letter}")
        if times < 8:
            values = PoolFrames(2, name=f"conv_{number}_pool")(values, mask=mask)
            mask = EveryNth(2, name=f"mask_{2 * times}")(mask)
    values = layers.SpatialDropout1D(0.1)(values)
    values = LargestOfFrames(name="largest")(values, mask=mask)
    for number in (1, 2):
        values = layers.Dense(128, use_bias=False, name=f"dense_{number}")(values)
        values = layers.BatchNormalization(momentum=0.9, name=f"dense_{number}_norm")(values)
        values = layers.Dropout(dropout)(layers.LeakyReLU(negative_slope=0.2)(values))
    return softmax_model(list(inputs), values, classes, "dd_net")


def _embed(values: Any, mask: Any, filters: int, name: str) -> Any:
    """Apply the three convolutions of one view, (clips, frames, values) -> (clips, frames, filters)."""
    for number, (count, size) in enumerate(((2 * filters, 1), (filters, 3), (filters, 1)), 1):
        values = _convolution(values, mask, count, size, f"{name}_conv_{number}")
        if number < 3:
            values = layers.SpatialDropout1D(0.1)(values)
    return values


def _convolution(values: Any, mask: Any, filters: int, size: int, name: str) -> Any:
    """Apply a convolution over `size` frames, batch normalisation over the frames of the mask, and a leaky rectifier."""
    values = ZeroBehindMask(name=f"{name}_mask")(values, mask=mask)
    values = layers.Conv1D(filters, size, padding="same", use_bias=False, name=name)(values)
    return activate(values, mask, name)
