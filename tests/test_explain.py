"""explain: a picture and a row for each recording that has an answer, named after both; nothing stays open."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.classifiers import blind, short
from matplotlib import pyplot as plt
from PIL import Image

from gymskel import explain
from gymskel.activations import choose_units, draw_strips_with_skeleton, layer_outputs
from gymskel.classifier import SkeletonClassifier
from gymskel.explain import write_explanations, write_strips
from gymskel.models import simple_rnn
from gymskel.preprocess.preprocessor import PRESETS
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return simulate_recordings(athletes=2, per_athlete=1, fps=30)


@pytest.fixture(scope="module")
def fitted(recordings) -> SkeletonClassifier:
    brief = [("fill", {}), ("resample", {"frames": 8}), *PRESETS["default"][3:]]
    params = {"units": 3, "features": "raw"}
    return short(model=simple_rnn, model_params=params, preprocess=brief).fit(recordings)


def names_of(classifier, recordings, *kinds: str) -> list[str]:
    """The files that are expected, kind by kind."""
    moves = classifier.predict(recordings)
    return [f"{r.source}.{m}.{kind}.png" for kind in kinds for r, m in zip(recordings, moves, strict=True)]


def test_strips_are_those_of_the_states(fitted, recordings, tmp_path):
    some = recordings[:2]
    written = write_strips(fitted, [some[0], blind(recordings[2]), some[1]], tmp_path / "deep" / "out")
    assert [path.name for path in written] == names_of(fitted, some, "recurrent")
    assert sorted(written) == sorted((tmp_path / "deep" / "out").iterdir())
    states = layer_outputs(fitted.model_, fitted.clips(some), "recurrent")
    table = fitted.predict_table(some)
    for row, (path, end) in enumerate(zip(written, [(len(r) - 1) / r.fps for r in some], strict=True)):
        known = table.iloc[row]
        title = (
            f"{known['move']}, probability {known['probability']:.2f}\n{known['recording']}, layer recurrent"
        )
        title += f"\nDoubt: {known['doubt']}" if known["doubt"] else ""
        clips = fitted.clips(some)
        drawn = draw_strips_with_skeleton(
            states[row], clips[[row]], units=choose_units(states, clips), title=title, end=(end, "s")
        )
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), np.asarray(drawn))


def test_no_answer_no_strip(fitted, recordings, tmp_path):
    assert write_strips(fitted, [blind(recordings[0])], tmp_path) == []
    assert (
        write_strips(short().fit(recordings), recordings, tmp_path) == []
    )  # no layer with a state in every frame


def test_names_stay_in_the_folder(fitted, recordings, tmp_path):
    odd = replace(recordings[0], video=None, sample="a/../../b")
    (path,) = write_strips(fitted, [odd], tmp_path)
    assert path.parent == tmp_path and path.is_file()


def test_explanations(fitted, recordings, tmp_path):
    nobody = replace(blind(recordings[0]), sample="nobody", video=None)
    written = write_explanations(fitted, [*recordings, nobody], tmp_path / "why", units=2)
    assert sorted(written) == sorted((tmp_path / "why").iterdir())
    pictures = names_of(fitted, recordings, "recurrent", "map", "bodies")
    assert sorted(path.name for path in written[:-2]) == sorted(pictures)
    assert [path.name for path in written[-2:]] == ["attributions.csv", "units.csv"]
    attributions = pd.read_csv(written[-2])
    assert attributions["recording"].tolist() == [r.source for r in recordings]
    assert set(attributions["baseline"]) == {"others"}
    assert sorted(pd.read_csv(written[-1])["unit"]) == list(range(6))
    assert plt.get_fignums() == []


def test_pictures_tell_the_time_of_the_recording(recordings, tmp_path, monkeypatch):
    """Clips of 32 frames each know no time; names that repeat are told apart in the table, too."""
    fitted = short().fit(recordings)
    ends = []
    for kind in ("map", "bodies"):
        name = f"plot_attribution_{kind}"
        drawn = getattr(explain, name)
        monkeypatch.setattr(
            explain,
            name,
            lambda *a, ends_of=ends, drawn=drawn, **k: ends_of.append(k["end"]) or drawn(*a, **k),
        )
    alike = replace(
        recordings[1], sample=recordings[0].sample, activity=recordings[0].activity, video=recordings[0].video
    )
    try:
        write_explanations(fitted, [recordings[0], alike], tmp_path)
    finally:
        plt.close("all")
    assert ends == [((len(one) - 1) / 30, "s") for one in (recordings[0], alike) for _ in range(2)]
    table = pd.read_csv(tmp_path / "attributions.csv")
    assert set(table["recording"]) == {recordings[0].source, f"{recordings[0].source} (2)"}


def test_unknown_moves_are_ranked_by_the_answers(fitted, recordings, tmp_path):
    nameless = [replace(r, activity=None) for r in recordings]
    written = {path.name for path in write_explanations(fitted, nameless, tmp_path / "all")}
    told_apart = len(set(fitted.predict(recordings))) > 1
    assert ("units.csv" in written) == told_apart
    one = write_explanations(fitted, nameless[:1], tmp_path / "one")
    assert [path.name for path in one] == [
        *names_of(fitted, recordings[:1], "recurrent", "map", "bodies"),
        "attributions.csv",
    ]
    assert set(pd.read_csv(one[-1])["baseline"]) == {"still"}


def test_refusals(fitted, recordings, tmp_path):
    with pytest.raises(ValueError, match="In none of the recordings"):
        write_explanations(fitted, [blind(recordings[0])], tmp_path)
    for units in (0, -3):
        with pytest.raises(ValueError, match=f"`units`.* got {units}"):
            write_explanations(fitted, recordings, tmp_path / "none", units=units)
    assert not (tmp_path / "none").exists()
    on_clips = short().fit(fitted.clips(recordings))
    for write in (write_strips, write_explanations):
        with pytest.raises(ValueError, match="fitted on Clips"):
            write(on_clips, recordings, tmp_path)
