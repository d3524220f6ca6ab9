"""The levels of a hierarchical model are those of the body."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.toy_rnn import FRAMES, build_model, make_inputs

from gymskel.activations import body_levels, convolution_layers, gates, layer_outputs, recurrent_layers


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    return make_inputs()


LEVELS = [
    {"right_arm", "left_arm", "trunk", "right_leg", "left_leg"},
    {f"{limb}_and_trunk" for limb in ("right_arm", "left_arm", "right_leg", "left_leg")},
    {"upper_body", "lower_body"},
    {"full_body"},
]


@pytest.mark.parametrize("fusion", ["concatenate", "recurrent"])
def test_levels_of_the_hierarchical_model(fusion):
    """Parts joined by concatenation or by a recurrent layer make the tree of the body."""
    from gymskel.models import hierarchical_rnn

    rng = np.random.default_rng(0)
    given = {"keypoints": rng.normal(size=(2, 16, 15, 2)), "mask": np.arange(16) < np.array([[16], [5]])}
    given["keypoints"] = given["keypoints"].astype(np.float32)
    model = hierarchical_rnn(2, units=2, features="motion", fusion=fusion)
    levels = body_levels(model, given)
    assert [set(level) for level in levels] == LEVELS
    np.testing.assert_array_equal(levels[0]["trunk"], layer_outputs(model, given, "trunk"))
    for states in levels[0].values():
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

    model, _ = build_model(keras.layers.LSTM(2, return_sequences=True, name="recurrent"))
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
    with pytest.raises(ValueError, match="no recurrent layer"):
        body_levels(plain, rows)
