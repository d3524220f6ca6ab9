"""Clips as TFRecord files, the form that TensorFlow's own tools read; Zhang et al. train from them.

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
from gymskel.files import replace_file
from gymskel.skeleton import Skeleton

if TYPE_CHECKING:
    import tensorflow as tf

_FORMAT = 1  # version of the JSON text


def write_tfrecord(clips: Clips, path: str | Path) -> Path:
    """Write clips as one TFRecord file, whole or not at all, and return its path."""
    import tensorflow as tf

    path = Path(path)
    layout = {
        "format": _FORMAT,
        "frames": clips.x.shape[1],
        "skeleton": clips.skeleton.to_dict(),
        "channels": clips.channels,
        "classes": clips.classes,
        "fps": clips.fps,
    }
    with replace_file(path) as part, tf.io.TFRecordWriter(str(part)) as writer:
        for row in range(len(clips)):
            writer.write(_serialize(clips, row, {"facts": json.dumps(layout).encode()} if row == 0 else {}))
    return path


def _serialize(clips: Clips, row: int, texts: Mapping[str, bytes]) -> bytes:
    """Return the record of one clip, with further text features."""
    import tensorflow as tf

    def text(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def number(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))

    floats = tf.train.FloatList(value=clips.x[row].ravel())
    features = {
        "keypoints": tf.train.Feature(float_list=floats),
        "seen": text(clips.seen[row].astype(np.uint8).tobytes()),
        "length": number(clips.lengths[row]),
        "label": number(-1 if clips.y is None else clips.y[row]),
        "athlete": text((clips.athletes[row] or "").encode()),
        "source": text(clips.sources[row].encode()),
        **{name: text(value) for name, value in texts.items()},
    }
    record: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return record


def read_tfrecord(path: str | Path) -> Clips:
    """Return the clips in a file by `write_tfrecord`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such file of clips, damaged, or of a newer gymskel; the message names the record.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No TFRecord file {path}.")
    examples = _read_examples(path)
    layout = _read_layout(path, examples)
    frames, joints, channels = layout["frames"], len(layout["skeleton"]), len(layout["channels"])
    for number, example in enumerate(examples):
        sizes = len(example["keypoints"].float_list.value), len(_text(example["seen"]))
        expected = frames * joints * channels, frames * joints
        if sizes != expected:
            raise ValueError(
                f"{path}, record {number}: {sizes[0]} numbers and {sizes[1]} flags; expected {expected[0]} and "
                f"{expected[1]} for (frames, joints, channels) {(frames, joints, channels)}."
            )
    x = np.array([example["keypoints"].float_list.value for example in examples], np.float32)
    lengths = np.array([example["length"].int64_list.value[0] for example in examples])
    y = np.array([example["label"].int64_list.value[0] for example in examples], np.int32)
    seen = np.frombuffer(b"".join(_text(example["seen"]) for example in examples), np.uint8)
    return Clips(
        x=x.reshape(-1, frames, joints, channels),
        mask=np.arange(frames) < lengths[:, None],
        seen=seen.reshape(-1, frames, joints).astype(bool),
        y=None if (y < 0).any() else y,
        classes=tuple(layout["classes"]),
        athletes=tuple(_text(example["athlete"]).decode() or None for example in examples),
        sources=tuple(_text(example["source"]).decode() for example in examples),
        channels=tuple(layout["channels"]),
        skeleton=layout["skeleton"],
        fps=layout["fps"],
    )


def _read_examples(path: Path) -> list[Any]:
    """Return the features of each record."""
    import tensorflow as tf

    examples: list[Any] = []
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            examples.append(tf.train.Example.FromString(record.numpy()).features.feature)
    except (tf.errors.DataLossError, ValueError) as error:
        raise ValueError(f"{path} is damaged after {len(examples)} records: {error}") from None
    except Exception as error:  # google.protobuf's DecodeError, which is no ValueError in every version
        raise ValueError(f"{path}, record {len(examples)}, is no tf.train.Example: {error}") from None
    return examples


def _text(feature: Any) -> bytes:
    return feature.bytes_list.value[0] if feature.bytes_list.value else b""


def _read_layout(path: Path, examples: list[Any]) -> dict[str, Any]:
    """Return the properties of all clips that the first record holds; `frames` includes padding."""
    try:
        layout = json.loads(_text(examples[0]["facts"]))
        if layout["format"] <= _FORMAT:
            return {**layout, "skeleton": Skeleton.from_dict(layout["skeleton"])}
    except (IndexError, KeyError, ValueError, TypeError):
        raise ValueError(
            f"{path} is not by write_tfrecord: its first record does not say the clips' frames, joints and classes."
        ) from None
    version = layout["format"]
    raise ValueError(f"{path} was written by a newer gymskel (format {version}). Fix: update gymskel.")
