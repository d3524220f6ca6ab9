"""Exported files: run and compared, with all that a client needs; the clients of examples/ answer as gymskel does."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.architectures import architectures, with_model
from helpers.classifiers import short
from helpers.networks import made_clips
from sklearn.exceptions import NotFittedError

from gymskel import export
from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.inference import run_network
from gymskel.export import client_metadata, export_litert, export_onnx
from gymskel.models import PUBLISHED
from gymskel.recording import Recording, read_recording, write_recording
from gymskel.simulate import simulate_recordings

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMES = 5
FAST = {"dd_net", "simple_rnn-published"}


@pytest.fixture(scope="module")
def on_clips() -> SkeletonClassifier:
    """Fitted on clips of 5 frames."""
    return short().fit(made_clips(athletes=2, frames=FRAMES))


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return simulate_recordings(athletes=2, per_athlete=1, fps=30)


@pytest.fixture(scope="module")
def fitted(recordings) -> dict[str, SkeletonClassifier]:
    """Preset -> a classifier."""
    return {preset: short(preprocess=preset).fit(recordings) for preset in ("default", "live")}


def short_clips(frames=FRAMES):
    """Whole, shorter, and a single frame."""
    clips = made_clips(athletes=2, per_class=1, frames=frames, seed=3)
    mask = np.arange(frames) < np.array([[frames], [frames - 2], [1], [frames - 1]])
    return replace(
        clips, mask=mask, x=np.where(mask[..., None, None], clips.x, 0), seen=clips.seen & mask[..., None]
    )


@pytest.mark.parametrize(("name", "params"), architectures(FRAMES, fast=FAST))
def test_onnx_answers_as_the_network(on_clips, tmp_path, name, params):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    classifier = with_model(on_clips, name, **params)
    path = export_onnx(classifier, tmp_path / "deep" / "moves.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for clips in (short_clips(), short_clips()[2]) if params else (short_clips(), short_clips(9)):
        wanted = run_network(classifier.model_, clips)
        (told,) = session.run(["probabilities"], clips.inputs)
        np.testing.assert_allclose(told, wanted, atol=1e-5)
    metadata = json.loads((tmp_path / "deep" / "moves.onnx.json").read_text())
    assert metadata["kind"] == "onnx" and metadata["frames"] == (FRAMES if params else None)
    assert 0 <= metadata["largest_difference"] < 1e-5
    assert sorted(file.name for file in path.parent.iterdir()) == ["moves.onnx", "moves.onnx.json"]


@pytest.mark.parametrize(("name", "params"), architectures(FRAMES, fast=FAST))
def test_litert_answers_as_the_network(on_clips, tmp_path, name, params):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    classifier = with_model(on_clips, name, **params)
    path = export_litert(classifier, tmp_path / "moves.tflite")
    run = litert.Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    clips = short_clips()
    wanted = run_network(classifier.model_, clips)
    for x, mask, answer in zip(clips.x, clips.mask, wanted, strict=True):
        np.testing.assert_allclose(
            run(keypoints=x[None], mask=mask[None])["probabilities"][0], answer, atol=1e-5
        )
    metadata = json.loads((tmp_path / "moves.tflite.json").read_text())
    assert (metadata["kind"], metadata["frames"]) == ("litert", FRAMES)


@pytest.mark.parametrize("write", [export_onnx, export_litert])
def test_a_network_of_mixed_precision_is_exported_in_float32(on_clips, tmp_path, write):
    pytest.importorskip("tf2onnx" if write is export_onnx else "ai_edge_litert")
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        classifier = with_model(on_clips, "simple_rnn", units=4, features="raw")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    metadata = json.loads((write(classifier, tmp_path / "moves.file").parent / "moves.file.json").read_text())
    assert metadata["largest_difference"] < 1e-5


@pytest.mark.parametrize("write", [export_onnx, export_litert])
def test_what_cannot_be_converted_is_told_in_a_line(on_clips, tmp_path, monkeypatch, write):
    pytest.importorskip("tf2onnx" if write is export_onnx else "ai_edge_litert")

    def fail(*_, **__):
        raise ValueError("no such layer " * 1000)

    monkeypatch.setattr(export, "_tf_function", fail)
    with pytest.raises(RuntimeError, match=r"moves.x was not written.* no such") as told:
        write(on_clips, tmp_path / "moves.x")
    assert len(str(told.value)) < 1000
    with pytest.raises(NotFittedError):
        write(SkeletonClassifier(), tmp_path / "moves.x")


@pytest.mark.parametrize("preset", ["default", "live"])
@pytest.mark.parametrize(("client", "write"), [("onnx", export_onnx), ("litert", export_litert)])
def test_a_client_without_gymskel_answers_the_same(recordings, fitted, tmp_path, preset, client, write):
    pytest.importorskip({"onnx": "tf2onnx", "litert": "ai_edge_litert"}[client])
    classifier = fitted[preset]
    one = replace(recordings[1], keypoints=recordings[1].keypoints.copy())
    one.keypoints[4:9, 4] = np.nan, np.nan, 0
    one.keypoints[0, 3] = np.nan, np.nan, 0
    one.keypoints[:, 10] = np.nan, np.nan, 0
    one.keypoints[[11, 12, 15, -2, -1]] = np.nan, np.nan, 0  # frames without a file
    folder = write_recording(one, tmp_path / "keypoints")
    path = write(classifier, tmp_path / "moves.model")
    script = (
        "import runpy, sys; sys.argv = sys.argv[1:]; sys.path.insert(0, sys.argv[0].rpartition('/')[0])\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "print([name for name in ('gymskel', 'tensorflow', 'keras') if name in sys.modules])"
    )
    told = [str(EXAMPLES / f"{client}_client.py"), str(path), str(folder), "30"]
    done = subprocess.run([sys.executable, "-I", "-c", script, *told], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    *lines, imported = done.stdout.splitlines()
    assert imported == "[]"
    wanted = classifier.predict_proba([read_recording(folder, fps=30)])[0]
    assert [line.split(",")[0] for line in lines] == classifier.classes_.tolist()
    np.testing.assert_allclose([float(line.split(",")[1]) for line in lines], wanted, atol=1e-4)


@pytest.fixture
def prepare(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return pytest.importorskip("prepare")


@pytest.mark.filterwarnings("ignore::gymskel.recording.MissingFramesWarning")
@pytest.mark.parametrize("told", [True, False], ids=["recording.json", "CSVs alone"])
def test_a_client_reads_as_gymskel_does(recordings, fitted, tmp_path, prepare, told):
    """Frames where their numbers say; what lies before the first and after the last file only recording.json knows."""
    one = replace(recordings[0], keypoints=recordings[0].keypoints[:20].copy(), first_frame=3)
    one.keypoints[[0, 7, 8, 12, -1]] = np.nan, np.nan, 0
    folder = write_recording(one, tmp_path)
    write_recording(replace(one, person=1), tmp_path)
    (folder / "._backflip.mov-99-0.csv").write_text("macOS")
    if not told:
        (folder / "recording.json").unlink()
    (tmp_path / "m.json").write_text(json.dumps(client_metadata(fitted["default"])))
    keypoints, _ = prepare.read(tmp_path / "m", folder)
    wanted = read_recording(folder, fps=30, person=0)
    assert len(keypoints) == (20 if told else 18)
    np.testing.assert_array_equal(keypoints, wanted.keypoints)


@pytest.mark.parametrize(
    ("frames", "joint", "why"),
    [
        (1, None, "a single frame shows no move"),
        (9, 8, "MidHip is never seen"),
        (9, slice(None), "no file of"),
    ],
)
def test_a_client_gives_no_answer_where_gymskel_gives_none(
    recordings, fitted, tmp_path, prepare, frames, joint, why
):
    one = replace(recordings[0], keypoints=recordings[0].keypoints[:frames].copy())
    if joint is not None:
        one.keypoints[:, joint] = np.nan, np.nan, 0
    assert fitted["default"].predict_table([one])["move"].tolist() == [""]
    (tmp_path / "m.json").write_text(json.dumps(client_metadata(fitted["default"])))
    with pytest.raises(SystemExit, match=f"No answer: {why}"):
        keypoints, metadata = prepare.read(tmp_path / "m", write_recording(one, tmp_path))
        prepare.inputs(keypoints, 30, metadata)


@pytest.mark.parametrize("client", ["onnx_client.py", "litert_client.py"])
def test_clients_are_short_and_stand_alone(client):
    text = (EXAMPLES / client).read_text()
    assert len(text.splitlines()) <= 30
    assert "import gymskel" not in text and "from gymskel" not in text


def test_what_clients_are_told(fitted):
    classifier = fitted["live"]
    metadata = client_metadata(classifier)
    assert metadata["classes"] == ["back-handspring", "backflip"]
    assert len(metadata["joints_in"]) == 25 and len(metadata["joints"]) == 15
    assert (metadata["channels"], metadata["fps_in"], metadata["fps"]) == (["x", "y"], [30], None)
    assert metadata["steps"] == classifier.preprocessor_.to_dict()["steps"]
    json.dumps(metadata)


@pytest.mark.parametrize("write", [export_onnx, export_litert])
@pytest.mark.parametrize("fault", [np.float32(2e-4), np.float32(np.nan)])
def test_a_file_that_answers_otherwise_is_not_written(on_clips, tmp_path, monkeypatch, write, fault):
    pytest.importorskip("tf2onnx" if write is export_onnx else "ai_edge_litert")
    monkeypatch.setattr(export, "run_network", lambda *given: run_network(*given) + fault)
    old = tmp_path / "moves.model"
    old.write_bytes(b"older")
    with pytest.raises(RuntimeError, match=r"moves.model .* (0.0002|nan) off"):
        write(on_clips, old)
    assert old.read_bytes() == b"older" and list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize(
    ("write", "module", "name"),
    [
        (export_onnx, "tf2onnx", "tf2onnx"),
        (export_onnx, "onnxruntime", "onnxruntime"),
        (export_litert, "ai_edge_litert.interpreter", "ai-edge-litert"),
    ],
)
def test_without_the_extra(on_clips, tmp_path, monkeypatch, write, module, name):
    if module == "onnxruntime":
        pytest.importorskip("tf2onnx")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {name}\..*gymskel\[export\]"):
        write(on_clips, tmp_path / "moves")
    assert list(tmp_path.iterdir()) == []


def test_lengths_that_do_not_fit(on_clips, tmp_path):
    pytest.importorskip("ai_edge_litert")
    tied = with_model(on_clips, "simple_rnn", **PUBLISHED["simple_rnn"], frames=FRAMES)
    with pytest.raises(ValueError, match=r"`frames` .*5, got 6"):
        export_litert(tied, tmp_path / "moves.tflite", frames=6)
    with pytest.raises(ValueError, match=r"`frames` .*got 0"):
        export_litert(on_clips, tmp_path / "moves.tflite", frames=0)


def test_the_shell(on_clips, tmp_path, shell):
    pytest.importorskip("tf2onnx")
    artefact = on_clips.save(tmp_path / "moves.gymskel")
    code, out, _ = shell("export", artefact, "-o", tmp_path / "moves.onnx")
    assert code == 0 and out.splitlines() == [f"{tmp_path}/moves.onnx", f"{tmp_path}/moves.onnx.json"]
    code, out, _ = shell("export", artefact, "-o", tmp_path / "moves.tflite", "--frames", 7)
    assert code == 0 and json.loads((tmp_path / "moves.tflite.json").read_text())["frames"] == 7
    for given, told in (
        (["-o", "moves.pb"], "`--out` must end in .onnx or .tflite, got moves.pb"),
        (["-o", "moves.onnx", "--frames", 7], "`--frames` is for .tflite"),
    ):
        code, _, err = shell("export", artefact, *given)
        assert code == 1 and told in err
    (tmp_path / "wrong.gymskel").write_text("no zip")
    code, _, err = shell("export", tmp_path / "wrong.gymskel", "-o", "moves.onnx")
    assert code == 1 and "is not a .gymskel file" in err
    code, _, err = shell("export", tmp_path / "none.gymskel", "-o", "moves.onnx")
    assert code == 1 and "No classifier" in err
