"""Made videos, and the ways in which a file can be no video."""

import re
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from helpers.videos import make_video, patch, uneven

from gymskel.video import VIDEO_SUFFIXES, VideoWarning, find_videos, read_frames

cv2 = pytest.importorskip("cv2")

SHARED = Path(__file__).parents[2] / "shared" / "media"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared")


def turned(mp4: bytes) -> bytes:
    """The same file, with the mark of a phone that was held upright (the matrix of the tkhd box)."""
    at = mp4.rfind(b"tkhd") + 4 + 40
    return mp4[:at] + struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30) + mp4[at + 36 :]


def as_av1(mp4: bytes) -> bytes:
    """The same file, said to be AV1: it opens, and no frame can be decoded."""
    at = mp4.rfind(b"mp4v")
    return (mp4[:at] + b"av01" + mp4[at + 4 :]).replace(b"esds", b"free")


@pytest.mark.parametrize("name", ["square.mp4", "square.avi", "SQUARE 1.MOV"])
def test_frames_of_a_made_video(tmp_path, name):
    with read_frames(make_video(tmp_path / name)) as frames:
        assert frames.image_size == (160, 120)
        assert frames.fps == 25 and frames.count == 30
        pictures = list(frames)
        assert list(frames) == []
    assert len(pictures) == 30
    for number, picture in enumerate(pictures):
        assert picture.shape == (120, 160, 3) and picture.dtype == np.uint8
        assert picture.flags.c_contiguous
        red = (picture[..., 2] > 128) & (picture[..., 0] < 100)
        assert np.argwhere(red).mean(axis=0) == pytest.approx([29.5, 19.5 + 2 * number], abs=1)
    np.testing.assert_allclose(frames.timestamps, np.arange(30) / 25, atol=1e-3)
    assert not frames.has_variable_rate


def test_fps_can_be_overridden(tmp_path):
    video = make_video(tmp_path / "a.mp4")
    with read_frames(video, fps=240) as frames:
        assert frames.fps == 240
    for fps in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"`fps` .*got {fps}"):
            read_frames(video, fps=fps)


def test_a_closed_video_ends_without_a_warning(tmp_path):
    with read_frames(make_video(tmp_path / "a.mp4")) as frames:
        next(frames)
    assert list(frames) == []
    assert len(frames.timestamps) == 1


def test_phone_videos_are_turned_upright(tmp_path):
    with read_frames(patch(make_video(tmp_path / "a.mp4"), turned)) as frames:
        assert frames.image_size == (120, 160)
        picture = next(frames)
    assert picture.shape == (160, 120, 3)
    red = np.argwhere(picture[..., 2] > 128).mean(axis=0)  # turned by 90 degrees clockwise
    assert red == pytest.approx([19.5, 119 - 29.5], abs=1)


def test_variable_frame_rate(tmp_path):
    runs = [(10, 512), (10, 1024), (10, 512)]
    with read_frames(patch(make_video(tmp_path / "a.mp4"), lambda b: uneven(b, runs))) as frames:
        assert len(list(frames)) == 30
    intervals = np.repeat([0.04, 0.08, 0.04], [10, 10, 9])
    np.testing.assert_allclose(np.diff(frames.timestamps), intervals, atol=1e-6)
    assert frames.has_variable_rate


def test_a_phone_clock_that_jitters_is_constant(tmp_path):
    runs = [(1, 512 + jitter) for jitter in [9, -9, 0] * 10]
    with read_frames(patch(make_video(tmp_path / "a.mp4"), lambda b: uneven(b, runs))) as frames:
        list(frames)
    assert not frames.has_variable_rate


def test_a_cut_file_warns_with_its_numbers(tmp_path):
    whole = make_video(tmp_path / "cut.avi")
    patch(whole, lambda data: data[: len(data) // 2])
    with read_frames(whole) as frames:
        read = 0
        with pytest.warns(VideoWarning, match=r"cut\.avi: \d+ of 30 frames could be read"):
            for _ in frames:
                read += 1
    assert 5 < read < 27


def sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))


def picture(path: Path) -> None:
    path.write_bytes(cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes())


BAD = {
    "missing": (lambda path: None, FileNotFoundError, r"No video .*clip\.mp4"),
    "folder": (
        lambda path: path.mkdir(),
        ValueError,
        "folder, not a video.*extract_videos",
    ),
    "empty": (lambda path: path.touch(), ValueError, r"is empty \(0 bytes\)"),
    "text": (
        lambda path: path.write_text("hello\n" * 99),
        ValueError,
        "no video .* ffmpeg -i 'clip.mp4'",
    ),
    "sound": (sound, ValueError, "no video .* sound only"),
    "picture": (picture, ValueError, "single picture"),
    "av1": (
        lambda path: patch(make_video(path), as_av1),
        ValueError,
        "(?i)av01.* mkdir h264; ffmpeg",
    ),
    "half an mp4": (
        lambda path: patch(make_video(path), lambda data: data[: len(data) // 2]),
        ValueError,
        "no video .* cut off",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_video_is_named(tmp_path, kind):
    make, error, message = BAD[kind]
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(error, match=message) as raised:
        read_frames(path)
    assert str(path) in str(raised.value)


def test_find_videos(tmp_path):
    names = ["b/x.MOV", "a/y.mp4", "z.avi", "a/deeper/w.webm"]
    hidden = ["._z.avi", ".trash/q.mp4", "a/notes.txt", "a/k.mov-0-0.csv"]
    for name in names + hidden:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.mp4").mkdir()
    assert find_videos(tmp_path) == sorted(tmp_path / name for name in names)
    assert find_videos(str(tmp_path / "a/notes.txt")) == [tmp_path / "a/notes.txt"]
    assert all(suffix == suffix.lower() for suffix in VIDEO_SUFFIXES)


def test_find_videos_refuses(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"{re.escape(str(tmp_path))}.*\.mov"):
        find_videos(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"folder .*nowhere"):
        find_videos(tmp_path / "nowhere")


@needs_shared
@pytest.mark.parametrize(
    ("name", "count", "size", "fps"),
    [
        pytest.param("people.avi", 205, (1280, 720), 50, marks=pytest.mark.slow),
        pytest.param("back-tuck.mp4", 120, (1920, 1080), 30, marks=pytest.mark.slow),
        ("parkour/kong-vault-1-p1.mp4", 23, (720, 576), 10),
    ],
)
def test_real_videos(name, count, size, fps):
    with read_frames(SHARED / name) as frames:
        assert (frames.image_size, frames.fps) == (size, fps)
        assert sum(1 for _ in frames) == count
    assert not frames.has_variable_rate
    np.testing.assert_allclose(frames.timestamps, np.arange(count) / fps, atol=1e-3)
