"""Videos to recordings: made videos with known answers, stand-ins for the bindings, and real files."""

import gc
import importlib.util
import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_video import make_video, patch, uneven

from gymskel import extract
from gymskel.extract import ExtractionWarning, MediaPipe, OpenPose, extract_video, extract_videos
from gymskel.recording import read_recording, read_recordings
from gymskel.skeleton import BODY_25, COCO_17, MEDIAPIPE_33, Skeleton

cv2 = pytest.importorskip("cv2")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "media"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared")
needs_mediapipe = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None,
    reason="needs mediapipe (gymskel[mediapipe], Python <= 3.12)",
)

SPOT = Skeleton(name="spot", joints=("MidHip", "Neck"))
UNSEEN = (np.nan, np.nan, 0)


class RedSpot:
    """Finds the red square of a made video: its middle is the hip, and the neck is never seen."""

    name = "red spot 1"
    skeleton = SPOT

    def __init__(self):
        self.frames = self.resets = 0

    def reset(self):
        self.resets += 1

    def __call__(self, frame):
        self.frames += 1
        rows, columns = np.nonzero((frame[..., 2] > 128) & (frame[..., 0] < 100))
        people = np.full((int(len(rows) > 0), 2, 3), UNSEEN, np.float32)
        if len(people):
            people[0, 0] = columns.mean(), rows.mean(), 0.75
        return people


def seeing(function, name="made", skeleton=SPOT):
    """An estimator out of a function of the frame's number."""
    numbers = iter(range(10**6))

    def estimator(frame):
        return function(next(numbers))

    estimator.name, estimator.skeleton = name, skeleton
    return estimator


def folder(name: str) -> list[str]:
    return sorted(path.name for path in Path(name).rglob("*") if path.is_file())


# --- one video ----------------------------------------------------------------------------------------------


def test_extract_video_follows_the_spot(tmp_path):
    spot = RedSpot()
    (recording,) = extract_video(make_video(tmp_path / "back-roll-3-s07.mp4"), estimator=spot, progress=False)
    assert (recording.activity, recording.sample, recording.athlete) == ("back-roll", "3", "s07")
    assert (recording.video, recording.person, recording.first_frame) == ("back-roll-3-s07.mp4", 0, 0)
    assert (recording.fps, recording.image_size) == (25, (160, 120))
    assert (recording.estimator, recording.skeleton) == ("red spot 1", BODY_25)
    assert [entry["step"] for entry in recording.history] == ["extract"]
    assert recording.timestamps is None
    assert recording.keypoints.shape == (30, 25, 3) and recording.keypoints.dtype == np.float32
    hip = recording.keypoints[:, BODY_25.index("MidHip")]
    np.testing.assert_allclose(hip[:, 0], 19.5 + 2 * np.arange(30), atol=1)
    np.testing.assert_allclose(hip[:, 1], 29.5, atol=1)
    assert (hip[:, 2] == 0.75).all()
    assert recording.seen.sum() == 30
    assert spot.resets == 2


def test_fps_overrides_the_header_and_the_clock(tmp_path):
    video = patch(make_video(tmp_path / "IMG_1.mp4"), lambda data: uneven(data, [(15, 512), (15, 1024)]))
    (recording,) = extract_video(video, estimator=RedSpot(), progress=False)
    assert (recording.activity, recording.sample, recording.athlete) == (None, "IMG_1", None)
    intervals = np.repeat([0.04, 0.08], [15, 14])
    np.testing.assert_allclose(np.diff(recording.timestamps), intervals, atol=1e-6)
    (recording,) = extract_video(video, estimator=RedSpot(), fps=240, progress=False)
    assert recording.fps == 240 and recording.timestamps is None


def test_a_recording_for_each_index_of_the_estimator(tmp_path):
    def crowd(number):
        people = np.full((number % 3, 2, 3), 5, np.float32)
        people[..., 2] = 0.5
        people[:, :, 0] += 10 * np.arange(len(people))[:, None]
        return people

    video = make_video(tmp_path / "a.mp4", frames=9)
    first, second = extract_video(video, estimator=seeing(crowd), progress=False)
    assert (first.person, second.person) == (0, 1)
    np.testing.assert_array_equal(first.seen[:, 8], np.arange(9) % 3 >= 1)
    np.testing.assert_array_equal(second.seen[:, 8], np.arange(9) % 3 == 2)
    assert np.nanmin(second.xy[:, 8, 0]) == np.nanmax(second.xy[:, 8, 0]) == 15


def test_other_layouts_become_body_25(tmp_path):
    coco = np.random.default_rng(0).uniform(1, 99, (1, 17, 3)).astype(np.float32)
    coco[..., 2] = 0.9
    video = make_video(tmp_path / "a.mp4", frames=2)
    estimator = seeing(lambda number: coco, skeleton=COCO_17)
    (recording,) = extract_video(video, estimator=estimator, progress=False)
    np.testing.assert_array_equal(recording.keypoints[0], COCO_17.convert(coco[0], BODY_25))


def test_nobody_is_a_recording_too(tmp_path):
    video = make_video(tmp_path / "roll-1-s01.mp4", frames=5)
    nobody = seeing(lambda number: np.empty((0, 2, 3), np.float32), name="blind")
    with pytest.warns(ExtractionWarning, match=r"roll-1-s01\.mp4: blind found nobody"):
        (recording,) = extract_video(video, estimator=nobody, progress=False)
    assert len(recording) == 5 and not recording.seen.any()
    with pytest.warns(ExtractionWarning):
        result = extract_videos(video, tmp_path / "out", estimator=nobody, progress=False)
    assert len(read_recording(result.written[0])) == 5
    assert extract_videos(video, tmp_path / "out", estimator=nobody, progress=False).skipped == result.written


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"frame 0: made returned NoneType; expected \(people, 2, 3\) for spot"),
        (np.zeros((2, 3)), r"returned shape \(2, 3\)"),
        (np.ones((1, 17, 3)), r"returned shape \(1, 17, 3\).*\(0, 2, 3\) for nobody"),
        (np.zeros((1, 2, 3)), "a joint 0, 0, 0; an unseen joint must be NaN, NaN, 0"),
    ],
)
def test_what_an_estimator_may_not_return(tmp_path, returned, message):
    video = make_video(tmp_path / "a.mp4", frames=2)
    with pytest.raises(ValueError, match=message):
        extract_video(video, estimator=seeing(lambda number: returned), progress=False)


@pytest.mark.parametrize("estimator", [RedSpot, "MediaPipe", lambda frame: frame, MediaPipe])
def test_what_is_no_estimator(tmp_path, estimator):
    with pytest.raises(TypeError, match=r"`estimator` must be a callable .* with a `name` and a `skeleton`"):
        extract_video(make_video(tmp_path / "a.mp4", frames=2), estimator=estimator)


def test_the_estimator_is_reset_after_a_failure_too(tmp_path):
    class Failing(RedSpot):
        def __call__(self, frame):
            raise RuntimeError("out of memory")

    failing = Failing()
    with pytest.raises(RuntimeError, match="out of memory"):
        extract_video(make_video(tmp_path / "a.mp4", frames=2), estimator=failing, progress=False)
    assert failing.resets == 2


# --- many videos --------------------------------------------------------------------------------------------


def test_extract_videos_keeps_the_folders(tmp_path):
    videos = [
        make_video(tmp_path / "in" / name, frames=4) for name in ("roll/IMG_1.mp4", "jump/IMG_1.MOV", "z.avi")
    ]
    result = extract_videos(tmp_path / "in", tmp_path / "out", estimator=RedSpot(), progress=False)
    folders = {tmp_path / "out" / name for name in ("roll/IMG_1", "jump/IMG_1", "z")}
    assert set(result.written) == folders and not result.skipped and not result.failed
    recordings = read_recordings(tmp_path / "out")
    assert [(r.activity, r.sample, len(r)) for r in recordings] == [
        ("jump", "IMG_1", 4),
        ("roll", "IMG_1", 4),
        (None, "z", 4),
    ]
    (direct,) = extract_video(videos[2], estimator=RedSpot(), progress=False)
    again = read_recording(tmp_path / "out" / "z")
    np.testing.assert_array_equal(again.keypoints, direct.keypoints)
    assert (again.video, again.fps, again.estimator) == ("z.avi", 25, "red spot 1")
    assert not [name for name in folder(tmp_path / "out") if "part" in name]


def test_several_paths_lie_side_by_side(tmp_path):
    paths = [make_video(tmp_path / name, frames=3) for name in ("one/a.mp4", "two/b.mp4")]
    result = extract_videos([*paths, paths[0]], tmp_path / "out", estimator=RedSpot(), progress=False)
    assert result.written == (tmp_path / "out" / "a", tmp_path / "out" / "b")


def test_an_interruption_loses_nothing(tmp_path):
    for name in "abc":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=10)

    class Interrupted(RedSpot):
        def __call__(self, frame):
            if self.frames == 15:
                raise KeyboardInterrupt
            return super().__call__(frame)

    with pytest.raises(KeyboardInterrupt):
        extract_videos(tmp_path / "in", tmp_path / "out", estimator=Interrupted(), progress=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a"]
    spot = RedSpot()
    result = extract_videos(tmp_path / "in", tmp_path / "out", estimator=spot, progress=False)
    assert spot.frames == 20
    assert [path.name for path in result.skipped] == ["a"]
    assert [path.name for path in result.written] == ["b", "c"]
    result = extract_videos(tmp_path / "in", tmp_path / "out", estimator=spot, progress=False)
    assert spot.frames == 20 and len(result.skipped) == 3


def test_an_interruption_while_writing_leaves_no_half_recording(tmp_path, monkeypatch):
    def interrupt(recording, root):
        written = write(recording, root)
        if recording.person == 1:
            raise KeyboardInterrupt
        return written

    write = extract.write_recording
    monkeypatch.setattr("gymskel.extract.many.write_recording", interrupt)
    pair = seeing(lambda number: np.full((2, 2, 3), 0.5, np.float32))
    with pytest.raises(KeyboardInterrupt):
        extract_videos(
            make_video(tmp_path / "a.mp4", frames=3), tmp_path / "out", estimator=pair, progress=False
        )
    assert folder(tmp_path / "out") == []


def test_one_bad_file_does_not_stop_the_batch(tmp_path):
    for name in "ac":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=3)
    bad = tmp_path / "in" / "b.mp4"
    bad.write_text("hello")
    with pytest.warns(
        ExtractionWarning, match=r"1 of 3 videos could not be extracted:\n.*b\.mp4: ValueError"
    ):
        result = extract_videos(tmp_path / "in", tmp_path / "out", estimator=RedSpot(), progress=False)
    assert [path.name for path in result.written] == ["a", "c"]
    assert list(result.failed) == [bad] and "holds no video" in result.failed[bad]
    make_video(bad, frames=3)
    result = extract_videos(tmp_path / "in", tmp_path / "out", estimator=RedSpot(), progress=False)
    assert [path.name for path in result.written] == ["b"] and len(result.skipped) == 2


@pytest.mark.parametrize("names", [("a.mp4", "a.mov"), ("a.mp4", "A.avi")])
def test_two_videos_of_one_name_are_refused_before_the_work(tmp_path, names):
    for name in names:
        make_video(tmp_path / "in" / name, frames=3)
    spot = RedSpot()
    with pytest.raises(ValueError, match=r"would become the same folder; rename one of each:\n.* and "):
        extract_videos(tmp_path / "in", tmp_path / "out", estimator=spot, progress=False)
    assert spot.frames == 0 and not (tmp_path / "out").exists()


def test_nothing_to_extract(tmp_path):
    with pytest.raises(FileNotFoundError, match="No video given"):
        extract_videos([], tmp_path / "out", estimator=RedSpot())
    with pytest.raises(FileNotFoundError, match="No video in the folder"):
        extract_videos(tmp_path, tmp_path / "out", estimator=RedSpot())


def test_what_is_finished_otherwise_is_not_reused(tmp_path):
    make_video(tmp_path / "in" / "a.mp4", frames=3)
    out = tmp_path / "out"
    extract_videos(tmp_path / "in", out, estimator=RedSpot(), progress=False)
    other = RedSpot()
    other.name = "red spot 2"
    with pytest.raises(ValueError, match=r"out/a: extracted with red spot 1, asked for red spot 2"):
        extract_videos(tmp_path / "in", out, estimator=other, progress=False)
    with pytest.raises(ValueError, match=r"overwrite\):\n.*extracted at 25\.0 frames a second, asked for 60"):
        extract_videos(tmp_path / "in", out, estimator=RedSpot(), fps=60, progress=False)
    assert len(extract_videos(tmp_path / "in", out, estimator=RedSpot(), fps=25, progress=False).skipped) == 1
    extract_videos(tmp_path / "in", out, estimator=other, fps=60, overwrite=True, progress=False)
    with pytest.raises(ValueError, match=r"at 60\.0 frames a second, asked for 25\.0"):
        extract_videos(tmp_path / "in", out, estimator=other, progress=False)
    (tmp_path / "in" / "a.mp4").rename(tmp_path / "in" / "a.mov")
    with pytest.raises(ValueError, match=r"made from a\.mp4, not from a\.mov"):
        extract_videos(tmp_path / "in", out, estimator=other, fps=60, progress=False)


def test_another_file_of_the_same_name_is_noticed(tmp_path):
    out = tmp_path / "out"
    make_video(tmp_path / "a.mp4", frames=3)
    extract_videos(tmp_path / "a.mp4", out, estimator=RedSpot(), progress=False)
    make_video(tmp_path / "a.mp4", frames=5)
    with pytest.raises(ValueError, match=r"made from another file that was called a\.mp4 too"):
        extract_videos(tmp_path / "a.mp4", out, estimator=RedSpot(), progress=False)
    result = extract_videos(tmp_path / "a.mp4", out, estimator=RedSpot(), progress=False, overwrite="changed")
    assert len(result.written) == 1 and len(read_recording(out / "a")) == 5
    again = extract_videos(tmp_path / "a.mp4", out, estimator=RedSpot(), progress=False, overwrite="changed")
    assert len(again.skipped) == 1


def test_overwriting_takes_away_the_people_of_before_and_nothing_else(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=3)
    pair = seeing(lambda number: np.full((2, 2, 3), 0.5, np.float32))
    extract_videos(video, tmp_path / "out", estimator=pair, progress=False)
    assert len(read_recordings(tmp_path / "out")) == 2
    for mine in ("notes.txt", "marks-of-the-judges.csv"):
        (tmp_path / "out" / "a" / mine).write_text("mine")
    extract_videos(video, tmp_path / "out", estimator=RedSpot(), overwrite=True, progress=False)
    ours = [f"a.mp4-{frame}-0.csv" for frame in range(3)]
    assert folder(tmp_path / "out") == [*ours, "marks-of-the-judges.csv", "notes.txt", "recording.json"]
    (tmp_path / "out" / "a" / "marks-of-the-judges.csv").unlink()  # readers refuse tables they do not know
    assert [r.person for r in read_recordings(tmp_path / "out")] == [0]


def test_csv_files_of_others_are_not_taken_for_an_unfinished_recording(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=3)
    theirs = tmp_path / "out" / "a" / "a.mov-1-0.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("x,y,c\n")
    with pytest.raises(ValueError, match=r"out/a: CSV files without recording\.json"):
        extract_videos(video, tmp_path / "out", estimator=RedSpot(), progress=False)
    assert theirs.exists()


def test_progress(tmp_path, capsys):
    for name in "ab":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=3)
    pytest.importorskip("tqdm")
    extract_videos(tmp_path / "in", tmp_path / "out", estimator=RedSpot())
    assert "2/2" in capsys.readouterr().err
    extract_videos(tmp_path / "in", tmp_path / "out2", estimator=RedSpot(), progress=False)
    assert capsys.readouterr() == ("", "")


def test_progress_without_tqdm_is_plain_lines(tmp_path, capsys, monkeypatch):
    for name in "ac":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=3)
    (tmp_path / "in" / "b.mp4").touch()
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.warns(ExtractionWarning, match=r"1 of 3"):
        extract_videos(tmp_path / "in", tmp_path / "out", estimator=RedSpot())
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "1/3 a.mp4: 1 person, seen in 3 of 3 frames"
    assert second.startswith("2/3 ") and "b.mp4: ValueError" in second and third.startswith("3/3 c.mp4")
    extract_video(tmp_path / "in" / "a.mp4", estimator=RedSpot())
    assert capsys.readouterr().out == "a.mp4: 1 person, seen in 3 of 3 frames\n"


# --- what a host must have ----------------------------------------------------------------------------------


def in_a_fresh_process(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_extract_imports_nothing_heavy():
    loaded = in_a_fresh_process("import sys, gymskel.extract; print(*sys.modules)").split()
    assert "gymskel.extract" in loaded
    assert not {"cv2", "mediapipe", "tensorflow", "keras", "openpose", "tqdm", "matplotlib"} & set(loaded)


def test_a_host_with_numpy_pandas_and_opencv_alone(tmp_path):
    make_video(tmp_path / "in" / "a.mp4", frames=3)
    code = """
        import sys
        blocked = "tqdm typer tensorflow keras scipy sklearn matplotlib joblib PIL mediapipe"
        sys.modules.update(dict.fromkeys(blocked.split()))
        import numpy as np
        from gymskel.extract import extract_videos
        from gymskel.skeleton import BODY_25

        def estimator(frame):
            return np.full((1, 25, 3), 0.5, np.float32)

        estimator.name, estimator.skeleton = "half", BODY_25
        print(len(extract_videos(sys.argv[1], sys.argv[2], estimator=estimator).written))
    """
    printed = in_a_fresh_process(code, tmp_path / "in", tmp_path / "out")
    assert printed == "1/1 a.mp4: 1 person, seen in 3 of 3 frames\n1\n"
    assert len(read_recording(tmp_path / "out" / "a")) == 3


def test_no_estimator_names_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENPOSE_PYTHON", raising=False)
    for name in ("mediapipe", "openpose", "openpose.pyopenpose", "pyopenpose"):
        monkeypatch.setitem(sys.modules, name, None)
    ways = r"(?s)pip install \"gymskel\[mediapipe\]\".*OpenPose.*callable of your own"
    with pytest.raises(ImportError, match=ways):
        MediaPipe()
    with pytest.raises(ImportError, match=r"(?s)OPENPOSE_PYTHON.*gymskel\[mediapipe\].*callable of your own"):
        OpenPose()
    with pytest.raises(ImportError, match=r"(?s)No pose estimator here\.\nMediaPipe: .*\nOpenPose: "):
        extract_video(make_video(tmp_path / "a.mp4", frames=2))


# --- OpenPose: a stand-in that behaves like the binding, wrong calls included -------------------------------

BINDING = '''
import weakref
import numpy as np

FLAGS = {"model_folder", "model_pose", "net_resolution", "scale_number", "scale_gap", "render_pose"}
configured = []


class Datum:
    """Holds the picture's memory, not the array: no reference, and strides are ignored."""

    poseKeypoints = None

    @property
    def cvInputData(self):
        return self._frame()

    @cvInputData.setter
    def cvInputData(self, frame):
        if not frame.flags.c_contiguous or frame.dtype != np.uint8 or frame.ndim != 3:
            raise SystemExit("garbage in the picture")
        self._frame = weakref.ref(frame)


class VectorDatum(list):
    pass


class WrapperPython:
    started = False

    def configure(self, flags):
        if set(flags) - FLAGS:
            raise SystemExit("ERROR: unknown command line flag")
        configured.append(flags)

    def start(self):
        self.started = True

    def emplaceAndPop(self, datums):
        if not self.started:
            raise SystemExit("not started")
        if not isinstance(datums, EXPECTED):
            raise TypeError("emplaceAndPop(): incompatible function arguments.")
        frame = datums[0].cvInputData
        if frame is None:
            raise SystemExit("segmentation fault")
        rows, columns = np.nonzero((frame[..., 2] > 128) & (frame[..., 0] < 100))
        if not len(rows):
            datums[0].poseKeypoints = NOBODY
            return True
        people = np.zeros((2, 25, 3), np.float32)
        people[0, :] = columns.mean(), rows.mean(), 1.02
        people[0, 24] = 0
        people[1, 8] = 3, 4, 0.5
        datums[0].poseKeypoints = people
        return True
'''
NEWER = BINDING + "\nEXPECTED, NOBODY = VectorDatum, None\n"
OLDER = BINDING + "\ndel VectorDatum\nEXPECTED, NOBODY = list, np.array(0.0, np.float32)\n"


@pytest.fixture(params=["1.7 Linux", "1.6 Linux", "1.7 Windows"])
def openpose(request, tmp_path, monkeypatch):
    """The build folder of a stand-in for OpenPose, named by OPENPOSE_PYTHON."""
    for name in ("openpose", "openpose.pyopenpose", "pyopenpose"):
        monkeypatch.setitem(sys.modules, name, None)  # so that they come back as they were
        monkeypatch.delitem(sys.modules, name)
    home = tmp_path / "openpose"
    python = home / "build" / "python"
    package = python / "openpose" if "Linux" in request.param else python
    package.mkdir(parents=True)
    if "Linux" in request.param:
        (package / "__init__.py").touch()
    (package / "pyopenpose.py").write_text(OLDER if "1.6" in request.param else NEWER)
    model = home / "models" / "pose" / "body_25" / "pose_iter_584000.caffemodel"
    model.parent.mkdir(parents=True)
    model.touch()
    monkeypatch.setenv("OPENPOSE_PYTHON", str(python))
    monkeypatch.delenv("OPENPOSE_MODELS", raising=False)
    return home


def test_openpose_keeps_everyone(openpose, tmp_path):
    path = list(sys.path)
    estimator = OpenPose(net_resolution="-1x256")
    assert sys.path == path
    first, second = extract_video(
        make_video(tmp_path / "a.mp4", frames=5), estimator=estimator, progress=False
    )
    assert first.estimator == "OpenPose BODY_25 -1x256"
    assert first.seen.all(axis=0).tolist() == [True] * 24 + [False]
    np.testing.assert_allclose(first.xy[:, 0, 0], 19.5 + 2 * np.arange(5), atol=1)
    assert np.isnan(first.xy[:, 24]).all()
    assert second.seen[:, 8].all() and second.seen.sum() == 5
    (flags,) = estimator._op.configured
    assert flags["model_folder"].rstrip("/\\") == str(openpose / "models")
    assert flags["model_folder"][-1] in "/\\"


def test_openpose_finds_nobody(openpose):
    estimator = OpenPose(model_folder=openpose / "models", python_folder=openpose / "build" / "python")
    found = estimator(np.zeros((120, 160, 3), np.uint8))
    assert found.shape == (0, 25, 3) and found.dtype == np.float32


def test_openpose_gets_contiguous_frames_that_live(openpose):
    frame = np.zeros((120, 320, 3), np.uint8)
    frame[20:40, 40:80] = 0, 0, 255
    estimator = OpenPose()
    gc.collect()
    people = estimator(frame[:, ::2])
    np.testing.assert_allclose(people[0, 0], [29.5, 29.5, 1.02])


def test_openpose_name_tells_the_scales(openpose):
    assert OpenPose(scale_number=3).name == "OpenPose BODY_25 -1x368, 3 scales 0.25 apart"


def test_openpose_is_the_second_default(openpose, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    recordings = extract_video(make_video(tmp_path / "a.mp4", frames=2), progress=False)
    assert [r.estimator for r in recordings] == ["OpenPose BODY_25 -1x368"] * 2


def test_openpose_refuses_instead_of_ending_the_process(openpose, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"(?s)No OpenPose model .*pose_iter_584000.*OPENPOSE_MODELS"):
        OpenPose(model_folder=tmp_path)
    for resolution in ("368", "-1x-1", "100x200", 368):
        with pytest.raises(ValueError, match="`net_resolution` must be WIDTHxHEIGHT in multiples of 16"):
            OpenPose(net_resolution=resolution)
    for number in (0, 1.5, "2"):
        with pytest.raises(ValueError, match="`scale_number` must be a whole number"):
            OpenPose(scale_number=number)
    for gap in (0, 1, 0.5):
        with pytest.raises(ValueError, match="`scale_gap` must lie between 0 and 1"):
            OpenPose(scale_number=3, scale_gap=gap)
    with pytest.raises(TypeError):
        OpenPose(number_people_max=1)
    for name in ("openpose", "openpose.pyopenpose", "pyopenpose"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ImportError, match=rf"pyopenpose in {re.escape(str(tmp_path))}"):
        OpenPose(python_folder=tmp_path)


# --- MediaPipe and real files -------------------------------------------------------------------------------


def test_a_mediapipe_without_solutions_is_too_new(monkeypatch):
    newest = type(sys)("mediapipe")
    newest.__version__ = "0.10.33"
    monkeypatch.setitem(sys.modules, "mediapipe", newest)
    with pytest.raises(
        ImportError, match=r"mediapipe 0\.10\.33 has no `mp\.solutions`.*gymskel\[mediapipe\]"
    ):
        MediaPipe()


class _Graph:
    """Stands in for MediaPipe's: landmarks that say what they are."""

    def __init__(self, **options):
        self.options, self.open = options, True

    def process(self, rgb):
        assert self.open and rgb[0, 0].tolist() == [30, 20, 10]

        class Point:
            def __init__(self, x, y, visibility):
                self.x, self.y, self.visibility = x, y, visibility

        points = [Point(0.5, 0.25, 0.9)] * 30 + [
            Point(0.5, 0.5, 0.05),
            Point(1.01, 0.5, 0.9),
            Point(0.5, -0.1, 0.9),
        ]
        return type("Result", (), {"pose_landmarks": type("Landmarks", (), {"landmark": points})})

    def close(self):
        self.open = False


@pytest.fixture
def standing_in(monkeypatch):
    module = type(sys)("mediapipe")
    module.__version__ = "0.10.21"
    module.solutions = type("solutions", (), {"pose": type("pose", (), {"Pose": _Graph})})
    monkeypatch.setitem(sys.modules, "mediapipe", module)


def test_mediapipe_in_pixels_and_unseen_where_guessed(standing_in):
    estimator = MediaPipe(tracking=False)
    assert estimator.name == "MediaPipe 0.10.21 pose, static"
    people = estimator(np.full((120, 160, 3), (10, 20, 30), np.uint8))
    assert people.shape == (1, 33, 3) and people.dtype == np.float32
    np.testing.assert_allclose(people[0, :30], [[80, 30, 0.9]] * 30, rtol=1e-6)
    np.testing.assert_array_equal(people[0, 30:], [UNSEEN] * 3)
    assert estimator._graph.options["static_image_mode"] is True


def test_mediapipe_starts_a_fresh_graph_after_reset(standing_in):
    estimator = MediaPipe()
    estimator.reset()
    frame = np.full((12, 16, 3), (10, 20, 30), np.uint8)
    estimator(frame)
    first = estimator._graph
    estimator(frame)
    assert estimator._graph is first
    estimator.reset()
    assert not first.open
    estimator(frame)
    assert estimator._graph is not first


@needs_shared
@needs_mediapipe
@pytest.mark.filterwarnings("ignore")  # mediapipe's own
def test_mediapipe_on_a_parkour_clip(tmp_path, capfd):
    video = SHARED / "parkour" / "kong-vault-1-p1.mp4"
    result = extract_videos(video, tmp_path, fps=25, progress=False)
    assert capfd.readouterr().err == ""
    (recording,) = read_recordings(tmp_path)
    assert result.written == (tmp_path / "kong-vault-1-p1",)
    assert (recording.activity, recording.sample, recording.athlete) == ("kong-vault", "1", "p1")
    assert (len(recording), recording.fps, recording.image_size) == (23, 25, (720, 576))
    assert recording.estimator == "MediaPipe 0.10.21 pose, tracking"
    assert recording.seen.any(axis=1).mean() > 0.9
    at = {
        joint: np.nanmedian(recording.xy[:5, BODY_25.index(joint)], axis=0) for joint in BODY_25.joints[:15]
    }
    assert at["Nose"][1] < at["MidHip"][1] < at["LKnee"][1] < at["LAnkle"][1]  # stands on the feet
    again = extract_video(video, fps=25, progress=False)  # nothing is remembered from video to video
    np.testing.assert_array_equal(again[0].keypoints, recording.keypoints)


@needs_shared
@needs_mediapipe
@pytest.mark.filterwarnings("ignore")
def test_mediapipe_knows_left_from_right():
    from gymskel.video import read_frames

    estimator = MediaPipe()
    with read_frames(SHARED / "people.avi") as frames:
        people = [estimator(frame) for frame, _ in zip(frames, range(10), strict=False)]
    estimator.reset()
    assert all(found.shape == (1, 33, 3) for found in people)
    left, right = (MEDIAPIPE_33.index(joint) for joint in ("LHip", "RHip"))
    assert all(found[0, left, 0] < found[0, right, 0] for found in people)  # seen from behind


@needs_shared
def test_real_video_with_ones_own_callable(tmp_path):
    """Where the picture changes most is where somebody is."""
    last = []

    def moving(frame):
        grey = frame[::4, ::4].mean(axis=2)
        change = np.abs(grey - last.pop()) > 25 if last else np.zeros_like(grey, bool)
        last.append(grey)
        people = np.full((int(change.any()), 2, 3), UNSEEN, np.float32)
        if len(people):
            people[0, 0] = *(4 * np.argwhere(change).mean(axis=0)[::-1]), 1
        return people

    moving.name, moving.skeleton = "what moves", SPOT
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = extract_videos(
            SHARED / "parkour" / "kong-vault-1-p1.mp4", tmp_path, estimator=moving, progress=False
        )
    recording = read_recording(result.written[0], fps=25)
    assert len(recording) == 23 and recording.seen.any(axis=1).sum() > 15
    assert (recording.xy[recording.seen] < recording.image_size).all()
