"""Evaluation by athlete: no athlete is in both training and test part; tables and notes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.classifiers import blind, short
from helpers.evaluations import TRAINED, Fake, Sure, chances, meet, stand, start_afresh

from gymskel.clips import Clips
from gymskel.evaluation import Evaluation, checkpoint, evaluate, learning_curve, unknown_moves
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.training import RECIPES


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    start_afresh(monkeypatch)


# --- folds --------------------------------------------------------------------------------------------------


def test_everybody_is_tested_once_a_run_and_never_trained_on():
    recordings = meet()
    result = evaluate(Fake(), recordings, runs=2, seed=7)
    for run, table in result.predictions.groupby("run"):
        assert sorted(table["recording"]) == sorted(r.source for r in recordings)
        assert run in (0, 1)
    assert [seed for seed, _ in TRAINED] == [7, 7, 7, 8, 8, 8]
    tested = result.predictions.groupby(["run", "fold"])["athlete"].unique()
    assert [len(athletes) for athletes in tested] == [1] * 6
    for (_, part), (out,) in zip(TRAINED, tested, strict=True):
        assert {r.athlete for r in part} == set("abc") - {out}
        assert len(part) == 6
    assert result.protocol == "athletes"
    assert result.model == "fake"
    assert not hasattr(Fake(), "run_")


def test_the_classifier_given_is_not_fitted():
    fake = Fake(random_state=99)
    evaluate(fake, meet())
    assert fake.random_state == 99
    assert not hasattr(fake, "run_")


def test_several_athletes_out_at_once():
    result = evaluate(Fake(), meet("abcd"), folds=2)
    assert result.predictions["fold"].nunique() == 2
    for (_, part), (_, table) in zip(TRAINED, result.predictions.groupby("fold"), strict=True):
        assert len({r.athlete for r in part}) == 2
        assert not {r.athlete for r in part} & set(table["athlete"])


def test_known_answers():
    """Athlete c always says jump; run 0 of 2 says so for everybody's last flip as well."""

    def answer(r, seed):
        return "jump" if r.athlete == "c" or (seed == 0 and r.sample == "1") else r.activity

    result = evaluate(Fake(answer), meet(), runs=2)
    np.testing.assert_allclose(result.accuracies, [5 / 9, 7 / 9])
    assert result.accuracy == pytest.approx(6 / 9)
    row = result.table().loc["fake"]
    assert row["accuracy"] == pytest.approx(6 / 9)
    assert row["sd"] == pytest.approx(np.std([5 / 9, 7 / 9], ddof=1))
    assert result.confusion().loc["flip"].to_dict() == {"flip": 6, "jump": 6}
    assert result.confusion().loc["jump"].to_dict() == {"flip": 0, "jump": 6}
    scores = result.per_class()
    assert scores["recordings"].to_dict() == {"flip": 6, "jump": 3}
    np.testing.assert_allclose(scores.loc["flip", ["precision", "recall", "F1"]].tolist(), [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(scores.loc["jump", ["precision", "recall", "F1"]].tolist(), [1 / 2, 1, 2 / 3])
    assert result.by_athlete()["recordings"].to_dict() == {"a": 3, "b": 3, "c": 3}
    np.testing.assert_allclose(result.by_athlete()["accuracy"], [5 / 6, 5 / 6, 1 / 3])
    assert len(result.seconds) == 2
    assert result.table().loc["fake", "seconds"] == pytest.approx(np.mean(result.seconds))


def test_workers_reach_the_pool(monkeypatch):
    asked = []

    def in_order(function, items, workers):
        asked.append(workers)
        return map(function, items)

    monkeypatch.setattr(checkpoint, "map_in_order", in_order)
    evaluate(Fake(), meet(), workers=3)
    learning_curve(Fake(), meet(), athletes=2, draws=1, workers=4)
    unknown_moves(Sure(chances), meet("abd", flip=2, jump=2, twist=2), unknown="twist", workers=5)
    assert asked == [3, 4, 5]


@pytest.mark.slow
def test_several_processes_change_nothing():
    def answer(r, seed):
        return "jump" if r.athlete == "c" or (seed == 0 and r.sample == "1") else r.activity

    note = "3 epochs: too few athletes"
    alone = evaluate(Fake(answer, note), meet(), runs=2)
    for workers in (2, 3):
        together = evaluate(Fake(answer, note), meet(), runs=2, workers=workers)
        pd.testing.assert_frame_equal(together.predictions, alone.predictions)
        assert together.notes == alone.notes
        assert len(TRAINED) == 6  # by the first alone: the other's trainings were elsewhere
        assert len(together.seconds) == 2 and min(together.seconds) > 0
    curves = [
        learning_curve(Fake(), meet("abcdef"), athletes=[1, 3], draws=4, seed=5, workers=workers)
        for workers in (1, 2)
    ]
    pd.testing.assert_frame_equal(*curves)


@pytest.mark.slow
def test_several_processes_train_the_same_networks():
    recordings = simulate_recordings(athletes=4, per_athlete=1)
    alone, together = (evaluate(short(), recordings, folds=2, workers=workers) for workers in (1, 2))
    probabilities = [f"p({name})" for name in alone.classes]
    np.testing.assert_allclose(
        together.predictions[probabilities], alone.predictions[probabilities], atol=1e-4
    )


def test_one_run_has_no_spread():
    assert np.isnan(evaluate(Fake(), meet()).table().loc["fake", "sd"])


def test_doubts_are_kept():
    recordings = meet()
    recordings[4] = blind(recordings[4])
    table = evaluate(Fake(), recordings).predictions.set_index("recording")["doubt"]
    assert table[table != ""].to_dict() == {recordings[4].source: "poor"}


def test_refusals():
    nameless = [replace(r, activity=None, sample=f"IMG_{k}") for k, r in enumerate(meet())]
    with pytest.raises(ValueError, match=r"activity .* IMG_1-a, IMG_2-a"):
        evaluate(Fake(), [meet()[0], *nameless[1:3]])
    walker = replace(meet()[0], activity=None, athlete=None, sample="1", person=1, video="meet.mov")
    with pytest.raises(ValueError, match="Several people in meet"):
        evaluate(Fake(), [replace(meet()[0], video="meet.mov"), *meet()[1:], walker])
    with pytest.raises(ValueError, match=r"Only one group \(a\)"):
        evaluate(Fake(), meet("a"))
    with pytest.raises(ValueError, match="at least two classes, got flip"):
        evaluate(Fake(), meet(flip=2))
    with pytest.raises(ValueError, match=r"`folds` .* got 1"):
        evaluate(Fake(), meet(), folds=1)
    with pytest.raises(ValueError, match=r"`runs` .* got 0"):
        evaluate(Fake(), meet(), runs=0)
    for data in (np.zeros((4, 5, 25, 2)), "keypoints"):
        with pytest.raises(TypeError, match="Recordings"):
            evaluate(Fake(), data)
    assert not TRAINED


def test_athletes_may_be_numbers_0_too():
    """Whoever is called 0 is somebody; clips and recordings agree."""
    numbered = [replace(r, athlete="abc".index(r.athlete)) for r in meet()]
    told = evaluate(Fake(), numbered)
    assert sorted(told.predictions["athlete"].unique()) == ["0", "1", "2"]
    assert not [note for note in told.notes if "name no athlete" in note]
    clips = Clips.from_arrays(np.zeros((4, 3, 2, 2)), athletes=np.array([0, 0, 1, np.nan]))
    assert clips.athletes == ("0.0", "0.0", "1.0", None)
    assert Clips.from_arrays(np.zeros((2, 3, 2, 2)), athletes=np.arange(2)).groups.tolist() == ["0", "1"]


def test_recordings_of_one_name_are_told_apart():
    """vault/IMG_1 of a and of b: two recordings; windows of one video never part where nobody says who."""
    same = [replace(r, video="IMG_1.MOV", sample="IMG_1") for r in meet("ab")]
    told = evaluate(Fake(), same).predictions
    assert sorted(told["recording"]) == ["IMG_1", *(f"IMG_1 ({k})" for k in range(2, 7))]
    parts = [replace(r, video="IMG_1.MOV", sample=f"1@{k}", first_frame=k) for k, r in enumerate(meet("ab"))]
    assert set(evaluate(Fake(), parts).predictions["recording"]) == {"IMG_1"}
    nobody = [*meet("ab"), *(replace(r, athlete=None, video="IMG_1.MOV") for r in meet("c"))]
    told = evaluate(Fake(), nobody).predictions
    assert sorted(told["athlete"].unique()) == ["a", "b", "source IMG_1"]


# --- notes --------------------------------------------------------------------------------------------------


def test_a_class_of_one_athlete_warns_and_counts_as_wrong():
    recordings = [*meet(), stand("twist", "c", 1), stand("twist", "c", 2)]
    with pytest.warns(UserWarning, match="Only c performs twist: no fold") as told:
        result = evaluate(Fake(lambda r, seed: "flip"), recordings)
    assert told[0].filename == __file__
    assert "Fold c out: nobody left to learn twist from; 2 test recordings cannot be right." in result.notes
    assert len([note for note in result.notes if note.startswith("Fold")]) == 1
    assert result.accuracy == pytest.approx(6 / 11)
    assert result.per_class().loc["twist", "recall"] == 0
    assert result.classes == ("flip", "jump", "twist")


def test_a_training_part_of_one_class_answers_that_class():
    """Nothing is trained there, and the recordings of the other class count as wrong."""
    recordings = [stand("flip", "a"), stand("flip", "b"), stand("jump", "c"), stand("flip", "c", 2)]
    with pytest.warns(UserWarning, match="Only c performs jump"):
        result = evaluate(Fake(), recordings)
    assert {r.athlete for _, part in TRAINED for r in part} == {"a", "b", "c"}
    assert len(TRAINED) == 2
    answers = result.predictions.set_index("recording")["predicted"].to_dict()
    assert answers == {"flip-1-a": "flip", "flip-1-b": "flip", "jump-1-c": "flip", "flip-2-c": "flip"}
    assert result.accuracy == 0.75
    assert any(note.startswith("Fold c out: nobody left to learn jump from; 1 test") for note in result.notes)


def test_unknown_athletes_are_left_out_one_by_one():
    recordings = [*meet("ab"), replace(stand("flip", None, 8)), replace(stand("jump", None, 9))]
    result = evaluate(Fake(), recordings)
    assert result.notes == [
        "2 recordings name no athlete and were left out by the name of their video; if others show the same person, the result is too good."
    ]
    assert result.predictions["fold"].nunique() == 4
    assert [len(part) for _, part in TRAINED] == [5, 5, 7, 7]


def test_no_notes_where_there_is_nothing_to_note():
    assert evaluate(Fake(), meet()).notes == []


def test_the_fall_back_to_a_fixed_number_of_epochs_is_noted():
    note = "3 epochs: too few athletes to hold some out for validation"
    result = evaluate(Fake(note=note), meet(), runs=2)
    assert result.notes == [f"Fold {who} out: trained for {note}." for who in "abc"]


# --- telling ------------------------------------------------------------------------------------------------


def test_str_shows_the_tables():
    recordings = [*meet(), stand("twist", "c"), stand("twist", "b")]
    result = evaluate(Fake(), recordings, runs=2)
    text = str(result)
    assert text.startswith("fake: athletes left out, answers pooled; 2 runs\n")
    words = {tuple(line.split()) for line in text.splitlines()}
    ones = ["1.000"] * 4  # low, high, mean class, macro F1
    assert ("fake", "1.000", "0.000", *ones, f"{np.mean(result.seconds):.1f}") in words
    measured = result.table()[["accuracy", "low", "high", "mean class", "macro F1"]]
    for name in ("majority", "length only"):
        told = [f"{value:.3f}" for value in measured.loc[f"floor: {name}"]]
        assert ("floor:", *name.split(), *told) in words
        assert told[0] == f"{result.floors[name]:.3f}"
    assert "low, high: 95 % bootstrap interval over 3 athletes (meaningless here: no mistakes" in text
    assert ("class", "recordings", "precision", "recall", "F1")[1:] in {w[-4:] for w in words}
    assert ("flip", "6", "1.000", "1.000", "1.000") in words
    assert ("b", "4", "1.000") in words
    assert ("twist", "0", "0", "4") in words
    assert "nan" not in text.lower()
    assert "! " not in text
    noted = replace(result, notes=["Mind this."])
    assert str(noted).endswith("\n! Mind this.")
    assert "; 1 run\n" in str(replace(result, seconds=[1.0]))


# --- with real training -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated() -> list[Recording]:
    return simulate_recordings(athletes=3, per_athlete=1, fps=30)


def test_a_skeleton_classifier(simulated, monkeypatch):
    """The real classifier, seen from inside: what it is trained on never holds the athlete of the fold."""
    from gymskel.classifier import SkeletonClassifier

    parts, plain = [], SkeletonClassifier.fit

    def spy(self, X, *arguments, **named):
        parts.append({r.athlete for r in X})
        return plain(self, X, *arguments, **named)

    monkeypatch.setattr(SkeletonClassifier, "fit", spy)
    recipe = replace(RECIPES["default"], epochs=1, min_steps=0, validation=0.2)
    result = evaluate(short(recipe=recipe), simulated)
    outs = result.predictions.groupby("fold")["athlete"].unique()
    assert [part | set(out) for part, out in zip(parts, outs, strict=True)] == [{"a01", "a02", "a03"}] * 3
    assert [len(part) for part in parts] == [2, 2, 2]
    assert result.model == "quick"
    assert len(result.predictions) == 6
    assert result.notes == [
        f"Fold {who} out: trained for 1 epochs: too few athletes to hold some out for validation."
        for who in ("a01", "a02", "a03")
    ]


def test_an_evaluation_of_ones_own():
    """Made by hand: the numbers are those of the table of answers."""
    table = pd.DataFrame(
        {"run": 0, "fold": 0, "recording": list("wxyz"), "athlete": list("aabb"), "doubt": ""}
        | {"truth": ["f", "f", "g", "g"], "predicted": ["f", "g", "g", "g"]}
    )
    own = Evaluation("m", "athletes", table, ("f", "g"), {}, [1.5])
    assert own.accuracy == 0.75
    assert own.by_athlete()["accuracy"].to_dict() == {"a": 0.5, "b": 1}
    assert own.notes == []
