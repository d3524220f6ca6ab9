"""dd_net: the peer without recurrence, after Yang et al. 2019, "Make Skeleton-based Action Recognition Model Smaller, Faster and Better"."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.front import inputs_of
from gymskel.models.heads import classify
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
    """Convolutions over the joints' distances from each other and their motion at two speeds; Yang et al. 2019.

    The sizes are the paper's: 1.8 million parameters with 64 filters, 0.15 million with 16 (its "lite" form). Frames behind
    the mask never count, which the paper leaves open. Arguments as in `simple_rnn`, and:

    Args:
        filters: of the convolutions at the door; later ones have 2, 4 and 8 times as many.
    """
    inputs = keypoints, mask = inputs_of(skeleton, channels, frames)
    joints = TakeJoints(list(range(len(skeleton))), name="joints")(keypoints)
    distances = Distances(name="distances")(keypoints)
    slow, fast = Change(1, gain=1.0, name="slow")(joints), Change(2, gain=2.0, name="fast")(joints)
    half = EveryNth(2, name="mask_2")(mask)
    seen = [
        _half(_embedded(distances, mask, filters, "distances"), mask, "distances"),
        _half(_embedded(slow, mask, filters, "slow"), mask, "slow"),
        _embedded(EveryNth(2, name="fast_half")(fast), half, filters, "fast"),
    ]
    values, mask = layers.Concatenate(name="views")(seen), half
    for number, times in enumerate((2, 4, 8), 1):
        for turn in "ab":
            values = _convolution(values, mask, times * filters, 3, f"conv_{number}{turn}")
        if times < 8:
            values = _half(values, mask, f"conv_{number}")
            mask = EveryNth(2, name=f"mask_{2 * times}")(mask)
    values = layers.SpatialDropout1D(0.1)(values)
    values = LargestOfFrames(name="largest")(values, mask=mask)
    for number in (1, 2):
        values = layers.Dense(128, use_bias=False, name=f"dense_{number}")(values)
        values = layers.BatchNormalization(momentum=0.9, name=f"dense_{number}_norm")(values)
        values = layers.Dropout(dropout)(layers.LeakyReLU(negative_slope=0.2)(values))
    return classify(list(inputs), values, classes, "dd_net")


def _embedded(values: Any, mask: Any, filters: int, name: str) -> Any:
    for number, (count, size) in enumerate(((2 * filters, 1), (filters, 3), (filters, 1)), 1):
        values = _convolution(values, mask, count, size, f"{name}_conv_{number}")
        if number < 3:
            values = layers.SpatialDropout1D(0.1)(values)
    return values


def _convolution(values: Any, mask: Any, filters: int, size: int, name: str) -> Any:
    values = ZeroBehindMask(name=f"{name}_mask")(values, mask=mask)
    values = layers.Conv1D(filters, size, padding="same", use_bias=False, name=name)(values)
    values = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(values, mask=mask)
    return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_relu")(values)


def _half(values: Any, mask: Any, name: str) -> Any:
    return PoolFrames(2, name=f"{name}_pool")(values, mask=mask)
