"""Hidden states against numpy, attention, and states of recordings."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.toy_rnn import FRAMES, JOINTS, LENGTHS, build_model, lstm, make_inputs, real_rows, simple_rnn

from gymskel.activations import attention_weights, last_layer_states, layer_outputs, recurrent_layers


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    return make_inputs()


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM"])
def test_states_are_those_of_the_textbook(inputs, name):
    import keras

    model, weights = build_model(getattr(keras.layers, name)(3, return_sequences=True, name="recurrent"))
    states = layer_outputs(model, inputs, "recurrent")
    assert states.shape == (3, FRAMES, 3) and states.dtype == np.float32
    for clip, length in enumerate(LENGTHS):
        expected = {"SimpleRNN": simple_rnn, "LSTM": lstm}[name](real_rows(inputs, clip), *weights)
        np.testing.assert_allclose(states[clip, :length], expected, atol=1e-5)
        assert np.isnan(states[clip, length:]).all()


def test_bidirectional_gives_both_directions_in_the_order_of_the_frames(inputs):
    import keras

    layer = keras.layers.Bidirectional(keras.layers.SimpleRNN(2, return_sequences=True), name="recurrent")
    model, weights = build_model(layer)
    states = layer_outputs(model, inputs, "recurrent")
    for clip, length in enumerate(LENGTHS):
        x = real_rows(inputs, clip)
        forwards, backwards = simple_rnn(x, *weights[:3]), simple_rnn(x[::-1], *weights[3:])[::-1]
        np.testing.assert_allclose(states[clip, :length], np.hstack([forwards, backwards]), atol=1e-5)


def test_padding_batches_and_clips_change_nothing(inputs):
    import keras

    model, _ = build_model(keras.layers.GRU(3, return_sequences=True, name="recurrent"))
    states = layer_outputs(model, inputs, "recurrent")
    full = layer_outputs(model, inputs, "recurrent", padding=True)
    assert np.isfinite(full).all()
    np.testing.assert_array_equal(full[inputs["mask"]], states[inputs["mask"]])
    np.testing.assert_array_equal(full[1, 7:], np.repeat(full[1, 6:7], 5, axis=0))  # the last state is held
    by_two = layer_outputs(model, inputs, "recurrent", batch_size=2)
    np.testing.assert_allclose(by_two, states, atol=1e-6)
    as_clips = layer_outputs(model, SimpleNamespace(inputs=inputs), "recurrent")
    np.testing.assert_array_equal(as_clips, states)
    garbage = {**inputs, "keypoints": np.where(inputs["mask"][..., None, None], inputs["keypoints"], 9)}
    np.testing.assert_array_equal(layer_outputs(model, garbage, "recurrent"), states)


def test_states_follow_the_weights_and_ignore_dropout(inputs):
    import keras

    layer = keras.layers.SimpleRNN(2, dropout=0.5, return_sequences=True, name="recurrent")
    model, weights = build_model(layer)
    before = layer_outputs(model, inputs, "recurrent")
    np.testing.assert_array_equal(layer_outputs(model, inputs, "recurrent"), before)
    layer.set_weights([0 * w for w in weights])
    assert (layer_outputs(model, inputs, "recurrent")[inputs["mask"]] == 0).all()


def test_a_model_without_a_mask_input_runs_over_every_frame(inputs):
    import keras

    keypoints = keras.Input((FRAMES, JOINTS, 2), name="keypoints")
    states = keras.layers.SimpleRNN(2, return_sequences=True, name="recurrent")(
        keras.layers.Reshape((FRAMES, JOINTS * 2))(keypoints)
    )
    model = keras.Model(keypoints, states)
    assert layer_outputs(model, {"keypoints": inputs["keypoints"]}, "recurrent").shape == (3, FRAMES, 2)
    assert np.isnan(layer_outputs(model, inputs, "recurrent")[2, 1:]).all()


def test_recurrent_layers_are_those_with_a_state_in_every_frame():
    import keras

    keypoints = keras.Input((None, JOINTS * 2), name="keypoints")
    mask = keras.Input((None,), dtype="bool", name="mask")
    arm = keras.layers.SimpleRNN(2, return_sequences=True, name="right_arm")(keypoints, mask=mask)
    trunk = keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True), name="trunk")(
        keypoints, mask=mask
    )
    both = keras.layers.Concatenate(name="both")([arm, trunk])
    last = keras.layers.GRU(2, name="last")(both, mask=mask)
    model = keras.Model([keypoints, mask], keras.layers.Dense(2, name="head")(last), name="toy")
    assert recurrent_layers(model) == ["right_arm", "trunk"]
    inputs = {"keypoints": np.zeros((1, 5, JOINTS * 2), np.float32), "mask": np.ones((1, 5), bool)}
    assert layer_outputs(model, inputs, "both").shape == (1, 5, 6)  # any (clips, frames, units) will do
    with pytest.raises(ValueError, match=r"no layer 'recurrent'.* right_arm, trunk"):
        layer_outputs(model, inputs, "recurrent")
    with pytest.raises(ValueError, match=r"'last' .*Fix: .*return_sequences=True"):
        layer_outputs(model, inputs, "last")
    with pytest.raises(ValueError, match=r"'head' .*\(\?, 2\)"):
        layer_outputs(model, inputs, "head")
    with pytest.raises(ValueError, match="lacks the inputs mask of model 'toy'"):
        layer_outputs(model, {"keypoints": inputs["keypoints"]}, "trunk")
    with pytest.raises(ValueError, match="`clips` holds no clip"):
        layer_outputs(model, {name: array[:0] for name, array in inputs.items()}, "trunk")


def test_layers_without_a_state_in_every_frame_are_refused(inputs):
    import keras

    keypoints = keras.Input((FRAMES, JOINTS * 2), name="keypoints")
    model = keras.Model(keypoints, keras.layers.Conv1D(2, 3, strides=3, name="slow")(keypoints))
    rows = {**inputs, "keypoints": inputs["keypoints"].reshape(3, FRAMES, -1)}
    with pytest.raises(ValueError, match="'slow' gives out 4 steps for 12 frames"):
        layer_outputs(model, rows, "slow")
    with pytest.raises(ValueError, match=r"no layer 'recurrent'.* no recurrent layer"):
        layer_outputs(model, rows, "recurrent")


@pytest.mark.usefixtures("double_precision")
def test_states_of_a_model_that_pools_its_frames():
    """A step is real if the first of its frames is, as in the model itself."""
    from gymskel.models import conv_gru

    model = conv_gru(2, units=3, filters=(3, 4, 5), attention_units=4)
    for frames in (5, 18):
        check_pooled_states(model, frames)


def check_pooled_states(model, frames):
    """Compare padded clips of `frames` frames with the same clips without padding."""
    lengths = np.array([frames, frames - 1, 1 + frames // 2, 1])
    mask = np.arange(frames) < lengths[:, None]
    rng = np.random.default_rng(0)
    given = {"keypoints": rng.normal(size=(4, frames, 15, 2)).astype(np.float32), "mask": mask}
    states = layer_outputs(model, given, "recurrent")
    np.testing.assert_array_equal((~np.isnan(states[..., 0])).sum(axis=1), -(-lengths // 4))
    for row, length in enumerate(lengths):  # without padding the same states
        alone = layer_outputs(model, {k: v[row : row + 1, :length] for k, v in given.items()}, "recurrent")
        np.testing.assert_allclose(states[row, : alone.shape[1]], alone[0], atol=1e-6)
    weights = attention_weights(model, given)
    np.testing.assert_allclose(np.nansum(weights, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(np.isnan(weights), np.isnan(states[..., 0]))


def test_a_layer_that_also_returns_its_state(inputs):
    import keras

    keypoints = keras.Input((FRAMES, JOINTS * 2), name="keypoints")
    states, _ = keras.layers.SimpleRNN(2, return_sequences=True, return_state=True, name="recurrent")(
        keypoints
    )
    rows = {"keypoints": inputs["keypoints"].reshape(3, FRAMES, -1)}
    assert layer_outputs(keras.Model(keypoints, states), rows, "recurrent").shape == (3, FRAMES, 2)


def test_importing_is_light():
    heavy = "{'tensorflow', 'keras', 'PIL', 'matplotlib', 'cv2'}"
    code = f"import sys, gymskel.activations, gymskel.visualize; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_attention_weights_are_those_of_the_layer():
    import keras

    from gymskel.models import lstm_attention, simple_rnn

    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(3, 9, 15, 2)).astype(np.float32)
    inputs = {"keypoints": x, "mask": np.arange(9) < np.array([[9], [4], [1]])}
    model = lstm_attention(2, features="motion")
    weights = attention_weights(model, inputs)
    np.testing.assert_allclose(np.nansum(weights, axis=1), 1, rtol=1e-5)
    assert (np.isnan(weights) == ~inputs["mask"]).all()
    states = layer_outputs(model, inputs, "recurrent")
    pooled = np.nansum(weights[..., None] * states, axis=1)
    until = keras.Model(model.inputs, model.get_layer("attention").output)
    np.testing.assert_allclose(pooled, until.predict(inputs, verbose=0), atol=1e-5)
    with pytest.raises(ValueError, match="no attention layer 'attention'"):
        attention_weights(simple_rnn(2), inputs)


def test_states_of_recordings():
    """A state in every frame that there is; none where nothing can be prepared, or where the model has no such layer."""
    from helpers.classifiers import blind, short

    from gymskel.models import simple_rnn
    from gymskel.simulate import simulate_recordings

    recordings = simulate_recordings(athletes=2, per_athlete=1, fps=30)
    moment = replace(recordings[0], keypoints=recordings[0].keypoints[:1])
    params = {"units": 3, "features": "raw", "bidirectional": False}
    classifier = short(model=simple_rnn, model_params=params, preprocess="thesis").fit(recordings)
    layer, states = last_layer_states(classifier, [*recordings, blind(recordings[0]), moment])
    assert layer == "recurrent"
    assert [s if s is None else s.shape for s in states] == [(len(r), 3) for r in recordings] + [None] * 2
    expected = layer_outputs(classifier.model_, classifier.clips(recordings), layer)[1, : len(recordings[1])]
    np.testing.assert_allclose(states[1], expected, atol=1e-6)
    assert last_layer_states(classifier, [moment]) == (layer, [None])
    assert last_layer_states(short().fit(recordings), recordings) == ("", [None] * 4)
