"""The published recipe for exercise quality: windows of ten frames, standard or not, one answer a recording."""

from dataclasses import replace

import numpy as np
import pytest

from gymskel import preprocess
from gymskel.classifier import SkeletonClassifier
from gymskel.preprocess import Preprocessor, pad
from gymskel.preprocess.preprocessor import PRESETS
from gymskel.recording import Recording
from gymskel.simulate import simulate_recording
from gymskel.skeleton import BODY_25, COCO_17
from gymskel.training import RECIPES

MOVES = {"standard": "back-handspring", "non-standard": "backflip"}


def exercise(athlete: str, *qualities: str) -> tuple[Recording, list[str]]:
    """Four seconds of each quality, a move again and again, filmed at 30 fps; and the quality of each frame."""
    parts, labels = [], []
    for quality in qualities:
        one = simulate_recording(MOVES[quality], athlete=athlete, fps=30, lost=0)
        parts.append(np.resize(one.keypoints, (120, *one.keypoints.shape[1:])))
        labels += [quality] * 120
    name = f"{'-then-'.join(qualities)}-{athlete}.mov"
    return replace(one, keypoints=np.concatenate(parts), activity=None, video=name), labels


def windows_of(athlete: str, *qualities: str) -> list[Recording]:
    recording, labels = exercise(athlete, *qualities)
    return preprocess.windows(recording, 10, every=6, stride=1, labels=labels)


def test_windows_as_published():
    windows = windows_of("a01", "standard", "non-standard")
    assert {(len(w), w.fps, w.source) for w in windows} == {(10, 5.0, "standard-then-non-standard-a01")}
    qualities = [w.activity for w in windows]
    assert qualities == ["standard"] * 16 + ["non-standard"] * 15  # the commonest in the window


def test_the_preset_is_its_steps():
    """17 joints, x and y as shares of the picture, and the confidence; an unseen joint is 0 in all three."""
    windows = windows_of("a01", "standard")
    lost = windows[0].keypoints.copy()
    lost[3, BODY_25.index("LWrist")] = np.nan, np.nan, 0
    windows[0] = replace(windows[0], keypoints=lost)
    clips = Preprocessor("exercise_quality").fit_transform(windows)
    assert clips.x.shape[1:] == (10, 17, 3) and clips.mask.all() and clips.fps == 5
    assert (clips.skeleton.joints, clips.channels) == (COCO_17.joints, ("x", "y", "confidence"))
    wrist = COCO_17.index("LWrist")
    assert (clips.x[0, 3, wrist] == 0).all() and not clips.seen[0, 3, wrist]
    rows = BODY_25.indices(COCO_17.joints)
    places = windows[1].keypoints[:, rows]
    np.testing.assert_allclose(clips.x[1, ..., :2], places[..., :2] / (1920, 1080), atol=1e-6)
    np.testing.assert_array_equal(clips.x[1, ..., 2], places[..., 2])
    by_hand = [preprocess.select_joints(preprocess.relative(w), COCO_17.joints) for w in windows]
    wanted = pad(by_hand, unseen=0, channels=("x", "y", "confidence"))
    np.testing.assert_allclose(clips.x, wanted.x, atol=1e-6)


def test_whole_recordings_at_any_rate():
    """Without windows a recording is one clip of five frames a second; a picture of unknown size is refused."""
    recording, _ = exercise("a01", "standard")
    (length,) = Preprocessor("exercise_quality").fit_transform([recording]).lengths
    assert length == 20
    with pytest.raises(ValueError, match="need pixels and `image_size`"):
        Preprocessor("exercise_quality").fit_transform([replace(recording, image_size=None)])
    assert [name for name, _ in PRESETS["exercise_quality"]] == [
        "resample",
        "relative",
        "select_joints",
        "pad",
    ]


def test_the_recipe():
    recipe = RECIPES["exercise_quality"]
    assert (recipe.batch_size, recipe.learning_rate, recipe.schedule) == (128, 1e-4, "exponential")
    assert (recipe.weight_decay, recipe.label_smoothing, recipe.balance) == (0, 0, None)
    assert (recipe.validation, recipe.validation_by) == (0.1, "athlete")


def test_from_recordings_to_one_answer_each():
    """Trained on windows of six athletes; the windows' mean probability names the quality of a seventh's recordings."""
    training = [w for k in range(1, 7) for w in windows_of(f"a0{k}", "standard", "non-standard")]
    recipe = replace(RECIPES["exercise_quality"], epochs=1, min_steps=200, learning_rate=0.02)
    sizes = {"units": 8, "bidirectional": False, "features": "raw", "dropout": 0.0}
    classifier = SkeletonClassifier("lstm_attention", sizes, "exercise_quality", recipe, random_state=0)
    classifier.fit(training)
    assert "validation on a0" in classifier.run_.note
    unseen = windows_of("a07", "standard") + windows_of("a07", "non-standard")
    table = classifier.predict_table(unseen)
    told = table.groupby("recording")["p(standard)"].mean()
    assert told["standard-a07"] > 0.5 > told["non-standard-a07"]
