"""What the recurrent layers see of the keypoints: the numbers as they come, the motion in them, or convolutions over it.

Three sights, the argument `features` of the builders:

    "raw"     the keypoints as they come, as published
    "motion"  joints relative to the root, the root's own travel, and their change since the last frame
    "conv"    four views of the motion (joints, bones, their fast and slow change), each through a dense layer in every frame
              and a convolution over three, then together through two more, after which several frames become one

Values stand part by part, so that a hierarchical model can keep its parts apart (see `blocks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from gymskel.models.blocks import DrawBlocks, KeepBlocks
from gymskel.models.layers import (
    Bones,
    Change,
    EveryNth,
    PoolFrames,
    RelativeToRoot,
    TakeFeatures,
    TakeJoints,
    WithVelocity,
    ZeroBehindMask,
)
from gymskel.skeleton import Skeleton

FEATURES = ("conv", "motion", "raw")


def inputs_of(skeleton: Skeleton, channels: int, frames: int | None) -> tuple[Any, Any]:
    """The two inputs of every model: keypoints (clips, frames, joints, channels), mask (clips, frames)."""
    keypoints = keras.Input((frames, len(skeleton), channels), name="keypoints")
    return keypoints, keras.Input((frames,), dtype="bool", name="mask")


def see(
    keypoints: Any,
    mask: Any,
    skeleton: Skeleton,
    features: str,
    *,
    parts: Mapping[str, Sequence[str]] | None = None,
    filters: tuple[int, int, int] = (20, 40, 64),
    pools: tuple[int, int] = (2, 2),
) -> tuple[Any, Any, list[int]]:
    """The sequence that the first recurrent layer reads.

    Args:
        keypoints: the model's input.
        mask: the model's other input.
        skeleton: layout of the joints.
        features: one of FEATURES.
        parts: body part -> its joints; by default one part, the body.
        filters: for "conv", of each part: of a view's two layers, of the first and the second convolution over all views.
        pools: for "conv": frames that become one after each of these convolutions.

    Returns:
        (sequence (clips, frames, values), mask of its frames (clips, frames), number of values of each part).
    """
    if features not in FEATURES:
        raise ValueError(f"`features` must be {', '.join(map(repr, FEATURES))}, got {features!r}.")
    parts = {"body": skeleton.joints} if parts is None else parts
    channels = keypoints.shape[-1]
    placed = keypoints
    if features != "raw" and skeleton.root is not None:
        placed = RelativeToRoot(skeleton.index(skeleton.root), name="pose_and_travel")(keypoints)
    rows = [row for joints in parts.values() for row in skeleton.indices(joints)]
    joints = TakeJoints(rows, name="joints")(placed)
    widths = [channels * len(own) for own in parts.values()]
    if features == "raw":
        return joints, mask, widths
    if features == "motion":
        both = WithVelocity(name="velocity")(joints)
        return _by_part(both, [widths, widths], "motion"), mask, [2 * width for width in widths]
    views = {
        "joints": (joints, widths),
        "fast": (Change(1, name="fast")(joints), widths),
        "slow": (Change(4, name="slow")(joints), widths),
    }
    if skeleton.root is not None and skeleton.bones_outwards():
        views["bones"] = _bones(keypoints, skeleton, parts)
    return _convolved(views, mask, filters, pools)


def in_blocks(rows: Sequence[int], columns: Sequence[int], repeats: int = 1) -> dict[str, Any]:
    """Arguments of a Dense, convolution or recurrent layer whose kernel keeps several parts apart; none for one part."""
    if len(rows) == 1:
        return {}
    return {
        "kernel_initializer": DrawBlocks(rows, columns, repeats),
        "kernel_constraint": KeepBlocks(rows, columns, repeats),
    }


def _bones(keypoints: Any, skeleton: Skeleton, parts: Mapping[str, Sequence[str]]) -> tuple[Any, list[int]]:
    """The bones of each part, a bone belonging to the part of its outer joint; and their values in each part."""
    inner_of = {outer: inner for inner, outer in skeleton.bones_outwards()}
    outer = [[joint for joint in joints if joint in inner_of] for joints in parts.values()]
    ends = [joint for joints in outer for joint in joints]
    bones = Bones(skeleton.indices([inner_of[j] for j in ends]), skeleton.indices(ends), name="bones")
    return bones(keypoints), [2 * len(joints) for joints in outer]


def _convolved(
    views: Mapping[str, tuple[Any, list[int]]],
    mask: Any,
    filters: tuple[int, int, int],
    pools: tuple[int, int],
) -> tuple[Any, Any, list[int]]:
    groups = len(next(iter(views.values()))[1])
    wide = [filters[0]] * groups
    seen = []
    for name, (view, widths) in views.items():
        frame = layers.Dense(sum(wide), use_bias=False, name=f"{name}_frame", **in_blocks(widths, wide))
        view = ZeroBehindMask(name=f"{name}_mask")(_activated(frame(view), mask, f"{name}_frame"), mask=mask)
        seen.append(_convolution(view, mask, wide, wide, f"{name}_conv"))
    sequence = layers.Concatenate(name="views")(seen)
    sequence = _by_part(sequence, [wide] * len(views), "views")
    wide = [filters[0] * len(views)] * groups
    for number, (count, pool) in enumerate(zip(filters[1:], pools, strict=True), 1):
        sequence = ZeroBehindMask(name=f"conv_{number}_mask")(sequence, mask=mask)
        sequence = _convolution(sequence, mask, wide, [count] * groups, f"conv_{number}")
        wide = [count] * groups
        if pool > 1:
            sequence = PoolFrames(pool, name=f"pool_{number}")(sequence, mask=mask)
            mask = EveryNth(pool, name=f"mask_{number}")(mask)
    return sequence, mask, wide


def _convolution(sequence: Any, mask: Any, rows: list[int], columns: list[int], name: str) -> Any:
    """A convolution over three frames, normalised over the frames of the mask, through a leaky rectifier."""
    blocks = in_blocks(rows, columns)
    around = layers.Conv1D(sum(columns), 3, padding="same", use_bias=False, name=name, **blocks)(sequence)
    return _activated(around, mask, name)


def _activated(sequence: Any, mask: Any, name: str) -> Any:
    normal = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(sequence, mask=mask)
    return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_relu")(normal)


def _by_part(values: Any, kinds: list[list[int]], name: str) -> Any:
    """Values that stand kind by kind, part by part within a kind -> part by part, kind by kind within a part."""
    if len(kinds[0]) == 1:
        return values
    order, start = [[] for _ in kinds[0]], 0
    for widths in kinds:
        for part, width in enumerate(widths):
            order[part] += range(start, start + width)
            start += width
    return TakeFeatures([column for own in order for column in own], name=f"{name}_by_part")(values)
