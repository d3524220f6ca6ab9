"""Clips as TFRecord files, the way TensorFlow's own tools read data sets; Zhang et al. train from them.

Each record is a `tf.train.Example` of one clip: `keypoints` float32 (frames * joints * channels), `seen` bytes (frames *
joints, 0 or 1), `length` int64, `label` int64 (-1 = none), `athlete` and `source` bytes (an unknown athlete is empty).
The first record also holds `facts`, a JSON text: frames, joints, channels, classes, fps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.clips import Clips
from gymskel.skeleton import Skeleton

if TYPE_CHECKING:
    import tensorflow as tf

_FORMAT = 1


def write_tfrecord(clips: Clips, path: str | Path) -> Path:
    """Writes all clips into one TFRecord file, whole or not at all.

    Returns:
        The path.
    """
    import tensorflow as tf

    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    facts = {
        "format": _FORMAT,
        "frames": clips.x.shape[1],
        "skeleton": clips.skeleton.to_dict(),
        "channels": clips.channels,
        "classes": clips.classes,
        "fps": clips.fps,
    }
    try:
        with tf.io.TFRecordWriter(str(part)) as writer:
            for row in range(len(clips)):
                told = {"facts": json.dumps(facts).encode()} if row == 0 else {}
                writer.write(_example(clips, row, told))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _example(clips: Clips, row: int, told: Mapping[str, bytes]) -> bytes:
    import tensorflow as tf

    def text(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def number(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))

    floats = tf.train.FloatList(value=clips.x[row].ravel())
    feature = {
        "keypoints": tf.train.Feature(float_list=floats),
        "seen": text(clips.seen[row].astype(np.uint8).tobytes()),
        "length": number(clips.lengths[row]),
        "label": number(-1 if clips.y is None else clips.y[row]),
        "athlete": text((clips.athletes[row] or "").encode()),
        "source": text(clips.sources[row].encode()),
        **{name: text(value) for name, value in told.items()},
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def read_tfrecord(path: str | Path) -> Clips:
    """The clips that `write_tfrecord` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file, damaged, or written by a newer gymskel; the message gives the record.
    """
    import tensorflow as tf

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No TFRecord file {path}.")
    examples = []
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            examples.append(tf.train.Example.FromString(record.numpy()).features.feature)
    except (tf.errors.DataLossError, ValueError) as fault:
        raise ValueError(f"{path} is damaged after {len(examples)} records: {fault}") from None
    except Exception as fault:  # google.protobuf's DecodeError, which is no ValueError in every version
        raise ValueError(f"{path}, record {len(examples)}, is no tf.train.Example: {fault}") from None
    facts = _facts(path, examples)
    shape = facts["frames"], len(facts["skeleton"]), len(facts["channels"])
    for number, one in enumerate(examples):
        sizes = len(one["keypoints"].float_list.value), len(_text(one["seen"]))
        if sizes != (int(np.prod(shape)), shape[0] * shape[1]):
            raise ValueError(
                f"{path}, record {number}: {sizes[0]} numbers and {sizes[1]} flags; expected {np.prod(shape)} and "
                f"{shape[0] * shape[1]} for (frames, joints, channels) {shape}."
            )
    lengths = np.array([one["length"].int64_list.value[0] for one in examples])
    y = np.array([one["label"].int64_list.value[0] for one in examples], np.int32)
    seen = np.frombuffer(b"".join(_text(one["seen"]) for one in examples), np.uint8)
    return Clips(
        x=np.array([one["keypoints"].float_list.value for one in examples], np.float32).reshape(-1, *shape),
        mask=np.arange(shape[0]) < lengths[:, None],
        seen=seen.reshape(-1, *shape[:2]).astype(bool),
        y=None if (y < 0).any() else y,
        classes=tuple(facts["classes"]),
        athletes=tuple(_text(one["athlete"]).decode() or None for one in examples),
        sources=tuple(_text(one["source"]).decode() for one in examples),
        channels=tuple(facts["channels"]),
        skeleton=facts["skeleton"],
        fps=facts["fps"],
    )


def _text(feature: Any) -> bytes:
    return feature.bytes_list.value[0] if feature.bytes_list.value else b""


def _facts(path: Path, examples: list) -> dict[str, Any]:
    try:
        facts = json.loads(_text(examples[0]["facts"]))
        if facts["format"] <= _FORMAT:
            return {**facts, "skeleton": Skeleton.from_dict(facts["skeleton"])}
    except (IndexError, KeyError, ValueError, TypeError):
        raise ValueError(
            f"{path}: its first record holds no facts of clips (frames, joints, classes); it is not one that "
            "write_tfrecord wrote."
        ) from None
    raise ValueError(f"{path} was written by a newer gymskel (format {facts['format']}). Update gymskel.")


def to_tf_dataset(clips: Clips, *, batch_size: int = 32, seed: int | None = None) -> tf.data.Dataset:
    """The clips as a tf.data.Dataset of batches ({"keypoints", "mask"}, one-hot labels), as `model.fit` takes it.

    Args:
        clips: with labels; without them the batches are the inputs alone.
        batch_size: clips in a batch; the last one may be smaller.
        seed: shuffles anew each epoch; None keeps the order.
    """
    import tensorflow as tf

    inputs = clips.inputs
    if clips.y is not None:
        inputs = inputs, np.eye(len(clips.classes), dtype=np.float32)[clips.y]
    batches = tf.data.Dataset.from_tensor_slices(inputs)
    if seed is not None:
        batches = batches.shuffle(len(clips), seed=seed, reshuffle_each_iteration=True)
    return batches.batch(batch_size).prefetch(tf.data.AUTOTUNE)
