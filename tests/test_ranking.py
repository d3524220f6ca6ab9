"""Units ranked by how they differ between classes: effects known in advance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gymskel.activations import choose_units, rank_units
from gymskel.clips import Clips
from gymskel.skeleton import GYMNASTICS_15


def ranked_clips(lengths, y):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(len(lengths), max(lengths), 15, 2))
    return Clips.from_arrays(
        x, lengths=lengths, y=np.array(y), classes=["flip", "jump"], skeleton=GYMNASTICS_15
    )


def test_ranked_units_have_known_effects():
    """Unit 2 tells the classes apart in the fifth tenth, unit 0 does not; unit 1 always does the same."""
    lengths, y = [20, 30, 40, 20, 30, 40], [0, 1, 0, 1, 0, 1]
    clips = ranked_clips(lengths, y)
    states = np.full((6, 40, 3), np.nan, np.float32)
    for i, (length, label) in enumerate(zip(lengths, y, strict=True)):
        tenth = np.arange(length) * 10 // length
        states[i, :length, 0] = np.where(tenth == 0, (0.1, -0.1, 0.2, 0.1, 0.0, 0.3)[i], 0)
        states[i, :length, 1] = 0.5
        states[i, :length, 2] = np.where(tenth == 4, 0.8 - label, 0)
    table = rank_units(states, clips)
    assert table["unit"].tolist() == [2, 0, 1]
    best, small, same = table.to_dict("records")
    assert (
        best["effect"] == pytest.approx(1) and best["effect_there"] == pytest.approx(1) and best["auc"] == 1
    )
    assert (best["high"], best["low"]) == ("flip", "jump") and (best["from"], best["to"]) == (0.4, 0.5)
    assert best["mean_high"] == pytest.approx(0.8) and best["mean_low"] == pytest.approx(-0.2)
    flip, jump = np.array([0.1, 0.2, 0.0]), np.array([-0.1, 0.1, 0.3])
    both = np.r_[flip, jump]
    eta = (
        3
        * ((flip.mean() - both.mean()) ** 2 + (jump.mean() - both.mean()) ** 2)
        / ((both - both.mean()) ** 2).sum()
    )
    assert small["effect"] == pytest.approx(eta, abs=1e-6) and small["by_chance"] == pytest.approx(1 / 5)
    assert same["effect"] == 0 and same["auc"] == 0.5
    wide = np.pad(states, [(0, 0), (0, 9), (0, 0)], constant_values=np.nan)
    assert rank_units(wide, clips).equals(table)  # padding changes nothing
    assert rank_units(states[::-1], clips[::-1]).round(6).equals(table.round(6))


def test_labels_by_lot_give_what_chance_gives():
    rng = np.random.default_rng(0)
    clips = ranked_clips([10] * 12, rng.permutation([0, 1] * 6))
    table = rank_units(rng.normal(size=(12, 10, 400)), clips)
    assert table["effect"].mean() == pytest.approx(table["by_chance"].iloc[0], rel=0.1)


def test_a_clip_shorter_than_its_phases():
    clips = ranked_clips([3, 3, 3], [0, 1, 0])
    states = np.array([[[0.0], [1.0], [0.0]], [[0.0], [-1.0], [0.0]], [[0.0], [1.0], [0.0]]])
    row = rank_units(states, clips).iloc[0]
    assert row["effect"] == pytest.approx(1) and 0.3 <= row["from"] <= 0.6


def test_rank_units_refuses():
    clips = ranked_clips([4, 4, 4], [0, 1, 0])
    states = np.zeros((3, 4, 2))
    with pytest.raises(ValueError, match="`clips` has no labels"):
        rank_units(states, replace(clips, y=None))
    with pytest.raises(ValueError, match=r"3 clips, got \(2, 4, 2\)"):
        rank_units(states[:2], clips)
    with pytest.raises(ValueError, match="got 1 and 2"):
        rank_units(states[[0, 2]], clips[[0, 2]])
    with pytest.raises(ValueError, match=r"`phases`.* got 0"):
        rank_units(states, clips, phases=0)


def test_chosen_units_tell_the_classes_apart_or_change_most():
    clips = ranked_clips([4, 4, 4], [0, 1, 0])
    states = np.zeros((3, 4, 4))
    states[..., 1] = (1, -1, 1, -1)  # changes most, alike in both classes
    states[[0, 2], :, 3] = 0.5
    assert choose_units(states, clips, 2) == rank_units(states, clips)["unit"].tolist()[:2]
    assert choose_units(states, clips)[0] == 3 and len(choose_units(states, clips)) == 4
    for no_ranking in (replace(clips, y=None), clips[[0, 2]]):
        chosen = choose_units(states[: len(no_ranking)], no_ranking, 2)
        assert chosen == [1, 0]
    with pytest.raises(ValueError, match=r"`count`.* got 0"):
        choose_units(states, clips, 0)
