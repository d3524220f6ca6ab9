"""clips: the door refuses what would poison a model, files give everything back, splits never part a group."""

import pickle
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.clips import Clips, concatenate, grouped_part, leave_groups_out
from gymskel.skeleton import BODY_25, GYMNASTICS_15, Skeleton

STICK = Skeleton("stick", ("Head", "MidHip", "RFoot", "LFoot"), root="MidHip")


def made(lengths=(5, 3, 4), seed=0, **given):
    """Clips of those lengths; every number is another."""
    frames = max(lengths)
    x = np.random.default_rng(seed).normal(size=(len(lengths), frames, 4, 2))
    x[0, 0, 2] = np.nan
    told = {
        "y": [["flip", "jump"][i % 2] for i in range(len(lengths))],
        "athletes": [["ann", None, "bo"][i % 3] for i in range(len(lengths))],
        "fps": 30.0,
    }
    return Clips.from_arrays(x, lengths=lengths, skeleton=STICK, **{**told, **given})


def assert_equal(a, b):
    for field in fields(Clips):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype, field.name
            np.testing.assert_array_equal(one, other, err_msg=field.name)
        else:
            assert one == other and type(one) is type(other), field.name


# --- the noun --------------------------------------------------------------------------------------------------


def test_from_arrays_fills_in_what_is_not_said():
    x = np.ones((3, 6, 15, 3))
    x[1, 2, 4, 0] = np.nan
    clips = Clips.from_arrays(x, lengths=[6, 4, 1], y=["flip", "jump", "flip"], skeleton=GYMNASTICS_15)
    assert clips.x.dtype == np.float32 and clips.mask.dtype == bool and clips.seen.dtype == bool
    assert clips.lengths.tolist() == [6, 4, 1] and len(clips) == 3
    assert clips.mask.tolist() == [[True] * 6, [True] * 4 + [False] * 2, [True] + [False] * 5]
    assert clips.y.tolist() == [0, 1, 0] and clips.y.dtype == np.int32
    assert clips.classes == ("flip", "jump") and clips.channels == ("x", "y", "confidence")
    assert clips.skeleton == GYMNASTICS_15 and clips.fps is None
    assert clips.athletes == (None,) * 3 and clips.sources == ("clip-0", "clip-1", "clip-2")
    assert clips.x[1, 2, 4].tolist() == [0, 1, 1]
    unseen = np.argwhere(~clips.seen[1, :4]).tolist()
    assert unseen == [[2, 4]] and not clips.seen[1, 4:].any() and clips.seen[0].all()
    assert repr(clips) == "<Clips 3 x 6 x 15 x 3, classes: flip, jump>"
    assert set(clips.inputs) == {"keypoints", "mask"}
    assert clips.inputs["keypoints"] is clips.x and clips.inputs["mask"] is clips.mask


@pytest.mark.parametrize(
    ("joints", "skeleton"), [(n, Skeleton(f"{n} joints", tuple(map(str, range(n))))) for n in (15, 25, 4)]
)
def test_from_arrays_knows_layouts_by_their_number_of_joints(joints, skeleton):
    clips = Clips.from_arrays(np.zeros((1, 2, joints, 2)))
    assert clips.skeleton == skeleton and clips.y is None and clips.classes == ()
    assert repr(clips).endswith("classes: unknown>")


def test_from_arrays_takes_numbers_or_names():
    x = np.zeros((3, 2, 4, 2))
    assert Clips.from_arrays(x, y=np.array([2, 0, 2])).classes == ("0", "1", "2")
    given_order = Clips.from_arrays(x, y=["b", "a", "b"], classes=["b", "c", "a"])
    assert given_order.y.tolist() == [0, 2, 0] and given_order.classes == ("b", "c", "a")
    assert Clips.from_arrays(x, y=np.array(["b", "a", "b"])).classes == ("a", "b")


def test_from_arrays_leaves_the_callers_array_alone():
    x = np.full((1, 2, 4, 2), np.nan, np.float32)
    Clips.from_arrays(x)
    assert np.isnan(x).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": np.zeros((3, 5, 8))}, r"`x` must be \(clips, frames, joints, channels\), got \(3, 5, 8\)"),
        ({"lengths": [5, 0, 5]}, "`lengths` must be 3 numbers from 1 to 5"),
        ({"lengths": [5, 6, 5]}, "`lengths` must be 3 numbers from 1 to 5"),
        ({"lengths": [5, 5]}, "`lengths` must be 3 numbers from 1 to 5"),
        ({"y": ["a", "b", "c"], "classes": ["a"]}, r"`y` names \['b', 'c'\], not among `classes` \['a'\]"),
        ({"y": ["a", "b"]}, "`y` must have an entry for each of 3 clips, got 2"),
        ({"y": [0, 1, -1]}, "`y` must be whole numbers below 2"),
        ({"y": [0, 1, 2], "classes": ["a", "b"]}, "`y` must be whole numbers below 2"),
        ({"athletes": ["a"]}, "`athletes` must have an entry for each of 3 clips, got 1"),
        ({"sources": ["a"]}, "`sources` must have an entry for each of 3 clips, got 1"),
        ({"skeleton": BODY_25}, r"`x` must be \(clips, frames, 25 joints of BODY_25, 2 channels\)"),
        ({"channels": ["x", "y", "z"]}, r"3 channels\), got \(3, 5, 4, 2\)"),
        ({"x": np.full((3, 5, 4, 2), np.inf)}, r"`x` must be finite; .* clips \[0, 1, 2\]"),
        ({"x": np.full((3, 5, 4, 2), -np.inf)}, "`x` must be finite"),
    ],
)
def test_faulty_arrays_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Clips.from_arrays(**{"x": np.zeros((3, 5, 4, 2)), **given})


def nan_behind_the_mask():
    x = made().x.copy()
    x[1, 4] = np.nan
    return x


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": nan_behind_the_mask()}, r"`x` must be finite; NaN or infinity in clips \[1\]"),
        ({"mask": np.ones((3, 4), bool)}, r"`mask` must be \(3, 5\), got \(3, 4\)"),
        ({"seen": np.ones((3, 5), bool)}, r"`seen` must be \(3, 5, 4\), got \(3, 5\)"),
        ({"mask": np.zeros((3, 5), bool)}, r"right-padded and never empty .* clips \[0, 1, 2\]"),
        ({"mask": np.arange(5) > np.array([[-1], [0], [-1]])}, r"right-padded .* clips \[1\]"),
        ({"mask": np.arange(5) != np.array([[9], [9], [2]])}, r"right-padded .* clips \[2\]"),
        ({"y": np.array([0.0, 1, 0])}, "`y` must be whole numbers"),
        ({"y": np.array([True, False, True])}, "`y` must be whole numbers"),
        ({"y": np.array([[0], [1], [0]])}, "`y` must be whole numbers"),
        (
            {"x": np.zeros((3, 0, 4, 2)), "mask": np.zeros((3, 0)), "seen": np.zeros((3, 0, 4))},
            "`mask` must be right-padded and never empty",
        ),
    ],
)
def test_faulty_clips_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        replace(made(), **given)


@pytest.mark.parametrize(
    ("which", "rows"),
    [
        (0, [0]),
        (-1, [2]),
        (slice(1, None), [1, 2]),
        ([2, 0, 2], [2, 0, 2]),
        (np.array([True, False, True]), [0, 2]),
        ([False, False, True], [2]),
        (np.array([1]), [1]),
    ],
    ids=str,
)
def test_some_of_the_clips(which, rows):
    clips = made()
    some = clips[which]
    assert len(some) == len(rows)
    for name in ("x", "mask", "seen", "y"):
        np.testing.assert_array_equal(getattr(some, name), getattr(clips, name)[rows])
    assert some.athletes == tuple(clips.athletes[i] for i in rows)
    assert some.sources == tuple(clips.sources[i] for i in rows)
    assert (some.classes, some.fps, some.skeleton) == (clips.classes, clips.fps, clips.skeleton)


def test_none_of_the_clips_and_one_too_many():
    assert len(made()[[]]) == 0
    assert made(y=None)[1].y is None
    with pytest.raises(IndexError):
        made()[3]


def test_groups_are_athletes_or_else_sources():
    assert made().groups.tolist() == ["ann", "source clip-1", "bo"]


def test_padding_adds_only_what_is_masked():
    clips = made()
    longer = clips.padded_to(9)
    assert longer.x.shape == (3, 9, 4, 2) and longer.lengths.tolist() == clips.lengths.tolist()
    np.testing.assert_array_equal(longer.x[:, :5], clips.x)
    np.testing.assert_array_equal(longer.seen[:, :5], clips.seen)
    assert not longer.mask[:, 5:].any() and not longer.seen[:, 5:].any() and not longer.x[:, 5:].any()
    assert clips.padded_to(5) is clips and clips.padded_to(2) is clips


# --- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "clips",
    [
        made(),
        made(y=None),
        made(fps=None, athletes=None),
        made(y=np.array([1, 1, 1]), classes=["a", "b", "ü"]),
        Clips.from_arrays(np.ones((1, 2, 15, 3))),
    ],
    ids=["full", "no labels", "no athletes", "more classes", "15"],
)
def test_save_then_load_is_the_original(tmp_path, clips):
    path = clips.save(tmp_path / "clips.data")
    assert path == tmp_path / "clips.data" and path.is_file()
    assert_equal(Clips.load(path), clips)
    assert_equal(pickle.loads(pickle.dumps(clips)), clips)


def test_it_loads_in_a_fresh_process_without_tensorflow(tmp_path):
    path = made().save(tmp_path / "clips.npz")
    code = (
        "import sys; from gymskel import Clips; c = Clips.load(sys.argv[1]);"
        "print(c, c.y.tolist(), c.athletes, c.lengths.tolist());"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert told.stderr == ""
    assert told.stdout.strip() == (
        "<Clips 3 x 5 x 4 x 2, classes: flip, jump> [0, 1, 0] ('ann', None, 'bo') [5, 3, 4]"
    )


def test_files_that_are_not_there_or_from_the_future(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"No clips file .*nowhere\.npz"):
        Clips.load(tmp_path / "nowhere.npz")
    monkeypatch.setattr("gymskel.clips._FORMAT", 99)
    path = made().save(tmp_path / "clips.npz")
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"clips\.npz was written by a newer gymskel\. Update"):
        Clips.load(path)


def test_nothing_pickled_is_loaded(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, facts=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"bad.npz/facts.npy is a pickle, which could run code: refused"):
        Clips.load(path)


# --- joining ---------------------------------------------------------------------------------------------------


def test_concatenate_pads_to_the_longest():
    short, long = made((2, 3)), made((7, 1, 4), seed=1)
    both = concatenate(iter([short, long]))
    assert both.x.shape == (5, 7, 4, 2) and both.lengths.tolist() == [2, 3, 7, 1, 4]
    np.testing.assert_array_equal(both.x[:2, :3], short.x)
    np.testing.assert_array_equal(both.x[2:], long.x)
    assert both.athletes == short.athletes + long.athletes and both.y.tolist() == [0, 1, 0, 1, 0]
    assert both.sources == short.sources + long.sources
    assert_equal(concatenate([short]), short)
    assert_equal(both[2:], long)
    assert concatenate([short, replace(short, y=None)]).y is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fps": 60.0}, "Clips differ in `fps`: 30.0 and 60.0"),
        ({"classes": ("flip", "leap")}, "Clips differ in `classes`"),
        ({"channels": ("x", "z")}, "Clips differ in `channels`"),
        ({"skeleton": Skeleton("other", tuple("abcd"))}, "Clips differ in `skeleton`"),
    ],
)
def test_concatenate_refuses_what_differs(given, message):
    with pytest.raises(ValueError, match=message):
        concatenate([made(), replace(made(), **given)])


def test_concatenate_refuses_nothing():
    with pytest.raises(ValueError, match="`parts` is empty"):
        concatenate([])


# --- splits ----------------------------------------------------------------------------------------------------

names = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40).filter(lambda g: len(set(g)) > 1)


@settings(max_examples=150, deadline=None)
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
        (["ann", "ann"], None, r"Only one group \(ann\): leaving it out leaves nothing to train on"),
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


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("stuvwxyz"), st.integers(0, 1)), min_size=4, max_size=40),
    st.sampled_from([0.2, 0.33, 0.5]),
    st.integers(0, 3),
)
def test_grouped_part_never_parts_a_group(who_does_what, fraction, seed):
    clips = clips_of(*zip(*who_does_what, strict=True))
    split = grouped_part(clips, fraction, seed=seed)
    if split is None:
        return
    rest, part = split
    assert sorted([*rest, *part]) == list(range(len(clips)))
    assert not set(clips.groups[rest]) & set(clips.groups[part])
    assert set(clips.y[rest]) == set(clips.y[part]) == set(clips.y)
    for label in set(clips.y):
        assert len(set(clips.groups[rest][clips.y[rest] == label])) >= 2
    again = grouped_part(clips, fraction, seed=seed)
    np.testing.assert_array_equal(part, again[1])


def test_grouped_part_takes_about_the_fraction():
    clips = clips_of([f"s{i // 10}" for i in range(100)], [i % 2 for i in range(100)])
    for fraction in (0.1, 0.2, 0.3, 0.5):
        rest, part = grouped_part(clips, fraction, seed=0)
        assert len(part) == 100 * fraction and len(rest) == 100 - len(part)
    parts = {tuple(grouped_part(clips, 0.3, seed=seed)[1]) for seed in range(5)}
    assert len(parts) > 1


def test_grouped_part_says_when_it_cannot():
    assert grouped_part(clips_of(["a", "b", "a", "b"], [0, 0, 1, 1]), 0.3, seed=0) is None
    assert grouped_part(clips_of(["a"] * 6, [0, 1] * 3), 0.3, seed=0) is None
    four = clips_of([f"s{i // 10}" for i in range(40)], [0, 1] * 20)
    assert grouped_part(four, 0.1, seed=0) is None  # a whole group is 25 %: not about 10 %
    assert len(grouped_part(four, 0.2, seed=0)[1]) == 10
    lonely = clips_of([*"abcdefx"], [0, 0, 0, 0, 0, 0, 1])  # only x does b: she cannot be on both sides
    assert grouped_part(lonely, 0.3, seed=0) is None
    with pytest.raises(ValueError, match="`clips` has no labels `y`"):
        grouped_part(made(y=None), 0.3)


def test_copies_stay_with_their_original_where_nobody_said_who():
    clips = clips_of(None, [0, 1] * 6)
    both = concatenate([clips, clips])
    rest, part = grouped_part(both, 0.3, seed=0)
    assert not {both.sources[i] for i in rest} & {both.sources[i] for i in part}
    for train, test in leave_groups_out(both.groups, 4):
        assert not {both.sources[i] for i in train} & {both.sources[i] for i in test}


def test_more_channels_than_have_names():
    assert Clips.from_arrays(np.zeros((2, 3, 4, 5))).channels == ("x", "y", "confidence", "3", "4")
    assert Clips.from_arrays(np.zeros((2, 3, 4, 1))).channels == ("x",)
