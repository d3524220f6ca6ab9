"""A training that is killed and started again ends as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.networks import Spoiling, made_clips, quick
from sklearn.base import clone

from gymskel import training
from gymskel.classifier import SkeletonClassifier
from gymskel.models import lstm_attention, simple_rnn
from gymskel.training import RECIPES, Recipe
from gymskel.training.batches import ClipsInMemory
from gymskel.training.checkpoint import read_seed, training_identity
from gymskel.training.fitting import fit_cached

# dropout, batch normalisation, fresh copies, balanced draws, a schedule, AdamW, validation, the best weights
ALL = replace(RECIPES["default"], epochs=6, batch_size=8, min_steps=0, patience=9, learning_rate=0.02)
PLAIN = Recipe("plain", epochs=4, batch_size=8, learning_rate=0.05)
BRIEF = replace(PLAIN, epochs=1)

KILLED = """
import os, signal, sys
import keras
from gymskel.training import fit
from test_checkpoint import ALL, small
from helpers.networks import made_clips

class Killer(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if len(losses) == 3 and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_epoch_end(self, epoch, logs=None):
        losses.append(logs["loss"])
        print(epoch, flush=True)

losses = []
fit(small(), made_clips(athletes=5), ALL, seed=3, callbacks=[Killer()], checkpoint=sys.argv[1])
"""


def fit(model, clips, recipe, *, seed=None, callbacks=(), checkpoint=None) -> training.Run:
    """Train as `training.fit` does; models of one shape share a traced step."""
    return fit_cached(model, clips, recipe, "test", seed, callbacks=callbacks, checkpoint=checkpoint)


def small(seed=3) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return lstm_attention(2, units=4, attention_units=2, features="motion", bidirectional=False)


def started(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return quick(2)


class Stop(Exception):
    pass


class Interrupting(keras.callbacks.Callback):
    """Breaks off in the middle of an epoch; counts the epochs before."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.at, self.begun = epoch, []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if self.begun[-1] == self.at:
            raise Stop


def interrupted(model, clips, recipe, path, *, epoch, **arguments) -> Interrupting:
    callback = Interrupting(epoch)
    with pytest.raises(Stop):
        fit(model, clips, recipe, checkpoint=path, callbacks=[callback], **arguments)
    return callback


def same(model, other, atol=1e-6):
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=atol)


@pytest.mark.slow
def test_killed_and_started_again(tmp_path):
    """SIGKILL in the fourth epoch; a new process ends with the weights of a training that was left alone."""
    path, clips = tmp_path / "moves.checkpoint", made_clips(athletes=5)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert killed.stdout.split() == ["0", "1", "2"]
    model, seen = (
        small(seed=99),
        Interrupting(-1),
    )  # other weights at first: the file has those of the training
    run = fit(model, clips, ALL, seed=3, checkpoint=path, callbacks=[seen])
    assert seen.begun == [3, 4, 5]
    alone = small()
    undisturbed = fit(alone, clips, ALL, seed=3)
    same(model, alone, atol=1e-4)
    assert (run.epochs, run.note) == (undisturbed.epochs, undisturbed.note)
    for name, values in undisturbed.history.items():
        np.testing.assert_allclose(run.history[name], values, atol=1e-4)
    assert [p.name for p in tmp_path.iterdir()] == ["moves.checkpoint"]


@pytest.mark.parametrize(
    ("recipe", "breaks"),
    [
        (replace(PLAIN, augment="fly"), (0,)),  # before anything was kept
        (replace(PLAIN, augment="copies", copies=2, min_steps=300), (2,)),  # several passes an epoch
        (replace(PLAIN, augment="fly", balance="weights"), (1, 3)),
    ],
)
def test_interrupted_anywhere(recipe, breaks, tmp_path):
    clips, path, alone = made_clips(), tmp_path / "c", started(4)
    undisturbed = fit(alone, clips, recipe, seed=1)
    for epoch in breaks:
        interrupted(started(4), clips, recipe, path, epoch=epoch, seed=1)
    assert path.exists() == (breaks != (0,))
    again = started(77 if path.exists() else 4)  # other weights at first: the file has those of the training
    run = fit(again, clips, recipe, seed=1, checkpoint=path)
    same(again, alone)
    assert run.epochs == undisturbed.epochs and run.seconds > 0
    np.testing.assert_allclose(run.history["loss"], undisturbed.history["loss"], atol=1e-6)


def test_patience_and_the_best_weights_go_on(tmp_path):
    """The best epoch lies before the interruption, and patience counts from it."""
    recipe = Recipe("stop", 9, 4, 0.05, validation=0.25, patience=3)
    clips, path = made_clips(), tmp_path / "c"
    alone, spoiling = started(1), Spoiling()
    undisturbed = fit(alone, clips, recipe, seed=0, callbacks=[spoiling])
    assert undisturbed.note.endswith("; best of 5 epochs: 2")
    breaking = Interrupting(4)
    with pytest.raises(Stop):
        fit(started(1), clips, recipe, seed=0, checkpoint=path, callbacks=[Spoiling(), breaking])
    again, seen = started(2), Interrupting(-1)
    run = fit(again, clips, recipe, seed=0, checkpoint=path, callbacks=[seen])
    assert (seen.begun, run.note) == ([4], undisturbed.note)
    same(again, alone)
    np.testing.assert_allclose(spoiling.kept[1][0], again.get_weights()[0], atol=1e-6)


@pytest.mark.parametrize("patience", [1, 9])
def test_a_finished_one_gives_its_result_at_once(patience, tmp_path):
    """Whether patience ended it or the epochs did."""
    recipe = Recipe("stop", 4, 4, 0.05, validation=0.25, patience=patience)
    first, clips, path = started(1), made_clips(), tmp_path / "c"
    run = fit(first, clips, recipe, seed=0, checkpoint=path, callbacks=[Spoiling()])
    content, again, seen = path.read_bytes(), started(2), Interrupting(-1)
    told = fit(again, clips, recipe, seed=0, checkpoint=path, callbacks=[seen])
    assert seen.begun == []
    assert (told.history, told.note, told.seed) == (run.history, run.note, 0)
    assert path.read_bytes() == content
    same(again, first, atol=0)


def test_without_a_seed_one_is_kept(tmp_path):
    """Else the validation part would be another one after the interruption."""
    clips, path = made_clips(athletes=5), tmp_path / "deep" / "c"
    recipe = replace(PLAIN, validation=0.2, patience=9)
    interrupted(started(1), clips, recipe, path, epoch=2)
    seed = read_seed(path)
    run = training.fit(started(2), clips, recipe, checkpoint=path)
    assert run.seed == seed
    assert run.note.startswith("validation on ")
    assert len({read_seed(tmp_path / "none") for _ in range(3)}) == 3


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The checkpoint of a finished training."""
    path = tmp_path_factory.mktemp("kept") / "c"
    fit(started(1), made_clips(), BRIEF, seed=0, checkpoint=path)
    return path


@pytest.mark.parametrize("kept", [("data",), ("model",), ("recipe",), ("seed",), ("data", "recipe")])
def test_another_training_is_refused(kept, finished):
    content = finished.read_bytes()
    given = {"data": made_clips(), "model": quick(2), "recipe": BRIEF, "seed": 0}
    changed = {"data": made_clips(seed=1), "model": simple_rnn(2, units=2), "recipe": PLAIN, "seed": 1}
    given |= {name: changed[name] for name in kept}
    with pytest.raises(ValueError, match=rf"c belongs to another .* {', '.join(kept)}\."):
        fit(given["model"], given["data"], given["recipe"], seed=given["seed"], checkpoint=finished)
    assert finished.read_bytes() == content


def test_what_identifies_clips(finished):
    """Who, which class, which frames are real: nothing may change unnoticed."""
    clips = made_clips()
    shorter = clips.mask.copy()
    shorter[0, 3:] = False
    for other in (
        replace(clips, mask=shorter),
        replace(clips, y=clips.y[::-1]),
        replace(clips, athletes=clips.athletes[::-1]),
        replace(clips, classes=("a", "b")),
        clips[1:],
    ):
        with pytest.raises(ValueError, match="not the same data"):
            fit(started(1), other, BRIEF, seed=0, checkpoint=finished)


def test_names_of_layers_do_not_matter():
    """keras numbers them through the process."""
    data = ClipsInMemory(made_clips())
    one, two = (training_identity(small(), data, PLAIN, 0) for _ in range(2))
    assert one == two
    other = lstm_attention(2, units=4, attention_units=2, features="motion", bidirectional=False, dropout=0)
    assert one != training_identity(other, data, PLAIN, 0)


def test_clips_keep_their_fingerprint():
    """A checkpoint of an earlier version goes on."""
    hashed = ClipsInMemory(made_clips()).fingerprint()
    assert hashed == "25254241ab8e484188f047779015e71bccbfaf428f6317f4073f91c2a0aecb00"


def test_damage(finished, tmp_path):
    path, content = tmp_path / "c", finished.read_bytes()
    for damaged in (b"", b"text", content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="c is no checkpoint"):
            fit(started(1), made_clips(), BRIEF, seed=0, checkpoint=path)
    with path.open("wb") as file:
        np.savez(file, facts=np.array(json.dumps({"format": 99})))
    with pytest.raises(ValueError, match=r"c .* newer"):
        fit(started(1), made_clips(), BRIEF, seed=0, checkpoint=path)


def test_a_failed_write_leaves_the_one_before(tmp_path, monkeypatch):
    path, clips, kept = tmp_path / "c", made_clips(), []

    def half(file, **arrays):
        if len(kept) == 2:
            file.write(b"half")
            raise OSError("No space left on device")
        savez(file, **arrays)
        kept.append(1)

    savez = np.savez
    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="No space"):
        fit(started(1), clips, PLAIN, seed=0, checkpoint=path)
    monkeypatch.undo()
    again, alone, seen = started(2), started(1), Interrupting(-1)
    fit(again, clips, PLAIN, seed=0, checkpoint=path, callbacks=[seen])
    assert seen.begun == [2, 3]
    fit(alone, clips, PLAIN, seed=0)
    same(again, alone)


def test_a_streamed_data_set_goes_on_too(tmp_path):
    pytest.importorskip("pyarrow")
    from gymskel.formats.parquet import open_parquet, write_parquet
    from gymskel.simulate import simulate_recordings
    from gymskel.training.streaming import StreamedClips, survey

    stored = open_parquet(write_parquet(simulate_recordings(athletes=3, per_athlete=2), tmp_path / "set"))
    streamed, path = StreamedClips(stored, frames=survey(stored)[1]), tmp_path / "c"
    recipe = replace(PLAIN, batch_size=4, augment="fly", balance="oversample")
    alone = started(1)
    run = fit(alone, streamed, recipe, seed=0)
    interrupted(started(1), streamed, recipe, path, epoch=2, seed=0)
    again = started(2)
    assert fit(again, streamed, recipe, seed=0, checkpoint=path).epochs == run.epochs
    same(again, alone)
    with pytest.raises(ValueError, match="not the same data"):
        fit(started(1), streamed[1:], recipe, seed=0, checkpoint=path)


def test_a_classifier_goes_on(tmp_path):
    clips, path = made_clips(), tmp_path / "c"
    classifier = SkeletonClassifier(quick, recipe=PLAIN, random_state=3)
    alone = clone(classifier).fit(clips)
    with pytest.raises(Stop):
        clone(classifier).fit(clips, callbacks=[Interrupting(2)], checkpoint=path)
    seen = Interrupting(-1)
    again = clone(classifier).fit(clips, callbacks=[seen], checkpoint=path)
    assert seen.begun == [2, 3]
    np.testing.assert_allclose(again.predict_proba(clips), alone.predict_proba(clips), atol=1e-6)
