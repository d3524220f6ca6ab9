"""The compiled network: the same answers as model.predict, whatever the padding, order and number of clips."""

import copy
import gc
import subprocess
import sys
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.architectures import architectures, made_model, new_model, with_model
from helpers.classifiers import short
from helpers.networks import made_clips

from gymskel.classifier.inference import compile_one_clip, compiled_network, run_network
from gymskel.models import simple_rnn

FAST = {"conv_gru", "dd_net", "hierarchical_rnn-published"}


@pytest.fixture(scope="module")
def clips():
    return made_clips(athletes=2, per_class=2).padded_to(12)


@pytest.mark.parametrize(("name", "params"), architectures(12, fast=FAST))
def test_padding_order_and_number_never_change_an_answer(name, params, clips):
    model = made_model(name, **params)
    answers = run_network(model, clips)
    assert answers.shape == (8, 2) and np.ptp(answers[:, 0]) > 1e-4  # not all the same
    np.testing.assert_allclose(answers, model(clips.inputs).numpy(), atol=1e-5)
    order = np.random.default_rng(0).permutation(8)
    np.testing.assert_allclose(run_network(model, clips[order]), answers[order], atol=1e-5)
    alone = np.concatenate([run_network(model, clips[i]) for i in range(8)])
    np.testing.assert_allclose(alone, answers, atol=1e-5)
    if not params:
        np.testing.assert_allclose(run_network(model, clips.padded_to(40)), answers, atol=1e-5)


def test_many_clips_go_in_batches(clips, monkeypatch):
    model = made_model("simple_rnn")
    whole = run_network(model, clips)
    monkeypatch.setattr("gymskel.classifier.inference.MAX_BATCH", 3)
    np.testing.assert_allclose(run_network(model, clips), whole, atol=1e-6)
    assert run_network(model, clips[[]]).shape == (0, 2)


def test_it_is_traced_once(clips, monkeypatch):
    model, traced = new_model("simple_rnn", features="raw"), []
    call = type(model).call
    monkeypatch.setattr(type(model), "call", lambda *a, **k: traced.append(1) or call(*a, **k))
    for frames in (12, 20, 33):
        for number in (1, 3, 8):
            run_network(model, clips[:number].padded_to(frames))
    assert len(traced) == 1
    assert compiled_network(model) is compiled_network(model)


def test_further_training_counts(clips):
    model = new_model("simple_rnn", features="raw")
    before = run_network(model, clips)
    model.set_weights([0.5 * w for w in model.get_weights()])
    after = run_network(model, clips)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, model(clips.inputs).numpy(), atol=1e-6)


@pytest.mark.slow
def test_the_model_can_go(clips):
    model = simple_rnn(2, units=3, features="raw")
    run_network(model, clips)
    gone = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None


@pytest.mark.slow
def test_fused_keeps_the_weights_of_when_it_was_made(clips):
    """Whatever becomes of the model."""
    model = new_model("simple_rnn", features="raw")
    fused = compile_one_clip(model, 12)
    one = tf.constant(clips.x[:1]), tf.constant(clips.mask[:1])
    before = fused(*one).numpy()
    np.testing.assert_allclose(before, model(clips[:1].inputs).numpy(), atol=1e-5)
    model.set_weights([0.5 * w for w in model.get_weights()])
    assert np.abs(model(clips[:1].inputs).numpy() - before).max() > 1e-3
    del model
    keras.backend.clear_session()
    gc.collect()
    np.testing.assert_array_equal(fused(*one).numpy(), before)


def test_fused_is_the_same(clips):  # test_stream.py: for every network
    model = made_model("simple_rnn")
    fused = compile_one_clip(model, 12)
    answer = fused(tf.constant(clips.x[:1]), tf.constant(clips.mask[:1])).numpy()
    np.testing.assert_allclose(answer, run_network(model, clips[:1]), atol=1e-5)


@pytest.mark.slow
def test_a_file_answers_the_same_in_a_fresh_process(tmp_path):
    clips = made_clips()
    classifier = with_model(short().fit(clips), "lstm")
    again = copy.deepcopy(classifier)  # as a process of joblib gets it
    here = classifier.predict_proba(clips)
    np.testing.assert_array_equal(again.predict_proba(clips), here)
    classifier.save(tmp_path / "moves.gymskel")
    clips.save(tmp_path / "clips.npz")
    script = (
        "import sys, numpy as np; from gymskel import Clips, SkeletonClassifier\n"
        "p = SkeletonClassifier.load('moves.gymskel').predict_proba(Clips.load('clips.npz')); np.save('p.npy', p)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), here)
