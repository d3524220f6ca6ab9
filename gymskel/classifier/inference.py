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

    The network is compiled on its first call, for any number and length of clips, and kept as long as the model lives.
    Clips of similar length form a batch that ends with their last frame, so that padding costs nothing.

    Args:
        model: with the inputs `keypoints` and `mask`.
        clips: at the fixed length of the model, or of any length if it has none.
    """
    network = compiled_network(model)
    fixed = model.get_layer("keypoints").batch_shape[1] is not None
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
    """Raise ValueError if a model does not take `keypoints` and `mask`, or does not return probabilities.

    Args:
        model: from a builder outside gymskel.
        clips: with `classes`; the first two are tried.

    Raises:
        ValueError: other inputs, another output shape than (clips, classes), values that are no probabilities.
    """
    expected = "a model of the inputs `keypoints` and `mask` that gives probabilities (clips, classes), as softmax does"
    inputs = sorted(
        tensor.name for tensor in getattr(model, "inputs", None) or ()
    )  # None for a subclassed model
    classes = len(clips.classes)
    if inputs != ["keypoints", "mask"]:
        raise ValueError(
            f"A builder must return {expected}; got the inputs {', '.join(inputs) or 'of no functional model'}."
        )
    if model.output_shape != (None, classes):
        raise ValueError(f"A builder must return {expected}; got {model.output_shape} for {classes} classes.")
    output = model({name: clips[:2].inputs[name] for name in inputs}, training=False)
    output = np.asarray(keras.ops.convert_to_numpy(output), float)
    if (output < 0).any() or not np.allclose(output.sum(axis=1), 1, atol=0.01):
        raise ValueError(f"A builder must return {expected}; got {output[0].round(3).tolist()} for a clip.")


def compiled_network(model: keras.Model) -> Network:
    """Return the compiled network of a model: the same function at every call, as long as the model lives.

    The function takes any number and length of clips. It follows further training of the model, but not a change of
    its layers.
    """
    if model not in _COMPILED:
        _COMPILED[model] = _compile_network(model)
    return _COMPILED[model]


def compile_one_clip(model: keras.Model, frames: int) -> Network:
    """Return the network compiled for one clip of `frames` frames, as a single XLA program with constant weights.

    It takes seconds to make, runs several times faster than `compiled_network`, and does not follow further training.
    """
    # weights as constants: to look up a hundred variables takes a third of the time of a clip
    trainable = [variable.numpy() for variable in model.trainable_variables]
    others = [variable.numpy() for variable in model.non_trainable_variables]
    proxy = weakref.proxy(model)  # the function must not keep the model alive

    def network(keypoints: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        inputs = {"keypoints": keypoints, "mask": mask}
        weights = [[tf.constant(values) for values in part] for part in (trainable, others)]
        return proxy.stateless_call(*weights, inputs, training=False)[0]

    return _trace(network, model, (1, frames), jit_compile=True)


def _compile_network(model: keras.Model) -> Network:
    """Return the network compiled for any number and length of clips; it reads the weights at every call."""
    proxy = weakref.proxy(model)  # the function must not keep the model alive

    def network(keypoints: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        return proxy({"keypoints": keypoints, "mask": mask}, training=False)

    return _trace(network, model, (None, model.get_layer("keypoints").batch_shape[1]))


def _trace(
    network: Network, model: keras.Model, shape: tuple[int | None, int | None], *, jit_compile: bool = False
) -> Network:
    """Return the function traced once for inputs of the model, of `shape` (clips, frames)."""
    *_, joints, channels = model.get_layer("keypoints").batch_shape
    signature = [
        tf.TensorSpec((*shape, joints, channels), tf.float32, "keypoints"),
        tf.TensorSpec(shape, tf.bool, "mask"),
    ]
    traced = tf.function(network, autograph=False, jit_compile=jit_compile, input_signature=signature)
    return traced.get_concrete_function()
