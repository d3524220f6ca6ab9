"""Unknown moves: known probabilities give known shares of rejected and kept answers."""

import pytest
from helpers.evaluations import TRAINED, Sure, chances, meet, start_afresh

from gymskel.evaluation import unknown_moves


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    start_afresh(monkeypatch)


def three_moves(athletes="abd"):
    return meet(athletes, flip=2, jump=2, twist=2)


def test_an_unknown_move_that_is_less_sure_is_rejected():
    found = unknown_moves(Sure(chances), three_moves())
    assert found.index.tolist() == ["flip", "jump", "twist"]
    assert (found["recordings"] == 6).all()
    assert (found[["rejected", "kept", "auc"]] == 1).all(axis=None)
    for _, part in TRAINED:
        assert len({r.activity for r in part}) == 2
        assert len({r.athlete for r in part}) == 2


def test_an_unknown_move_that_is_as_sure_is_not():
    def alike(activity, athlete, classes):
        first = classes.index(activity) if activity in classes else 0
        return [0.9 if k == first else 0.1 for k in range(len(classes))]

    found = unknown_moves(Sure(alike), three_moves(), unknown=["twist"])
    assert found.loc["twist", ["recordings", "rejected", "kept", "auc"]].tolist() == [6, 0, 1, 0.5]
    assert len(TRAINED) == 3


def test_the_threshold_comes_from_other_folds():
    """a's right answers say 0.7, others' 0.9: judged by the others, a's are rejected; b's and d's are kept."""

    def shy(activity, athlete, classes):
        first = classes.index(activity) if activity in classes else 0
        sure = 0.7 if athlete == "a" else 0.9
        return [sure if k == first else 1 - sure for k in range(len(classes))]

    found = unknown_moves(Sure(shy), three_moves(), unknown=["twist"], keep=1)
    assert found.loc["twist", "kept"] == pytest.approx(2 / 3)


def test_unknown_moves_refuses():
    with pytest.raises(ValueError, match="three classes, got flip, jump"):
        unknown_moves(Sure(chances), meet())
    with pytest.raises(ValueError, match=r"`unknown` .* got salto"):
        unknown_moves(Sure(chances), three_moves(), unknown=["salto"])
    with pytest.raises(ValueError, match=r"`unknown` .* got none"):
        unknown_moves(Sure(chances), three_moves(), unknown=[])
    assert unknown_moves(Sure(chances), three_moves(), unknown="twist").index.tolist() == ["twist"]
