"""SkeletonClassifier among scikit-learn's estimators: its own checks, searches, workers, plain arrays, pickles."""

import functools
import pickle
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from helpers import classifiers
from helpers.networks import PLAIN, made_clips, quick
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut, cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.models import BUILDERS
from gymskel.simulate import simulate_recordings
from gymskel.training import Recipe

TINY = Recipe("tiny", epochs=10, batch_size=32, learning_rate=0.3)
short = functools.partial(classifiers.short, model="quick")


@pytest.fixture(scope="module", autouse=True)
def named_builder():
    """The builder has a name, as gymskel's have: trainings share compiled steps."""
    BUILDERS["quick"] = quick
    yield
    del BUILDERS["quick"]


QUICK_CHECKS = """
check_estimator_cloneable check_estimator_tags_renamed check_valid_tag_types check_estimator_repr check_mixin_order
check_no_attributes_set_in_init check_do_not_raise_errors_in_init_or_set_params check_parameters_default_constructible
check_get_params_invariance check_set_params check_estimators_unfitted check_fit_score_takes_y check_fit1d check_fit2d_predict1d
check_n_features_in_after_fitting check_estimators_empty_data_messages check_classifiers_regression_target check_estimators_pickle
check_supervised_y_no_nan
""".split()
"""Checks of scikit-learn that take little time; the others are slow."""


def checks():
    """Return (estimator, check) of all checks that scikit-learn has for a classifier, as parameters of a test."""
    for estimator, check in estimator_checks_generator(SkeletonClassifier("quick", recipe=TINY)):
        name = getattr(check, "func", check).__name__
        yield pytest.param(estimator, check, id=name, marks=[] if name in QUICK_CHECKS else pytest.mark.slow)


@pytest.mark.usefixtures("double_precision")  # nine digits are asked for
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_own_checks(estimator, check):
    """All are passed: there is no list of expected failures."""
    check(estimator)


@pytest.fixture(scope="module")
def recordings():
    return simulate_recordings(athletes=4, per_athlete=1, fps=30)


# --- searches and workers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
def test_grid_search_with_groups(recordings, named):
    athletes, names = [r.athlete for r in recordings], [r.activity for r in recordings]
    search = GridSearchCV(short(), {"random_state": [0, 1]}, cv=GroupKFold(2), error_score="raise")
    search.fit(recordings, names if named else None, groups=athletes)
    assert search.best_estimator_.classes_.tolist() == ["back-handspring", "backflip"]
    assert len(search.predict(recordings)) == 8
    assert search.cv_results_["mean_test_score"].shape == (2,)


@pytest.mark.slow
def test_workers_score_as_one_process_does(recordings):
    """Estimators and recordings travel to other processes, and scores come back the same."""
    arguments = {"groups": [r.athlete for r in recordings], "cv": GroupKFold(2), "error_score": "raise"}
    classifier = short(model="simple_rnn", model_params={"units": 2, "features": "raw"})
    alone = cross_val_score(classifier, recordings, **arguments)
    np.testing.assert_array_equal(alone, cross_val_score(classifier, recordings, n_jobs=2, **arguments))


@pytest.mark.slow
def test_dask(recordings):
    distributed = pytest.importorskip("distributed")
    cluster = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    arguments = {"groups": [r.athlete for r in recordings], "cv": LeaveOneGroupOut(), "error_score": "raise"}
    alone = cross_val_score(short(), recordings, **arguments)
    with distributed.Client(processes=False, **cluster), joblib.parallel_config(backend="dask"):
        np.testing.assert_array_equal(cross_val_score(short(), recordings, **arguments), alone)


def test_pickled(recordings):
    """As other processes get it: a fitted classifier answers the same, a clone of it is not fitted."""
    fitted = short().fit(recordings)
    expected = fitted.predict_proba(recordings)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(recordings), expected)
    assert vars(again).keys() == vars(fitted).keys()
    assert (again.training_facts_, again.run_, again.get_params()) == (
        fitted.training_facts_,
        fitted.run_,
        fitted.get_params(),
    )
    assert not hasattr(clone(again), "model_")


# --- arrays and labels --------------------------------------------------------------------------------------


def test_arrays_of_clips(tmp_path):
    """(clips, frames, joints, channels): as Clips of the same numbers, at any number of frames, saved and loaded."""
    clips = made_clips()
    whole = replace(clips, mask=np.ones_like(clips.mask))
    names = np.array(clips.classes)[clips.y]
    fitted = short(recipe=replace(PLAIN, epochs=8)).fit(whole.x, names)
    assert fitted.score(whole.x, names) == 1
    assert (fitted.n_features_in_, fitted.preprocessor_) == (30, None)
    np.testing.assert_array_equal(
        fitted.predict_proba(whole.x), fitted.predict_proba(Clips.from_arrays(whole.x))
    )
    assert fitted.predict(whole.x[:, :4]).tolist() == names.tolist()
    assert fitted.predict_table(whole.x[:2])["recording"].tolist() == ["clip-0", "clip-1"]
    loaded = SkeletonClassifier.load(fitted.save(tmp_path / "a.gymskel"))
    np.testing.assert_array_equal(loaded.predict_proba(whole.x), fitted.predict_proba(whole.x))
    assert loaded.n_features_in_ == 30
    with pytest.raises(ValueError, match=r"14 joints .* 15 joints"):
        fitted.predict(whole.x[:, :, :14])
    with pytest.raises(ValueError, match=r"array .*`y`"):
        fitted.score(whole.x)
    with pytest.raises(ValueError, match=r"clips .*`y`"):
        short().fit(whole.x)
    with pytest.raises(ValueError, match=r"samples: \[16, 3\]"):
        short().fit(whole.x, names[:3])


def test_arrays_of_values_are_not_augmented():
    """(clips, frames, values): there is no x and y to turn, and the note says so."""
    clips = made_clips()
    x, y = clips.x.reshape(*clips.x.shape[:2], 30), clips.y + 5
    fitted = short(recipe=replace(PLAIN, epochs=8, augment="fly")).fit(x, y)
    assert "not augmented, the values are not x and y" in fitted.run_.note
    assert fitted.predict(x).tolist() == y.tolist()
    assert fitted.n_features_in_ == 30


@pytest.mark.parametrize(
    "labels", [[2, 10], [2.0, 10.0], [False, True], ["left", "right"], np.array(["a", "b"], object)]
)
def test_labels_keep_their_type(labels, tmp_path):
    """Numbers sort as numbers: 2 before 10, in memory and in the file."""
    clips, labels = made_clips(), np.array(labels)
    y = labels[clips.y]
    fitted = short(recipe=replace(PLAIN, epochs=8)).fit(replace(clips, y=None, classes=()), y)
    assert fitted.classes_.tolist() == labels.tolist() and fitted.classes_.dtype == labels.dtype
    assert fitted.predict(clips).tolist() == y.tolist()
    assert fitted.score(clips, y) == 1
    loaded = SkeletonClassifier.load(fitted.save(tmp_path / "a.gymskel"))
    assert loaded.predict(clips).tolist() == y.tolist()
    assert type(loaded.classes_[0].item() if labels.dtype != object else "") is type(labels.tolist()[0])


def test_numbers_as_labels_of_recordings(recordings):
    y = [10 if r.activity == "backflip" else 2 for r in recordings]
    fitted = short(recipe=replace(PLAIN, epochs=12, learning_rate=0.2)).fit(recordings, y)
    assert fitted.classes_.tolist() == [2, 10]
    named = short(recipe=replace(PLAIN, epochs=12, learning_rate=0.2)).fit(
        recordings, ["y" if label == 10 else "x" for label in y]
    )
    np.testing.assert_allclose(fitted.predict_proba(recordings), named.predict_proba(recordings), atol=1e-6)
    assert fitted.score(recordings, y) == np.mean(fitted.predict(recordings) == y) >= 0.75
    assert set(fitted.predict_table(recordings)["move"]) <= {"2", "10"}
    assert list(fitted.predict_table(recordings))[-2:] == ["p(2)", "p(10)"]


def test_tables_are_taken_by_their_columns():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0, 1, (20, 3)), columns=["height", "turn", "flight"])
    y = np.where(table["turn"] > 0, "flip", "jump")
    fitted = short(recipe=replace(TINY, epochs=20)).fit(table, y)
    assert fitted.feature_names_in_.tolist() == ["height", "turn", "flight"]
    assert fitted.score(table, y) >= 0.9
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(table[["turn", "height", "flight"]])
    fitted.fit(made_clips())
    assert not hasattr(fitted, "feature_names_in_")


# --- bad input ----------------------------------------------------------------------------------------------


def test_arrays_that_are_refused():
    clips = made_clips()
    y = np.array(clips.classes)[clips.y]
    fitted = short().fit(clips.x, y)
    for wrong in (np.nan, np.inf):
        x = clips.x.copy()
        x[3, 2, 1, 0] = wrong
        with pytest.raises(ValueError, match=r"(?i)X contains (NaN|infinity)"):
            short().fit(x, y)
        with pytest.raises(ValueError, match=r"(?i)X contains (NaN|infinity)"):
            fitted.predict(x)
    for labels, message in {
        (None, *y[1:]): r"`y` .*label.* \[0\]",
        (1, *y[1:].tolist()): "mixes labels of several types",
        tuple(np.linspace(0, 1, len(y))): "Unknown label type: continuous",
    }.items():
        with pytest.raises(ValueError, match=message):
            short().fit(clips.x, np.array(labels, object if isinstance(labels[1], str) else float))
    with pytest.warns(DataConversionWarning, match="column-vector"):
        short().fit(clips.x, y[:, None])


def test_labels_never_seen(recordings):
    clips = made_clips()
    fitted = short().fit(clips)
    names = np.array(clips.classes)[clips.y]
    with pytest.raises(ValueError, match=r"twist; .*back, forth"):
        fitted.score(clips, ["twist", *names[1:]])
    with pytest.raises(ValueError, match=r"never seen .*twist"):
        fitted.score(replace(clips, classes=("back", "twist")))
    with pytest.raises(ValueError, match=r"never seen .*0, 1"):
        fitted.score(clips, clips.y)
    with pytest.raises(ValueError, match="16 answers, got 2"):
        fitted.score(clips, names[:2])
    with pytest.raises(ValueError, match=r"never seen .*twist"):
        short().fit(recordings).score([replace(recordings[0], activity="twist"), *recordings[1:]])


def test_one_frame(recordings):
    """Nothing to train on; in prediction it gets no answer, beside others that do."""
    one = replace(recordings[0], keypoints=recordings[0].keypoints[:1])
    with pytest.raises(ValueError, match=r"backflip-1-a01: a single frame"):
        short().fit([one, *recordings[1:]])
    fitted = short().fit(recordings)
    table = fitted.predict_table([recordings[1], one, recordings[2]])
    assert table["doubt"].tolist() == ["", "no answer: a single frame shows no move", ""]
    assert table["move"][1] == "" and table["probability"][1] == 0.5
    expected = fitted.predict_proba(recordings[1:3])
    np.testing.assert_allclose(fitted.predict_proba([recordings[1], one, recordings[2]])[[0, 2]], expected)
    assert fitted.predict_proba([one]).tolist() == [[0.5, 0.5]]


def test_much_shorter_or_longer_than_any_trained_on(recordings):
    """An answer, with a doubt that says how long it is and what to do."""
    fitted = short().fit(recordings)
    low, high = fitted.training_facts_.durations
    assert (low, high) == (min(r.seconds for r in recordings), max(r.seconds for r in recordings))
    keypoints = recordings[0].keypoints
    brief = replace(recordings[0], keypoints=keypoints[: int(0.45 * 30 * low)])
    long = replace(recordings[0], keypoints=np.concatenate([keypoints] * 4))
    doubts = fitted.predict_table([recordings[0], brief, long])["doubt"].tolist()
    assert doubts[0] == ""
    told = f"trained on {low:.3g} to {high:.3g} s: cut the move out (preprocess.trim)"
    assert doubts[1:] == [f"lasts {r.seconds:.3g} s, {told}" for r in (brief, long)]


def test_clips_prepared_otherwise(recordings):
    """Pixels for torso lengths, or not centred: refused by size and place of the body."""
    fitted = short().fit(recordings)
    clips = fitted.clips(recordings)
    assert len(fitted.predict(clips)) == 8
    with pytest.raises(ValueError, match=r"backflip-1-a01, .* scaled otherwise"):
        fitted.predict(replace(clips, x=clips.x * 100))
    with pytest.raises(ValueError, match="scaled otherwise"):
        fitted.predict(replace(clips, x=clips.x / 100))
    moved = replace(clips, x=clips.x + np.float32(50) * clips.mask[..., None, None])
    with pytest.raises(ValueError, match=r"centred otherwise.* from the origin"):
        fitted.predict(moved)
    half = replace(clips, x=clips.x * 0.5)  # as another preset may scale, or a child
    assert len(fitted.predict(half)) == 8


# --- answers kept -------------------------------------------------------------------------------------------


@pytest.fixture
def predictions(recordings) -> pd.DataFrame:
    """Eight answers about athletes left out, the last wrong; one without probabilities."""
    told = pd.DataFrame({"run": 0, "fold": 0, "recording": [r.source for r in recordings]})
    told["athlete"] = [r.athlete for r in recordings]
    told["truth"] = told["predicted"] = [r.activity for r in recordings]
    told.loc[7, "predicted"] = "backflip"
    told["doubt"] = ""
    sure = np.array([0.99, 0.9, 0.95, 0.8, 0.7, 0.97, np.nan, 0.51])
    flip = told["predicted"] == "backflip"
    told["p(back-handspring)"] = np.where(flip, 1 - sure, sure)
    told["p(backflip)"] = np.where(flip, sure, 1 - sure)
    return told


def test_out_of_fold_answers_are_kept(recordings, predictions, tmp_path):
    fitted = short().fit(recordings)
    assert fitted.out_of_fold_ is fitted.doubt_below_ is None
    assert fitted.keep_out_of_fold(predictions, keep=0.8) is fitted
    assert fitted.doubt_below_ == 0.8  # of six right answers one lies under it
    loaded = SkeletonClassifier.load(fitted.save(tmp_path / "a.gymskel"))
    pd.testing.assert_frame_equal(loaded.out_of_fold_, predictions)
    assert (loaded.doubt_below_, loaded.doubt_keeps_) == (0.8, 0.8)
    table = fitted.predict_table(recordings)
    unsure = table["probability"] < 0.8
    assert unsure.any()
    why = "less sure than 80% of the right answers, perhaps a move never trained on"
    assert table["doubt"].tolist() == [why if low else "" for low in unsure]
    pd.testing.assert_frame_equal(loaded.predict_table(recordings), table)
    fitted.doubt_below_ = 0.0
    assert (fitted.predict_table(recordings)["doubt"] == "").all()
    assert fitted.fit(recordings).out_of_fold_ is fitted.doubt_below_ is None
    assert SkeletonClassifier.load(fitted.save(tmp_path / "b.gymskel")).out_of_fold_ is None


def test_out_of_fold_answers_without_probabilities(recordings, predictions):
    bare = predictions.drop(columns=["p(backflip)", "p(back-handspring)"])
    fitted = short().fit(recordings).keep_out_of_fold(bare)
    assert fitted.doubt_below_ is None
    assert (fitted.predict_table(recordings)["doubt"] == "").all()


def test_keep_out_of_fold_refuses(recordings, predictions):
    fitted = short().fit(recordings)
    with pytest.raises(ValueError, match=r"`predictions` .* truth; .*run, fold"):
        fitted.keep_out_of_fold(predictions.drop(columns="truth"))
    with pytest.raises(ValueError, match=r"`predictions` .*twist, .*backflip"):
        fitted.keep_out_of_fold(predictions.assign(truth="twist"))
    with pytest.raises(ValueError, match=r"`keep` .*got 0"):
        fitted.keep_out_of_fold(predictions, keep=0)
    assert fitted.out_of_fold_ is None
