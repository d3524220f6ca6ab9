"""hierarchical_rnn: the body's parts, then limbs with the trunk, then halves, then the whole body."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from gymskel.models.front import inputs_of, see
from gymskel.models.heads import check_head, classify, pool
from gymskel.models.layers import EveryNth, PoolFrames, TakeFeatures
from gymskel.models.recurrent import scan
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
"""Above the parts, level by level: what there is -> the two below that are joined in it; Du, Wang, Wang 2015, fig. 2."""


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
    """A recurrent layer for each part of the body, joined limb by limb; thesis sec. 5.1.2, after Du, Wang, Wang 2015.

    Layers `right_arm`, `left_arm`, `trunk`, `right_leg`, `left_leg`; each limb is joined with the trunk (`right_arm_and_trunk`
    ...), arms make `upper_body`, legs `lower_body`, both `full_body`. The joints of each part come from the skeleton. With
    fusion="recurrent" each of these is recurrent again, as in Du et al.; those of one level share one scan over the frames
    (`level_1` to `level_3`, `full_body`), and up to the halves two frames become one from level to level, so that all four levels
    take twice the steps of the first. Arguments as in `simple_rnn`, and:

    Args:
        units: of each part on each level, in each direction.
        cell: "simple_rnn", "lstm" or "gru".
        fusion: "recurrent", or "concatenate": parts are recurrent, what joins them is not, as published
            (`PUBLISHED["hierarchical_rnn"]`).

    Raises:
        ValueError: the skeleton lacks a part; features, cell, fusion or head that there are not.
    """
    if missing := sorted(set(PARTS) - set(skeleton.parts)):
        raise ValueError(
            f"Skeleton {skeleton.name} has no part {', '.join(missing)}; the hierarchical model needs the joints of each, see Skeleton.parts."
        )
    if fusion not in ("recurrent", "concatenate"):
        raise ValueError(f"`fusion` must be 'recurrent' or 'concatenate', got {fusion!r}.")
    check_head(head, ("mean", "flatten"), frames)
    inputs = keypoints, mask = inputs_of(skeleton, channels, frames)
    parts = {part: skeleton.parts[part] for part in PARTS}
    values, mask, widths = see(
        keypoints, mask, skeleton, features, parts=parts, filters=(8, 16, 24), pools=(2, 2)
    )
    mask = None if head == "flatten" else mask
    if fusion == "concatenate":
        body = _concatenated(values, mask, widths, cell, units, bidirectional)
    else:
        body, mask = _fused(values, mask, widths, cell, units, bidirectional)
    return classify(list(inputs), pool(body, mask, head, dropout), classes, "hierarchical_rnn")


def _concatenated(
    values: Any, mask: Any, widths: list[int], cell: str, units: int, bidirectional: bool
) -> Any:
    """As published: a recurrent layer for each part, plain concatenations above."""
    states, start = {}, 0
    for part, width in zip(PARTS, widths, strict=True):
        own = TakeFeatures(range(start, start + width), name=f"{part}_values")(values)
        states[part] = scan(own, mask, cell, units, part, bidirectional=bidirectional)
        start += width
    for level in LEVELS:
        for name, (a, b) in level.items():
            states[name] = layers.Concatenate(name=name)([states[a], states[b]])
    return states["full_body"]


def _fused(
    values: Any, mask: Any, widths: list[int], cell: str, units: int, bidirectional: bool
) -> tuple[Any, Any]:
    """Recurrent on every level, a level's parts in one scan, two frames becoming one between levels: (states, mask)."""
    names: list[str] = list(PARTS)
    for number, level in enumerate(LEVELS, 1):
        together = scan(
            values, mask, cell, units, f"level_{number}", bidirectional=bidirectional, widths=widths
        )
        states = {}
        for k, name in enumerate(names):  # a part's units, forwards and backwards
            starts = [(k + way * len(names)) * units for way in range(1 + bidirectional)]
            own = [column for start in starts for column in range(start, start + units)]
            states[name] = TakeFeatures(own, name=name)(together)
        names = list(level)
        joined = [states[part] for name in names for part in level[name]]
        values = layers.Concatenate(name=f"level_{number}_joined")(joined)
        last = number == len(LEVELS)  # the body has as many steps as its halves
        if mask is None and not last:
            values = layers.MaxPooling1D(2, padding="same", name=f"level_{number}_pool")(values)
        elif not last:
            values = PoolFrames(2, name=f"level_{number}_pool")(values, mask=mask)
            mask = EveryNth(2, name=f"level_{number}_mask")(mask)
        widths = [values.shape[-1] // len(names)] * len(names)
    return scan(values, mask, cell, units, "full_body", bidirectional=bidirectional), mask
