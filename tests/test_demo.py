"""`gymskel demo`: the whole journey on simulated gymnasts, with a training shorter still."""

import sys
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from gymskel import cli, demo
from gymskel.classifier import SkeletonClassifier
from gymskel.training import RECIPES


def test_demo_names_what_it_wrote(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(demo, "SHORT", replace(demo.SHORT, epochs=50, min_steps=0))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gymskel", "demo"])
    open_before = plt.get_fignums()
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert plt.get_fignums() == open_before
    told = capsys.readouterr().out
    files = [line for line in told.splitlines() if line.startswith("demo/")]
    assert {f"demo/{path.name}" for path in (tmp_path / "demo").iterdir()} == set(files)
    assert len(files) == 8
    assert (tmp_path / "demo" / "evaluation.txt").read_text(encoding="utf-8").startswith("simulated data\n")
    assert "(simulated data)" in told
    answers = pd.read_csv(tmp_path / "demo" / "predictions.csv")
    assert [row.move in row.recording for row in answers.itertuples()] == [True] * 4
    assert sorted(answers["move"]) == ["back-handspring"] * 2 + ["backflip"] * 2
    assert len(list((tmp_path / "demo" / "strips").glob("*.png"))) == 4
    for picture in (tmp_path / "demo").rglob("*.png"):
        with Image.open(picture) as drawn:
            assert len(drawn.convert("L").getcolors(256)) > 10, picture
    kept = SkeletonClassifier.load(tmp_path / "demo" / "moves.gymskel")
    assert list(kept.classes_) == ["back-handspring", "backflip"]


def test_the_demo_is_the_default_but_for_its_length():
    assert replace(demo.SHORT, name="default", min_steps=1000) == RECIPES["default"]
