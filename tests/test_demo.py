"""`gymskel demo` on simulated gymnasts, with fewer epochs or a smaller network."""

from dataclasses import replace
from functools import partial

import pandas as pd
import pytest
from helpers.networks import quick_recurrent
from matplotlib import pyplot as plt
from PIL import Image

from gymskel import demo
from gymskel.classifier import SkeletonClassifier
from gymskel.models import BUILDERS
from gymskel.simulate import simulate_recordings
from gymskel.training import RECIPES


@pytest.fixture
def demo_run(shell, monkeypatch, tmp_path):
    """Run `gymskel demo` in an empty folder with so many epochs: (lines printed, folder)."""

    def run(epochs):
        monkeypatch.setattr(demo, "SHORT", replace(demo.SHORT, epochs=epochs, min_steps=0))
        monkeypatch.chdir(tmp_path)
        open_before = plt.get_fignums()
        code, out, err = shell("demo")
        assert code == 0, err
        assert plt.get_fignums() == open_before
        return out.splitlines(), tmp_path / "demo"

    return run


@pytest.mark.slow
def test_demo_names_what_it_wrote(demo_run, monkeypatch):
    monkeypatch.setitem(BUILDERS, "conv_gru", quick_recurrent)
    once_each = partial(simulate_recordings, per_athlete=1)
    monkeypatch.setattr(demo, "simulate_recordings", lambda per_athlete, **options: once_each(**options))
    lines, folder = demo_run(epochs=1)
    files = [line for line in lines if line.startswith("demo/")]
    assert {f"demo/{path.name}" for path in folder.iterdir()} == set(files)
    assert len(files) == 8
    assert (folder / "evaluation.txt").read_text(encoding="utf-8").startswith("simulated data\n")
    assert "   (simulated data)" in lines
    assert len(pd.read_csv(folder / "predictions.csv")) == 4
    assert len(list((folder / "strips").glob("*.png"))) == 4
    for picture in folder.rglob("*.png"):
        with Image.open(picture) as drawn:
            assert len(drawn.convert("L").getcolors(256)) > 10, picture


@pytest.mark.slow
def test_demo_names_the_moves(demo_run):
    _, folder = demo_run(epochs=50)
    answers = pd.read_csv(folder / "predictions.csv")
    assert [row.move in row.recording for row in answers.itertuples()] == [True] * 4
    assert sorted(answers["move"]) == ["back-handspring"] * 2 + ["backflip"] * 2
    kept = SkeletonClassifier.load(folder / "moves.gymskel")
    assert list(kept.classes_) == ["back-handspring", "backflip"]


def test_the_demo_is_the_default_but_for_its_length():
    assert replace(demo.SHORT, name="default", min_steps=1000) == RECIPES["default"]
