"""Evaluation by athlete: nobody is tested on themselves, floors beside the model, and notes that warn."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from test_classifier import blind, short

from gymskel.clips import Clips
from gymskel.evaluation import (
    PUBLISHED_RESULTS,
    Evaluation,
    baselines,
    evaluate,
    evaluate_published,
    published_protocol,
    sample_frames,
)
from gymskel.models import PUBLISHED
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.skeleton import BODY_25
from gymskel.training import RECIPES

BODY = np.random.default_rng(0).uniform(50, 250, (25, 2)).astype(np.float32)
TRAINED: list[tuple[int, list[Recording]]] = []


def stand(activity, athlete, sample=1, *, frames=30, fps=30.0, arm=0) -> Recording:
    """Somebody who stands still, and holds the right wrist `arm` pixels higher than others do."""
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., :2] = BODY
    keypoints[:, BODY_25.index("RWrist"), 1] -= arm
    return Recording(keypoints, fps, activity, str(sample), athlete)


class Fake(BaseEstimator):
    """Answers in no time what `answer(recording, random_state)` says, and remembers what it was trained on."""

    model_params = None

    def __init__(self, answer=None, note="3 epochs", random_state=None, model="fake"):
        self.answer, self.note, self.random_state, self.model = answer, note, random_state, model

    def fit(self, recordings):
        TRAINED.append((self.random_state, list(recordings)))
        self.run_ = SimpleNamespace(note=self.note)
        return self

    def predict_table(self, recordings):
        moves = [self.answer(r, self.random_state) if self.answer else r.activity for r in recordings]
        return pd.DataFrame({"move": moves, "doubt": ["" if r.seen.all() else "poor" for r in recordings]})


@pytest.fixture(autouse=True)
def forget():
    TRAINED.clear()


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setitem(
        baselines.FEATURE_BASELINES, "random forest", RandomForestClassifier(3, random_state=0)
    )


def meet(athletes="abc", **times) -> list[Recording]:
    """Every athlete performs every move so many times."""
    times = times or {"flip": 2, "jump": 1}
    return [stand(move, who, k) for who in athletes for move, count in times.items() for k in range(count)]


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


@pytest.mark.parametrize("workers", [2, 3])
def test_several_processes_change_nothing(workers):
    def answer(r, seed):
        return "jump" if r.athlete == "c" or (seed == 0 and r.sample == "1") else r.activity

    alone = evaluate(Fake(answer, "3 epochs: too few athletes"), meet(), runs=2)
    together = evaluate(Fake(answer, "3 epochs: too few athletes"), meet(), runs=2, workers=workers)
    pd.testing.assert_frame_equal(together.predictions, alone.predictions)
    assert together.notes == alone.notes
    assert len(TRAINED) == 6  # by the first alone: the other's trainings were elsewhere
    assert len(together.seconds) == 2 and min(together.seconds) > 0


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
    with pytest.raises(
        ValueError, match=r"No activity is known for IMG_1-a, IMG_2-a\. Name files.*labels CSV"
    ):
        evaluate(Fake(), [meet()[0], *nameless[1:3]])
    walker = replace(meet()[0], activity=None, athlete=None, sample="1", person=1, video="meet.mov")
    with pytest.raises(ValueError, match="Several people in meet: say which with person="):
        evaluate(Fake(), [replace(meet()[0], video="meet.mov"), *meet()[1:], walker])
    with pytest.raises(ValueError, match=r"Only one group \(a\)"):
        evaluate(Fake(), meet("a"))
    with pytest.raises(ValueError, match="at least two classes, got flip"):
        evaluate(Fake(), meet(flip=2))
    with pytest.raises(ValueError, match="`folds` must be at least 2, got 1"):
        evaluate(Fake(), meet(), folds=1)
    with pytest.raises(ValueError, match="`runs` must be a number from 1, got 0"):
        evaluate(Fake(), meet(), runs=0)
    for data in (np.zeros((4, 5, 25, 2)), "keypoints"):
        with pytest.raises(
            TypeError, match=r"must be Recordings or Clips|takes Recordings, or Clips with labels"
        ):
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
        "2 recordings name no athlete and were left out by the name of their video; if others show the same person, the result flatters."
    ]
    assert result.predictions["fold"].nunique() == 4
    assert [len(part) for _, part in TRAINED] == [5, 5, 7, 7]


def test_no_notes_where_there_is_nothing_to_note():
    assert evaluate(Fake(), meet()).notes == []


def test_the_fall_back_to_a_fixed_number_of_epochs_is_noted():
    note = "3 epochs: too few athletes to hold some out for validation"
    result = evaluate(Fake(note=note), meet(), runs=2)
    assert result.notes == [f"Fold {who} out: trained for {note}." for who in "abc"]


# --- floors -------------------------------------------------------------------------------------------------


def test_floor_majority():
    floors = evaluate(Fake(), meet(flip=3, jump=1)).floors
    assert floors["majority"] == 0.75
    assert list(floors) == ["majority", "length only", "logistic regression", "random forest"]


def test_floor_length_only():
    """Length in seconds, whatever the frame rate."""
    recordings = []
    for n, who in enumerate("abcd"):
        fps = 30.0 if n % 2 else 60.0
        recordings += [
            stand("flip", who, frames=int(fps), fps=fps),
            stand("jump", who, frames=int(2 * fps), fps=fps),
        ]
    floors = evaluate(Fake(), recordings).floors
    assert floors["length only"] == 1
    assert floors["majority"] == 0.5
    same = [replace(r, keypoints=r.keypoints[: int(r.fps)]) for r in recordings]
    assert evaluate(Fake(), same).floors["length only"] == 0.5


def test_floors_do_not_go_by_the_order_of_the_recordings():
    """Two moves of the same lengths: the nearest three are among many as near."""
    rng = np.random.default_rng(0)
    recordings = [
        stand(move, who, sample, frames=30 + sample % 3, arm=rng.uniform(0, 9))
        for who in "abcd"
        for sample, move in enumerate(["flip", "jump", "jump", "flip", "flip", "jump"])
    ]
    told = [evaluate(Fake(), [recordings[i] for i in rng.permutation(24)]).floors for _ in range(4)]
    assert all(one == told[0] for one in told)


def test_floor_logistic_regression():
    """What a pose alone tells: an arm that is up or down."""
    recordings = []
    for n, who in enumerate("abcd"):
        recordings += [stand("down", who, frames=20 + n), stand("up", who, arm=90, frames=20 + n)]
    floors = evaluate(Fake(), recordings).floors
    assert floors["logistic regression"] == floors["random forest"] == 1
    assert floors["length only"] == 0.5


def test_floors_are_left_out_by_athlete_too():
    """Each athlete's own arm gives the move away, and nobody else's does: by athlete the floor fails."""
    arms = {("a", "up"): 0, ("a", "down"): 80, ("b", "up"): 80, ("b", "down"): 0}
    recordings = [stand(move, who, k, arm=arm) for (who, move), arm in arms.items() for k in range(2)]
    floors = evaluate(Fake(), recordings).floors
    assert floors["logistic regression"] == floors["random forest"] == 0


def test_floors_without_a_frame_rate():
    """Then lengths are frames, and nothing can be sample_frames for the regression."""
    recordings = [replace(r, fps=None) for r in meet(flip=2, jump=1)]
    assert set(evaluate(Fake(), recordings).floors) == {"majority", "length only"}


def test_floors_of_another_layout():
    """Without the 15 joints there is no regression, rather than one on zeros."""
    arms = BODY_25.select(["Neck", "RShoulder", "RElbow"])
    recordings = [replace(r, keypoints=r.keypoints[:, :3], skeleton=arms) for r in meet()]
    assert set(evaluate(Fake(), recordings).floors) == {"majority", "length only"}


def test_floors_with_a_blind_recording():
    recordings = meet()
    recordings[4] = blind(recordings[4])
    floors = evaluate(Fake(), recordings).floors
    assert all(0 <= share <= 1 for share in floors.values())
    assert len(floors) == 4


def test_resampled():
    x = np.arange(5, dtype=np.float32)[None, :, None, None] * np.ones((1, 5, 15, 2), np.float32)
    clip = Clips.from_arrays(np.pad(x, [(0, 0), (0, 3), (0, 0), (0, 0)]), lengths=[5])
    values = sample_frames(clip, 9).reshape(9, 30)
    np.testing.assert_allclose(values, np.linspace(0, 4, 9)[:, None] * np.ones(30), atol=1e-6)
    one = Clips.from_arrays(x[:, 3:4], lengths=[1])
    assert (sample_frames(one, 4) == 3).all()
    assert sample_frames(one).shape == (16 * 30,)
    assert (sample_frames(None) == np.zeros(480)).all()


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
    assert "low, high: 95 % interval by 3 athletes; without a single mistake it says nothing" in text
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


def test_thesis_protocol_says_that_it_leaks(simulated, monkeypatch):
    seen = []

    class Spy(Fake):
        """Stands in for training; the split and the copies are real."""

        def __init__(self, model, model_params, *, recipe, random_state):
            super().__init__(model=model, random_state=random_state)
            self.model_params, self.recipe = model_params, recipe

        def fit(self, clips):
            seen.append((self, clips))
            return self

        def predict(self, clips):
            self.tested = clips
            return np.array([clips.classes[k] for k in clips.y])

    monkeypatch.setattr(published_protocol, "SkeletonClassifier", Spy)
    result = evaluate_published("lstm", simulated, runs=2, seed=3)
    assert [spy.random_state for spy, _ in seen] == [3, 4]
    shares = []
    for spy, clips in seen:
        assert (spy.model, spy.model_params) == ("lstm", PUBLISHED["lstm"])
        assert (spy.recipe.epochs, spy.recipe.batch_size, spy.recipe.augment) == (5, 1, None)
        assert len(clips) + len(spy.tested) == 3 * 6
        assert len(spy.tested) == round(0.2 * 18)
        shares.append(np.mean([source in clips.sources for source in spy.tested.sources]))
        rows = {row.tobytes() for row in clips.x} | {row.tobytes() for row in spy.tested.x}
        assert len(rows) == 18
    assert min(shares) > 0.5
    assert result.notes[0] == (
        f"This protocol leaks: {np.mean(shares):.0%} of the test samples are copies of a recording that was trained on."
    )
    assert result.notes[1] == "Published: 80.9 100.0 95.6 100.0 97.1 % (mean 94.7)."
    assert (result.protocol, result.model, result.accuracy) == ("thesis", "lstm (published size)", 1)
    assert len(result.predictions) == 8
    text = str(result)
    assert "as published: augmented copies, then a random split" in text
    assert "! This protocol leaks" in text
    assert list(seen[0][1].x.shape[2:]) == [15, 2]


def test_thesis_protocol_with_the_published_model(simulated):
    result = evaluate_published("simple_rnn", simulated)
    assert len(result.predictions) == 4
    assert set(result.predictions["predicted"]) <= {"backflip", "back-handspring"}


def test_thesis_protocol_refuses(simulated):
    with pytest.raises(ValueError, match=r"`model` must be one of .*hierarchical_rnn, got 'lstm_attention'"):
        evaluate_published("lstm_attention", simulated)
    nameless = [replace(r, activity=None) for r in simulated]
    with pytest.raises(ValueError, match="no activity"):
        evaluate_published("lstm", nameless)
    with pytest.raises(ValueError, match=r"`runs` .* got 0"):
        evaluate_published("lstm", simulated, runs=0)


def test_published_results():
    """Means that the thesis states itself, sec. 5."""
    means = {name: round(float(np.mean(runs)), 1) for name, runs in PUBLISHED_RESULTS.items()}
    assert means == {"simple_rnn": 88.8, "lstm": 94.7, "hierarchical_rnn": 91.5}
    assert set(PUBLISHED_RESULTS) == set(PUBLISHED)


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
