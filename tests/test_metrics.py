"""Metrics, intervals over athletes, calibration: known answers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.evaluations import TRAINED, Fake, Sure, chances, meet, stand, start_afresh
from helpers.networks import made_clips
from sklearn.base import BaseEstimator
from sklearn.metrics import balanced_accuracy_score, f1_score

from gymskel.evaluation import Evaluation, evaluate, evaluate_published
from gymskel.evaluation.metrics import calibration_error, compute_metrics, reliability_table
from gymskel.splits import leave_groups_out


def table(truth, predicted, athletes=None, **probabilities) -> pd.DataFrame:
    made = {"truth": list(truth), "predicted": list(predicted)}
    made |= {"run": 0, "fold": 0, "recording": [f"r{k}" for k in range(len(truth))], "doubt": ""}
    made |= {"athlete": list(truth if athletes is None else athletes)}
    return pd.DataFrame(made | {f"p({name})": values for name, values in probabilities.items()})


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    start_afresh(monkeypatch)


# --- metrics ------------------------------------------------------------------------------------------------


def test_measures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth, predicted = rng.choice(list("xyz"), 60, p=[0.6, 0.3, 0.1]), rng.choice(list("xyz"), 60)
    found = compute_metrics(table(truth, predicted, rng.choice(list("abcdef"), 60)), list("xyz"))
    assert found.loc["accuracy", "value"] == pytest.approx(np.mean(truth == predicted))
    assert found.loc["mean class", "value"] == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert found.loc["macro F1", "value"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert (found["low"] < found["value"]).all() and (found["value"] < found["high"]).all()


def test_an_answer_that_is_no_class_is_wrong():
    found = compute_metrics(table("xxy", ["x", "", "y"], "abc"), list("xy"))["value"]
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["mean class"] == 0.75


def test_intervals_go_by_athletes_not_by_recordings():
    """Five athletes, all right or all wrong: however many recordings each, the interval is that of five throws."""
    truth, right = list("xy") * 50, np.repeat([True, True, True, False, False], 20)
    predicted = [t if good else "xy"[t == "x"] for t, good in zip(truth, right, strict=True)]
    found = compute_metrics(table(truth, predicted, np.repeat(list("abcde"), 20)), list("xy"))
    assert found.loc["accuracy"].round(6).tolist() == [0.6, 0.2, 1.0]  # quantiles of a binomial (5, 0.6) / 5
    alone = compute_metrics(table(truth, predicted, range(100)), list("xy")).loc["accuracy"]
    assert 0.48 < alone["low"] < 0.53 and 0.67 < alone["high"] < 0.72  # 0.6 +- 1.96 sqrt(.6 * .4 / 100)
    again = compute_metrics(table(truth, predicted, np.repeat(list("abcde"), 20)), list("xy"))
    pd.testing.assert_frame_equal(found, again)


def test_one_athlete_has_no_interval():
    found = compute_metrics(table("xy", "xx", "aa"), list("xy"))
    assert found["low"].isna().all() and found["high"].isna().all()
    assert found.loc["accuracy", "value"] == 0.5


def test_classes_that_a_draw_lacks_do_not_count():
    """Athlete b alone performs y: in draws without b the mean over classes is that of x."""
    found = compute_metrics(table("xy", "xx", "ab"), list("xy")).loc["mean class"]
    assert found.tolist() == [0.5, 0.0, 1.0]


def test_reliability():
    answers = table("xxxx", "xxyy", x=[0.95, 0.91, 0.45, 0.0], y=[0.05, 0.09, 0.55, 1.0])
    found = reliability_table(answers, list("xy")).set_index("from")
    assert found["answers"].to_dict() == dict.fromkeys(np.arange(10) / 10, 0) | {0.5: 1, 0.9: 3}
    assert found.loc[0.9, "probability"] == pytest.approx((0.95 + 0.91 + 1) / 3)
    assert found.loc[0.9, "accuracy"] == pytest.approx(2 / 3)
    assert found.loc[0.5, ["probability", "accuracy"]].tolist() == [0.55, 0.0]
    error = (3 * abs(2 / 3 - 2.86 / 3) + 0.55) / 4
    assert calibration_error(found) == pytest.approx(error)
    with pytest.raises(ValueError, match=r"`bins` .* got 0"):
        reliability_table(answers, list("xy"), bins=0)


def test_what_is_right_as_often_as_it_says_has_no_error():
    """Eight of ten right, all said 0.8."""
    truth = ["x"] * 8 + ["y"] * 2
    answers = table(truth, ["x"] * 10, x=[0.8] * 10, y=[0.2] * 10)
    assert calibration_error(reliability_table(answers, list("xy"))) == pytest.approx(0)


def test_answers_without_probabilities_have_no_calibration():
    none = Evaluation("m", "athletes", table("xy", "xy"), ("x", "y"), {}, [1.0])
    assert np.isnan(none.calibration_error)
    assert none.reliability()["answers"].sum() == 0
    assert "by their probability" not in str(none)
    told = table("xyx", ["x", "y", ""], x=[0.9, np.nan, 0.5], y=[0.1, np.nan, 0.5])
    assert reliability_table(told, list("xy"))["answers"].sum() == 1


# --- in an evaluation ---------------------------------------------------------------------------------------


def test_probabilities_are_kept():
    result = evaluate(Sure(chances), meet("abc"), runs=2)
    assert list(result.predictions)[-2:] == ["p(flip)", "p(jump)"]
    np.testing.assert_allclose(result.predictions[["p(flip)", "p(jump)"]].sum(axis=1), 1)
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.calibration_error == pytest.approx((12 * 0.1 + 6 * 0.6) / 18)
    row = result.table().loc["fake"]
    assert row["calibration error"] == pytest.approx(result.calibration_error)
    found = result.metrics()
    assert row[["low", "high"]].tolist() == found.loc["accuracy", ["low", "high"]].tolist()
    assert (row["mean class"], row["macro F1"]) == tuple(found["value"][1:])
    assert "accuracy of answers by their probability" in str(result)
    assert "over 3 athletes; too narrow with so few athletes" in str(result)


def test_a_class_that_a_fold_does_not_know_has_probability_0():
    recordings = [*meet("abc"), stand("twist", "c", 1)]
    with pytest.warns(UserWarning, match="Only c performs twist"):
        told = evaluate(Sure(chances), recordings).predictions.set_index("recording")
    assert told.loc["twist-1-c", "p(twist)"] == 0
    assert told.loc["flip-0-a", "p(twist)"] == pytest.approx(0.05)


def test_where_nothing_is_trained_there_are_no_probabilities():
    recordings = [stand("flip", "a"), stand("flip", "b"), stand("jump", "c"), stand("flip", "c", 2)]
    with pytest.warns(UserWarning, match="Only c performs jump"):
        told = evaluate(Sure(chances), recordings).predictions.set_index("athlete")[["p(flip)", "p(jump)"]]
    assert told.loc["c"].isna().all(axis=None)
    assert told.loc[["a", "b"]].notna().all(axis=None)


def test_floors_have_all_measures():
    result = evaluate(Fake(), meet("abcd", flip=3, jump=1))
    told = result.table()
    assert told.loc["floor: majority", ["accuracy", "low", "high", "mean class"]].tolist() == [
        0.75, 0.75, 0.75, 0.5,
    ]  # fmt: skip
    assert told.loc["floor: majority", "macro F1"] == pytest.approx(6 / 7 / 2)
    assert told["seconds"].notna().tolist() == [True] + [False] * 4
    assert sorted(set(result.floor_predictions["floor"])) == sorted(result.floors)
    for name, rows in result.floor_predictions.groupby("floor"):
        assert sorted(rows["recording"]) == sorted(result.predictions["recording"]), name


def test_a_peer_beside_the_model():
    result = evaluate(Fake(), meet("ab"))
    answers = pd.DataFrame({"recording": result.predictions["recording"], "predicted": "flip"})
    beside = result.with_floor("MiniRocket", answers)
    assert beside.floors["MiniRocket"] == beside.table().loc["floor: MiniRocket", "accuracy"] == 2 / 3
    assert beside.table().loc["floor: MiniRocket", "mean class"] == 0.5
    assert "floor: MiniRocket" not in result.table().index
    with pytest.raises(ValueError, match=r"MiniRocket .* got 5; .*: jump-0-b"):
        result.with_floor("MiniRocket", answers[answers["recording"] != "jump-0-b"])
    with pytest.raises(ValueError, match=r"6 test recordings, got 12\."):
        result.with_floor("MiniRocket", pd.concat([answers, answers]))


def test_folds_hold_as_much_of_every_class():
    """Six athletes perform only flips, six only jumps: dealt by size alone a fold could lack one of them."""
    recordings = [stand("flip", f"f{k}", n) for k in range(6) for n in range(3)]
    recordings += [stand("jump", f"j{k}", n) for k in range(6) for n in range(2)]
    told = evaluate(Fake(), recordings, folds=3).predictions
    counts = told.groupby(["fold", "truth"]).size().unstack()
    assert counts["flip"].tolist() == [6, 6, 6] and counts["jump"].tolist() == [4, 4, 4]


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_never_part_a_group_nor_stay_empty(folds):
    rng = np.random.default_rng(folds)
    groups, labels = rng.choice(list("abcdefgh"), 60), rng.choice(list("xyz"), 60)
    splits = leave_groups_out(groups, folds, labels=labels)
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(60))
    for train, test in splits:
        assert len(test) and not set(groups[train]) & set(groups[test])


class OnClips(BaseEstimator):
    """Says whether clips drift to the left or to the right."""

    model, model_params = "drift", None

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, clips):
        TRAINED.append((self.random_state, clips))
        self.run_ = type("Run", (), {"note": ""})
        return self

    def predict_table(self, clips):
        right = (clips.x[..., 0] * clips.mask[..., None]).sum(axis=(1, 2)) > 0
        return pd.DataFrame({"move": np.where(right, "forth", "back"), "doubt": ""})


def test_clips_are_evaluated_too():
    clips = made_clips()
    result = evaluate(OnClips(), clips)
    assert result.accuracy == result.floors["logistic regression"] == 1
    for (_, part), (_, rows) in zip(TRAINED, result.predictions.groupby("fold"), strict=True):
        assert not set(part.athletes) & set(rows["athlete"])
    with pytest.raises(ValueError, match="The clips have no labels `y`"):
        evaluate(OnClips(), replace(clips, y=None))
    with pytest.raises(TypeError, match="Recordings, not Clips"):
        evaluate_published("lstm", clips)
