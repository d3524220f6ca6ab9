"""clips: arrays that would poison a model are refused, files give everything back."""

import pickle
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from gymskel.clips import Clips, concatenate
from gymskel.skeleton import BODY_25, GYMNASTICS_15, Skeleton

STICK = Skeleton("stick", ("Head", "MidHip", "RFoot", "LFoot"), root="MidHip")


def made(lengths=(5, 3, 4), seed=0, **given):
    """Clips of those lengths; every number is another."""
    frames = max(lengths)
    x = np.random.default_rng(seed).normal(size=(len(lengths), frames, 4, 2))
    x[0, 0, 2] = np.nan
    defaults = {
        "y": [["flip", "jump"][i % 2] for i in range(len(lengths))],
        "athletes": [["ann", None, "bo"][i % 3] for i in range(len(lengths))],
        "fps": 30.0,
    }
    return Clips.from_arrays(x, lengths=lengths, skeleton=STICK, **{**defaults, **given})


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
        ({"x": np.zeros((3, 5, 8))}, r"`x` .* got \(3, 5, 8\)"),
        ({"lengths": [5, 0, 5]}, "`lengths` must"),
        ({"lengths": [5, 6, 5]}, "`lengths` must"),
        ({"lengths": [5, 5]}, "`lengths` must"),
        ({"y": ["a", "b", "c"], "classes": ["a"]}, "`y` names b, c, not among"),
        ({"y": ["a", "b"]}, "`y` must .* got 2"),
        ({"y": [0, 1, -1]}, "`y` must be .* below 2"),
        ({"y": [0, 1, 2], "classes": ["a", "b"]}, "`y` must be .* below 2"),
        ({"athletes": ["a"]}, "`athletes` must .* got 1"),
        ({"sources": ["a"]}, "`sources` must .* got 1"),
        ({"skeleton": BODY_25}, "`x` must be .* 25 joints of BODY_25"),
        ({"channels": ["x", "y", "z"]}, r"3 channels\), got \(3, 5, 4, 2\)"),
        ({"x": np.full((3, 5, 4, 2), np.inf)}, "`x` must be finite; .* clips 0, 1, 2"),
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
        ({"x": nan_behind_the_mask()}, r"`x` must be finite; .* clips 1\."),
        ({"mask": np.ones((3, 4), bool)}, r"`mask` must .* got \(3, 4\)"),
        ({"seen": np.ones((3, 5), bool)}, r"`seen` must .* got \(3, 5\)"),
        ({"mask": np.zeros((3, 5), bool)}, "right-padded .* clips 0, 1, 2"),
        ({"mask": np.arange(5) > np.array([[-1], [0], [-1]])}, r"right-padded .* clips 1\."),
        ({"mask": np.arange(5) != np.array([[9], [9], [2]])}, r"right-padded .* clips 2\."),
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
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() == (
        "<Clips 3 x 5 x 4 x 2, classes: flip, jump> [0, 1, 0] ('ann', None, 'bo') [5, 3, 4]"
    )


def test_files_that_are_not_there_or_from_the_future(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"No clips file .*nowhere\.npz"):
        Clips.load(tmp_path / "nowhere.npz")
    monkeypatch.setattr("gymskel.clips._FORMAT_VERSION", 99)
    path = made().save(tmp_path / "clips.npz")
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"clips\.npz .* newer"):
        Clips.load(path)


def test_nothing_pickled_is_loaded(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, facts=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"bad.npz/facts.npy is a pickle"):
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


def test_more_channels_than_have_names():
    assert Clips.from_arrays(np.zeros((2, 3, 4, 5))).channels == ("x", "y", "confidence", "3", "4")
    assert Clips.from_arrays(np.zeros((2, 3, 4, 1))).channels == ("x",)
