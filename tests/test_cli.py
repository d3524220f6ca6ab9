"""The shell commands: files in, files and tables out, and one line where something is wrong."""

import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from helpers.classifiers import blind
from helpers.networks import quick, quick_recurrent
from helpers.people import SizedSpot
from helpers.videos import make_video
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from typer.testing import CliRunner

import gymskel
from gymskel import cli
from gymskel.classifier import SkeletonClassifier
from gymskel.cli import reading
from gymskel.evaluation import baselines
from gymskel.extract import Extraction
from gymskel.extract.plan import assign_folders
from gymskel.formats import write_pack
from gymskel.models import BUILDERS
from gymskel.recording import Recording, read_recordings, write_recording
from gymskel.simulate import simulate_recordings
from gymskel.training import RECIPES
from gymskel.training.checkpoint import Checkpoint

COMMANDS = (
    *("extract", "import-openpose", "overlay", "pack", "train", "evaluate", "predict", "export"),
    *("explain", "report", "kinematics", "demo"),
)


@pytest.fixture(autouse=True)
def hurry(monkeypatch, tmp_path):
    """Training in no time, in an empty folder."""
    monkeypatch.setitem(BUILDERS, "quick", quick)
    monkeypatch.setitem(RECIPES, "default", replace(RECIPES["default"], epochs=1, min_steps=0))
    few_trees = RandomForestClassifier(3, random_state=0)
    monkeypatch.setitem(baselines.FEATURE_BASELINES, "random forest", few_trees)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return simulate_recordings(athletes=3, per_athlete=1, fps=30)


@pytest.fixture(scope="module")
def keypoints(recordings, tmp_path_factory) -> Path:
    """Six simulated recordings as CSVs."""
    root = tmp_path_factory.mktemp("data") / "keypoints"
    for recording in recordings:
        write_recording(recording, root)
    return root


@pytest.fixture(scope="module")
def artefact(recordings, tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BUILDERS, "quick_recurrent", quick_recurrent)
        return fitted(recordings, "quick_recurrent").save(tmp_path_factory.mktemp("model") / "moves.gymskel")


def fitted(recordings, model, params=None) -> SkeletonClassifier:
    recipe = replace(RECIPES["default"], epochs=1, min_steps=0)
    return SkeletonClassifier(model, params, recipe=recipe, random_state=0).fit(recordings)


@pytest.fixture
def found(monkeypatch):
    monkeypatch.setattr("gymskel.estimators.estimator.ESTIMATORS", {"found": SizedSpot})


def videos(root: Path, *names: str) -> Path:
    for name in names:
        make_video(root / name, frames=12)
    return root


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1, err
    assert lines[0].startswith("gymskel: ")
    return lines[0]


# --- help ---------------------------------------------------------------------------------------------------


def test_help():
    done = CliRunner().invoke(cli.app, ["--help"])
    assert done.exit_code == 0
    assert tuple(typer.main.get_command(cli.app).commands) == COMMANDS  # in this order in the help
    assert all(command in done.output for command in COMMANDS)
    for command in COMMANDS:
        done = CliRunner().invoke(cli.app, [command, "--help"])
        assert done.exit_code == 0
        assert "--out" in done.output or command == "evaluate"


def test_no_command_shows_the_help(shell):
    code, out, err = shell()
    assert code != 0
    assert "predict" in out + err


def test_unknown_option(shell):
    code, _, err = shell("train", "x", "--modle", "lstm")
    assert code == 2
    assert "--modle" in err


def test_entry_point():
    (script,) = (point for point in entry_points(group="console_scripts") if point.name == "gymskel")
    assert script.load() is cli.main


def test_as_a_module():
    command = [sys.executable, "-m", "gymskel", "kinematics", "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, "nowhere" in one_line(done.stderr)) == (1, True)


def test_version(shell):
    assert shell("--version") == (0, f"gymskel {gymskel.__version__}\n", "")


def test_an_error_of_the_operating_system_gets_a_fix(shell, monkeypatch):
    def fail():
        raise PermissionError(13, "Permission denied", "kp/a.csv")

    monkeypatch.setattr(cli, "app", fail)
    line = one_line(shell("extract", "x")[2])
    assert line.startswith("gymskel: kp/a.csv: Permission denied. Fix: ")


@pytest.mark.parametrize("command", ["extract x", "import-openpose x", "predict x y", "explain x y", "demo"])
def test_a_file_in_place_of_the_output_folder(shell, command):
    Path("taken.txt").touch()
    code, _, err = shell(*command.split(), "--out", "taken.txt")
    assert code == 1 and "taken.txt is a file. Fix: " in one_line(err)


# --- extract ------------------------------------------------------------------------------------------------


def test_extract(shell, found, tmp_path):
    videos(tmp_path / "clips", "backflip-1-s01.mp4", "back-handspring-2-s02.mp4")
    code, out, _ = shell("extract", "clips", "-o", "kp", "--fps", 25)
    assert (code, out) == (0, "kp: 2 extracted, 0 finished before, 0 failed\n")
    made = read_recordings("kp")
    assert [r.name for r in made] == ["back-handspring-2-s02", "backflip-1-s01"]
    assert [(len(r), r.fps, r.estimator) for r in made] == [(12, 25, "found 1")] * 2
    code, out, _ = shell("extract", "clips", "-o", "kp", "--fps", 25)
    assert (code, out) == (0, "kp: 0 extracted, 2 finished before, 0 failed\n")
    code, out, _ = shell("extract", "clips", "-o", "kp", "--fps", 25, "--overwrite")
    assert (code, out) == (0, "kp: 2 extracted, 0 finished before, 0 failed\n")


@pytest.mark.slow
def test_a_correction_of_one_video_as_the_page_on_own_videos_says(shell, found, tmp_path):
    videos(tmp_path / "days" / "mon", "a.mp4", "b.mp4")
    code, out, _ = shell("extract", "days", "-o", "kp", "--fps", 25)
    assert (code, out) == (0, "kp: 2 extracted, 0 finished before, 0 failed\n")
    code, out, err = shell("extract", "days/mon/a.mp4", "-o", "kp", "--fps", 25, "--people", "largest")
    assert (code, out, "!" in err) == (0, "kp: 1 extracted, 0 finished before, 0 failed\n", False)
    videos(tmp_path / "days" / "tue", "c.mp4")
    code, out, err = shell("extract", "days", "-o", "kp", "--fps", 25)
    assert (code, out) == (0, "kp: 1 extracted, 2 finished before, 0 failed\n")
    (note,) = [line for line in err.splitlines() if line.startswith("!")]
    assert re.search(r"1 of 3 .*kp/mon/a \(.*'largest'.*'athlete'\)", note)
    made = {r.sample: r.history[0]["people"] for r in read_recordings("kp")}
    assert made == {"a": "largest", "b": "athlete", "c": "athlete"} and len(read_recordings("kp")) == 3
    assert sorted(path.parent.as_posix() for path in Path("kp").rglob("recording.json"))[0] == "kp/mon/a"


def test_extract_several_videos(shell, found, tmp_path):
    videos(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    code, out, _ = shell("extract", "a.mp4", "b.mp4", "--no-follow")
    assert code == 0
    assert sorted(path.name for path in Path("keypoints").iterdir()) == ["a", "b"]
    assert out.startswith("keypoints: 2 extracted")


def test_extract_tells_what_failed_and_keeps_the_others(shell, found, tmp_path):
    videos(tmp_path / "clips", "good.mp4")
    Path("clips/bad.mp4").write_text("no video")
    code, out, err = shell("extract", "clips", "-o", "kp", "--no-follow")
    assert code == 1
    assert "1 extracted, 0 finished before, 1 failed" in out
    assert re.search(r"^! .*bad\.mp4: ", err, re.M)
    assert "Traceback" not in err
    assert [path.name for path in Path("kp").iterdir()] == ["good"]


def test_extract_refuses(shell, monkeypatch, tmp_path):
    videos(tmp_path / "clips", "good.mp4")
    code, _, err = shell("extract", "clips", "--estimator", "magic")
    assert (code, "'magic'" in one_line(err)) == (1, True)
    monkeypatch.setattr("gymskel.estimators.estimator.ESTIMATORS", {})
    code, _, err = shell("extract", "clips")
    assert (code, "No pose estimator" in one_line(err)) == (1, True)


def test_extract_shows_the_plan_and_what_it_was_asked_for(shell, found, tmp_path):
    videos(tmp_path / "clips", "a.mp4", "b.mp4")
    Path("clips/b.mp4").write_text("no video")
    asked = ("extract", "clips", "-o", "kp", "--people", "80,60", "--no-follow")
    code, out, err = shell(*asked, "--dry-run")
    assert (code, err) == (1, "") and not Path("kp").exists()
    first, second, last = out.splitlines()
    assert re.fullmatch(r"extract clips/a\.mp4 -> kp/a \(12 frames, 0\.\d MB\)", first)
    assert second.startswith("fail    clips/b.mp4 -> kp/b: clips/b.mp4 holds no video")
    assert last.startswith("1 to extract, 1 to fail; work: 12 frames")
    videos(tmp_path / "clips", "b.mp4")
    code, out, err = shell(*asked, "--workers", 2)
    assert (code, out) == (0, "kp: 2 extracted, 0 finished before, 0 failed\n")
    assert "a.mp4: 1 person" in err and "b.mp4: 1 person" in err
    code, out, _ = shell(*asked, "--dry-run")
    assert code == 0 and "2 to keep" in out
    code, out, _ = shell("extract", "clips", "-o", "kp", "--no-follow", "--dry-run")
    assert code == 0 and "2 to keep" in out
    assert re.search(r"kp/a \(12 frames, 0\.0 MB\): .*\[80\.0, 60\.0\].*'athlete'", out)
    code, out, _ = shell("extract", "clips", "-o", "kp", "--people", "80,60", "--dry-run")
    assert code == 1 and "refuse" in out and re.search("follow=False.*follow=True", out)
    code, _, err = shell("extract", "clips", "--people", "1,x")
    assert (code, "--people" in one_line(err), "'1,x'" in err) == (1, True, True)


# --- train --------------------------------------------------------------------------------------------------


def test_train_on_csvs(shell, keypoints):
    code, out, err = shell(
        "train", keypoints, "--model", "quick", "-o", "deep/moves.gymskel", "--folds", 2, "--seed", 3
    )
    assert code == 0, err
    assert re.search("quick: .*1 run", out)
    for words in ("floor: majority", "floor: length only", "floor: logistic regression", "truth"):
        assert words in out
    assert out.splitlines()[-1].startswith("deep/moves.gymskel: quick on 6 recordings, ")
    loaded = SkeletonClassifier.load("deep/moves.gymskel")
    assert loaded.classes_.tolist() == ["back-handspring", "backflip"]
    assert loaded.model == loaded.model_.name == "quick"
    assert loaded.training_facts_.clips == 6


def test_seeds_outside_the_range_of_keras(shell, keypoints):
    code, _, err = shell("train", keypoints, "--seed", -1)
    assert code == 2 and "--seed" in err


def test_train_repeats_by_seed(shell, keypoints, recordings):
    answers = []
    for name in ("a.gymskel", "b.gymskel"):
        code, out, _ = shell("train", keypoints, "--model", "quick", "--no-test", "--seed", 5, "-o", name)
        assert code == 0
        assert "left out" not in out
        answers.append(SkeletonClassifier.load(name).predict_proba(recordings))
    np.testing.assert_allclose(*answers, atol=1e-6)


@pytest.mark.slow
def test_train_and_evaluate_without_mirrored_copies(shell, recordings, tmp_path):
    for one in recordings:
        move = {"backflip": "turn-left"}.get(one.activity, "turn-right")
        write_recording(replace(one, activity=move), tmp_path / "kp")
    arguments = ("--model", "quick", "--folds", 2, "--no-mirror")
    code, _, err = shell("train", "kp", *arguments, "-o", "a.gymskel")
    assert code == 0, err
    assert SkeletonClassifier.load("a.gymskel").recipe.augmentation.mirror == 0
    code, out, err = shell("evaluate", "kp", *arguments)
    assert code == 0 and "turn-left" in out, err
    for command in (("train", "--no-test", "-o", "b.gymskel"), ("evaluate",)):
        with pytest.warns(UserWarning, match="turn-left and turn-right"):
            code, _, err = shell(*command, "kp", *arguments[:-1])
        assert code == 0, err


def test_train_interrupted_and_started_again(shell, keypoints, recordings, monkeypatch):
    """Control-C in the last training; the same command goes on, and no fold is trained again."""
    monkeypatch.setitem(RECIPES, "default", replace(RECIPES["default"], epochs=3))
    arguments = ("train", keypoints, "--model", "quick", "--seed", 5)
    code, _, _ = shell(*arguments, "--no-test", "-o", "alone.gymskel")
    epochs, folds, kept = [], [], Checkpoint.on_epoch_end

    def interrupting(self, epoch, logs=None):
        kept(self, epoch, logs)
        if self.path.parent.name == "a.gymskel.folds":
            folds.append(epoch)
            return
        epochs.append(epoch)
        if epochs == [0, 1]:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_epoch_end", interrupting)
    code, out, err = shell(*arguments, "--folds", 2, "-o", "a.gymskel")
    assert (code, "floor: majority" in out) == (130, True)
    assert "start the same command again" in " ".join(err.split())
    kept_files = {"a.gymskel.checkpoint", "a.gymskel.folds"}
    assert {path.name for path in Path().glob("a.gymskel*")} == kept_files
    code, _, err = shell(*arguments[:-1], 6, "-o", "a.gymskel")
    assert (code, epochs) == (1, [0, 1])
    assert "a.gymskel.folds belongs to another evaluation: not the same seeds, splits." in err
    code, _, err = shell(*arguments[:-1], 6, "--no-test", "-o", "a.gymskel")
    assert (code, epochs) == (1, [0, 1])
    assert re.search("a.gymskel.checkpoint .*seed", " ".join(err.split()))
    code, out, err = shell(*arguments, "--folds", 2, "-o", "a.gymskel")
    assert (code, epochs, "floor: majority" in out) == (0, [0, 1, 2], True)
    assert "a.gymskel.folds: 2 of 2 folds were finished before." in err
    assert folds == [0, 1, 2] * 2
    assert "Going on from a.gymskel.checkpoint" in " ".join(err.split())
    assert [path.name for path in Path().glob("a.gymskel*")] == ["a.gymskel"]
    assert len(SkeletonClassifier.load("a.gymskel").out_of_fold_) == len(recordings)
    answers = [SkeletonClassifier.load(f"{n}.gymskel").predict_proba(recordings) for n in ("a", "alone")]
    np.testing.assert_allclose(*answers, atol=1e-5)


def test_a_training_that_was_not_tested_is_tested_when_it_goes_on(shell, keypoints, recordings, monkeypatch):
    monkeypatch.setitem(RECIPES, "default", replace(RECIPES["default"], epochs=2))

    kept = Checkpoint.on_epoch_end

    def interrupting(self, epoch, logs=None):
        kept(self, epoch, logs)
        raise KeyboardInterrupt

    arguments = ("train", keypoints, "--model", "quick", "--seed", 5, "-o", "a.gymskel")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", interrupting)
        code, _, _ = shell(*arguments, "--no-test")
    assert code == 130 and Path("a.gymskel.checkpoint").exists()
    code, out, err = shell(*arguments, "--folds", 2)
    assert (code, "floor" in out, "shown before" in err) == (0, True, False)
    assert len(SkeletonClassifier.load("a.gymskel").out_of_fold_) == len(recordings)


def test_train_goes_on_from_the_files_of_an_older_version(shell, keypoints, recordings, monkeypatch):
    """Which kept the table beside the checkpoint of the last training: it is not made again."""
    kept = Checkpoint.on_epoch_end

    def interrupting(self, epoch, logs=None):
        kept(self, epoch, logs)
        raise KeyboardInterrupt

    arguments = ("train", keypoints, "--model", "quick", "--seed", 5, "-o", "a.gymskel")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", interrupting)
        shell(*arguments, "--no-test")
    table = {"recording": ["x"], "truth": ["backflip"], "predicted": ["backflip"], "p(backflip)": [0.7]}
    pd.DataFrame(table).to_csv("a.gymskel.left-out.csv", index=False)
    code, out, err = shell(*arguments)
    assert (code, "floor" in out, "the table was shown before" in err) == (0, False, True)
    assert SkeletonClassifier.load("a.gymskel").out_of_fold_["recording"].tolist() == ["x"]
    assert [path.name for path in Path().iterdir()] == ["a.gymskel"]


def test_train_with_labels(shell, recordings):
    """Names that say nothing; the labels file does."""
    rows = []
    for k, recording in enumerate(recordings):
        write_recording(replace(recording, video=f"IMG_{k}.MOV", activity=None, athlete=None), "phone")
        rows.append((f"IMG_{k}.MOV", "up" if k < 3 else "down", recording.athlete))
    pd.DataFrame(rows, columns=["file", "activity", "athlete"]).to_csv("labels.csv", index=False)
    code, out, err = shell("train", "phone", "--labels", "labels.csv", "--model", "quick", "-o", "a.gymskel")
    assert code == 0, err
    assert re.search(r"^a01 +2 ", out, re.M)  # athletes are in the table
    assert SkeletonClassifier.load("a.gymskel").classes_.tolist() == ["down", "up"]
    code, _, err = shell("train", "phone", "--model", "quick")
    assert code == 1
    assert "No activity" in err
    assert "Traceback" not in err
    code, _, err = shell("train", "phone", "--labels", "gone.csv", "--model", "quick")
    assert (code, "gone.csv" in one_line(err)) == (1, True)


def test_train_on_a_folder_an_activity(shell, recordings):
    for k, recording in enumerate(recordings):
        nameless = replace(recording, video=f"IMG_{k}.MOV", activity=None, athlete=None)
        write_recording(nameless, Path("moves", "tuck" if k < 3 else "pike"))
    code, out, err = shell("train", "moves", "--model", "quick", "--folds", 2)
    assert code == 0, err
    assert "6 recordings name no athlete" in out
    assert SkeletonClassifier.load("classifier.gymskel").classes_.tolist() == ["pike", "tuck"]


@pytest.mark.slow
def test_train_on_videos_with_labels_beside_them(shell, found, tmp_path):
    videos(tmp_path / "clips", *(f"IMG_{k}.mp4" for k in range(4)))
    rows = [(f"IMG_{k}.mp4", "ab"[k % 2], "pq"[k // 2]) for k in range(4)]
    pd.DataFrame(rows, columns=["file", "activity", "athlete"]).to_csv("clips/labels.csv", index=False)
    code, out, err = shell("train", "clips", "--labels", "clips/labels.csv", "--model", "quick")
    assert code == 0, err
    assert "clips holds videos: extracting 4 into clips-keypoints" in err
    assert "quick on 4 recordings" in out
    assert SkeletonClassifier.load("classifier.gymskel").classes_.tolist() == ["a", "b"]


def test_train_on_one_athlete_says_that_no_test_is_possible(shell, recordings):
    for recording in recordings:
        if recording.athlete == "a01":
            write_recording(recording, "alone")
    code, out, err = shell("train", "alone", "--model", "quick")
    assert code == 0, err
    assert "Only one athlete" in err
    assert "floor" not in out
    assert Path("classifier.gymskel").is_file()


# --- evaluate -----------------------------------------------------------------------------------------------


def test_evaluate(shell, keypoints):
    code, out, err = shell("evaluate", keypoints, "--model", "quick", "--folds", 2, "--runs", 2)
    assert code == 0, err
    assert re.search("quick: .*2 runs", out)
    assert "floor: length only" in out
    assert not list(Path().iterdir())  # it writes nothing


@pytest.mark.parametrize("protocol", ["athletes", "thesis"])
def test_evaluate_interrupted_and_started_again(shell, keypoints, monkeypatch, protocol):
    """Control-C in a fold or a run; the same command goes on, another one has a folder of its own."""
    monkeypatch.setitem(RECIPES, "default", replace(RECIPES["default"], epochs=2))
    short = replace(RECIPES["thesis"], epochs=2, batch_size=8)
    monkeypatch.setattr("gymskel.evaluation.published_protocol._RECIPE", short)
    more = {"athletes": ("--model", "quick"), "thesis": ("--protocol", "thesis", "--model", "simple_rnn")}
    arguments = ("evaluate", keypoints, *more[protocol], "--runs", 2)
    epochs, kept = [], Checkpoint.on_epoch_end

    def interrupting(self, epoch, logs=None):
        kept(self, epoch, logs)
        epochs.append((self.path.stem, epoch))
        if len(epochs) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_epoch_end", interrupting)
    code, out, err = shell(*arguments)
    assert (code, out, "start the same command again" in err) == (130, "", True)
    (folder,) = Path().iterdir()
    assert re.fullmatch(r"evaluation-(quick|simple_rnn)-[0-9a-f]{8}\.checkpoint", folder.name)
    code, _, _ = shell(*arguments, "--seed", 7)
    assert code == 0 and [path.name for path in Path().iterdir()] == [folder.name]
    del epochs[3:]
    code, out, err = shell(*arguments)
    trials, unit = {"athletes": (6, "folds"), "thesis": (2, "runs")}[protocol]
    assert f"{folder}: 1 of {trials} {unit} were finished before." in err
    assert epochs == [(f"trial-{trial:04}", epoch) for trial in range(trials) for epoch in (0, 1)]
    assert code == 0 and "2 runs" in out and not list(Path().iterdir())
    _, alone, _ = shell(*arguments)
    assert re.sub(r" +\d+\.\d$", "", out, flags=re.M) == re.sub(r" +\d+\.\d$", "", alone, flags=re.M)


def test_evaluate_arguments(shell, keypoints, monkeypatch):
    from gymskel import evaluation

    given = {}

    def spy(classifier, recordings, **arguments):
        given.update(arguments, model=classifier.model, recipe=classifier.recipe, count=len(recordings))
        given["fps"] = {r.fps for r in recordings}
        return "told"

    monkeypatch.setattr(evaluation, "evaluate", spy)
    arguments = "--model lstm --recipe thesis --runs 5 --seed 2 --workers 3".split()
    code, out, _ = shell("evaluate", keypoints, *arguments, "--fps", 60)
    assert (code, out) == (0, "told\n")
    assert given == {
        "model": "lstm",
        "recipe": "thesis",
        "runs": 5,
        "seed": 2,
        "folds": None,
        "fps": {60},
        "count": 6,
        "progress": True,
        "workers": 3,
        "checkpoint": given["checkpoint"],
    }


@pytest.mark.parametrize(("preset", "used"), [("default", "thesis"), ("thesis_cleaned", "thesis_cleaned")])
def test_evaluate_as_published(shell, keypoints, monkeypatch, preset, used):
    from gymskel import evaluation

    given = {}
    monkeypatch.setattr(
        evaluation,
        "evaluate_published",
        lambda model, recordings, **arguments: (
            given.update(arguments, model=model, count=len(recordings)) or "told"
        ),
    )
    arguments = f"--protocol thesis --model lstm --preprocess {preset} --runs 5 --seed 2".split()
    code, out, _ = shell("evaluate", keypoints, *arguments, "--fps", 60)
    assert (code, out) == (0, "told\n")
    assert given.pop("checkpoint").name.startswith("evaluation-lstm-")
    assert given == {"model": "lstm", "preprocess": used, "runs": 5, "seed": 2, "progress": True, "count": 6}


@pytest.mark.parametrize("option", ["--folds 3", "--workers 2", "--recipe exercise_quality"])
def test_evaluate_as_published_refuses(shell, keypoints, option):
    code, _, err = shell("evaluate", keypoints, "--protocol", "thesis", "--model", "lstm", *option.split())
    assert code == 1 and option.split()[0] in one_line(err) and "thesis" in err


# --- predict ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_predict_in_a_process_of_its_own(keypoints, recordings, tmp_path):
    """A saved classifier gives the same predictions in another process as here."""
    artefact = fitted(recordings, "simple_rnn", {"units": 3}).save(tmp_path / "moves.gymskel")
    code = "from gymskel.cli import main; main()"
    command = [sys.executable, "-c", code, "predict", artefact, keypoints, "-o", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr[-2000:]
    table = pd.read_csv("out/predictions.csv", keep_default_na=False).set_index("recording")
    expected = SkeletonClassifier.load(artefact).predict_table(recordings).set_index("recording")
    assert list(table.index) == sorted(r.source for r in recordings)
    assert table["move"].to_dict() == expected["move"].to_dict()
    numbers = ["probability", "p(back-handspring)", "p(backflip)"]
    np.testing.assert_allclose(table[numbers], expected.loc[table.index, numbers], atol=1e-6)
    for name, move in table["move"].items():
        assert name in done.stdout
        assert str(tmp_path / "out" / f"{name}.{move}.recurrent.png") in done.stdout.splitlines()
        with Image.open(f"out/{name}.{move}.recurrent.png") as image:
            assert min(image.size) > 25
    assert len(list(Path("out").glob("*.png"))) == len(recordings)
    assert "Traceback" not in done.stderr


def test_predict_without_strips(shell, keypoints, artefact):
    code, out, err = shell("predict", artefact, keypoints, "--no-strips")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "predictions/predictions.csv"
    assert [path.name for path in Path("predictions").iterdir()] == ["predictions.csv"]


@pytest.mark.slow
def test_explain_writes_pictures_and_tables(shell, artefact, recordings, monkeypatch):
    shown = [*recordings[:2], *recordings[-2:]]  # two of each move
    for recording in shown:
        write_recording(recording, "few")
    code, out, err = shell("explain", artefact, "few", "-o", "why", "--units", 2)
    assert code == 0, err
    written = {path.name for path in Path("why").iterdir()}
    assert {Path(line).name for line in out.splitlines()} == written
    attributions = pd.read_csv("why/attributions.csv")
    assert set(attributions["recording"]) == {r.source for r in shown}
    assert (attributions["error"].abs() <= 0.01).all()
    for name, move in zip(attributions["recording"], attributions["target"], strict=True):
        assert {f"{name}.{move}.{kind}.png" for kind in ("recurrent", "map", "bodies")} <= written
    units = pd.read_csv("why/units.csv")
    assert list(units.columns[:3]) == ["layer", "unit", "effect"] and sorted(units["unit"]) == list(
        range(len(units))
    )
    assert len(written) == len(shown) * 3 + 2
    from gymskel import formats

    monkeypatch.setattr(formats, "read_keypoints", lambda *a, **k: [replace(recordings[0], activity=None)])
    code, out, err = shell("explain", artefact, "anything", "-o", "one")
    assert code == 0 and not Path("one/units.csv").exists() and Path("one/attributions.csv").exists(), err
    monkeypatch.setattr(formats, "read_keypoints", lambda *a, **k: [blind(recordings[0])])
    code, _, err = shell("explain", artefact, "anything", "-o", "none")
    assert code == 1 and "nothing to explain" in one_line(err)


@pytest.mark.slow
def test_predict_a_video_and_then_another(shell, found, artefact, tmp_path):
    """The second command gives no prediction for the video of the first."""
    videos(tmp_path, "IMG_1.mp4", "IMG_2.mp4")
    for name in ("IMG_1", "IMG_2"):
        code, _, err = shell("predict", artefact, f"{name}.mp4", "--fps", 30, "--no-strips")
        assert code == 0, err
        assert pd.read_csv("predictions/predictions.csv")["recording"].tolist() == [name]
    assert sorted(path.name for path in Path("predictions/keypoints").iterdir()) == ["IMG_1", "IMG_2"]
    videos(tmp_path / "both", "IMG_1.mp4", "IMG_2.mp4")
    code, _, err = shell("predict", artefact, "both", "-o", "b", "--fps", 30, "--no-strips")
    assert code == 0, err
    assert pd.read_csv("b/predictions.csv")["recording"].tolist() == ["IMG_1", "IMG_2"]


def test_predict_answers_the_other_videos_when_one_is_broken(shell, found, artefact, tmp_path):
    folder = videos(tmp_path / "clips", "IMG_1.mp4", "IMG_2.mp4")
    (folder / "IMG_3.mp4").write_bytes(b"no video")
    code, out, err = shell("predict", artefact, folder, "--no-strips", "-o", tmp_path / "out")
    assert code == 1 and "IMG_3.mp4" in err
    table = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert table["recording"].tolist() == ["IMG_1", "IMG_2"] and "IMG_1" in out


def test_predict_answers_where_nobody_was_seen(shell, artefact, recordings, monkeypatch):
    """Equal probabilities and a doubt in the table, and no picture."""
    from gymskel import formats

    for given in ([recordings[0], blind(recordings[1])], [blind(recordings[1])]):
        monkeypatch.setattr(formats, "read_keypoints", lambda *a, given=given, **k: given)
        code, out, err = shell("predict", artefact, "anything", "-o", f"out{len(given)}")
        assert code == 0, err
        table = pd.read_csv(f"out{len(given)}/predictions.csv")
        assert table["p(backflip)"].tolist()[-1] == 0.5
        assert table["doubt"].tolist()[-1].startswith("no answer: ")
        assert len(list(Path(f"out{len(given)}").glob("*.png"))) == len(given) - 1
        assert "no answer" in out


def test_predict_tells_another_frame_rate(shell, keypoints, artefact):
    _, _, err = shell("predict", artefact, keypoints, "--fps", 60, "--no-strips")
    assert re.search("! .*60 fps.*30.*--fps", err)


# --- what is wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_missing_and_empty_folders(shell, command):
    code, _, err = shell(command, "nowhere")
    assert (code, "nowhere" in one_line(err)) == (1, True)
    Path("empty").mkdir()
    code, _, err = shell(command, "empty")
    assert (code, "No recording in empty" in one_line(err)) == (1, True)


def test_extract_from_missing_and_empty_folders(shell, found):
    code, _, err = shell("extract", "nowhere")
    assert (code, "nowhere" in one_line(err)) == (1, True)
    Path("empty").mkdir()
    code, _, err = shell("extract", "empty")
    assert (code, "No video in the folder empty" in one_line(err)) == (1, True)


def test_predict_without_an_artefact(shell, keypoints, artefact):
    code, _, err = shell("predict", "gone.gymskel", keypoints)
    assert (code, "No classifier gone.gymskel" in one_line(err)) == (1, True)
    Path("text.gymskel").write_text("text")
    code, _, err = shell("predict", "text.gymskel", keypoints)
    assert (code, "text.gymskel is not a .gymskel file" in one_line(err)) == (1, True)
    code, _, err = shell("predict", artefact, "nowhere")
    assert (code, "nowhere" in one_line(err)) == (1, True)
    assert not Path("predictions").exists()


def test_wrong_names(shell, keypoints):
    for arguments, message in {
        ("--model", "gru"): "`--model` must be one of",
        ("--recipe", "fast"): "`--recipe` must be one of",
    }.items():
        code, _, err = shell("train", keypoints, "--no-test", *arguments)
        assert code == 1
        assert message in err
        assert "Traceback" not in err
    code, _, err = shell("evaluate", keypoints, "--protocol", "random")
    assert (code, "`--protocol`" in one_line(err)) == (1, True)


def test_a_place_that_cannot_be_written(shell, keypoints):
    Path("taken").mkdir()
    code, _, err = shell("train", keypoints, "--no-test", "--model", "quick", "-o", "taken")
    assert code == 1
    assert "taken" in err
    assert "Traceback" not in err


def test_faults_of_ours_show_themselves(shell, monkeypatch):
    """GYMSKEL_DEBUG gives the traceback; an error that is no user's goes through anyway."""
    monkeypatch.setenv("GYMSKEL_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["gymskel", "train", "nowhere"])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        cli.main()


def test_an_interruption(shell, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupt)
    code, out, err = shell("train", "x")
    assert (code, out) == (130, "")
    assert "start the same command again" in one_line(err)


# --- kinematics, pack ---------------------------------------------------------------------------------------


def test_kinematics(shell, keypoints, tmp_path):
    heights = tmp_path / "heights.csv"
    heights.write_text("athlete,height\na01,1.6\n")
    code, out, _ = shell("kinematics", keypoints, "-o", tmp_path / "k.csv", "--heights", heights)
    assert code == 0 and "flight_time" in out and str(tmp_path / "k.csv") in out
    table = pd.read_csv(tmp_path / "k.csv").set_index("athlete")
    assert (
        len(table) == 6
        and set(table.loc["a01", "unit"]) == {"m"}
        and set(table.loc["a02", "unit"]) == {"torso"}
    )
    assert table.loc[table["activity"] == "back-handspring", "turn"].between(330, 390).all()


def test_kinematics_refuses_heights_without_a_column(shell, keypoints, tmp_path):
    heights = tmp_path / "heights.csv"
    heights.write_text("name,height\na01,1.6\n")
    code, _, err = shell("kinematics", keypoints, "-o", tmp_path / "k.csv", "--heights", heights)
    assert code == 1 and "lacks the column athlete" in one_line(err)


def test_kinematics_as_spreadsheets_and_cameras_give_it(shell, recordings, tmp_path):
    """Heights with semicolons and commas, athletes 01 and 02; a clip with nobody in it takes no numbers from the others."""
    who = {"a01": "01", "a02": "02"}
    named = [replace(one, athlete=who.get(one.athlete, one.athlete)) for one in recordings]
    nobody = replace(named[0], keypoints=np.zeros_like(named[0].keypoints) * (np.nan, np.nan, 0), sample="99")
    write_pack([*named, nobody], tmp_path / "all.npz")
    heights = tmp_path / "heights.csv"
    heights.write_text("Athlete; Height\n01;1,60\n02 ;1.7\na99;\n")
    code, _, err = shell("kinematics", tmp_path / "all.npz", "-o", tmp_path / "k.csv", "--heights", heights)
    told = " ".join(err.split())
    assert code == 0 and "the torso has no length" in told
    assert "has no height of a03: theirs are in torso lengths" in told
    table = pd.read_csv(tmp_path / "k.csv", dtype={"athlete": str, "sample": str})
    told = table[table["sample"] != "99"].set_index("athlete")["unit"]
    assert set(told[["01", "02"]]) == {"m"} and set(told[["a03"]]) == {"torso"}
    assert len(table) == 7 and table.loc[table["sample"] == "99", "turn"].isna().all()
    heights.write_text("athlete,height\n01,tall\n")
    code, _, err = shell("kinematics", tmp_path / "all.npz", "-o", tmp_path / "k.csv", "--heights", heights)
    assert code == 1 and "height of 01 is 'tall'" in one_line(err)


def test_a_pack_is_data_like_the_folder_it_came_from(shell, keypoints, tmp_path):
    code, out, _ = shell("pack", keypoints, "-o", tmp_path / "all.npz")
    assert code == 0 and "6 recordings" in out
    code, _, err = shell("pack", keypoints, "-o", tmp_path / "all.csv")  # no reader would take it for a pack
    assert code == 1 and ".npz" in one_line(err) and not (tmp_path / "all.csv").exists()
    tables = []
    for name, data in (("a", keypoints), ("b", tmp_path / "all.npz")):
        assert shell("kinematics", data, "-o", tmp_path / f"{name}.csv")[0] == 0
        tables.append((tmp_path / f"{name}.csv").read_text())
    assert tables[0] == tables[1]
    assert shell("kinematics", tmp_path / "all.npz", "-o", tmp_path / "c.csv", "--fps", 120)[0] == 0
    halved = [pd.read_csv(tmp_path / f"{name}.csv")["landing"] for name in "ac"]
    np.testing.assert_allclose(halved[1], halved[0] / 4, rtol=0.05)  # 30 -> 120 frames a second


# --- report -------------------------------------------------------------------------------------------------


def test_report_writes_one_page(shell, artefact, keypoints, tmp_path):
    code, out, err = shell("report", artefact, keypoints, "-o", tmp_path / "page.html")
    assert code == 0
    assert re.search(r"page.html: 6 recordings, \d.\d MB", out)
    assert "--no-test" in err
    assert "gymskel train" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_report_refuses_another_ending_first(shell, tmp_path):
    code, _, err = shell("report", tmp_path / "no.gymskel", tmp_path, "-o", "page.pdf")
    assert code == 1
    assert ".html or .htm, got page.pdf" in one_line(err)


@pytest.mark.parametrize("data", ["films", "."])
@pytest.mark.parametrize("keep", [None, Path("answers", "keypoints")])
def test_videos_are_extracted_beside_their_folder_or_where_it_is_said(tmp_path, monkeypatch, data, keep):
    films = tmp_path / "films"
    films.mkdir()
    (films / "a.mp4").touch()
    monkeypatch.chdir(films if data == "." else tmp_path)
    asked = []
    nothing = Extraction((), (), {Path("a.mp4"): "broken"})
    monkeypatch.setattr(reading, "extract_and_report", lambda videos, out, **_: asked.append(out) or nothing)
    with pytest.raises(ValueError, match="None of the videos"):
        reading.read_data(Path(data), None, None, None, keep)
    assert [out.resolve() for out in asked] == [(keep or tmp_path / "films-keypoints").resolve()]


def test_of_earlier_extractions_only_those_of_these_videos_are_read(tmp_path, recordings, monkeypatch):
    """Videos moved into a folder for each activity: what lies about from before is nobody's data."""
    rates = []

    def extracting(videos, out, fps, overwrite):
        rates.append(fps)
        folders = {planned.folder: planned.video for planned in assign_folders(videos, out)}
        for folder, video in folders.items():
            write_recording(
                replace(recordings[0], video=video.name, activity=None, athlete=None), folder.parent
            )
        return Extraction(tuple(folders), (), {})

    monkeypatch.setattr(reading, "extract_and_report", extracting)
    films = tmp_path / "films"
    (films / "vault").mkdir(parents=True)
    for name in ("IMG_1.mp4", "IMG_2.mp4"):
        (films / name).touch()
    with pytest.raises(ValueError, match=r"activity .*IMG_1\.mp4, IMG_2\.mp4"):
        reading.read_data(films, None, None, None, needs_names=True)
    assert rates == []  # refused before hours of extraction
    assert len(reading.read_data(films, None, 25.0, None)[0]) == 2
    (films / "IMG_1.mp4").rename(films / "vault" / "IMG_1.mp4")
    (films / "IMG_2.mp4").rename(films / "vault" / "IMG_2.mp4")
    told, failed = reading.read_data(films, None, None, None, needs_names=True)
    assert ([(r.source, r.activity) for r in told], failed) == ([("IMG_1", "vault"), ("IMG_2", "vault")], 0)
    assert rates == [25.0, None]  # following people depends on the rate


@pytest.mark.parametrize(
    "other",
    [
        *("keypoints/IMG_1/IMG_1.mp4-0-0.csv", "keypoints/IMG_1/recording.json"),
        *("a_000000000000_keypoints.json", "a.pose", "a.npz", "a.pickle", "keypoints.zip", "aDLC.csv"),
    ],
)
def test_videos_beside_keypoints_are_not_guessed_about(tmp_path, other):
    (tmp_path / "IMG_2.mp4").touch()
    (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / other).write_text("scorer,DLC\n")
    if other.endswith(".npz"):
        write_pack([Recording(np.ones((1, 25, 3)))], tmp_path / other)
    if other.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / other, "w") as archive:
            archive.writestr("IMG_1/IMG_1.mp4-0-0.csv", "x,y,c")
    with pytest.raises(ValueError, match=r"IMG_2\.mp4 .* and keypoints"):
        reading.read_data(tmp_path, None, None, None)


def test_train_refuses_first_what_it_cannot_write_or_read(shell, keypoints, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "IMG_1.mp4").touch()
    code, _, err = shell("train", keypoints, "--model", "quick", "-o", tmp_path / "films")
    assert code == 1 and "films is a folder" in one_line(err)
    code, _, err = shell("train", tmp_path / "films", "--labels", "gone.csv", "--model", "quick")
    assert code == 1 and "gone.csv" in one_line(err) and "extracting" not in err
    (tmp_path / "films" / "monday").mkdir()
    (tmp_path / "films" / "monday" / "IMG_1.mp4").touch()
    Path("labels.csv").write_text("file,activity\nIMG_1.mp4,flip\n")
    code, _, err = shell("train", tmp_path / "films", "--labels", "labels.csv", "--model", "quick")
    assert code == 1 and "IMG_1" in one_line(err) and "extracting" not in err


def test_answers_kept_beside_a_checkpoint(shell, keypoints, recordings, monkeypatch):
    """Read back as they were: classes 01 and 02, folds without probabilities; those of another training are not."""
    table = pd.DataFrame(
        {
            "run": 0,
            "recording": ["a", "b"],
            "athlete": ["007", "2"],
            "truth": ["01", "02"],
            "predicted": ["01", "02"],
        }
    ).assign(doubt="", **{"p(01)": [0.9, np.nan], "p(02)": [0.1, np.nan]})
    table.to_csv("kept.csv", index=False)
    pd.testing.assert_frame_equal(reading.read_predictions(Path("kept.csv")), table, check_dtype=False)
    table.to_csv("a.gymskel.left-out.csv", index=False)
    code, _, err = shell("train", keypoints, "--model", "quick", "--no-test", "-o", "a.gymskel")
    assert code == 0, err
    assert SkeletonClassifier.load("a.gymskel").out_of_fold_ is None
    assert not Path("a.gymskel.left-out.csv").exists()


def test_what_was_extracted_for_an_answer_is_not_in_the_way(tmp_path, monkeypatch):
    """`gymskel predict moves.gymskel .` twice: its keypoints lie below the videos by then."""
    monkeypatch.setattr(
        reading, "extract_and_report", lambda *_, **__: Extraction((), (), {Path("a"): "broken"})
    )
    (tmp_path / "IMG_1.mp4").touch()
    csv = Path("predictions", "keypoints", "IMG_1", "IMG_1.mp4-0-0.csv")
    csv.parent.mkdir(parents=True)
    csv.touch()
    with pytest.raises(ValueError, match="None of the videos"):
        reading.read_data(Path(), None, None, None, Path("predictions", "keypoints"))
    with pytest.raises(ValueError, match=r"IMG_1\.mp4.* and keypoints"):
        reading.read_data(Path(), None, None, None)
