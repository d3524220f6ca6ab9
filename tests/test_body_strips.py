"""Strips below the moving body: cells, bodies, time, weights and words on one axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.strip_colours import made_states, published_colour

from gymskel.activations import draw_strips_with_skeleton
from gymskel.activations.strips import word_font
from gymskel.clips import Clips
from gymskel.skeleton import Skeleton

VERMILION, FOR, AGAINST = (213, 94, 0), (27, 120, 55), (118, 42, 131)


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


def strips_of(image):
    """Return the pixels, and the box of each strip without the bar of the legend: (top, left, bottom, right)."""
    pixels = np.asarray(image).astype(int)
    cells = (pixels[..., 2] == 128) & np.isin(pixels[..., :2].sum(axis=2), (254, 255))
    rows = np.flatnonzero(cells.sum(axis=1) > 20)
    boxes = []
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        columns = np.flatnonzero(cells[run[len(run) // 2]])
        boxes.append((run[0], columns[0], run[-1] + 1, columns[-1] + 1))
    return pixels, boxes[:-1]


def test_cells_below_the_bodies_have_the_published_colours():
    states = made_states(12, 3)
    padded = np.vstack([states, np.full((4, 3), np.nan, np.float32)])
    picture = draw_strips_with_skeleton(padded, body_clip(), units=[2, 0], cell=20, width=40)
    image, boxes = strips_of(picture)
    assert len(boxes) == 4  # two lines of six frames, two units each
    edges = np.round(np.arange(7) * 40 / 6).astype(int)
    for frame in range(12):
        line, step = divmod(frame, 6)
        for row, unit in enumerate((2, 0)):
            top, left, bottom, _ = boxes[2 * line + row]
            box = image[top + 2 : bottom - 2, left + edges[step] : left + edges[step + 1]]
            assert (box == published_colour(states[frame, unit])).all(), (frame, unit)
    for top, left, bottom, right in boxes:
        assert right - left == 40 and bottom - top == pytest.approx(20, abs=1)
        assert (image[top:bottom, right:] == 255).all()  # white behind the end


def test_a_body_stands_above_its_own_frame_and_rises():
    states, clip = made_states(12, 2), body_clip()
    image, ((top, left, _, right), _) = strips_of(draw_strips_with_skeleton(states, clip, width=240, body=60))
    assert right - left == 240
    bodies = image[: top - 2]
    vermilion = np.abs(bodies - VERMILION).max(axis=2) < 30  # the right leg
    dark = bodies.max(axis=2) < 90  # trunk
    for frame in (0, 4, 8):
        around = slice(left + frame * 20, left + (frame + 1) * 20 + 1)
        assert vermilion[:, around].sum() > 10 and dark[:, around].sum() > 20, frame
    first, later = (
        np.flatnonzero(dark[:, left + f * 20 : left + (f + 1) * 20].any(axis=1))[0] for f in (0, 4)
    )
    assert first - later == pytest.approx(60 / 4, abs=2)  # it rose by one of its four lengths
    unseen = replace(clip, seen=clip.seen & (np.arange(4) != 2))
    gone, ((top, *_), _) = strips_of(draw_strips_with_skeleton(states, unseen, width=240, body=60))
    assert not (np.abs(gone[: top - 2] - VERMILION).max(axis=2) < 30).any()  # unseen joints are not drawn


def test_pooled_steps_are_as_wide_as_their_frames():
    clip = body_clip(frames=11)
    states = np.array([[-1.0], [0.0], [1.0], [np.nan]])  # 16 frames in steps of 4, 11 of them real
    image, ((top, left, _, right),) = strips_of(draw_strips_with_skeleton(states, clip, width=220))
    row = image[top + 10]
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
    image, (_, (_, left, bottom, right)) = strips_of(picture)
    rows = image[bottom + 2 : bottom + 54, left:right].reshape(-1, 12, 20, 3)
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


def test_the_legend_explains_signed_weights():
    bars = np.linspace(0, 1, 12)
    for weights, explained in (({}, []), ({"w": bars}, []), ({"w": bars - 0.5}, [FOR, AGAINST])):
        image = np.asarray(
            draw_strips_with_skeleton(made_states(12, 2), body_clip(), weights=weights)
        ).astype(int)
        below = image[-50:]
        for colour in (FOR, AGAINST):
            assert (below == colour).all(axis=2).any() == (colour in explained)
        assert (np.abs(below - VERMILION).max(axis=2) < 30).any()  # the right side


def test_a_title_is_as_wide_as_the_picture_and_moves_no_cell():
    states = made_states(12, 2)
    plain, ((top, left, _, right), _) = strips_of(draw_strips_with_skeleton(states, body_clip()))
    long = "backflip, probability 0.97\n" + "a_$name$_without_end_é_" * 20
    titled, ((below, *sides), _) = strips_of(draw_strips_with_skeleton(states, body_clip(), title=long))
    assert titled.shape[1] == plain.shape[1] and (sides[0], sides[2]) == (left, right) and below > top
    assert (titled[below:] == plain[top:]).all()
    assert (titled[:, :9] == 255).all() and (titled[:, -9:] == 255).all()  # the border stays white
    words = (titled[30:50] < 200).any(axis=(0, 2)).nonzero()[0]
    assert words[0] < 15 and words[-1] > titled.shape[1] - 40  # the room is used


def test_a_single_frame_and_a_body_of_one_joint():
    dot = Skeleton("dot", ("Head",))
    clip = Clips.from_arrays(np.zeros((1, 1, 1, 2)), skeleton=dot)
    image, ((top, left, bottom, right),) = strips_of(draw_strips_with_skeleton(np.zeros((1, 1)), clip))
    assert right - left == 40
    assert (image[: top - 2, left:right] < 90).all(axis=2).any()  # the joint
    assert (image[bottom + 4 : bottom + 30, left:right] < 150).all(axis=2).any()  # the number 0


def test_a_joint_astray_does_not_shrink_the_body():
    clip = body_clip()
    x = clip.x.copy()
    x[0, 3, 0, 0] += 500
    legs = []
    for drawn in (clip, replace(clip, x=x)):
        image, ((top, left, *_), _) = strips_of(draw_strips_with_skeleton(made_states(12, 2), drawn))
        leg = np.abs(image[:top, left : left + 40] - VERMILION).max(axis=2) < 30
        legs.append((top, np.ptp(leg.any(axis=1).nonzero()[0])))
    assert legs[0] == legs[1] and legs[0][1] == pytest.approx(40, abs=3)  # half of the body


@pytest.mark.parametrize(
    ("last", "distance"), [(11, 40), (1.1, 40), (1.0, 44), (2.2, 40), (0.5, 44), (100, 44), (30, 440 / 6)]
)
def test_ticks_stand_at_round_times_and_apart(last, distance):
    """12 frames of 40 pixels: from the middle of the first to that of the last are 440 pixels."""
    end = (last, "frame" if isinstance(last, int) else "s")
    picture = draw_strips_with_skeleton(made_states(12, 2), body_clip(), end=end, width=480)
    image, (_, (_, left, bottom, right)) = strips_of(picture)
    ticks = np.flatnonzero((image[bottom + 3 : bottom + 6, left:right] < 200).all(axis=(0, 2)))
    ticks = ticks[np.diff(ticks, prepend=-2) > 1]
    np.testing.assert_allclose(ticks, 20 + np.arange(440 // distance + 1) * distance, atol=1)
    between = image[bottom + 4 : bottom + 24, left + (ticks[:-1] + ticks[1:]) // 2]
    assert (between == 255).all()  # numbers do not touch


def test_time_is_that_of_the_clip_or_as_given():
    clip, states = body_clip(), made_states(12, 2)
    known = draw_strips_with_skeleton(states, replace(clip, fps=30.0))
    assert np.array_equal(known, draw_strips_with_skeleton(states, clip, end=(11 / 30, "s")))
    assert not np.array_equal(known, draw_strips_with_skeleton(states, clip))
    assert np.array_equal(
        draw_strips_with_skeleton(states, clip, end=(11, "frame")), draw_strips_with_skeleton(states, clip)
    )


def test_names_are_letters_not_boxes():
    font = word_font(12)
    assert font.getmask("é").getbbox() != font.getmask("Ж").getbbox()


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
