"""Recipes and fit: what is split before it is augmented, what repeats, and which weights are kept."""

import gc
import json
import os
import subprocess
import sys
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from helpers.networks import FAST, PLAIN, Spoiling, fit_shared, made_clips, quick

from gymskel.clips import Clips
from gymskel.models import BUILDERS, simple_rnn
from gymskel.preprocess.augmentation import Augmentation
from gymskel.skeleton import BODY_25, GYMNASTICS_15
from gymskel.training import (
    RECIPES,
    Recipe,
    compile_cache,
    fit,
    get_recipe,
    one_hot,
    without_mirror,
)
from gymskel.training import batches as drawn


class Watcher:
    """Stands in for a model: keeps what fit hands to keras, a list of batches for each epoch."""

    trainable_variables = ()

    def compile(self, **arguments):
        self.compiled = SimpleNamespace(**arguments)
        self.optimizer = self.compiled.optimizer

    def fit(self, batches, *, epochs, initial_epoch, validation_data, class_weight, callbacks, verbose):
        assert initial_epoch == 0
        self.class_weight = class_weight
        self.validation, self.callbacks, self.epochs = validation_data, callbacks, []
        for _ in range(epochs):
            self.epochs.append([batches[step] for step in range(len(batches))])
            batches.on_epoch_end()
        losses = {"loss": [1.0] * epochs} | ({"val_loss": [1.0] * epochs} if validation_data else {})
        return SimpleNamespace(history=losses, epoch=list(range(epochs)))

    def keypoints(self, epoch=0) -> np.ndarray:
        return np.concatenate([inputs["keypoints"] for inputs, _ in self.epochs[epoch]])


def watched(clips, recipe, **arguments) -> Watcher:
    watcher = Watcher()
    watcher.run = fit(watcher, clips, recipe, **arguments)
    weighed = get_recipe(recipe).balance == "weights"
    assert (watcher.class_weight is None) != weighed  # else rarer clips are drawn more often instead
    return watcher


def rows_of(array: np.ndarray, clips: Clips) -> list[int]:
    """Which clips these keypoints are, bit for bit; -1 = none of them."""
    known = {row.tobytes(): number for number, row in enumerate(clips.x)}
    return [known.get(row.tobytes(), -1) for row in array]


# --- recipes ------------------------------------------------------------------------------------------------


def test_recipes():
    thesis = RECIPES["thesis"]
    assert (thesis.epochs, thesis.batch_size, thesis.learning_rate) == (5, 1, 1e-3)
    assert (thesis.augment, thesis.copies, thesis.validation, thesis.patience) == ("copies", 10, 0.33, 3)
    assert (thesis.validation_by, thesis.schedule, thesis.weight_decay) == ("random", "constant", 0)
    default = RECIPES["default"]
    assert (default.validation, default.validation_by) == (
        0,
        "athlete",
    )  # all clips train, the last weights stay
    assert {name: recipe.name for name, recipe in RECIPES.items()} == {
        "default": "default",
        "thesis": "thesis",
        "exercise_quality": "exercise_quality",
    }


def test_get_recipe():
    assert get_recipe("thesis") is RECIPES["thesis"]
    assert get_recipe(PLAIN) is PLAIN
    with pytest.raises(
        ValueError,
        match=r"`recipe` .*'exercise_quality', .* got 'x'",
    ):
        get_recipe("x")


@pytest.mark.parametrize("name", ["schedule", "augment", "balance", "validation_by"])
def test_recipe_refuses_what_it_does_not_know(name):
    with pytest.raises(ValueError, match=f"`{name}` .* got 'copy'"):
        replace(PLAIN, **{name: "copy"})


def test_fit_refuses_clips_without_labels():
    clips = made_clips()
    with pytest.raises(ValueError, match="no labels `y`"):
        fit(Watcher(), replace(clips, y=None), PLAIN)
    with pytest.raises(ValueError, match="at least one clip"):
        fit(Watcher(), clips[[]], PLAIN)


class OwnData:
    """A user's data source: a TrainingData that gymskel has never seen."""

    def __init__(self, clips):
        self._held = drawn.ClipsInMemory(clips)

    def __getattr__(self, name):
        return getattr(self._held, name)

    def __len__(self):
        return len(self._held)

    def __getitem__(self, rows):
        return OwnData(self._held.clips[rows])


@pytest.mark.parametrize("recipe", [FAST, replace(PLAIN, balance="weights")])
def test_any_data_behind_the_protocol_is_trained_on(recipe):
    weights = []
    for data in (made_clips(), OwnData(made_clips())):
        keras.utils.set_random_seed(0)
        model = quick(2)
        fit(model, data, recipe, seed=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_step_is_traced_once_for_all_models_of_one_cache_key(monkeypatch):
    """Data, number of steps and seed do not change the step; without a key each model has its own."""
    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(compile_cache, "_cache", {})
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: traced.append(self) or step(self, data))
    for seed, size in ((0, 3), (1, 5)):
        fit_shared(quick(2), made_clips(athletes=size), replace(FAST, epochs=2), "quick", seed=seed)
    assert len(traced) == 1
    fit_shared(quick(2), made_clips(), replace(FAST, epochs=2, label_smoothing=0.2), "quick", seed=0)
    assert len(traced) == 2
    fit(quick(2), made_clips(), replace(FAST, epochs=2), seed=0)
    assert len(traced) == 3


@pytest.mark.parametrize(
    ("policy", "schedule"),
    [
        ("float32", "cosine"),
        ("mixed_float16", "constant"),  # half precision scales its loss, by a variable
        *(
            pytest.param(policy, schedule, marks=pytest.mark.slow)
            for policy, schedule in [
                ("float32", "constant"),
                ("float32", "exponential"),
                ("mixed_float16", "cosine"),
                ("mixed_float16", "exponential"),
            ]
        ),
    ],
)
def test_a_shared_network_lends_its_step_and_nothing_else(monkeypatch, policy, schedule):
    """A model trained after another of its cache key, for other lengths, is the one trained by itself, bit for bit."""
    recipe, usual, weights = replace(FAST, schedule=schedule, epochs=8), keras.config.dtype_policy(), []
    monkeypatch.setattr(compile_cache, "_cache", {})
    keras.config.set_dtype_policy(policy)
    try:
        for key in (None, "quick"):
            if key:
                fit_shared(quick(2), made_clips(athletes=6, seed=5), replace(recipe, epochs=3), key, seed=7)
            keras.utils.set_random_seed(0)
            model = quick(2)
            fit_shared(model, made_clips(), recipe, key, seed=0)
            weights.append(model.get_weights())
    finally:
        keras.config.set_dtype_policy(usual)
    for alone, after in zip(*weights, strict=True):
        np.testing.assert_array_equal(alone, after)


def small_model(name):
    """Build a small model; convolutions take long to trace, so only two of the six have them."""
    plain = {"units": 4, "features": "motion"} | ({"bidirectional": False} if name != "lstm" else {})
    return BUILDERS[name](
        2, **{"dd_net": {"filters": 4}}.get(name, {"units": 4} if name in WITH_CONV else plain)
    )


WITH_CONV = ("conv_gru", "hierarchical_rnn")


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_every_model_is_trained_through_a_shared_network(monkeypatch, name):
    """The network answers as the model does, also a second one; its weights and states become the model's."""
    monkeypatch.setattr(compile_cache, "_cache", {})
    inputs, networks = made_clips(athletes=1).inputs, []
    for _ in range(2):
        model = small_model(name)
        before = np.array(model(inputs, training=False))
        with compile_cache.borrow_network(model, FAST, 10, 2.0, name) as network:
            networks.append(network)
            np.testing.assert_allclose(network(inputs, training=False), before, atol=1e-6)
            assert network is not model and network.optimizer.built
            for variable in network.trainable_variables:
                variable.assign(variable + 0.1)
            changed = np.array(network(inputs, training=False))
        np.testing.assert_allclose(model(inputs, training=False), changed, atol=1e-6)
    assert networks[0] is networks[1]


@pytest.fixture
def eagerly():
    """For the few steps of these trainings quicker than a trace, for convolutions ten times."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
@pytest.mark.parametrize("name", BUILDERS)
def test_a_shared_network_trains_as_the_model_itself(monkeypatch, name):
    """Dropout, batch normalisation, blocks of zeros: trained through one that another model used before."""
    monkeypatch.setattr(compile_cache, "_cache", {})
    answers = []
    for key in (None, name):
        if key:
            fit_shared(small_model(name), made_clips(seed=5), replace(FAST, epochs=2), key, seed=7)
        keras.utils.set_random_seed(0)
        model = small_model(name)
        fit_shared(model, made_clips(), FAST, key, seed=0)
        answers.append(np.array(model(made_clips().inputs, training=False)))
    np.testing.assert_allclose(*answers, atol=1e-6)


def borrow(model, recipe):
    """Put the compiled network of a model into the cache, untrained."""
    with compile_cache.borrow_network(model, recipe, 1, 1.0, "quick"):
        pass


def test_one_cache_key_of_two_shapes_is_two_networks(monkeypatch):
    monkeypatch.setattr(compile_cache, "_cache", {})
    for layout in (GYMNASTICS_15, BODY_25, GYMNASTICS_15):
        borrow(quick(2, skeleton=layout), PLAIN)
    assert len(compile_cache._cache) == 2


def test_clips_are_let_go_when_a_training_ends(monkeypatch):
    """TensorFlow keeps the batches for as long as the process lives; not the clips in them."""
    made, init = [], drawn.ClipBatches.__init__

    def watched_init(self, clips, *arguments, **named):
        init(self, clips, *arguments, **named)
        made.append((self, weakref.ref(self._clips), weakref.ref(self._current)))

    monkeypatch.setattr(drawn.ClipBatches, "__init__", watched_init)
    fit(quick(2), made_clips(), replace(FAST, augment="copies", copies=2, validation=0), seed=0)
    gc.collect()
    ((_, clips, epoch),) = made
    assert clips() is None and epoch() is None


def test_optimizers():
    adam = watched(made_clips(), PLAIN)
    assert type(adam.optimizer).__name__ == "Adam"
    assert float(adam.optimizer.learning_rate) == pytest.approx(0.05)
    decayed = watched(made_clips(), replace(FAST, epochs=40))
    assert type(decayed.optimizer).__name__ == "AdamW"
    assert (decayed.optimizer.weight_decay, decayed.optimizer.clipnorm) == (0.02, 1)


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("constant", {0: 0.05, 4: 0.05, 39: 0.05}),
        ("exponential", {0: 0.05, 20: 0.005, 39: 0.05 * 0.01 ** (39 / 40)}),
        # a tenth of the peak in the first step, the peak after a quarter, half of it half-way from there to the end
        ("cosine", {0: 0.005, 5: 0.0275, 10: 0.05, 25: 0.025, 39: 0.05 * (1 + np.cos(np.pi * 29 / 30)) / 2}),
    ],
)
def test_rates(schedule, expected, monkeypatch):
    """The rate of steps of 40, in a new network and in one that had a shorter training before."""
    monkeypatch.setattr(compile_cache, "_cache", {})
    for steps in (40, 6, 40):
        recipe, seen = replace(PLAIN, schedule=schedule), []
        with compile_cache.borrow_network(quick(2), recipe, steps, 2.0, "quick") as network:
            for step in expected:
                network.optimizer.iterations.assign(step)
                seen.append(float(network.optimizer.learning_rate))
        assert len(compile_cache._cache) == 1
        assert (seen == pytest.approx(list(expected.values()), rel=1e-4)) == (
            steps == 40 or schedule == "constant"
        )


@pytest.mark.parametrize("steps, steps_per_pass, warm", [(5000, 20, 100), (1000, 4.5, 50), (100, 4.5, 25)])
def test_warming_up(steps, steps_per_pass, warm):
    """Five passes or 50 steps, a quarter of a short training."""
    schedule = compile_cache.Schedule(replace(PLAIN, schedule="cosine"))
    schedule.set_length(steps, steps_per_pass)
    rates = [float(schedule(step)) for step in range(warm + 2)]
    assert max(rates) == rates[warm] == pytest.approx(PLAIN.learning_rate)


def test_a_network_saved_by_a_callback_loads(tmp_path):
    path = tmp_path / "last.keras"
    model, clips = quick(2), made_clips()
    fit(model, clips, FAST, seed=0, callbacks=[keras.callbacks.ModelCheckpoint(path)])
    loaded = keras.models.load_model(path)
    assert float(loaded.optimizer.learning_rate) == pytest.approx(float(model.optimizer.learning_rate))
    np.testing.assert_allclose(
        loaded.predict(clips.inputs, verbose=0), model.predict(clips.inputs, verbose=0)
    )


def test_callbacks_of_keras_may_set_a_constant_rate():
    halved = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    log = fit(quick(2), made_clips(), PLAIN, seed=0, callbacks=[halved]).history["learning_rate"]
    assert log == pytest.approx([0.025, 0.0125, 0.00625])


# --- the parts ----------------------------------------------------------------------------------------------


def test_every_clip_once_an_epoch_with_its_label():
    clips = made_clips()
    watcher = watched(clips, PLAIN, seed=3)
    orders = set()
    for epoch in range(PLAIN.epochs):
        rows = rows_of(watcher.keypoints(epoch), clips)
        assert sorted(rows) == list(range(len(clips)))
        orders.add(tuple(rows))
        masks = np.concatenate([inputs["mask"] for inputs, _ in watcher.epochs[epoch]])
        labels = np.concatenate([labels for _, labels in watcher.epochs[epoch]])
        np.testing.assert_array_equal(masks, clips.mask[rows])
        np.testing.assert_array_equal(labels, one_hot(clips)[rows])
    assert len(orders) == 3
    assert [len(labels) for _, labels in watcher.epochs[0]] == [8, 8]
    assert watcher.validation is None
    assert watcher.run.note == "3 epochs"
    assert (watcher.run.epochs, watcher.run.seed) == (3, 3)


def test_last_batch_is_smaller():
    watcher = watched(made_clips(), replace(PLAIN, batch_size=5))
    assert [len(labels) for _, labels in watcher.epochs[0]] == [5, 5, 5, 1]


def test_few_clips_are_gone_over_more_often():
    """Until there are `min_steps` batches in all; many clips have enough in the recipe's epochs."""
    small = watched(made_clips(athletes=2), replace(PLAIN, min_steps=61))  # 8 clips, a batch a pass
    assert [len(epoch) for epoch in small.epochs] == [31, 31]
    assert small.run.note == "2 epochs; an epoch is 31 passes over the clips"
    orders = [rows_of(small.keypoints(epoch), made_clips(athletes=2)) for epoch in range(2)]
    assert all(sorted(order[at : at + 8]) == list(range(8)) for order in orders for at in range(0, 248, 8))
    more = watched(made_clips(), replace(PLAIN, min_steps=61))  # two batches a pass
    assert [len(epoch) for epoch in more.epochs] == [32, 32]
    enough = watched(made_clips(), replace(PLAIN, min_steps=5))  # the recipe's three passes have six
    assert [len(epoch) for epoch in enough.epochs] == [6]
    copies = replace(PLAIN, min_steps=11, augment="copies", copies=4)  # of the copies, not of the originals
    assert sum(len(epoch) for epoch in watched(made_clips(athletes=2), copies).epochs) == 12


def test_steps_per_pass_of_less_than_a_batch_fills_its_batches():
    few = watched(made_clips(athletes=1), replace(PLAIN, min_steps=20))  # 4 clips, batches of 8
    assert {len(labels) for epoch in few.epochs for _, labels in epoch} == {8}
    assert sum(map(len, few.epochs)) == 20


def test_a_recipe_survives_json():
    """A saved classifier holds it so."""
    recipe = replace(RECIPES["default"], augmentation=Augmentation(warp=0.3, mirror=0))
    again = Recipe(**json.loads(json.dumps(asdict(recipe))))
    assert again == recipe and isinstance(again.augmentation, Augmentation)


def test_the_recipe_says_how_much_copies_differ():
    clips = made_clips()
    nothing = Augmentation(turn=0, scale=0, mirror=0, limbs=0, crop=0, jitter=0, still=0)
    watcher = watched(clips, replace(FAST, validation=0, augmentation=nothing), seed=0)
    drawn = np.sort(watcher.keypoints(), axis=None)
    wanted = np.sort(np.where(clips.mask[..., None, None], clips.x, 0), axis=None)
    np.testing.assert_allclose(drawn, wanted, atol=1e-5)


def test_patience_counts_passes():
    """However many of them keras calls an epoch."""
    recipe = replace(FAST, epochs=500, patience=100, min_steps=1, batch_size=16)
    watcher = watched(made_clips(athletes=5), recipe, seed=0)  # 16 clips, a batch a pass
    (stop,) = [c for c in watcher.callbacks if isinstance(c, keras.callbacks.EarlyStopping)]
    assert (len(watcher.epochs), stop.patience) == (10, 2)


def test_one_hot():
    clips = made_clips(athletes=1, per_class=1)
    assert one_hot(clips).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("augment", ["fly", "copies"])
def test_validation_by_whole_athletes_that_nothing_touches(augment):
    clips = made_clips(athletes=5)
    watcher = watched(clips, replace(FAST, augment=augment, copies=2, epochs=2), seed=0)
    inputs, labels = watcher.validation
    held = rows_of(inputs["keypoints"], clips)
    assert -1 not in held  # originals, bit for bit
    np.testing.assert_array_equal(inputs["mask"], clips.mask[held])
    np.testing.assert_array_equal(labels, one_hot(clips)[held])
    athletes = {clips.athletes[row] for row in held}
    assert len(athletes) == 1
    assert sorted(held) == [i for i, who in enumerate(clips.athletes) if who in athletes]  # all of theirs
    assert watcher.run.note.startswith(f"validation on {athletes.pop()}; best of 2 epochs: ")
    trained = len(clips) - len(held)
    assert len(watcher.keypoints()) == trained * (2 if augment == "copies" else 1)


def test_only_the_training_part_is_augmented(monkeypatch):
    """Whatever goes into augmentation comes from athletes who are not held out."""
    clips, given = made_clips(athletes=5), []
    spied = {"augment_clips": drawn.augment_clips, "rotated_copies": drawn.rotated_copies}
    for name, function in spied.items():

        def spy(part, *arguments, function=function, **named):
            given.append(set(part.sources))
            return function(part, *arguments, **named)

        monkeypatch.setattr(drawn, name, spy)
    for augment in ("fly", "copies"):
        given.clear()
        watcher = watched(clips, replace(FAST, augment=augment, copies=2), seed=1)
        held = {clips.sources[row] for row in rows_of(watcher.validation[0]["keypoints"], clips)}
        assert held
        assert given
        assert all(part == set(clips.sources) - held for part in given)


def test_fresh_augmentation_every_epoch():
    clips = made_clips()
    watcher = watched(clips, replace(FAST, validation=0), seed=0)
    epochs = [watcher.keypoints(epoch) for epoch in range(3)]
    assert set(rows_of(np.concatenate(epochs), clips)) == {-1}
    known = {row.tobytes() for epoch in epochs for row in epoch}
    assert len(known) == 3 * len(clips)
    assert watcher.validation is None


def test_copies_leave_the_originals_out():
    clips = made_clips(athletes=1)
    recipe = replace(PLAIN, augment="copies", copies=10, epochs=2)
    watcher = watched(clips, recipe, seed=0)
    made = watcher.keypoints()
    assert len(made) == 10 * len(clips)
    assert set(rows_of(made, clips)) == {-1}
    assert len({row.tobytes() for row in made}) == 10 * len(clips)
    assert {row.tobytes() for row in made} == {row.tobytes() for row in watcher.keypoints(1)}  # made once
    labels = np.concatenate([labels for _, labels in watcher.epochs[0]])
    assert labels.sum(axis=0).tolist() == [20, 20]


def test_random_validation_of_the_thesis():
    clips = made_clips(athletes=5, per_class=3)
    watcher = watched(clips, replace(RECIPES["thesis"], augment=None, copies=0), seed=0)
    held = rows_of(watcher.validation[0]["keypoints"], clips)
    assert len(held) == round(0.33 * 30)
    assert sorted(held + rows_of(watcher.keypoints(), clips)) == list(range(30))
    assert len({clips.athletes[row] for row in held}) > 2
    assert watcher.run.note.startswith("validation part drawn at random; ")
    other = watched(clips, replace(RECIPES["thesis"], augment=None, copies=0), seed=1)
    assert held != rows_of(other.validation[0]["keypoints"], clips)


def test_too_few_athletes_train_for_the_recipes_epochs():
    clips = made_clips(athletes=2)
    watcher = watched(clips, FAST, seed=0)
    assert watcher.validation is None
    assert len(watcher.keypoints()) == len(clips)
    assert not watcher.callbacks  # nothing stops early
    assert watcher.run.note == "3 epochs: too few athletes to hold some out for validation"


def test_too_few_clips_for_a_random_validation_part():
    """One clip stays in training, and nothing is left to hold out."""
    watcher = watched(
        made_clips(athletes=1, per_class=1)[0], replace(RECIPES["thesis"], validation=0.1), seed=0
    )
    assert watcher.validation is None
    assert len(watcher.keypoints()) == 10
    assert watcher.run.note == "5 epochs: too few clips to hold some out for validation"


# --- training -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quick", pytest.param("simple_rnn", marks=pytest.mark.slow)])
def test_same_seed_same_weights(name):
    clips, trained = made_clips(), []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        model = quick(2) if name == "quick" else simple_rnn(2, units=3, features="motion")
        run = fit(model, clips, replace(FAST, epochs=2), seed=7)
        trained.append((np.concatenate([w.ravel() for w in model.get_weights()]), run.history["loss"]))
    np.testing.assert_allclose(trained[0][0], trained[1][0], atol=1e-6)
    np.testing.assert_allclose(trained[0][1], trained[1][1], atol=1e-6)


def test_another_seed_another_order():
    orders = [
        rows_of(watched(made_clips(), PLAIN, seed=seed).keypoints(), made_clips()) for seed in (7, 7, 8)
    ]
    assert orders[0] == orders[1] != orders[2]


def test_fit_learns_and_tells():
    clips, model = made_clips(), quick(2)
    run = fit(model, clips, replace(PLAIN, epochs=10), seed=0)
    assert set(run.history) == {"loss", "accuracy"}
    assert run.history["loss"][-1] < run.history["loss"][0] / 2
    assert run.history["accuracy"][-1] == 1
    assert (run.epochs, run.seed, run.note) == (10, 0, "10 epochs")
    assert run.seconds > 0
    assert all(type(value) is float for values in run.history.values() for value in values)


@pytest.mark.parametrize(("epochs", "patience", "ran"), [(9, 2, 4), (3, 9, 3)])
def test_the_best_weights_are_restored(epochs, patience, ran):
    """Whether patience ends the training or the epochs do."""
    recipe = Recipe("stop", epochs, 4, 0.05, validation=0.25, patience=patience)
    model, spoiling = quick(2), Spoiling()
    run = fit(model, made_clips(), recipe, seed=0, callbacks=iter([spoiling]))
    assert run.history["val_loss"][1] < min(run.history["val_loss"][0], run.history["val_loss"][2])
    assert run.epochs == len(spoiling.kept) == ran
    assert run.note.endswith(f"; best of {ran} epochs: 2")
    for got, best, last in zip(model.get_weights(), *(spoiling.kept[k] for k in (1, -1)), strict=True):
        np.testing.assert_array_equal(got, best)
        assert not np.array_equal(got, last)


def test_progress_is_a_bar_on_stderr(capsys):
    fit(quick(2), made_clips(), replace(PLAIN, epochs=2), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "0/2" in err
    assert "loss=" in err


def test_balance_takes_every_clip_and_evens_out_the_classes():
    x = np.random.default_rng(0).normal(size=(9, 6, 15, 2))
    clips = Clips.from_arrays(x, y=["a"] * 6 + ["b"] * 2 + ["c"], sources=[f"s{i}" for i in range(9)])
    recipe = replace(RECIPES["default"], batch_size=4, augment=None)
    batches = drawn.ClipBatches(clips, recipe, 0)
    labels = np.concatenate([batches[i][1] for i in range(len(batches))])
    assert labels.sum(axis=0).tolist() == [6, 6, 6]
    taken = np.concatenate([batches[i][0]["keypoints"] for i in range(len(batches))])
    assert {k for k in range(9) for one in taken if (one == clips.x[k]).all()} == set(range(9))
    plain = drawn.ClipBatches(clips, replace(recipe, balance=None), 0)
    assert sum(len(plain[i][1]) for i in range(len(plain))) == 9


def test_class_weights_in_place_of_more_draws():
    """Every clip once an epoch, and all classes weigh the same."""
    clips = made_clips()[[0, 1, 4, 5, 8, 9, 2, 3, 6]]  # six back, three forth
    watcher = watched(clips, replace(PLAIN, balance="weights"), seed=0)
    assert watcher.class_weight == pytest.approx({0: 0.75, 1: 1.5})
    assert all(sorted(rows_of(watcher.keypoints(e), clips)) == list(range(9)) for e in range(3))


def test_epochs_as_csv_and_for_tensorboard(tmp_path):
    """keras' own callbacks see every epoch and the validation part; after an interruption the CSV is appended to."""
    pytest.importorskip("tensorboard")
    recipe = Recipe("logged", 3, 4, 0.05, validation=0.25, patience=9)
    logs = [
        keras.callbacks.CSVLogger(tmp_path / "epochs.csv"),
        keras.callbacks.TensorBoard(tmp_path / "logs"),
    ]
    run = fit(quick(2), made_clips(), recipe, seed=0, callbacks=logs)
    table = pd.read_csv(tmp_path / "epochs.csv")
    assert table["epoch"].tolist() == [0, 1, 2]
    assert set(table) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
    np.testing.assert_allclose(table["val_loss"], run.history["val_loss"])
    assert {p.parent.name for p in (tmp_path / "logs").rglob("events.out.tfevents*")} == {
        "train",
        "validation",
    }


DETERMINED = """
import keras, numpy as np, tensorflow as tf
from dataclasses import replace
from gymskel.models import lstm_attention
from gymskel.training import fit
from helpers.networks import FAST, made_clips

weights = []
for _ in range(2):
    keras.utils.set_random_seed(3)
    model = lstm_attention(2, units=4, attention_units=2, features="motion", bidirectional=False)
    fit(model, made_clips(), replace(FAST, epochs=2, deterministic=True), seed=3)
    weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
from tensorflow.python.framework.config import is_op_determinism_enabled
print(is_op_determinism_enabled(), np.array_equal(*weights))
"""


@pytest.mark.slow
def test_deterministic():
    """Bit for bit; in a new process, because it stays on in this one."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", DETERMINED],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.split() == ["True", "True"], done.stderr[-2000:]


def test_deterministic_needs_a_seed():
    with pytest.raises(ValueError, match=r"`deterministic` .*seed"):
        fit(Watcher(), made_clips(), replace(PLAIN, deterministic=True))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, "`epochs` must be a whole number from 1 to"),
        ({"epochs": 2.5}, "`epochs` must be a whole number"),
        ({"batch_size": 0}, "`batch_size` must be a whole number from 1"),
        ({"learning_rate": -1}, "`learning_rate` must be a number from 0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be"),
        ({"label_smoothing": 2}, "`label_smoothing` must be a number from 0 to 1"),
        ({"validation": 1.5}, r"`validation` must be a number from 0 to 0\.9"),
        ({"patience": "3"}, "`patience` must be a whole number"),
    ],
)
def test_recipes_that_cannot_be_followed(given, message):
    with pytest.raises(ValueError, match=message):
        replace(PLAIN, **given)
    with pytest.raises(ValueError, match=r"`recipe` .* got \{'epochs': 3\}"):
        fit(quick(2), made_clips(), {"epochs": 3})
    assert replace(PLAIN, batch_size=np.int64(4)).batch_size == 4


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lstm_attention", {"units": 4, "features": "motion"}),
        pytest.param("conv_gru", {"units": 4}, marks=pytest.mark.slow),
    ],
)
def test_mixed_precision(name, options):
    """A model that was built under the policy trains in float16: nothing overflows behind a mask."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = BUILDERS[name](2, **options)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    clips = made_clips(athletes=5)
    assert not clips.mask.all()
    run = fit(model, clips, replace(FAST, epochs=2), seed=0)
    assert np.isfinite([run.history["loss"], run.history["val_loss"]]).all()
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    assert model.get_layer("recurrent").compute_dtype == "float16"
    told = model(clips.inputs, training=False)
    assert told.dtype == "float32"  # in float16 rows sum to .9995
    np.testing.assert_allclose(np.sum(told, axis=1), 1, atol=1e-6)


def test_masks_stay_as_cudnn_wants_them():
    """Right-padded and never empty, whatever augmentation cuts; cuDNN aborts otherwise, and only on a GPU."""
    hard = Augmentation(crop=0.99, warp=0.9, gaps=0.5, picture=0.4)
    clips = made_clips(frames=7)
    watcher = watched(clips, replace(FAST, augmentation=hard, epochs=30, validation=0), seed=0)
    masks = np.concatenate([inputs["mask"] for epoch in watcher.epochs for inputs, _ in epoch])
    assert masks[:, 0].all()
    assert not (np.diff(masks.astype(int), axis=1) > 0).any()
    assert masks.sum(axis=1).min() == 1 and masks.all(axis=1).any()
    values = np.concatenate([inputs["keypoints"] for epoch in watcher.epochs for inputs, _ in epoch])
    assert (values[~masks] == 0).all()


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - {"dd_net"}))  # which has no recurrent layer
def test_masks_that_reach_recurrent_layers(name, monkeypatch):
    """Also behind layers that pool frames: right-padded and never empty for any length from 1."""
    given = []
    for kind in (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU):

        def spy(self, sequences, initial_state=None, mask=None, training=False, *, call=kind.call):
            given.append(mask)
            return call(self, sequences, initial_state=initial_state, mask=mask, training=training)

        monkeypatch.setattr(kind, "call", spy)
    model = BUILDERS[name](2, units=2)
    given.clear()
    mask = np.arange(9) < np.arange(1, 10)[:, None]
    model({"keypoints": np.zeros((9, 9, 15, 2), np.float32), "mask": mask})
    assert given
    for reached in map(np.asarray, given):
        assert reached[:, 0].all() and not (np.diff(reached.astype(int), axis=1) > 0).any()


# --- left and right ------------------------------------------------------------------------------------------


def named(*classes):
    """Clips of classes of these names."""
    clips = made_clips()
    return replace(clips, y=np.arange(len(clips)) % len(classes), classes=classes)


MIRRORED = replace(PLAIN, epochs=1, augment="fly")


@pytest.mark.parametrize(
    ("classes", "pair"),
    [
        (("left", "right"), "left and right"),
        (("jump", "Turn-Left", "turn-right"), "Turn-Left and turn-right"),
        (("rightTurn", "links", "leftTurn"), "leftTurn and rightTurn"),
    ],
)
def test_moves_to_the_left_and_to_the_right_are_warned_of(classes, pair):
    recipe = replace(MIRRORED, augmentation=Augmentation(mirror=0.25))
    told = rf"25% .* mirrored .* {pair} are .*--no-mirror"
    with pytest.warns(UserWarning, match=told):
        watched(named(*classes), recipe, seed=0)


@pytest.mark.parametrize(
    ("classes", "recipe"),
    [
        (("turn-left", "turn-right"), without_mirror(MIRRORED)),
        (("turn-left", "turn-right"), replace(MIRRORED, augment="copies", copies=2)),
        (("turn-left", "turn-right"), replace(MIRRORED, augment=None)),
        (("turn-left", "jump-right"), MIRRORED),
        (("left out", "upright"), MIRRORED),
    ],
)
def test_other_names_and_recipes_are_not_warned_of(classes, recipe):
    watched(named(*classes), recipe, seed=0)


def test_without_mirror_changes_nothing_else():
    plain = without_mirror("default")
    assert plain.augmentation == replace(RECIPES["default"].augmentation, mirror=0)
    assert replace(plain, augmentation=RECIPES["default"].augmentation) == RECIPES["default"]
