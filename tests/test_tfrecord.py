"""Clips as TFRecord: there and back, what others read in it, and what is refused."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from gymskel.clips import Clips
from gymskel.formats.tfrecord import read_tfrecord, write_tfrecord
from gymskel.preprocess import pad, windows
from gymskel.simulate import simulate_recordings
from gymskel.skeleton import GYMNASTICS_15


def made(seed=0, clips=5, labels=True) -> Clips:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(clips, 7, 15, 3)).astype(np.float32)
    x[rng.random((clips, 7, 15)) < 0.2] = np.nan
    return Clips.from_arrays(
        x,
        lengths=rng.integers(1, 8, clips),
        y=rng.choice(["flip", "jump"], clips) if labels else None,
        classes=["flip", "jump"] if labels else None,
        athletes=[None, *(f"å{k}" for k in range(clips - 1))],
        skeleton=GYMNASTICS_15,
        fps=59.94,
    )


def same(one: Clips, two: Clips) -> None:
    for field in fields(Clips):
        a, b = getattr(one, field.name), getattr(two, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b, field.name


@pytest.mark.parametrize("labels", [True, False])
def test_there_and_back(tmp_path, labels):
    clips = made(labels=labels)
    assert write_tfrecord(clips, tmp_path / "a.tfrecord") == tmp_path / "a.tfrecord"
    same(read_tfrecord(tmp_path / "a.tfrecord"), clips)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tfrecord"]


def test_windows_of_exercises(tmp_path):
    """One frame in 6, 10 frames a window, as in Zhang et al."""
    recordings = simulate_recordings(athletes=1, per_athlete=2)
    parts = [w for r in recordings for w in windows(r, 10, every=6, stride=2)]
    clips = pad(parts, unseen=0.0, channels=("x", "y", "confidence"))
    write_tfrecord(clips, tmp_path / "w.tfrecord")
    same(read_tfrecord(tmp_path / "w.tfrecord"), clips)


def test_what_another_program_finds_in_it(tmp_path):
    import tensorflow as tf

    clips = made()
    write_tfrecord(clips, tmp_path / "a.tfrecord")
    wanted = {
        "keypoints": tf.io.FixedLenFeature((7, 15, 3), tf.float32),
        "length": tf.io.FixedLenFeature((), tf.int64),
        "label": tf.io.FixedLenFeature((), tf.int64),
    }
    rows = [
        tf.io.parse_single_example(r, wanted) for r in tf.data.TFRecordDataset(str(tmp_path / "a.tfrecord"))
    ]
    np.testing.assert_array_equal([row["keypoints"] for row in rows], clips.x)
    assert [int(row["length"]) for row in rows] == clips.lengths.tolist()
    assert [int(row["label"]) for row in rows] == clips.y.tolist()


def test_refusals(tmp_path):
    import tensorflow as tf

    with pytest.raises(FileNotFoundError, match="No TFRecord file"):
        read_tfrecord(tmp_path / "none")
    whole = write_tfrecord(made(), tmp_path / "a.tfrecord").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-20])
    with pytest.raises(ValueError, match="cut is damaged after 4 records"):
        read_tfrecord(tmp_path / "cut")
    (tmp_path / "text").write_text("x,y,c\n" * 9)
    with pytest.raises(ValueError, match="text is damaged after 0 records"):
        read_tfrecord(tmp_path / "text")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ValueError, match="first record"):
        read_tfrecord(tmp_path / "empty")
    with tf.io.TFRecordWriter(str(tmp_path / "bytes")) as writer:
        writer.write(b"\xff\xff\xff")
    with pytest.raises(ValueError, match=r"record 0, is no tf\.train\.Example"):
        read_tfrecord(tmp_path / "bytes")


def rewritten(path, **facts):
    """The same file with other facts in its first record."""
    import tensorflow as tf

    records = [r.numpy() for r in tf.data.TFRecordDataset(str(path))]
    first = tf.train.Example.FromString(records[0])
    told = first.features.feature["facts"].bytes_list
    told.value[0] = json.dumps({**json.loads(told.value[0]), **facts}).encode()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in [first.SerializeToString(), *records[1:]]:
            writer.write(record)


def test_facts_that_do_not_fit(tmp_path):
    path = write_tfrecord(made(), tmp_path / "a.tfrecord")
    rewritten(path, frames=8)
    with pytest.raises(ValueError, match=r"record 0: 315 .*105 .*360 and 120"):
        read_tfrecord(path)
    rewritten(path, format=2)
    with pytest.raises(ValueError, match="newer gymskel"):
        read_tfrecord(path)


def test_nothing_is_left_of_a_failed_write(tmp_path, monkeypatch):
    from gymskel.formats import tfrecord

    monkeypatch.setattr(tfrecord, "_serialize", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_tfrecord(made(), tmp_path / "a.tfrecord")
    assert list(tmp_path.iterdir()) == []


def test_labels_missing_are_no_labels(tmp_path):
    clips = replace(made(), y=None)
    write_tfrecord(clips, tmp_path / "a.tfrecord")
    assert read_tfrecord(tmp_path / "a.tfrecord").y is None
