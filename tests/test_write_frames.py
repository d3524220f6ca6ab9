"""Videos that are written, read back."""

import builtins
import subprocess
import sys

import numpy as np
import pytest
from helpers.overlays import grey
from PIL import Image

from gymskel.video import CodecWarning, read_frames, write_frames
from gymskel.video import write as video

cv2 = pytest.importorskip("cv2")


@pytest.mark.parametrize("size", [(160, 120), (161, 121), (33, 50)])
@pytest.mark.parametrize("fps", [25, 30000 / 1001, 6.25, 240])
def test_what_is_written_reads_back(tmp_path, size, fps, h264):
    check_round_trip(tmp_path, size, fps, "H.264")


@pytest.mark.parametrize("size", [(160, 120), (161, 121), (33, 50)])
@pytest.mark.parametrize("fps", [25, 30000 / 1001, 6.25, 240])
def test_what_opencv_writes_reads_back(tmp_path, size, fps, without_ffmpeg):
    with pytest.warns(CodecWarning, match=r"ü 1\.mp4.*imageio-ffmpeg"):
        check_round_trip(tmp_path, size, fps, "MPEG-4")


def check_round_trip(tmp_path, size, fps, codec):
    path = tmp_path / "new folder" / "ü 1.mp4"
    with write_frames(path, fps=fps, size=size) as new:
        for level in range(0, 240, 20):
            new.write(np.full((size[1], size[0], 3), (level, 128, 255 - level), np.uint8))
            assert not path.exists()
        assert (new.codec, new.count) == (codec, 12)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with read_frames(path) as frames:
        assert frames.image_size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert frames.count == 12 and frames.fps == pytest.approx(fps, rel=1e-3)
        read = list(frames)
    assert len(read) == 12
    for level, picture in zip(range(0, 240, 20), read, strict=True):
        assert np.abs(picture.mean(axis=(0, 1)) - (level, 128, 255 - level)).max() < 8
        assert np.abs(picture[:, -1].astype(int) - picture[:, 0]).max() < 12  # no black edge where it was odd


def test_h264_is_what_browsers_play(tmp_path, h264):
    path = tmp_path / "a.mp4"
    with write_frames(path, fps=25, size=(64, 48)) as new:
        new.write(grey(64, 48))
        new.write(grey(64, 48))
    data = path.read_bytes()
    assert b"avc1" in data and data.index(b"moov") < data.index(b"mdat")  # plays before it is all there


def test_a_gif_reads_back(tmp_path):
    path = tmp_path / "a.gif"
    with write_frames(path, fps=15, size=(33, 21)) as new:
        for level in range(0, 240, 8):
            new.write(np.full((21, 33, 3), (level, 0, 255), np.uint8))
        assert new.codec == "GIF"
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (30, (33, 21), 0)
        durations = []
        for number in range(30):
            gif.seek(number)
            durations.append(gif.info["duration"])
            assert np.abs(np.subtract(gif.convert("RGB").getpixel((5, 5)), (255, 0, 8 * number))).max() < 8
    assert set(durations) == {60, 70} and sum(durations) == 2000


def test_a_failed_video_leaves_nothing(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    for error in (RuntimeError("mine"), KeyboardInterrupt()):
        with pytest.raises(type(error)), write_frames(path, fps=25, size=(64, 48)) as new:
            new.write(grey(64, 48))
            raise error
        assert path.read_bytes() == b"older" and len(list(tmp_path.iterdir())) == 1


def test_write_frames_refuses(tmp_path, h264):
    with (
        pytest.raises(ValueError, match=r"a\.avi.*'\.avi'"),
        write_frames(tmp_path / "a.avi", fps=25, size=(9, 9)),
    ):
        pass
    for fps, size in ((0, (9, 9)), (np.nan, (9, 9)), (25, (0, 9))):
        with (
            pytest.raises(ValueError, match=r"a\.mp4.*above 0"),
            write_frames(tmp_path / "a.mp4", fps=fps, size=size),
        ):
            pass
    with (
        pytest.raises(ValueError, match=r"a\.mp4.*no frame"),
        write_frames(tmp_path / "a.mp4", fps=25, size=(64, 48)),
    ):
        pass
    for frame in (grey(48, 64), np.zeros((48, 64, 3))):
        with (
            pytest.raises(ValueError, match=r"\(48, 64, 3\) uint8"),
            write_frames(tmp_path / "a.mp4", fps=25, size=(64, 48)) as new,
        ):
            new.write(frame)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_dies_is_quoted(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('No space left on device')\n")
    program.chmod(0o755)
    if subprocess.run([program], capture_output=True).returncode != 1:
        pytest.skip("needs a shell that starts scripts")
    monkeypatch.setattr(video, "_ffmpeg", lambda: str(program))
    with (
        pytest.raises(OSError, match="No space left on device"),
        write_frames(tmp_path / "a.mp4", fps=25, size=(640, 480)) as new,
    ):
        for _ in range(50):
            new.write(grey(640, 480))
    assert [file.name for file in tmp_path.iterdir()] == ["ffmpeg"]


def test_a_file_that_does_not_read_back_is_told(tmp_path, monkeypatch, without_ffmpeg):
    """OpenCV says nothing when a disk is full."""
    real = cv2.VideoWriter

    class Full:
        def __init__(self, *given):
            self.writer = real(*given)

        def isOpened(self):
            return self.writer.isOpened()

        def write(self, frame):
            pass

        def release(self):
            self.writer.release()

    monkeypatch.setattr(cv2, "VideoWriter", Full)
    with (
        pytest.warns(CodecWarning),
        pytest.raises(OSError, match=r"a\.mp4.*disk"),
        write_frames(tmp_path / "a.mp4", fps=25, size=(64, 48)) as new,
    ):
        for _ in range(9):
            new.write(grey(64, 48))
    assert list(tmp_path.iterdir()) == []


def test_ffmpeg_is_looked_for_on_the_path_too(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "imageio_ffmpeg":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(video.shutil, "which", lambda name: f"/nowhere/{name}")
    assert video._ffmpeg.__wrapped__() is None  # named, but it does not start
    monkeypatch.setattr(video.shutil, "which", lambda name: None)
    assert video._ffmpeg.__wrapped__() is None
