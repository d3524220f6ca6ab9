"""recording: what is written reads back equal, real files are reproduced byte for byte, faulty ones are named."""

import json
import os
import re
import subprocess
import sys
import warnings
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.recording import (
    MissingFramesWarning,
    Recording,
    label_recordings,
    parse_video_name,
    read_labels,
    read_recording,
    read_recordings,
    write_recording,
)
from gymskel.skeleton import BODY_25, Skeleton

STICK = Skeleton(
    name="stick",
    joints=("Head", "MidHip", "RFoot", "LFoot"),
    limbs=(("MidHip", "Head"), ("MidHip", "RFoot"), ("MidHip", "LFoot")),
    parts={"trunk": ("Head", "MidHip")},
    root="MidHip",
)


def made(frames=6, skeleton=BODY_25, seed=0, unseen=0.2, **given):
    """A recording with a fifth of its joints unseen; numbers that are hard to write down in decimals."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0.01, 1, (frames, len(skeleton), 3)).astype(np.float32)
    keypoints[..., :2] *= 1920
    keypoints[rng.random(keypoints.shape[:2]) < unseen] = np.nan, np.nan, 0
    keypoints[[0, -1], 0] = 1, 2, 0.5
    told = {"activity": "flip", "sample": "3", "athlete": "s01", "video": "flip-3-s01.mov", "fps": 60.0}
    return Recording(keypoints, skeleton=skeleton, **{**told, **given})


def rows(count=25, row="1.5,2.5,0.5", header="x,y,c", end="\n"):
    return end.join([header, *[row] * count]) + end


def folder_of(root, *texts, name="flip-3-s01", ending=".mov"):
    """A folder with a CSV for each of the texts (str or bytes), frames counted from 0."""
    folder = root / name
    folder.mkdir(parents=True)
    for frame, text in enumerate(texts):
        (folder / f"{name}{ending}-{frame}-0.csv").write_bytes(
            text if isinstance(text, bytes) else text.encode()
        )
    return folder


def zipped(root, path):
    """The tree below root as a .zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(p for p in root.rglob("*") if p.is_file()):
            archive.write(file, file.relative_to(root.parent))
    return path


def assert_equal(a, b, but=()):
    """Every field of two recordings is the same, to the last bit."""
    for field in fields(Recording):
        if field.name in but:
            continue
        one, other = getattr(a, field.name), getattr(b, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype, field.name
            np.testing.assert_array_equal(one, other, err_msg=field.name)
        else:
            assert one == other, field.name


# --- the noun --------------------------------------------------------------------------------------------------


def test_a_recording_tells_what_it_holds():
    one = made(5)
    assert len(one) == 5 and one.seconds == pytest.approx(5 / 60)
    assert one.keypoints.dtype == np.float32 and one.xy.shape == (5, 25, 2)
    assert (one.seen == (one.confidence > 0)).all() and not one.seen.all()
    assert one.name == "flip-3-s01" and one.source == "flip-3-s01"
    assert "5 frames at 60 fps, BODY_25" in repr(one)
    plain = Recording(np.zeros((2, 25, 3)), sample=7)
    assert plain.name == "7" and plain.source == "7" and plain.seconds is None
    assert replace(one, video="IMG_1.MOV").source == "IMG_1"


def test_after_logs_the_step_and_leaves_the_original_alone():
    one = made(history=({"step": "fill", "method": "linear"},))
    before = one.keypoints.copy()
    two = one.after("shift", one.xy + 1, changes={"space": "body"}, by=1)
    assert two.history == ({"step": "fill", "method": "linear"}, {"step": "shift", "by": 1})
    assert repr(two).endswith("fill > shift>")
    np.testing.assert_array_equal(two.confidence, one.confidence)
    np.testing.assert_array_equal(two.xy, one.xy + 1)
    assert two.space == "body" and one.space == "image" and len(one.history) == 1
    np.testing.assert_array_equal(one.keypoints, before)
    assert one.after("list", before.astype(float)).keypoints.dtype == np.float32
    for wrong in (one.keypoints[:, :3], one.keypoints[:0], one.keypoints[0]):
        with pytest.raises(ValueError, match="flip-3-s01: `keypoints`"):
            one.after("cut", wrong)


def one_with(value, at=(1, 2)):
    keypoints = np.ones((3, 25, 3), np.float32)
    keypoints[at] = value
    return keypoints


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keypoints": np.zeros((3, 24, 3))}, r"7: `keypoints` .*25, 3.*24, 3"),
        ({"keypoints": np.zeros((25, 3))}, "7: `keypoints`"),
        ({"keypoints": np.zeros((0, 25, 3))}, "at least a frame"),
        ({"keypoints": one_with((np.inf, 1, 1))}, "7: x and y must both"),
        ({"keypoints": one_with((np.nan, 1, 0))}, "7: x and y must both"),
        ({"keypoints": one_with((1, 1, 1.3))}, "confidence must lie in .*got 1 to 1.3"),
        ({"keypoints": one_with((1, 1, -0.1))}, "confidence must lie in"),
        ({"keypoints": one_with((1, 1, np.nan))}, "confidence must lie in"),
        ({"keypoints": one_with((np.nan, np.nan, 0.5))}, "7: .*unseen joint"),
        ({"fps": 0}, "7: `fps` .*got 0"),
        ({"fps": -30.0}, "7: `fps`"),
        ({"fps": np.nan}, "7: `fps`"),
        ({"timestamps": [0.0, 0.1]}, r"7: `timestamps` .*\(3,\), got \(2,\)"),
        ({"timestamps": [0.0, 0.1, 0.1]}, "7: `timestamps` .*rise"),
        ({"timestamps": [0.2, 0.1, 0.3]}, "7: `timestamps` .*rise"),
        ({"timestamps": [0.0, np.nan, 0.3]}, "7: `timestamps` .*rise"),
        ({"timestamps": [np.nan, 0.1, 0.3]}, "7: `timestamps` .*rise"),
        ({"space": "world"}, "`space` .*got 'world'"),
        ({"first_frame": -1}, "`first_frame` .*got 0 and -1"),
        ({"person": -2}, "`person` .*got -2 and 0"),
    ],
)
def test_faulty_recordings_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        Recording(**{"keypoints": np.ones((3, 25, 3)), "sample": 7, **given})


def test_a_peak_may_overshoot_one():
    assert Recording(one_with((1, 1, 1.02))).confidence.max() == np.float32(1.02)


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("backflip-1-s07", ("backflip", "1", "s07")),
        ("back-handspring-24-s09", ("back-handspring", "24", "s09")),
        ("back-handspring-backflip-1-s10", ("back-handspring-backflip", "1", "s10")),
        ("IMG_1234", (None, "IMG_1234", None)),
        ("IMG-1234", (None, "IMG-1234", None)),
        ("backflip-one-s07", (None, "backflip-one-s07", None)),
        ("2024-05-01", (None, "2024-05-01", None)),
        ("VID-20240512-WA0003", (None, "VID-20240512-WA0003", None)),
        ("PXL-20240101-123", (None, "PXL-20240101-123", None)),
        ("flip_2_b-3-ann", ("flip_2_b", "3", "ann")),
        ("back flip 2024-3-s2024", ("back flip 2024", "3", "s2024")),
        ("video-12-bo", ("video", "12", "bo")),
        *(
            (f"flip-1-ann{mark}", ("flip", "1", "ann"))
            for mark in (" (1)", "(2)", " copy", " copy 2", " - Copy", " - Copy (2)")
        ),
        ("flip-1-copy", ("flip", "1", "copy")),
        *(
            (stem, (None, stem, None))
            for stem in (
                "WhatsApp Video 2024-05-12 at 10.30.15",
                "video_2024-05-12_10-30-15",
                "signal-2024-05-12-103015",
                "ScreenRecording_05-12-2024 10-30-15_1",
                "Screenrecorder-2024-05-12-10-30-15-123",
                "2024-05-12_10-30-15",
                "IMG-1234-edited",
                "_-3-ann",
                "3F2504E0-4F89-41D3-9012-0305E82C3301",
                "3f2504e0-4f89-4103-9012-030582233015 (1)",
            )
        ),
    ],
)
def test_names_are_read_from_the_right(stem, parts):
    assert tuple(parse_video_name(stem).values()) == parts


# --- write -> read == original ---------------------------------------------------------------------------------

FULL = {
    "image_size": (1920, 1080),
    "estimator": "openpose",
    "first_frame": 1,
    "history": ({"step": "fill", "method": "thesis"}, {"step": "smooth", "window": 3, "method": "trailing"}),
    "timestamps": np.cumsum([0.1, 1 / 3, 0.01, 0.07, 1 / 7, 0.2]),
}


@pytest.mark.parametrize(
    "one",
    [
        made(),
        made(**FULL),
        made(fps=None, activity=None, athlete=None, sample="IMG_1234", video="IMG_1234.MOV"),
        made(fps=29.97002997002997, video="back-handspring-24-s09.avi", activity="renamed", sample="9"),
        made(activity=None, athlete=None),  # a name that says more than the recording wants
        made(skeleton=STICK),
        made(skeleton=BODY_25.select(BODY_25.joints[:15])),
        made(person=11, first_frame=100_000),
        made(1, unseen=0),
        made(video="Mein Sprung (2) é.mov", sample="Mein Sprung (2) é"),
    ],
    ids=["plain", "full", "phone", "renamed", "bare", "stick", "15", "late", "one frame", "odd name"],
)
def test_write_then_read_is_the_original(tmp_path, one):
    folder = write_recording(one, tmp_path / "new" / "root")
    assert folder == tmp_path / "new" / "root" / Path(one.video).stem
    assert_equal(read_recording(folder), one)
    assert_equal(read_recordings(tmp_path / "new" / "root")[0], one)
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("blind", [[2, 3], [0], [4, 5], [0, 1, 5], list(range(6))])
def test_frames_without_a_body_read_back_silently(tmp_path, blind):
    one = made(**FULL)
    one.keypoints[blind] = np.nan, np.nan, 0
    folder = write_recording(one, tmp_path)
    assert len(list(folder.glob("*.csv"))) == 6 - len(blind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # recording.json says that the holes are meant
        assert_equal(read_recording(folder), one)
        assert_equal(read_recordings(tmp_path)[0], one)
        assert_equal(read_recordings(zipped(tmp_path, tmp_path / "all.zip"))[0], one)


def test_a_recording_without_a_video_reads_back_without(tmp_path):
    one = made(video=None)
    folder = write_recording(one, tmp_path)
    again = read_recording(folder)
    assert_equal(again, one)
    assert again.video is None and again.source == one.source
    assert sorted(path.name for path in folder.iterdir())[0] == "flip-3-s01.mov-0-0.csv"
    with pytest.raises(ValueError, match=r"'a/b-3-s01\.mov' cannot name files"):
        write_recording(replace(one, activity="a/b"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_an_incomplete_copy_is_told(tmp_path):
    one = made()
    folder = write_recording(one, tmp_path)
    csvs = sorted(folder.glob("*.csv"))
    csvs[1].rename(csvs[1].with_suffix(".CSV"))  # as cameras and Windows write it
    assert_equal(read_recording(folder), one)
    csvs[0].unlink()
    with pytest.warns(
        MissingFramesWarning, match=rf"person {one.person} has {len(csvs) - 1} of the {len(csvs)} files"
    ):
        again = read_recording(folder)
    assert np.isnan(again.keypoints[0, :, 0]).all() and len(again) == len(one)


def test_several_people_share_a_folder(tmp_path):
    people = [made(seed=p, person=p, first_frame=p, frames=4 + p) for p in (0, 1, 12)]
    folders = {write_recording(one, tmp_path) for one in people}
    assert len(folders) == 1
    for one in people:
        assert_equal(read_recording(*folders, person=one.person), one)
    for again, one in zip(read_recordings(tmp_path), people, strict=True):
        assert_equal(again, one)
    assert [r.person for r in read_recordings(tmp_path, person=12)] == [12]
    with pytest.raises(ValueError, match=r"3 people .*person=0: 4 .*person=12"):
        read_recording(*folders)
    for fps in (0, 1e9):
        with pytest.raises(ValueError, match=rf"`fps` .*100000, got {fps}"):
            read_recording(*folders, person=0, fps=fps)
    with pytest.raises(ValueError, match=r"no person 5, only \[0, 1, 12\]"):
        read_recording(*folders, person=5)
    with pytest.raises(ValueError, match=r"1 recordings .*\n.*no person 5"):
        read_recordings(tmp_path, person=5)


def test_writing_again_replaces_only_that_person(tmp_path):
    long, other, short = made(9), made(7, person=1), made(3, seed=5)
    for one in (long, other, short):
        folder = write_recording(one, tmp_path)
    assert_equal(read_recording(folder, person=0), short)
    assert_equal(read_recording(folder, person=1), other)


def test_two_videos_of_one_stem_do_not_overwrite_each_other(tmp_path):
    one = made(video="IMG_1.MOV")
    folder = write_recording(one, tmp_path)
    with pytest.raises(ValueError, match=r"IMG_1\.MOV, not IMG_1\.mp4.*`root`"):
        write_recording(made(video="IMG_1.mp4", seed=1), tmp_path)
    assert_equal(read_recording(folder), one)


def test_what_json_cannot_hold_is_refused_before_anything_is_lost(tmp_path):
    one = made()
    folder = write_recording(one, tmp_path)
    with pytest.raises(TypeError, match="JSON"):
        write_recording(made(seed=1, history=({"step": "odd", "with": object()},)), tmp_path)
    assert_equal(read_recording(folder), one)


def test_only_pixels_are_written(tmp_path):
    with pytest.raises(ValueError, match=r"flip-3-s01: .*pixels"):
        write_recording(made(space="body"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_it_reads_in_a_fresh_process_without_tensorflow(tmp_path):
    one = made(**FULL)
    folder = write_recording(one, tmp_path)
    code = (
        "import sys; from gymskel import read_recording; r = read_recording(sys.argv[1]);"
        "print(len(r), r.fps, r.xy[0, 0].tolist(), [e['step'] for e in r.history]);"
        "assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert told.stderr == ""
    assert told.stdout.strip() == "6 60.0 [1.0, 2.0] ['fill', 'smooth']"


floats = st.floats(0, 2**20, width=32)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(floats, floats, st.floats(2**-20, 1, width=32)), min_size=4, max_size=12))
def test_every_float32_survives_the_text(tmp_path_factory, points):
    keypoints = np.array(points[: len(points) // 4 * 4], np.float32).reshape(-1, 4, 3)
    one = Recording(keypoints, skeleton=STICK, sample="v", video="v.mov")
    assert_equal(read_recording(write_recording(one, tmp_path_factory.mktemp("text"))), one)


def test_fps_and_skeleton_of_the_caller_win(tmp_path):
    folder = write_recording(made(fps=30), tmp_path)
    other = Skeleton("numbers", tuple(f"j{i}" for i in range(25)))
    assert read_recording(folder, fps=240).fps == 240
    assert read_recording(folder).fps == 30
    assert read_recording(folder, skeleton=other).skeleton == other
    assert read_recordings(tmp_path, fps=240, skeleton=other)[0].skeleton == other
    with pytest.raises(ValueError, match=r"25 rows; .* 4 rows.*skeleton="):
        read_recording(folder, skeleton=STICK)


# --- real files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "files"), [("backflip-1-s07", None), pytest.param("", 6753, marks=pytest.mark.slow)]
)
def test_raw_recordings_are_reproduced_byte_for_byte(shared, raw, tmp_path, start, files):
    """One video, and all of them."""
    for one in raw:
        if one.source.startswith(start):
            write_recording(one, tmp_path)
    with zipfile.ZipFile(shared / "data" / "openpose_raw.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        wanted = [name for name in names if name.split("/")[1].startswith(start)]
        for name in wanted:
            assert (tmp_path / name.split("/", 1)[1]).read_bytes() == archive.read(name), name
    assert sum(1 for _ in tmp_path.rglob("*.csv")) == len(wanted) == (files or len(wanted)) > 0


def test_the_published_recordings_are_all_there(tumbling):
    assert len(tumbling) == 113 and sum(map(len, tumbling)) == 10_624
    activities = [r.activity for r in tumbling]
    assert activities.count("backflip") == 51 and activities.count("back-handspring") == 62
    assert {r.athlete for r in tumbling} == {f"s{i:02}" for i in range(1, 14)}
    assert all(r.fps == 60 and r.first_frame == 0 for r in tumbling)
    assert (min(map(len, tumbling)), max(map(len, tumbling))) == (77, 110)


def test_numbers_are_those_of_the_files(shared, tumbling):
    one = next(r for r in tumbling if r.source == "backflip-1-s07")
    with zipfile.ZipFile(shared / "data" / "tumbling.zip") as archive:
        for frame in (0, 1, 82):
            text = archive.read(f"tumbling/backflip-1-s07/backflip-1-s07.mov-{frame}-0.csv").decode()
            values = np.array([line.split(",") for line in text.split()[1:]], float)
            values[~values.any(axis=1), :2] = np.nan
            np.testing.assert_array_equal(one.keypoints[frame], values.astype(np.float32))


def test_a_tree_reads_like_its_zip(shared, raw, tmp_path):
    names = ("back-handspring-101-s02", "back-handspring-backflip-1-s10", "backflip-1-s07")
    with zipfile.ZipFile(shared / "data" / "openpose_raw.zip") as archive:
        archive.extractall(tmp_path, [n for n in archive.namelist() if n.split("/")[1] in names])
    with pytest.warns(MissingFramesWarning):
        tree = read_recordings(tmp_path, fps=60)
    wanted = [r for r in raw if r.source in names]
    assert len(tree) == len(wanted) == 9
    for one, other in zip(tree, wanted, strict=True):
        assert_equal(one, other)


def test_the_known_hole_is_told_by_its_number(shared, tmp_path):
    with zipfile.ZipFile(shared / "data" / "openpose_raw.zip") as archive:
        archive.extractall(tmp_path, [n for n in archive.namelist() if "/backflip-1-s07/" in n])
    with pytest.warns(MissingFramesWarning, match=r"person 0 .*1 of 84 frames \(70\)"):
        one = read_recording(tmp_path / "openpose_raw" / "backflip-1-s07", person=0)
    assert len(one) == 84 and one.first_frame == 1
    assert np.flatnonzero(~one.seen.any(axis=1)).tolist() == [69]


# --- reading made files ----------------------------------------------------------------------------------------


def test_zeros_are_unseen_and_everything_else_is_kept(tmp_path):
    text = rows(23) + "0,0,0\n" + "0,0,0.25\n"
    one = read_recording(folder_of(tmp_path, text))
    assert np.isnan(one.xy[0, 23]).all() and one.confidence[0, 23] == 0
    assert one.keypoints[0, 24].tolist() == [0, 0, 0.25]
    assert one.keypoints[0, 0].tolist() == [1.5, 2.5, 0.5]
    assert (one.activity, one.sample, one.athlete) == ("flip", "3", "s01")
    assert one.video == "flip-3-s01.mov" and one.fps is None


def test_frames_are_sorted_by_number_not_by_name(tmp_path):
    one = read_recording(folder_of(tmp_path, *[rows(row=f"{i},1,0.5") for i in range(12)]))
    assert one.xy[:, 0, 0].tolist() == list(range(12))


def test_holes_are_nan_and_told(tmp_path):
    folder = folder_of(tmp_path, *[rows()] * 30)
    for frame in [0, 5, 6, 29]:  # those at the ends are no holes: the video may have begun or ended there
        (folder / f"flip-3-s01.mov-{frame}-0.csv").unlink()
    with pytest.warns(MissingFramesWarning, match=r"person 0 .*2 of 28 frames \(5, 6\)"):
        one = read_recording(folder)
    assert one.first_frame == 1 and len(one) == 28
    assert np.flatnonzero(~one.seen.any(axis=1)).tolist() == [4, 5]
    for frame in range(10, 20):
        (folder / f"flip-3-s01.mov-{frame}-0.csv").unlink()
    with pytest.warns(MissingFramesWarning, match=r"12 of 28 frames \(5, 6, 10, .* and 4 more\)"):
        read_recording(folder)


@pytest.mark.parametrize(
    "text",
    [
        rows(end="\r\n"),
        rows()[:-1],
        rows(end="\r\n")[:-2],
        rows(row="1.500000000000000000e+00,2.500000000000000000e+00,5.000000000000000000e-01"),
        rows(row="1.5, 2.5, 0.5"),
    ],
    ids=["CRLF", "no last line end", "CRLF, no last line end", "exponents", "blanks"],
)
def test_harmless_differences_are_read(tmp_path, text):
    one = read_recording(folder_of(tmp_path, text, rows(), text))
    np.testing.assert_array_equal(one.keypoints, np.tile(np.float32([1.5, 2.5, 0.5]), (3, 25, 1)))


FAULTS = {
    "too few rows": (rows(24), r"24 rows; .*skeleton="),
    "too many rows": (rows(26), "26 rows; expected"),
    "header alone": ("x,y,c\n", "0 rows; expected"),
    "no header": (rows(25, header="1,2,3"), "header is '1,2,3'"),
    "other header": (rows(header="x,y,score"), "header is 'x,y,score'"),
    "longer header": (rows(header="x,y,c,p"), "header is 'x,y,c,p'"),
    "byte order mark": (b"\xef\xbb\xbf" + rows().encode(), r"header is '\\ufeffx,y,c'"),
    "empty": ("", "header is ''; expected"),
    "binary": (b"\xff\xfe\x00\x01", "header is"),
    "two columns": (rows(row="1,2"), "row 0 is '1,2'; expected"),
    "four columns": (rows(row="1,2,0.5,7"), "row 0 is '1,2,0.5,7'"),
    "a short row": (rows(24) + "1,2\n", "row 24 is '1,2'"),
    "a long row": (rows(24) + "1,2,0.5,4\n", "row 24 is '1,2,0.5,4'"),
    "text": (rows(24) + "1,two,0.5\n", "row 24 is '1,two,0.5'"),
    "nothing between": (rows(24) + "1,,0.5\n", "row 24 is '1,,0.5'"),
    "nan": (rows(24) + "nan,nan,0\n", r"row 24 is 'nan,nan,0'.*unseen is 0,0,0"),
    "inf": (rows(24) + "1,inf,0.5\n", "row 24 is '1,inf,0.5'"),
    "confidence too high": (rows(24) + "1,2,1.3\n", r"row 24 is '1,2,1.3'.*c lies in 0..1"),
    "confidence below 0": (rows(24) + "1,2,-0.1\n", "row 24 is '1,2,-0.1'"),
    "semicolons": (rows().replace(",", ";"), "header is 'x;y;c'"),
    "blank line": (rows() + "\n", "blank lines"),
    "old Mac line ends": (rows(end="\r"), "blank lines"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", [0, 2])
def test_a_faulty_csv_is_named(tmp_path, fault, place):
    text, message = FAULTS[fault]
    texts = [rows()] * 4
    texts[place] = text
    folder = folder_of(tmp_path, *texts)
    with pytest.raises(ValueError, match=rf"flip-3-s01\.mov-{place}-0\.csv: {message}"):
        read_recording(folder)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_csv_that_is_faulty_throughout_is_named(tmp_path, fault):
    text, message = FAULTS[fault]
    with pytest.raises(ValueError, match=rf"flip-3-s01\.mov-0-0\.csv: {message}"):
        read_recording(folder_of(tmp_path, text, text))


def test_faulty_recordings_are_listed_once_and_together(tmp_path):
    for i in range(12):
        folder_of(tmp_path, rows() if i % 4 else rows(3), name=f"flip-{i}-s01")
    with pytest.raises(ValueError, match=r"3 recordings in .* cannot be read") as caught:
        read_recordings(tmp_path)
    lines = str(caught.value).split("\n")
    assert len(lines) == 4
    assert all("3 rows; expected" in line for line in lines[1:])
    assert {i for i in range(12) if f"flip-{i}-s01.mov-0-0.csv" in str(caught.value)} == {0, 4, 8}
    for i in range(12, 22):
        folder_of(tmp_path, "", name=f"flip-{i}-s01")
    with pytest.raises(ValueError, match=r"13 recordings(.|\n)*\.\.\. and 5 more$"):
        read_recordings(tmp_path)
    with pytest.raises(ValueError, match=r"13 recordings(.|\n)*\.\.\. and 5 more$"):
        read_recordings(zipped(tmp_path, tmp_path / "all.zip"))


def test_names_that_do_not_parse(tmp_path):
    folder = folder_of(tmp_path, rows())
    (folder / "notes.txt").write_text("not a CSV, not our business")
    (folder / "._flip-3-s01.mov-0-0.csv").write_bytes(b"\x00\x05\x16\x07")  # macOS
    assert len(read_recording(folder)) == 1
    (folder / "summary.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match=r"summary\.csv: expected .*video-frame-person"):
        read_recording(folder)


def test_two_videos_in_one_folder(tmp_path):
    folder = folder_of(tmp_path, rows())
    (folder / "jump-1-s01.mov-1-0.csv").write_text(rows())
    with pytest.raises(ValueError, match=r"flip-3-s01\.mov, jump-1-s01\.mov"):
        read_recording(folder)


def test_one_frame_twice(tmp_path):
    folder = folder_of(tmp_path, rows())
    (folder / "flip-3-s01.mov-00-0.csv").write_text(rows())
    with pytest.raises(ValueError, match=r"twice: flip-3-s01\.mov-0-0\.csv .*-00-0\.csv"):
        read_recording(folder)


def test_missing_and_empty_folders(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("hello")
    with pytest.raises(FileNotFoundError, match=r"No folder .*nowhere.*read_recordings"):
        read_recording(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"No folder .*text"):
        read_recording(tmp_path / "text.txt")
    with pytest.raises(FileNotFoundError, match=r"No per-frame CSV in .*empty"):
        read_recording(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match=r"No folder or .zip .*nowhere"):
        read_recordings(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"No recording in .*gymskel extract"):
        read_recordings(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"No recording in "):
        read_recordings(zipped(tmp_path / "empty", tmp_path / "empty.zip"))
    with pytest.raises(ValueError, match=r"text\.txt is neither a folder nor a \.zip"):
        read_recordings(tmp_path / "text.txt")


# --- recording.json --------------------------------------------------------------------------------------------


def test_recording_json_is_optional(tmp_path):
    one = made(unseen=0)
    folder = write_recording(one, tmp_path)
    (folder / "recording.json").unlink()
    assert_equal(read_recording(folder, fps=60), one)


@pytest.mark.parametrize("read", [read_recording, lambda folder: read_recordings(folder.parent)])
@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: '{"format": 1}',
        lambda text: '{"format": "one", "people": {}}',
        lambda text: '{"format": 1, "people": {"first": {}}}',
        lambda text: '{"format": 1, "people": [1]}',
        lambda text: '{"format": 1, "people": {"0": 5}}',
    ],
    ids=["cut off", "empty", "a list", "nobody", "format", "index", "people", "person"],
)
def test_damaged_recording_json_is_named(tmp_path, harm, read):
    folder = write_recording(made(), tmp_path)
    path = folder / "recording.json"
    path.write_text(harm(path.read_text()))
    with pytest.raises(ValueError, match=r"flip-3-s01.recording\.json is damaged"):
        read(folder)
    with pytest.raises(ValueError, match=r"recording\.json is damaged"):
        write_recording(made(person=1), tmp_path)


def test_recording_json_of_the_future(tmp_path):
    folder = write_recording(made(), tmp_path)
    path = folder / "recording.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(ValueError, match=r"recording\.json.* newer .*99"):
        read_recording(folder)
    with pytest.raises(ValueError, match=r"recording\.json.* newer"):
        write_recording(made(seed=1), tmp_path)


@pytest.mark.parametrize("facts", [{"frames": 4}, {"first_frame": 3}, {"first_frame": 0, "frames": 6}])
def test_recording_json_that_contradicts_the_files(tmp_path, facts):
    folder = write_recording(made(first_frame=1), tmp_path)
    path = folder / "recording.json"
    told = json.loads(path.read_text())
    told["people"]["0"].update(facts)
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"frames 1 to 6, but recording\.json"):
        read_recording(folder)
    with pytest.raises(ValueError, match=r"\n.* 1 to 6, .*recording\.json"):
        read_recordings(tmp_path)


def test_nobody_in_recording_json(tmp_path):
    folder = tmp_path / "flip-3-s01"
    folder.mkdir()
    (folder / "recording.json").write_text('{"format": 1, "people": {}}')
    with pytest.raises(FileNotFoundError, match=r"no person in its recording\.json"):
        read_recording(folder)


# --- labels ----------------------------------------------------------------------------------------------------


@pytest.fixture
def phone(tmp_path):
    """Three unlabelled clips of a phone."""
    root = tmp_path / "phone"
    for i in (1, 2, 3):
        folder_of(root, rows(), name=f"IMG_{i}", ending=".MOV")
    return root


def test_labels_say_who_does_what(phone, tmp_path):
    table = pd.DataFrame(
        {"file": ["IMG_2.MOV", "IMG_1", "clips/IMG_3.MOV"], "activity": ["jump", "flip", "flip"]}
    )
    table["athlete"] = ["ann", "007", None]
    path = tmp_path / "labels.csv"
    table.to_csv(path, index=False)
    for labels in (table, path, str(path)):
        told = [(r.source, r.activity, r.athlete) for r in read_recordings(phone, labels=labels)]
        assert told == [("IMG_1", "flip", "007"), ("IMG_2", "jump", "ann"), ("IMG_3", "flip", None)]
    assert [r.activity for r in read_recordings(phone)] == [None] * 3


def test_labels_override_names_but_forget_no_athlete(tmp_path):
    folder_of(tmp_path, rows())
    labels = pd.DataFrame({"file": ["flip-3-s01", "another.mov"], "activity": ["jump", "flip"]})
    (one,) = read_recordings(tmp_path, labels=labels)
    assert (one.activity, one.athlete, one.sample) == ("jump", "s01", "3")
    (one,) = label_recordings([one], labels.assign(athlete=["ann", "bo"]))
    assert one.athlete == "ann"


def test_names_that_differ_by_a_dot_or_by_capitals(tmp_path):
    names = ["WhatsApp Video at 10.30.15", "WhatsApp Video at 10.30.48", "img_7"]
    for name in names:
        folder_of(tmp_path, rows(), name=name, ending=".mp4")
    labels = pd.DataFrame({"file": [*names[:2], "IMG_7.MP4"], "activity": ["jump", "flip", "tuck"]})
    told = {r.source: r.activity for r in read_recordings(tmp_path, labels=labels)}
    assert told == dict(zip(names, ["jump", "flip", "tuck"], strict=True))


def test_recordings_of_one_name_cannot_be_labelled(tmp_path):
    for who in ("ann", "bo"):
        folder_of(tmp_path / who, rows(), name="IMG_1", ending=".MOV")
    for files in (["ann/IMG_1.MOV"], ["ann/IMG_1.MOV", "bo/IMG_1.MOV"]):
        labels = pd.DataFrame({"file": files, "activity": "flip", "athlete": "ann"})
        with pytest.raises(ValueError, match=r"(named twice:|recordings called) IMG_1"):
            read_recordings(tmp_path, labels=labels)


@pytest.mark.parametrize(
    "content",
    [
        b"file,activity,athlete\nIMG_1.MOV,jump,ann,\nIMG_2.MOV,flip,bo,\nIMG_3.MOV,flip,cy,\n",
        b"sep=;\nfile;activity;athlete\nIMG_1.MOV;jump;ann\nIMG_2.MOV;flip;bo\nIMG_3.MOV;flip;cy\n",
        b"\r\n\r\nfile;activity;athlete\r\nIMG_1.MOV;jump;ann\r\nIMG_2.MOV;flip;bo\r\nIMG_3.MOV;flip;cy",
        "file\tactivity\tathlete\nIMG_1.MOV\tjump\tann\nIMG_2.MOV\tflip\tbo\nIMG_3.MOV\tflip\tcy\n".encode(
            "utf-16"
        ),
    ],
)
def test_tables_of_other_programs(phone, tmp_path, content):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    told = [(r.activity, r.athlete) for r in read_recordings(phone, labels=path)]
    assert told == [("jump", "ann"), ("flip", "bo"), ("flip", "cy")]


def test_only_some_folders_of_a_tree(tmp_path):
    for where in ("vault/IMG_1", "vault/IMG_2", "IMG_1"):
        folder_of(tmp_path / Path(where).parent, rows(), name=Path(where).name, ending=".MOV")
    (one,) = read_recordings(tmp_path, only=[tmp_path / "vault" / "IMG_1"])
    assert (one.source, one.activity) == ("IMG_1", "vault")


def test_names_and_numbers_of_athletes():
    nan = {"activity": np.nan, "athlete": np.nan}
    for fields_given, told in (
        ({"athlete": 0}, ("flip", "0")),
        ({"athlete": ""}, ("flip", None)),
        (nan, (None, None)),
    ):
        one = made(**fields_given)
        assert (one.activity, one.athlete) == told
        assert one.name == "-".join(part for part in (told[0], "3", told[1]) if part)


def test_everybody_in_a_video_gets_its_label(tmp_path):
    for person in (0, 1):
        write_recording(made(person=person, video="IMG_1.MOV", activity=None), tmp_path)
    labels = pd.DataFrame({"file": ["IMG_1.MOV"], "activity": ["jump"]})
    assert [r.activity for r in read_recordings(tmp_path, labels=labels)] == ["jump", "jump"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"file": ["IMG_1", "IMG_2"], "activity": ["a", "b"]}, "no activity for IMG_3"),
        (
            {"file": ["IMG_1", "IMG_2", "IMG_3"], "activity": ["a", None, "b"]},
            "no activity for IMG_2",
        ),
        ({"file": ["IMG_1.MOV", "IMG_2", "IMG_1"], "activity": list("aab")}, "named twice: IMG_1"),
        (
            {"name": ["IMG_1"], "activity": ["a"]},
            "columns are name, activity;",
        ),
        ({"file": ["IMG_1"]}, "columns are file;"),
    ],
)
def test_faulty_labels_are_refused(phone, tmp_path, table, message):
    path = tmp_path / "labels.csv"
    pd.DataFrame(table).to_csv(path, index=False)
    with pytest.raises(ValueError, match=rf"labels\.csv.*{message}"):
        read_recordings(phone, labels=path)
    with pytest.raises(ValueError, match=f"labels.*{message}"):
        read_recordings(phone, labels=pd.DataFrame(table))


def test_a_comma_that_parts_a_label_is_refused(phone, tmp_path):
    """Read by the first columns alone, the athlete would be "straight"."""
    path = tmp_path / "labels.csv"
    path.write_text("file,activity,athlete\nIMG_1.MOV,handstand, straight,anna\nIMG_2,vault,bob\n")
    with pytest.raises(ValueError, match=r"labels\.csv.*more cells .*IMG_1\.MOV"):
        read_labels(path)
    path.write_text('file,activity,athlete\nIMG_1,"handstand, straight",anna,\nIMG_2,vault,bob,,\n')
    assert [row["activity"] for row in read_labels(path).rows] == ["handstand, straight", "vault"]


def test_no_labels_file(phone):
    with pytest.raises(FileNotFoundError, match=r"No labels file nowhere\.csv"):
        read_recordings(phone, labels="nowhere.csv")


def test_one_folder_per_activity(tmp_path):
    root = tmp_path / "clips"
    for activity in ("flip", "jump"):
        for i in (1, 2):
            folder_of(root / activity / "gym", rows(), name=f"IMG_{activity}_{i}", ending=".MOV")
    folder_of(root / "jump", rows(), name="back-flip-3-s01")
    folder_of(root, rows(), name="IMG_9", ending=".MOV")
    (root / "labels.csv").write_text("file,activity\n")  # beside the recordings, not one of them
    told = {r.source: r.activity for r in read_recordings(root)}
    assert told == {
        "IMG_9": None,
        "IMG_flip_1": "flip",
        "IMG_flip_2": "flip",
        "IMG_jump_1": "jump",
        "IMG_jump_2": "jump",
        "back-flip-3-s01": "back-flip",
    }
    archive = zipped(root, tmp_path / "clips.zip")
    assert {r.source: r.activity for r in read_recordings(archive)} == told


def test_a_zip_without_an_outer_folder_and_with_what_macs_add(tmp_path):
    path = tmp_path / "clips.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("IMG_1") if hasattr(archive, "mkdir") else None
        archive.writestr("IMG_1/IMG_1.MOV-0-0.csv", rows())
        archive.writestr("IMG_2/IMG_2.MOV-0-0.csv", rows())
        archive.writestr("__MACOSX/IMG_1/._IMG_1.MOV-0-0.csv", b"\x00\x05\x16\x07")
    assert [r.source for r in read_recordings(path)] == ["IMG_1", "IMG_2"]
    flat = tmp_path / "flat.zip"
    with zipfile.ZipFile(flat, "w") as archive:
        archive.writestr("IMG_1.MOV-0-0.csv", rows())
    assert [r.source for r in read_recordings(flat)] == ["IMG_1"]


def test_hidden_folders_are_passed_over(tmp_path):
    folder_of(tmp_path, rows())
    folder_of(tmp_path / ".trash", rows(), name="IMG_1")
    assert [r.source for r in read_recordings(tmp_path)] == ["flip-3-s01"]


def test_messages_use_the_path_given(tmp_path, monkeypatch):
    folder_of(tmp_path, rows(3))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=rf"^flip-3-s01{re.escape(os.sep)}flip-3-s01\.mov-0-0\.csv: 3 rows"):
        read_recording("flip-3-s01")


def test_labels_as_spreadsheets_write_them(tmp_path):
    root = tmp_path / "clips"
    folder_of(root / "a", rows(), name="IMG_1", ending=".MOV")
    folder_of(root / "b", rows(), name="IMG_2", ending=".MOV")
    table = "\ufeffFile; Activity ;athlete\nclips\\IMG_1.MOV; flip ;NA\nclips/IMG_2.MOV;jump;\n;;\n"
    (tmp_path / "labels.csv").write_text(table, encoding="utf-8")
    told = {r.source: (r.activity, r.athlete) for r in read_recordings(root, labels=tmp_path / "labels.csv")}
    assert told == {"IMG_1": ("flip", "NA"), "IMG_2": ("jump", None)}
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match=r"empty\.csv is not a CSV"):
        read_recordings(root, labels=tmp_path / "empty.csv")


def test_a_given_frame_rate_beats_stored_times(tmp_path):
    times = np.array([0.0, 0.1, 0.3, 0.4])
    one = Recording(np.ones((4, 25, 3)), fps=10, video="a.mp4", sample="a", timestamps=times)
    folder = write_recording(one, tmp_path)
    assert read_recording(folder).timestamps.tolist() == times.tolist()
    told = read_recording(folder, fps=60)
    assert told.timestamps is None and told.fps == 60
