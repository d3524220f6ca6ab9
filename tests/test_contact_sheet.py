"""Contact sheets of made videos, read back."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.overlays import drifting, pixels, unseen
from helpers.videos import make_video
from PIL import Image

from gymskel.overlay import write_contact_sheet
from gymskel.overlay.contact_sheet import WIDTH, _select_rows
from gymskel.overlay.drawing import RED, SIDE_COLOURS
from gymskel.recording import Recording

cv2 = pytest.importorskip("cv2")


def cells(sheet: np.ndarray) -> tuple[int, int]:
    """(columns, lines) of the pictures: what is not paper, above the strip."""
    filled = (sheet < 250).any(axis=-1)
    lines = filled[88:-330, 30:60].mean(axis=1) > 0.9
    runs = [int((np.diff(flags.astype(int), prepend=0) == 1).sum()) for flags in (filled[95], lines)]
    return runs[0], runs[1]


@pytest.mark.parametrize(
    ("frames", "shown"),
    [
        (24, 24),
        pytest.param(12, 12, marks=pytest.mark.slow),
        pytest.param(7, 7, marks=pytest.mark.slow),
        (1, 1),
        (99, 60),
    ],
)
def test_contact_sheet(tmp_path, frames, shown):
    clip = make_video(tmp_path / "clip.mp4", frames=60, size=(320, 240))
    out = write_contact_sheet(
        clip, drifting(60, (320, 240)), tmp_path / "a.png", frames=frames, progress=False
    )
    with Image.open(out) as image:
        sheet = np.asarray(image)
    assert sheet.shape[1] == WIDTH and 600 < sheet.shape[0] < 2600
    columns, lines = cells(sheet)
    assert columns * lines >= shown > columns * (lines - 1)
    for side in SIDE_COLOURS.values():
        assert len(pixels(sheet[..., ::-1], side)) > 50


def test_the_frames_of_a_sheet():
    recording = unseen(drifting(100), np.r_[0:10, 90:100])
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
        out = write_contact_sheet(clip, unseen(drifting(), rows), tmp_path / "a.png", progress=False)
        with Image.open(out) as image:
            sheet = np.asarray(image)
        assert (len(pixels(sheet[:-330, :, ::-1], RED, off=4)) > 50) == there  # the word below the picture
        assert (len(pixels(sheet[-330:, :, ::-1], "#F5C1C2", off=12)) > 500) == there  # the band in the strip


def test_contact_sheet_refuses(tmp_path, clip):
    with pytest.raises(ValueError, match=r"a\.jpg.*\.png"):
        write_contact_sheet(clip, drifting(), tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"clip, person 0.*unseen"):
        write_contact_sheet(clip, unseen(drifting(), slice(None)), tmp_path / "a.png")
    for given in ({"frames": 0}, {"seconds": 0}):
        with pytest.raises(ValueError, match=r"`frames`.*got"):
            write_contact_sheet(clip, drifting(), tmp_path / "a.png", **given)
