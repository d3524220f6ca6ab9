"""SkeletonClassifier: an estimator among scikit-learn's, honest about what does not fit, and one saved file."""

import copy
import functools
import inspect
import io
import json
import re
import sys
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from helpers import classifiers
from helpers.classifiers import SHORT, blind, poor
from helpers.networks import PLAIN, made_clips, quick
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut, cross_val_score

import gymskel
from gymskel import archive as archive_limits
from gymskel.classifier import SkeletonClassifier, inference
from gymskel.clips import Clips
from gymskel.models import BUILDERS, PUBLISHED
from gymskel.preprocess import Preprocessor, is_recognizable, select_joints, visibility_problems
from gymskel.recording import Recording
from gymskel.simulate import simulate_recording, simulate_recordings
from gymskel.skeleton import BODY_25, GYMNASTICS_15
from gymskel.training import RECIPES, compile_cache

FAST = replace(PLAIN, name="fast", epochs=12, learning_rate=0.2)
GYMSKEL = Path(gymskel.__file__).parent


def sized(classes, *, skeleton, channels, units=2, activation="relu") -> keras.Model:
    """Build `quick` with a hidden layer."""
    model = quick(classes, skeleton=skeleton, channels=channels)
    hidden = keras.layers.Dense(units, activation, name="hidden")(model.get_layer("mean").output)
    return keras.Model(model.inputs, keras.layers.Dense(classes, activation="softmax")(hidden))


@pytest.fixture(scope="module", autouse=True)
def named_builders():
    """Two small builders have names, as gymskel's have: their trainings share compiled steps."""
    BUILDERS.update(quick=quick, sized=sized)
    yield
    del BUILDERS["quick"], BUILDERS["sized"]


short = functools.partial(classifiers.short, model="quick")


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    """Two moves, four athletes, one recording of each: simulated."""
    return simulate_recordings(athletes=4, per_athlete=1, fps=30)


@pytest.fixture(scope="module")
def fitted(recordings) -> SkeletonClassifier:
    return SkeletonClassifier("quick", recipe=FAST, random_state=0).fit(recordings)


@pytest.fixture(scope="module")
def on_clips() -> SkeletonClassifier:
    return SkeletonClassifier("quick", recipe=replace(PLAIN, epochs=8), random_state=0).fit(made_clips())


# --- an estimator -------------------------------------------------------------------------------------------


def test_fit_on_recordings(fitted, recordings):
    assert fitted.classes_.tolist() == ["back-handspring", "backflip"]
    truth = [r.activity for r in recordings]
    assert fitted.score(recordings) == fitted.score(recordings, truth) >= 0.75
    assert fitted.score(recordings, ["backflip"] * 8) == np.mean(fitted.predict(recordings) == "backflip")
    probabilities = fitted.predict_proba(recordings)
    assert probabilities.shape == (8, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (fitted.predict(recordings) == fitted.classes_[probabilities.argmax(axis=1)]).all()


def test_what_it_was_trained_on(fitted, on_clips):
    facts = fitted.training_facts_
    assert (facts.clips, facts.athletes) == (8, ("a01", "a02", "a03", "a04"))
    assert (facts.fps, facts.fps_in, facts.estimators) == (None, (30,), ("simulated",))
    assert facts.skeleton_in.name == "BODY_25"
    assert facts.skeleton.joints == GYMNASTICS_15.joints
    assert (facts.channels, facts.frames) == (("x", "y"), fitted.preprocessor_.frames_)
    assert fitted.run_.epochs == 12
    assert on_clips.preprocessor_ is None
    assert on_clips.training_facts_.fps_in == ()


def test_one_recording_or_none(fitted, recordings):
    """A single Recording stands for a list of one; an empty list gets an empty answer."""
    one = fitted.predict_proba(recordings[0])
    np.testing.assert_allclose(one, fitted.predict_proba(recordings)[:1], atol=1e-6)
    assert fitted.predict(recordings[0]).tolist() == fitted.predict(recordings[:1]).tolist()
    assert len(fitted.clips(recordings[0])) == len(fitted.predict_table(recordings[0])) == 1
    assert fitted.predict_proba([]).shape == (0, 2)
    assert fitted.predict([]).tolist() == []
    assert list(fitted.predict_table([]).columns) == list(fitted.predict_table(recordings[:1]).columns)


def test_predict_table(fitted, recordings):
    table = fitted.predict_table(recordings)
    probabilities = fitted.predict_proba(recordings)
    assert table["recording"].tolist() == [r.source for r in recordings]
    assert table["move"].tolist() == fitted.predict(recordings).tolist()
    np.testing.assert_array_equal(table[["p(back-handspring)", "p(backflip)"]], probabilities)
    np.testing.assert_array_equal(table["probability"], probabilities.max(axis=1))
    assert table["doubt"].tolist() == [""] * 8


@pytest.mark.parametrize("use", ["predict", "predict_proba", "predict_table", "score"])
def test_a_prediction_is_not_deep(use, fitted, on_clips, recordings, monkeypatch):
    """From the method to the call of the compiled network there are at most six functions of gymskel, these included."""
    depths = []

    def counted(network):
        def call(keypoints, mask):
            files = [Path(frame.filename) for frame in inspect.stack(0)]
            depths.append(sum(GYMSKEL in file.parents for file in files))
            return network(keypoints, mask)

        return call

    for classifier, given in ((fitted, recordings), (on_clips, made_clips())):
        network = inference.compiled_network(classifier.model_)
        monkeypatch.setitem(inference._COMPILED, classifier.model_, counted(network))
        getattr(classifier, use)(given)
    assert len(depths) == 2 and min(depths) >= 2 and max(depths) <= 6


def test_a_prediction_reads_file_by_file(fitted, recordings):
    """As docs/journey.md shows it: no file is gone back to more than once."""
    visited = []

    def note(frame, event, argument):
        file, name = Path(frame.f_code.co_filename), frame.f_code.co_name
        if event == "call" and file.parent == GYMSKEL / "classifier" and name[0] != "<":
            visited.extend([file.stem] * (visited[-1:] != [file.stem]))

    sys.setprofile(note)
    try:
        fitted.predict(recordings[0])
    finally:
        sys.setprofile(None)
    assert visited == ["skeleton_classifier", "inputs", "skeleton_classifier", "reliability", "inference"]


def test_several_people_are_told_apart(fitted, recordings):
    other = replace(recordings[0], person=3)
    table = fitted.predict_table([recordings[0], other, recordings[1]])
    assert table["recording"].is_unique
    assert table["recording"].tolist()[2] == recordings[1].source
    assert "3" in table["recording"][1]


def test_labels_of_its_own(recordings):
    """`y` overrides what the recordings say."""
    names = ["up" if r.athlete in ("a01", "a02") else "down" for r in recordings]
    nameless = [replace(r, activity=None) for r in recordings]
    for given in (recordings, nameless):
        classifier = short().fit(given, np.array(names))
        assert classifier.classes_.tolist() == ["down", "up"]
        assert set(classifier.predict(given)) <= {"down", "up"}
    assert classifier.score(nameless, names) == np.mean(classifier.predict(nameless) == names)
    with pytest.raises(ValueError, match="No activity is known for"):
        classifier.score(nameless)


def test_fit_on_clips(on_clips):
    clips = made_clips(seed=1)
    assert on_clips.classes_.tolist() == ["back", "forth"]
    assert on_clips.score(clips) == on_clips.score(clips, [clips.classes[k] for k in clips.y]) == 1
    assert on_clips.predict_table(clips)["recording"].tolist() == list(clips.sources)
    named = short().fit(replace(clips, y=None, classes=()), ["b", "a"] * 8)
    assert named.classes_.tolist() == ["a", "b"]


def test_parameters(recordings):
    classifier = SkeletonClassifier("lstm", {"units": 3}, "thesis", SHORT, 4)
    assert is_classifier(classifier)
    assert classifier.get_params() == {
        "model": "lstm",
        "model_params": {"units": 3},
        "preprocess": "thesis",
        "recipe": SHORT,
        "random_state": 4,
    }
    assert classifier.set_params(random_state=5, model=quick, model_params=None) is classifier
    again = clone(classifier)
    assert again.get_params() == classifier.get_params()
    assert not hasattr(again.fit(recordings), "nothing")
    assert not hasattr(clone(again), "model_")
    assert SkeletonClassifier().get_params() == {
        "model": "conv_gru",
        "model_params": None,
        "preprocess": "default",
        "recipe": "default",
        "random_state": None,
    }


def test_a_preprocessor_is_not_shared(recordings):
    given = Preprocessor("thesis")
    classifier = short(preprocess=given).fit(recordings)
    assert given.fps_ is None
    assert classifier.preprocessor_.fps_ == 30
    assert classifier.preprocessor_.steps == given.steps
    listed = short(preprocess=["fill", ("center", {"frame": "each"}), ("pad", {"unseen": 0.0})]).fit(
        recordings
    )
    assert listed.training_facts_.skeleton.name == "BODY_25"


def test_model_arguments_reach_the_builder(recordings):
    given = {}

    def build(classes, **arguments):
        given.update(arguments, classes=classes)
        return quick(classes, skeleton=arguments["skeleton"])

    short(model=build, model_params={"units": 5}).fit(recordings)
    assert given.pop("skeleton").joints == GYMNASTICS_15.joints
    assert given == {"classes": 2, "channels": 2, "units": 5}


def test_random_state_repeats(recordings):
    recipe = replace(RECIPES["default"], epochs=2, min_steps=0)
    first = short(recipe=recipe).fit(recordings)
    again = clone(first).fit(recordings)
    np.testing.assert_allclose(again.predict_proba(recordings), first.predict_proba(recordings), atol=1e-6)
    other = clone(first).set_params(random_state=1).fit(recordings)
    assert np.abs(other.predict_proba(recordings) - first.predict_proba(recordings)).max() > 1e-4


def test_refused_or_interrupted_it_stays_what_it_was(recordings):
    """A fit that does not end changes nothing: neither of a fitted classifier nor of one that was not."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    other = {"backflip": "a salto", "back-handspring": "flick-flack"}
    renamed = [other[r.activity] for r in recordings]
    classifier = short(preprocess="thesis").fit(recordings)
    before, answers = dict(vars(classifier)), classifier.predict_proba(recordings)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(recordings, renamed, callbacks=[Stop()])
    with pytest.raises(ValueError, match="at least two classes"):
        classifier.fit([replace(r, fps=120.0) for r in recordings], ["same"] * len(recordings))
    assert vars(classifier) == before
    np.testing.assert_array_equal(classifier.predict_proba(recordings), answers)
    new = short()
    with pytest.raises(KeyboardInterrupt):
        new.fit(recordings, callbacks=[Stop()])
    with pytest.raises(NotFittedError):
        new.predict(recordings)
    assert classifier.fit(recordings, renamed).classes_.tolist() == ["a salto", "flick-flack"]


@pytest.mark.parametrize(
    ("kind", "classes"),
    [
        (lambda y: pd.Series(y, dtype="Int64"), [0, 1]),
        (lambda y: pd.Series(y, dtype="boolean"), [False, True]),
        (lambda y: pd.Series(y).map({0: "a", 1: "b"}).astype("category"), ["a", "b"]),
        (lambda y: pd.Series(y).map({0: "a", 1: "b"}).astype("string"), ["a", "b"]),
        (lambda y: [y[0], *map(float, y[1:])], [0.0, 1.0]),
        (np.array, [0, 1]),
        (list, [0, 1]),
    ],
)
def test_labels_of_any_type(recordings, kind, classes):
    y = [int(r.activity == "backflip") for r in recordings]
    clips = Preprocessor("default").fit_transform(recordings)
    for given in (recordings, clips):
        learned = short().fit(given, kind(y)).classes_.tolist()
        assert learned == classes and list(map(type, learned)) == list(map(type, classes))


def test_labels_that_are_none(recordings):
    with pytest.raises(ValueError, match=r"`y` .*label.* \[2\]"):
        short().fit(recordings, ["a", "b", None, *"ababa"])
    with pytest.raises(ValueError, match=r"`y` .*label.* \[0\]"):
        short().fit(recordings, pd.Series([pd.NA, 1, 0, 1, 0, 1, 0, 1], dtype="Int64"))
    with pytest.raises(ValueError, match="1d array"):
        short().fit(recordings, np.eye(2)[[0, 1] * 4])


def test_a_search_reaches_arguments_and_recipe(recordings):
    classifier = SkeletonClassifier("sized", {"units": 4}, recipe=SHORT)
    assert (
        classifier.set_params(model_params__activation="tanh", recipe__epochs=3, random_state=1) is classifier
    )
    assert classifier.model_params == {"units": 4, "activation": "tanh"} and classifier.random_state == 1
    assert classifier.recipe == replace(SHORT, epochs=3)
    with pytest.raises(TypeError, match="'epoch'"):
        classifier.set_params(recipe__epoch=3)
    with pytest.raises(ValueError, match="Invalid parameter 'units'"):
        classifier.set_params(units=3)
    search = GridSearchCV(
        SkeletonClassifier("sized", {"activation": "tanh"}, recipe=SHORT),
        {"model_params__units": np.arange(2, 4)},
        cv=GroupKFold(2),
    ).fit(recordings, [r.activity for r in recordings], groups=[r.athlete for r in recordings])
    assert search.best_params_["model_params__units"] in (2, 3)
    best = {"activation": "tanh", "units": search.best_params_["model_params__units"]}
    assert search.best_estimator_.model_params == best


def test_what_builders_of_ones_own_must_give(recordings):
    def build(classes, *, skeleton, channels, activation="softmax", names=("keypoints", "mask"), units=None):
        keypoints = keras.Input((None, len(skeleton), channels), name=names[0])
        mask = keras.Input((None,), dtype="bool", name=names[1])
        mean = keras.layers.GlobalAveragePooling1D()(
            keras.layers.Reshape((-1, len(skeleton) * channels))(keypoints)
        )
        out = keras.layers.Dense(units or classes, activation=activation)(mean)
        return keras.Model([keypoints, mask], out)

    short(model=build).fit(recordings)
    with pytest.raises(ValueError, match="no functional model"):
        short(model=lambda *_, **__: keras.Model()).fit(recordings)
    for params, wrong in (
        ({"activation": None}, "gives probabilities .* got \\["),
        ({"names": ("x", "mask")}, "got the inputs mask, x"),
        ({"units": 1, "activation": "sigmoid"}, r"got \(None, 1\) for 2 classes"),
    ):
        with pytest.raises(ValueError, match=wrong):
            short(model=build, model_params=params).fit(recordings)


def test_durations_are_seconds_only_if_every_rate_is_known(recordings):
    long = replace(recordings[0], keypoints=np.tile(recordings[0].keypoints, (45, 1, 1)))
    mixed = [replace(r, fps=None) if k % 2 else r for k, r in enumerate(recordings)]
    for given, unit in ((recordings, "s"), (mixed, "frames")):
        classifier = short(preprocess="default").fit(given)
        lasts = [r.seconds if unit == "s" else len(r) for r in given]
        assert classifier.training_facts_.durations == (min(lasts), max(lasts))
        assert re.fullmatch(
            rf"lasts .* {unit}, trained on .* {unit}: .*", classifier.predict_table([long])["doubt"][0]
        )
        assert classifier.predict_table(given)["doubt"].tolist() == [""] * len(given)
    timeless = short().fit(recordings).predict_table([replace(long, fps=None)])
    assert timeless["doubt"][0] == ""  # frames say nothing where seconds are known


@pytest.mark.slow
def test_folds_share_a_traced_step(recordings, monkeypatch):
    """Those of one network do; other arguments, a builder of one's own and callbacks get a step of their own."""
    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(compile_cache, "_cache", {})
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: traced.append(self) or step(self, data))
    ours = {"model": "sized", "model_params": {"units": 4}}
    for part in (recordings, recordings[:6], recordings):
        short(**ours).fit(part)
    assert (len(traced), len(compile_cache._cache)) == (1, 1)
    short(model="sized", model_params={"units": 4, "activation": "tanh"}).fit(recordings)  # as large
    assert (len(traced), len(compile_cache._cache)) == (2, 2)
    for _ in range(2):
        short(model=sized, model_params={"units": 4}).fit(recordings)
        short(**ours).fit(recordings, callbacks=[keras.callbacks.Callback()])
    assert (len(traced), len(compile_cache._cache)) == (6, 2)


def test_cross_val_score_on_recordings(recordings):
    four = [r for r in recordings if r.athlete in ("a01", "a02")]
    athletes, names = [r.athlete for r in four], [r.activity for r in four]
    given, named = (
        cross_val_score(short(), four, y, groups=athletes, cv=LeaveOneGroupOut(), error_score="raise")
        for y in (names, None)  # without names it goes by the recordings' own
    )
    assert len(given) == 2 and set(given) <= {0, 0.5, 1}
    np.testing.assert_array_equal(given, named)


def test_cross_val_score_on_clips():
    """scikit-learn takes Clips apart into a list of single ones."""
    clips, classifier = made_clips(), short(recipe=replace(PLAIN, epochs=8))
    names = [clips.classes[k] for k in clips.y]
    for y in (names, None):
        scores = cross_val_score(
            classifier, clips, y, groups=clips.groups, cv=GroupKFold(2), error_score="raise"
        )
        assert scores.tolist() == [1, 1]


def test_a_list_of_clips_is_clips(on_clips):
    clips = made_clips(seed=1)
    apart = [clips[k] for k in range(len(clips))]
    np.testing.assert_array_equal(on_clips.predict_proba(apart), on_clips.predict_proba(clips))
    pd.testing.assert_frame_equal(on_clips.predict_table(apart), on_clips.predict_table(clips))
    assert on_clips.score(apart) == on_clips.score(clips)


def test_not_fitted(recordings):
    for use in ("predict", "predict_proba", "score", "clips"):
        with pytest.raises(NotFittedError):
            getattr(SkeletonClassifier(), use)(recordings)
    with pytest.raises(NotFittedError):
        SkeletonClassifier().save("nowhere.gymskel")


# --- what it refuses ----------------------------------------------------------------------------------------


def test_unlabelled_recordings_are_named(recordings):
    nameless = [replace(r, activity=None, sample=f"IMG_{k}") for k, r in enumerate(recordings)]
    with pytest.raises(ValueError, match=r"activity .*IMG_1-a02, IMG_2-a03\."):
        short().fit([recordings[0], *nameless[1:3]])
    with pytest.raises(ValueError, match=r"IMG_7-a04\."):
        short().fit(nameless)
    with pytest.raises(ValueError, match="The clips have no labels"):
        short().fit(replace(made_clips(), y=None))


def test_fit_refuses(recordings):
    with pytest.raises(ValueError, match="`X` is empty"):
        short().fit([])
    with pytest.raises(ValueError, match="two classes, got backflip"):
        short().fit(recordings[:4])
    with pytest.raises(ValueError, match="two classes, got back "):
        short().fit(made_clips()[[0, 1]])
    with pytest.raises(ValueError, match=r"`y` .*8 recordings, got 2"):
        short().fit(recordings, ["a", "b"])
    with pytest.raises(TypeError, match=r"`X` .*got str"):
        short().fit(["a.mov", "b.mov"])
    with pytest.raises(ValueError, match=r"`model` .*simple_rnn.* got 'gru'"):
        short(model="gru").fit(recordings)
    with pytest.raises(ValueError, match="`recipe` must be one of"):
        short(recipe="fast").fit(recordings)
    with pytest.raises(ValueError, match="`steps` must be one of"):
        short(preprocess="best").fit(recordings)


def test_several_people_of_one_video(recordings):
    crowd = [*recordings, replace(recordings[2], person=1)]
    with pytest.raises(ValueError, match=r"backflip-3-a03: .*person="):
        short().fit(crowd)


def test_poor_recordings_are_left_out_of_training_but_answered(recordings):
    lost = poor(recordings[3])
    assert not is_recognizable(lost)
    with pytest.warns(UserWarning, match=r"[Ll]eft out.*: backflip-4-a04") as told:
        classifier = short().fit([*recordings[:3], lost, *recordings[4:]])
    assert told[0].filename == __file__
    assert classifier.training_facts_.clips == 7
    table = classifier.predict_table([recordings[0], lost])
    why = " ".join(visibility_problems(lost))
    assert why and table["doubt"].tolist() == ["", f"few joints were seen: {why}"]
    assert why in str(told[0].message)
    assert table["probability"][1] != 0.5
    with pytest.raises(ValueError, match="In none of the recordings"):
        short().fit([poor(r) for r in recordings])


def test_a_blind_recording_gets_equal_probabilities(fitted, recordings):
    given = [recordings[0], blind(recordings[1]), recordings[5]]
    table = fitted.predict_table(given)
    assert table["doubt"].tolist()[::2] == ["", ""]
    assert table["doubt"][1].startswith("no answer: MidHip is unseen in every frame")
    assert table["p(backflip)"][1] == table["p(back-handspring)"][1] == 0.5
    expected = fitted.predict_proba(recordings)[[0, 5]]
    np.testing.assert_allclose(fitted.predict_proba(given)[[0, 2]], expected, atol=1e-6)
    assert len(fitted.predict([blind(recordings[1])])) == 1
    with pytest.raises(ValueError, match="MidHip is unseen"):
        fitted.clips(given)


def test_another_frame_rate():
    """The default brings recordings to 32 frames each; the thesis' steps refuse another rate."""
    made = simulate_recordings(athletes=2, per_athlete=1, fps=60)
    slow = [replace(r, keypoints=r.keypoints[::2], fps=30.0) for r in made]
    default = short().fit(made)
    assert (default.training_facts_.fps, default.training_facts_.frames) == (None, 32)
    np.testing.assert_allclose(default.predict_proba(slow), default.predict_proba(made), atol=0.05)
    thesis = short(preprocess="thesis").fit(made)
    with pytest.raises(ValueError, match=r"back-handspring-2-a02 .*30 fps.* 60"):
        thesis.predict(slow)
    of_one_rate = short(preprocess=["fill", ("resample", {"fps": 15}), "center", ("pad", {"unseen": 0})])
    clips = replace(of_one_rate.fit(made).clips(made), fps=60.0)
    with pytest.raises(ValueError, match=r"60 fps.* 15"):
        of_one_rate.predict(clips)


def test_another_skeleton(fitted, on_clips, recordings):
    fewer = select_joints(recordings[0], GYMNASTICS_15)
    with pytest.raises(ValueError, match=r"GYMNASTICS_15 \(15 joints\).*BODY_25 \(25\)"):
        fitted.predict([recordings[1], fewer])
    own = Clips.from_arrays(np.zeros((1, 5, 15, 2)), skeleton=replace(GYMNASTICS_15, name="the same 15"))
    assert len(fitted.predict(own)) == 1  # the joints count, not the name
    with pytest.raises(ValueError, match="have BODY_25"):
        on_clips.predict(Clips.from_arrays(np.zeros((1, 5, 25, 2)), skeleton=BODY_25))
    with pytest.raises(ValueError, match=r"\('x', 'y', 'confidence'\)"):
        on_clips.predict(Clips.from_arrays(np.zeros((1, 5, 15, 3))))
    with pytest.raises(ValueError, match="fitted on Clips"):
        on_clips.predict(recordings)


def test_clips_are_no_longer_than_the_longest(recordings):
    """Only a model that is tied to a length has clips padded to it; the others answer as for the bare clips."""
    classifier = short(preprocess="thesis").fit(recordings)
    clips = classifier.clips(recordings)
    assert clips.x.shape[1] == max(map(len, recordings))
    answers = np.asarray(classifier.model_(clips.inputs, training=False))
    np.testing.assert_allclose(classifier.predict_proba(recordings), answers, atol=1e-6)


def test_published_head_is_tied_to_the_training_length(recordings):
    arguments = {**PUBLISHED["simple_rnn"]}
    classifier = short(model="simple_rnn", model_params=arguments, preprocess="thesis").fit(recordings)
    frames = max(map(len, recordings))
    assert classifier.training_facts_.frames == frames
    assert classifier.model_.get_layer("keypoints").batch_shape == (None, frames, 15, 2)
    brief = replace(recordings[0], keypoints=recordings[0].keypoints[:20])
    assert classifier.predict_proba([brief]).shape == (1, 2)
    longer = np.concatenate([r.keypoints for r in recordings[:2]])
    with pytest.raises(ValueError, match=rf"{len(longer)} frames.* {frames}"):
        classifier.predict([replace(recordings[0], keypoints=longer)])
    clips = classifier.clips(recordings)
    with pytest.raises(ValueError, match=rf"{frames + 1} frames.* {frames} "):
        classifier.predict(clips.padded_to(frames + 1))
    assert arguments == PUBLISHED["simple_rnn"]


# --- one file -----------------------------------------------------------------------------------------------


@pytest.fixture
def file(fitted, tmp_path):
    return fitted.save(tmp_path / "deep" / "moves.gymskel")


def rewritten(path, **changes):
    """The file with members changed; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, **{f"{k.replace('_', '.')}": v for k, v in changes.items()}}.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def test_saved_and_loaded(fitted, file, recordings):
    loaded = SkeletonClassifier.load(file)
    np.testing.assert_array_equal(loaded.predict_proba(recordings), fitted.predict_proba(recordings))
    assert loaded.classes_.tolist() == fitted.classes_.tolist()
    assert loaded.training_facts_ == fitted.training_facts_
    assert loaded.run_ == fitted.run_
    assert loaded.preprocessor_ == fitted.preprocessor_
    assert loaded.recipe == FAST
    assert [p.name for p in file.parent.iterdir()] == ["moves.gymskel"]
    SkeletonClassifier.load(loaded.save(file))


def test_loaded_can_be_trained_again(recordings, tmp_path):
    params = {"units": 3}
    first = SkeletonClassifier("sized", params, recipe=SHORT, random_state=3).fit(recordings)
    loaded = SkeletonClassifier.load(first.save(tmp_path / "a.gymskel"))
    assert (loaded.model, loaded.model_params, loaded.recipe) == ("sized", params, SHORT)
    again = clone(loaded).set_params(random_state=3).fit(recordings)
    np.testing.assert_allclose(again.predict_proba(recordings), first.predict_proba(recordings), atol=1e-6)


def test_a_builder_of_ones_own_is_not_taken_for_ours(recordings, tmp_path):
    def simple_rnn(classes, *, skeleton, channels):
        return quick(classes, skeleton=skeleton)

    loaded = SkeletonClassifier.load(short(model=simple_rnn).fit(recordings).save(tmp_path / "a.gymskel"))
    assert loaded.random_state == 0 and loaded.model == "own: simple_rnn"
    with pytest.raises(ValueError, match=r"'own: simple_rnn'.* builder of your own"):
        clone(loaded).fit(recordings)
    ours = short(model=sized, model_params={"units": np.int64(2)}).fit(recordings)
    loaded = SkeletonClassifier.load(ours.save(tmp_path / "b.gymskel"))
    assert (loaded.model, loaded.model_params) == ("sized", {"units": 2})


def test_a_classifier_of_clips_is_saved_too(on_clips, tmp_path):
    loaded = SkeletonClassifier.load(on_clips.save(tmp_path / "clips.gymskel"))
    clips = made_clips(seed=2)
    np.testing.assert_array_equal(loaded.predict_proba(clips), on_clips.predict_proba(clips))
    assert loaded.preprocessor_ is None


def test_no_pickle_inside(file, tmp_path):
    with zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == ["classifier.json", "model.keras"]
        facts = json.loads(archive.read("classifier.json"))
        archive.extract("model.keras", tmp_path)
    assert (facts["format"], facts["classes"]) == (1, ["back-handspring", "backflip"])
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        assert archive.read("model.weights.h5").startswith(b"\x89HDF")
        for name in ("config.json", "metadata.json"):
            json.loads(archive.read(name))


def test_a_failed_save_leaves_the_old_file(fitted, file, recordings):
    before = file.read_bytes()
    broken = clone(fitted)
    broken.__dict__.update({**vars(fitted), "model_params": {"units": object()}})
    with pytest.raises(TypeError, match=r"`model_params` .*<object"):
        broken.save(file)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == ["moves.gymskel"]


def test_files_that_cannot_be_loaded(file, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No classifier .*gone\.gymskel"):
        SkeletonClassifier.load(tmp_path / "gone.gymskel")
    text = tmp_path / "text.gymskel"
    text.write_text("not a zip")
    with pytest.raises(ValueError, match=r"text.gymskel is not"):
        SkeletonClassifier.load(text)
    text.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(ValueError, match=r"text.gymskel is not"):
        SkeletonClassifier.load(text)

    facts = json.dumps({"format": 99, "gymskel": "7.1"})
    with pytest.raises(ValueError, match=r"moves.gymskel .* 7.1 \(format 99\).*update"):
        SkeletonClassifier.load(rewritten(file, classifier_json=facts))
    for damage in ("{not json", "[]", "{}", '{"format": 1}', '{"format": "new"}'):
        with pytest.raises(ValueError, match=r"moves.gymskel.*damaged"):
            SkeletonClassifier.load(rewritten(file, classifier_json=damage))
    with pytest.raises(ValueError, match=r"lacks classifier\.json"):
        SkeletonClassifier.load(rewritten(file, classifier_json=None))


def test_a_damaged_directory(file):
    file.write_bytes(file.read_bytes().replace(b"PK\x01\x02", b"PK\x01\x09"))
    with pytest.raises(ValueError, match=r"moves.gymskel is damaged"):
        SkeletonClassifier.load(file)


def test_a_damaged_model(file):
    with pytest.raises(ValueError, match=r"moves.gymskel.*damaged"):
        SkeletonClassifier.load(rewritten(file, model_keras=b"nothing"))
    with pytest.raises(ValueError, match=r"lacks classifier\.json"):
        SkeletonClassifier.load(rewritten(file, model_keras=None))


@pytest.mark.parametrize("inside", [False, True], ids=["in the file", "in the model in it"])
def test_bombs_and_ways_out(file, inside):
    def with_more(name, content):
        with zipfile.ZipFile(file) as archive:
            files = {one: archive.read(one) for one in archive.namelist()}
        if inside:
            model = io.BytesIO(files["model.keras"])
            with zipfile.ZipFile(model, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, content)
            files["model.keras"] = model.getvalue()
        with zipfile.ZipFile(file.with_name("more.gymskel"), "w", zipfile.ZIP_DEFLATED) as archive:
            for one, own in files.items():
                archive.writestr(one, own)
            if not inside:
                archive.writestr(name, content)
        return file.with_name("more.gymskel")

    with pytest.raises(ValueError, match=r"more.gymskel.*unpacks to .* 50 times"):
        SkeletonClassifier.load(with_more("zeros", bytes(archive_limits.ALWAYS_ALLOWED_BYTES + 1)))
    with pytest.raises(ValueError, match=r"more.gymskel.*'../evil'.* out of"):
        SkeletonClassifier.load(with_more("../evil", b"x"))


def test_a_flipped_byte(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"moves.gymskel.*damaged"):
        SkeletonClassifier.load(file)


def test_a_rate_nobody_knows_is_doubted_where_it_matters(recordings):
    unknown = [replace(recordings[0], fps=None)]
    table = short(preprocess="thesis").fit(recordings).predict_table(unknown)
    assert table["doubt"][0] == "frame rate unknown, trained at 30 frames a second: give fps (--fps)"
    assert short().fit(recordings).predict_table(unknown)["doubt"][0] == ""


def test_answers_are_kept_of_an_evaluation(fitted, recordings):
    told = SimpleNamespace(
        predictions=pd.DataFrame({"recording": ["a"], "truth": ["backflip"], "predicted": ["backflip"]})
    )
    kept = copy.copy(fitted).keep_out_of_fold(told)
    assert kept.out_of_fold_["recording"].tolist() == ["a"]


def test_unknown_rate_in_training():
    """fps nobody knows: both presets do without, a step that needs it asks for it."""
    made = [
        replace(simulate_recording(move, athlete=who), fps=None)
        for move in ("backflip", "back-handspring")
        for who in "ab"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier = short(preprocess="thesis").fit(made)
    assert (classifier.training_facts_.fps, classifier.training_facts_.fps_in) == (None, ())
    assert len(classifier.predict(made)) == 4
    assert len(short().fit(made).predict(made)) == 4
    with pytest.raises(ValueError, match="frame rate unknown"):
        short(preprocess=[("resample", {"fps": 15}), ("pad", {"unseen": 0})]).fit(made)
