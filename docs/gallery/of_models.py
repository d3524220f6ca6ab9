"""Figures of training, and of the neurons."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
from images import below, beside, with_title
from material import Material, figure, panels
from PIL import Image

from gymskel import visualize
from gymskel.clips import Clips
from gymskel.preprocess import Preprocessor
from gymskel.recording.times import frame_times
from gymskel.splits import hold_out_groups


@functools.cache
def split(m: Material, preset: str | None = None) -> tuple[Clips, Clips]:
    """Return the clips to train on and those to test on; no athlete is in both."""
    clips = Preprocessor(preset or m.preset).fit_transform(m.recordings)
    parts = hold_out_groups(clips, 0.2, seed=0)
    if parts is None:
        raise SystemExit(
            "Too few athletes for training and testing. Fix: give recordings in which each move has three athletes."
        )
    return clips[parts[0]], clips[parts[1]]


@functools.cache
def trained(m: Material, name: str) -> list[tuple[Any, Any]]:
    """Return (model, run) of each training of a published network; unlike there, validation is by athlete."""
    import keras

    from gymskel.models import BUILDERS, PUBLISHED
    from gymskel.training import RECIPES, fit

    clips = split(m)[0]
    options = {"skeleton": clips.skeleton, "frames": clips.x.shape[1], **PUBLISHED[name]}
    recipe = replace(RECIPES["thesis"], copies=m.copies, epochs=m.epochs, validation_by="athlete")
    pairs = []
    for seed in range(m.runs):
        keras.utils.set_random_seed(seed)
        model = BUILDERS[name](len(clips.classes), **options)
        pairs.append((model, fit(model, clips, recipe, seed=seed)))
    return pairs


def predictions(m: Material, name: str) -> np.ndarray:
    """Return the labels that each run predicts for the clips to test on, (runs, clips)."""
    test = split(m)[1]
    return np.stack([model.predict(test.inputs, verbose=0).argmax(axis=1) for model, _ in trained(m, name)])


def _curves(histories: list[dict[str, list[float]]]) -> Any:
    """Draw accuracy and loss side by side."""
    drawn, axes = panels(2, 9, 3.4)
    for ax, measure in zip(axes, ("accuracy", "loss"), strict=True):
        visualize.plot_training(histories, measure=measure, ax=ax)
    return drawn


@figure
def fig_5_4(m: Material) -> Any:
    """One training of the LSTM, watched.

    Thesis, figure 5.4: accuracy and loss after each epoch, on the training part and on athletes held out from it. Where
    the two lines part, the network memorises its examples.
    """
    return _curves([trained(m, "lstm")[0][1].history])


@figure
def fig_5_5(m: Material) -> Any:
    """Repeated trainings of the SimpleRNN.

    Thesis, figure 5.5: thin lines are runs, the thick one is their mean. The same network ends elsewhere from other
    initial weights. A run stops when its validation loss no longer falls; the mean goes on without it.
    """
    return _curves([run.history for _, run in trained(m, "simple_rnn")])


@figure
def fig_5_6(m: Material) -> Any:
    """Accuracy of each run.

    Thesis, figure 5.6 (a table): accuracy on athletes that were not trained on, a dot for each run. The published numbers
    come from a random split of augmented copies and cannot be compared. The dashed lines are simple rules that a network
    must beat: always answer the commoner move, or judge by the length of the clip alone.
    """
    truth = split(m)[1].y
    names = ("simple_rnn", "lstm", "hierarchical_rnn")
    results = {name: (predictions(m, name) == truth).mean(axis=1) for name in names}
    return visualize.plot_runs(results, floors=_floors(*split(m)))


@figure
def fig_5_7(m: Material) -> Any:
    """Repeated trainings of the LSTM.

    Thesis, figure 5.7: as figure 5.5.
    """
    return _curves([run.history for _, run in trained(m, "lstm")])


@figure
def fig_5_8(m: Material) -> Any:
    """Repeated trainings of the hierarchical RNN.

    Thesis, figure 5.8: as figure 5.5, with layers for each part of the body.
    """
    return _curves([run.history for _, run in trained(m, "hierarchical_rnn")])


@figure
def confusion(m: Material) -> Any:
    """Confusion matrix of the LSTM.

    Its predictions for athletes that it was not trained on, all runs together.
    """
    test, predicted = split(m)[1], predictions(m, "lstm")
    counts = np.zeros((len(test.classes),) * 2, int)
    np.add.at(counts, (np.broadcast_to(test.y, predicted.shape), predicted), 1)
    return visualize.plot_confusion(counts, test.classes)


def _floors(training: Clips, test: Clips) -> dict[str, float]:
    """Return the accuracy on the test part of two rules that see no body."""
    from sklearn.neighbors import KNeighborsClassifier

    commonest = np.bincount(training.y).argmax()
    by_length = KNeighborsClassifier(min(3, len(training))).fit(training.lengths[:, None], training.y)
    return {
        "majority": float((test.y == commonest).mean()),
        "length only": float((by_length.predict(test.lengths[:, None]) == test.y).mean()),
    }


# --- neurons ------------------------------------------------------------------------------------------------


@figure
def fig_5_9(m: Material) -> Any:
    """The two neurons of the SimpleRNN in three backflips.

    Thesis, figure 5.9: each row is a neuron, each cell a frame, each line 30 frames (half a second at 60 fps); pink is
    -1, grey 0, green 1. The run with the lowest validation loss.
    """
    return _three_strips(m, "backflip")


@figure
def fig_5_10(m: Material) -> Any:
    """The two neurons of the SimpleRNN in three back handsprings.

    Thesis, figure 5.10: compare with figure 5.9, neuron by neuron.
    """
    return _three_strips(m, "back-handspring")


@figure
def fig_5_11(m: Material) -> Any:
    """The two neurons in all clips, one column for each move.

    Thesis, figure 5.11: one clip below the other, time to the right. Cells that are green in one column and pink in the
    other tell the moves apart. The flicker at the end that the thesis reports is padding, which is not drawn here.
    """
    from gymskel.activations import draw_class_strips

    columns = []
    for clips in _by_move(m):
        strips = draw_class_strips(_states(m, clips), cell=4, steps_per_tick=30, gap=3)
        columns.append(with_title(strips, clips.classes[clips.y[0]]))
    return beside(columns)


@figure
def strips(m: Material) -> Any:
    """Eight neurons in a backflip and in a back handspring.

    A SimpleRNN that sees the motion of the joints, in two clips of athletes that it was not trained on. Each row is a
    neuron, each column a moment, with the body above it. Every clip is read at 32 moments, whatever its length.
    `gymskel predict`, `demo` and `explain` draw this picture.
    """
    from gymskel.activations import draw_strips_with_skeleton, layer_outputs

    test = split(m, "default")[1]
    model = _eight_neurons(m)
    states = layer_outputs(model, test, "recurrent")
    answers = model.predict(test.inputs, verbose=0)
    times = {recording.source: frame_times(recording) for recording in m.recordings}
    images = []
    for label in range(len(test.classes)):
        row = int(np.flatnonzero(test.y == label)[0])
        title = f"{test.classes[answers[row].argmax()]}, probability {answers[row].max():.2f}\n{test.sources[row]}"
        seconds, unit = times[test.sources[row]]
        end = float(seconds[-1] - seconds[0]), unit
        images.append(draw_strips_with_skeleton(states[row], test[[row]], title=title, end=end))
    return below(images)


def _eight_neurons(m: Material) -> Any:
    """Return a trained SimpleRNN of eight units in one direction, with a state in every frame."""
    import keras

    from gymskel.models import simple_rnn
    from gymskel.training import Recipe, fit

    training = split(m, "default")[0]
    keras.utils.set_random_seed(0)
    small = {"units": 8, "bidirectional": False, "features": "motion"}
    model = simple_rnn(len(training.classes), skeleton=training.skeleton, **small)
    recipe = Recipe(
        "gallery", epochs=10 * m.epochs, batch_size=8, learning_rate=3e-3, schedule="cosine", augment="fly"
    )
    fit(model, training, recipe, seed=0)
    return model


def _by_move(m: Material) -> list[Clips]:
    """Return the clips of each move, those trained on and those not."""
    clips = Preprocessor(m.preset).fit_transform(m.recordings)
    return [clips[clips.y == label] for label in range(len(clips.classes))]


def _three_strips(m: Material, activity: str) -> Image.Image:
    """Draw the strips of three clips of a move below each other."""
    from gymskel.activations import draw_strips

    moves = {clips.classes[clips.y[0]]: clips for clips in _by_move(m)}
    clips = moves.get(activity, next(iter(moves.values())))
    clips = clips[np.linspace(0, len(clips) - 1, min(3, len(clips))).astype(int)]
    strips = [draw_strips(states, cell=20) for states in _states(m, clips)]
    return below([with_title(strip, name) for strip, name in zip(strips, clips.sources, strict=True)])


def _states(m: Material, clips: Clips) -> np.ndarray:
    """Return the states of the SimpleRNN with the lowest validation loss, (clips, frames, 2), NaN behind the mask."""
    from gymskel.activations import layer_outputs

    model, _ = min(trained(m, "simple_rnn"), key=lambda pair: min(pair[1].history["val_loss"]))
    return layer_outputs(model, clips, "recurrent")
