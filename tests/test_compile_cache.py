"""One compiled network trains many models: nobody sees that, and it costs no memory for good."""

import gc
import random
import time
import weakref
import zipfile
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
from helpers.classifiers import short
from helpers.networks import FAST, PLAIN, fit_shared, made_clips, quick

from gymskel.classifier import SkeletonClassifier
from gymskel.models import BUILDERS
from gymskel.training import batches, compile_cache
from gymskel.training.checkpoint import _without_names

COSINE = replace(FAST, patience=1, epochs=4)  # a schedule, weight decay, early stopping, restored weights


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch):
    monkeypatch.setattr(compile_cache, "_cache", {})


@pytest.fixture
def networks(monkeypatch):
    """Weak references to the networks that are made from here on."""
    made, copy = [], compile_cache._copy_model

    def noted(model):
        network = copy(model)
        made.append(weakref.ref(network))
        return network

    monkeypatch.setattr(compile_cache, "_copy_model", noted)
    return made


def trained(key, recipe, train=fit_shared):
    """Return a model trained with this cache key; with a key another model was trained before, on other clips."""
    if key:
        fit_shared(quick(2), made_clips(athletes=6, seed=5), recipe, key, seed=7)
    keras.utils.set_random_seed(0)
    model = quick(2)
    train(model, made_clips(), recipe, key, seed=0)
    return model


def describe(model):
    """Everything of a trained model that anybody can ask for, but the names that keras numbers."""
    clips = made_clips(seed=1)
    return {
        "weights": [np.array(variable) for variable in model.variables],
        "optimizer": [np.array(variable) for variable in model.optimizer.variables],
        "rate": float(model.optimizer.learning_rate),
        "compiled": (model.compiled, _without_names(model.get_compile_config())),
        "history": (model.history.history, model.history.epoch, model.history.params),
        "stopped": model.stop_training,
        "evaluated": model.evaluate(clips.inputs, batches.one_hot(clips), verbose=0),
    }


def assert_alike(one, other):
    for name in one:
        if isinstance(one[name], list):
            assert len(one[name]) == len(other[name]) > 0
            for a, b in zip(one[name], other[name], strict=True):
                np.testing.assert_array_equal(a, b, err_msg=name)
        else:
            assert one[name] == other[name], name


@pytest.mark.parametrize("recipe", [PLAIN, COSINE], ids=["plain", "cosine"])
def test_a_model_is_as_if_trained_itself(recipe, networks):
    alone, shared = trained(None, recipe), trained("quick", recipe)
    assert len(networks) == 1
    assert_alike(describe(alone), describe(shared))
    assert shared.history.model is shared and shared.history.model is not networks[0]()
    for model in (alone, shared):  # trained further, by keras: the optimizer goes on from its moments
        keras.utils.set_random_seed(1)
        model.fit(made_clips(seed=2).inputs, batches.one_hot(made_clips(seed=2)), epochs=2, verbose=0)
    assert_alike(describe(alone), describe(shared))


def test_half_precision_too():
    """Its optimizer scales the loss by variables of its own."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert_alike(describe(trained(None, PLAIN)), describe(trained("quick", PLAIN)))
    finally:
        keras.config.set_dtype_policy(usual)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_interrupted_in_the_middle_of_an_epoch(error, monkeypatch):
    """The model has the state of the last step, and the network is given up."""

    def broken(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == 2:
            raise error("in the middle")

    def train(*arguments, **named):
        with monkeypatch.context() as patch, pytest.raises(error, match="in the middle"):
            patch.setattr(keras.callbacks.EarlyStopping, "on_train_batch_end", broken)
            fit_shared(*arguments, **named)

    alone, shared = (describe(trained(key, COSINE, train)) for key in (None, "quick"))
    assert alone["optimizer"][0] == 2
    assert_alike(alone, shared)
    assert compile_cache._cache == {}
    assert_alike(describe(trained(None, COSINE)), describe(trained("quick", COSINE)))


def test_callbacks_see_the_model_itself(networks):
    class Keeping(keras.callbacks.Callback):
        seen = ()

        def on_train_batch_end(self, batch, logs=None):
            self.seen = (*self.seen, (self.model, self.model.get_weights()[0].copy()))

    model, callback = quick(2), Keeping()
    fit_shared(model, made_clips(), PLAIN, "quick", callbacks=[callback])
    assert {id(seen) for seen, _ in callback.seen} == {id(model)} and networks == []
    np.testing.assert_array_equal(callback.seen[-1][1], model.get_weights()[0])


def test_a_builder_with_the_name_of_another_is_another(monkeypatch):
    """A function of a notebook is defined again, under its name in BUILDERS, with as many weights."""

    def curved(classes, *, skeleton, channels, frames=None):
        model = quick(classes, skeleton=skeleton, channels=channels, frames=frames)
        squared = keras.layers.Activation("softplus")(model.get_layer("mean").output)
        return keras.Model(model.inputs, model.get_layer("probabilities")(squared))

    weights = []
    for first in (curved, quick):
        for build in (first, curved):
            monkeypatch.setitem(BUILDERS, "mine", build)
            fitted = short(model="mine", recipe=PLAIN).fit(made_clips())
        weights.append(fitted.model_.get_weights())
        compile_cache._cache.clear()
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_copies_draw_no_random_numbers():
    state = random.getstate()
    compile_cache._copy_model(quick(2))
    model, now = quick(2), random.getstate()
    compile_cache._copy_model(model)
    assert state != now == random.getstate()


# --- memory -------------------------------------------------------------------------------------------------


@pytest.fixture
def named_builder(monkeypatch):
    monkeypatch.setitem(BUILDERS, "quick", quick)


def gone(references):
    """Return True as soon as nothing is left of them, at most 20 seconds later."""
    deadline = time.monotonic() + 20
    while any(reference() is not None for reference in references) and time.monotonic() < deadline:
        time.sleep(0.1)
        gc.collect()
    return all(reference() is None for reference in references)


@pytest.mark.usefixtures("named_builder")
def test_networks_go_when_nothing_was_trained_for_a_while(networks, monkeypatch):
    """Neither the network nor a model that it was lent to is held by anything."""
    monkeypatch.setattr(compile_cache, "_KEEP_SECONDS", 0.3)
    models = []
    for seed in range(2):
        fitted = short(model="quick", recipe=PLAIN, random_state=seed).fit(made_clips())
        models.append(weakref.ref(fitted.model_))
    assert len(networks) == 1 and networks[0]() is not None
    del fitted
    assert gone([*networks, *models]) and compile_cache._cache == {}


@pytest.mark.usefixtures("named_builder")
def test_a_network_in_use_is_not_let_go(networks, monkeypatch):
    monkeypatch.setattr(compile_cache, "_KEEP_SECONDS", 0.0)
    for _ in range(3):
        short(model="quick", recipe=PLAIN).fit(made_clips())
    assert len(networks) >= 1  # each lived until its training had ended
    assert gone(networks)


def test_few_networks_are_kept(networks, monkeypatch):
    monkeypatch.setattr(compile_cache, "_MAX_ENTRIES", 2)
    for smoothing in (0.0, 0.1, 0.2):
        fit_shared(quick(2), made_clips(), replace(PLAIN, label_smoothing=smoothing), "quick")
    gc.collect()
    assert len(compile_cache._cache) == 2
    assert [network() is None for network in networks] == [True, False, False]


@pytest.mark.usefixtures("named_builder")
def test_files_are_the_same_however_a_model_was_trained(tmp_path):
    """No optimizer in them: it is twice as large as the weights, and a prediction needs none."""
    names = []
    for number, callbacks in enumerate(([], [keras.callbacks.Callback()])):
        fitted = short(model="quick", recipe=PLAIN).fit(made_clips(), callbacks=callbacks)
        assert fitted.model_.compiled and int(fitted.model_.optimizer.iterations) > 0
        path = fitted.save(tmp_path / f"{number}.gymskel")
        with zipfile.ZipFile(path) as archive:
            archive.extract("model.keras", tmp_path)
        model = keras.saving.load_model(tmp_path / "model.keras")
        assert not model.compiled and getattr(model, "optimizer", None) is None
        with zipfile.ZipFile(tmp_path / "model.keras") as archive:
            archive.extract("model.weights.h5", tmp_path)
        with h5py.File(tmp_path / "model.weights.h5") as weights:
            assert "optimizer" not in weights
        loaded = SkeletonClassifier.load(path)
        np.testing.assert_array_equal(loaded.predict_proba(made_clips()), fitted.predict_proba(made_clips()))
        names.append([variable.path.split("/")[-1] for variable in model.variables])
    assert names[0] == names[1]
