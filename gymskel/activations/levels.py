"""The states of a hierarchical model, level by level and part by part of the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.activations.states import layer_outputs, layers_before

if TYPE_CHECKING:
    import keras

    from gymskel.clips import Clips


def body_levels(
    model: keras.Model, clips: Clips | Mapping[str, np.ndarray], *, batch_size: int = 256
) -> list[dict[str, np.ndarray]]:
    """What the parts of the body did at every level of a hierarchical model, read from the model's own graph.

    The first level are the recurrent layers that no other recurrent layer comes before. What joins or follows layers of
    one level, as a recurrent layer or as a plain concatenation, is one level further up: arms and legs, each with the
    trunk, upper and lower body, the full body. A concatenation on the way to a recurrent layer is no level of its own. A
    model with one recurrent layer has one level with one part.

    Args:
        model: a functional model.
        clips: Clips, or a dict of the model's inputs.
        batch_size: clips at a time.

    Returns:
        A dict for each level, the lowest first: part of the body -> (clips, frames, units) or (clips, steps, units), NaN
        behind the mask. A part is called as its layer; where one layer holds several parts, as the layers that take their
        `columns` from it, or as its `unit_parts` say.

    Raises:
        ValueError: no layer of the model has a state in every frame; `unit_parts` names more or fewer units than there are.
    """
    levels: list[dict[str, np.ndarray]] = []
    for layer, level in _levels(model):
        states = layer_outputs(model, clips, layer.name, batch_size=batch_size)
        levels += [{} for _ in range(level - len(levels))]
        levels[level - 1] |= _by_part(layer, states)
    if not levels:
        raise ValueError(f"Model {model.name!r} has no recurrent layer with a state in every frame.")
    return levels


def _levels(model: keras.Model) -> list[tuple[Any, int]]:
    """Each recurrent layer, or those that take its parts, and each join of states for its own sake, with its level from 1."""
    import keras

    joins = (keras.layers.Concatenate, keras.layers.Add, keras.layers.Average, keras.layers.Maximum)
    before = {
        layer.name: [one.name for one in layers_before(layer)] for layer in model.layers if _used(layer)
    }
    recurrent = {layer.name for layer in model.layers if getattr(layer, "return_sequences", False)}
    takers = {name: [one for one in model.layers if name in before.get(one.name, ())] for name in before}
    height: dict[str, int] = {}  # 0 = nothing recurrent comes before it
    found = []
    for layer in model.layers:
        below = [height.get(name, 0) for name in before.get(layer.name, ())]
        height[layer.name] = max(below, default=0)
        joined = isinstance(layer, joins) and below and min(below) > 0 and len(layer.output.shape) == 3
        if layer.name in recurrent:
            height[layer.name] += 1
            parts = [taker for taker in takers[layer.name] if hasattr(taker, "columns")]
            found += [(one, height[layer.name]) for one in parts or [layer]]
        elif joined and not _leads_to(layer.name, recurrent, takers):
            height[layer.name] += 1
            found.append((layer, height[layer.name]))
    return found


def _leads_to(name: str, wanted: set[str], takers: dict[str, list[Any]]) -> bool:
    return any(one.name in wanted or _leads_to(one.name, wanted, takers) for one in takers[name])


def _used(layer: Any) -> bool:
    return bool(layer._inbound_nodes) and bool(layer._inbound_nodes[0].input_tensors)


def _by_part(layer: Any, states: np.ndarray) -> dict[str, np.ndarray]:
    parts = getattr(layer, "unit_parts", None)
    if parts is None:
        return {layer.name: states}
    parts = [str(part) for part in parts]
    if len(parts) != states.shape[-1]:
        raise ValueError(
            f"`unit_parts` of layer {layer.name!r} must name the part of each of {states.shape[-1]} units, got {len(parts)}."
        )
    return {part: states[..., [p == part for p in parts]] for part in dict.fromkeys(parts)}
