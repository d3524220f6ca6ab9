"""An evaluation that is interrupted and started again gives the same table, and finished folds are not trained again."""

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.classifiers import short
from helpers.evaluations import TRAINED, Fake, Sure, chances, meet, start_afresh
from helpers.networks import PLAIN, made_clips, quick
from helpers.networks import quick_recurrent as another

from gymskel.clips import Clips
from gymskel.evaluation import evaluate, evaluate_published, learning_curve, unknown_moves
from gymskel.evaluation.checkpoint import TrialResult, _run_one, run_resumable
from gymskel.files import acquire_lock
from gymskel.simulate import simulate_recordings
from gymskel.training import RECIPES
from gymskel.training.checkpoint import Checkpoint

TWICE = replace(PLAIN, epochs=2)


class Stop(Exception):
    pass


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    start_afresh(monkeypatch)


@pytest.fixture
def breaking(monkeypatch):
    """Break the training of a stand-in: `breaking(k)` lets k of them end."""

    def set_count(count):
        plain = Fake.fit

        def fit(self, recordings, *, checkpoint=None):
            if len(TRAINED) == count:
                monkeypatch.setattr(Fake, "fit", plain)
                raise Stop
            return plain(self, recordings, checkpoint=checkpoint)

        monkeypatch.setattr(Fake, "fit", fit)

    return set_count


@pytest.fixture
def epochs(monkeypatch):
    """The (file, epoch) that were trained and kept; `epochs.stop_at` = the number of them before an interruption."""

    class Epochs(list):
        stop_at = -1

    seen, kept = Epochs(), Checkpoint.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        if len(seen) == seen.stop_at:
            seen.stop_at = -1
            raise Stop
        seen.append((self.path.stem, epoch))
        kept(self, epoch, logs)

    monkeypatch.setattr(Checkpoint, "on_epoch_end", on_epoch_end)
    return seen


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def vary(r, seed):
    """An answer that depends on the seed and is wrong now and then."""
    return "jump" if (len(r.sample) + seed + ord(r.athlete)) % 3 == 0 else r.activity


# --- the same table -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("finished", [0, 1, 3, 5])
def test_finished_folds_are_not_trained_again(finished, breaking, tmp_path, capsys):
    alone = evaluate(Fake(vary), meet(), runs=2)
    TRAINED.clear()
    breaking(finished)
    again = partial(
        evaluate, Fake(vary), meet(), runs=2, checkpoint=tmp_path / "deep" / "kept", progress=True
    )
    with pytest.raises(Stop):
        again()
    capsys.readouterr()
    result = again()
    assert [seed for seed, _ in TRAINED] == [0, 0, 0, 1, 1, 1]
    pd.testing.assert_frame_equal(result.predictions, alone.predictions)
    assert result.notes == alone.notes
    assert str(result).split("\n", 4)[4] == str(alone).split("\n", 4)[4]
    told = capsys.readouterr().err
    assert (f"kept: {finished} of 6 folds were finished before." in told) == (finished > 0)
    assert f"{finished}/6" in told  # the bar counts them as done


def test_a_finished_one_gives_its_table_at_once(tmp_path):
    first = evaluate(Fake(vary, "3 epochs: too few athletes"), meet(), checkpoint=tmp_path)
    again = evaluate(Fake(vary, "3 epochs: too few athletes"), meet(), checkpoint=tmp_path)
    assert len(TRAINED) == 3
    assert str(again) == str(first) and len(again.notes) == 3
    assert again.seconds == first.seconds
    assert files(tmp_path) == ["evaluation.json", "lock", *(f"trial-000{k}.json" for k in range(3))]


def test_the_learning_curve_and_unknown_moves_are_resumed_too(breaking, tmp_path):
    moves = meet("abd", flip=2, jump=2, twist=2)
    for number, again in enumerate(
        [
            partial(learning_curve, Fake(vary), meet("abcdef"), athletes=[1, 3], draws=2),
            partial(unknown_moves, Sure(chances), moves, unknown=["twist", "flip"]),
        ]
    ):
        TRAINED.clear()
        alone = again()
        count = len(TRAINED)
        TRAINED.clear()
        breaking(3)
        with pytest.raises(Stop):
            again(checkpoint=tmp_path / str(number))
        pd.testing.assert_frame_equal(again(checkpoint=tmp_path / str(number)), alone)
        assert len(TRAINED) == count


def test_a_fold_goes_on_from_its_last_epoch(epochs, tmp_path):
    clips = made_clips(athletes=3)
    again = partial(evaluate, short(recipe=TWICE), clips, runs=2)
    alone = again()
    assert epochs == []
    for stop in (0, 3, 8):  # before any, in the second epoch of the second fold, in the first of the fifth
        epochs.stop_at = stop
        with pytest.raises(Stop):
            again(checkpoint=tmp_path)
    result = again(checkpoint=tmp_path)
    assert epochs == [(f"trial-{trial:04}", epoch) for trial in range(6) for epoch in (0, 1)]
    pd.testing.assert_frame_equal(result.predictions, alone.predictions)
    assert not list(tmp_path.glob("*.checkpoint"))
    assert min(result.seconds) > 0


def test_repeated_runs_of_the_published_protocol_are_resumed(epochs, tmp_path, monkeypatch):
    monkeypatch.setattr("gymskel.evaluation.published_protocol._RECIPE", replace(TWICE, batch_size=4))
    recordings = [replace(r, athlete=None) for r in simulate_recordings(athletes=2, per_athlete=1, fps=30)]
    recordings += simulate_recordings(athletes=2, per_athlete=1, fps=30, seed=1)
    again = partial(evaluate_published, "simple_rnn", recordings, runs=3)
    alone = again()
    epochs.stop_at = 3
    with pytest.raises(Stop):
        again(checkpoint=tmp_path)
    result = again(checkpoint=tmp_path)
    assert epochs == [(f"trial-{run:04}", epoch) for run in range(3) for epoch in (0, 1)]
    pd.testing.assert_frame_equal(result.predictions, alone.predictions)
    assert result.notes == alone.notes
    with pytest.raises(ValueError, match="not the same seeds"):
        again(checkpoint=tmp_path, seed=1)


def test_seconds_count_what_was_trained_before(epochs, tmp_path, monkeypatch):
    epochs.stop_at = 1
    again = partial(evaluate, short(recipe=TWICE), made_clips(athletes=2), checkpoint=tmp_path)
    with pytest.raises(Stop):
        again()
    monkeypatch.setattr("gymskel.evaluation.trials.read_seconds", lambda path: 1000.0 * path.exists())
    assert 1000 < again().seconds[0] < 1100


@pytest.mark.slow
def test_several_processes_write_one_folder(tmp_path):
    clips = made_clips(athletes=4)
    alone = evaluate(short(recipe=TWICE), clips)
    first = evaluate(short(recipe=TWICE), clips, workers=2, checkpoint=tmp_path)
    names = [f"p({name})" for name in alone.classes]
    np.testing.assert_allclose(first.predictions[names], alone.predictions[names], atol=1e-4)
    (tmp_path / "trial-0002.json").unlink()
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    again = evaluate(short(recipe=TWICE), clips, workers=2, checkpoint=tmp_path)
    np.testing.assert_allclose(again.predictions[names], alone.predictions[names], atol=1e-4)
    assert all((tmp_path / name).stat().st_mtime_ns == time for name, time in times.items())


# --- refusals -----------------------------------------------------------------------------------------------


def test_another_evaluation_is_refused(tmp_path):
    recordings = simulate_recordings(athletes=3, per_athlete=1, fps=30)
    given = {"classifier": Fake(), "recordings": recordings, "folds": None, "runs": 1, "seed": 0}
    evaluate(**given, checkpoint=tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    shifted = [
        replace(r, keypoints=r.keypoints * (1 + 1e-5 * (k == 4), 1, 1)) for k, r in enumerate(recordings)
    ]
    renamed = [replace(r, athlete={"a01": "a1"}.get(r.athlete, r.athlete)) for r in recordings]
    for expected, changed in {
        "data": {"recordings": shifted},
        "data, splits": {"recordings": recordings[1:]},
        "seeds": {"seed": 1},
        "seeds, splits": {"runs": 2},
        "splits": {"folds": 2},
    }.items():
        with pytest.raises(
            ValueError, match=rf"{tmp_path.name} belongs to another .* same {expected}\. Fix: delete"
        ):
            evaluate(**{**given, **changed}, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="not the same data"):
        evaluate(**{**given, "recordings": renamed}, checkpoint=tmp_path)
    for name, value in {
        "model": lambda self, clips: another(len(clips.classes)),
        "preprocess": "live",
        "recipe": replace(RECIPES["default"], learning_rate=0.1),
    }.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Fake, "build_model" if name == "model" else name, value)
            with pytest.raises(ValueError, match=rf"not the same {name}\. "):
                evaluate(**given, checkpoint=tmp_path)
    assert before == {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    evaluate(**given, checkpoint=tmp_path)
    assert len(TRAINED) == 3


def test_an_edited_builder_is_noticed(tmp_path):
    """It is another network under the same name, as in a notebook."""

    def build(units):
        def mine(classes, **arguments):
            return quick(classes, **arguments) if units == 1 else another(classes, **arguments)

        return mine

    clips = made_clips(athletes=2)
    evaluate(short(model=build(1)), clips, checkpoint=tmp_path)
    evaluate(short(model=build(1)), clips, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"not the same model\."):
        evaluate(short(model=build(2)), clips, checkpoint=tmp_path)


def test_clips_are_compared_by_every_array(tmp_path):
    clips = made_clips(athletes=3)
    evaluate(short(), clips, checkpoint=tmp_path)
    seen = clips.seen.copy()
    seen[0, 0, 0] = False
    for other in (
        replace(clips, seen=seen),
        replace(clips, sources=clips.sources[::-1]),
        replace(clips, fps=50),
    ):
        with pytest.raises(ValueError, match=r"not the same data\."):
            evaluate(short(), other, checkpoint=tmp_path)


def test_one_process_at_a_time(tmp_path):
    (tmp_path / "kept").mkdir()
    lock = acquire_lock(tmp_path / "kept" / "lock", wait=False)
    with pytest.raises(ValueError, match=r"kept: another process works on this evaluation now. Fix: wait"):
        evaluate(Fake(), meet(), checkpoint=tmp_path / "kept")
    os.close(lock)
    evaluate(Fake(), meet(), checkpoint=tmp_path / "kept")
    assert len(TRAINED) == 3


def test_a_lock_ends_with_an_error(breaking, tmp_path):
    breaking(1)
    with pytest.raises(Stop) as kept:  # with its traceback, as in a notebook
        evaluate(Fake(), meet(), checkpoint=tmp_path)
    evaluate(Fake(), meet(), checkpoint=tmp_path)
    assert kept.value and len(TRAINED) == 3


def test_other_folders_are_refused(tmp_path):
    (tmp_path / "IMG_1.mov").touch()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(
        ValueError, match=r"is no checkpoint of an evaluation: it holds IMG_1.mov, notes.txt. Fix: "
    ):
        evaluate(Fake(), meet(), checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"must be a folder, but .*notes.txt is a file"):
        evaluate(Fake(), meet(), checkpoint=tmp_path / "notes.txt")
    assert files(tmp_path) == ["IMG_1.mov", "notes.txt"] and not TRAINED


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\xff"])
def test_damage(text, tmp_path):
    evaluate(Fake(), meet(), checkpoint=tmp_path)
    for name, fix in (
        ("trial-0001.json", "delete it; this"),
        ("evaluation.json", f"delete the folder {tmp_path} to"),
    ):
        before = (tmp_path / name).read_bytes()
        (tmp_path / name).write_text(text, encoding="latin-1")
        with pytest.raises(ValueError, match=rf"{name} is damaged: .* Fix: {fix}"):
            evaluate(Fake(), meet(), checkpoint=tmp_path)
        (tmp_path / name).write_text('{"format": 99}')
        with pytest.raises(ValueError, match=rf"{name} was written by a newer gymskel"):
            evaluate(Fake(), meet(), checkpoint=tmp_path)
        (tmp_path / name).write_bytes(before)
    evaluate(Fake(), meet(), checkpoint=tmp_path)
    assert len(TRAINED) == 3


def test_a_recipe_of_an_older_version_is_read(tmp_path):
    """Fields that it did not have get their values of today."""
    evaluate(Fake(), meet(), checkpoint=tmp_path)
    values = json.loads((tmp_path / "evaluation.json").read_text())
    del values["identity"]["recipe"]["deterministic"]
    (tmp_path / "evaluation.json").write_text(json.dumps(values))
    evaluate(Fake(), meet(), checkpoint=tmp_path)
    assert len(TRAINED) == 3


# --- single files -------------------------------------------------------------------------------------------


def made(item, file) -> TrialResult:
    return TrialResult(pd.DataFrame({"recording": ["a"], "p(x)": [item]}), "note", 0.1)


def test_a_result_is_read_as_it_was_written(tmp_path):
    """Every bit of a number, missing numbers and names, names in any script."""
    table = pd.DataFrame(
        {"recording": ["01", "Żółw", "\n\t"], "athlete": [None, "a", None], "checksum": [0, 2**32 - 1, 7]}
        | {"p(x)": [0.1 + 0.2, float(np.float32(1 / 3)), np.nan], "doubt": ""}
    )
    expected = TrialResult(table, "ü", 0.1)
    (result,) = run_resumable(lambda item, file: expected, [1], tmp_path, lambda: {})
    pd.testing.assert_frame_equal(result.table, table, check_exact=True)
    assert result[1:] == expected[1:]


def test_a_result_of_another_process_is_not_made_again(tmp_path):
    """As a worker finishes that outlived a killed evaluation: the one that waited for its lock finds the result."""

    def refuse(item, file):
        raise AssertionError

    part = tmp_path / ".trial-0002.7-ab.part.json"
    part.touch()
    first = _run_one(made, tmp_path, (2, 0.5))
    assert not part.exists()
    again = _run_one(refuse, tmp_path, (2, 0.5))
    pd.testing.assert_frame_equal(first.table, again.table)
    with pytest.raises(FileNotFoundError):  # nor begun when the evaluation is over and its folder deleted
        _run_one(refuse, tmp_path / "gone", (2, 0.5))
    assert not (tmp_path / "gone").exists()


def test_an_unlabelled_evaluation_makes_no_folder(tmp_path):
    with pytest.raises(ValueError, match="at least two classes"):
        evaluate(Fake(), meet(flip=2), checkpoint=tmp_path / "kept")
    with pytest.raises(ValueError, match="no labels"):
        evaluate(Fake(), Clips.from_arrays(np.zeros((2, 3, 2, 2))), checkpoint=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
