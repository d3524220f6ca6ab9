"""Training from stored recordings: every clip once an epoch, the same clips as in memory, athletes kept apart."""

import random
import re
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.networks import quick

import gymskel
from gymskel.clips import class_weight
from gymskel.formats.parquet import open_parquet, write_parquet
from gymskel.formats.parquet_dataset import StoredRecordings
from gymskel.preprocess import Preprocessor
from gymskel.preprocess.augmentation import augment_clips
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.splits import hold_out_groups, leave_groups_out
from gymskel.training.streaming import StreamedClips, survey

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def some() -> list[Recording]:
    return simulate_recordings(athletes=5, per_athlete=3, fps=20, seed=0)


@pytest.fixture(scope="module")
def clips(some):
    return Preprocessor().fit_transform(some)


@pytest.fixture(scope="module")
def stored(some, tmp_path_factory):
    """30 recordings in row groups of about 4, several files."""
    size = 4e-6 * max(one.keypoints.nbytes for one in some)
    return open_parquet(
        write_parquet(some, tmp_path_factory.mktemp("set"), group_mb=size, partition_mb=3 * size)
    )


@pytest.fixture
def streamed(stored, clips):
    return StreamedClips(stored, frames=clips.x.shape[1], shuffle_window=9)


def epoch(batches, order=None):
    """All clips of an epoch as keras asks for them."""
    asked = range(len(batches)) if order is None else order
    parts = [batches[k] for k in asked]
    return tuple(
        np.concatenate([pick(part) for part in parts])
        for pick in (lambda p: p[0]["keypoints"], lambda p: p[0]["mask"], lambda p: p[1])
    )


def rows_of(x, clips):
    """Which clip each one is."""
    known = {clip.tobytes(): row for row, clip in enumerate(clips.x)}
    return [known[clip.tobytes()] for clip in x]


def test_without_shuffling_it_is_the_data_set_in_memory(streamed, clips):
    batches = streamed.batches(7, shuffle=False)
    assert len(batches) == 5
    assert [len(batches[k][1]) for k in range(5)] == [7, 7, 7, 7, 2]
    for _ in range(2):
        x, mask, y = epoch(batches)
        np.testing.assert_array_equal(x, clips.x)
        np.testing.assert_array_equal(mask, clips.mask)
        np.testing.assert_array_equal(y.argmax(axis=1), clips.y)
        np.testing.assert_array_equal(y.sum(axis=1), 1)
        assert (x.dtype, mask.dtype, y.dtype) == (np.float32, bool, np.float32)
        batches.on_epoch_end()
    np.testing.assert_array_equal(batches[2][1], np.eye(2)[clips.y[14:21]])  # by number, in any order
    np.testing.assert_array_equal(streamed.y, clips.y)
    assert streamed.classes == clips.classes


@pytest.mark.parametrize("window", [1, 9, 1000])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_each_epoch_has_every_clip_once_in_a_fresh_order(stored, clips, window, batch_size):
    batches = StreamedClips(stored, clips.x.shape[1], shuffle_window=window).batches(batch_size, seed=0)
    orders = []
    for _ in range(3):
        x, _, y = epoch(batches)
        orders.append(rows_of(x, clips))
        np.testing.assert_array_equal(y.argmax(axis=1), clips.y[orders[-1]])
        batches.on_epoch_end()
    assert [sorted(order) for order in orders] == [list(range(30))] * 3
    assert all(a != b for a, b in pairwise([list(range(30)), *orders]))


def test_the_seed_decides(streamed):
    def first_two(seed):
        batches = streamed.batches(8, augment=augment_clips, seed=seed)
        one = epoch(batches)[0]
        batches.on_epoch_end()
        return one, epoch(batches)[0]

    (a, b), (c, d) = first_two(3), first_two(3)
    np.testing.assert_array_equal(a, c)
    np.testing.assert_array_equal(b, d)
    assert not np.array_equal(a, b)
    assert not np.array_equal(first_two(4)[0], a)
    assert not np.array_equal(first_two(None)[0], first_two(None)[0])


def test_shuffling_goes_across_files(stored, clips):
    """A data set written in the order of a folder still gives mixed batches: row groups come from all over."""
    batches = StreamedClips(stored, clips.x.shape[1], shuffle_window=12).batches(10, seed=1)
    firsts = []
    for _ in range(10):
        firsts.append(rows_of(batches[0][0]["keypoints"], clips))
        batches.on_epoch_end()
    assert np.ptp([np.mean(first) for first in firsts]) > 3
    assert np.mean([max(first) - min(first) for first in firsts]) > 12


def test_keras_may_ask_in_any_order_and_twice(streamed, clips, monkeypatch):
    read = []
    plain = StoredRecordings.read_group
    monkeypatch.setattr(
        StoredRecordings, "read_group", lambda self, group: read.append(group) or plain(self, group)
    )
    batches = streamed.batches(3, seed=0)
    peeked = [batches[0], batches[1]]  # keras looks at the first two, then draws an order
    order = random.Random(0).sample(range(len(batches)), len(batches))
    assert sorted(rows_of(epoch(batches, order)[0], clips)) == list(range(30))
    np.testing.assert_array_equal(peeked[0][0]["keypoints"], batches[0][0]["keypoints"])
    assert (
        len(read) <= len(stored_groups(streamed)) + 3 * 4
    )  # the first window again for the two that were looked at
    with pytest.raises(IndexError, match="No batch 10 of 10"):
        batches[10]


def stored_groups(streamed):
    return streamed.stored.row_groups


def test_little_is_held(streamed):
    batches = streamed.batches(2, seed=0)
    for k in range(len(batches)):
        batches[k]
        assert sum(map(len, batches._held.values())) <= 2 * (9 + 4)
    again = batches[0][0]["keypoints"]
    batches.close()
    assert not batches._held
    np.testing.assert_array_equal(batches[0][0]["keypoints"], again)


def test_augmented_clips_are_copies(streamed, clips):
    x, mask, y = epoch(streamed.batches(10, augment=augment_clips, shuffle=False, seed=0))
    assert x.shape == clips.x.shape
    assert not np.allclose(x, clips.x)
    assert np.isfinite(x).all()
    assert (mask.sum(axis=1) <= clips.lengths).all()
    np.testing.assert_array_equal(y.argmax(axis=1), clips.y)


def test_athletes_are_kept_apart(streamed, clips, some):
    for train, test in leave_groups_out(streamed.groups):
        ours = [rows_of(epoch(streamed[rows].batches(4, seed=0))[0], clips) for rows in (train, test)]
        who = [{some[row].athlete for row in rows} for rows in ours]
        assert sorted(ours[0] + ours[1]) == list(range(30))
        assert len(who[1]) == 1
        assert not who[0] & who[1]
    rest, part = hold_out_groups(streamed, 0.3, seed=0)  # as training.fit holds some out
    assert not set(streamed[rest].groups) & set(streamed[part].groups)
    assert len(streamed[rest]) + len(streamed[part]) == 30


def test_classes_stay_when_some_are_left_out(streamed):
    one = streamed[streamed.y == 1]
    assert one.classes == streamed.classes
    assert set(one.y) == {1}
    assert one.batches(4)[0][1].tolist() == [[0, 1]] * 4
    assert class_weight(one.y, len(one.classes)) == {0: 0.0, 1: 1.0}
    mixed = streamed[np.flatnonzero(streamed.y == 0)[:5].tolist() + np.flatnonzero(streamed.y == 1).tolist()]
    assert class_weight(mixed.y, len(mixed.classes)) == pytest.approx({0: 2.0, 1: 2 / 3})


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_model_learns_from_it(streamed, workers):
    keras.utils.set_random_seed(0)
    train, test = leave_groups_out(streamed.groups, folds=3)[0]
    model = quick(2)
    model.compile(
        keras.optimizers.Adam(0.1), "categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    history = model.fit(
        streamed[train].batches(5, augment=augment_clips, seed=0, workers=workers),
        epochs=12,
        validation_data=streamed[test].batches(8, shuffle=False),
        class_weight=class_weight(streamed[train].y, len(streamed[train].classes)),
        verbose=0,
    ).history
    assert len(history["loss"]) == 12
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    predicted = model.predict(streamed[test].batches(8, shuffle=False), verbose=0).argmax(axis=1)
    assert np.mean(predicted == streamed[test].y) == pytest.approx(history["val_accuracy"][-1])
    assert history["val_accuracy"][-1] > 0.75


def test_survey_tells_what_can_be_used(some, tmp_path):
    blind = Recording(np.full((4, 25, 3), (np.nan, np.nan, 0)), 60, "backflip", "blind")
    stored = open_parquet(write_parquet([some[0], blind, *some[1:]], tmp_path))
    usable, frames = survey(stored)
    assert usable.tolist() == [True, False] + [True] * 29
    assert frames == Preprocessor().fit_transform(some).x.shape[1]
    with pytest.raises(ValueError, match=r"(?s)part-00000.*backflip-blind.*`survey`"):
        epoch(StreamedClips(stored, frames).batches(4))
    assert len(epoch(StreamedClips(stored[usable], frames).batches(4))[0]) == 30


def test_refusals(stored, some, tmp_path):
    with pytest.raises(ValueError, match=r"row group 0: .* 3 of `frames`"):
        StreamedClips(stored, frames=3).batches(4, shuffle=False)[0]
    with pytest.raises(ValueError, match="frames=0"):
        StreamedClips(stored, frames=0)
    with pytest.raises(ValueError, match="got 0 recordings"):
        StreamedClips(stored[np.zeros(30, bool)], frames=9)
    with pytest.raises(ValueError, match=r"`batch_size` .* got 0"):
        StreamedClips(stored, frames=9).batches(0)
    with pytest.raises(ValueError, match=r"15 of 30 .*\['backflip'\]: .* 7 more"):
        StreamedClips(stored, frames=9, classes=("backflip",))
    points = np.ones((3, 25, 3))
    rates = [Recording(points, fps, "flip") for fps in (60, 30, None)]
    stored = open_parquet(write_parquet(rates, tmp_path))
    with pytest.raises(ValueError, match=r"1 .*frame rate, flip-1"):
        StreamedClips(stored, frames=9)
    as_they_are = Preprocessor(["center"])
    for rows, told in (
        (slice(None), "30 fps, 60 fps, unknown"),
        ([0, 1], "30 fps, 60 fps"),
        ([0, 2], "60 fps, unknown"),
    ):
        with pytest.raises(ValueError, match=rf"rate \({told}\)"):
            StreamedClips(stored[rows], frames=9, preprocessor=as_they_are)
    assert len(StreamedClips(stored[[2]], frames=9, preprocessor=as_they_are).batches(1)[0][1]) == 1


def test_rates_that_are_nearly_the_same_go_together(tmp_path):
    points = np.ones((3, 25, 3))
    many = [Recording(points, fps, "flip", str(k)) for k, fps in enumerate((60, 59.94, 60, 59.94))]
    stored = open_parquet(write_parquet(many, tmp_path, group_mb=1e-6))
    assert len(stored.row_groups) == 4
    x, _, _ = epoch(StreamedClips(stored, 5, Preprocessor(["center"])).batches(3, shuffle=False))
    assert x.shape == (4, 5, 25, 2)


def test_nothing_asks_for_the_kind_of_its_data():
    """Clips in memory and streamed ones stand behind one protocol; only `fit` wraps Clips, at its door."""
    root = Path(gymskel.__file__).parent
    asking = {
        path.relative_to(root).as_posix(): [*re.findall(r"isinstance\([^)]*(?:Clips|Streamed)\w*\)", text)]
        for path in [*root.glob("training/*.py"), root / "splits.py"]
        if "isinstance" in (text := path.read_text(encoding="utf-8"))
    }
    assert {name: found for name, found in asking.items() if found} == {
        "training/fitting.py": ["isinstance(clips, Clips)"]
    }
    assert not [
        p for p in root.rglob("*.py") if re.search(r"isinstance\([^)]*Streamed", p.read_text("utf-8"))
    ]


@pytest.mark.slow
def test_training_fit_takes_it(tmp_path):
    """With validation by athlete, augmentation and class weights, as Clips would be trained."""
    from dataclasses import replace

    from gymskel.models import simple_rnn
    from gymskel.training import RECIPES, fit

    recordings = simulate_recordings(athletes=4, per_athlete=2, fps=30)
    streamed = StreamedClips(open_parquet(write_parquet(iter(recordings), tmp_path / "set")), frames=64)
    recipe = replace(RECIPES["default"], epochs=2, min_steps=0, batch_size=4, validation=0.2, patience=2)
    run = fit(simple_rnn(2, units=3, features="motion"), streamed, recipe, seed=0)
    assert (
        run.epochs == 2
        and run.note.startswith("validation on a0")
        and np.isfinite(run.history["val_loss"]).all()
    )
    with pytest.raises(ValueError, match=r"'copies' .*memory"):
        fit(
            simple_rnn(2, units=3, features="motion"),
            streamed,
            replace(recipe, augment="copies", copies=2),
            seed=0,
        )
