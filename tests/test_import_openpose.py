"""`gymskel import-openpose`: a line a recording, and an exit status that tells."""

import os
from functools import partial

import pytest
from helpers.openpose_files import SIZE, alone, body, same, two, write

from gymskel.recording import read_recordings

__all__ = ["body"]  # a fixture


@pytest.fixture
def shell(shell, monkeypatch, tmp_path):
    """Runs `gymskel import-openpose ...` in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    return partial(shell, "import-openpose")


def test_a_folder(shell, tmp_path, body):
    write(tmp_path / "json", alone(body, 3))
    code, out, err = shell(
        "json", "-o", "csv", "--fps", 60, "--keypoint-scale", 3, "--image-size", "1920x1080"
    )
    assert (code, err) == (0, "")
    assert out.splitlines() == ["csv/backflip-1-s07: person 0, seen in 12 of 12 frames".replace("/", os.sep)]
    (one,) = read_recordings(tmp_path / "csv")
    assert (one.fps, one.image_size, one.activity) == (60, SIZE, "backflip")


def test_everybody(shell, tmp_path, body):
    write(tmp_path / "json", two(body)[1])
    code, out, _ = shell("json", "--fps", 30, "--people", "all")
    assert code == 0 and len(out.splitlines()) == 2
    assert len(read_recordings(tmp_path / "keypoints")) == 2
    assert shell("json", "-o", "near", "--fps", 30, "--people", "1300,600")[0] == 0
    assert shell("json", "-o", "second", "--fps", 30, "--people", "1")[0] == 0
    near, second = (read_recordings(tmp_path / name)[0] for name in ("near", "second"))
    assert near.history[0]["people"] == [1300, 600] and second.history[0]["people"] == 1


def test_sizes_and_layouts(shell, tmp_path, body):
    half = body.copy()
    half[..., :2] /= 2
    write(tmp_path / "json", alone(half))
    scaled = ("--keypoint-scale", 2, "--image-size", "1921X1081", "--written-size", "961x541")
    assert shell("json", "-o", "csv", *scaled)[0] == 0
    same(read_recordings(tmp_path / "csv")[0].keypoints, body)
    code, _, err = shell("json", "-o", "other", "--model-pose", "COCO")
    assert code == 1 and "25 points a person for model_pose='COCO'" in err


def test_some_fail_the_rest_is_done(shell, tmp_path, body):
    write(tmp_path / "a", alone(body), stem="a-1-x")
    write(tmp_path / "b", alone(body, 3), stem="b-1-x")
    write(tmp_path / "c", alone(body), stem="c-1-x")
    (tmp_path / "c" / "c-1-x_000000000004_keypoints.json").unlink()
    (tmp_path / "d").mkdir()
    code, out, err = shell("a", "b", "c", "d", "--fps", 30)
    assert code == 1
    assert len(out.splitlines()) == 2
    told = err.splitlines()
    assert len(told) == 3 and all(line.startswith("! ") for line in told)
    assert "give keypoint_scale=3" in told[0] and "no file for 1 of 12 frames (4)" in told[1]
    assert "d holds no OpenPose JSON" in told[2]
    assert [one.name for one in read_recordings(tmp_path / "keypoints")] == ["a-1-x", "c-1-x"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--keypoint-scale", 3), "needs image_size"),
        (("--image-size", "1920"), "`--image-size` must be WIDTHxHEIGHT"),
        (("--people", "1,b"), "`--people` must be a word, a number or X,Y"),
        (("--keypoint-scale", 7), "must be 0, 1, 2, 3 or 4"),
        (("--people", "tallest"), "people"),
    ],
)
def test_wrong_options_end_in_a_line(shell, tmp_path, body, options, told):
    write(tmp_path / "json", alone(body))
    code, out, err = shell("json", *options)
    assert (code, out) == (1, "")
    assert told in err and "Traceback" not in err


def test_no_such_folder(shell):
    code, _, err = shell("nowhere")
    assert code == 1 and err == "gymskel: No folder or file nowhere.\n"
