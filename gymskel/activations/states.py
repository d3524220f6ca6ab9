"""Outputs of a named layer in every frame: hidden states, convolution features, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.messages import join_names
from gymskel.recording import Recording, UnseenError

if TYPE_CHECKING:
    import keras

    from gymskel.clips import Clips


def recurrent_layers(model: keras.Model) -> list[str]:
    """Return the names of the layers that have a state in every frame, in the model's order.

    These are the recurrent layers (SimpleRNN, LSTM, GRU, Bidirectional ...) with `return_sequences=True`.
    """
    return [layer.name for layer in model.layers if getattr(layer, "return_sequences", False)]


def convolution_layers(model: keras.Model) -> list[str]:
    """Return the names of the convolutions over the frames, in the model's order, for `layer_outputs`."""
    import keras

    convolutions = (keras.layers.Conv1D, keras.layers.SeparableConv1D, keras.layers.DepthwiseConv1D)
    return [layer.name for layer in model.layers if isinstance(layer, convolutions)]


def layer_outputs(
    model: keras.Model,
    clips: Clips | Mapping[str, np.ndarray],
    layer: str,
    *,
    padding: bool = False,
    batch_size: int = 256,
) -> np.ndarray:
    """Return the output of a layer in every frame of every clip, such as the hidden states of a recurrent layer.

    The layer runs as in prediction, without dropout, once over each batch and without tracing a graph.

    Args:
        model: a functional model with named layers.
        clips: Clips, or a dict of the model's inputs, `keypoints` (clips, frames, joints, channels) and
            `mask` (clips, frames) bool.
        layer: name of the layer; `recurrent_layers` and `convolution_layers` list those that make sense.
        padding: keep the output behind the mask; by default it is NaN.
        batch_size: clips at a time.

    Returns:
        (clips, frames, units) float32 in the order of the frames, also for a layer with `go_backwards`. Where the model
        pools its frames before the layer it is (clips, steps, units), see `frames_per_step`. A Bidirectional layer has
        the forward units first, then the backward units. Of a layer that the model uses several times this is the
        first use.

    Raises:
        ValueError: no such layer, an output that is not (clips, frames, units), or a missing input.
    """
    return outputs_of_layers(model, clips, [layer], batch_size, padding)[0]


def frames_per_step(frames: int, steps: int) -> int:
    """Return the number of frames that one step of a layer covers: 4 where 32 frames become 8 steps.

    Models pool frames in pairs, and pairs in pairs. Where no power of two up to 16 gives `steps`, the answer is 1.

    >>> frames_per_step(32, 8), frames_per_step(9, 3), frames_per_step(30, 30), frames_per_step(12, 10)
    (4, 4, 1, 1)
    """
    return next((size for size in (1, 2, 4, 8, 16) if -(-frames // size) == steps), 1)


def attention_weights(
    model: keras.Model, clips: Clips | Mapping[str, np.ndarray], layer: str = "attention"
) -> np.ndarray:
    """Return the weight of each frame in the output of an attention layer.

    Args:
        model: a functional model with named layers.
        clips: Clips, or a dict of the model's inputs.
        layer: name of an `AttentionPooling`, or of another layer with a method `weights_of`.

    Returns:
        (clips, frames) float32, or (clips, frames, heads) for several heads; steps in place of frames where the model
        pools them. The weights of a clip (and head) sum to 1; behind the mask they are NaN. `visualize.plot_attention`
        draws them.

    Raises:
        ValueError: the model has no such layer, or its weights have another shape.
    """
    attention_layers = {one.name: one for one in model.layers if hasattr(one, "weights_of")}
    if layer not in attention_layers:
        raise ValueError(
            f"{model.name} has no attention layer {layer!r}; it has {join_names(attention_layers) or 'none'}."
        )
    inputs = model_inputs(model, clips)
    states, mask = layer_input(model, inputs, attention_layers[layer])
    weights = np.asarray(attention_layers[layer].weights_of(states, mask), np.float32)
    if weights.ndim not in (2, 3) or weights.shape[:2] != states.shape[:2]:
        raise ValueError(
            f"`weights_of` of layer {layer!r} gives {weights.shape}; expected (clips, frames) or (clips, frames, heads) "
            f"with {states.shape[:2]} clips and frames."
        )
    return nan_behind_mask(weights, inputs, layer, model)


def last_layer_states(
    classifier: Any, recordings: Sequence[Recording]
) -> tuple[str, list[np.ndarray | None]]:
    """Return the name of the last recurrent layer, and its states for each recording, ready for `draw_strips`.

    Args:
        classifier: a SkeletonClassifier fitted on recordings.
        recordings: of the layout of joints that it was trained on.

    Returns:
        The name, and for each recording (steps, units) float32 in [-1, 1] without NaN. A step is a frame, or several
        frames that the model pools (see `frames_per_step`). States beyond [-1, 1] are divided by the largest of the
        recording. A recording that cannot be prepared (a single frame, a needed joint never seen) has None. A model
        without a recurrent layer gives "" and None for each recording.

    Raises:
        ValueError: fitted on Clips, or another layout of joints.
    """
    layers = recurrent_layers(classifier.model_)
    if not layers:
        return "", [None] * len(recordings)
    states: list[np.ndarray | None] = [None] * len(recordings)
    for rows, clips in _prepared(classifier, recordings):
        for row, padded in zip(rows, layer_outputs(classifier.model_, clips, layers[-1]), strict=True):
            steps = padded[~np.isnan(padded).all(axis=1)]
            states[row] = steps / max(1.0, float(np.abs(steps).max()))
    return layers[-1], states


def _prepared(classifier: Any, recordings: Sequence[Recording]) -> list[tuple[list[int], Clips]]:
    """Return the numbers of the recordings that can be prepared, with their Clips: at once, or one by one."""
    rows = [row for row, recording in enumerate(recordings) if len(recording) > 1]
    try:
        return [(rows, classifier.clips([recordings[row] for row in rows]))] if rows else []
    except UnseenError:
        if len(rows) == 1:
            return []
    alone = [(row, _prepared(classifier, [recordings[row]])) for row in rows]
    return [([row], clips) for row, prepared in alone for _, clips in prepared]


# --- shared by the modules of this package ------------------------------------------------------------------


def outputs_of_layers(
    model: keras.Model,
    clips: Clips | Mapping[str, np.ndarray],
    layers: Sequence[str],
    batch_size: int,
    padding: bool,
) -> list[np.ndarray]:
    """Return the same as `layer_outputs` for several layers, in one run of the model."""
    sequences = [_sequence(model, layer) for layer in layers]
    inputs = model_inputs(model, clips)
    outputs = []
    for layer, states in zip(layers, run_to(model, sequences, inputs, batch_size), strict=True):
        if runs_backwards(model.get_layer(layer)):
            states = states[:, ::-1].copy()
        outputs.append(states if padding else nan_behind_mask(states, inputs, layer, model))
    return outputs


def model_inputs(model: keras.Model, clips: Clips | Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays that a model takes, by name, and always the mask where there is one."""
    inputs = clips if isinstance(clips, Mapping) else clips.inputs
    wanted = [tensor.name for tensor in model.inputs]
    if missing := [name for name in wanted if name not in inputs]:
        raise ValueError(
            f"`clips` lacks the inputs {join_names(missing)} of model {model.name!r}; it has {join_names(inputs)}."
        )
    if not len(inputs[wanted[0]]):
        raise ValueError("`clips` holds no clip; expected at least one.")
    return {name: np.asarray(inputs[name]) for name in dict.fromkeys([*wanted, "mask"]) if name in inputs}


def run_to(
    model: keras.Model, tensors: list, inputs: Mapping[str, np.ndarray], batch_size: int = 256
) -> list[np.ndarray]:
    """Return the values of symbolic tensors of a model, as in prediction: masks as bool, numbers as float32."""
    import keras

    probe = keras.Model(model.inputs, tensors)
    arrays = [inputs[tensor.name] for tensor in model.inputs]
    batches = []
    for start in range(0, len(arrays[0]), batch_size):
        values = probe([array[start : start + batch_size] for array in arrays], training=False)
        batches.append([keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(values)])
    joined = [np.concatenate(values) for values in zip(*batches, strict=True)]
    return [values if values.dtype == bool else values.astype(np.float32) for values in joined]


def layer_input(
    model: keras.Model, inputs: Mapping[str, np.ndarray], layer: Any, batch_size: int = 256
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the sequence that a layer takes, (clips, frames, values), and the mask that comes with it, or None."""
    tensors = _input_tensors(layer)
    numbers = [tensor for tensor in tensors if tensor.dtype != "bool"]
    if len(numbers) > 1:
        raise ValueError(
            f"Layer {layer.name!r} takes {len(numbers)} tensors of numbers, an initial state perhaps; expected one sequence."
        )
    masks = [tensor for tensor in tensors if tensor.dtype == "bool"]
    values = run_to(model, [numbers[0], *masks], inputs, batch_size)
    return values[0], values[1] if len(values) > 1 else None


def layers_before(layer: Any) -> list[Any]:
    """Return the layers whose outputs a layer takes at its first use."""
    return [tensor._keras_history.operation for tensor in _input_tensors(layer)]


def runs_backwards(layer: Any) -> bool:
    """Return True if a recurrent layer gives the last frame first. Bidirectional restores the order itself."""
    import keras

    return isinstance(layer, keras.layers.RNN) and layer.go_backwards


def nan_behind_mask(
    values: np.ndarray, inputs: Mapping[str, np.ndarray], layer: str, model: keras.Model
) -> np.ndarray:
    """Return (clips, steps, ...) with NaN behind the mask. A step is behind it if its first frame is."""
    if "mask" not in inputs:
        return values
    mask = np.asarray(inputs["mask"], bool)
    frames = mask.shape[1]
    mask = mask[:, :: frames_per_step(frames, values.shape[1])]
    if values.shape[:2] != mask.shape:
        raise ValueError(
            f"Layer {layer!r} gives out {values.shape[1]} steps for {frames} frames; expected a "
            f"state in every frame, or in every 2, 4, 8 or 16 frames. {_layers_note(model)}"
        )
    return np.where(mask.reshape(*mask.shape, *[1] * (values.ndim - 2)), values, np.float32(np.nan))


def layer_named(model: keras.Model, name: str) -> Any:
    """Return a layer by its name, or raise a ValueError that names the recurrent layers."""
    layers = {layer.name: layer for layer in model.layers}
    if name not in layers:
        raise ValueError(f"Model {model.name!r} has no layer {name!r}. {_layers_note(model)}")
    return layers[name]


def _input_tensors(layer: Any) -> list[Any]:
    """Return the symbolic tensors that a layer takes at its first use."""
    try:
        tensors = layer.input
    except (AttributeError, ValueError):
        raise ValueError(f"Layer {layer.name!r} is not part of a functional model.") from None
    if isinstance(tensors, dict):
        tensors = list(tensors.values())
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


def _sequence(model: keras.Model, name: str) -> Any:
    """Return the symbolic (clips, frames, units) output of a layer, or raise a ValueError."""
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
        hint = " Fix: build it with return_sequences=True." if hasattr(layer, "return_sequences") else ""
        raise ValueError(
            f"Layer {name!r} gives out ({shape}); expected (clips, frames, units).{hint} {_layers_note(model)}"
        )
    return output


def _layers_note(model: keras.Model) -> str:
    """Return the sentence of an error that names the recurrent layers of a model."""
    names = join_names(recurrent_layers(model))
    return f"Its recurrent layers: {names}." if names else "It has no recurrent layer with return_sequences."
