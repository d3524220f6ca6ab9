"""Clips -> class probabilities through a trained network, without the overhead of `model.predict`."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gymskel.clips import Clips

MAX_BATCH = 256
"""Clips that go through the network at once."""

Network = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""keypoints (clips, frames, joints, channels) float32, mask (clips, frames) bool -> (clips, classes) probabilities."""

_COMPILED: weakref.WeakKeyDictionary[keras.Model, Network] = weakref.WeakKeyDictionary()


def run_network(model: keras.Model, clips: Clips) -> np.ndarray:
    """Return (clips, classes) float32 probabilities, in the order of the clips.

    Clips of similar length form a batch that ends with their last frame, so that padding costs nothing.
    The clips have the fixed length of the model, or any length if it has none.
    """
    network, fixed = compiled_network(model), fixed_frames(model) is not None
    lengths = clips.lengths
    order = np.argsort(lengths, kind="stable")
    probabilities = np.empty((len(clips), *model.output_shape[1:]), np.float32)
    for start in range(0, len(clips), MAX_BATCH):
        rows = order[start : start + MAX_BATCH]
        frames = clips.x.shape[1] if fixed else int(lengths[rows[-1]])
        probabilities[rows] = network(
            tf.constant(clips.x[rows, :frames]), tf.constant(clips.mask[rows, :frames])
        )
    return probabilities


def check_network(model: keras.Model, clips: Clips) -> None:
    """Try a model from a builder outside gymskel on the first two of `clips`, which have `classes`.

    Raises:
        ValueError: other inputs than `keypoints` and `mask`, another output shape than (clips, classes), values that
            are no probabilities.
    """
    expected = "a model of the inputs `keypoints` and `mask` that gives probabilities (clips, classes), as softmax does"
    # a subclassed model has no inputs
    inputs = sorted(tensor.name for tensor in getattr(model, "inputs", None) or ())
    classes = len(clips.classes)
    if inputs != ["keypoints", "mask"]:
        raise ValueError(
            f"A builder must return {expected}; got the inputs {', '.join(inputs) or 'of no functional model'}."
        )
    if model.output_shape != (None, classes):
        raise ValueError(f"A builder must return {expected}; got {model.output_shape} for {classes} classes.")
    output = np.asarray(keras.ops.convert_to_numpy(model(clips[:2].inputs, training=False)), float)
    if (output < 0).any() or not np.allclose(output.sum(axis=1), 1, atol=0.01):
        raise ValueError(f"A builder must return {expected}; got {output[0].round(3).tolist()} for a clip.")


def compiled_network(model: keras.Model) -> Network:
    """Return the compiled network of a model: the same function at every call, as long as the model lives.

    The function takes any number and length of clips. It follows further training of the model, but not a change of
    its layers.
    """
    if model not in _COMPILED:
        proxy = weakref.proxy(model)  # the function must not keep the model alive

        def network(keypoints: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
            return proxy({"keypoints": keypoints, "mask": mask}, training=False)

        specs = input_specs(model, None, fixed_frames(model))
        traced = tf.function(network, autograph=False, input_signature=specs)
        _COMPILED[model] = traced.get_concrete_function()
    return _COMPILED[model]


def compile_one_clip(model: keras.Model, frames: int) -> Network:
    """Return the network compiled for one clip of `frames` frames, as a single XLA program with constant weights.

    It takes seconds to make, runs several times faster than `compiled_network`, and does not follow further training.
    """
    # weights as constants: to look up a hundred variables takes a third of the time of a clip
    variables = model.trainable_variables, model.non_trainable_variables
    parts = [[variable.numpy() for variable in part] for part in variables]
    proxy = weakref.proxy(model)

    def network(keypoints: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        weights = [[tf.constant(values) for values in part] for part in parts]
        return proxy.stateless_call(*weights, {"keypoints": keypoints, "mask": mask}, training=False)[0]

    specs = input_specs(model, 1, frames)
    traced = tf.function(network, autograph=False, jit_compile=True, input_signature=specs)
    return traced.get_concrete_function()


def fixed_frames(model: keras.Model) -> int | None:
    """Return the length of clips that the model is built for, or None if it takes any."""
    return model.get_layer("keypoints").batch_shape[1]


def pad_for_model(clips: Clips, model: keras.Model) -> Clips:
    """Return the clips, padded if the model has a fixed length; ValueError if they are longer."""
    fixed, frames = fixed_frames(model), clips.x.shape[1]
    if fixed and frames > fixed:
        raise ValueError(
            f"The clips have {frames} frames, the model is tied to {fixed} (head='flatten'). Fix: give more `frames` in "
            "model_params, or use a head that takes any length."
        )
    return clips.padded_to(fixed or frames)


def input_specs(model: keras.Model, clips: int | None, frames: int | None) -> list[tf.TensorSpec]:
    """Return the type and shape of the model's inputs `keypoints` and `mask`; None = any number."""
    shape = (clips, frames, *model.get_layer("keypoints").batch_shape[2:])
    return [tf.TensorSpec(shape, tf.float32, "keypoints"), tf.TensorSpec(shape[:2], tf.bool, "mask")]
