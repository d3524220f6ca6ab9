"""Overlays of a folder of videos, and the command."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.overlays import drifting, unseen
from helpers.videos import make_video
from typer.testing import CliRunner

from gymskel import overlay
from gymskel.overlay import write_overlays
from gymskel.overlay.batch import _read_from_zip
from gymskel.recording import write_recording

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Three videos and the keypoints of two, one of them with two people."""
    for name in ("a.mp4", "deeper/b.mp4", "c.mp4"):
        make_video(tmp_path / "videos" / name, frames=12)
    write_recording(drifting(video="a.mp4", sample="a"), tmp_path / "keypoints")
    for person in (0, 1):
        write_recording(drifting(video="b.mp4", sample="b", person=person), tmp_path / "keypoints" / "deeper")
    return tmp_path / "videos", tmp_path / "keypoints"


def files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("kind", "names"),
    [("gif", ["a.gif", "deeper/b.gif"]), ("png", ["a.png", "deeper/b-person0.png", "deeper/b-person1.png"])],
)
def test_a_folder_of_videos(tmp_path, folders, kind, names):
    out = tmp_path / "drawn"
    for _ in range(2):
        done = write_overlays(*folders, out, output_format=kind, progress=False)
        assert files(out) == names
        assert sorted(path.relative_to(out).as_posix() for path in done.written) == names
        assert list(done.failed) == [folders[0] / "c.mp4"]
        assert "No keypoints of c.mp4" in done.failed[folders[0] / "c.mp4"]


def test_a_bar_counts_the_videos(tmp_path, folders, capsys):
    write_overlays(*folders, tmp_path / "drawn", output_format="gif")
    assert "/3 [" in (shown := capsys.readouterr().err) and "video" in shown
    write_overlays(folders[0] / "a.mp4", folders[1], tmp_path / "a.gif")
    assert "video" not in capsys.readouterr().err  # one over its frames is enough


def test_a_zip_with_two_videos_of_one_name(tmp_path):
    """Nobody can tell whose keypoints are whose: neither are drawn."""
    for move in ("flip", "jump"):
        one = replace(drifting(video="IMG_1.mp4", sample="IMG_1"), activity=move)
        write_recording(one, tmp_path / "keypoints" / move)
    path = Path(shutil.make_archive(str(tmp_path / "keypoints"), "zip", tmp_path / "keypoints"))
    with pytest.raises(ValueError, match=r"keypoints\.zip.*called IMG_1\b"):
        _read_from_zip(tmp_path / "videos" / "IMG_1.mp4", path)


def test_what_is_drawn_is_no_video_to_draw_over(folders):
    videos, keypoints = folders
    (videos / "c.mp4").unlink()
    for _ in range(2):
        done = write_overlays(videos, keypoints, videos / "drawn", output_format="gif", progress=False)
        assert len(done.written) == 2 and not done.failed
    make_video(videos / "drawn" / "a.mp4")
    assert (
        len(write_overlays(videos, keypoints, videos / "drawn", output_format="gif", progress=False).written)
        == 2
    )


def test_where_keypoints_are_looked_for(tmp_path, folders):
    videos, keypoints = folders
    a, b = videos / "a.mp4", videos / "deeper" / "b.mp4"
    out = tmp_path / "x.gif"
    for given in (keypoints, keypoints / "a"):
        assert write_overlays(a, given, out, progress=False).written == (out,)
    assert write_overlays(b, keypoints, out, person=1, progress=False).written == (out,)  # found further down
    archive = tmp_path / "all.zip"
    import shutil

    shutil.make_archive(str(archive.with_suffix("")), "zip", keypoints)
    assert write_overlays(a, archive, out, progress=False).written == (out,)
    with pytest.raises(FileNotFoundError, match=r"c\.mp4.*all\.zip"):
        write_overlays(videos / "c.mp4", archive, out, progress=False)
    with pytest.raises(FileNotFoundError, match=r"c\.mp4.*gymskel extract c\.mp4 -o keypoints"):
        write_overlays(videos / "c.mp4", keypoints, out, progress=False)
    with pytest.raises(ValueError, match=r"person 5 of b\.mp4.*0, 1"):
        write_overlays(b, keypoints, out, person=5, progress=False)
    with pytest.raises(FileNotFoundError, match=r"folder.*nowhere"):
        write_overlays(a, tmp_path / "nowhere", out, progress=False)
    write_recording(drifting(video="b.mp4", sample="b"), keypoints / "again")
    with pytest.raises(ValueError, match=r"b\.mp4.*again.*deeper"):
        write_overlays(b, keypoints, out, progress=False)
    assert (
        len(write_overlays(videos, keypoints, tmp_path / "d", output_format="gif", progress=False).written)
        == 2
    )


def test_one_person_counts_frames_as_everybody_does(tmp_path, clip):
    """A tree that says nothing counts from 0 if anybody has a frame 0, also where only another one is drawn."""
    folder = tmp_path / "kp" / "clip"
    write_recording(drifting(12), tmp_path / "kp")
    write_recording(unseen(drifting(12, person=1), slice(0, 4)), tmp_path / "kp")
    (folder / "recording.json").unlink()
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gymskel.overlay.batch.write_overlay", lambda *given, **options: seen.append(options))
        write_overlays(clip, folder, tmp_path / "a.gif", person=1, progress=False)
    assert seen[0]["counts_from"] == 0


def test_options_that_do_not_go_together(tmp_path, folders):
    videos, keypoints = folders
    a = videos / "a.mp4"
    for message, given, options in (
        ("`slow`.*contact sheet", (a, keypoints, "a.png"), {"slow": 2.0}),
        ("`frames`.*contact sheets.*mp4", (a, keypoints, "a.mp4"), {"frames": 9}),
        ("`seconds`.*contact sheets.*gif", (a, keypoints, "a.gif"), {"seconds": 1.0}),
        ("`output_format`.*'webm'", (a, keypoints, "out"), {"output_format": "webm"}),
        (r"a\.gif.*'png'", (a, keypoints, "a.gif"), {"output_format": "png"}),
        (r"a\.gif.*folder", (videos, keypoints, "a.gif"), {}),
    ):
        with pytest.raises(ValueError, match=message):
            write_overlays(*given, **options)
    make_video(videos / "a.avi", frames=12)
    with pytest.raises(ValueError, match=r"a\.avi.*a\.mp4.*a\.gif"):
        write_overlays(videos, keypoints, tmp_path / "out", output_format="gif")


def test_shell(tmp_path, folders):
    from gymskel import cli

    videos, keypoints = folders

    def shell(*arguments):
        return CliRunner().invoke(cli.app, ["overlay", *map(str, arguments)])

    done = shell(videos / "a.mp4", keypoints, "-o", tmp_path / "a.gif", "--slow", 2)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [str(tmp_path / "a.gif")]
    done = shell(
        videos / "a.mp4", keypoints, "-o", tmp_path / "a.png", "--frames", 6, "--seconds", 0.3, "--fps", 50
    )
    assert done.exit_code == 0 and (tmp_path / "a.png").is_file()
    done = shell(videos, keypoints, "-o", tmp_path / "out", "--kind", "gif", "--person", 1)
    assert done.exit_code == 1
    assert files(tmp_path / "out") == ["deeper/b.gif"]
    assert "holds no person 1 of a.mp4" in done.stderr and "No keypoints of c.mp4" in done.stderr


def test_shell_says_when_browsers_will_not_play_it(tmp_path, folders, without_ffmpeg):
    from gymskel import cli

    arguments = ["overlay", str(folders[0] / "a.mp4"), str(folders[1]), "-o", str(tmp_path / "a.mp4")]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0
    assert done.stderr.count("browsers do not play") == 1


def test_importing_it_is_light():
    script = "import sys, gymskel.overlay; print([n for n in ('cv2', 'matplotlib', 'PIL', 'tensorflow') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
    assert set(overlay.__all__) == {
        "OUTPUT_FORMATS",
        "Annotation",
        "OverlayResult",
        "draw_pose",
        "write_contact_sheet",
        "write_overlay",
        "write_overlays",
    }
