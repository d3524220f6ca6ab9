"""Strips below the moving body: cells, bodies, time, weights and words on one axis."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.strip_colours import made_states, published_colour

from gymskel.activations import draw_strips_with_skeleton
from gymskel.activations.lettering import AGAINST, DARK, FOR, shortened, time_ticks, word_font
from gymskel.activations.poses import scaled_poses
from gymskel.clips import Clips
from gymskel.skeleton import Skeleton


def body_clip(frames=12, padded=16):
    """A body that rises: a trunk from hip to head, and a right foot."""
    stick = Skeleton(
        "stick", ("Head", "Hip", "RFoot", "LFoot"), (("Hip", "Head"), ("Hip", "RFoot")), root="Hip"
    )
    x = np.zeros((1, padded, 4, 2))
    x[0, :, 0], x[0, :, 1], x[0, :, 2], x[0, :, 3] = (0, -2), (0, 0), (0.4, 2), (0, 2)
    x[0, :, :, 1] -= np.minimum(np.arange(padded), 4)[:, None] / 4
    x[0, :, :, 0] += np.arange(padded)[:, None]
    return Clips.from_arrays(x, lengths=[frames], skeleton=stick)


def pixels_of(image):
    """Return the pixels, and the box of each time axis: (top, left, bottom, right)."""
    pixels = np.asarray(image).astype(int)
    dark = (pixels == DARK).all(axis=2)
    rows = np.flatnonzero(dark.sum(axis=1) > 20)
    starts = rows[np.diff(rows, prepend=-2) > 1]
    columns = [np.flatnonzero(dark[start]) for start in starts]
    return pixels, [(s, c[0], s + 20, c[-1] + 1) for s, c in zip(starts, columns, strict=True)]


def test_cells_below_the_bodies_have_the_published_colours():
    states = made_states(12, 3)
    padded = np.vstack([states, np.full((4, 3), np.nan, np.float32)])
    image, axes = pixels_of(draw_strips_with_skeleton(padded, body_clip(), units=[2, 0], cell=20, width=40))
    assert len(axes) == 2  # two lines of six frames
    edges = np.round(np.arange(7) * 40 / 6).astype(int)
    for frame in range(12):
        line, step = divmod(frame, 6)
        _, left, below, _ = axes[line]
        for row, unit in enumerate((2, 0)):
            top = below + 2 + row * 22
            box = image[top : top + 20, left + edges[step] : left + edges[step + 1]]
            assert (box == published_colour(states[frame, unit])).all(), (frame, unit)
    for _, left, below, right in axes:
        assert right == left + 40 and (image[below : below + 46, right:] == 255).all()  # white behind the end


def test_a_body_stands_above_its_own_frame_and_rises():
    states, clip = made_states(12, 2), body_clip()
    image, ((top, left, _, right),) = pixels_of(draw_strips_with_skeleton(states, clip, width=240, body=60))
    assert right - left == 240
    bodies = image[: top - 2]
    vermilion = np.abs(bodies - (213, 94, 0)).max(axis=2) < 30  # the right leg
    dark = bodies.max(axis=2) < 90  # trunk
    for frame in (0, 4, 8):
        around = slice(left + frame * 20, left + (frame + 1) * 20 + 1)
        assert vermilion[:, around].sum() > 10 and dark[:, around].sum() > 20, frame
    first, later = (
        np.flatnonzero(dark[:, left + f * 20 : left + (f + 1) * 20].any(axis=1))[0] for f in (0, 4)
    )
    assert first - later == pytest.approx(60 / 4, abs=2)  # it rose by one of its four lengths
    unseen = replace(clip, seen=clip.seen & (np.arange(4) != 2))
    gone, ((top, *_),) = pixels_of(draw_strips_with_skeleton(states, unseen, width=240, body=60))
    assert not (np.abs(gone[: top - 2] - (213, 94, 0)).max(axis=2) < 30).any()  # unseen joints are not drawn


def test_pooled_steps_are_as_wide_as_their_frames():
    clip = body_clip(frames=11)
    states = np.array([[-1.0], [0.0], [1.0], [np.nan]])  # 16 frames in steps of 4, 11 of them real
    image, ((_, left, below, right),) = pixels_of(draw_strips_with_skeleton(states, clip, width=220))
    row = image[below + 10]
    assert right == left + 220
    for frame in range(11):
        expected = published_colour(states[frame // 4, 0])
        assert (row[left + frame * 20 : left + (frame + 1) * 20] == expected).all(), frame
    assert (row[right:] == 255).all()


def test_bars_of_weights_stand_below_their_frames():
    weights = np.array([0.1, 0.5, -0.5, 0.2, 0.1, 0.1, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1, np.nan, np.nan])
    picture = draw_strips_with_skeleton(
        made_states(12, 2), body_clip(), weights={"counted": weights}, width=240
    )
    image, ((_, left, below, right),) = pixels_of(picture)
    rows = image[below + 52 : below + 102, left:right].reshape(-1, 12, 20, 3)
    green, purple = ((rows == colour).all(axis=3)[:, :, 10].sum(axis=0) for colour in (FOR, AGAINST))
    assert green.argmax() == 6 and purple.nonzero()[0].tolist() == [2]
    assert green[1] == pytest.approx(green[6] / 2, abs=1.5) and purple[2] == pytest.approx(green[1], abs=1.5)
    plain = draw_strips_with_skeleton(made_states(12, 2), body_clip(), width=240)
    assert plain.height < picture.height
    pooled = np.array([[-1.0], [0.0], [1.0], [np.nan]])
    draw_strips_with_skeleton(pooled, body_clip(11), weights={"attention": np.array([0.2, 0.3, 0.5, np.nan])})
    for wrong in (np.ones((12, 2)), np.ones(5), np.full(12, np.nan)):
        with pytest.raises(ValueError, match=r"`weights` 'counted'.* 12 frames"):
            draw_strips_with_skeleton(made_states(12, 2), body_clip(), weights={"counted": wrong})


def test_a_title_is_as_wide_as_the_picture_and_moves_no_cell():
    states = made_states(12, 2)
    plain, ((top, left, _, right),) = pixels_of(draw_strips_with_skeleton(states, body_clip()))
    long = "backflip, probability 0.97\n" + "a_name_without_end_" * 20
    titled, ((below, *sides),) = pixels_of(draw_strips_with_skeleton(states, body_clip(), title=long))
    assert titled.shape[1] == plain.shape[1] and (sides[0], sides[2]) == (left, right) and below > top
    assert (titled[below:] == plain[top:]).all()
    assert (titled[:, :9] == 255).all() and (titled[:, -9:] == 255).all()  # the border stays white


def test_a_single_frame_and_a_body_of_one_joint():
    dot = Skeleton("dot", ("Head",))
    clip = Clips.from_arrays(np.zeros((1, 1, 1, 2)), skeleton=dot)
    _, ((_, left, _, right),) = pixels_of(draw_strips_with_skeleton(np.zeros((1, 1)), clip))
    assert right - left == 40


def test_a_joint_astray_does_not_shrink_the_body():
    clip = body_clip()
    x = clip.x.copy()
    x[0, 3, 0, 0] += 500
    for astray in (clip, replace(clip, x=x)):
        poses, height = scaled_poses(astray, 80)
        size = np.ptp(poses[0, :, 1])
        assert size == pytest.approx(80, abs=1) and height == pytest.approx(80 * 5 / 4 + 10, abs=2)


def test_times_of_the_axis_are_round_and_apart():
    font = word_font(12)
    assert [text for _, text in time_ticks(0, 31, 25, font, unit="frame")] == [
        str(k) for k in range(0, 32, 2)
    ]
    assert [text for _, text in time_ticks(1.01, 1.4, 200, font, unit="s")] == ["1.2", "1.4"]
    assert time_ticks(0, 0, 40, font, unit="frame") == [(0.0, "0")]
    for pixels in (3, 17, 400):
        ticks = time_ticks(0, 900 / pixels, pixels, font, unit="s")
        ends = [
            (t * pixels - font.getlength(text) / 2, t * pixels + font.getlength(text) / 2)
            for t, text in ticks
        ]
        assert len(ticks) > 1 and all(left[1] + 10 < right[0] for left, right in pairwise(ends))


def test_time_is_that_of_the_clip_or_as_given():
    clip, states = body_clip(), made_states(12, 2)
    known = draw_strips_with_skeleton(states, replace(clip, fps=30.0))
    assert np.array_equal(known, draw_strips_with_skeleton(states, clip, end=(11 / 30, "s")))
    assert not np.array_equal(known, draw_strips_with_skeleton(states, clip))
    assert np.array_equal(
        draw_strips_with_skeleton(states, clip, end=(11, "frame")), draw_strips_with_skeleton(states, clip)
    )


def test_long_texts_lose_their_middle():
    font = word_font(12)
    short = shortened("IMG_1234_" * 30 + ".MOV", font, 200)
    assert (
        font.getlength(short) <= 200
        and short.startswith("IMG_1234")
        and short.endswith(".MOV")
        and "…" in short
    )
    assert font.getmask("é").getbbox() != font.getmask("Ж").getbbox()  # letters, not boxes


@pytest.mark.parametrize(
    ("states", "options", "message"),
    [
        (np.zeros((12, 2)), {"units": [0, 2]}, r"`units`.* got \[2\]"),
        (np.zeros((12, 2)), {"units": []}, "`units` names no unit"),
        (np.zeros((12, 2)), {"body": 0}, "`body`.* got 0"),
        (np.zeros((9, 2)), {}, "9 steps .* 12 frames"),
        (np.full((12, 2), 1.5), {}, "`states` must lie in"),
    ],
)
def test_draw_strips_with_skeleton_refuses(states, options, message):
    with pytest.raises(ValueError, match=message):
        draw_strips_with_skeleton(states, body_clip(), **options)


def test_clips_that_hold_no_body_are_refused():
    clip, states = body_clip(), np.zeros((12, 2))
    with pytest.raises(ValueError, match=r"`clip`.* got 2"):
        draw_strips_with_skeleton(states, clip[[0, 0]])
    with pytest.raises(ValueError, match=r"x and y.* vx, vy"):
        draw_strips_with_skeleton(states, replace(clip, channels=("vx", "vy")))
    with pytest.raises(ValueError, match=r"no frame .* seen"):
        draw_strips_with_skeleton(states, replace(clip, seen=np.zeros_like(clip.seen)))
