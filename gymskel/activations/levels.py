"""The states of a hierarchical model, level by level and part by part of the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.activations.states import layers_before, outputs_of_layers, recurrent_layers

if TYPE_CHECKING:
    import keras

    from gymskel.clips import Clips


def body_levels(
    model: keras.Model, clips: Clips | Mapping[str, np.ndarray], *, batch_size: int = 256
) -> list[dict[str, np.ndarray]]:
    """Return the states of the parts of the body at every level of a hierarchical model, read from the model's graph.

    The first level holds the recurrent layers that have no recurrent layer before them. A recurrent layer or a plain
    concatenation that joins or follows layers of one level stands one level higher: arms and legs, each with the trunk,
    upper and lower body, the full body. A concatenation that leads to a recurrent layer is no level of its own. A model
    with one recurrent layer has one level with one part.

    Args:
        model: a functional model.
        clips: Clips, or a dict of the model's inputs.
        batch_size: clips at a time.

    Returns:
        A dict for each level, the lowest first: part of the body -> (clips, frames, units) or (clips, steps, units),
        NaN behind the mask. A part has the name of its layer. Where one layer holds several parts, they have the names
        of the layers that take `columns` from it, or of its `unit_parts`.

    Raises:
        ValueError: no layer of the model has a state in every frame, or `unit_parts` has more or fewer names than units.
    """
    layers = _levels(model)
    if not layers:
        raise ValueError(f"Model {model.name!r} has no recurrent layer with a state in every frame.")
    outputs = outputs_of_layers(model, clips, [layer.name for layer, _ in layers], batch_size, False)
    levels: list[dict[str, np.ndarray]] = [{} for _ in range(max(level for _, level in layers))]
    for (layer, level), states in zip(layers, outputs, strict=True):
        levels[level - 1] |= _by_part(layer, states)
    return levels


def _levels(model: keras.Model) -> list[tuple[Any, int]]:
    """Return the layers that make up the levels, each with its level, counted from 1.

    These are the recurrent layers (or the layers that take their parts), and the joins of states that lead to no further
    recurrent layer.
    """
    import keras

    joins = (keras.layers.Concatenate, keras.layers.Add, keras.layers.Average, keras.layers.Maximum)
    # without Inputs, and layers that the model does not use
    used = [layer for layer in model.layers if layer._inbound_nodes and layer._inbound_nodes[0].input_tensors]
    previous = {layer.name: [before.name for before in layers_before(layer)] for layer in used}
    following = {name: [layer for layer in used if name in previous[layer.name]] for name in previous}
    recurrent = set(recurrent_layers(model))
    level: dict[str, int] = {}  # 0 = no recurrent layer comes before
    levels = []
    for layer in model.layers:
        below = [level.get(name, 0) for name in previous.get(layer.name, ())]
        level[layer.name] = max(below, default=0)
        joined = isinstance(layer, joins) and below and min(below) > 0 and len(layer.output.shape) == 3
        if layer.name in recurrent:
            level[layer.name] += 1
            parts = [part for part in following[layer.name] if hasattr(part, "columns")]
            levels += [(part, level[layer.name]) for part in parts or [layer]]
        elif joined and not _leads_to(layer.name, recurrent, following):
            level[layer.name] += 1
            levels.append((layer, level[layer.name]))
    return levels


def _leads_to(name: str, targets: set[str], following: dict[str, list[Any]]) -> bool:
    """Return True if a path in the graph leads from the layer `name` to one of `targets`."""
    return any(
        layer.name in targets or _leads_to(layer.name, targets, following) for layer in following[name]
    )


def _by_part(layer: Any, states: np.ndarray) -> dict[str, np.ndarray]:
    """Return the states of each part of the body that a layer holds."""
    parts = getattr(layer, "unit_parts", None)
    if parts is None:
        return {layer.name: states}
    parts = [str(part) for part in parts]
    if len(parts) != states.shape[-1]:
        raise ValueError(
            f"`unit_parts` of layer {layer.name!r} must name the part of each of {states.shape[-1]} units, got {len(parts)}."
        )
    return {part: states[..., [name == part for name in parts]] for part in dict.fromkeys(parts)}
