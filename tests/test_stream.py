"""Stream: at every frame what the classifier says of a recording of the last frames; people come and go."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from helpers.architectures import with_model
from helpers.classifiers import short
from helpers.networks import made_clips

from gymskel.classifier import SkeletonClassifier
from gymskel.models import BUILDERS, PUBLISHED
from gymskel.preprocess import Preprocessor, hold
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.stream import Stream

WINDOW = 20


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return simulate_recordings(athletes=2, per_athlete=1, fps=30)


@pytest.fixture(scope="module")
def live(recordings) -> SkeletonClassifier:
    return short(preprocess="live").fit(recordings)


@pytest.fixture(scope="module")
def film(recordings) -> np.ndarray:
    """(40, 25, 3) a film in which an arm is lost now and then, and nobody is there for a while."""
    keypoints = recordings[1].keypoints[:40].copy()
    keypoints[5:12, 3:5] = np.nan, np.nan, 0
    keypoints[25:28] = np.nan, np.nan, 0
    return keypoints


def of_window(classifier, keypoints) -> np.ndarray:
    return classifier.predict_proba([Recording(keypoints, fps=30)])[0]


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        *(
            pytest.param(name, "live", marks=[] if name == "conv_gru" else pytest.mark.slow)
            for name in BUILDERS
        ),
        ("simple_rnn", "default"),
    ],
)
def test_an_answer_is_that_of_the_window(live, film, recordings, name, preset):
    classifier = with_model(live, name)
    classifier.preprocessor_ = Preprocessor(preset).fit(recordings)
    stream = Stream(classifier, fps=30, window=WINDOW)
    answers = [stream.add(frame) for frame in film]
    assert answers[: WINDOW - 1] == [None] * (WINDOW - 1)
    told = np.array(answers[WINDOW - 1 :])
    wanted = [of_window(classifier, film[end - WINDOW : end]) for end in range(WINDOW, len(film) + 1)]
    np.testing.assert_allclose(told, wanted, rtol=0, atol=1e-5)  # a fused network adds up in another order
    assert np.ptp(told[:, 0]) > 1e-4


def test_the_published_head(live, film, recordings):
    classifier = with_model(live, "simple_rnn", **PUBLISHED["simple_rnn"], frames=WINDOW + 3)
    classifier.preprocessor_ = Preprocessor("thesis").fit(recordings)
    stream = Stream(classifier, fps=30, window=WINDOW)
    answers = [stream.add(frame) for frame in film]
    np.testing.assert_allclose(answers[-1], of_window(classifier, film[-WINDOW:]), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"60 frames.* 23 "):
        Stream(classifier, fps=30, window=60)


def test_the_preset_live_looks_only_back(recordings):
    """Every step but those that look at the window as a whole gives a frame what it gave before the next one came."""
    whole = ("resample", "scale", "pad")
    prepare = Preprocessor([step for step in Preprocessor("live").steps if step[0] not in whole])
    one = replace(recordings[0], keypoints=recordings[0].keypoints.copy())
    one.keypoints[3:9, 4] = np.nan, np.nan, 0
    whole = prepare.clean(one).keypoints
    for frames in (5, 9, 21):
        part = prepare.clean(replace(one, keypoints=one.keypoints[:frames])).keypoints
        np.testing.assert_array_equal(part, whole[: len(part)])


def test_hold(film):
    one = Recording(film, fps=30)
    held = hold(one)
    np.testing.assert_array_equal(held.xy[5:12, 3], np.repeat(film[4:5, 3, :2], 7, axis=0))
    np.testing.assert_array_equal(held.confidence, one.confidence)
    assert not hold(one, max_gap=2).seen[7:12, 3].any() and hold(one, max_gap=2).seen[5:7, 3].all()
    np.testing.assert_array_equal(hold(one, max_gap=0).keypoints, film)
    np.testing.assert_array_equal(hold(held).keypoints, held.keypoints)
    assert held.history[-1] == {"step": "hold", "max_gap": None}
    with pytest.raises(ValueError, match=r"`max_gap` .*from 0"):
        hold(one, max_gap=-1)


def test_every_third_frame(live, film):
    each, third = (Stream(live, fps=30, window=WINDOW, every=every) for every in (1, 3))
    told = [(each.add(frame), third.add(frame)) for frame in film]
    assert told[WINDOW - 1][1] is not None  # the first answer as soon as there can be one
    due = [number for number in range(1, len(film) + 1) if number > WINDOW and number % 3 == 0]
    assert due
    for number in due:
        np.testing.assert_array_equal(told[number - 1][1], told[number - 1][0])
        if number < len(film):
            assert told[number][1] is told[number - 1][1]


def test_people_come_and_go(live, film):
    alone, many = (Stream(live, fps=30, window=5) for _ in range(2))
    for number, frame in enumerate(film[:20]):
        people = {"ann": frame}
        if 4 <= number < 11:
            people["bo"] = frame + np.float32([50, 0, 0])
        answers = many.add(people)
        assert answers.keys() == people.keys()
        wanted = alone.add(frame)
        assert (answers["ann"] is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_array_equal(answers["ann"], wanted)
        if 4 <= number < 8:
            assert answers["bo"] is None
        elif "bo" in answers:  # whoever stands elsewhere moves no less
            np.testing.assert_allclose(answers["bo"], wanted, atol=1e-5)
        assert ("2 people" in repr(many)) == (4 <= number < 15)  # forgotten five frames after the last
    assert many.add({"bo": film[0]}) == {"bo": None}
    assert many.add({}) == {}
    many.reset()
    assert "0 people" in repr(many) and many.add({"ann": film[0]}) == {"ann": None}


def test_nobody_was_found(live, film):
    by_none, by_nan = (Stream(live, fps=30, window=4) for _ in range(2))
    for frame in film[22:30]:
        a, b = by_none.add(None if np.isnan(frame).all(axis=0)[0] else frame), by_nan.add(frame)
        np.testing.assert_array_equal(a, b) if a is not None else None
    lost = film[0].copy()
    lost[:, 2] = 0  # confidence 0 = unseen, wherever it is said to be
    for _ in range(4):
        answer = by_nan.add(lost)
    np.testing.assert_array_equal(answer, [0.5, 0.5])  # nothing was seen: no opinion


def test_what_is_known_need_not_be_said(live):
    stream = Stream(live)
    assert (stream.fps, stream.window) == (30, round(live.training_facts_.seconds * 30))
    assert stream.classes == ("back-handspring", "backflip")


def test_refusals(live, film):
    with pytest.raises(ValueError, match="fitted on Clips"):
        Stream(short().fit(made_clips()), fps=30, window=5)
    for name, value in (("window", 0), ("every", 0)):
        with pytest.raises(ValueError, match=f"`{name}` .*got 0"):
            Stream(live, **{"fps": 30, "window": 5, name: value})
    unknown = copy.copy(live)
    unknown.training_facts_ = replace(live.training_facts_, fps_in=(30.0, 60.0), seconds=None)
    with pytest.raises(ValueError, match=r"trained on 30 and 60 .*fps="):
        Stream(unknown)
    with pytest.raises(ValueError, match="window="):
        Stream(unknown, fps=30)
    stream = Stream(live, fps=30, window=5)
    with pytest.raises(ValueError, match=r"BODY_25 .* got \(15, 3\)"):
        stream.add(film[0][:15])
    with pytest.raises(ValueError, match=r"'ann' .*infinite"):
        stream.add({"ann": np.where(np.isnan(film[0]), 0, np.inf)})
    assert "0 people" in repr(stream)  # a refused frame leaves nothing behind
    same_rate = copy.copy(live)
    same_rate.preprocessor_ = Preprocessor("thesis")
    same_rate.preprocessor_.fps_ = 60.0
    with pytest.raises(ValueError, match=r"30 fps.* 60"):
        Stream(same_rate, fps=30, window=5)
