"""What a named layer gave out in every frame: hidden states, convolution features, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.recording import Recording, UnseenError

if TYPE_CHECKING:
    import keras

    from gymskel.clips import Clips


def recurrent_layers(model: keras.Model) -> list[str]:
    """Names of the layers whose state can be looked at in every frame, in the model's order.

    These are the recurrent layers (SimpleRNN, LSTM, GRU, Bidirectional ...) with `return_sequences=True`.
    """
    return [layer.name for layer in model.layers if getattr(layer, "return_sequences", False)]


def convolution_layers(model: keras.Model) -> list[str]:
    """Names of the convolutions over the frames, in the model's order: features for `layer_outputs`."""
    import keras

    kinds = (keras.layers.Conv1D, keras.layers.SeparableConv1D, keras.layers.DepthwiseConv1D)
    return [layer.name for layer in model.layers if isinstance(layer, kinds)]


def layer_outputs(
    model: keras.Model,
    clips: Clips | Mapping[str, np.ndarray],
    layer: str,
    *,
    padding: bool = False,
    batch_size: int = 256,
) -> np.ndarray:
    """What a layer gave out in every frame of every clip: the hidden states of a recurrent layer.

    The layer runs as in prediction (no dropout), once over each batch and without tracing a graph.

    Args:
        model: a functional model with named layers.
        clips: Clips, or a dict of the model's inputs, `keypoints` (clips, frames, joints, channels) and
            `mask` (clips, frames) bool.
        layer: name of the layer; `recurrent_layers` and `convolution_layers` list those that make sense.
        padding: keep what the layer gives out behind the mask. By default it is NaN there.
        batch_size: clips at a time.

    Returns:
        (clips, frames, units) float32, or (clips, steps, units) where the model has pooled its frames before (see
        `frames_per_step`), in the order of the frames, for a layer with `go_backwards` too. A Bidirectional
        layer has the units that run forwards first, then those that run backwards. Of a layer that the model uses
        several times, the first use.

    Raises:
        ValueError: no such layer, one that gives out something else than (clips, frames, units), or an input
            is missing.
    """
    sequence = _sequence(model, layer)
    inputs = inputs_of(model, clips)
    (states,) = run_to(model, [sequence], inputs, batch_size)
    if runs_backwards(model.get_layer(layer)):
        states = states[:, ::-1].copy()
    return states if padding else nan_behind_mask(states, inputs, layer, model)


def frames_per_step(frames: int, steps: int) -> int:
    """How many frames of a clip are behind one step of a layer that pools them: 4 where 32 frames become 8 steps.

    Frames are pooled in pairs, and pairs of pairs; where that does not give so many steps the answer is 1.

    >>> frames_per_step(32, 8), frames_per_step(9, 3), frames_per_step(30, 30), frames_per_step(12, 10)
    (4, 4, 1, 1)
    """
    return next((size for size in (1, 2, 4, 8, 16) if -(-frames // size) == steps), 1)


def attention_weights(
    model: keras.Model, clips: Clips | Mapping[str, np.ndarray], layer: str = "attention"
) -> np.ndarray:
    """How much each frame counts in what an attention layer (`AttentionPooling`, one with `weights_of`) gives out.

    Returns:
        (clips, frames) float32, or (clips, frames, heads) of a layer with several heads. The weights of a clip (and
        head) sum to 1; frames behind the mask are NaN. See `visualize.plot_attention`.

    Raises:
        ValueError: the model has no such layer, or its weights are of another shape.
    """
    found = {one.name: one for one in model.layers if hasattr(one, "weights_of")}
    if layer not in found:
        raise ValueError(
            f"{model.name} has no attention layer `{layer}`; it has {', '.join(found) or 'none'}."
        )
    inputs = inputs_of(model, clips)
    states, mask = what_it_got(model, inputs, found[layer])
    weights = np.asarray(found[layer].weights_of(states, mask), np.float32)
    if weights.ndim not in (2, 3) or weights.shape[:2] != states.shape[:2]:
        raise ValueError(
            f"`weights_of` of layer {layer!r} gives {weights.shape}; expected (clips, frames) or (clips, frames, heads) "
            f"with {states.shape[:2]} clips and frames."
        )
    return nan_behind_mask(weights, inputs, layer, model)


def last_layer_states(
    classifier: Any, recordings: Sequence[Recording]
) -> tuple[str, list[np.ndarray | None]]:
    """The last recurrent layer's name, and its states for each recording, as strips are drawn of them.

    Args:
        classifier: a SkeletonClassifier fitted on recordings.
        recordings: of the layout of joints that it was trained on.

    Returns:
        The name, and for each recording (steps, units) float32 in [-1, 1], without NaN: a step a frame, or every so
        many (see `frames_per_step`). States of a layer without that range are divided by the largest of the recording.
        None for a recording that cannot be prepared (a single frame, a needed joint never seen); "" and nothing but
        None for a model without such a layer.

    Raises:
        ValueError: fitted on Clips, or another layout of joints.
    """
    layers = recurrent_layers(classifier.model_)
    if not layers:
        return "", [None] * len(recordings)
    states: list[np.ndarray | None] = [None] * len(recordings)
    good = [i for i, one in enumerate(recordings) if len(one) > 1]
    try:
        groups = [(good, classifier.clips([recordings[i] for i in good]))] if good else []
    except UnseenError:
        groups = []
        for i in good:
            try:
                groups.append(([i], classifier.clips([recordings[i]])))
            except UnseenError:
                continue
    for rows, clips in groups:
        for i, one in zip(rows, layer_outputs(classifier.model_, clips, layers[-1]), strict=True):
            steps = one[~np.isnan(one).all(axis=1)]
            states[i] = steps / max(1.0, float(np.abs(steps).max()))
    return layers[-1], states


# --- for the files beside this one ------------------------------------------------------------------------


def inputs_of(model: keras.Model, clips: Clips | Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays a model takes, by name, and the mask where there is one, whether the model takes it or not."""
    inputs = clips if isinstance(clips, Mapping) else clips.inputs
    wanted = [tensor.name for tensor in model.inputs]
    if missing := [name for name in wanted if name not in inputs]:
        raise ValueError(
            f"`clips` lacks the inputs {missing} of model {model.name!r}; it has {list(inputs)}."
        )
    if not len(inputs[wanted[0]]):
        raise ValueError("`clips` holds no clip; expected at least one.")
    return {name: np.asarray(inputs[name]) for name in dict.fromkeys([*wanted, "mask"]) if name in inputs}


def run_to(
    model: keras.Model, tensors: list, inputs: Mapping[str, np.ndarray], batch_size: int = 256
) -> list[np.ndarray]:
    """The values of some symbolic tensors of a model, as in prediction; numbers are float32."""
    import keras

    probe = keras.Model(model.inputs, tensors)
    arrays = [inputs[tensor.name] for tensor in model.inputs]
    parts = []
    for at in range(0, len(arrays[0]), batch_size):
        values = probe([array[at : at + batch_size] for array in arrays], training=False)
        parts.append([keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(values)])
    whole = [np.concatenate(values) for values in zip(*parts, strict=True)]
    return [values if values.dtype == bool else values.astype(np.float32) for values in whole]


def what_it_got(
    model: keras.Model, inputs: Mapping[str, np.ndarray], layer: Any, batch_size: int = 256
) -> tuple[np.ndarray, np.ndarray | None]:
    """(clips, frames, values) the sequence that a layer took, and the mask it took with it, or None."""
    taken = _taken(layer)
    numbers = [tensor for tensor in taken if tensor.dtype != "bool"]
    if len(numbers) > 1:
        raise ValueError(
            f"Layer {layer.name!r} takes {len(numbers)} tensors of numbers, an initial state perhaps; expected one sequence."
        )
    values = run_to(
        model, [numbers[0], *(tensor for tensor in taken if tensor.dtype == "bool")], inputs, batch_size
    )
    return values[0], values[1] if len(values) > 1 else None


def layers_before(layer: Any) -> list[Any]:
    """The layers whose outputs a layer takes at its first use."""
    return [tensor._keras_history.operation for tensor in _taken(layer)]


def runs_backwards(layer: Any) -> bool:
    """Whether a recurrent layer gives out its last frame first; Bidirectional turns its own round again."""
    import keras

    return isinstance(layer, keras.layers.RNN) and layer.go_backwards


def nan_behind_mask(
    values: np.ndarray, inputs: Mapping[str, np.ndarray], layer: str, model: keras.Model
) -> np.ndarray:
    """(clips, steps, ...) with NaN behind the mask, of which a step has that of its first frame."""
    if "mask" not in inputs:
        return values
    mask = np.asarray(inputs["mask"], bool)
    frames = mask.shape[1]
    mask = mask[:, :: frames_per_step(frames, values.shape[1])]
    if values.shape[:2] != mask.shape:
        raise ValueError(
            f"Layer {layer!r} gives out {values.shape[1]} steps for {frames} frames; expected a "
            f"state in every frame, or every so many frames. {_looked_at(model)}"
        )
    return np.where(mask.reshape(*mask.shape, *[1] * (values.ndim - 2)), values, np.float32(np.nan))


def layer_named(model: keras.Model, name: str) -> Any:
    """The layer, or a ValueError that names those there are."""
    layers = {layer.name: layer for layer in model.layers}
    if name not in layers:
        raise ValueError(f"Model {model.name!r} has no layer {name!r}. {_looked_at(model)}")
    return layers[name]


def _taken(layer: Any) -> list[Any]:
    try:
        taken = layer.input
    except (AttributeError, ValueError):
        raise ValueError(f"Layer {layer.name!r} is not part of a functional model.") from None
    if isinstance(taken, dict):
        taken = list(taken.values())
    return list(taken) if isinstance(taken, (list, tuple)) else [taken]


def _sequence(model: keras.Model, name: str) -> Any:
    """The symbolic (clips, frames, units) output of a layer."""
    layer = layer_named(model, name)
    try:
        output = layer.output
    except AttributeError:
        raise ValueError(
            f"Layer {name!r} of model {model.name!r} has no symbolic output; expected a functional model."
        ) from None
    if isinstance(output, (list, tuple)):  # return_state=True: the sequence comes first
        output = output[0]
    if len(output.shape) != 3:
        shape = ", ".join("?" if size is None else str(size) for size in output.shape)
        hint = " Build it with return_sequences=True." if hasattr(layer, "return_sequences") else ""
        raise ValueError(
            f"Layer {name!r} gives out ({shape}); expected (clips, frames, units).{hint} {_looked_at(model)}"
        )
    return output


def _looked_at(model: keras.Model) -> str:
    names = recurrent_layers(model)
    return (
        f"Its recurrent layers: {', '.join(names)}."
        if names
        else "It has no recurrent layer with return_sequences."
    )
