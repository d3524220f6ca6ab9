"""Clips -> class probabilities through a trained network, without what a call of `model.predict` costs."""

from __future__ import annotations

import weakref
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gymskel.clips import Clips

_BATCH = 256
_COMPILED: weakref.WeakKeyDictionary[keras.Model, Any] = weakref.WeakKeyDictionary()


def run_network(model: keras.Model, clips: Clips) -> np.ndarray:
    """(clips, classes) what the network answers, in the order of the clips.

    The network is compiled on its first call and kept as long as the model; any number and length of clips goes
    through the same function. Clips of like length go together, cut behind their last frame, so that padding costs
    nothing.

    Args:
        model: with the inputs `keypoints` and `mask`.
        clips: at the length that the model is tied to, or of any length if it is tied to none.
    """
    network = compiled(model)
    tied = model.get_layer("keypoints").batch_shape[1] is not None
    lengths = clips.lengths
    order = np.argsort(lengths, kind="stable")
    answers = np.empty((len(clips), *model.output_shape[1:]), np.float32)
    for start in range(0, len(clips), _BATCH):
        rows = order[start : start + _BATCH]
        frames = clips.x.shape[1] if tied else int(lengths[rows[-1]])
        answers[rows] = network(tf.constant(clips.x[rows, :frames]), tf.constant(clips.mask[rows, :frames]))
    return answers


def check_network(model: keras.Model, clips: Clips) -> None:
    """Refuses what somebody's own builder made, if it takes no `keypoints` and `mask` or gives no probabilities.

    Raises:
        ValueError: other inputs, other outputs than (clips, classes), values that are no probabilities.
    """
    wanted = "a model of the inputs `keypoints` and `mask` that gives probabilities (clips, classes), as softmax does"
    inputs = sorted(one.name for one in getattr(model, "inputs", None) or ())  # a subclass knows none
    classes = len(clips.classes)
    if inputs != ["keypoints", "mask"]:
        raise ValueError(
            f"A builder must return {wanted}; got the inputs {', '.join(inputs) or 'of no functional model'}."
        )
    if model.output_shape != (None, classes):
        raise ValueError(f"A builder must return {wanted}; got {model.output_shape} for {classes} classes.")
    told = model({name: clips[:2].inputs[name] for name in inputs}, training=False)
    told = np.asarray(keras.ops.convert_to_numpy(told), float)
    if (told < 0).any() or not np.allclose(told.sum(axis=1), 1, atol=0.01):
        raise ValueError(f"A builder must return {wanted}; got {told[0].round(3).tolist()} for a clip.")


def compiled(model: keras.Model) -> Any:
    """The network as a compiled function of tensors, for any number and length of clips; the same one at every call.

    Training the model further changes its answers, replacing its layers does not.
    """
    if model not in _COMPILED:
        _COMPILED[model] = compile_network(model)
    return _COMPILED[model]


def compile_network(model: keras.Model, *, frames: int | None = None, fused: bool = False) -> Any:
    """The network as a function keypoints, mask -> probabilities that is traced once, here.

    Args:
        model: with the inputs `keypoints` and `mask`.
        frames: for one clip of this length alone; by default for any number and length.
        fused: the whole network and its weights, as they are now, as one program (XLA): slow to make (seconds), several
            times faster to run. Needs `frames`.
    """
    if fused and frames is None:
        raise ValueError("`fused` needs `frames`: a fused program is for one length.")
    _, length, joints, channels = model.get_layer("keypoints").batch_shape
    shape = (None, length) if frames is None else (1, frames)
    whose = weakref.ref(model)  # the function must not keep the model alive
    if fused:  # weights as constants: to look up a hundred variables takes a third of the time of a clip
        weights = [
            [v.numpy() for v in part] for part in (model.trainable_variables, model.non_trainable_variables)
        ]

    def network(keypoints: Any, mask: Any) -> Any:
        inputs = {"keypoints": keypoints, "mask": mask}
        if not fused:
            return whose()(inputs, training=False)
        fixed = [[tf.constant(values) for values in part] for part in weights]
        return whose().stateless_call(*fixed, inputs, training=False)[0]

    wanted = [
        tf.TensorSpec((*shape, joints, channels), tf.float32, "keypoints"),
        tf.TensorSpec(shape, tf.bool, "mask"),
    ]
    made = tf.function(network, autograph=False, jit_compile=fused, input_signature=wanted)
    return made.get_concrete_function()
