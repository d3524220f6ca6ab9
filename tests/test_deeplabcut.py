"""DeepLabCut's CSVs, of one animal and of several."""

import numpy as np
import pytest
from helpers.foreign_files import PARTS, SCORER
from helpers.foreign_files import deeplabcut_table as table
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.formats import read_deeplabcut
from gymskel.skeleton import COCO_17, Skeleton


@pytest.fixture
def path(tmp_path):
    return tmp_path / f"flip-3-ann{SCORER}.csv"


def test_one_animal(path):
    values = np.arange(27.0).reshape(3, 3, 3)
    values[..., 2] = 0.75
    table(values).to_csv(path)
    (made,) = read_deeplabcut(path, fps=60)
    np.testing.assert_array_equal(made.keypoints, values)
    assert made.skeleton.joints == PARTS and made.skeleton.mirror == (("RFoot", "LFoot"),)
    assert (made.activity, made.sample, made.athlete, made.fps) == ("flip", "3", "ann", 60)
    assert made.estimator == f"DeepLabCut {SCORER}" and made.source == "flip-3-ann"
    assert path.with_name("x").exists() is False


def test_several_animals(path):
    values = np.arange(36.0).reshape(2, 2, 3, 3)
    values[..., 2] = 0.5
    values[1, 1] = np.nan
    table(values, people=["ann", "bo"]).to_csv(path)
    ann, bo = read_deeplabcut(path)
    assert (ann.person, bo.person, ann.source, bo.source) == (0, 1, "flip-3-ann", "flip-3-ann")
    np.testing.assert_array_equal(ann.keypoints, values[:, 0])
    assert bo.keypoints[0].tolist() == values[0, 1].tolist() and not bo.seen[1].any()
    assert bo.confidence[1].tolist() == [0, 0, 0]
    assert [r.person for r in read_deeplabcut(path, person=1)] == [1]
    with pytest.raises(ValueError, match=r"holds no person 2; it has 2: ann, bo"):
        read_deeplabcut(path, person=2)


def test_individuals_without_a_place_are_left_out(path):
    values = np.full((2, 2, 3, 3), np.nan)
    table(values, people=["ann", "bo"]).to_csv(path)
    assert [r.person for r in read_deeplabcut(path)] == [0]
    values[:, 1] = 0.5
    table(values, people=["ann", "bo"]).to_csv(path)
    assert [r.person for r in read_deeplabcut(path)] == [1]


def test_labelled_data_frame_numbers_and_known_layouts(path):
    values = np.ones((3, 17, 2))
    table(values, parts=COCO_17.joints[::-1], coords=("x", "y"), frames=[4, 5, 8]).to_csv(path)
    (made,) = read_deeplabcut(path)
    assert made.skeleton == COCO_17 and made.first_frame == 4 and len(made) == 5
    assert (
        made.seen.any(axis=1).tolist() == [True, True, False, False, True] and (made.confidence[0] == 1).all()
    )


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (f"clip{SCORER}.csv", "clip"),
        (f"clip{SCORER}_filtered.csv", "clip"),
        (f"clip{SCORER}_el.csv", "clip"),
        ("clipDLC_other_network.csv", "clip"),
        ("renamed.csv", "renamed"),
    ],
)
def test_the_name_of_the_video(tmp_path, name, source):
    table(np.ones((1, 9))).to_csv(tmp_path / name)
    assert read_deeplabcut(tmp_path / name)[0].source == source


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_every_number_comes_back(tmp_path_factory, frames, people, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(500, 300, (frames, people, 3, 3)).astype(np.float32)
    values[..., 2] = rng.uniform(0, 1, values.shape[:3])
    path = tmp_path_factory.mktemp("dlc") / f"a{SCORER}.csv"
    table(values.astype(float), people=[f"p{k}" for k in range(people)]).to_csv(path)
    np.testing.assert_array_equal(np.stack([r.keypoints for r in read_deeplabcut(path)], 1), values)


def lines(change):
    """A good file with its lines changed."""
    good = table(np.full((2, 9), 0.5)).to_csv().splitlines()
    return "\n".join(change(good)) + "\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[1:], "begin with bodyparts, coords"),
        (lambda t: [*t[:2], t[3]], "expected DeepLabCut"),
        (lambda t: t[:3], "no frames below its header"),
        (lambda t: [*t, "2,0.5,0.5"], "line 6: 3 columns, expected 10"),
        (lambda t: [*t[:4], t[4].replace("0.5", "high", 1)], "line 5: 'high' is no number"),
        (lambda t: [*t[:4], t[3]], "first column .*whole numbers"),
        (lambda t: [*t[:4], "x" + t[4]], "line 5: 'x1' is no number"),
        (lambda t: [*t[:4], "1.5" + t[4][1:]], "first column .*whole numbers"),
        (
            lambda t: [*t[:4], "1000000000" + t[4][1:]],
            "numbers from 0 to 1000000000",
        ),
        (lambda t: [*t[:4], "1,0.5,0.5," + t[4][13:]], "frame 1, Head: .*confidence"),
        (lambda t: [*t[:4], "1,,0.5,0.5" + t[4][13:]], "frame 1, Head: .*both"),
        (lambda t: [*t[:4], "1,inf,0.5,0.5" + t[4][13:]], "frame 1, Head: .*finite"),
        (lambda t: [*t[:4], "1,0.5,0.5,9.5" + t[4][13:]], "frame 1, Head: confidence"),
        (
            lambda t: [*t[:2], t[2].replace("likelihood", "z"), *t[3:]],
            "line 3: coordinate 'z'",
        ),
        (lambda t: [*t[:2], t[2].replace("y", "x", 1), *t[3:]], "column Head x .*twice"),
        (lambda t: [t[0], t[1] + ",Tail", *t[2:]], "different numbers of columns"),
        (lambda t: [*t[:2], "coords,,,x,y", *t[3:]], "labelled pictures"),
    ],
)
def test_files_that_are_refused(path, change, message):
    path.write_text(lines(change))
    with pytest.raises(ValueError, match=message) as told:
        read_deeplabcut(path)
    assert path.name in str(told.value)


def test_no_file_no_text_another_layout(path):
    with pytest.raises(FileNotFoundError, match="No file"):
        read_deeplabcut(path)
    path.write_bytes(b"scorer,\xff\xfe")
    with pytest.raises(ValueError, match="is no text in UTF-8"):
        read_deeplabcut(path)
    table(np.full((1, 9), 0.5)).to_csv(path)
    with pytest.raises(ValueError, match=r"bodyparts: .*paws; missing: Paw"):
        read_deeplabcut(path, skeleton=Skeleton("paws", ("Paw",)))
