"""docs/gallery: every figure is drawn, from few recordings and tiny trainings; the page shows them all."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

matplotlib.use("Agg")

from gymskel import preprocess, simulate, write_recording

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
sys.path.insert(0, str(GALLERY))  # as a script finds its neighbours

images, make, material, of_data, of_models = map(
    importlib.import_module, ("images", "make", "material", "of_data", "of_models")
)

THESIS = "3_6 4_1 4_2 4_3 4_4 4_6 4_7 5_4 5_5 5_6 5_7 5_8 5_9 5_10 5_11".split()


@pytest.fixture(scope="module")
def few():
    recordings = simulate.simulate_recordings(athletes=5, per_athlete=1, fps=20)
    return material.Material(recordings, recordings, "simulated gymnasts", runs=1, copies=1, epochs=1)


def test_every_figure_of_the_thesis_that_data_can_draw_is_there():
    assert {f"fig_{number}" for number in THESIS} <= set(make.FIGURES)
    for name in make.FIGURES:
        title, caption = make.title_and_caption(name)
        assert title and caption, f"{name} has no caption"
        number = name.removeprefix("fig_").replace("_", ".")
        assert not name.startswith("fig_") or f"figure {number}" in caption


TRAINED = ("fig_5_4", "fig_5_5", "fig_5_6", "fig_5_7", "fig_5_8", "confusion")
"""Figures that train the published networks; fig_5_9 to fig_5_11 and strips train small ones, in the fast suite."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in TRAINED)) for name in make.FIGURES]
)
def test_figure(name, few, tmp_path):
    make.save(make.FIGURES[name](few), tmp_path / f"{name}.png", f"{name} · simulated")
    with Image.open(tmp_path / f"{name}.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape[1] >= 300 and pixels.std() > 5  # something is drawn


def test_the_gap_that_is_filled_is_the_longest(few):
    lost = np.array([0, 1, 1, 0, 1, 1, 1, 0, 1], bool)
    assert of_data._longest_gap(lost) == (4, 7)
    assert of_data._longest_gap(np.array([1, 1, 0, 1], bool)) == (0, 2)  # none within
    assert of_data._longest_gap(np.zeros(3, bool)) == (0, 3)
    best = of_data.with_longest_gap(few.raw, "LHeel")
    gaps = [preprocess.missing_table(r).loc["LHeel", ("longest_gap", "all")] for r in few.raw]
    assert preprocess.missing_table(best).loc["LHeel", ("longest_gap", "all")] == max(gaps)


def test_athletes_are_tested_who_were_not_trained_on(few):
    training, test = of_models.split(few)
    assert not set(training.athletes) & set(test.athletes) and len(test)
    two = material.Material(few.recordings[:2], few.raw, "two")
    with pytest.raises(SystemExit, match="each move has three athletes"):
        of_models.split(two)


@pytest.mark.slow
def test_one_command_a_figure_on_recordings_given_by_path_or_environment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for recording in simulate.simulate_recordings(athletes=2, per_athlete=1):
        write_recording(recording, tmp_path / "mine")
        write_recording(simulate.simulate_bystander(recording), tmp_path / "mine")
    make.main(["fig_4_1", "--data", "mine"])
    make.main(["fig_4_6", "--data", "mine", "--out", "there"])
    monkeypatch.setenv("GYMSKEL_DATA", "mine")
    make.main(["fig_4_7"])
    drawn = ["gallery/fig_4_1.png", "there/fig_4_6.png", "gallery/fig_4_7.png"]
    assert capsys.readouterr().out.split() == drawn
    assert all((tmp_path / path).is_file() for path in drawn)
    with pytest.raises(SystemExit):
        make.main(["fig_1_1"])


def test_of_several_people_the_one_seen_most_is_drawn(tmp_path):
    recording = simulate.simulate_recording("backflip")
    write_recording(recording, tmp_path)
    write_recording(simulate.simulate_bystander(recording), tmp_path)
    (read,) = material.read_material(tmp_path).recordings
    assert read.person == 0
    np.testing.assert_array_equal(read.keypoints, recording.keypoints)


def test_published_recordings_are_known_by_their_archive(shared):
    with pytest.warns(match="has no file for"):
        published = material.read_material(shared / "data")
    assert (len(published.recordings), published.preset) == (113, "thesis_cleaned")
    assert {r.fps for r in published.recordings} == {60} == {r.fps for r in published.raw}
    raw = {r.name: r for r in published.raw}
    assert len(raw) == 6 and not raw["backflip-1-s07"].seen.all()


def test_the_page_shows_every_picture_and_is_what_make_writes():
    page = (GALLERY / "README.md").read_text(encoding="utf-8")
    assert page == make.page()
    shown = re.findall(r"\((\w+\.png)\)", page)
    assert shown == [f"{name}.png" for name in make.FIGURES]
    sizes = {path.name: path.stat().st_size for path in GALLERY.glob("*.png")}
    assert set(shown) == set(sizes)
    assert max(sizes.values()) < 200_000 and sum(sizes.values()) < 1_500_000


def test_pictures_are_titled_and_beside_each_other():
    black = Image.new("RGB", (30, 10))
    assert images.with_title(black, "").size == (30, 32)
    assert images.with_title(black, "a title that is longer").width > 100
    assert images.below([black, black], gap=5).size == (30, 25)
    both = images.beside([black, Image.new("RGB", (10, 20))], gap=4)
    assert both.size == (44, 20) and both.getpixel((32, 5)) == (255, 255, 255)
    assert both.getpixel((43, 19)) == (0, 0, 0) and both.getpixel((0, 19)) == (255, 255, 255)
