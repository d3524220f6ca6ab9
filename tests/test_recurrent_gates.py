"""Gates against numpy in double precision, and layers that report gates of their own."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.toy_rnn import FRAMES, LENGTHS, build_model, lstm, make_inputs, real_rows, simple_rnn

from gymskel.activations import attention_weights, body_levels, gates, layer_outputs, recurrent_layers


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    return make_inputs()


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def lstm_gates(x, kernel, recurrent, bias):
    """The textbook, one gate at a time."""
    units = len(recurrent)
    part = {
        name: slice(k * units, (k + 1) * units)
        for k, name in enumerate(("input", "forget", "candidate", "output"))
    }
    state = cell = np.zeros(units)
    shown = {name: [] for name in (*part, "cell", "state")}
    for row in x:
        now = {}
        for name, some in part.items():
            value = row @ kernel[:, some] + state @ recurrent[:, some] + bias[some]
            now[name] = np.tanh(value) if name == "candidate" else sigmoid(value)
        cell = now["forget"] * cell + now["input"] * now["candidate"]
        state = now["output"] * np.tanh(cell)
        for name, value in {**now, "cell": cell, "state": state}.items():
            shown[name].append(value)
    return {name: np.array(values) for name, values in shown.items()}


def gru_gates(x, kernel, recurrent, bias, reset_after):
    units = len(recurrent)
    u, r, c = (slice(k * units, (k + 1) * units) for k in range(3))
    given, own = bias if reset_after else (bias, np.zeros(3 * units))
    state = np.zeros(units)
    shown = {name: [] for name in ("update", "reset", "candidate", "state")}
    for row in x:
        update = sigmoid(row @ kernel[:, u] + given[u] + state @ recurrent[:, u] + own[u])
        reset = sigmoid(row @ kernel[:, r] + given[r] + state @ recurrent[:, r] + own[r])
        if reset_after:
            remembered = reset * (state @ recurrent[:, c] + own[c])
        else:
            remembered = (reset * state) @ recurrent[:, c]
        candidate = np.tanh(row @ kernel[:, c] + given[c] + remembered)
        state = update * state + (1 - update) * candidate
        for name, value in zip(shown, (update, reset, candidate, state), strict=True):
            shown[name].append(value)
    return {name: np.array(values) for name, values in shown.items()}


def by_hand(name, x, weights, backwards=False):
    """Return the textbook's gates of one clip without padding, in the order of the frames."""
    x = x[::-1] if backwards else x
    if name == "LSTM":
        shown = lstm_gates(x, *weights)
        np.testing.assert_allclose(shown["state"], lstm(x, *weights))
    elif name.startswith("GRU"):
        shown = gru_gates(x, *weights, reset_after=name == "GRU")
    else:
        shown = {"state": simple_rnn(x, *weights)}
    return {gate: values[::-1] if backwards else values for gate, values in shown.items()}


def made(kind, **options):
    import keras

    if kind == "GRU before":
        return keras.layers.GRU(3, reset_after=False, **options)
    return getattr(keras.layers, kind)(3, **options)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "GRU before"])
def test_gates_are_those_of_the_textbook(inputs, name, backwards):
    layer = made(name, return_sequences=True, go_backwards=backwards, name="recurrent")
    model, weights = build_model(layer)
    shown = gates(model, inputs, "recurrent")
    states = layer_outputs(model, inputs, "recurrent")
    np.testing.assert_allclose(shown["state"], states, atol=1e-5)
    for clip, length in enumerate(LENGTHS):
        expected = by_hand(name, real_rows(inputs, clip), weights, backwards)
        assert set(shown) == set(expected)
        for gate, values in expected.items():
            assert shown[gate].shape == (3, FRAMES, 3) and shown[gate].dtype == np.float32
            np.testing.assert_allclose(shown[gate][clip, :length], values, atol=1e-5)
            assert np.isnan(shown[gate][clip, length:]).all()


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_gates_of_both_directions(inputs, name):
    import keras

    layer = keras.layers.Bidirectional(made(name, return_sequences=True), merge_mode="sum", name="recurrent")
    model, weights = build_model(layer)
    shown = gates(model, inputs, "recurrent")
    half = len(weights) // 2
    for clip, length in enumerate(LENGTHS):
        x = real_rows(inputs, clip)
        forwards, backwards = (
            by_hand(name, x, weights[:half]),
            by_hand(name, x, weights[half:], backwards=True),
        )
        for gate, values in shown.items():
            expected = np.hstack([forwards[gate], backwards[gate]])
            np.testing.assert_allclose(values[clip, :length], expected, atol=1e-5)
    both = layer_outputs(model, inputs, "recurrent")
    np.testing.assert_allclose(shown["state"][..., :3] + shown["state"][..., 3:], both, atol=1e-5)


def test_a_last_state_alone_is_shown_in_every_frame(inputs):
    import keras

    model, weights = build_model(keras.layers.LSTM(3, name="recurrent"))
    shown = gates(model, inputs, "recurrent")
    for clip, length in enumerate(LENGTHS):
        expected = lstm_gates(real_rows(inputs, clip), *weights)
        np.testing.assert_allclose(shown["cell"][clip, :length], expected["cell"], atol=1e-5)
    last = keras.Model(model.inputs, model.get_layer("recurrent").output).predict(inputs, verbose=0)
    held = gates(model, inputs, "recurrent", padding=True)["state"]
    np.testing.assert_allclose(held[:, -1], last, atol=1e-5)


def test_cells_in_an_rnn_and_batches(inputs):
    import keras

    cell = keras.layers.LSTMCell(3, activation="relu", use_bias=False)
    model, _ = build_model(keras.layers.RNN(cell, return_sequences=True, name="recurrent"))
    shown = gates(model, inputs, "recurrent")
    np.testing.assert_allclose(shown["state"], layer_outputs(model, inputs, "recurrent"), atol=1e-5)
    by_two = gates(model, inputs, "recurrent", batch_size=2)
    np.testing.assert_allclose(by_two["cell"], shown["cell"], atol=1e-6)


def test_without_a_mask_a_layer_runs_over_the_padding(inputs):
    """As published: the state in a frame of the clip is the same, backwards it is not."""
    import keras

    keypoints = keras.Input((FRAMES, 4, 2), name="keypoints")
    rows = keras.layers.Reshape((FRAMES, 8))(keypoints)
    states = keras.layers.SimpleRNN(3, return_sequences=True, go_backwards=True, name="recurrent")(rows)
    model = keras.Model(keypoints, states)
    shown = gates(model, inputs, "recurrent")["state"]
    whole = inputs["keypoints"][1].reshape(FRAMES, -1).astype(float)
    weights = [w.astype(float) for w in model.get_layer("recurrent").get_weights()]
    np.testing.assert_allclose(shown[1, :7], simple_rnn(whole[::-1], *weights)[::-1][:7], atol=1e-5)
    assert np.isnan(shown[1, 7:]).all()


def test_gates_refuses(inputs):
    import keras

    keypoints = keras.Input((FRAMES, 8), name="keypoints")
    start = keras.layers.Dense(3, name="start")(keypoints[:, 0])
    layer = keras.layers.GRU(3, return_sequences=True, name="started")
    kept = keras.layers.SimpleRNN(3, return_sequences=True, name="plain")(
        layer(keypoints, initial_state=start)
    )
    model = keras.Model(keypoints, kept, name="toy")
    rows = {"keypoints": inputs["keypoints"].reshape(3, FRAMES, 8)}
    with pytest.raises(ValueError, match=r"'start' \(Dense\) has no gates"):
        gates(model, rows, "start")
    with pytest.raises(ValueError, match=r"'toy' .*'nobody'.* started, plain"):
        gates(model, rows, "nobody")
    with pytest.raises(ValueError, match="'started' takes 2 tensors"):
        gates(model, rows, "started")

    class Twice(keras.layers.SimpleRNNCell):
        def call(self, given, states, training=False):
            state = super().call(given, states, training)[0] * 0.5
            return state, [state]

    other, _ = build_model(keras.layers.RNN(Twice(2), return_sequences=True, name="recurrent"))
    with pytest.raises(ValueError, match=r"'recurrent' \(RNN of Twice\)"):
        gates(other, inputs, "recurrent")
    fixed = keras.Input(batch_shape=(3, FRAMES, 8), name="keypoints")
    states = keras.layers.SimpleRNN(2, return_sequences=True, stateful=True, name="recurrent")(fixed)
    with pytest.raises(ValueError, match="'recurrent' keeps its state"):
        gates(keras.Model(fixed, states), rows, "recurrent")


# --- a layer that says for itself -------------------------------------------------------------------------


def own_layer(units=2):
    """Two parts in one layer, each its own running mean; and a two-headed attention."""
    import keras

    class Parts(keras.layers.Layer):
        return_sequences = True
        unit_parts = ["right_arm"] * units + ["left_arm"] * units

        def __init__(self, **options):
            super().__init__(**options)
            self.supports_masking = True

        def call(self, values, mask=None):
            return keras.ops.tanh(keras.ops.cumsum(values[..., : 2 * units], axis=1) / 9)

        def gates_of(self, sequence, mask=None):
            state = self(sequence, mask=mask)
            return {"open": keras.ops.ones_like(state), "state": state}

        def compute_output_shape(self, shape):
            return (*shape[:2], 2 * units)

    class Heads(keras.layers.Layer):
        def compute_mask(self, states, mask=None):
            return None

        def call(self, states, mask=None):
            weights = self.weights_of(states, mask)
            return keras.ops.sum(weights[..., :1] * states, axis=1)

        def weights_of(self, states, mask=None):
            open_ = keras.ops.cast(mask, "float32")[..., None] * keras.ops.exp(states[..., :2])
            return open_ / keras.ops.sum(open_, axis=1, keepdims=True)

        def compute_output_shape(self, shape):
            return (shape[0], shape[2])

    return Parts, Heads


def test_a_layer_of_ones_own_joins(inputs):
    import keras

    Parts, Heads = own_layer()
    keypoints = keras.Input((FRAMES, 4, 2), name="keypoints")
    mask = keras.Input((FRAMES,), dtype="bool", name="mask")
    rows = keras.layers.Reshape((FRAMES, 8))(keypoints)
    states = Parts(name="parts")(rows, mask=mask)
    top = keras.layers.SimpleRNN(3, return_sequences=True, name="body")(states, mask=mask)
    model = keras.Model([keypoints, mask], Heads(name="heads")(top, mask=mask))
    assert recurrent_layers(model) == ["parts", "body"]
    shown = gates(model, inputs, "parts")
    np.testing.assert_array_equal(shown["state"], layer_outputs(model, inputs, "parts"))
    assert (shown["open"][inputs["mask"]] == 1).all() and np.isnan(shown["open"][~inputs["mask"]]).all()
    first, second = body_levels(model, inputs)
    assert list(first) == ["right_arm", "left_arm"] and list(second) == ["body"]
    np.testing.assert_array_equal(first["left_arm"], shown["state"][..., 2:])
    weights = attention_weights(model, inputs, "heads")
    assert weights.shape == (3, FRAMES, 2)
    np.testing.assert_allclose(np.nansum(weights, axis=1), 1, atol=1e-6)
    assert (np.isnan(weights[..., 0]) == ~inputs["mask"]).all()
    Parts.unit_parts = ["right_arm"]
    with pytest.raises(ValueError, match=r"`unit_parts` of layer 'parts'.* got 1"):
        body_levels(model, inputs)
    Heads.weights_of = lambda self, states, mask=None: states[:, 0]
    with pytest.raises(ValueError, match=r"`weights_of` .*'heads' .*\(3, 3\)"):
        attention_weights(model, inputs, "heads")
