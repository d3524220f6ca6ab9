"""A trained classifier -> a file for programs without Keras, run and compared before it is written, with its facts beside.

ONNX runs on servers, in browsers and in games, with clips of any number and length; LiteRT on telephones, with one clip
of one length at a time. What must be done to keypoints before the network is told in the JSON beside the file;
examples/ holds a client for each that needs numpy and the runtime alone.
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
from gymskel.classifier.inference import run_network
from gymskel.clips import Clips

TOLERANCE = 1e-4
"""How far a probability of the file may be from the network's."""

Answer = Callable[[np.ndarray, np.ndarray], np.ndarray]


def export_onnx(classifier: SkeletonClassifier, path: str | Path) -> Path:
    """Writes `path` (.onnx), and the facts as `path`.json; any number and length of clips.

    Inputs: `keypoints` (clips, frames, joints, channels) float32 and `mask` (clips, frames) bool, True = a frame of the
    clip; output: `probabilities` (clips, classes). A model with the published head is tied to its length.

    Raises:
        ImportError: tf2onnx or onnxruntime is not installed.
        RuntimeError: the network cannot be converted, or the file answers otherwise; nothing is written.
    """
    check_is_fitted(classifier, "model_")
    tf2onnx, onnxruntime = _wanted("tf2onnx"), _wanted("onnxruntime")
    _, length, joints, channels = classifier.model_.get_layer("keypoints").batch_shape
    with _refusing(path):
        network = _function(_plain_copy(classifier.model_), (None, length), joints, channels)
        made, _ = tf2onnx.convert.from_function(network, input_signature=network.input_signature, opset=17)
        content = made.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def answer(keypoints: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return session.run(["probabilities"], {"keypoints": keypoints, "mask": mask})[0]

    return _write(classifier, Path(path), content, answer, kind="onnx", frames=length)


def export_litert(classifier: SkeletonClassifier, path: str | Path, *, frames: int | None = None) -> Path:
    """Writes `path` (.tflite), and the facts as `path`.json; one clip of `frames` frames at a time, padded.

    Loops over the frames are unrolled, because no interpreter runs them otherwise: the file, and the time to make it,
    grow with `frames`.

    Args:
        classifier: any.
        path: file to write.
        frames: length of a clip; by default of the longest training clip.

    Raises:
        ImportError: ai-edge-litert is not installed.
        ValueError: the model is tied to another length.
        RuntimeError: the network cannot be converted, or the file answers otherwise; nothing is written.
    """
    check_is_fitted(classifier, "model_")
    litert = _wanted("ai_edge_litert.interpreter")
    _, length, joints, channels = classifier.model_.get_layer("keypoints").batch_shape
    frames = length or classifier.training_facts_.frames if frames is None else frames
    if frames < 1 or length not in (None, frames):
        raise ValueError(f"`frames` must be {length or 'a number from 1'}, got {frames}.")
    with _refusing(path):
        copy = _plain_copy(classifier.model_, frames=frames)
        network = _function(copy, (1, frames), joints, channels)
        holder = tf.Module()  # what the file is made from: the function, and the weights it uses
        holder.network, holder.weights = network, [variable.value for variable in copy.variables]
        converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()], holder)
        content = converter.convert()
        run = litert.Interpreter(model_content=content).get_signature_runner("serving_default")

    def answer(keypoints: np.ndarray, mask: np.ndarray) -> np.ndarray:
        pairs = zip(keypoints, mask, strict=True)
        return np.concatenate([run(keypoints=k[None], mask=m[None])["probabilities"] for k, m in pairs])

    return _write(classifier, Path(path), content, answer, kind="litert", frames=frames)


def facts_for_clients(classifier: SkeletonClassifier) -> dict[str, Any]:
    """What a client must know beside the network, as plain values for JSON.

    Keys: `classes` in the order of the probabilities; `joints_in` the rows of the keypoints that are to be prepared;
    `fps_in` the frame rates of training; `steps` [name, arguments] from keypoints to `joints` and `channels` at `fps`,
    documented in gymskel.preprocess (none for a classifier that was fitted on Clips).
    """
    facts, prepare = classifier.training_facts_, classifier.preprocessor_
    return {
        "format": 1,
        "gymskel": gymskel.__version__,
        "classes": [str(name) for name in classifier.classes_],
        "joints_in": list(facts.skeleton_in.joints),
        "joints": list(facts.skeleton.joints),
        "channels": list(facts.channels),
        "fps_in": list(facts.fps_in),
        "fps": facts.fps,
        "steps": prepare.to_dict()["steps"] if prepare else None,
    }


# --- inside ----------------------------------------------------------------------------------------------------


def _wanted(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as fault:
        name = {"ai_edge_litert.interpreter": "ai-edge-litert"}.get(module, module)
        raise ImportError(f"Export needs {name}: pip install gymskel[export] ({fault})") from fault


@contextmanager
def _refusing(path: str | Path) -> Iterator[None]:
    """Converters and runtimes have faults of their own, some of a hundred lines."""
    try:
        yield
    except Exception as fault:
        raise RuntimeError(
            f"{path} was not written: this network cannot be converted. {str(fault)[:400]}"
        ) from fault


def _plain_copy(model: keras.Model, *, frames: int | None = None) -> keras.Model:
    """The same network in float32 and without cuDNN, as other programs run it; with `frames` for one clip of that length, unrolled."""

    def again(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = _in_float32(layer.get_config())
        made = type(layer).from_config(config if frames is None else _unrolled(config))
        for inner in (made, *made._flatten_layers(include_self=False)):
            if hasattr(inner, "use_cudnn"):
                inner.use_cudnn = False  # not in a layer's configuration
            if frames is not None and getattr(inner, "go_backwards", False):
                # Keras zeroes the wrong frames where a loop is both unrolled and backwards; read backwards, the padding
                # comes first and its states are 0 as it is
                inner.zero_output_for_mask = False
        return made

    inputs = None
    if frames is not None:
        inputs = [
            keras.Input(batch_shape=(1, frames, *tensor.shape[2:]), dtype=tensor.dtype, name=tensor.name)
            for tensor in model.inputs
        ]
    copy = keras.models.clone_model(model, input_tensors=inputs, clone_function=again)
    copy.set_weights(model.get_weights())
    return copy


def _in_float32(config: Any) -> Any:
    """A layer's configuration without mixed precision, in layers within layers too."""
    if isinstance(config, Mapping):
        return {key: "float32" if key == "dtype" else _in_float32(value) for key, value in config.items()}
    return [_in_float32(value) for value in config] if isinstance(config, list) else config


def _unrolled(config: Any) -> Any:
    """A layer's configuration with every loop over frames unrolled, in layers within layers too."""
    if isinstance(config, Mapping):
        return {key: True if key == "unroll" else _unrolled(value) for key, value in config.items()}
    return [_unrolled(value) for value in config] if isinstance(config, list) else config


def _function(model: keras.Model, shape: tuple[int | None, int | None], joints: int, channels: int) -> Any:
    def network(keypoints: Any, mask: Any) -> dict[str, Any]:
        return {"probabilities": model({"keypoints": keypoints, "mask": mask}, training=False)}

    wanted = [
        tf.TensorSpec((*shape, joints, channels), tf.float32, "keypoints"),
        tf.TensorSpec(shape, tf.bool, "mask"),
    ]
    return tf.function(network, autograph=False, input_signature=wanted)


def _write(
    classifier: SkeletonClassifier,
    path: Path,
    content: bytes,
    answer: Answer,
    *,
    kind: str,
    frames: int | None,
) -> Path:
    """Compares, then writes both files, each whole or not at all."""
    try:
        off = _difference(classifier, answer, frames)
    except Exception as fault:  # each runtime has faults of its own
        raise RuntimeError(f"{path} was not written: it does not run. {fault}") from fault
    if not off <= TOLERANCE:  # NaN is not either
        raise RuntimeError(
            f"{path} was not written: its probabilities are up to {off:.2g} off those of the network (allowed: {TOLERANCE:g}). "
            "The converter does not know a layer of this model; the other format may."
        )
    facts = {"kind": kind, "frames": frames, **facts_for_clients(classifier), "largest_difference": off}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.json")
    for file, data in ((path, content), (beside, json.dumps(facts, indent=1).encode())):
        part = file.with_name(f".{file.name}.part")
        part.write_bytes(data)
        part.replace(file)
    return path


def _difference(classifier: SkeletonClassifier, answer: Answer, frames: int | None) -> float:
    """How far the file's probabilities are from the network's in float32 on made-up clips: whole, shorter, and of a single frame."""
    length, model = frames or classifier.training_facts_.frames, classifier.model_
    if any("16" in layer.compute_dtype for layer in model.layers):
        model = _plain_copy(model)  # mixed precision rounds in every layer, as the file does not
    clips = _moving(classifier, length)
    off = np.abs(answer(clips.x, clips.mask) - run_network(model, clips)).max()
    if frames is None:  # of any length: also others, and one alone
        for other in (1, length + 3):
            one = _moving(classifier, other)[:1]
            off = max(off, np.abs(answer(one.x, one.mask) - run_network(model, one)).max())
    return float(off)


def _moving(classifier: SkeletonClassifier, frames: int) -> Clips:
    """Six clips of joints that swing smoothly about places of their own, as large as those the network was trained on."""
    facts, rng = classifier.training_facts_, np.random.default_rng(0)
    joints, channels = len(facts.skeleton), len(facts.channels)
    steps = [name for name, _ in classifier.preprocessor_.steps] if classifier.preprocessor_ else ["scale"]
    size = 1.0 if {"scale", "relative"} & set(steps) else 100.0  # torso lengths, or pixels
    turns = np.linspace(0, 1, frames)[:, None, None] * rng.uniform(2, 9, (6, 1, joints, channels))
    x = rng.normal(0, 1, (6, 1, joints, channels)) + np.sin(
        turns + rng.uniform(0, 6, (6, 1, joints, channels))
    )
    lengths = np.array([frames, frames, 1, -(-frames // 2), -(-frames // 3), max(1, frames - 1)])
    real = (np.arange(frames) < lengths[:, None])[..., None, None]
    return Clips.from_arrays(
        np.where(real, size * x, 0),
        lengths=lengths,
        skeleton=facts.skeleton,
        channels=facts.channels,
    )
