"""A small recurrent model with known weights, and the textbook's recurrent layers in numpy."""

from __future__ import annotations

import numpy as np

JOINTS, FRAMES, LENGTHS = 4, 12, (12, 7, 1)


def make_inputs() -> dict[str, np.ndarray]:
    """Return keypoints and mask of three clips with LENGTHS frames."""
    x = np.random.default_rng(0).normal(size=(3, FRAMES, JOINTS, 2)).astype(np.float32)
    mask = np.arange(FRAMES) < np.array(LENGTHS)[:, None]
    return {"keypoints": np.where(mask[..., None, None], x, 0), "mask": mask}


def build_model(layer, frames=None):
    """Return a model (keypoints, mask -> rows -> `layer` -> mean over frames -> two classes) and the layer's weights."""
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
    """Return the states of a SimpleRNN over one clip."""
    state, states = np.zeros(len(recurrent)), []
    for row in x:
        state = np.tanh(row @ kernel + state @ recurrent + bias)
        states.append(state)
    return np.array(states)


def lstm(x, kernel, recurrent, bias):
    """Return the states of an LSTM over one clip."""

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
    """Return the frames of one clip without padding, (frames, values) float64."""
    return inputs["keypoints"][clip, : LENGTHS[clip]].reshape(LENGTHS[clip], -1).astype(np.float64)
