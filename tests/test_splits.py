"""splits: groups are never parted, classes are kept in both parts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.clips import Clips, concatenate
from gymskel.splits import hold_out_groups, leave_groups_out

names = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40).filter(lambda g: len(set(g)) > 1)


@settings(max_examples=40, deadline=None)
@given(names, st.one_of(st.none(), st.integers(2, 10)))
def test_leave_groups_out_never_parts_a_group(groups, folds):
    groups = np.array(groups)
    splits = leave_groups_out(groups, folds)
    wanted = len(set(groups)) if folds is None else min(folds, len(set(groups)))
    assert len(splits) == wanted
    for train, test in splits:
        assert len(train) and len(test)
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(groups)))
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(len(groups)))


def test_folds_are_about_equal():
    groups = np.repeat(list("abcdef"), [10, 1, 9, 2, 5, 6])  # 33 clips: 11 a fold
    assert sorted(len(test) for _, test in leave_groups_out(groups, 3)) == [11, 11, 11]
    assert [groups[test][0] for _, test in leave_groups_out(groups)] == list("abcdef")


@pytest.mark.parametrize(
    ("groups", "folds", "message"),
    [
        (["ann", "ann"], None, r"Only one group \(ann\)"),
        ([7, 7], None, r"Only one group \(7\)"),
        (["a", "b"], 1, "`folds` must be at least 2, got 1"),
    ],
)
def test_impossible_folds_are_refused(groups, folds, message):
    with pytest.raises(ValueError, match=message):
        leave_groups_out(groups, folds)


def clips_of(athletes, labels):
    return Clips.from_arrays(
        np.zeros((len(labels), 2, 4, 2)), y=np.array(labels), classes=["a", "b"], athletes=athletes
    )


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("stuvwxyz"), st.integers(0, 1)), min_size=4, max_size=40),
    st.sampled_from([0.2, 0.33, 0.5]),
    st.integers(0, 3),
)
def test_hold_out_groups_never_parts_a_group(who_does_what, fraction, seed):
    clips = clips_of(*zip(*who_does_what, strict=True))
    split = hold_out_groups(clips, fraction, seed=seed)
    if split is None:
        return
    rest, part = split
    assert sorted([*rest, *part]) == list(range(len(clips)))
    assert not set(clips.groups[rest]) & set(clips.groups[part])
    assert set(clips.y[rest]) == set(clips.y[part]) == set(clips.y)
    for label in set(clips.y):
        assert len(set(clips.groups[rest][clips.y[rest] == label])) >= 2
    again = hold_out_groups(clips, fraction, seed=seed)
    np.testing.assert_array_equal(part, again[1])


def test_hold_out_groups_takes_about_the_fraction():
    clips = clips_of([f"s{i // 10}" for i in range(100)], [i % 2 for i in range(100)])
    for fraction in (0.1, 0.2, 0.3, 0.5):
        rest, part = hold_out_groups(clips, fraction, seed=0)
        assert len(part) == 100 * fraction and len(rest) == 100 - len(part)
    parts = {tuple(hold_out_groups(clips, 0.3, seed=seed)[1]) for seed in range(5)}
    assert len(parts) > 1


def test_hold_out_groups_says_when_it_cannot():
    assert hold_out_groups(clips_of(["a", "b", "a", "b"], [0, 0, 1, 1]), 0.3, seed=0) is None
    assert hold_out_groups(clips_of(["a"] * 6, [0, 1] * 3), 0.3, seed=0) is None
    four = clips_of([f"s{i // 10}" for i in range(40)], [0, 1] * 20)
    assert hold_out_groups(four, 0.1, seed=0) is None  # a whole group is 25 %: not about 10 %
    assert len(hold_out_groups(four, 0.2, seed=0)[1]) == 10
    lonely = clips_of([*"abcdefx"], [0, 0, 0, 0, 0, 0, 1])  # only x does b: she cannot be on both sides
    assert hold_out_groups(lonely, 0.3, seed=0) is None
    with pytest.raises(ValueError, match="`clips` has no labels `y`"):
        hold_out_groups(replace(four, y=None), 0.3)


def test_copies_stay_with_their_original_where_nobody_said_who():
    clips = clips_of(None, [0, 1] * 6)
    both = concatenate([clips, clips])
    rest, part = hold_out_groups(both, 0.3, seed=0)
    assert not {both.sources[i] for i in rest} & {both.sources[i] for i in part}
    for train, test in leave_groups_out(both.groups, 4):
        assert not {both.sources[i] for i in train} & {both.sources[i] for i in test}
