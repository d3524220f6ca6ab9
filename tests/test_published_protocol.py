"""The published protocol: its split, its leak, its sizes and its results."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.evaluations import Fake

from gymskel.evaluation import PUBLISHED_RESULTS, evaluate_published, published_protocol
from gymskel.models import PUBLISHED
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings


@pytest.fixture(scope="module")
def simulated() -> list[Recording]:
    return simulate_recordings(athletes=3, per_athlete=1, fps=30)


def test_thesis_protocol_says_that_it_leaks(simulated, monkeypatch):
    seen = []

    class Spy(Fake):
        """Stands in for training; the split and the copies are real."""

        def __init__(self, model, model_params, *, recipe, random_state):
            super().__init__(model=model, random_state=random_state)
            self.model_params, self.recipe = model_params, recipe

        def fit(self, clips, *, checkpoint=None):
            seen.append((self, clips))
            return self

        def predict(self, clips):
            self.tested = clips
            return np.array([clips.classes[k] for k in clips.y])

    monkeypatch.setattr(published_protocol, "SkeletonClassifier", Spy)
    result = evaluate_published("lstm", simulated, runs=2, seed=3)
    assert [spy.random_state for spy, _ in seen] == [3, 4]
    shares = []
    for spy, clips in seen:
        assert (spy.model, spy.model_params) == ("lstm", PUBLISHED["lstm"])
        assert (spy.recipe.epochs, spy.recipe.batch_size, spy.recipe.augment) == (5, 1, None)
        assert len(clips) + len(spy.tested) == 3 * 6
        assert len(spy.tested) == round(0.2 * 18)
        shares.append(np.mean([source in clips.sources for source in spy.tested.sources]))
        rows = {row.tobytes() for row in clips.x} | {row.tobytes() for row in spy.tested.x}
        assert len(rows) == 18
    assert min(shares) > 0.5
    assert result.notes[0] == (
        f"This protocol leaks: {np.mean(shares):.0%} of the test samples are copies of a recording that was trained on."
    )
    assert result.notes[1] == "Published: 80.9 100.0 95.6 100.0 97.1 % (mean 94.7)."
    assert (result.protocol, result.model, result.accuracy) == ("thesis", "lstm (published size)", 1)
    assert len(result.predictions) == 8
    text = str(result)
    assert "as published: augmented copies, then a random split" in text
    assert "! This protocol leaks" in text
    assert list(seen[0][1].x.shape[2:]) == [15, 2]


def test_thesis_protocol_with_the_published_model(simulated):
    result = evaluate_published("simple_rnn", simulated)
    assert len(result.predictions) == 4
    assert set(result.predictions["predicted"]) <= {"backflip", "back-handspring"}


def test_thesis_protocol_refuses(simulated):
    with pytest.raises(ValueError, match=r"`model` .*, got 'lstm_attention'"):
        evaluate_published("lstm_attention", simulated)
    nameless = [replace(r, activity=None) for r in simulated]
    with pytest.raises(ValueError, match="activity"):
        evaluate_published("lstm", nameless)
    with pytest.raises(ValueError, match=r"`runs` .* got 0"):
        evaluate_published("lstm", simulated, runs=0)


def test_published_results():
    """Means that the thesis states itself, sec. 5."""
    means = {name: round(float(np.mean(runs)), 1) for name, runs in PUBLISHED_RESULTS.items()}
    assert means == {"simple_rnn": 88.8, "lstm": 94.7, "hierarchical_rnn": 91.5}
    assert set(PUBLISHED_RESULTS) == set(PUBLISHED)
