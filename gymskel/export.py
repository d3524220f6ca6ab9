"""A trained classifier -> an ONNX or LiteRT file for programs without Keras, and a JSON of metadata beside it.

ONNX runs on servers, in browsers and in games; LiteRT on phones. Each file is run and compared with the network before
it is written. examples/ holds a client for each that needs only numpy and the runtime.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

import gymskel
from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.inference import fixed_frames, input_specs, run_network
from gymskel.clips import Clips
from gymskel.files import replace_file

TOLERANCE = 1e-4
"""Largest difference allowed between a probability of the file and of the network."""

RunFile = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""keypoints and mask -> (clips, classes) probabilities of the exported file."""


def export_onnx(classifier: SkeletonClassifier, path: str | Path) -> Path:
    """Write `path` (.onnx) for any number and length of clips, and its metadata as `path`.json.

    Inputs: `keypoints` (clips, frames, joints, channels) float32 and `mask` (clips, frames) bool, True = a frame of the
    clip; output: `probabilities` (clips, classes). A model with the published head takes clips of one length. Returns
    `path`.

    Raises:
        ImportError: tf2onnx or onnxruntime is not installed.
        RuntimeError: the network cannot be converted, or the file gives other probabilities; nothing is written.
    """
    check_is_fitted(classifier, "model_")
    tf2onnx, onnxruntime = _import("tf2onnx"), _import("onnxruntime")
    length = fixed_frames(classifier.model_)
    with _conversion_errors(path):
        network = _tf_function(_portable_copy(classifier.model_))
        proto, _ = tf2onnx.convert.from_function(network, input_signature=network.input_signature, opset=17)
        content = proto.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(keypoints: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return session.run(["probabilities"], {"keypoints": keypoints, "mask": mask})[0]

    return _compare_and_write(classifier, Path(path), content, run, kind="onnx", frames=length)


def export_litert(classifier: SkeletonClassifier, path: str | Path, *, frames: int | None = None) -> Path:
    """Write `path` (.tflite) for one padded clip of `frames` frames at a time, and its metadata as `path`.json.

    Loops over the frames are unrolled, because no interpreter runs them otherwise: the file, and the time to make it,
    grow with `frames`, by default the length of the longest training clip. Returns `path`.

    Raises:
        ImportError: ai-edge-litert is not installed.
        ValueError: the model takes clips of another length only.
        RuntimeError: as `export_onnx`.
    """
    check_is_fitted(classifier, "model_")
    litert = _import("ai_edge_litert.interpreter")
    length = fixed_frames(classifier.model_)
    frames = length or classifier.training_facts_.frames if frames is None else frames
    if frames < 1 or length not in (None, frames):
        raise ValueError(f"`frames` must be {length or 'a number from 1'}, got {frames}.")
    with _conversion_errors(path):
        copy = _portable_copy(classifier.model_, frames=frames)
        network = _tf_function(copy)
        holder = tf.Module()  # the converter wants one object with the function and the weights it uses
        holder.network, holder.weights = network, [variable.value for variable in copy.variables]
        converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()], holder)
        content = converter.convert()
        run_clip = litert.Interpreter(model_content=content).get_signature_runner("serving_default")

    def run(keypoints: np.ndarray, mask: np.ndarray) -> np.ndarray:
        pairs = zip(keypoints, mask, strict=True)
        return np.concatenate([run_clip(keypoints=k[None], mask=m[None])["probabilities"] for k, m in pairs])

    return _compare_and_write(classifier, Path(path), content, run, kind="litert", frames=frames)


def client_metadata(classifier: SkeletonClassifier) -> dict[str, Any]:
    """Return the metadata that a client needs beside the network, as plain values for JSON.

    Keys: `classes` in the order of the probabilities; `joints_in` the rows of the keypoints before preprocessing;
    `fps_in` the frame rates of training; `steps` [name, arguments] from keypoints to `joints` and `channels` at `fps`,
    documented in gymskel.preprocess (None for a classifier that was fitted on Clips).
    """
    facts, preprocessor = classifier.training_facts_, classifier.preprocessor_
    return {
        "format": 1,
        "gymskel": gymskel.__version__,
        "classes": [str(name) for name in classifier.classes_],
        "joints_in": list(facts.skeleton_in.joints),
        "joints": list(facts.skeleton.joints),
        "channels": list(facts.channels),
        "fps_in": list(facts.fps_in),
        "fps": facts.fps,
        "steps": preprocessor.to_dict()["steps"] if preprocessor else None,
    }


def _import(module: str) -> Any:
    """Return a module of the extra `export`; its ImportError says how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        name = module.split(".")[0].replace("_", "-")
        raise ImportError(f"Export needs {name}. Fix: pip install gymskel[export] ({error})") from error


@contextmanager
def _conversion_errors(path: str | Path) -> Iterator[None]:
    """Turn any error of a converter or runtime, some of a hundred lines, into a short RuntimeError about `path`."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(
            f"{path} was not written: this network cannot be converted. {str(error)[:400]}"
        ) from error


def _portable_copy(model: keras.Model, *, frames: int | None = None) -> keras.Model:
    """Return the network in float32 without cuDNN; with `frames` for one clip of that length, and with unrolled loops."""
    changes = {"dtype": "float32"} if frames is None else {"dtype": "float32", "unroll": True}

    def rebuild(layer: keras.layers.Layer) -> keras.layers.Layer:
        copy = type(layer).from_config(_changed(layer.get_config(), changes))
        for inner in (copy, *copy._flatten_layers(include_self=False)):
            if hasattr(inner, "use_cudnn"):
                inner.use_cudnn = False  # not in a layer's configuration
            if frames is not None and getattr(inner, "go_backwards", False):
                # Keras zeroes the wrong frames if a loop is both unrolled and backwards. Read backwards, the padding
                # comes first, so its states are 0 anyway.
                inner.zero_output_for_mask = False
        return copy

    inputs = frames and [
        keras.Input(batch_shape=(1, frames, *tensor.shape[2:]), dtype=tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]
    copy = keras.models.clone_model(model, input_tensors=inputs, clone_function=rebuild)
    copy.set_weights(model.get_weights())
    return copy


def _changed(config: Any, changes: Mapping[str, Any]) -> Any:
    """Return a layer's configuration with other values for the keys of `changes`, also in the layers in it."""
    if isinstance(config, Mapping):
        return {key: changes.get(key, _changed(value, changes)) for key, value in config.items()}
    return [_changed(value, changes) for value in config] if isinstance(config, list) else config


def _tf_function(model: keras.Model) -> Any:
    """Return the model as a TensorFlow function for converters."""

    def network(keypoints: Any, mask: Any) -> dict[str, Any]:
        return {"probabilities": model({"keypoints": keypoints, "mask": mask}, training=False)}

    specs = input_specs(model, *model.get_layer("keypoints").batch_shape[:2])
    return tf.function(network, autograph=False, input_signature=specs)


def _compare_and_write(
    classifier: SkeletonClassifier, path: Path, content: bytes, run: RunFile, *, kind: str, frames: int | None
) -> Path:
    """Compare the file with the network, then write it and its metadata, each whole or not at all."""
    try:
        difference = _largest_difference(classifier, run, frames)
    except Exception as error:  # each runtime has its own errors
        raise RuntimeError(f"{path} was not written: it does not run. {error}") from error
    if not difference <= TOLERANCE:  # also NaN
        raise RuntimeError(
            f"{path} was not written: its probabilities are up to {difference:.2g} off those of the network (allowed: {TOLERANCE:g}). "
            "The converter does not know a layer of this model. Fix: try the other format."
        )
    metadata = {
        "kind": kind,
        "frames": frames,
        **client_metadata(classifier),
        "largest_difference": difference,
    }
    with replace_file(path) as part:
        part.write_bytes(content)
    with replace_file(path.with_name(f"{path.name}.json")) as part:
        part.write_text(json.dumps(metadata, indent=1), encoding="utf-8")
    return path


def _largest_difference(classifier: SkeletonClassifier, run: RunFile, frames: int | None) -> float:
    """Return the largest difference from the network's probabilities in float32, on clips of `frames` or of any length."""
    length, model = frames or classifier.training_facts_.frames, classifier.model_
    if any("16" in layer.compute_dtype for layer in model.layers):
        model = _portable_copy(model)  # mixed precision rounds in every layer, as the file does not
    trials = [_swinging_clips(classifier, length)]
    if frames is None:
        trials += [_swinging_clips(classifier, other)[:1] for other in (1, length + 3)]
    return float(np.max([np.abs(run(c.x, c.mask) - run_network(model, c)).max() for c in trials]))


def _swinging_clips(classifier: SkeletonClassifier, frames: int) -> Clips:
    """Return six clips of joints that swing smoothly, in the size of the clips that the network was trained on."""
    facts, rng = classifier.training_facts_, np.random.default_rng(0)
    steps = [name for name, _ in classifier.preprocessor_.steps] if classifier.preprocessor_ else ["scale"]
    size = 1.0 if {"scale", "relative"} & set(steps) else 100.0  # torso lengths, or pixels
    shape = (6, 1, len(facts.skeleton), len(facts.channels))
    turns = np.linspace(0, 1, frames)[:, None, None] * rng.uniform(2, 9, shape)
    x = rng.normal(0, 1, shape) + np.sin(turns + rng.uniform(0, 6, shape))
    lengths = [frames, frames, 1, -(-frames // 2), -(-frames // 3), max(1, frames - 1)]
    real = (np.arange(frames) < np.array(lengths)[:, None])[..., None, None]
    return Clips.from_arrays(
        np.where(real, size * x, 0), lengths=lengths, skeleton=facts.skeleton, channels=facts.channels
    )
