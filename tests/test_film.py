"""Films of dots: what is written is found again, and the way from a video runs without a camera."""

from dataclasses import replace

import numpy as np
import pytest

from gymskel import extract
from gymskel.recording import Recording, read_recordings
from gymskel.simulate import DotFinder, simulate_recording, write_film
from gymskel.skeleton import BODY_25


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """(what was drawn, the film)."""
    true = simulate_recording("backflip", fps=20, noise=0, lost=0)
    return true, write_film(true, tmp_path_factory.mktemp("films") / f"{true.name}.mp4")


@pytest.mark.parametrize("follow", [True, False])
def test_what_was_drawn_is_found(filmed, follow):
    true, film = filmed
    (found,) = extract.extract_video(film, estimator=DotFinder(), follow=follow, progress=False)
    assert (found.name, found.estimator, len(found), found.fps) == (true.name, "dots", len(true), 20)
    assert found.image_size == (960, 540)
    distance = np.linalg.norm(2 * found.xy - true.xy, axis=-1)
    assert found.seen.mean() > 0.6 and np.nanmedian(distance) < 3
    assert np.nanpercentile(distance, 95) < 12
    assert found.seen[:, BODY_25.index("MidHip")].mean() > 0.5  # the root that every later step needs
    confidence = found.keypoints[..., 2][found.seen]
    assert confidence.min() > 0.3 and confidence.max() <= 1


def test_dots_apart_are_found_to_the_pixel(tmp_path):
    """Nothing hides anything: each joint by its own colour, unseen ones stay unseen."""
    columns, rows = np.meshgrid(np.arange(5) * 80 + 300, np.arange(5) * 80 + 300)
    pose = np.stack([columns.ravel(), rows.ravel(), np.ones(25)], axis=-1)
    pose[BODY_25.index("LEar")] = np.nan, np.nan, 0
    still = Recording(np.stack([pose] * 12), fps=12, image_size=(1000, 1080), sample="1")
    film = write_film(still, tmp_path / "still.mp4")
    (found,) = extract.extract_video(film, estimator=DotFinder(), follow=False, progress=False)
    np.testing.assert_allclose(2 * found.xy, still.xy, atol=1.5)


def test_nobody_in_the_dark():
    assert DotFinder()(np.zeros((54, 96, 3), np.uint8)).shape == (0, 25, 3)


def test_from_films_to_csvs(filmed, tmp_path):
    """The way of `extract_videos`; a second time nothing is to be done."""
    true, film = filmed
    first = extract.extract_videos(film, tmp_path, estimator=DotFinder(), progress=False)
    again = extract.extract_videos(film, tmp_path, estimator=DotFinder(), progress=False)
    assert (len(first.written), len(again.written), len(again.skipped)) == (1, 0, 1)
    (read,) = read_recordings(tmp_path)
    assert (read.activity, read.athlete, len(read)) == ("backflip", "a01", len(true))


@pytest.mark.parametrize("change", [{"fps": None}, {"image_size": None}])
def test_a_film_needs(filmed, tmp_path, change):
    with pytest.raises(ValueError, match=r"needs the joints .* got BODY_25"):
        write_film(replace(filmed[0], **change), tmp_path / "x.mp4")
    assert not list(tmp_path.iterdir())


def test_a_film_needs_body_25(filmed, tmp_path):
    from gymskel.preprocess import select_joints

    few = select_joints(filmed[0], ["Neck", "MidHip"])
    with pytest.raises(ValueError, match="needs the joints of BODY_25"):
        write_film(few, tmp_path / "x.mp4")
