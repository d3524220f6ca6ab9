"""Features: the input of the recurrent layers, made of the keypoints. Values of the argument `features` of the builders:

    "raw"     the keypoints, as published
    "motion"  joints relative to the root, the travel of the root, and their change since the last frame
    "conv"    four views of the motion (joints, bones, fast and slow change of the joints), each through a dense layer in
              every frame and a convolution over three frames; then all views through two more convolutions with pooling

Values are ordered by part of the body, so that a hierarchical model can keep its parts apart (see `blocks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from gymskel.models.blocks import block_arguments
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


def model_inputs(skeleton: Skeleton, channels: int, frames: int | None) -> tuple[Any, Any]:
    """Return the two inputs of every model: keypoints (clips, frames, joints, channels), mask (clips, frames)."""
    keypoints = keras.Input((frames, len(skeleton), channels), name="keypoints")
    return keypoints, keras.Input((frames,), dtype="bool", name="mask")


def build_features(
    keypoints: Any,
    mask: Any,
    skeleton: Skeleton,
    features: str,
    *,
    parts: Mapping[str, Sequence[str]] | None = None,
    filters: tuple[int, int, int] = (20, 40, 64),
) -> tuple[Any, Any, list[int]]:
    """Return the sequence (clips, frames, values) for the recurrent layers, its mask, and the number of values of each part.

    Args:
        keypoints, mask, skeleton: inputs of the model, and the layout of the joints.
        features: one of FEATURES.
        parts: body part -> its joints; by default one part, the body.
        filters: for "conv", in each part: of the two layers of each view, of both convolutions over all views.
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
    widths = [channels * len(part_joints) for part_joints in parts.values()]
    if features == "raw":
        return joints, mask, widths
    if features == "motion":
        moving = WithVelocity(name="velocity")(joints)
        return _group_by_part(moving, [widths, widths], "motion"), mask, [2 * width for width in widths]
    views = {
        "joints": (joints, widths),
        "fast": (Change(1, name="fast")(joints), widths),
        "slow": (Change(4, name="slow")(joints), widths),
    }
    if skeleton.root is not None and skeleton.bones_outwards():
        views["bones"] = _bones(keypoints, skeleton, parts)
    return _convolve(views, mask, filters)


def _bones(keypoints: Any, skeleton: Skeleton, parts: Mapping[str, Sequence[str]]) -> tuple[Any, list[int]]:
    """Return the bones and the number of their values in each part; a bone belongs to the part of its outer joint."""
    inner_of = {outer: inner for inner, outer in skeleton.bones_outwards()}
    outer = [[joint for joint in joints if joint in inner_of] for joints in parts.values()]
    ends = [joint for joints in outer for joint in joints]
    bones = Bones(skeleton.indices([inner_of[j] for j in ends]), skeleton.indices(ends), name="bones")
    return bones(keypoints), [2 * len(joints) for joints in outer]


def _convolve(
    views: Mapping[str, tuple[Any, list[int]]], mask: Any, filters: tuple[int, int, int]
) -> tuple[Any, Any, list[int]]:
    """Return (sequence, mask, number of values of each part) after the convolutions; a view is (values, their widths)."""
    parts = len(next(iter(views.values()))[1])
    wide = [filters[0]] * parts
    convolved = []
    for name, (view, widths) in views.items():
        frame = layers.Dense(sum(wide), use_bias=False, name=f"{name}_frame", **block_arguments(widths, wide))
        view = ZeroBehindMask(name=f"{name}_mask")(activate(frame(view), mask, f"{name}_frame"), mask=mask)
        convolved.append(_convolution(view, mask, wide, wide, f"{name}_conv"))
    sequence = layers.Concatenate(name="views")(convolved)
    sequence = _group_by_part(sequence, [wide] * len(views), "views")
    wide = [filters[0] * len(views)] * parts
    for number, count in enumerate(filters[1:], 1):
        sequence = ZeroBehindMask(name=f"conv_{number}_mask")(sequence, mask=mask)
        sequence = _convolution(sequence, mask, wide, [count] * parts, f"conv_{number}")
        wide = [count] * parts
        sequence = PoolFrames(2, name=f"pool_{number}")(sequence, mask=mask)
        mask = EveryNth(2, name=f"mask_{number}")(mask)
    return sequence, mask, wide


def _convolution(sequence: Any, mask: Any, rows: list[int], columns: list[int], name: str) -> Any:
    """Apply a convolution over three frames, batch normalisation over the frames of the mask, and a leaky rectifier."""
    blocks = block_arguments(rows, columns)
    values = layers.Conv1D(sum(columns), 3, padding="same", use_bias=False, name=name, **blocks)(sequence)
    return activate(values, mask, name)


def activate(sequence: Any, mask: Any, name: str) -> Any:
    """Apply batch normalisation over the frames of the mask, and a leaky rectifier."""
    normal = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(sequence, mask=mask)
    return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_relu")(normal)


def _group_by_part(values: Any, views: list[list[int]], name: str) -> Any:
    """Reorder values from view by view to part by part; `views` has for each view the number of values of each part."""
    if len(views[0]) == 1:
        return values
    columns: list[list[int]] = [[] for _ in views[0]]
    start = 0
    for widths in views:
        for part, width in enumerate(widths):
            columns[part] += range(start, start + width)
            start += width
    return TakeFeatures([column for part in columns for column in part], name=f"{name}_by_part")(values)
