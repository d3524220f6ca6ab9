"""activations: hidden states against numpy, and every pixel of the strips against the published rule."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gymskel.activations import (
    attention_weights,
    draw_class_strips,
    draw_strips,
    last_layer_states,
    layer_outputs,
    recurrent_layers,
)

JOINTS, FRAMES, LENGTHS = 4, 12, (12, 7, 1)


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(3, FRAMES, JOINTS, 2)).astype(np.float32)
    mask = np.arange(FRAMES) < np.array(LENGTHS)[:, None]
    return {"keypoints": np.where(mask[..., None, None], x, 0), "mask": mask}


def build(layer, frames=None):
    """keypoints, mask -> rows -> `layer` -> mean over frames -> two classes."""
    import keras

    keras.utils.set_random_seed(1)
    keypoints = keras.Input((frames, JOINTS, 2), name="keypoints")
    mask = keras.Input((frames,), dtype="bool", name="mask")
    rows = keras.layers.Reshape((-1, JOINTS * 2), name="rows")(keypoints)
    states = layer(rows, mask=mask)
    pooled = states
    if len(states.shape) == 3:
        pooled = keras.layers.GlobalAveragePooling1D(name="pool")(
            keras.layers.Dropout(0.5)(states), mask=mask
        )
    model = keras.Model([keypoints, mask], keras.layers.Dense(2, name="head")(pooled), name="toy")
    weights = [np.random.default_rng(2).normal(scale=0.5, size=w.shape) for w in layer.get_weights()]
    layer.set_weights(weights)  # biases that are not 0
    return model, [w.astype(np.float64) for w in weights]


def simple_rnn(x, kernel, recurrent, bias):
    state, states = np.zeros(len(recurrent)), []
    for row in x:
        state = np.tanh(row @ kernel + state @ recurrent + bias)
        states.append(state)
    return np.array(states)


def lstm(x, kernel, recurrent, bias):
    def sigmoid(value):
        return 1 / (1 + np.exp(-value))

    state = carry = np.zeros(len(recurrent))
    states = []
    for row in x:
        i, f, c, o = np.split(row @ kernel + state @ recurrent + bias, 4)
        carry = sigmoid(f) * carry + sigmoid(i) * np.tanh(c)
        state = sigmoid(o) * np.tanh(carry)
        states.append(state)
    return np.array(states)


def real_rows(inputs, clip):
    return inputs["keypoints"][clip, : LENGTHS[clip]].reshape(LENGTHS[clip], -1).astype(np.float64)


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM"])
def test_states_are_those_of_the_textbook(inputs, name):
    import keras

    model, weights = build(getattr(keras.layers, name)(3, return_sequences=True, name="recurrent"))
    states = layer_outputs(model, inputs, "recurrent")
    assert states.shape == (3, FRAMES, 3) and states.dtype == np.float32
    for clip, length in enumerate(LENGTHS):
        expected = {"SimpleRNN": simple_rnn, "LSTM": lstm}[name](real_rows(inputs, clip), *weights)
        np.testing.assert_allclose(states[clip, :length], expected, atol=1e-5)
        assert np.isnan(states[clip, length:]).all()


def test_bidirectional_gives_both_directions_in_the_order_of_the_frames(inputs):
    import keras

    layer = keras.layers.Bidirectional(keras.layers.SimpleRNN(2, return_sequences=True), name="recurrent")
    model, weights = build(layer)
    states = layer_outputs(model, inputs, "recurrent")
    for clip, length in enumerate(LENGTHS):
        x = real_rows(inputs, clip)
        forwards, backwards = simple_rnn(x, *weights[:3]), simple_rnn(x[::-1], *weights[3:])[::-1]
        np.testing.assert_allclose(states[clip, :length], np.hstack([forwards, backwards]), atol=1e-5)


def test_padding_batches_and_clips_change_nothing(inputs):
    import keras

    model, _ = build(keras.layers.GRU(3, return_sequences=True, name="recurrent"))
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
    model, weights = build(layer)
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
    with pytest.raises(ValueError, match=r"no layer 'recurrent'. Its recurrent layers: right_arm, trunk\."):
        layer_outputs(model, inputs, "recurrent")
    with pytest.raises(ValueError, match=r"'last' gives out \(\?, 2\); .*return_sequences=True\. Its recurr"):
        layer_outputs(model, inputs, "last")
    with pytest.raises(
        ValueError, match=r"'head' gives out \(\?, 2\); expected \(clips, frames, units\)\. Its"
    ):
        layer_outputs(model, inputs, "head")
    with pytest.raises(
        ValueError, match=r"lacks the inputs \['mask'\] of model 'toy'; it has \['keypoints'\]"
    ):
        layer_outputs(model, {"keypoints": inputs["keypoints"]}, "trunk")
    with pytest.raises(ValueError, match="no clip; expected at least one"):
        layer_outputs(model, {name: array[:0] for name, array in inputs.items()}, "trunk")


def test_layers_without_a_state_in_every_frame_are_refused(inputs):
    import keras

    keypoints = keras.Input((FRAMES, JOINTS * 2), name="keypoints")
    model = keras.Model(keypoints, keras.layers.Conv1D(2, 3, strides=3, name="slow")(keypoints))
    rows = {**inputs, "keypoints": inputs["keypoints"].reshape(3, FRAMES, -1)}
    with pytest.raises(ValueError, match="'slow' gives out 4 steps for 12 frames"):
        layer_outputs(model, rows, "slow")
    with pytest.raises(
        ValueError, match=r"no layer 'recurrent'\. It has no recurrent layer with return_sequences"
    ):
        layer_outputs(model, rows, "recurrent")


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("frames", [5, 9, 21, 32])
def test_states_of_a_model_that_pools_its_frames(frames):
    """A step is real if the first of its frames is, as in the model itself."""
    from gymskel.models import conv_gru

    lengths = np.array([frames, frames - 1, 1 + frames // 2, 1])
    mask = np.arange(frames) < lengths[:, None]
    rng = np.random.default_rng(0)
    given = {"keypoints": rng.normal(size=(4, frames, 15, 2)).astype(np.float32), "mask": mask}
    model = conv_gru(2, units=3)
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


# --- strips -----------------------------------------------------------------------------------------------


def made_states(frames, units, seed=0):
    states = np.random.default_rng(seed).uniform(-1, 1, (frames, units)).astype(np.float32)
    states[0] = -1, *states[0, 1:-1], 1
    return states


def published_colour(v):
    s = (v + 1) / 2
    return np.array([255 * (1 - s), 255 * s, 128]).astype(np.uint8)


@pytest.mark.parametrize(
    ("frames", "cell", "gap", "per_line"), [(83, 25, 5, 30), (30, 25, 0, 30), (7, 9, 2, 3)]
)
def test_every_cell_is_the_published_colour(frames, cell, gap, per_line):
    states = made_states(frames, 3)
    image = draw_strips(states, cell=cell, gap=gap, steps_per_line=per_line)
    assert image.mode == "RGB"
    pixels = np.asarray(image)
    lines = -(-frames // per_line)
    assert pixels.shape == (lines * (4 * cell + gap) - gap, min(frames, per_line) * cell, 3)
    drawn = np.zeros(pixels.shape[:2], bool)
    for frame in range(frames):
        line, step = divmod(frame, per_line)
        left, top = step * cell, line * (4 * cell + gap)
        for unit in range(3):
            box = np.s_[top + (unit + 1) * cell : top + (unit + 2) * cell, left : left + cell]
            assert (pixels[box] == published_colour(states[frame, unit])).all(), (frame, unit)
            drawn[box] = True
        row = pixels[top : top + cell, left : left + cell]
        assert (row >= 128).all() and (row[-1, -1] == 128).all()  # white numbers on grey
        drawn[top : top + cell, left : left + cell] = True
    assert (pixels[~drawn] == 255).all()


def test_known_colours_and_default_size():
    image = draw_strips(np.array([[-1.0], [-0.5], [0], [0.5], [1]]))
    assert image.size == (5 * 25, 2 * 25)
    assert [image.getpixel((25 * i + 12, 37)) for i in range(5)] == [
        (255, 0, 128),
        (191, 63, 128),
        (127, 127, 128),
        (63, 191, 128),
        (0, 255, 128),
    ]


def test_each_step_has_its_number_in_the_upper_left_of_its_cell():
    pixels = np.asarray(draw_strips(made_states(130, 2), gap=0))
    for frame in range(130):
        line, step = divmod(frame, 30)
        row = pixels[line * 75 : line * 75 + 25, step * 25 : step * 25 + 25]
        text = np.argwhere(row.max(axis=2) > 200)
        assert len(text) > 5 and text[:, 0].max() < 20 and text[:, 1].min() < 5, frame
        assert (row[:, -1] == 128).all(), frame  # it ends inside its cell
    ten, forty = pixels[:25, 250:275], pixels[75:100, 250:275]
    assert (ten != forty).any()  # numbers go on in the next line


def test_numbers_too_wide_for_a_cell_are_thinned_out():
    pixels = np.asarray(draw_strips(made_states(120, 2), cell=8, steps_per_line=120))
    written = [(pixels[:8, 8 * i : 8 * i + 8] > 200).any() for i in range(120)]
    assert 20 < sum(written) < 120 and (pixels[:8, :8] > 200).any()


def test_the_strip_ends_where_the_clip_ends():
    states = made_states(40, 2)
    padded = np.vstack([states, np.full((70, 2), np.nan, np.float32)])
    assert np.array_equal(draw_strips(padded), draw_strips(states))
    assert np.asarray(draw_strips(padded)).shape == (2 * 75 + 5, 750, 3)


def test_class_strips_put_the_clips_below_each_other():
    cell, gap, lengths = 10, 4, (12, 5, 9)
    clips = [made_states(length, 2, seed=length) for length in lengths]
    image = np.asarray(draw_class_strips(clips, cell=cell, gap=gap))
    top = len(image) - len(clips) * 20 - (len(clips) - 1) * gap
    assert image.shape[1] == 12 * cell and (image[0] >= 128).all() and (image[top - gap : top] == 255).all()
    for row, states in enumerate(clips):
        strip = image[top + row * 24 : top + row * 24 + 20]
        for (frame, unit), value in np.ndenumerate(states):
            box = strip[unit * cell : (unit + 1) * cell, frame * cell : (frame + 1) * cell]
            assert (box == published_colour(value)).all()
        assert (strip[:, len(states) * cell :] == 255).all()  # white behind its end
    padded = np.full((3, 20, 2), np.nan, np.float32)
    for clip, states in zip(padded, clips, strict=True):
        clip[: len(states)] = states
    assert np.array_equal(draw_class_strips(padded, cell=cell, gap=gap), image)


def test_class_strips_of_many_neurons_go_on_in_columns():
    cell, gap = 2, 4
    clips = [made_states(8, 40, seed=k) for k in range(5)]
    image = np.asarray(draw_class_strips(clips, cell=cell, gap=gap))
    one = np.asarray(draw_class_strips(clips[:1], cell=cell, gap=gap))
    top, wide, row = len(one) - 40 * cell, 8 * cell + gap, 40 * cell + gap
    assert image.shape[:2] == (len(one), 5 * wide - gap)  # side by side, still taller than wide
    for k in range(5):
        np.testing.assert_array_equal(
            image[:, k * wide : (k + 1) * wide - gap], draw_class_strips([clips[k]], cell=cell, gap=gap)
        )
        assert (image[:, (k + 1) * wide - gap : (k + 1) * wide] == 255).all()
    many = np.asarray(draw_class_strips(clips * 10, cell=cell, gap=gap))
    columns = round((many.shape[1] + gap) / wide)
    rows = -(-50 // columns)
    assert len(many) == top + rows * row - gap <= many.shape[1]
    assert (
        top + (rows + 1) * row - gap > -(-50 // (rows + 1)) * wide - gap
    )  # fewer columns would be taller than wide
    for k in (0, 1, rows - 1, rows, 49):
        x, y = k // rows * wide, top + k % rows * row
        strip = many[y : y + 40 * cell, x : x + 8 * cell]
        np.testing.assert_array_equal(
            strip, one[top:] if k % 5 == 0 else image[top:, k % 5 * wide : k % 5 * wide + 8 * cell]
        )


def test_titles_are_written_to_the_left_and_move_nothing():
    clips = np.stack([made_states(20, 2), made_states(20, 2, seed=1)])
    plain = np.asarray(draw_class_strips(clips))
    named = np.asarray(draw_class_strips(clips, titles=["backflip-1-s07", "back-handspring-24-s09"]))
    left = named.shape[1] - plain.shape[1]
    np.testing.assert_array_equal(named[:, left:], plain)
    ink = [
        (named[row : row + 20, :left] < 100).any(axis=2).sum() for row in (len(plain) - 44, len(plain) - 20)
    ]
    assert 30 < ink[0] < ink[1]  # the longer name takes more ink
    tiny = draw_class_strips(clips[:, :, :1], titles=["a", "b"], cell=2)
    assert tiny.size[1] > 40  # rows of 2 pixels move apart so that the names do not run together


@pytest.mark.parametrize(
    ("states", "options", "message"),
    [
        (np.zeros(5), {}, r"`states` must be \(frames, units\) of one clip, got \(5,\)"),
        (np.zeros((2, 5, 3)), {}, r"got \(2, 5, 3\)"),
        (np.zeros((5, 0)), {}, r"got \(5, 0\)"),
        (np.full((5, 2), np.nan), {}, "no frame that is not NaN"),
        (np.array([[0.0], [np.nan], [0.0]]), {}, "unit 0 is NaN in frame 1, before the end"),
        (np.array([[0.0, np.nan]]), {}, "unit 1 is NaN in frame 0"),
        (np.array([[0.0], [1.5]]), {}, r"must lie in \[-1, 1\], got 0 to 1.5.*states / np.nanmax"),
        (np.zeros((5, 2)), {"cell": 0}, "`cell` must be a whole number of at least 1, got 0"),
        (np.zeros((5, 2)), {"steps_per_line": 2.5}, "`steps_per_line` must be a whole number"),
        (np.zeros((5, 2)), {"gap": -1}, "`gap` must be a whole number of at least 0, got -1"),
    ],
)
def test_draw_strips_refuses(states, options, message):
    with pytest.raises(ValueError, match=message):
        draw_strips(states, **options)


def test_draw_class_strips_refuses():
    with pytest.raises(ValueError, match="holds no clip"):
        draw_class_strips([])
    with pytest.raises(ValueError, match=r"as many units each; got units \[2, 3\]"):
        draw_class_strips([np.zeros((4, 2)), np.zeros((4, 3))])
    with pytest.raises(ValueError, match="must name 2 clips, got 1"):
        draw_class_strips(np.zeros((2, 4, 2)), titles=["one"])
    with pytest.raises(ValueError, match=r"clip 1 must lie in \[-1, 1\]"):
        draw_class_strips([np.zeros((4, 2)), np.full((4, 2), 2.0)])


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
    with pytest.raises(ValueError, match="no attention layer `attention`"):
        attention_weights(simple_rnn(2), inputs)


def test_states_of_recordings():
    """A state in every frame that there is; none where nothing can be prepared, or where the model has no such layer."""
    from test_classifier import blind, short

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
