"""Files as phones, cameras and accidents make them: the right frames, or one clear message.

Each made picture shows its number as eight stripes, black or white, so that a frame that is lost, doubled or turned
shows itself. ffmpeg (imageio-ffmpeg's binary) makes what OpenCV cannot.
"""

import functools
import re
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from gymskel import extract
from gymskel.skeleton import BODY_25
from gymskel.video import VideoWarning, read_frames
from gymskel.video.container import describe_missing_bytes

cv2 = pytest.importorskip("cv2")
imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs imageio-ffmpeg (gymskel[test])")

FRAMES = 90
X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "25")
MJPEG = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")


def stripes(number: int, width: int = 160, height: int = 120) -> np.ndarray:
    """The lowest bit of the number is the leftmost stripe."""
    frame = np.zeros((height, width, 3), np.uint8)
    for bit in range(8):
        if number >> bit & 1:
            frame[:, bit * width // 8 : (bit + 1) * width // 8] = 255
    return frame


def number_of(frame: np.ndarray) -> int:
    height, width = frame.shape[:2]
    middle = frame[height // 4 : height * 3 // 4].mean(axis=(0, 2))
    centers = [int((bit + 0.5) * width / 8) for bit in range(8)]
    return sum(int(middle[center - 2 : center + 3].mean() > 127) << bit for bit, center in enumerate(centers))


def ffmpeg(*arguments: object, given: bytes | None = None) -> bytes:
    exe = imageio_ffmpeg.get_ffmpeg_exe()
    command = [exe, "-y", "-loglevel", "error", *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def make(path: Path, *how: object, frames: int = FRAMES, size=(160, 120), before: tuple = ()) -> Path:
    """A video of numbered frames, 25 a second; `before` are further inputs."""
    pictures = b"".join(stripes(number, *size).tobytes() for number in range(frames))
    raw = ("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size[0]}x{size[1]}", "-r", 25, "-i", "-")
    ffmpeg(*raw, *before, *how, path, given=pictures)
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def corrupt(path: Path, share: float, length: int = 40) -> Path:
    """Bytes in the middle overwritten, as by a bad sector."""
    data = bytearray(path.read_bytes())
    at = int(len(data) * share)
    data[at : at + length] = np.random.default_rng(1).bytes(length)
    path.write_bytes(data)
    return path


def read(path: Path) -> tuple[list[int], list[str], object]:
    """The numbers that were read, what was warned of, and the closed video."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with read_frames(path) as frames:
            numbers = [number_of(frame) for frame in frames]
    assert {entry.category for entry in caught} <= {VideoWarning}
    return numbers, [str(entry.message) for entry in caught], frames


# --- whole files: every frame, and not a word ---------------------------------------------------------------

WHOLE = {
    "x264.mp4": X264,
    "phone.MOV": X264,
    "streamed.mp4": (*X264, "-movflags", "+faststart"),
    "fragments.mp4": (*X264, "-movflags", "frag_keyframe+empty_moov"),
    "b.mkv": X264,
    "vp9.webm": ("-c:v", "libvpx-vp9", "-g", "25"),
    "camera.mts": (*X264, "-f", "mpegts"),
    "old.avi": MJPEG,
    "divx.avi": ("-c:v", "mpeg4", "-g", "25"),
    "animated.gif": (),
    "ein Rückwärtssalto, 後方宙返り 🤸.mp4": X264,
    "100%d #1 'quoted'.mp4": X264,
}


@functools.cache
def encoded(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return make(Path(folder, name), *WHOLE[name]).read_bytes()


def whole(path: Path) -> Path:
    """Write the whole video of that name; it is encoded once."""
    path.write_bytes(encoded(path.name))
    return path


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_gives_every_frame(tmp_path, name):
    numbers, told, frames = read(whole(tmp_path / name))
    assert (numbers, told) == (list(range(FRAMES)), [])
    assert (frames.fps, frames.count, frames.image_size) == (25, FRAMES, (160, 120))
    assert not frames.has_variable_rate and describe_missing_bytes(frames.path) is None
    np.testing.assert_allclose(frames.timestamps, np.arange(FRAMES) / 25, atol=2e-3)


def test_a_name_with_a_colon_is_no_protocol(tmp_path, monkeypatch):
    make(tmp_path / "a.mp4", *X264, frames=3).rename(tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    assert read(Path("12:30.mp4"))[:2] == ([0, 1, 2], [])


@pytest.mark.parametrize(
    ("name", "how"), [("a.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv444p")), ("a.avi", MJPEG)]
)
@pytest.mark.parametrize("size", [(101, 77), (33, 177)])
def test_odd_sizes(tmp_path, name, how, size):
    numbers, told, frames = read(make(tmp_path / name, *how, size=size, frames=20))
    assert (numbers, told, frames.image_size) == (list(range(20)), [], size)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_phone_held_any_way_gives_upright_frames(tmp_path, degrees):
    """The file says: turn by so many degrees counter-clockwise to show it."""
    flat = make(tmp_path / "flat.mp4", *X264)
    ffmpeg("-display_rotation:v:0", degrees, "-i", flat, "-c", "copy", tmp_path / "turned.mp4")
    with read_frames(tmp_path / "turned.mp4") as frames:
        pictures = list(frames)
    assert frames.image_size == ((160, 120) if degrees == 180 else (120, 160))
    assert [number_of(np.rot90(picture, -degrees // 90)) for picture in pictures] == list(range(FRAMES))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_varying_frame_rate_is_kept(tmp_path, suffix):
    slower = ("-vf", "setpts='if(lt(N,45),N,45+(N-45)*2)/25/TB'", "-fps_mode", "vfr", *X264)
    video = make(tmp_path / f"a.{suffix}", *slower)
    numbers, told, frames = read(video)
    assert (numbers, told) == (list(range(FRAMES)), [])
    assert frames.has_variable_rate
    np.testing.assert_allclose(
        np.diff(frames.timestamps)[[0, 20, 60, 80]], [0.04, 0.04, 0.08, 0.08], atol=2e-3
    )
    if suffix == "mp4":
        (recording,) = extract.extract_video(video, estimator=Brightness(), follow=False, progress=False)
        np.testing.assert_array_equal(recording.timestamps, frames.timestamps)


class Brightness:
    name = "brightness 1"
    skeleton = BODY_25

    def __call__(self, frame):
        person = np.full((1, 25, 3), 0.5, np.float32)
        person[0, :, :2] = np.arange(50).reshape(25, 2) * (1, 7) % (31, 43) + frame.mean() / 255
        return person


def test_a_trimmed_file_gives_what_was_left(tmp_path):
    """Phones trim without encoding anew: the frames are in the file, and an edit list hides them."""
    ffmpeg("-ss", 0.2, "-i", make(tmp_path / "a.mp4", *X264), "-c", "copy", tmp_path / "b.mp4")
    numbers, told, _ = read(tmp_path / "b.mp4")
    assert numbers == list(range(5, FRAMES)) and told == []


def test_sound_that_is_longer_than_the_picture(tmp_path):
    sine = ("-f", "lavfi", "-i", "sine=1000:duration=5")
    numbers, told, _ = read(make(tmp_path / "a.mp4", *X264, before=sine))
    assert (numbers, told) == (list(range(FRAMES)), [])
    numbers, (told,), _ = read(make(tmp_path / "a.mkv", *X264, before=sine))  # it knows one length for both
    assert numbers == list(range(FRAMES)) and "or its sound is longer than its picture" in told


# --- cut off ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.96])
@pytest.mark.parametrize("name", ["streamed.mp4", "b.mkv", "vp9.webm", "old.avi", "divx.avi", "animated.gif"])
def test_a_file_that_is_cut_off_says_so(tmp_path, name, share):
    numbers, (told,), _ = read(cut(whole(tmp_path / name), share))
    assert 5 < len(numbers) <= FRAMES  # what is missing may be the index alone
    assert numbers[:-1] == list(range(len(numbers) - 1))  # the last one may be torn
    assert f"{name}: {len(numbers)} of " in told and "damaged" in told
    assert "bytes are missing at its end" in told or "ends without its end mark" in told


@pytest.mark.parametrize("name", ["x264.mp4", "phone.MOV"])
def test_a_phones_file_without_its_end_is_no_video(tmp_path, name):
    with pytest.raises(ValueError, match=rf"{name} .*cut off"):
        read_frames(cut(whole(tmp_path / name), 0.9))


def test_fragments_that_are_cut_off(tmp_path):
    numbers, (told,), _ = read(cut(whole(tmp_path / "fragments.mp4"), 0.96))
    assert numbers == list(range(len(numbers))) and "bytes are missing at its end" in told


@pytest.mark.parametrize("share", [1, 0.5])
def test_a_raw_stream_cannot_tell_whether_it_is_whole(tmp_path, share):
    numbers, (told,), frames = read(cut(make(tmp_path / "a.h264", *X264, "-f", "h264"), share))
    assert frames.count is None and not frames.has_variable_rate
    assert numbers[:20] == list(range(20)) and (len(numbers) == FRAMES) == (share == 1)
    assert f"{len(numbers)} were read" in told
    assert "clock" in told and "25.0 fps" in told


def test_a_recording_of_a_browser_has_a_clock_but_no_length(tmp_path):
    numbers, (told,), _ = read(make(tmp_path / "a.webm", "-c:v", "libvpx", "-live", 1))
    assert numbers == list(range(FRAMES))
    assert f"{FRAMES} were read" in told and "clock" not in told


# --- damaged in the middle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "share"),
    [("x264.mp4", 0.4), ("phone.MOV", 0.7), ("streamed.mp4", 0.9)]
    + [(name, share) for name in ("b.mkv", "vp9.webm") for share in (0.5, 0.8, 0.9)],
)
def test_a_frame_that_cannot_be_decoded_ends_the_video_and_says_so(tmp_path, name, share):
    numbers, (told,), frames = read(corrupt(whole(tmp_path / name), share))
    right = next((at for at, number in enumerate(numbers) if number != at), len(numbers))
    jumps = np.flatnonzero(np.diff(frames.timestamps) > 0.06)  # where numbers go wrong, the clock says so
    assert right >= len(numbers) - 1 or right >= jumps[0]  # the last one may be torn
    assert f"{len(numbers)} of {FRAMES} frames could be read; the file is cut off or damaged" in told


@pytest.mark.parametrize(("name", "share"), [("old.avi", 0.4), ("divx.avi", 0.6)])
def test_an_avi_that_lacks_a_single_frame(tmp_path, name, share):
    """Its clock closes over the hole, so the frames behind it would come too early without a word."""
    numbers, (told,), _ = read(corrupt(whole(tmp_path / name), share))
    assert len(numbers) == FRAMES - 1 and numbers[-1] == FRAMES - 1
    assert (
        f"{FRAMES - 1} of {FRAMES} frames could be read" in told
        and "frames are missing in its middle" in told
    )


def test_an_avi_with_an_empty_chunk_is_whole(tmp_path):
    """The clock goes on where a frame was not filmed."""
    sine = ("-f", "lavfi", "-i", "sine=1000:duration=5")
    numbers, told, _ = read(make(tmp_path / "a.avi", *WHOLE["divx.avi"], before=sine))
    assert numbers == list(range(FRAMES)) and told == []


def test_a_transport_stream_with_a_hole(tmp_path):
    numbers, (told,), frames = read(corrupt(whole(tmp_path / "camera.mts"), 0.45, 3000))
    assert len(numbers) < FRAMES and frames.has_variable_rate  # the clock knows where
    assert "frames are missing in its middle" in told


# --- no videos ----------------------------------------------------------------------------------------------

NO_VIDEO = {
    "sound.mp4": (
        lambda path: ffmpeg("-f", "lavfi", "-i", "sine=duration=1", path),
        "no video .* sound only",
    ),
    "one.jpg": (lambda path: cv2.imwrite(str(path), stripes(5)), "single picture"),
    "jpeg.mp4": (
        lambda path: path.write_bytes(cv2.imencode(".jpg", stripes(5))[1].tobytes()),
        "single picture",
    ),
    "one.png": (lambda path: cv2.imwrite(str(path), stripes(5)), "single picture"),
    "one.gif": (lambda path: make(path, frames=1), "single picture"),
    "empty.mp4": (lambda path: path.touch(), r"is empty \(0 bytes\)"),
    "text.mp4": (lambda path: path.write_text("no video\n" * 500), "no video"),
    "folder.mp4": (lambda path: path.mkdir(), "is a folder"),
    "missing.mp4": (lambda path: None, "No video .*missing.mp4"),
}


@pytest.mark.parametrize("name", NO_VIDEO)
def test_what_is_no_video_is_one_clear_message(tmp_path, name):
    prepare, message = NO_VIDEO[name]
    prepare(tmp_path / name)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as raised:
        read_frames(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["av1.mp4", "av1.webm"])
def test_av1_is_read_whole_or_one_clear_message(tmp_path, name):
    """OpenCV 5.1 decodes it; older ones open the file and find nothing in it."""
    path = make(tmp_path / name, "-c:v", "libsvtav1")
    try:
        numbers, told, _ = read(path)
    except ValueError as error:
        assert re.search(r"(?i)av01\. .*mkdir h264; ffmpeg", str(error))
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert (numbers, told) == (list(range(FRAMES)), [])


def test_a_picture_is_not_the_first_of_a_series(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"IMG_{number}.jpg"), stripes(number))
    with pytest.raises(ValueError, match="single picture"):
        read_frames(tmp_path / "IMG_0.jpg")


def test_a_video_of_one_frame_is_one(tmp_path):
    numbers, told, frames = read(make(tmp_path / "a.mp4", *X264, frames=1))
    assert (len(numbers), told, frames.count) == (1, [], 1)
