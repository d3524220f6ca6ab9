"""Every pixel of the strips against the published rule."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.strip_colours import made_states, published_colour

from gymskel.activations import draw_class_strips, draw_strips


@pytest.mark.parametrize(
    ("frames", "cell", "gap", "per_line"), [(83, 25, 5, 30), (30, 25, 0, 30), (7, 9, 2, 3)]
)
def test_every_cell_is_the_published_colour(frames, cell, gap, per_line):
    states = made_states(frames, 3)
    image = draw_strips(states, cell=cell, gap=gap, steps_per_line=per_line)
    assert image.mode == "RGB"
    pixels = np.asarray(image)
    lines = -(-frames // per_line)
    assert pixels.shape == (lines * (4 * cell + gap) - gap, min(frames, per_line) * cell, 3)
    drawn = np.zeros(pixels.shape[:2], bool)
    for frame in range(frames):
        line, step = divmod(frame, per_line)
        left, top = step * cell, line * (4 * cell + gap)
        for unit in range(3):
            box = np.s_[top + (unit + 1) * cell : top + (unit + 2) * cell, left : left + cell]
            assert (pixels[box] == published_colour(states[frame, unit])).all(), (frame, unit)
            drawn[box] = True
        row = pixels[top : top + cell, left : left + cell]
        assert (row >= 128).all() and (row[-1, -1] == 128).all()  # white numbers on grey
        drawn[top : top + cell, left : left + cell] = True
    assert (pixels[~drawn] == 255).all()


def test_known_colours_and_default_size():
    image = draw_strips(np.array([[-1.0], [-0.5], [0], [0.5], [1]]))
    assert image.size == (5 * 25, 2 * 25)
    assert [image.getpixel((25 * i + 12, 37)) for i in range(5)] == [
        (255, 0, 128),
        (191, 63, 128),
        (127, 127, 128),
        (63, 191, 128),
        (0, 255, 128),
    ]


def test_each_step_has_its_number_in_the_upper_left_of_its_cell():
    pixels = np.asarray(draw_strips(made_states(130, 2), gap=0))
    for frame in range(130):
        line, step = divmod(frame, 30)
        row = pixels[line * 75 : line * 75 + 25, step * 25 : step * 25 + 25]
        text = np.argwhere(row.max(axis=2) > 200)
        assert len(text) > 5 and text[:, 0].max() < 20 and text[:, 1].min() < 5, frame
        assert (row[:, -1] == 128).all(), frame  # it ends inside its cell
    ten, forty = pixels[:25, 250:275], pixels[75:100, 250:275]
    assert (ten != forty).any()  # numbers go on in the next line


def test_numbers_too_wide_for_a_cell_are_thinned_out():
    pixels = np.asarray(draw_strips(made_states(120, 2), cell=8, steps_per_line=120))
    written = [(pixels[:8, 8 * i : 8 * i + 8] > 200).any() for i in range(120)]
    assert 20 < sum(written) < 120 and (pixels[:8, :8] > 200).any()


def test_the_strip_ends_where_the_clip_ends():
    states = made_states(40, 2)
    padded = np.vstack([states, np.full((70, 2), np.nan, np.float32)])
    assert np.array_equal(draw_strips(padded), draw_strips(states))
    assert np.asarray(draw_strips(padded)).shape == (2 * 75 + 5, 750, 3)


def test_class_strips_put_the_clips_below_each_other():
    cell, gap, lengths = 10, 4, (12, 5, 9)
    clips = [made_states(length, 2, seed=length) for length in lengths]
    image = np.asarray(draw_class_strips(clips, cell=cell, gap=gap))
    top = len(image) - len(clips) * 20 - (len(clips) - 1) * gap
    assert image.shape[1] == 12 * cell and (image[0] >= 128).all() and (image[top - gap : top] == 255).all()
    for row, states in enumerate(clips):
        strip = image[top + row * 24 : top + row * 24 + 20]
        for (frame, unit), value in np.ndenumerate(states):
            box = strip[unit * cell : (unit + 1) * cell, frame * cell : (frame + 1) * cell]
            assert (box == published_colour(value)).all()
        assert (strip[:, len(states) * cell :] == 255).all()  # white behind its end
    padded = np.full((3, 20, 2), np.nan, np.float32)
    for clip, states in zip(padded, clips, strict=True):
        clip[: len(states)] = states
    assert np.array_equal(draw_class_strips(padded, cell=cell, gap=gap), image)


def test_class_strips_of_many_neurons_go_on_in_columns():
    cell, gap = 2, 4
    clips = [made_states(8, 40, seed=k) for k in range(5)]
    image = np.asarray(draw_class_strips(clips, cell=cell, gap=gap))
    one = np.asarray(draw_class_strips(clips[:1], cell=cell, gap=gap))
    top, wide, row = len(one) - 40 * cell, 8 * cell + gap, 40 * cell + gap
    assert image.shape[:2] == (len(one), 5 * wide - gap)  # side by side, still taller than wide
    for k in range(5):
        np.testing.assert_array_equal(
            image[:, k * wide : (k + 1) * wide - gap], draw_class_strips([clips[k]], cell=cell, gap=gap)
        )
        assert (image[:, (k + 1) * wide - gap : (k + 1) * wide] == 255).all()
    many = np.asarray(draw_class_strips(clips * 10, cell=cell, gap=gap))
    columns = round((many.shape[1] + gap) / wide)
    rows = -(-50 // columns)
    assert len(many) == top + rows * row - gap <= many.shape[1]
    assert (
        top + (rows + 1) * row - gap > -(-50 // (rows + 1)) * wide - gap
    )  # fewer columns would be taller than wide
    for k in (0, 1, rows - 1, rows, 49):
        x, y = k // rows * wide, top + k % rows * row
        strip = many[y : y + 40 * cell, x : x + 8 * cell]
        np.testing.assert_array_equal(
            strip, one[top:] if k % 5 == 0 else image[top:, k % 5 * wide : k % 5 * wide + 8 * cell]
        )


def test_titles_are_written_to_the_left_and_move_nothing():
    clips = np.stack([made_states(20, 2), made_states(20, 2, seed=1)])
    plain = np.asarray(draw_class_strips(clips))
    named = np.asarray(draw_class_strips(clips, titles=["backflip-1-s07", "back-handspring-24-s09"]))
    left = named.shape[1] - plain.shape[1]
    np.testing.assert_array_equal(named[:, left:], plain)
    ink = [
        (named[row : row + 20, :left] < 100).any(axis=2).sum() for row in (len(plain) - 44, len(plain) - 20)
    ]
    assert 30 < ink[0] < ink[1]  # the longer name takes more ink
    tiny = draw_class_strips(clips[:, :, :1], titles=["a", "b"], cell=2)
    assert tiny.size[1] > 40  # rows of 2 pixels move apart so that the names do not run together


@pytest.mark.parametrize(
    ("states", "options", "message"),
    [
        (np.zeros(5), {}, r"`states`.* got \(5,\)"),
        (np.zeros((2, 5, 3)), {}, r"got \(2, 5, 3\)"),
        (np.zeros((5, 0)), {}, r"got \(5, 0\)"),
        (np.full((5, 2), np.nan), {}, "no frame that is not NaN"),
        (np.array([[0.0], [np.nan], [0.0]]), {}, "unit 0 is NaN in frame 1"),
        (np.array([[0.0, np.nan]]), {}, "unit 1 is NaN in frame 0"),
        (np.array([[0.0], [1.5]]), {}, "got 0 to 1.5.*Fix: scale"),
        (np.zeros((5, 2)), {"cell": 0}, "`cell`.* got 0"),
        (np.zeros((5, 2)), {"steps_per_line": 2.5}, "`steps_per_line`.* got 2.5"),
        (np.zeros((5, 2)), {"gap": -1}, "`gap`.* got -1"),
    ],
)
def test_draw_strips_refuses(states, options, message):
    with pytest.raises(ValueError, match=message):
        draw_strips(states, **options)


def test_draw_class_strips_refuses():
    with pytest.raises(ValueError, match="holds no clip"):
        draw_class_strips([])
    with pytest.raises(ValueError, match=r"got units \[2, 3\]"):
        draw_class_strips([np.zeros((4, 2)), np.zeros((4, 3))])
    with pytest.raises(ValueError, match="must name 2 clips, got 1"):
        draw_class_strips(np.zeros((2, 4, 2)), titles=["one"])
    with pytest.raises(ValueError, match="clip 1 must lie in"):
        draw_class_strips([np.zeros((4, 2)), np.full((4, 2), 2.0)])
