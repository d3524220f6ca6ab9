"""Files of others: names that lead outside, bombs, pickles and cut-off files are refused by every reader, before harm is done."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gymskel import archive
from gymskel.archive import open_zip, read_array, refuse_bomb
from gymskel.clips import Clips
from gymskel.formats import read_keypoints, read_openpose_json, read_pack, write_pack
from gymskel.recording import METADATA_NAME, Recording, read_recording, read_recordings, write_recording
from gymskel.skeleton import Skeleton

CSV = b"x,y,c\n" + b"1,2,.5\n" * 25
POSE = json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": [100, 200, 0.9] * 25}]}).encode()
STICK = Skeleton("stick", ("Head", "Foot"))


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def csv_zip(path, **more):
    return zipped(path, {"flips/flip-1-ann/flip-1-ann.mov-0-0.csv": CSV, **more})


def json_zip(path, **more):
    return zipped(path, {"out/flip-1-ann_000000000000_keypoints.json": POSE, **more})


def pack(path, **more):
    write_pack([Recording(np.ones((1, 2, 3)), skeleton=STICK)], path)
    with zipfile.ZipFile(path) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    return zipped(path, {**files, **more})


def clips(path, **more):
    Clips.from_arrays(np.ones((1, 2, 2, 2)), skeleton=STICK).save(path)
    with zipfile.ZipFile(path) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    return zipped(path, {**files, **more})


READERS = {
    "csv.zip": (csv_zip, read_recordings),
    "json.zip": (json_zip, read_openpose_json),
    "pack.npz": (pack, read_pack),
    "clips.npz": (clips, Clips.load),
    "door.zip": (csv_zip, read_keypoints),
}


@pytest.fixture(params=READERS)
def kind(request, tmp_path):
    """How to make a file with more in it, how to read it, and where."""
    return *READERS[request.param], tmp_path / request.param


def test_good_files_are_read(kind):
    make, read, path = kind
    assert len(read(make(path))) == 1


@pytest.mark.parametrize(
    "name", ["../evil.csv", "a/../../evil.csv", "/etc/evil", "C:/evil", "..\\evil.csv", "\\evil"]
)
def test_names_outside_the_folder_are_refused(kind, name):
    make, read, path = kind
    with pytest.raises(ValueError, match=r"'.*evil.*', which leads out") as told:
        read(make(path, **{name: b"x"}))
    assert str(path) in str(told.value)


def test_bombs_are_refused_before_they_are_unpacked(kind):
    make, read, path = kind
    make(path, **{"zeros.bin": bytes(archive.ALWAYS_ALLOWED_BYTES + 1)})
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"0.\d MB and unpacks to 67.1 MB.*50 times") as told:
        read(path)
    assert str(path) in str(told.value)


DIRECTORIES = {"no entry": (0, b"PK\x01\x09"), "of a later zip": (6, b"\xff\xff")}


@pytest.mark.parametrize(("at", "damage"), DIRECTORIES.values(), ids=list(DIRECTORIES))
def test_a_damaged_directory_is_told_with_the_file(kind, at, damage):
    make, read, path = kind
    content = bytearray(make(path).read_bytes())
    at += content.index(b"PK\x01\x02")
    content[at : at + len(damage)] = damage
    path.write_bytes(content)
    assert zipfile.is_zipfile(path)
    with pytest.raises(ValueError, match="damaged") as told:
        read(path)
    assert str(path) in str(told.value)


def test_a_bomb_that_lies_about_its_size_is_cut_at_what_it_says(tmp_path):
    """The directory says 10 bytes; zipfile reads no more than that, and the checksum tells."""
    path = csv_zip(tmp_path / "lie.zip", **{"flips/flip-2-ann/flip-2-ann.mov-0-0.csv": CSV * 1000})
    content = path.read_bytes()
    size = (len(CSV) * 1000).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(ValueError, match=r"lie.zip"):
        read_recordings(path)


def test_members_that_are_there_twice(tmp_path):
    path = csv_zip(tmp_path / "twice.zip")
    with zipfile.ZipFile(path, "a") as packed, pytest.warns(UserWarning, match="Duplicate name"):
        packed.writestr("flips/flip-1-ann/flip-1-ann.mov-0-0.csv", CSV)
    with pytest.raises(ValueError, match=r"twice.zip .*csv twice"):
        read_recordings(path)


def test_files_that_are_cut_off(kind):
    """At every tenth byte: an error that names the file, never half of what was in it."""
    make, read, path = kind
    content = make(path).read_bytes()
    for end in range(0, len(content), max(1, len(content) // 10)):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=path.name):
            read(path)


def test_refuse_bomb_knows_two_limits(tmp_path, monkeypatch):
    path = tmp_path / "some.bin"
    path.write_bytes(bytes(1000))
    refuse_bomb(path, archive.ALWAYS_ALLOWED_BYTES)
    with pytest.raises(ValueError, match=r"some.bin .*max_ratio="):
        refuse_bomb(path, archive.ALWAYS_ALLOWED_BYTES + 1)
    monkeypatch.setattr(archive, "ALWAYS_ALLOWED_BYTES", 0)
    refuse_bomb(path, 50_000)
    with pytest.raises(ValueError, match=r"some.bin .*2 times"):
        refuse_bomb(path, 2001, 2)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 3), "f4"), None),
        (np.ones((9, 3), "f4"), None),
        (np.ones((2, 3)), r"x: expected \(n, 3\) <f4, got \(2, 3\) <f8"),
        (np.ones((2, 4), "f4"), r"got \(2, 4\)"),
        (np.ones(6, "f4"), r"got \(6,\)"),
        (np.asfortranarray(np.ones((2, 3), "f4")), r"x: expected \(n, 3\) <f4, got"),
        (np.array([[{}]], object), "x is a pickle"),
    ],
)
def test_read_array(array, message):
    buffer = io.BytesIO()
    np.savez(buffer, x=array)
    with zipfile.ZipFile(buffer) as packed:
        if message is None:
            np.testing.assert_array_equal(read_array(packed, "x.npy", "<f4", (None, 3), label="x"), array)
        else:
            with pytest.raises(ValueError, match=message):
                read_array(packed, "x.npy", "<f4", (None, 3), label="x")


def test_read_array_takes_texts_of_any_length(tmp_path):
    np.savez(tmp_path / "a.npz", told=np.array("höchstens"))
    with open_zip(tmp_path / "a.npz") as packed:
        assert str(read_array(packed, "told.npy", "<U", (), label="told")) == "höchstens"


# --- Clips -------------------------------------------------------------------------------------------------------


def changed(path, facts=None, drop=(), **arrays):
    """A file of clips with arrays replaced and its facts changed by a function."""
    clips(path)
    with np.load(path) as saved:
        kept = {name: saved[name] for name in saved if name not in drop} | arrays
    if facts:
        known = json.loads(str(kept["facts"]))
        facts(known)
        kept["facts"] = np.array(json.dumps(known))
    np.savez(path, **kept)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.ones((1, 2, 2, 2))}, r"x.npy: expected \(n, n, n, n\) <f4, got \(1, 2, 2, 2\) <f8"),
        ({"x": np.ones((1, 2, 4), "f4")}, r"x.npy: expected \(n, n, n, n\) <f4, got \(1, 2, 4\)"),
        ({"x": np.ones((1, 2, 3, 2), "f4")}, "`x` .*2 joints of stick, 2 channels"),
        ({"x": np.full((1, 2, 2, 2), np.nan, "f4")}, r"`x` .*finite.* clips 0"),
        ({"mask": np.zeros((1, 2), bool)}, "`mask` .*right-padded"),
        ({"mask": np.ones((1, 2), np.int8)}, r"mask.npy: expected \(n, n\) \|b1"),
        ({"y": np.array([3], np.int32)}, "`y` must be whole numbers below 0"),
        ({"drop": ["mask"]}, r"expected facts.npy, mask.npy.*found"),
        ({"more": np.zeros(3)}, "found .*more.npy"),
        ({"facts": lambda facts: facts.pop("format")}, "facts.npy: .*damaged"),
        ({"facts": lambda facts: facts.update(odd=1)}, "odd"),
        ({"facts": lambda facts: facts.update(skeleton=[])}, "bad.npz: "),
        (
            {"facts": lambda facts: facts.update(sources=["a", "b"])},
            "`sources` must have an entry for each of 1",
        ),
    ],
)
def test_clips_that_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as told:
        Clips.load(changed(tmp_path / "bad.npz", **changes))
    assert "bad.npz" in str(told.value)


def test_honest_clips_that_are_mostly_padding(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "ALWAYS_ALLOWED_BYTES", 1000)
    lengths = [2000, *[1] * 20]
    some = Clips.from_arrays(np.zeros((21, 2000, 2, 2)), lengths=lengths, skeleton=STICK)
    path = some.save(tmp_path / "padded.npz")
    with pytest.raises(ValueError, match=r"padded.npz .*max_ratio="):
        Clips.load(path)
    assert Clips.load(path, max_ratio=10_000).lengths.tolist() == lengths


def test_clips_of_any_memory_order_are_saved(tmp_path):
    x = np.asfortranarray(np.random.default_rng(0).normal(size=(3, 4, 2, 2)).astype(np.float32))
    back = Clips.load(Clips.from_arrays(x, skeleton=STICK).save(tmp_path / "f.npz"))
    np.testing.assert_array_equal(back.x, x)


# --- recording.json ----------------------------------------------------------------------------------------------


def one(frames=3, **given):
    told = {"fps": 60.0, "activity": "flip", "athlete": "ann", "video": "flip-1-ann.mov"}
    return Recording(np.ones((frames, 25, 3)), **{**told, **given})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fps", "fast", "person 0: `fps` .*got 'fast'"),
        ("fps", -3, "`fps` .*got -3"),
        ("frames", 10**12, "has 3 files for 1000000000000 frames"),
        ("frames", 0, "person 0: `frames` .*got 0"),
        ("frames", 2.5, "person 0: `frames` .*got 2.5"),
        ("first_frame", -1, "person 0: `first_frame` .*got -1"),
        ("first_frame", 9, "frames 0 to 2, but recording.json says 9 to 11"),
        ("image_size", [3], "person 0: `image_size` .*two numbers"),
        ("timestamps", ["a"], "person 0: `timestamps` .*seconds"),
        ("timestamps", [0.0, 0.1], r"`timestamps` .*\(3,\), got \(2,\)"),
        ("history", [3], "person 0: `history` .*steps"),
        ("video", 3, "person 0: `video` .*got 3"),
        ("skeleton", {"name": "a"}, "`skeleton` is damaged"),
        ("skeleton", 3, "person 0: `skeleton` .*layout"),
    ],
)
def test_fields_of_recording_json(tmp_path, name, value, message):
    folder = write_recording(one(), tmp_path)
    facts = json.loads((folder / METADATA_NAME).read_text())
    facts["people"]["0"][name] = value
    (folder / METADATA_NAME).write_text(json.dumps(facts))
    for read, path in ((read_recording, folder), (read_recordings, tmp_path)):
        with pytest.raises(ValueError, match=message) as told:
            read(path)
        assert "flip-1-ann" in str(told.value)


def test_one_video_at_several_frame_rates(tmp_path):
    write_recording(one(), tmp_path)
    folder = write_recording(one(person=1, fps=30.0), tmp_path)
    with pytest.raises(ValueError, match=r"recording.json: .*60.*30"):
        read_recordings(tmp_path)
    assert [r.fps for r in read_recordings(tmp_path, fps=50)] == [50, 50]
    assert read_recording(folder, person=1).fps == 30


def test_numbers_that_are_no_frame_numbers_take_no_memory(tmp_path):
    for number in (0, 1_000_000_000_000):
        (tmp_path / f"a.mov-{number}-0.csv").write_bytes(CSV)
    with pytest.raises(ValueError, match=r"person 0 .* 1000000000001 frames"):
        read_recording(tmp_path)


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_byte_of_a_zip_is_refused_or_harmless(tmp_path, at, flip):
    content = bytearray(csv_zip(tmp_path / "good.zip").read_bytes())
    content[at % len(content)] ^= flip
    path = tmp_path / "flipped.zip"
    path.write_bytes(bytes(content))
    try:
        back = read_recordings(path)
    except (ValueError, FileNotFoundError) as fault:
        assert "flipped.zip" in str(fault)
    else:
        assert len(back) == 1 and back[0].keypoints.tolist() == [[[1, 2, 0.5]] * 25]
