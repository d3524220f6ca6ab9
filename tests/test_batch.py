"""Batches of videos: finished, interrupted, killed, shared by several runs and several processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from helpers.people import RedSpot, body, seeing
from helpers.videos import make_video

from gymskel.extract import Extraction, ExtractionWarning, batch, extract_video, extract_videos, plan_videos
from gymskel.extract.folder_lock import lock_folder, publish, remove_leftovers
from gymskel.extract.settings import ExtractionSettings
from gymskel.parallel import process_id
from gymskel.recording import Recording, read_recording, read_recordings, write_recording
from gymskel.video import VideoWarning

pytest.importorskip("cv2")
ROOT = Path(__file__).parents[1]
FRAMES = 4
NAMES = ("in/a.mp4", "in/b.avi", "in/more/c.mp4")
QUICK = '''
import os, sys, time
import numpy as np
from gymskel import extract
from gymskel.skeleton import BODY_25

class Quick:
    """Brightness tells the place, and each estimate costs a while."""

    name = "quick 1"
    skeleton = BODY_25
    rest = 0.0

    def __call__(self, frame):
        time.sleep(self.rest)
        people = np.full((1, 25, 3), 0.5, np.float32)
        people[0, :, :2] = np.arange(50).reshape(25, 2) * (1, 7) % (31, 43) + frame[20:40, :40].mean() / 255
        return people
'''
# one forked run after the other in a process that has imported everything; each is killed before its n-th step
KILLING = (
    QUICK
    + '''
import mmap, signal
import cv2

STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "fcntl.flock")
steps, estimates = memoryview(mmap.mmap(-1, 16)).cast("q"), memoryview(mmap.mmap(-1, 16)).cast("q")

def run(videos, out, last=None, **options):
    """(exit status, steps, estimates) of a run that is killed before step `last`."""
    steps[0] = estimates[0] = 0
    child = os.fork()
    if not child:
        def step(event, arguments):
            if event in STEPS:
                if steps[0] == last:
                    os.kill(os.getpid(), signal.SIGKILL)
                steps[0] += 1

        class Counted(Quick):
            def __call__(self, frame):
                step("open", ())
                estimates[0] += 1
                return super().__call__(frame)

        sys.addaudithook(step)
        code = 1
        try:
            extract.extract_videos(videos, out, estimator=Counted(), follow=False, progress=False, **options)
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1], steps[0], estimates[0]
'''
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    for name in NAMES:
        make_video(root / name, frames=FRAMES)
    return root / "in"


def file_names(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def tree(root: Path) -> dict[str, bytes | None]:
    """Every file and folder, hidden ones too."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")
    }


def python(code: str, *arguments: object, **options) -> subprocess.Popen:
    """Ctrl-C is heard there, also where the suite itself runs in the background of a script, which is deaf to it."""
    if sys.platform != "win32":
        options["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def answer(code: str, *arguments: object) -> str:
    process = python(code, *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-3000:]
    return out


def until(true, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def alive(group: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc (Linux)")


# --- one after the other ------------------------------------------------------------------------------------


def test_extract_videos_keeps_the_folders(tmp_path):
    videos = [
        make_video(tmp_path / "in" / name, frames=4) for name in ("roll/IMG_1.mp4", "jump/IMG_1.MOV", "z.avi")
    ]
    result = extract_videos(
        tmp_path / "in", tmp_path / "out", estimator=RedSpot(), follow=False, progress=False
    )
    folders = {tmp_path / "out" / name for name in ("roll/IMG_1", "jump/IMG_1", "z")}
    assert set(result.written) == folders and not result.skipped and not result.failed
    recordings = read_recordings(tmp_path / "out")
    assert [(r.activity, r.sample, len(r)) for r in recordings] == [
        ("jump", "IMG_1", 4),
        ("roll", "IMG_1", 4),
        (None, "z", 4),
    ]
    (direct,) = extract_video(videos[2], estimator=RedSpot(), follow=False, progress=False)
    again = read_recording(tmp_path / "out" / "z")
    np.testing.assert_array_equal(again.keypoints, direct.keypoints)
    assert (again.video, again.fps, again.estimator) == ("z.avi", 25, "red spot 1")
    assert not [name for name in file_names(tmp_path / "out") if "part" in name]


def test_several_paths_lie_side_by_side(tmp_path):
    paths = [make_video(tmp_path / name, frames=3) for name in ("one/a.mp4", "two/b.mp4")]
    result = extract_videos(
        [*paths, paths[0]], tmp_path / "out", estimator=RedSpot(), follow=False, progress=False
    )
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
        extract_videos(
            tmp_path / "in", tmp_path / "out", estimator=Interrupted(), follow=False, progress=False
        )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a"]
    spot = RedSpot()
    result = extract_videos(tmp_path / "in", tmp_path / "out", estimator=spot, follow=False, progress=False)
    assert spot.frames == 20
    assert [path.name for path in result.skipped] == ["a"]
    assert [path.name for path in result.written] == ["b", "c"]
    result = extract_videos(tmp_path / "in", tmp_path / "out", estimator=spot, follow=False, progress=False)
    assert spot.frames == 20 and len(result.skipped) == 3


def test_an_interruption_while_writing_leaves_no_half_recording(tmp_path, monkeypatch):
    def interrupt(recording, root):
        written = write(recording, root)
        if recording.person == 1:
            raise KeyboardInterrupt
        return written

    write = write_recording
    monkeypatch.setattr("gymskel.extract.folder_lock.write_recording", interrupt)
    pair = seeing(lambda number: np.stack([body(40, 30), body(120, 40)]))
    both = {"people": "all", "follow": False, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        extract_videos(make_video(tmp_path / "a.mp4", frames=3), tmp_path / "out", estimator=pair, **both)
    assert file_names(tmp_path / "out") == []


def test_one_bad_file_does_not_stop_the_batch(tmp_path):
    for name in "ac":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=3)
    bad = tmp_path / "in" / "b.mp4"
    bad.write_text("hello")
    with pytest.warns(ExtractionWarning, match=r"(?s)1 of 3 .*b\.mp4: ValueError"):
        result = extract_videos(
            tmp_path / "in", tmp_path / "out", estimator=RedSpot(), follow=False, progress=False
        )
    assert [path.name for path in result.written] == ["a", "c"]
    assert list(result.failed) == [bad] and "holds no video" in result.failed[bad]
    make_video(bad, frames=3)
    result = extract_videos(
        tmp_path / "in", tmp_path / "out", estimator=RedSpot(), follow=False, progress=False
    )
    assert [path.name for path in result.written] == ["b"] and len(result.skipped) == 2


@pytest.mark.parametrize("names", [("a.mp4", "a.mov"), ("a.mp4", "A.avi")])
def test_two_videos_of_one_name_are_refused_before_the_work(tmp_path, names):
    for name in names:
        make_video(tmp_path / "in" / name, frames=3)
    spot = RedSpot()
    with pytest.raises(ValueError, match=rf"(?s)same folder.*{names[1]} and \S*{names[0]}"):
        extract_videos(tmp_path / "in", tmp_path / "out", estimator=spot, follow=False, progress=False)
    assert spot.frames == 0 and not (tmp_path / "out").exists()


def test_nothing_to_extract(tmp_path):
    with pytest.raises(FileNotFoundError, match="No video given"):
        extract_videos([], tmp_path / "out", estimator=RedSpot())
    with pytest.raises(FileNotFoundError, match=f"No video .*{tmp_path.name}"):
        extract_videos(tmp_path, tmp_path / "out", estimator=RedSpot())


def test_what_is_finished_otherwise_is_not_reused(tmp_path):
    make_video(tmp_path / "in" / "a.mp4", frames=3)
    out = tmp_path / "out"
    extract_videos(tmp_path / "in", out, estimator=RedSpot(), follow=False, progress=False)
    other = RedSpot()
    other.name = "red spot 2"
    with pytest.raises(ValueError, match=r"out/a: .*red spot 1.*red spot 2"):
        extract_videos(tmp_path / "in", out, estimator=other, follow=False, progress=False)
    with pytest.raises(ValueError, match=r"(?s)overwrite.*25\.0 .*60"):
        extract_videos(tmp_path / "in", out, estimator=RedSpot(), fps=60, follow=False, progress=False)
    assert (
        len(
            extract_videos(
                tmp_path / "in", out, estimator=RedSpot(), fps=25, follow=False, progress=False
            ).skipped
        )
        == 1
    )
    extract_videos(
        tmp_path / "in", out, estimator=other, fps=60, overwrite="always", follow=False, progress=False
    )
    with pytest.raises(ValueError, match=r"60\.0 .*25\.0"):
        extract_videos(tmp_path / "in", out, estimator=other, follow=False, progress=False)
    (tmp_path / "in" / "a.mp4").rename(tmp_path / "in" / "a.mov")
    with pytest.raises(ValueError, match=r"a\.mp4, not .*a\.mov"):
        extract_videos(tmp_path / "in", out, estimator=other, fps=60, follow=False, progress=False)


def both(people="athlete", **options):
    """Options of an extraction that sees one who stands tall and another who is small and moves."""

    def poses(number):
        return np.stack([body(40, 60), body(120 + 9 * (number % 2), 30)])

    return {"estimator": seeing(poses), "people": people, "follow": False, "progress": False, **options}


def places(out):
    """Folder below `out` -> people that were asked for."""
    made = {path.parent: json.loads(path.read_text())["people"]["0"] for path in out.rglob("recording.json")}
    return {str(folder.relative_to(out)): known["history"][0]["people"] for folder, known in made.items()}


def test_a_video_named_itself_is_extracted_again_where_it_was_and_kept_by_later_runs(tmp_path):
    days, out = tmp_path / "days", tmp_path / "out"
    for name in ("mon/a.mp4", "mon/b.mp4", "tue/a.mp4"):
        make_video(days / name, frames=3 + (name == "tue/a.mp4"))
    extract_videos(days, out, **both(fps=25))
    assert places(out) == {"mon/a": "athlete", "mon/b": "athlete", "tue/a": "athlete"}
    for people in ("largest", (10.0, 20.0)):
        result = extract_videos(days / "mon" / "a.mp4", out, **both(people, fps=25))
        assert (result.written, result.skipped) == ((out / "mon" / "a",), ())
        again = extract_videos(days / "mon" / "a.mp4", out, **both(people, fps=25))
        assert again.skipped == (out / "mon" / "a",)
    chosen = {"mon/a": [10.0, 20.0], "mon/b": "athlete", "tue/a": "athlete"}
    assert places(out) == chosen
    make_video(days / "tue" / "c.mp4", frames=3)
    told = r"1 of 4 .*out/mon/a \(.*people=\[10\.0, 20\.0\].*'athlete'\)\."
    for options in ({}, {"overwrite": "changed"}):
        with pytest.warns(ExtractionWarning, match=told):
            result = extract_videos(days, out, **both(fps=25, **options))
        assert places(out) == {**chosen, "tue/c": "athlete"}
    with pytest.warns(ExtractionWarning, match="1 of 1 .*people"):  # as *.mp4 may name it
        extract_videos(days / "mon" / "a.mp4", out, **both(fps=25))
    with pytest.warns(ExtractionWarning, match=r"4 of 4 .*'longest'\) and 1 more\."):
        extract_videos(days, out, **both("longest", fps=25))
    assert places(out) == {**chosen, "tue/c": "athlete"}
    extract_videos(days / "mon" / "a.mp4", out, **both(fps=25, overwrite="always"))
    assert set(places(out).values()) == {"athlete"}
    extract_videos(days, out, **both("longest", fps=25, overwrite="changed"))
    assert set(places(out).values()) == {"longest"} and len(read_recordings(out)) == 4


def test_a_video_named_itself_is_refused_where_more_than_the_person_differs(tmp_path):
    video, out = make_video(tmp_path / "days" / "mon" / "a.mp4", frames=3), tmp_path / "out"
    extract_videos(tmp_path / "days", out, **both(fps=50))
    with pytest.raises(ValueError, match=r"out/mon/a: .*50\.0 .*25\.0"):
        extract_videos(video, out, **both("largest"))
    with pytest.raises(ValueError, match=r"out/mon/a: .*follow=False.*follow=True"):
        extract_videos(video, out, **both("largest", fps=50, follow=True))
    assert places(out) == {"mon/a": "athlete"}


def test_only_the_same_file_is_looked_for_in_other_folders(tmp_path):
    out = tmp_path / "out"
    make_video(tmp_path / "days" / "mon" / "a.mp4", frames=3)
    extract_videos(tmp_path / "days", out, **both())
    other = make_video(tmp_path / "others" / "a.mp4", frames=5)
    extract_videos([other, other], out, **both())
    assert places(out) == {"a": "athlete", "mon/a": "athlete"}
    (tmp_path / "again" / "fri").mkdir(parents=True)
    same = tmp_path / "again" / "fri" / "a.mp4"
    same.write_bytes((tmp_path / "days" / "mon" / "a.mp4").read_bytes())
    assert extract_videos(same, out, **both("largest")).written == (out / "mon" / "a",)
    extract_videos(tmp_path / "again", out, **both())  # a folder says itself where its videos belong
    assert places(out) == {"a": "athlete", "mon/a": "largest", "fri/a": "athlete"}
    with pytest.raises(ValueError, match=r"several .*out/fri/a, \S*out/mon/a\. .*`out`"):
        extract_videos(same, out, **both("largest"))
    assert extract_videos(same, out / "fri", **both("largest")).written == (out / "fri" / "a",)
    (out / "mon" / "a" / "recording.json").write_text("{")
    assert extract_videos(same, out, **both("longest")).written == (out / "fri" / "a",)


@pytest.mark.parametrize("left", [("new", "old"), ("old",)])
def test_a_killed_replacing_is_gone_on_with_in_its_folder(tmp_path, left):
    out = tmp_path / "out"
    video = make_video(tmp_path / "days" / "mon" / "a.mp4", frames=3)
    extract_videos(tmp_path / "days", out, **both())
    part = out / "mon" / ".a.part"
    for name in left:
        shutil.copytree(out / "mon" / "a", part / name)
    shutil.rmtree(out / "mon" / "a")
    options = both("largest")
    del options["progress"]
    (planned,) = plan_videos(video, out, **options).videos
    assert planned.folder == out / "mon" / "a"
    assert extract_videos(video, out, **both("largest")).written == (out / "mon" / "a",)
    assert places(out) == {"mon/a": "largest"}


def test_another_file_of_the_same_name_is_noticed(tmp_path):
    out = tmp_path / "out"
    make_video(tmp_path / "a.mp4", frames=3)
    extract_videos(tmp_path / "a.mp4", out, estimator=RedSpot(), follow=False, progress=False)
    make_video(tmp_path / "a.mp4", frames=5)
    with pytest.raises(ValueError, match=r"another file .*a\.mp4"):
        extract_videos(tmp_path / "a.mp4", out, estimator=RedSpot(), follow=False, progress=False)
    result = extract_videos(
        tmp_path / "a.mp4", out, estimator=RedSpot(), follow=False, progress=False, overwrite="changed"
    )
    assert len(result.written) == 1 and len(read_recording(out / "a")) == 5
    again = extract_videos(
        tmp_path / "a.mp4", out, estimator=RedSpot(), follow=False, progress=False, overwrite="changed"
    )
    assert len(again.skipped) == 1


@pytest.mark.parametrize("people", [{}, {"0": {"fps": 30}}])
def test_a_recording_json_that_says_little_is_not_taken_for_finished(tmp_path, people):
    video = make_video(tmp_path / "a.mp4", frames=3)
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "recording.json").write_text(json.dumps({"format": 1, "people": people}))
    with pytest.raises(ValueError, match=r"unknown .*a\.mp4"):
        extract_videos(video, tmp_path / "out", estimator=RedSpot(), follow=False, progress=False)


def test_overwriting_takes_away_the_people_of_before_and_nothing_else(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=3)
    pair = seeing(lambda number: np.stack([body(40, 30), body(120, 40)]))
    both = {"people": "all", "follow": False, "progress": False}
    extract_videos(video, tmp_path / "out", estimator=pair, **both)
    assert len(read_recordings(tmp_path / "out")) == 2
    for mine in ("notes.txt", "marks-of-the-judges.csv"):
        (tmp_path / "out" / "a" / mine).write_text("mine")
    extract_videos(
        video, tmp_path / "out", estimator=RedSpot(), overwrite="always", follow=False, progress=False
    )
    ours = [f"a.mp4-{frame}-0.csv" for frame in range(3)]
    assert file_names(tmp_path / "out") == [*ours, "marks-of-the-judges.csv", "notes.txt", "recording.json"]
    (tmp_path / "out" / "a" / "marks-of-the-judges.csv").unlink()  # readers refuse tables they do not know
    assert [r.person for r in read_recordings(tmp_path / "out")] == [0]


def test_csv_files_of_others_are_not_taken_for_an_unfinished_recording(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=3)
    theirs = tmp_path / "out" / "a" / "a.mov-1-0.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("x,y,c\n")
    with pytest.raises(ValueError, match=r"out/a: .*without recording\.json"):
        extract_videos(video, tmp_path / "out", estimator=RedSpot(), follow=False, progress=False)
    assert theirs.exists()


def test_progress(tmp_path, capsys):
    for name in "ab":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=3)
    pytest.importorskip("tqdm")
    extract_videos(tmp_path / "in", tmp_path / "out", estimator=RedSpot(), follow=False)
    assert "2/2" in capsys.readouterr().err
    extract_videos(tmp_path / "in", tmp_path / "out2", estimator=RedSpot(), follow=False, progress=False)
    assert capsys.readouterr() == ("", "")


def test_progress_without_tqdm_is_plain_lines(tmp_path, capsys, monkeypatch):
    for name in "ac":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=3)
    (tmp_path / "in" / "b.mp4").touch()
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.warns(ExtractionWarning, match=r"1 of 3"):
        extract_videos(tmp_path / "in", tmp_path / "out", estimator=RedSpot(), follow=False)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "1/3 a.mp4: 1 person, seen in 3 of 3 frames by red spot 1"
    assert second.startswith("2/3 ") and "b.mp4: ValueError" in second and third.startswith("3/3 c.mp4")
    extract_video(tmp_path / "in" / "a.mp4", estimator=RedSpot(), follow=False)
    assert capsys.readouterr().out == "a.mp4: 1 person, seen in 3 of 3 frames by red spot 1\n"


# --- killed -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@linux
def test_killed_at_twenty_points_and_started_again_the_tree_is_the_same(videos, tmp_path):
    code = (
        KILLING
        + """
import json, random
from pathlib import Path
videos, root = sys.argv[1:]
status, total, _ = run(videos, root + "/undisturbed")
assert status == 0
done = []
for number, last in enumerate([*sorted(random.Random(0).sample(range(total), 20)), total - 1]):
    out = f"{root}/{number}"
    killed = run(videos, out, last)[0]
    finished = len(list(Path(out).rglob("recording.json"))) - len(list(Path(out).rglob(".*/**/recording.json")))
    done.append([killed, finished, *run(videos, out)])
print(json.dumps([total, done]))
"""
    )
    total, done = json.loads(answer(code, videos, tmp_path))
    assert total > 60
    expected = tree(tmp_path / "undisturbed")
    assert len([name for name in expected if name.endswith(".csv")]) == len(NAMES) * FRAMES
    assert not [name for name in expected if "/." in f"/{name}"]
    for number, (killed, finished, status, _, estimates) in enumerate(done):
        assert (killed, status) == (signal.SIGKILL, 0)
        assert estimates == FRAMES * (len(NAMES) - finished)  # nothing finished is repeated
        assert tree(tmp_path / str(number)) == expected
    assert {finished for _, finished, *_ in done} == {0, 1, 2, 3}


@pytest.mark.slow
@linux
def test_killed_while_replacing_nothing_is_lost(videos, tmp_path):
    """Not the file of the user's that lies in the folder either."""
    code = (
        KILLING
        + """
import random
from pathlib import Path
video, root = sys.argv[1:]
def prepare(name):
    assert run(video, f"{root}/{name}", fps=50)[0] == 0
    Path(root, name, "c", "notes.txt").write_text("mine")
    Path(root, name, "c", "sub").mkdir()
    return f"{root}/{name}"
status, total, _ = run(video, prepare("undisturbed"), overwrite="changed")
assert status == 0
last = range(total // 3, total)
for number in sorted(random.Random(1).sample(last, 20)):
    out = prepare(str(number))
    assert run(video, out, number, overwrite="changed")[0] == signal.SIGKILL
    assert run(video, out, overwrite="changed")[0] == 0
"""
    )
    answer(code, videos / "more" / "c.mp4", tmp_path)
    expected = tree(tmp_path / "undisturbed")
    assert expected["c/notes.txt"] == b"mine" and "c/sub" in expected
    assert json.loads(expected["c/recording.json"])["people"]["0"]["fps"] == 25
    assert [tree(out) == expected for out in tmp_path.iterdir()] == [True] * 21


BATCH = (
    QUICK
    + """
videos, out, workers, rest = sys.argv[1:]
Quick.rest = float(rest)
extract.extract_videos(videos, out, estimator=Quick(), follow=False, workers=eval(workers))
"""
)


@pytest.mark.slow
@linux
def test_two_workers_killed_and_started_again(videos, tmp_path):
    answer(BATCH, videos, tmp_path / "one", 1, 0)
    killed = python(BATCH, videos, tmp_path / "two", 2, 0.2, start_new_session=True)
    until(lambda: list((tmp_path / "two").glob(".*.part/lock")))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    until(lambda: not alive(killed.pid))
    assert list((tmp_path / "two").glob(".*.part"))
    told = python(BATCH, videos, tmp_path / "two", 2, 0).communicate(timeout=60)[1]
    assert "3/3" in told and "c.mp4: 1 person, seen in 4 of 4 frames" in told
    assert re.search(r"\d+ frames, [\d.e+]+ frames/s", told)
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


@pytest.mark.slow
@linux
@pytest.mark.parametrize("whom", ["the parent", "everybody"])
def test_an_interruption_with_workers_stops_them_all(tmp_path, whom):
    make_video(tmp_path / "in" / "a.avi", frames=2, size=(1280, 720))  # the largest file is the first
    for name in "bcdef":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=60)
    out = tmp_path / "out"
    process = python(BATCH, tmp_path / "in", out, 2, 0.1, start_new_session=True)
    until((out / "a").exists)
    begun = time.monotonic()
    os.kill(process.pid if whom == "the parent" else -process.pid, signal.SIGINT)
    err = process.communicate(timeout=30)[1]
    assert time.monotonic() - begun < 4  # a video takes 6 seconds
    assert "KeyboardInterrupt" in err
    until(lambda: not alive(process.pid), 5)
    assert [path.name for path in out.iterdir()] == ["a"]


# --- several at once ----------------------------------------------------------------------------------------


def test_workers_do_what_one_process_does(videos, tmp_path):
    one = extract_videos(videos, tmp_path / "one", estimator=RedSpot(), follow=False, progress=False)
    two = extract_videos(
        videos, tmp_path / "two", estimator=RedSpot(), follow=False, progress=False, workers=2
    )
    assert [path.relative_to(tmp_path / "two") for path in two.written] == [
        path.relative_to(tmp_path / "one") for path in one.written
    ]
    assert tree(tmp_path / "two") == tree(tmp_path / "one")
    joblibs = "A worker stopped while some jobs were given to the executor."  # an error would end its thread
    warnings.warn(joblibs, UserWarning, stacklevel=1)
    again = extract_videos(
        videos, tmp_path / "two", estimator=RedSpot(), follow=False, progress=False, workers=2
    )
    assert again == Extraction((), tuple(sorted(two.written)), {})


class Started(RedSpot):
    """Its confidence tells the process, and how often an estimator was started in it."""

    name = "started 1"
    started = 0

    def __setstate__(self, state):
        Started.started += 1
        self.__dict__ = state

    def __call__(self, frame):
        import cv2

        people = super().__call__(frame)
        people[0, 18] = os.getpid(), cv2.getNumThreads(), Started.started / 100
        return people


def test_a_worker_keeps_its_estimator_and_one_thread(tmp_path):
    for name in "abcdef":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=3)
    extract_videos(
        tmp_path / "in", tmp_path / "out", estimator=Started(), follow=False, progress=False, workers=2
    )
    told = np.array([recording.keypoints[0, 18] for recording in read_recordings(tmp_path / "out")])
    assert os.getpid() not in told[:, 0] and len(set(told[:, 0])) <= 2
    np.testing.assert_allclose(told[:, 1:], [[1, 0.01]] * 6)


class Fatal(RedSpot):
    """Ends its process at a bright picture, as a decoder's or a driver's crash does."""

    name = "fatal 1"

    def __call__(self, frame):
        if frame.mean() > 100:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(frame)


def bright(path: Path) -> Path:
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (160, 120))
    for _ in range(3):
        writer.write(np.full((120, 160, 3), 255, np.uint8))
    writer.release()
    return path


def test_what_workers_warn_of_and_fail_at_comes_home(tmp_path):
    for name in "acd":
        make_video(tmp_path / "in" / f"{name}.avi", frames=20)
    cut = tmp_path / "in" / "a.avi"
    cut.write_bytes(cut.read_bytes()[:-9000])
    (tmp_path / "in" / "b.mp4").write_text("hello")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = extract_videos(
            tmp_path / "in", tmp_path / "out", estimator=RedSpot(), follow=False, progress=False, workers=2
        )
    told = {entry.category: str(entry.message) for entry in caught}
    assert re.search(r"a\.avi: \d+ of 20 frames could be read", told[VideoWarning])
    assert "1 of 4 videos could not be extracted" in told[ExtractionWarning]
    assert [path.name for path in result.written] == ["a", "c", "d"]
    assert [path.name for path in result.failed] == ["b.mp4"]
    assert "holds no video" in result.failed[tmp_path / "in" / "b.mp4"]


@pytest.mark.slow
def test_a_video_that_ends_its_worker_does_not_stop_the_others(tmp_path):
    for name in "abce":
        make_video(tmp_path / "in" / f"{name}.avi", frames=20)
    bright(tmp_path / "in" / "d.mp4")
    with pytest.warns(ExtractionWarning, match=r"(?s)1 of 5 .*d\.mp4: Terminated"):
        result = extract_videos(
            tmp_path / "in", tmp_path / "out", estimator=Fatal(), follow=False, progress=False, workers=2
        )
    assert [path.name for path in result.failed] == ["d.mp4"]
    done = sorted(
        [*result.written, *result.skipped]
    )  # finished in the moment of the crash: who knows by whom
    assert [path.name for path in done] == ["a", "b", "c", "e"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b", "c", "e"]


def test_what_cannot_be_sent_to_workers(videos, tmp_path):
    spot = RedSpot()
    spot.lock = threading.Lock()
    with pytest.raises(TypeError, match=r"red spot 1 .*workers=1"):
        extract_videos(videos, tmp_path / "out", estimator=spot, follow=False, progress=False, workers=2)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    for workers in (0, -1, True, 1.5, "2"):
        with pytest.raises(ValueError, match=f"`workers` .*got {workers!r}"):
            extract_videos(videos, tmp_path / "out", estimator=RedSpot(), workers=workers)


class Remembering:
    """An estimator that remembers its number, and is reset once."""

    were_reset: ClassVar[list[int]] = []

    def __init__(self, number):
        self.name, self.number = "remembering", number

    def reset(self):
        self.were_reset.append(self.number)


def test_a_thread_keeps_its_estimator_until_another_one_comes(monkeypatch):
    def work(number):
        pickled = batch._pickle(ExtractionSettings(Remembering(number), follow=False))
        return batch._extract_in_worker(None, pickled, process_id(), "never", False)

    monkeypatch.setattr(batch, "_kept", threading.local())
    monkeypatch.setattr(batch, "_extract", lambda planned, settings, *_, **__: settings.estimator)
    kept = work(1)
    assert kept.number == 1 and work(1) is kept and Remembering.were_reset == []
    assert work(2).number == 2 and Remembering.were_reset == [1]


def test_joblibs_context_says_where(videos, tmp_path):
    import joblib

    spot = RedSpot()
    with joblib.parallel_config(backend="threading", n_jobs=2):  # an estimator each
        extract_videos(videos, tmp_path / "threads", estimator=spot, follow=False, progress=False)
    assert spot.frames == 0
    with joblib.parallel_config(backend="threading", n_jobs=1):
        extract_videos(videos, tmp_path / "single", estimator=spot, follow=False, progress=False)
    assert spot.frames == len(NAMES) * FRAMES
    assert tree(tmp_path / "threads") == tree(tmp_path / "single")


@pytest.mark.slow
def test_a_backend_that_gives_its_results_at_the_end(videos, tmp_path):
    """So does joblib's multiprocessing, of whose kind Ray's is; in a process of its own, as it forks."""
    code = (
        QUICK
        + """
import joblib
with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
    result = extract.extract_videos(sys.argv[1], sys.argv[2], estimator=Quick(), follow=False, progress=False)
print(len(result.written))
"""
    )
    assert answer(code, videos, tmp_path / "two") == "3\n"
    answer(BATCH, videos, tmp_path / "one", 1, 0)
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


DASK = (
    QUICK
    + """
import joblib
from dask.distributed import Client, LocalCluster

class Telling(Quick):
    def __call__(self, frame):
        with open(sys.argv[2] + "-" + str(os.getpid()), "a") as file:
            file.write("x")
        time.sleep(0.02)
        return super().__call__(frame)

if __name__ == "__main__":
    with LocalCluster(n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster), joblib.parallel_config(backend="dask"):
            result = extract.extract_videos(sys.argv[1], sys.argv[2], estimator=Telling(), follow=False)
    print(len(result.written), os.getpid())
"""
)


@pytest.mark.slow
def test_the_same_call_on_a_dask_cluster(videos, tmp_path):
    pytest.importorskip("distributed")
    script = tmp_path / "script.py"  # its workers read it again
    script.write_text(DASK)
    done = subprocess.run(
        [sys.executable, script, videos, tmp_path / "two"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    written, home = done.stdout.split()
    assert written == "3"
    places = {path.name.removeprefix("two-"): path.stat().st_size for path in tmp_path.glob("two-*")}
    assert len(places) == 2 and home not in places and sum(places.values()) == len(NAMES) * FRAMES
    answer(BATCH, videos, tmp_path / "one", 1, 0)
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


@pytest.mark.slow
@linux
def test_two_runs_share_the_work(tmp_path):
    for name in "abcdef":
        make_video(tmp_path / "in" / f"{name}.mp4", frames=8)
    runs = [python(BATCH, tmp_path / "in", tmp_path / "out", None, 0.03) for _ in range(2)]
    told = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    extracted = [len(re.findall("1 person, seen in 8 of 8 frames", text)) for text in told]
    assert sum(extracted) == 6 and min(extracted) >= 1
    answer(BATCH, tmp_path / "in", tmp_path / "one", 1, 0)
    assert tree(tmp_path / "out") == tree(tmp_path / "one")


def test_who_has_claimed_a_folder_is_left_alone(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=3)
    folder = tmp_path / "out" / "a"
    with lock_folder(folder) as mine, lock_folder(folder) as yours:
        assert mine and not yours
        half = folder.parent / ".a.part" / "making"
        half.mkdir()
        remove_leftovers(folder)
        assert half.exists()
    assert not folder.parent.joinpath(".a.part").exists()
    half.mkdir(parents=True)  # what a killed run leaves is nobody's
    result = extract_videos(video, tmp_path / "out", estimator=RedSpot(), follow=False, progress=False)
    assert [path.name for path in folder.parent.iterdir()] == ["a"] and result.written == (folder,)


def test_an_interrupted_replacement_keeps_the_files_of_others(tmp_path, monkeypatch):
    people = [Recording(np.ones((2, 25, 3)), sample="a", video="a.mp4")]
    folder = tmp_path / "a"
    with lock_folder(folder):
        publish(people, folder)
    (folder / "notes.txt").write_text("mine")
    rename = Path.rename

    def interrupt(self, target):
        done = rename(self, target)
        if Path(target).name == "old":
            monkeypatch.undo()
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt), lock_folder(folder):
        publish([Recording(np.ones((1, 25, 3)), sample="a", video="a.mp4")], folder)
    assert sorted(tree(tmp_path)) == ["a", "a/a.mp4-0-0.csv", "a/notes.txt", "a/recording.json"]


# --- the plan -----------------------------------------------------------------------------------------------


def test_a_dry_run_touches_nothing_and_tells_all(videos, tmp_path):
    out = tmp_path / "out"
    spot = RedSpot()
    options = {"estimator": spot, "follow": False, "progress": False}
    planning = {"estimator": spot, "follow": False}
    plan = plan_videos(videos, out, **planning)
    assert not out.exists() and spot.frames == 0
    size = (videos / "a.mp4").stat().st_size
    lines = str(plan).splitlines()
    assert lines[0] == f"extract {videos / 'a.mp4'} -> {out / 'a'} (4 frames, {size / 1e6:.1f} MB)"
    assert re.fullmatch(r"3 to extract; work: 12 frames, 0\.\d MB", lines[-1])
    extract_videos(videos / "a.mp4", out, **options)
    extract_videos(videos / "b.avi", out, **{**options, "fps": 50})
    theirs = out / "more" / "c" / "c.mov-1-0.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("x,y,c\n")
    left = out / ".a.part" / "making"
    left.mkdir(parents=True)
    (tmp_path / "d.mp4").write_text("hello")
    before = tree(tmp_path)
    everything = [videos, tmp_path / "d.mp4"]
    plan = plan_videos(everything, out, **planning)
    assert tree(tmp_path) == before
    assert [plan.action(one) for one in plan.videos] == ["keep", "refuse", "refuse", "fail"]
    assert "extracted at 50" in str(plan) and "without recording.json" in str(plan)
    assert str(plan).endswith("1 to keep, 2 to refuse, 1 to fail; work: 0 frames, 0.0 MB")
    changed = plan_videos(everything, out, overwrite="changed", **planning)
    assert [changed.action(one) for one in changed.videos] == ["keep", "redo", "refuse", "fail"]
    again = plan_videos(everything, out, overwrite="always", **planning)
    assert [again.action(one) for one in again.videos] == ["redo", "redo", "redo", "fail"]


# --- memory -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(tmp_path):
    pytest.importorskip("resource")
    for name, frames in (("short", 40), ("long", 400)):
        make_video(tmp_path / f"{name}.mp4", frames=frames, size=(640, 480))
    code = (
        QUICK
        + """
import resource
for name in ("short", "long"):
    extract.extract_videos(f"{sys.argv[1]}/{name}.mp4", sys.argv[1] + "/out", estimator=Quick(), progress=False, follow=False)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    )
    short, long = (
        int(peak) * (1 if sys.platform == "darwin" else 1024) for peak in answer(code, tmp_path).split()
    )
    one_frame = 640 * 480 * 3
    assert long - short < 30 * one_frame  # 360 more were read
