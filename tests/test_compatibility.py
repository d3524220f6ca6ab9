"""Files written by earlier versions (tests/data) are read, and answered as that version answered."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from gymskel.classifier import SkeletonClassifier, TrainingFacts
from gymskel.classifier.inputs import keypoints_checksum
from gymskel.formats import read_pack, read_parquet
from gymskel.recording import read_recordings
from gymskel.skeleton import COCO_17

DATA = Path(__file__).parent / "data" / "v0.1.0"
ANSWERS = json.loads((DATA / "answers.json").read_text(encoding="utf-8"))


def plain(value):
    """The value as JSON gives it back: tuples are lists."""
    return json.loads(json.dumps(value))


def described(recording) -> dict:
    fields = (
        "fps activity sample athlete history video person first_frame image_size estimator space name source"
    )
    return plain(
        {
            **{field: getattr(recording, field) for field in fields.split()},
            "skeleton": recording.skeleton.to_dict(),
            "frames": len(recording),
            "seen": int(recording.seen.sum()),
            "checksum": keypoints_checksum(recording),
        }
    )


@pytest.fixture(scope="module")
def recordings():
    return read_recordings(DATA / "keypoints")


def test_recordings(recordings):
    assert [described(one) for one in recordings] == ANSWERS["recordings"]
    assert [described(one) for one in read_pack(DATA / "keypoints.npz")] == ANSWERS["recordings"]
    assert [bool(one.history) for one in recordings] == [True, False, False]


def test_parquet():
    pytest.importorskip("pyarrow")
    assert [described(one) for one in read_parquet(DATA / "parquet")] == ANSWERS["recordings"]


def test_pack_of_two_layouts():
    timed, body = read_pack(DATA / "layouts.npz")
    assert described(timed) == ANSWERS["recordings"][0]
    np.testing.assert_allclose(timed.timestamps, 0.04 * np.arange(1, len(timed) + 1))
    assert (body.skeleton, body.name, body.fps, body.space) == (COCO_17, "jump-1", 30, "body")
    assert (body.image_size, body.estimator, body.person, body.first_frame) == ((640, 480), "x", 3, 7)
    assert body.history == ({"step": "a", "b": [0, 1]},) and body.timestamps is None
    assert body.keypoints[0, 0].tolist() == np.float32([0.64, 0.27, 0.04]).tolist()


@pytest.mark.parametrize("name", ANSWERS["classifiers"])
def test_classifiers(recordings, name):
    expected = ANSWERS["classifiers"][name]
    loaded = SkeletonClassifier.load(DATA / f"{name}.gymskel")
    probabilities, table = loaded.predict_proba(recordings), loaded.predict_table(recordings)
    np.testing.assert_allclose(probabilities, np.array(expected["probabilities"]), rtol=0, atol=1e-5)
    assert table[["recording", "move", "doubt"]].to_dict("list") == expected["table"]
    assert plain({key: loaded.get_params()[key] for key in expected["params"]}) == expected["params"]
    assert loaded.recipe.balance is None  # False in 0.1.0
    assert {**plain(dataclasses.asdict(loaded.recipe)), "balance": False} == expected["recipe"]
    assert plain(loaded.preprocessor_.to_dict()) == expected["steps"]
    assert plain(loaded.training_facts_.to_dict()) == expected["facts"]
    assert plain(vars(loaded.run_)) == expected["run"]
    assert (loaded.doubt_below_, loaded.doubt_keeps_) == (expected["doubt_below"], expected["doubt_keeps"])
    kept = loaded.out_of_fold_
    assert (None if kept is None else plain(kept.to_dict("list"))) == expected["out_of_fold"]


def test_facts_without_the_newer_entries():
    """Files older than 0.1.0 lack some of the facts."""
    saved = ANSWERS["classifiers"]["dd_net"]["facts"]
    older = {key: saved[key] for key in saved if key not in ("durations", "unit", "seconds", "body")}
    facts = TrainingFacts.from_dict(older)
    assert (facts.durations, facts.unit, facts.seconds, facts.body) == (None, "s", None, None)
    assert TrainingFacts.from_dict({**older, "fps_in": []}).unit == "frames"
    assert facts == dataclasses.replace(
        TrainingFacts.from_dict(saved), durations=None, seconds=None, body=None
    )
