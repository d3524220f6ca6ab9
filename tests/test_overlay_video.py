"""Made videos with people drawn over them, read back."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.overlays import drifting, pixels, rgb, unseen
from helpers.videos import make_video
from PIL import Image

from gymskel.overlay import write_contact_sheet, write_overlay
from gymskel.overlay.contact_sheet import WIDTH
from gymskel.overlay.drawing import PERSON_COLOURS, RED, SIDE_COLOURS
from gymskel.overlay.overlay_video import _follow_lists, _people
from gymskel.preprocess import center, resample
from gymskel.video import CodecWarning, read_frames

cv2 = pytest.importorskip("cv2")


def test_write_overlay(tmp_path, clip, h264):
    recording = unseen(drifting(), [3, 4])
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
            clip, drifting(8, **fields), tmp_path / f"{name}.gif", counts_from=counts_from, progress=False
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
        write_overlay(clip, drifting(fps=50), tmp_path / "a.mp4", slow=4, progress=False)
        write_overlay(clip, drifting(fps=50), tmp_path / "b.mp4", fps=120, progress=False)
    for name, fps in (("a", 12.5), ("b", 120)):
        with read_frames(tmp_path / f"{name}.mp4") as frames:
            assert frames.fps == pytest.approx(fps)
            assert len(list(frames)) == 12


def test_gifs_are_small(tmp_path):
    clip = make_video(tmp_path / "clip.mp4", frames=60, fps=50, size=(960, 540))
    write_overlay(clip, drifting(60, (960, 540), fps=50), tmp_path / "a.gif", progress=False)
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
    other = drifting()
    other = replace(other, person=1, keypoints=other.keypoints + np.float32([20, 0, 0]))
    write_overlay(clip, [drifting(), other], tmp_path / "two.gif", progress=False)
    write_overlay(clip, drifting(), tmp_path / "one.gif", progress=False)
    shown = {}
    for name in ("one", "two"):
        with Image.open(tmp_path / f"{name}.gif") as gif:
            shown[name] = np.asarray(gif.convert("RGB"))[..., ::-1]
    for colour in PERSON_COLOURS[:2]:
        assert len(pixels(shown["two"], colour, off=40)) > 30
        assert len(pixels(shown["one"], colour, off=40)) < 10


def test_the_record_of_following_is_shown():
    history = (
        {"step": "follow", "angle": [0.0, -120.4, None], "estimates": [1, 1, 7], "why": ["", "", "poor"]},
    )
    keypoints = drifting(3).keypoints.copy()
    keypoints[2, :, 2] = 0
    recording = replace(drifting(3), history=history, keypoints=keypoints)
    (one,) = _people([recording], 0, 1.0)
    assert [one.tags[row].split("\n")[1:] for row in range(3)] == [
        [],
        ["crop turned -120°"],
        ["7 estimates: poor"],
    ]
    assert one.tags[0].startswith("confidence 1.00   torso ")
    assert one.tags[2].startswith("filled in")
    plain, second = _people([drifting(3), replace(drifting(3), person=1)], 0, 1.0)
    assert second.tags[0].startswith("person 1: confidence 1.00") and "\n" not in plain.tags[0]


def test_times_by_the_recordings_clock(tmp_path, clip, monkeypatch):
    told = []
    monkeypatch.setattr(
        "gymskel.overlay.overlay_video._draw_caption", lambda frame, text, unseen: told.append(text)
    )
    clock = np.cumsum([0, *[0.1, 0.2] * 6])[:12]
    write_overlay(clip, drifting(timestamps=clock, fps=None), tmp_path / "a.gif", progress=False)
    assert told[:3] == ["frame 0   0.00 s", "frame 2   0.30 s", "frame 4   0.60 s"]
    told.clear()
    write_overlay(clip, drifting(timestamps=clock), tmp_path / "a.gif", fps=10, progress=False)
    assert told[:3] == ["frame 0   0.00 s", "frame 1   0.10 s", "frame 2   0.20 s"]


def test_recordings_of_another_video_are_refused(tmp_path, clip):
    out = tmp_path / "a.mp4"
    wrong = {
        "320 x 240 .* 160 x 120": drifting(image_size=(320, 240)),
        "number 14 .* 12 frames": drifting(15),
        "100% .* 160 x 120": replace(
            drifting(image_size=None), keypoints=drifting().keypoints + np.float32([900, 0, 0])
        ),
        "clip.*centred": center(drifting()),
        "clip.*resampled": resample(drifting(), fps=10),
    }
    for message, recording in wrong.items():
        with pytest.raises(ValueError, match=message):
            write_overlay(clip, recording, out, progress=False)
        with pytest.raises(ValueError, match=message):
            write_contact_sheet(clip, recording, tmp_path / "a.png", progress=False)
    with pytest.raises(ValueError, match=r"clip\.mp4: no recording"):
        write_overlay(clip, [], out, progress=False)
    with pytest.raises(ValueError, match=r"clip\.mp4.*itself"):
        write_overlay(clip, drifting(), clip, progress=False)
    with pytest.raises(ValueError, match=r"`slow`.*got 0"):
        write_overlay(clip, drifting(), out, slow=0, progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
    write_overlay(clip, drifting(14), tmp_path / "a.gif", progress=False)  # another decoder found two more


def test_a_video_that_ends_too_early_is_told_at_its_end(tmp_path):
    """Its header promises what the recording has; the file does not keep it."""
    clip = make_video(tmp_path / "clip.avi", frames=30)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    for write, name in ((write_overlay, "a.gif"), (write_contact_sheet, "a.png")):
        with (
            pytest.warns(match=r"clip\.avi.*frames"),
            pytest.raises(ValueError, match="number 29"),
        ):
            write(clip, drifting(30), tmp_path / name, progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.avi"]


@pytest.mark.slow
def test_a_real_clip(tmp_path, shared, h264):
    """A whole journey at full size: 1080p in, the same number of frames out, and a sheet."""
    clip = shared / "media" / "back-tuck.mp4"
    recording = drifting(120, (1920, 1080), video="back-tuck.mp4", fps=30)
    out = write_overlay(clip, recording, tmp_path / "a.mp4", progress=False)
    with read_frames(out) as frames:
        assert frames.image_size == (1920, 1080) and sum(1 for _ in frames) == 120
    with Image.open(write_contact_sheet(clip, recording, tmp_path / "a.png", progress=False)) as image:
        assert image.width == WIDTH


def test_the_lists_of_following_fit_the_frames():
    entry = {"step": "follow", "angle": [0.0, None], "estimates": [1, 5], "why": ["", "lost"]}
    nothing = ([0.0, 0.0], [1, 1], ["", ""])
    recording = drifting(2)
    assert _follow_lists(recording) == nothing
    assert _follow_lists(replace(recording, history=(entry, {"step": "fill"}))) == (
        [0, 0],
        [1, 5],
        ["", "lost"],
    )
    assert _follow_lists(replace(recording, history=({"step": "follow"},))) == nothing
    assert _follow_lists(replace(drifting(3), history=(entry,)))[2] == ["", "", ""]  # of another length
