"""activations: gates against numpy in double precision, levels of the body, ranked units, strips with bodies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_activations import (
    FRAMES,
    LENGTHS,
    build,
    inputs,
    lstm,
    made_states,
    published_colour,
    real_rows,
    simple_rnn,
)

from gymskel.activations import (
    attention_weights,
    body_levels,
    convolution_layers,
    draw_strips_with_skeleton,
    gates,
    layer_outputs,
    rank_units,
    recurrent_layers,
)
from gymskel.clips import Clips
from gymskel.skeleton import GYMNASTICS_15, Skeleton

__all__ = ["inputs"]  # the fixture


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
    """What the layer should say of one clip without padding, in the order of the frames."""
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
    model, weights = build(layer)
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
    model, weights = build(layer)
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

    model, weights = build(keras.layers.LSTM(3, name="recurrent"))
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
    model, _ = build(keras.layers.RNN(cell, return_sequences=True, name="recurrent"))
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
    with pytest.raises(ValueError, match=r"'start' \(Dense\) has no gates; expected SimpleRNN, LSTM, GRU"):
        gates(model, rows, "start")
    with pytest.raises(
        ValueError, match=r"'toy' has no layer 'nobody'\. Its recurrent layers: started, plain"
    ):
        gates(model, rows, "nobody")
    with pytest.raises(ValueError, match="'started' takes 2 tensors of numbers, an initial state perhaps"):
        gates(model, rows, "started")

    class Twice(keras.layers.SimpleRNNCell):
        def call(self, given, states, training=False):
            state = super().call(given, states, training)[0] * 0.5
            return state, [state]

    other, _ = build(keras.layers.RNN(Twice(2), return_sequences=True, name="recurrent"))
    with pytest.raises(
        ValueError, match=r"'recurrent' \(RNN of Twice\) gives other states than its weights, by up to"
    ):
        gates(other, inputs, "recurrent")
    fixed = keras.Input(batch_shape=(3, FRAMES, 8), name="keypoints")
    states = keras.layers.SimpleRNN(2, return_sequences=True, stateful=True, name="recurrent")(fixed)
    with pytest.raises(ValueError, match="keeps its state between batches"):
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
    with pytest.raises(
        ValueError, match="`unit_parts` of layer 'parts' must name the part of each of 4 units, got 1"
    ):
        body_levels(model, inputs)
    Heads.weights_of = lambda self, states, mask=None: states[:, 0]
    with pytest.raises(
        ValueError, match=r"`weights_of` of layer 'heads' gives \(3, 3\); expected \(clips, frames\)"
    ):
        attention_weights(model, inputs, "heads")


LEVELS = [
    {"right_arm", "left_arm", "trunk", "right_leg", "left_leg"},
    {f"{limb}_and_trunk" for limb in ("right_arm", "left_arm", "right_leg", "left_leg")},
    {"upper_body", "lower_body"},
    {"full_body"},
]


@pytest.mark.parametrize("fusion", ["concatenate", "recurrent"])
def test_levels_of_the_hierarchical_model(fusion):
    """Whether parts are joined by concatenation or by a recurrent layer, the tree is that of the body."""
    from gymskel.models import hierarchical_rnn

    rng = np.random.default_rng(0)
    given = {"keypoints": rng.normal(size=(2, 16, 15, 2)), "mask": np.arange(16) < np.array([[16], [5]])}
    given["keypoints"] = given["keypoints"].astype(np.float32)
    model = hierarchical_rnn(2, units=2, features="motion", fusion=fusion)
    levels = body_levels(model, given)
    assert [set(level) for level in levels] == LEVELS
    for part, states in levels[0].items():
        np.testing.assert_array_equal(states, layer_outputs(model, given, part))
        assert states.shape == (2, 16, 4) and np.isfinite(states[given["mask"]]).all()
    body = levels[-1]["full_body"]
    assert np.isnan(body[1]).any() and not np.isnan(body[0]).any()
    if fusion == "recurrent":
        assert [next(iter(level.values())).shape[1] for level in levels] == [16, 8, 4, 4]
        together = gates(model, given, "level_2")["state"]
        parts = np.concatenate([levels[1][name][..., :2] for name in levels[1]], axis=-1)
        np.testing.assert_allclose(together[..., :8], parts, atol=1e-5)  # forwards first


def test_a_model_with_one_recurrent_layer_has_one_level(inputs):
    import keras

    model, _ = build(keras.layers.LSTM(2, return_sequences=True, name="recurrent"))
    assert [list(level) for level in body_levels(model, inputs)] == [["recurrent"]]


def test_a_concatenation_that_feeds_a_recurrent_layer_is_no_level(inputs):
    import keras

    keypoints = keras.Input((FRAMES, 8), name="keypoints")
    layers = {
        name: keras.layers.SimpleRNN(2, return_sequences=True, name=name) for name in ("arm", "leg", "body")
    }
    arm, leg = (layers[name](keypoints) for name in ("arm", "leg"))
    joined = keras.layers.Concatenate(name="joined")([keras.layers.Dropout(0.5)(arm), leg])
    body = layers["body"](joined)
    last = keras.layers.Concatenate(name="all")([body, arm])
    with_input = keras.layers.Concatenate(name="not_states")([body, keypoints])
    model = keras.Model(keypoints, [last, with_input])
    rows = {"keypoints": inputs["keypoints"].reshape(3, FRAMES, 8)}
    assert [list(level) for level in body_levels(model, rows)] == [["arm", "leg"], ["body"], ["all"]]
    plain = keras.Model(keypoints, keras.layers.Conv1D(2, 3, padding="same", name="around")(keypoints))
    assert convolution_layers(plain) == ["around"] and recurrent_layers(plain) == []
    assert layer_outputs(plain, rows, "around").shape == (3, FRAMES, 2)
    with pytest.raises(ValueError, match="has no recurrent layer with a state in every frame"):
        body_levels(plain, rows)


# --- ranked units -----------------------------------------------------------------------------------------


def ranked_clips(lengths, y):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(len(lengths), max(lengths), 15, 2))
    return Clips.from_arrays(
        x, lengths=lengths, y=np.array(y), classes=["flip", "jump"], skeleton=GYMNASTICS_15
    )


def test_ranked_units_have_known_effects():
    """Unit 2 tells the classes apart in the fifth tenth, unit 0 does not; unit 1 always does the same."""
    lengths, y = [20, 30, 40, 20, 30, 40], [0, 1, 0, 1, 0, 1]
    clips = ranked_clips(lengths, y)
    states = np.full((6, 40, 3), np.nan, np.float32)
    for i, (length, label) in enumerate(zip(lengths, y, strict=True)):
        tenth = np.arange(length) * 10 // length
        states[i, :length, 0] = np.where(tenth == 0, (0.1, -0.1, 0.2, 0.1, 0.0, 0.3)[i], 0)
        states[i, :length, 1] = 0.5
        states[i, :length, 2] = np.where(tenth == 4, 0.8 - label, 0)
    table = rank_units(states, clips)
    assert table["unit"].tolist() == [2, 0, 1]
    best, small, same = table.to_dict("records")
    assert (
        best["effect"] == pytest.approx(1) and best["effect_there"] == pytest.approx(1) and best["auc"] == 1
    )
    assert (best["high"], best["low"]) == ("flip", "jump") and (best["from"], best["to"]) == (0.4, 0.5)
    assert best["mean_high"] == pytest.approx(0.8) and best["mean_low"] == pytest.approx(-0.2)
    flip, jump = np.array([0.1, 0.2, 0.0]), np.array([-0.1, 0.1, 0.3])
    both = np.r_[flip, jump]
    eta = (
        3
        * ((flip.mean() - both.mean()) ** 2 + (jump.mean() - both.mean()) ** 2)
        / ((both - both.mean()) ** 2).sum()
    )
    assert small["effect"] == pytest.approx(eta, abs=1e-6) and small["by_chance"] == pytest.approx(1 / 5)
    assert same["effect"] == 0 and same["auc"] == 0.5
    wide = np.pad(states, [(0, 0), (0, 9), (0, 0)], constant_values=np.nan)
    assert rank_units(wide, clips).equals(table)  # padding changes nothing
    assert rank_units(states[::-1], clips[::-1]).round(6).equals(table.round(6))


def test_labels_by_lot_give_what_chance_gives():
    rng = np.random.default_rng(0)
    clips = ranked_clips([10] * 12, rng.permutation([0, 1] * 6))
    table = rank_units(rng.normal(size=(12, 10, 400)), clips)
    assert table["effect"].mean() == pytest.approx(table["by_chance"].iloc[0], rel=0.1)


def test_a_clip_shorter_than_its_phases():
    clips = ranked_clips([3, 3, 3], [0, 1, 0])
    states = np.array([[[0.0], [1.0], [0.0]], [[0.0], [-1.0], [0.0]], [[0.0], [1.0], [0.0]]])
    row = rank_units(states, clips).iloc[0]
    assert row["effect"] == pytest.approx(1) and 0.3 <= row["from"] <= 0.6


def test_rank_units_refuses():
    clips = ranked_clips([4, 4, 4], [0, 1, 0])
    states = np.zeros((3, 4, 2))
    with pytest.raises(ValueError, match="`clips` has no labels"):
        rank_units(states, replace(clips, y=None))
    with pytest.raises(ValueError, match=r"of these 3 clips, got \(2, 4, 2\)"):
        rank_units(states[:2], clips)
    with pytest.raises(ValueError, match="two classes and three clips, got 1 and 2"):
        rank_units(states[[0, 2]], clips[[0, 2]])
    with pytest.raises(ValueError, match="`phases` must be at least 1, got 0"):
        rank_units(states, clips, phases=0)


# --- strips with the skeleton -----------------------------------------------------------------------------


def body_clip(frames=12, padded=16):
    """A body that rises: a trunk from hip to head, and a right foot."""
    stick = Skeleton(
        "stick", ("Head", "Hip", "RFoot", "LFoot"), (("Hip", "Head"), ("Hip", "RFoot")), root="Hip"
    )
    x = np.zeros((1, padded, 4, 2))
    x[0, :, 0], x[0, :, 1], x[0, :, 2], x[0, :, 3] = (0, -2), (0, 0), (0.4, 2), (0, 2)
    x[0, :, :, 1] -= np.minimum(np.arange(padded), 4)[:, None] / 4
    x[0, :, :, 0] += np.arange(padded)[:, None]
    return Clips.from_arrays(x, lengths=[frames], skeleton=stick)


def test_cells_below_the_bodies_have_the_published_colours():
    states = made_states(12, 3)
    padded = np.vstack([states, np.full((4, 3), np.nan, np.float32)])
    image = np.asarray(
        draw_strips_with_skeleton(padded, body_clip(), units=[2, 0], cell=20, frames_per_line=8, gap=10)
    )
    lines, high = 2, (len(image) - 10) // 2
    assert len(image) == lines * high + 10
    left = np.flatnonzero((image[high - 1] != 255).any(axis=1))[0]
    for frame in range(12):
        line, step = divmod(frame, 8)
        for row, unit in enumerate((2, 0)):
            top = line * (high + 10) + high - (2 - row) * 20
            box = image[top : top + 20, left + step * 20 : left + (step + 1) * 20]
            assert (box == published_colour(states[frame, unit])).all(), (frame, unit)
    tail = image[high + 10 :, left + 4 * 20 :]
    assert (tail[-40:] == 255).all()  # white behind the end


def test_a_body_stands_above_its_own_frame_and_rises():
    states = made_states(12, 2)
    clip = body_clip()
    image = np.asarray(draw_strips_with_skeleton(states, clip, every=4, cell=20, body=60)).astype(int)
    top = len(image) - 3 * 20
    bodies = image[: top - 3]
    vermilion = np.abs(bodies - (213, 94, 0)).max(axis=2) < 30  # the right leg
    dark = bodies.max(axis=2) < 90  # trunk
    left = np.flatnonzero((image[-1] != 255).any(axis=1))[0]
    for frame in (0, 4, 8):
        middle = left + frame * 20 + 10
        around = slice(middle - 10, middle + 11)
        assert vermilion[:, around].sum() > 10 and dark[:, around].sum() > 20, frame
        columns = np.flatnonzero((vermilion | dark).any(axis=0))
        assert not set(columns) & set(range(left + frame * 20 + 25, left + (frame + 4) * 20 - 5))
    first, later = (
        np.flatnonzero(dark[:, left + f * 20 : left + (f + 1) * 20].any(axis=1))[0] for f in (0, 4)
    )
    assert first - later == pytest.approx(60 / 4, abs=2)  # it rose by one of its four lengths
    unseen = replace(clip, seen=clip.seen & (np.arange(4) != 2))
    gone = np.asarray(draw_strips_with_skeleton(states, unseen, every=4, cell=20, body=60)).astype(int)
    assert not (np.abs(gone[: top - 3] - (213, 94, 0)).max(axis=2) < 30).any()  # unseen joints are not drawn


def test_pooled_steps_are_as_wide_as_their_frames():
    clip = body_clip(frames=11)
    states = np.array([[-1.0], [0.0], [1.0], [np.nan]])  # 16 frames in steps of 4, 11 of them real
    image = np.asarray(draw_strips_with_skeleton(states, clip, cell=20, frames_per_line=30))
    row = image[-10]
    left = np.flatnonzero((row != 255).any(axis=1) & (row[:, 2] == 128))[0]
    for frame in range(11):
        expected = published_colour(states[frame // 4, 0])
        assert (row[left + frame * 20 : left + (frame + 1) * 20] == expected).all(), frame
    assert (row[left + 11 * 20 :] == 255).all()


@pytest.mark.parametrize(
    ("states", "options", "message"),
    [
        (np.zeros((12, 2)), {"units": [0, 2]}, r"`units` must be from 0 to 1, got \[2\]"),
        (np.zeros((12, 2)), {"units": []}, "`units` names no unit"),
        (np.zeros((12, 2)), {"every": 0}, "`every` must be at least 1, got 0"),
        (np.zeros((12, 2)), {"body": 0}, "`body` must be a whole number of at least 1, got 0"),
        (np.zeros((9, 2)), {}, "`states` has 9 steps before its end, the clip 12 frames"),
        (np.full((12, 2), 1.5), {}, r"must lie in \[-1, 1\]"),
    ],
)
def test_draw_strips_with_skeleton_refuses(states, options, message):
    with pytest.raises(ValueError, match=message):
        draw_strips_with_skeleton(states, body_clip(), **options)


def test_clips_that_hold_no_body_are_refused():
    clip, states = body_clip(), np.zeros((12, 2))
    with pytest.raises(ValueError, match=r"Clips of one clip, like clips\[3\], got 2"):
        draw_strips_with_skeleton(states, clip[[0, 0]])
    with pytest.raises(ValueError, match="needs the channels x and y to draw the body; it has vx, vy"):
        draw_strips_with_skeleton(states, replace(clip, channels=("vx", "vy")))
    with pytest.raises(ValueError, match="no frame in which a joint is seen"):
        draw_strips_with_skeleton(states, replace(clip, seen=np.zeros_like(clip.seen)))
