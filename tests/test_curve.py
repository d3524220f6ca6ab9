"""The learning curve: groups of athletes that are trained on, and tests on all others."""

import pandas as pd
import pytest
from helpers.evaluations import TRAINED, Fake, meet, stand, start_afresh

from gymskel.evaluation import learning_curve


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    start_afresh(monkeypatch)


def test_learning_curve():
    """Who was trained on is never tested; everybody else is."""
    curve = learning_curve(Fake(), meet("abcdef"), athletes=[1, 3], draws=4, seed=5)
    assert curve["athletes"].tolist() == [1] * 4 + [3] * 4
    assert [seed for seed, _ in TRAINED] == [5, 6, 7, 8] * 2
    assert not curve.duplicated(["names"]).any()
    for (_, part), row in zip(TRAINED, curve.itertuples(), strict=True):
        assert {r.athlete for r in part} == set(row.names.split(", "))
        assert (len(part), row.trained_on, row.tested) == (row.trained_on, 3 * row.athletes, 18 - len(part))
    assert (curve["accuracy"] == 1).all() and (curve["mean_class"] == 1).all()
    again = learning_curve(Fake(), meet("abcdef"), athletes=[1, 3], draws=4, seed=5)
    pd.testing.assert_frame_equal(curve, again)


def test_learning_curve_takes_those_who_perform_every_move():
    recordings = meet("ab") + [stand("flip", who) for who in "cd"] + [stand("twist", who) for who in "be"]
    curve = learning_curve(Fake(), recordings, athletes=[1, 2, 3], draws=50)
    assert set(curve.query("athletes == 1")["names"]) == {"b"}
    assert set(curve.query("athletes == 2")["names"]) == {"a, b", "b, c", "b, d", "b, e", "a, e"}
    wrong = learning_curve(Fake(lambda r, seed: "flip"), recordings, athletes=[1])
    assert wrong["accuracy"].tolist() == [pytest.approx(4 / 6)]
    assert wrong["mean_class"].tolist() == [pytest.approx(1 / 3)]


def test_learning_curve_doubles_by_default():
    curve = learning_curve(Fake(), meet("abcdefghijk", flip=1, jump=1), draws=1)
    assert curve["athletes"].tolist() == [2, 4, 8, 10]
    assert learning_curve(Fake(), meet("ab"), draws=9)["athletes"].tolist() == [1, 1]


def test_learning_curve_refuses():
    with pytest.raises(ValueError, match=r"Only one athlete \(a\)"):
        learning_curve(Fake(), meet("a"))
    with pytest.raises(ValueError, match=r"`athletes` .* got 3"):
        learning_curve(Fake(), meet("abc"), athletes=[2, 3])
    apart = [stand("flip", "a"), stand("jump", "b"), stand("flip", "c")]
    with pytest.raises(ValueError, match=r"No 1 of the 3 .*flip, jump"):
        learning_curve(Fake(), apart, athletes=[1])
    with pytest.raises(ValueError, match="No athlete is known for flip-9"):
        learning_curve(Fake(), [*meet("ab"), stand("flip", None, 9)])
    with pytest.raises(ValueError, match="classes, got flip"):
        learning_curve(Fake(), meet("ab", flip=2))
    for nothing in ({"draws": 0}, {"athletes": []}):
        with pytest.raises(ValueError, match=r"`draws` .* \[.*\]"):
            learning_curve(Fake(), meet("abc"), **nothing)
    assert not TRAINED
    assert learning_curve(Fake(), meet("abc"), athletes=2, draws=1)["athletes"].tolist() == [2]
