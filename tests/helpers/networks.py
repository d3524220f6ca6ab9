"""Networks, clips and recipes that train in no time, for tests of all that trains."""

from dataclasses import replace

import keras
import numpy as np

from gymskel.clips import Clips
from gymskel.models.layers import TakeJoints
from gymskel.skeleton import GYMNASTICS_15
from gymskel.training import RECIPES, Recipe, Run
from gymskel.training.fitting import fit_cached

PLAIN = Recipe("plain", epochs=3, batch_size=8, learning_rate=0.05)
FAST = replace(
    RECIPES["default"], name="fast", epochs=3, batch_size=16, validation=0.2, patience=3, min_steps=0
)


def made_clips(*, athletes=4, per_class=2, frames=10, seed=0) -> Clips:
    """Return clips of two moves that their mean separates: all joints lie to the left, or to the right."""
    rng = np.random.default_rng(seed)
    rows = [(f"p{a}", move) for a in range(athletes) for move in ("back", "forth") for _ in range(per_class)]
    x = rng.normal(0, 0.3, (len(rows), frames, 15, 2))
    x[..., 0] += np.array([{"back": -1, "forth": 1}[move] for _, move in rows])[:, None, None]
    return Clips.from_arrays(
        x,
        lengths=rng.integers(frames - 3, frames + 1, len(rows)),
        y=[move for _, move in rows],
        athletes=[who for who, _ in rows],
        sources=[f"{who}-{number}" for number, (who, _) in enumerate(rows)],
        skeleton=GYMNASTICS_15,
    )


def quick(classes, *, skeleton=GYMNASTICS_15, channels=2, frames=None) -> keras.Model:
    """Build a model that trains in no time: the mean of the frames, and a softmax."""
    keypoints = keras.Input((frames, len(skeleton), channels), name="keypoints")
    mask = keras.Input((frames,), dtype="bool", name="mask")
    flat = TakeJoints(list(range(len(skeleton))), name="joints")(keypoints)
    mean = keras.layers.GlobalAveragePooling1D(name="mean")(flat, mask=mask)
    outputs = keras.layers.Dense(classes, activation="softmax", name="probabilities")(mean)
    return keras.Model([keypoints, mask], outputs, name="quick")


def quick_recurrent(classes, *, skeleton=GYMNASTICS_15, channels=2, frames=None) -> keras.Model:
    """Build a model with a recurrent layer that trains in little time: the layer's weights stay as they are."""
    keypoints = keras.Input((frames, len(skeleton), channels), name="keypoints")
    mask = keras.Input((frames,), dtype="bool", name="mask")
    flat = TakeJoints(list(range(len(skeleton))), name="joints")(keypoints)
    states = keras.layers.SimpleRNN(3, return_sequences=True, trainable=False, name="recurrent")(
        flat, mask=mask
    )
    mean = keras.layers.GlobalAveragePooling1D(name="mean")(states, mask=mask)
    outputs = keras.layers.Dense(classes, activation="softmax", name="probabilities")(mean)
    return keras.Model([keypoints, mask], outputs, name="quick_recurrent")


def fit_shared(model, clips, recipe, cache_key, *, seed=0, callbacks=()) -> Run:
    """Train through the compiled network of this cache key."""
    return fit_cached(model, clips, recipe, cache_key, seed=seed, callbacks=callbacks)


class Spoiling(keras.callbacks.Callback):
    """Negates the weights before the third epoch; keeps the weights after each epoch."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            self.model.set_weights([-30 * w for w in self.model.get_weights()])

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append([w.copy() for w in self.model.get_weights()])
