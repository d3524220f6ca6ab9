"""Poses drawn over made pictures, where it is known what lies where; and what is written, read back."""

import builtins
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.videos import make_video
from PIL import Image
from typer.testing import CliRunner

from gymskel import overlay
from gymskel.overlay import draw_pose, write_contact_sheet, write_overlay, write_overlays
from gymskel.overlay.alignment import first_frame_number
from gymskel.overlay.batch import _read_from_zip
from gymskel.overlay.contact_sheet import WIDTH, _select_rows
from gymskel.overlay.drawing import (
    DARK,
    LIGHT,
    PERSON_COLOURS,
    RED,
    SIDE_COLOURS,
    box_around,
    draw_text,
    text_mask,
)
from gymskel.overlay.overlay_video import _follow_history
from gymskel.overlay.pose_measures import mean_confidence, unwrap_degrees
from gymskel.preprocess import center, resample
from gymskel.recording import Recording, write_recording
from gymskel.simulate import simulate_recordings
from gymskel.skeleton import BODY_25, Skeleton
from gymskel.video import CodecWarning, read_frames, whole_file, write_frames
from gymskel.video import write as video

cv2 = pytest.importorskip("cv2")

STANDING = simulate_recordings(athletes=1, per_athlete=1, fps=30)[0]


@pytest.fixture
def without_ffmpeg(monkeypatch):
    """As on a machine with OpenCV alone."""
    monkeypatch.setattr(video, "_ffmpeg", lambda: None)


@pytest.fixture
def h264():
    if video._ffmpeg() is None:
        pytest.skip("needs a program ffmpeg with libx264: pip install imageio-ffmpeg")


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def pixels(frame: np.ndarray, colour: str, *, off: int = 12) -> np.ndarray:
    """(n, 2) x, y of the pixels that have about this colour."""
    near = np.abs(frame[..., ::-1].astype(int) - rgb(colour)).max(axis=-1) <= off
    return np.argwhere(near)[:, ::-1]


def grey(width: int = 320, height: int = 240) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def pose_of(**joints) -> np.ndarray:
    """A BODY_25 pose of some joints: name=(x, y) or (x, y, confidence)."""
    pose = np.full((25, 3), (np.nan, np.nan, 0))
    for name, at in joints.items():
        pose[BODY_25.index(name)] = at if len(at) == 3 else (*at, 1.0)
    return pose


def fitted(frames: int = 12, size=(160, 120), **fields) -> Recording:
    """A standing body in the middle of the picture, drifting 2 pixels a frame to the right."""
    body = STANDING.xy[0]
    low, high = np.nanmin(body, axis=0), np.nanmax(body, axis=0)
    body = (body - low) / (high - low).max() * 0.6 * size[1] + np.array([0.3 * size[0], 0.2 * size[1]])
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., :2] = body + 2 * np.arange(frames)[:, None, None] * [1, 0]
    given = {"video": "clip.mp4", "sample": "clip", "fps": 25, "image_size": size, **fields}
    return Recording(keypoints, **given)


def unseen(recording: Recording, rows) -> Recording:
    keypoints = recording.keypoints.copy()
    keypoints[rows] = np.nan, np.nan, 0
    return replace(recording, keypoints=keypoints)


def pictures(path: Path) -> list[np.ndarray]:
    with read_frames(path) as frames:
        return list(frames)


# --- one picture ------------------------------------------------------------------------------------------


def test_draw_pose_leaves_the_picture_alone():
    frame = grey()
    drawn = draw_pose(frame, pose_of(MidHip=(100, 150), Neck=(100, 80)))
    assert drawn.shape == frame.shape and drawn.dtype == np.uint8
    assert (frame == 90).all() and (drawn != 90).any()
    np.testing.assert_array_equal(draw_pose(frame, pose_of()), frame)


def test_sides_have_their_colours():
    pose = pose_of(
        RShoulder=(60, 60),
        RElbow=(60, 120),
        LShoulder=(200, 60),
        LElbow=(200, 120),
        Neck=(130, 60),
        MidHip=(130, 150),
    )
    drawn = draw_pose(grey(), pose, box=False)
    for side, x in (("right", 60), ("left", 200), ("middle", 130)):
        beside = pixels(drawn[80:100], SIDE_COLOURS[side])[:, 0]  # at the height of arms and trunk
        assert set(beside) >= {x - 1, x, x + 1} and np.abs(beside - x).max() <= 3, side


def test_sides_of_other_layouts():
    """Left first in the pairs, and names like left_knee."""
    mine = Skeleton(
        "mine",
        ("left_hip", "left_foot", "right_hip", "right_foot"),
        (("left_hip", "left_foot"), ("right_hip", "right_foot")),
    )
    pose = np.array([[50, 50, 1], [50, 150, 1], [150, 50, 1], [150, 150, 1.0]])
    drawn = draw_pose(grey(), pose, mine, box=False)
    assert [50, 100] in pixels(drawn, SIDE_COLOURS["left"]).tolist()
    assert [150, 100] in pixels(drawn, SIDE_COLOURS["right"]).tolist()
    turned_round = replace(mine, mirror=tuple(pair[::-1] for pair in mine.mirror))
    np.testing.assert_array_equal(draw_pose(grey(), pose, turned_round, box=False), drawn)


def test_confidence_makes_joints_larger_and_clearer():
    size = {}
    for confidence in (0.2, 0.5, 1.0):
        drawn = draw_pose(grey(), pose_of(RKnee=(100, 100, confidence)), box=False, size=300)
        size[confidence] = (drawn != 90).any(axis=-1).sum()
        clear = np.abs(drawn[100, 100, ::-1].astype(int) - rgb(SIDE_COLOURS["right"])).max()
        assert (clear <= 2) == (confidence == 1)
    assert size[0.2] < size[0.5] < size[1.0]


def test_filled_in_joints_are_hollow():
    found = draw_pose(grey(), pose_of(RKnee=(100, 100, 0.9)), box=False, size=600)
    filled = draw_pose(grey(), pose_of(RKnee=(100, 100, 0)), box=False, size=600)
    assert [100, 100] in pixels(found, SIDE_COLOURS["right"]).tolist()
    assert [100, 100] in pixels(filled, DARK).tolist()
    assert len(pixels(filled, SIDE_COLOURS["right"]))


def test_the_box_goes_round_and_turns():
    xy = np.array([[0, 0], [24.0, 12]])
    for turned in (0, 30, -90, 180):
        corners = box_around(xy, turned)
        angle = np.radians(turned)
        right, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx((corners[1] - corners[0]) @ right)
        assert np.linalg.norm(corners[3] - corners[0]) == pytest.approx((corners[3] - corners[0]) @ down)
        for point in xy:  # inside
            assert 0 < (point - corners[0]) @ right < (corners[1] - corners[0]) @ right
            assert 0 < (point - corners[0]) @ down < (corners[3] - corners[0]) @ down


def test_people_have_colours_of_their_own():
    pose = pose_of(RKnee=(100, 100), LKnee=(200, 180))
    assert len(pixels(draw_pose(grey(), pose, colour=PERSON_COLOURS[0]), PERSON_COLOURS[0], off=60)) > 200
    assert not len(pixels(draw_pose(grey(), pose), PERSON_COLOURS[0], off=60))
    assert not len(pixels(draw_pose(grey(), pose, colour=PERSON_COLOURS[0], box=False), LIGHT))


@pytest.mark.parametrize("size", [(320, 240), (1920, 1080), (3840, 2160)])
def test_widths_follow_the_picture(size):
    width, height = size
    pose = pose_of(RHip=(0.5 * width, 0.2 * height), RKnee=(0.5 * width, 0.8 * height))
    drawn = draw_pose(np.full((height, width, 3), 90, np.uint8), pose, box=False)
    thick = (
        np.abs(drawn[height // 2, :, ::-1].astype(int) - rgb(SIDE_COLOURS["right"])).max(axis=-1) < 12
    ).sum()
    assert 0.005 * height < thick < 0.02 * height


def test_nothing_outside_the_picture_breaks_it():
    inside = pose_of(MidHip=(100, 150), Neck=(100, 80))
    for far in (-500, 5e4, 3e38):
        pose = inside.copy()
        pose[BODY_25.index("RAnkle")] = far, far, 1
        drawn = draw_pose(grey(), pose, tag="far", box_angle=20)
        assert [100, 115] in pixels(drawn, LIGHT).tolist()
    away = draw_pose(grey(), inside + np.array([1000, 1000, 0]))
    np.testing.assert_array_equal(away, grey())


def test_tags_stay_inside():
    for place in ((-50, -50), (1e6, 1e6), (300, 10)):
        frame = grey()
        draw_text(frame, "confidence 0.87\n3 estimates: lost", place, height=14)
        changed = np.argwhere((frame != 90).any(axis=-1))
        np.testing.assert_array_equal(
            np.ptp(changed, axis=0) + 1, text_mask("confidence 0.87\n3 estimates: lost", 14).shape
        )
    tiny = np.full((8, 8, 3), 90, np.uint8)
    draw_text(tiny, "wider than the picture", (0, 0), height=14)
    assert (tiny != 90).any()


def test_letters_have_accents_and_degrees():
    """A font that lacks a letter draws the same box for all of them."""
    masks = [text_mask(letter, 40) for letter in "é°ßжλ"]
    assert len({mask.tobytes() for mask in masks}) == len(masks)


def test_draw_pose_refuses():
    with pytest.raises(ValueError, match=r"`pose` must be \(25, 3\) for BODY_25, got \(17, 3\)"):
        draw_pose(grey(), np.zeros((17, 3)))
    for frame in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3))):
        with pytest.raises(ValueError, match=r"`frame` must be \(height, width, 3\) uint8.*cvtColor"):
            draw_pose(frame, pose_of())


# --- what a recording says --------------------------------------------------------------------------------


def test_a_pose_without_a_torso_is_drawn():
    feet = BODY_25.select(["RAnkle", "LAnkle"])
    drawn = draw_pose(grey(), np.array([[50, 50, 1], [90, 50, 1.0]]), feet)
    assert (drawn != 90).any()


def test_lean_goes_on_past_a_turn():
    turning = np.arange(0, 720, 30.0)
    wrapped = (turning + 180) % 360 - 180
    wrapped[[3, 4, 11]] = np.nan
    smooth = unwrap_degrees(wrapped)
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(wrapped))
    np.testing.assert_allclose(smooth[np.isfinite(smooth)], turning[np.isfinite(wrapped)])


def test_mean_confidence():
    recording = Recording(np.stack([pose_of(Nose=(1, 1, 0.4), Neck=(1, 1, 0.8), RKnee=(1, 1, 0)), pose_of()]))
    np.testing.assert_allclose(mean_confidence(recording), [0.6, np.nan])


def test_followed():
    entry = {"step": "follow", "angle": [0.0, None], "estimates": [1, 5], "why": ["", "lost"]}
    recording = fitted(2)
    assert _follow_history(recording) is None
    assert _follow_history(replace(recording, history=(entry, {"step": "fill"}))).why == ["", "lost"]
    assert _follow_history(replace(recording, history=({"step": "follow"},))) is None
    assert (
        _follow_history(replace(fitted(3), history=(entry,))) is None
    )  # of another length: not of these frames


def test_where_counting_starts():
    plain = {"image_size": None, "fps": None}
    assert first_frame_number([fitted(first_frame=7)], None) == 0  # it says its image size: gymskel wrote it
    assert first_frame_number([fitted(first_frame=7, **plain)], None) == 1
    assert first_frame_number([fitted(first_frame=7, **plain), fitted(first_frame=0, **plain)], None) == 0
    assert first_frame_number([fitted(first_frame=7)], 7) == 7


# --- videos -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(160, 120), (161, 121), (33, 50)])
@pytest.mark.parametrize("fps", [25, 30000 / 1001, 6.25, 240])
def test_what_is_written_reads_back(tmp_path, size, fps, h264):
    check_round_trip(tmp_path, size, fps, "H.264")


@pytest.mark.parametrize("size", [(160, 120), (161, 121), (33, 50)])
@pytest.mark.parametrize("fps", [25, 30000 / 1001, 6.25, 240])
def test_what_opencv_writes_reads_back(tmp_path, size, fps, without_ffmpeg):
    with pytest.warns(CodecWarning, match="browsers do not play; for H.264: pip install imageio-ffmpeg"):
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
    for fault in (RuntimeError("mine"), KeyboardInterrupt()):
        with pytest.raises(type(fault)), write_frames(path, fps=25, size=(64, 48)) as new:
            new.write(grey(64, 48))
            raise fault
        assert path.read_bytes() == b"older" and len(list(tmp_path.iterdir())) == 1


def test_write_frames_refuses(tmp_path, h264):
    with (
        pytest.raises(ValueError, match=r"written as \.mp4 or \.gif, not as '\.avi'"),
        write_frames(tmp_path / "a.avi", fps=25, size=(9, 9)),
    ):
        pass
    for fps, size in ((0, (9, 9)), (np.nan, (9, 9)), (25, (0, 9))):
        with (
            pytest.raises(ValueError, match="must be above 0"),
            write_frames(tmp_path / "a.mp4", fps=fps, size=size),
        ):
            pass
    with (
        pytest.raises(ValueError, match="no frame was written"),
        write_frames(tmp_path / "a.mp4", fps=25, size=(64, 48)),
    ):
        pass
    for frame in (grey(48, 64), np.zeros((48, 64, 3))):
        with (
            pytest.raises(ValueError, match=r"a frame must be \(48, 64, 3\) uint8, got"),
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
        pytest.raises(OSError, match="ffmpeg could not write it: No space left on device"),
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
        pytest.raises(OSError, match=r"cannot be read back\. Is the disk full"),
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


def test_whole_file(tmp_path):
    path = tmp_path / "deeper" / "a.txt"
    with whole_file(path) as part:
        part.write_text("new")
        assert part.parent == path.parent and part.suffix == ".txt" and not path.exists()
    assert path.read_text() == "new" and len(list(path.parent.iterdir())) == 1


# --- a video with people over it --------------------------------------------------------------------------


@pytest.fixture
def clip(tmp_path) -> Path:
    """12 frames of 160 x 120 at 25 a second."""
    return make_video(tmp_path / "clip.mp4", frames=12)


def test_write_overlay(tmp_path, clip, h264):
    recording = unseen(fitted(), [3, 4])
    out = write_overlay(clip, recording, tmp_path / "out.mp4", progress=False)
    assert out == tmp_path / "out.mp4"
    with read_frames(out) as frames:
        assert (frames.count, frames.fps, frames.image_size) == (12, 25, (160, 120))
        drawn = list(frames)
    for row, frame in enumerate(drawn):
        corner = np.median(frame[:12, :40].reshape(-1, 3), axis=0)
        red = 0.72 * np.array(rgb(RED))[::-1]
        assert (np.abs(corner - red).max() < 40) == (row in (3, 4)), row
        white = frame[30:100].min(axis=-1) > 200  # trunk and box; the square of the video is red
        assert white.any() == (row not in (3, 4)), row


def test_first_frames_are_respected(tmp_path, clip):
    """What OpenPose calls frame 1 is the first picture; a recording that starts late is drawn late."""
    drawn = {}
    for name, fields in {
        "zero": {"first_frame": 0},
        "openpose": {"first_frame": 1, "image_size": None},
        "late": {"first_frame": 3},
        "told": {"first_frame": 3, "image_size": None},
    }.items():
        counts_from = 3 if name == "told" else None
        write_overlay(
            clip, fitted(8, **fields), tmp_path / f"{name}.gif", counts_from=counts_from, progress=False
        )
        with Image.open(tmp_path / f"{name}.gif") as gif:
            shown = []
            for number in range(gif.n_frames):
                gif.seek(number)
                shown.append((np.asarray(gif.convert("RGB"))[45:100] > 200).any())
        drawn[name] = shown  # every second frame of 12
    assert drawn["zero"] == drawn["openpose"] == drawn["told"] == [True] * 4 + [False] * 2
    assert drawn["late"] == [False, False, True, True, True, True]


def test_speed(tmp_path, clip, without_ffmpeg):
    with pytest.warns(CodecWarning):
        write_overlay(clip, fitted(fps=50), tmp_path / "a.mp4", slow=4, progress=False)
        write_overlay(clip, fitted(fps=50), tmp_path / "b.mp4", fps=120, progress=False)
    for name, fps in (("a", 12.5), ("b", 120)):
        with read_frames(tmp_path / f"{name}.mp4") as frames:
            assert frames.fps == pytest.approx(fps)
            assert len(list(frames)) == 12


def test_gifs_are_small(tmp_path):
    clip = make_video(tmp_path / "clip.mp4", frames=60, fps=50, size=(960, 540))
    write_overlay(clip, fitted(60, (960, 540), fps=50), tmp_path / "a.gif", progress=False)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.size == (480, 270) and gif.n_frames == 15
        durations = []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"])
            colours = np.asarray(gif.convert("RGB")).reshape(-1, 3).astype(int)
            for side in SIDE_COLOURS.values():  # a palette without them would lie about the sides
                assert np.abs(colours - rgb(side)).max(axis=1).min() < 30
    assert sum(durations) == 1200


def test_everybody_is_drawn(tmp_path, clip):
    other = fitted()
    other = replace(other, person=1, keypoints=other.keypoints + np.float32([20, 0, 0]))
    write_overlay(clip, [fitted(), other], tmp_path / "two.gif", progress=False)
    write_overlay(clip, fitted(), tmp_path / "one.gif", progress=False)
    shown = {}
    for name in ("one", "two"):
        with Image.open(tmp_path / f"{name}.gif") as gif:
            shown[name] = np.asarray(gif.convert("RGB"))[..., ::-1]
    for colour in PERSON_COLOURS[:2]:
        assert len(pixels(shown["two"], colour, off=40)) > 30
        assert len(pixels(shown["one"], colour, off=40)) < 10


def test_the_record_of_following_is_shown():
    from gymskel.overlay.overlay_video import _people

    history = (
        {"step": "follow", "angle": [0.0, -120.4, None], "estimates": [1, 1, 7], "why": ["", "", "poor"]},
    )
    keypoints = fitted(3).keypoints.copy()
    keypoints[2, :, 2] = 0
    recording = replace(fitted(3), history=history, keypoints=keypoints)
    (one,) = _people([recording], 0, 1.0)
    assert [one.tag(row).split("\n")[1:] for row in range(3)] == [
        [],
        ["crop turned -120°"],
        ["7 estimates: poor"],
    ]
    assert one.tag(0).startswith("confidence 1.00   torso ")
    assert one.tag(2).startswith("filled in")
    plain, second = _people([fitted(3), replace(fitted(3), person=1)], 0, 1.0)
    assert second.tag(0).startswith("person 1: confidence 1.00") and "\n" not in plain.tag(0)


def test_times_by_the_recordings_clock(tmp_path, clip, monkeypatch):
    told = []
    monkeypatch.setattr(
        "gymskel.overlay.overlay_video._draw_caption", lambda frame, text, unseen: told.append(text)
    )
    clock = np.cumsum([0, *[0.1, 0.2] * 6])[:12]
    write_overlay(clip, fitted(timestamps=clock, fps=None), tmp_path / "a.gif", progress=False)
    assert told[:3] == ["frame 0   0.00 s", "frame 2   0.30 s", "frame 4   0.60 s"]
    told.clear()
    write_overlay(clip, fitted(timestamps=clock), tmp_path / "a.gif", fps=10, progress=False)
    assert told[:3] == ["frame 0   0.00 s", "frame 1   0.10 s", "frame 2   0.20 s"]


def test_recordings_of_another_video_are_refused(tmp_path, clip):
    out = tmp_path / "a.mp4"
    wrong = {
        "320 x 240 .* 160 x 120": fitted(image_size=(320, 240)),
        "its last frame is number 14 from the start, .* has 12 frames": fitted(15),
        "100% of its joints lie outside the 160 x 120": replace(
            fitted(image_size=None), keypoints=fitted().keypoints + np.float32([900, 0, 0])
        ),
        "centred or scaled keypoints no longer lie": center(fitted()),
        "resampled keypoints no longer lie": resample(fitted(), fps=10),
    }
    for message, recording in wrong.items():
        with pytest.raises(ValueError, match=message):
            write_overlay(clip, recording, out, progress=False)
        with pytest.raises(ValueError, match=message):
            write_contact_sheet(clip, recording, tmp_path / "a.png", progress=False)
    with pytest.raises(ValueError, match="no recording given"):
        write_overlay(clip, [], out, progress=False)
    with pytest.raises(ValueError, match="is the video itself"):
        write_overlay(clip, fitted(), clip, progress=False)
    with pytest.raises(ValueError, match="`slow` must be above 0"):
        write_overlay(clip, fitted(), out, slow=0, progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
    write_overlay(clip, fitted(14), tmp_path / "a.gif", progress=False)  # another decoder found two more


def test_a_video_that_ends_too_early_is_told_at_its_end(tmp_path):
    """Its header promises what the recording has; the file does not keep it."""
    clip = make_video(tmp_path / "clip.avi", frames=30)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    for write, name in ((write_overlay, "a.gif"), (write_contact_sheet, "a.png")):
        with (
            pytest.warns(match="frames could be read"),
            pytest.raises(ValueError, match="last frame is number 29"),
        ):
            write(clip, fitted(30), tmp_path / name, progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.avi"]


# --- contact sheets ---------------------------------------------------------------------------------------


def cells(sheet: np.ndarray) -> tuple[int, int]:
    """(columns, lines) of the pictures: what is not paper, above the strip."""
    filled = (sheet < 250).any(axis=-1)
    lines = filled[88:-330, 30:60].mean(axis=1) > 0.9
    runs = [int((np.diff(flags.astype(int), prepend=0) == 1).sum()) for flags in (filled[95], lines)]
    return runs[0], runs[1]


@pytest.mark.parametrize(("frames", "shown"), [(24, 24), (12, 12), (7, 7), (1, 1), (99, 60)])
def test_contact_sheet(tmp_path, frames, shown):
    clip = make_video(tmp_path / "clip.mp4", frames=60, size=(320, 240))
    out = write_contact_sheet(clip, fitted(60, (320, 240)), tmp_path / "a.png", frames=frames, progress=False)
    with Image.open(out) as image:
        sheet = np.asarray(image)
    assert sheet.shape[1] == WIDTH and 600 < sheet.shape[0] < 2600
    columns, lines = cells(sheet)
    assert columns * lines >= shown > columns * (lines - 1)
    for side in SIDE_COLOURS.values():
        assert len(pixels(sheet[..., ::-1], side)) > 50


def test_the_frames_of_a_sheet():
    recording = unseen(fitted(100), np.r_[0:10, 90:100])
    assert _select_rows(recording, 5, None) == [10, 30, 50, 69, 89]
    assert _select_rows(recording, 1, None) == [10]
    keypoints = recording.keypoints.copy()
    keypoints[..., 0] -= 2 * np.arange(100)[:, None]  # now it stands still
    keypoints[40:60, :, 0] += 5 * np.arange(20)[:, None]
    keypoints[60:, :, 0] += 5 * 19
    moving = replace(recording, keypoints=keypoints)
    assert set(_select_rows(moving, 20, 20)) == set(range(40, 60))
    assert _select_rows(moving, 3, 500) == [10, 50, 89]  # longer than it is
    keypoints[80:, :, 0] += 400  # a jump to somebody else is no move
    assert set(_select_rows(replace(moving, keypoints=keypoints), 20, 20)) == set(range(40, 60))


def test_pictures_of_a_sheet_show_the_athlete(tmp_path):
    """The red square of the made video lies where the body is: in every picture, in the same place."""
    clip = make_video(tmp_path / "clip.mp4", frames=30)
    keypoints = np.full((30, 25, 3), (np.nan, np.nan, 0), np.float32)
    for row in range(30):
        left = 10 + 2 * row
        keypoints[row, [2, 5], :] = (left - 10, 10, 1), (left + 30, 50, 1)
    recording = Recording(keypoints, fps=25, image_size=(160, 120), video="clip.mp4")
    write_contact_sheet(clip, recording, tmp_path / "a.png", frames=6, progress=False)
    with Image.open(tmp_path / "a.png") as image:
        sheet = np.asarray(image)[:-330].astype(int)
    red = (sheet[..., 0] > 150) & (sheet[..., 1] < 80) & (sheet[..., 2] < 80)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(red.astype(np.uint8))
    large = boxes[1:, 4] > 0.5 * boxes[1:, 4].max()
    assert large.sum() == 6
    sizes = boxes[1:][large][:, 2:4]
    assert np.ptp(sizes, axis=0).max() <= 4  # one scale
    assert (np.abs(sizes[:, 0] - sizes[:, 1]) <= 4).all()  # and the same both ways


def test_contact_sheet_says_what_is_unseen(tmp_path, clip):
    for rows, there in (([], False), ([5, 6], True)):
        out = write_contact_sheet(clip, unseen(fitted(), rows), tmp_path / "a.png", progress=False)
        with Image.open(out) as image:
            sheet = np.asarray(image)
        assert (len(pixels(sheet[:-330, :, ::-1], RED, off=4)) > 50) == there  # the word below the picture
        assert (len(pixels(sheet[-330:, :, ::-1], "#F5C1C2", off=12)) > 500) == there  # the band in the strip


def test_contact_sheet_refuses(tmp_path, clip):
    with pytest.raises(ValueError, match=r"a contact sheet is written as \.png"):
        write_contact_sheet(clip, fitted(), tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="unseen in every frame"):
        write_contact_sheet(clip, unseen(fitted(), slice(None)), tmp_path / "a.png")
    for given in ({"frames": 0}, {"seconds": 0}):
        with pytest.raises(ValueError, match="must be above 0"):
            write_contact_sheet(clip, fitted(), tmp_path / "a.png", **given)


# --- many, and the shell ----------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Three videos and the keypoints of two, one of them with two people."""
    for name in ("a.mp4", "deeper/b.mp4", "c.mp4"):
        make_video(tmp_path / "videos" / name, frames=12)
    write_recording(fitted(video="a.mp4", sample="a"), tmp_path / "keypoints")
    for person in (0, 1):
        write_recording(fitted(video="b.mp4", sample="b", person=person), tmp_path / "keypoints" / "deeper")
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


def test_a_zip_with_two_videos_of_one_name(tmp_path):
    """Nobody can tell whose keypoints are whose: neither are drawn."""
    for move in ("flip", "jump"):
        one = replace(fitted(video="IMG_1.mp4", sample="IMG_1"), activity=move)
        write_recording(one, tmp_path / "keypoints" / move)
    path = Path(shutil.make_archive(str(tmp_path / "keypoints"), "zip", tmp_path / "keypoints"))
    with pytest.raises(ValueError, match=r"several videos called IMG_1\. Unpack it"):
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
    with pytest.raises(FileNotFoundError, match=r"No keypoints of c\.mp4 in .*all\.zip"):
        write_overlays(videos / "c.mp4", archive, out, progress=False)
    with pytest.raises(
        FileNotFoundError, match=r"No keypoints of c\.mp4 .*gymskel extract c\.mp4 -o keypoints"
    ):
        write_overlays(videos / "c.mp4", keypoints, out, progress=False)
    with pytest.raises(ValueError, match=r"holds no person 5 of b\.mp4, only 0, 1"):
        write_overlays(b, keypoints, out, person=5, progress=False)
    with pytest.raises(FileNotFoundError, match=r"No folder or \.zip of keypoints"):
        write_overlays(a, tmp_path / "nowhere", out, progress=False)
    write_recording(fitted(video="b.mp4", sample="b"), keypoints / "again")
    with pytest.raises(ValueError, match=r"b\.mp4: keypoints in .*again.* and in .*deeper"):
        write_overlays(b, keypoints, out, progress=False)
    assert (
        len(write_overlays(videos, keypoints, tmp_path / "d", output_format="gif", progress=False).written)
        == 2
    )


def test_one_person_counts_frames_as_everybody_does(tmp_path, clip):
    """A tree that says nothing counts from 0 if anybody has a frame 0, also where only another one is drawn."""
    folder = tmp_path / "kp" / "clip"
    write_recording(fitted(12), tmp_path / "kp")
    write_recording(unseen(fitted(12, person=1), slice(0, 4)), tmp_path / "kp")
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
        ("`slow` is for mp4 and gif", (a, keypoints, "a.png"), {"slow": 2.0}),
        (r"`frames` and `seconds` are for contact sheets", (a, keypoints, "a.mp4"), {"frames": 9}),
        (r"`frames` and `seconds` are for contact sheets", (a, keypoints, "a.gif"), {"seconds": 1.0}),
        ("`output_format` must be one of mp4, gif, png", (a, keypoints, "out"), {"output_format": "webm"}),
        (r"fit the output a\.gif, got 'png'", (a, keypoints, "a.gif"), {"output_format": "png"}),
        ("the output must be a folder too", (videos, keypoints, "a.gif"), {}),
    ):
        with pytest.raises(ValueError, match=message):
            write_overlays(*given, **options)
    make_video(videos / "a.avi", frames=12)
    with pytest.raises(ValueError, match=r"a\.avi and .*a\.mp4 would both become .*a\.gif"):
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


# --- real videos ------------------------------------------------------------------------------------------


def test_a_real_clip(tmp_path, shared, h264):
    """A whole journey at full size: 1080p in, the same number of frames out, and a sheet."""
    clip = shared / "media" / "back-tuck.mp4"
    recording = fitted(120, (1920, 1080), video="back-tuck.mp4", fps=30)
    out = write_overlay(clip, recording, tmp_path / "a.mp4", progress=False)
    with read_frames(out) as frames:
        assert frames.image_size == (1920, 1080) and sum(1 for _ in frames) == 120
    with Image.open(write_contact_sheet(clip, recording, tmp_path / "a.png", progress=False)) as image:
        assert image.width == WIDTH
