"""PYSKL and MMAction2 pickles: what is in them comes out in pixels, and nothing in them is run."""

import collections
import datetime
import os
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
from helpers.foreign_files import annotation, saved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some_arrays

from gymskel.formats import read_pyskl
from gymskel.formats.unpickle import load_plain, unwrap_array
from gymskel.recording import MissingFramesWarning
from gymskel.skeleton import BODY_25, COCO_17, Skeleton

NAMES = ["backflip", "kip", "vault"]


@pytest.mark.parametrize("protocol", range(6))
def test_known_answers(tmp_path, protocol):
    path = saved(tmp_path / "a.pkl", [annotation(people=2)], {"train": []}, protocol)
    first, second = read_pyskl(path, to=None, fps=30)
    assert first.skeleton == COCO_17 and first.image_size == (1920, 1080) and first.fps == 30
    assert (first.activity, first.sample, first.athlete) == ("backflip", "1", "ann")
    assert (first.person, second.person) == (0, 1) and first.source == second.source == "backflip-1-ann"
    assert first.keypoints[3, 5].tolist() == [5, 3, 0.5] and second.keypoints[2, 16].tolist() == [116, 2, 0.5]
    assert first.history == ({"step": "read_pyskl"},)


def test_it_becomes_body_25_by_name(tmp_path):
    one = read_pyskl(saved(tmp_path / "a.pkl", [annotation()]))[0]
    assert one.skeleton == BODY_25
    assert one.keypoints[1, BODY_25.index("RWrist")].tolist() == [COCO_17.index("RWrist"), 1, 0.5]
    assert one.keypoints[1, BODY_25.index("Neck")].tolist() == [5.5, 1, 0.5]
    assert np.isnan(one.keypoints[1, BODY_25.index("LHeel"), 0])


def test_what_was_not_found_is_unseen(tmp_path):
    many = annotation(people=3)
    many["keypoint_score"][1] = 0  # padding
    many["keypoint_score"][0, 2, 5] = -0.25
    first, third = read_pyskl(saved(tmp_path / "a.pkl", [many]), to=None)
    assert (first.person, third.person) == (0, 2)
    assert (
        np.isnan(first.keypoints[2, 5, 0]) and first.confidence[2, 5] == 0 and first.seen.sum() == 4 * 17 - 1
    )
    assert [r.person for r in read_pyskl(tmp_path / "a.pkl", person=2)] == [2]
    with pytest.raises(ValueError, match=r"annotation 0 .* person 1, only \[0, 2\]"):
        read_pyskl(tmp_path / "a.pkl", person=1)


def test_nobody_in_an_annotation(tmp_path):
    none = annotation(keypoint_score=np.zeros((1, 4, 17), np.float32))
    with pytest.warns(MissingFramesWarning, match=r"annotation 1 .* no person in 4 frames"):
        found = read_pyskl(saved(tmp_path / "a.pkl", [annotation(), none]))
    assert [r.seen.any() for r in found] == [True, False]


def test_splits_and_classes(tmp_path):
    some = [annotation("v1", 0), annotation("v2", 1), annotation("v3", np.int64(2))]
    path = saved(tmp_path / "a.pkl", some, {"train": ["v3", "v1"], "val": np.array(["v2"])})
    assert [r.sample for r in read_pyskl(path, split="train")] == ["v3", "v1"]
    assert [r.activity for r in read_pyskl(path, split="train", classes=NAMES)] == ["vault", "backflip"]
    assert [r.activity for r in read_pyskl(path, split="val")] == ["1"]
    assert read_pyskl(saved(tmp_path / "b.pkl", [annotation("v1", ...)]))[0].activity is None
    with pytest.raises(ValueError, match=r"a.pkl .*split 'test'; .*'train', 'val'"):
        read_pyskl(path, split="test")
    with pytest.raises(ValueError, match=r"annotation 2 \(v3\): label 2, .*0 to 1"):
        read_pyskl(path, classes=NAMES[:2])
    gone = saved(tmp_path / "c.pkl", some, {"train": ["v9"]})
    with pytest.raises(ValueError, match="split 'train' names v9"):
        read_pyskl(gone, split="train")


def test_other_layouts(tmp_path):
    path = saved(tmp_path / "a.pkl", [annotation(joints=3)])
    stick = Skeleton("stick", ("Head", "RFoot", "LFoot"))
    assert read_pyskl(path, skeleton=stick, to=None)[0].skeleton == stick
    with pytest.raises(ValueError, match=r"3 points .* 17 .* skeleton="):
        read_pyskl(path)
    with pytest.raises(ValueError, match="3 points a person; BODY_25 has 25"):
        read_pyskl(path, skeleton=BODY_25)


def with_nan():
    scores = np.full((1, 4, 17), 0.5, np.float32)
    scores[0, 2, 3] = np.nan
    return scores


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keypoint": ...}, "lacks keypoint"),
        ({"frame_dir": ...}, "annotation 1 .* lacks frame_dir"),
        ({"keypoint": np.zeros((1, 4, 17))}, r"`keypoint` .*joints, 2"),
        ({"keypoint": np.zeros((1, 4, 17, 3))}, "points in 3-D"),
        ({"keypoint": np.zeros((1, 0, 17, 2))}, r"`keypoint` must be .*got \(1, 0, 17, 2\)"),
        ({"keypoint": np.full((1, 4, 17, 2), "a")}, "`keypoint` must be"),
        ({"keypoint": [[1, 2], [3]]}, "annotation 1"),
        ({"keypoint": np.full((1, 4, 17, 2), np.inf)}, "person 0: frame 0, Nose .*finite"),
        ({"keypoint_score": ...}, r"`keypoint_score` .*\(1, 4, 17\).*none"),
        ({"keypoint_score": np.ones((1, 4, 16))}, r"got \(1, 4, 16\)"),
        ({"keypoint_score": with_nan()}, r"frame 2, LEar: .*confidence"),
        ({"keypoint_score": np.full((1, 4, 17), 99.0)}, r"frame 0, Nose .*confidence"),
        ({"total_frames": 5}, "total_frames = 5"),
    ],
)
def test_annotations_that_are_refused(tmp_path, changes, message):
    """With the file, the number and the name of the annotation; the good ones do not hide it."""
    path = saved(tmp_path / "bad.pkl", [annotation(), annotation("v7", **changes), annotation()])
    with pytest.raises(ValueError, match=message) as told:
        read_pyskl(path)
    assert "bad.pkl: 1 of 3 annotations cannot be read" in str(told.value) and "annotation 1" in str(
        told.value
    )


@pytest.mark.parametrize(
    "facts", [[], {"annotations": []}, {"split": {}}, 3, None, [3], {"annotations": "a"}]
)
def test_pickles_of_something_else(tmp_path, facts):
    path = saved(tmp_path / "odd.pkl", facts)
    with pytest.raises(ValueError, match=r"odd.pkl holds no (list|annotation)"):
        read_pyskl(path)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No pickle .*nowhere.pkl"):
        read_pyskl(tmp_path / "nowhere.pkl")


# --- pickles that want to run code -------------------------------------------------------------------------------


class Runs:
    """Calls something when it is unpickled."""

    def __init__(self, call, *arguments):
        self.made = call, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("call", "arguments", "told"),
    [
        (os.system, ("touch {}",), rf"{os.system.__module__}\.system"),
        (Path.touch, ("{}",), r"(builtins|__builtin__)\.getattr|pathlib.*"),
        (eval, ("open('{}', 'w')",), r"(builtins|__builtin__)\.eval"),
        (exec, ("open('{}', 'w')",), r"(builtins|__builtin__)\.exec"),
        (open, ("{}", "w"), r"io\.open|_io\.open"),
        (np.load, ("{}",), r"numpy.*load"),
        (datetime.date, (2020, 1, 1), r"datetime\.date"),
    ],
)
def test_nothing_is_run(tmp_path, call, arguments, told, protocol):
    mark = tmp_path / "was-run"
    given = [one.format(mark) if isinstance(one, str) else one for one in arguments]
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps([{"frame_dir": Runs(call, *given)}], protocol))
    with pytest.raises(ValueError, match=rf"evil.pkl wants to run ({told}): refused"):
        read_pyskl(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cnumpy\nndarray\n(I1000000000000\ntR.",  # numpy.ndarray(10**12)
        b"cbuiltins\nbytearray\n(I1000000000000\ntR.",
        b"cnumpy\ndtype\n(VO\ntR.",
        b"cnumpy\ndtype\n(VV1000000000\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(tR(I1\n(I1000000000000\ntcnumpy\ndtype\n(Vf8\ntRI00\nVx\ntb.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",  # BINBYTES8 that are not there
        b"(",
        b"",
        b"not a pickle",
        b"Pgymskel\n.",  # a persistent id
        b"c_codecs\nencode\n(Va\nVzlib_codec\ntR.",
    ],
)
def test_programs_by_hand(tmp_path, program):
    """What a pickle could still do with the few names it may use: take memory, or break numpy."""
    path = tmp_path / "odd.pkl"
    path.write_bytes(program)
    with pytest.raises(ValueError, match=r"odd.pkl (is no pickle|wants to run)"):
        load_plain(path)


def test_deep_nesting_is_refused(tmp_path):
    path = tmp_path / "deep.pkl"
    path.write_bytes(b"(" * 20_000 + b"l" * 20_000 + b".")
    deep = load_plain(path)  # a list in a list ... is no harm; reading it as annotations is refused
    assert isinstance(deep, list)
    with pytest.raises(ValueError, match=r"deep.pkl holds no list of"):
        read_pyskl(path)


def test_pickles_that_are_cut_off(tmp_path):
    content = saved(tmp_path / "a.pkl", [annotation()]).read_bytes()
    for end in range(0, len(content) - 1, 97):
        (tmp_path / "cut.pkl").write_bytes(content[:end])
        with pytest.raises(ValueError, match=r"cut.pkl is no pickle"):
            read_pyskl(tmp_path / "cut.pkl")


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_byte_is_refused_or_gives_plain_things(tmp_path, at, flip):
    """Whatever a changed byte makes of the program, it never calls anything, nor ends in another error."""
    content = bytearray(pickle.dumps([annotation(frames=1)], 4))
    content[at % len(content)] ^= flip
    (tmp_path / "flipped.pkl").write_bytes(bytes(content))
    try:
        load_plain(tmp_path / "flipped.pkl")
    except ValueError as fault:
        assert "flipped.pkl" in str(fault)


@given(
    some_arrays.arrays(
        st.sampled_from(["f2", "<f4", ">f4", "f8", "i1", "u2", "i8", "?", "U3", "S2"]),
        some_arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    ),
    st.booleans(),
    st.integers(0, 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_come_back_bit_for_bit(tmp_path, array, by_column, protocol):
    array = np.asarray(array, order="F" if by_column else "C")
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"x": array, "y": {1, "a"}, "z": (b"\x00", None, 2.5)}, protocol))
    back = load_plain(path)
    x = unwrap_array(back["x"])
    x = np.asarray(x)
    assert x.dtype == array.dtype and x.shape == array.shape and x.tobytes() == array.tobytes()
    assert back["y"] == {1, "a"} and back["z"] == (b"\x00", None, 2.5)


def test_plain_containers(tmp_path):
    facts = {
        "a": collections.OrderedDict(b=1),
        "c": frozenset({2}),
        "d": bytearray(b"e"),
        "f": np.float32(0.5),
    }
    path = saved(tmp_path / "a.pkl", facts)
    assert load_plain(path) == facts
    assert "numpy" in {
        part for op, part, _ in pickletools.genops(path.read_bytes()) if op.name.endswith("UNICODE")
    }
