"""One-file packs: what is written reads back bit for bit, and what is no pack is refused."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from helpers.any_recordings import STICK, assert_same, recordings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gymskel import archive
from gymskel.formats.pack import read_pack, write_pack
from gymskel.preprocess import Preprocessor
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.skeleton import COCO_17


@given(st.lists(recordings(), min_size=1, max_size=5), st.booleans())
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_pack_and_read_is_the_identity(tmp_path, some, compress):
    back = read_pack(write_pack(some, tmp_path / "some.npz", compress=compress))
    assert len(back) == len(some)
    for one, other in zip(some, back, strict=True):
        assert_same(one, other)


def test_real_and_preprocessed_recordings(tumbling, tmp_path):
    cleaned = [Preprocessor().clean(r) for r in tumbling[:9]]
    for one, other in zip(
        tumbling + cleaned, read_pack(write_pack(tumbling + cleaned, tmp_path / "all.npz")), strict=True
    ):
        assert_same(one, other)


def test_recordings_can_be_changed_apart(tmp_path):
    one, other = read_pack(
        write_pack(simulate_recordings(athletes=1, per_athlete=2, seed=0)[:2], tmp_path / "two.npz")
    )
    before = other.keypoints.copy()
    one.keypoints[:] = 0
    np.testing.assert_array_equal(other.keypoints, before)


def test_numpy_alone_opens_a_pack(tmp_path):
    some = simulate_recordings(athletes=1, per_athlete=2, seed=0)[:3]
    with np.load(write_pack(some, tmp_path / "some.npz")) as arrays:
        assert sorted(arrays) == ["facts", "keypoints_0", "lengths", "timestamps"]
        np.testing.assert_array_equal(
            np.split(arrays["keypoints_0"], np.cumsum(arrays["lengths"]))[1], some[1].keypoints
        )


def test_numbers_of_numpy_in_fields_become_plain(tmp_path):
    one = simulate_recordings(athletes=1, per_athlete=2, seed=0)[:1][0].after(
        "fill", np.zeros((2, 25, 3)), changes={"fps": np.float32(25)}, gap=np.int64(3)
    )
    back = read_pack(write_pack([one], tmp_path / "one.npz"))[0]
    assert (back.fps, back.history[-1]) == (25, {"step": "fill", "gap": 3})


def test_the_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path, some = tmp_path / "some.npz", simulate_recordings(athletes=1, per_athlete=2, seed=0)[:2]
    write_pack(some, path)
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"PK")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        write_pack(some[:1], path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["some.npz"]


@pytest.mark.parametrize(
    ("some", "kind", "message"),
    [
        ([], ValueError, "nothing to pack"),
        ([np.zeros((2, 25, 3))], TypeError, "got a ndarray at 0"),
        ([Recording(np.zeros((1, 25, 3)), video=3)], ValueError, "recording 0: `video` .*got 3"),
        (
            [Recording(np.zeros((1, 25, 3)), image_size=(3,))],
            ValueError,
            "recording 0: `image_size` .*two numbers",
        ),
        (
            [Recording(np.zeros((1, 25, 3)), history=({"step": "x", "by": object()},))],
            TypeError,
            "object in a",
        ),
    ],
)
def test_what_a_pack_cannot_hold(tmp_path, some, kind, message):
    with pytest.raises(kind, match=message):
        write_pack(some, tmp_path / "some.npz")
    assert not list(tmp_path.iterdir())


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.fixture
def good(tmp_path):
    some = [Recording(np.ones((3, 25, 3)), 60, "flip"), Recording(np.ones((2, 17, 3)), skeleton=COCO_17)]
    some.append(Recording(np.ones((2, 25, 3)), timestamps=np.array([0.0, 0.5])))
    return write_pack(some, tmp_path / "good.npz")


def rewritten(path, *, facts=None, drop=(), **arrays):
    """The pack with some arrays replaced, and `facts` changed by a function."""
    with np.load(path) as saved:
        all_arrays = {name: saved[name] for name in saved if name not in drop} | arrays
    if facts:
        known = json.loads(all_arrays["facts"].tobytes())
        facts(known)
        all_arrays["facts"] = np.frombuffer(json.dumps(known).encode(), np.uint8)
    np.savez(path, **all_arrays)
    return path


def nan_confidence():
    keypoints = np.ones((5, 25, 3), np.float32)
    keypoints[4, 3, 2] = np.nan
    return keypoints


def put(name, key, value):
    return lambda facts: facts["columns"][name].update({key: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lengths": np.array([3, 2, 1])}, r"keypoints_0.npy: 5 frames, .*4"),
        ({"lengths": np.array([5, 2, 0])}, r"lengths.npy: recording 2 .*0 frames"),
        ({"lengths": np.array([-1, 2, 6])}, "recording 0 .*-1 frames"),
        ({"lengths": np.array([2**62, 2, 2**62])}, "recording 0 .*frames"),
        ({"lengths": np.array([3, 2])}, "2 lengths for 3 recordings"),
        ({"lengths": np.array([3.0, 2, 2])}, r"lengths.npy: expected \(n\) <i8, got \(3,\) <f8"),
        ({"timestamps": np.zeros(3)}, r"timestamps.npy: 3 frames, .*2"),
        ({"timestamps": np.zeros(2)}, r"good.npz: recording 2: .*`timestamps`"),
        (
            {"keypoints_0": np.ones((5, 25, 3))},
            r"keypoints_0.npy: expected \(n, 25, 3\) <f4, got \(5, 25, 3\) <f8",
        ),
        ({"keypoints_0": np.ones((5, 24, 3), "f4")}, r"got \(5, 24, 3\) <f4"),
        ({"keypoints_1": np.ones(102, "f4")}, r"keypoints_1.npy: expected \(n, 17, 3\) <f4, got \(102,\)"),
        ({"keypoints_0": np.asfortranarray(np.ones((5, 25, 3), "f4"))}, "keypoints_0.npy: expected"),
        ({"keypoints_0": nan_confidence()}, "good.npz: recording 2: .*confidence"),
        (
            {"keypoints_0": np.full((5, 25, 3), np.inf, "f4")},
            "recording 0: flip-1: x and y must both be finite",
        ),
        ({"keypoints_0": np.array([{"x": 1}], object)}, "keypoints_0.npy is a pickle"),
        ({"lengths": np.zeros(3, [("a", "i8")])}, "lengths.npy is no plain array"),
        ({"drop": ["lengths"]}, r"expected \['facts.npy', .*found"),
        ({"drop": ["facts"]}, r"expected facts.npy"),
        ({"more": np.zeros(2)}, r"found .*more.npy"),
        ({"facts": lambda facts: facts.update(format=2)}, r"newer gymskel \(format 2\)"),
        ({"facts": lambda facts: facts.pop("format")}, "facts.npy: .*damaged"),
        ({"facts": lambda facts: facts.update(columns=[])}, "facts.npy: .*damaged"),
        ({"facts": lambda facts: facts["columns"].pop("fps")}, "metadata on .*, expected"),
        ({"facts": put("fps", "values", ["fast", None])}, "`fps` .*got 'fast'"),
        ({"facts": put("fps", "values", [-3, None])}, "recording 0: .*`fps` .*got -3"),
        ({"facts": put("fps", "rows", [0, 1, 2])}, "rows of `fps` .*0 to 1"),
        ({"facts": put("fps", "rows", [0, 1])}, "`fps` .*each of 3 recordings"),
        ({"facts": put("space", "values", ["moon"])}, "recording 0: .*`space`"),
        ({"facts": put("skeleton", "values", [{}, {}])}, "`skeleton` is damaged"),
        (
            {"facts": lambda f: [c.update(rows=[]) for c in f["columns"].values()]},
            r"expected .*, found facts.npy, keypoints_0.npy",
        ),
    ],
)
def test_refusals(good, changes, message):
    rewritten(good, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        read_pack(good)
    assert "good.npz" in str(caught.value)


def test_files_that_are_no_packs(tmp_path, good):
    with pytest.raises(FileNotFoundError, match=r"No pack .*nowhere.npz"):
        read_pack(tmp_path / "nowhere.npz")
    for name, content in {
        "text": b"x,y,c\n",
        "empty": b"",
        "pickle": pickle.dumps([1]),
        "cut": good.read_bytes()[:900],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is no pack"):
            read_pack(tmp_path / name)
    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros(3))
    (tmp_path / "other").write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match=r"other is no pack: .*facts.npy.*x.npy"):
        read_pack(tmp_path / "other")


def test_a_changed_number_is_found(good):
    content = bytearray(good.read_bytes())
    at = content.find(np.ones(30, np.float32).tobytes())
    content[at + 41] ^= 1
    good.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged .*CRC-32 .*keypoints_0.npy"):
        read_pack(good)


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_byte_is_refused_or_harmless(tmp_path, good_pack, at, flip):
    """One byte in the zip's own notes (a date) may change nothing; nothing else may come out of it."""
    content, whole = good_pack
    path = tmp_path / "flipped.npz"
    path.write_bytes(
        content[: at % len(content)]
        + bytes([content[at % len(content)] ^ flip])
        + content[at % len(content) + 1 :]
    )
    try:
        back = read_pack(path)
    except ValueError as fault:
        assert "flipped.npz" in str(fault)
    else:
        for one, other in zip(whole, back, strict=True):
            assert_same(one, other)


@pytest.fixture(scope="module")
def good_pack(tmp_path_factory):
    some = [
        Recording(np.ones((1, 3, 3)), 60, "flip", skeleton=STICK),
        Recording(np.ones((2, 3, 3)), skeleton=STICK),
    ]
    path = write_pack(some, tmp_path_factory.mktemp("pack") / "good.npz", compress=True)
    return path.read_bytes(), some


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    write_pack([Recording(np.full((2000, 25, 3), (np.nan, np.nan, 0)))], path, compress=True)
    assert len(read_pack(path)[0]) == 2000  # far more than 50 times its size, but harmless
    monkeypatch.setattr(archive, "ALWAYS_ALLOWED_BYTES", 100_000)
    with pytest.raises(ValueError, match=r"bomb.npz .*0.6 MB.*max_ratio="):
        read_pack(path)
    assert len(read_pack(path, max_ratio=2000)[0]) == 2000


def test_a_shape_that_is_not_there_takes_no_memory(good):
    """A header that promises 10^12 frames in a small member."""
    with zipfile.ZipFile(good) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    header = members["keypoints_0.npy"]
    members["keypoints_0.npy"] = header.replace(b"(5, 25, 3), }" + b" " * 11, b"(500000000000, 25, 3), }")
    assert members["keypoints_0.npy"] != header
    with zipfile.ZipFile(good, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    with pytest.raises(
        ValueError,
        match=r"keypoints_0.npy: .*150000000000000 .*1500",
    ):
        read_pack(good)
    with zipfile.ZipFile(good, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("facts.npy", members["facts.npy"])
    with pytest.raises(ValueError, match=r"packed in a way"):
        read_pack(good)
