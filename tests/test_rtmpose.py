"""RTMPose: against a stand-in for rtmlib 0.0.16, and through the real one with models of our own."""

import http.client
import importlib.util
import inspect
import pickle
import sys
import urllib.error
import zipfile
import zlib
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from helpers import tiny_onnx
from helpers.dots import UNSEEN
from helpers.estimators import nothing_named, used_elsewhere  # noqa: F401 (a fixture)

from gymskel.estimators.estimator import choose_estimator, is_stateless
from gymskel.extract import RTMPose
from gymskel.skeleton import BODY_25, HALPE_26

needs_rtmlib = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("rtmlib", "onnxruntime")),
    reason="needs rtmlib and onnxruntime (gymskel[rtmpose])",
)
HOST = "https://weights.example/onnx_sdk"


class Session:
    """What onnxruntime says of a model."""

    def __init__(self, inputs, *outputs):
        self.inputs, self.outputs, self.providers = [inputs], list(outputs), ["CPUExecutionProvider"]

    def get_inputs(self):
        return [type("NodeArg", (), {"shape": shape}) for shape in self.inputs]

    def get_outputs(self):
        return [type("NodeArg", (), {"shape": shape}) for shape in self.outputs]

    def get_providers(self):
        return self.providers


class Tool:
    """What a model's file becomes; `sessions` says what onnxruntime finds in it."""

    sessions: ClassVar[dict[str, Session]]

    def __init__(self, onnx_model, model_input_size, backend, device):
        if not Path(onnx_model).exists():
            raise urllib.error.URLError(f"downloads {onnx_model}")
        print(f"load {onnx_model} with {backend} backend")
        self.session = self.sessions[type(self).__name__]
        self.onnx_model, self.model_input_size, self.backend, self.device = (
            onnx_model,
            model_input_size,
            backend,
            device,
        )


class YOLOX(Tool):
    """A box around each colour there is: green a person, red and blue other things to a detector of 80 classes."""

    def __init__(
        self,
        onnx_model: str,
        model_input_size: tuple = (640, 640),
        det_mode: str | None = None,
        nms_thr=0.45,
        score_thr=0.7,
        backend: str = "onnxruntime",
        device: str = "cpu",
        *,
        mode: str | None = None,
    ):
        super().__init__(onnx_model, model_input_size, backend, device)
        self.det_mode = "human" if det_mode is None else det_mode

    def __call__(self, image: np.ndarray):
        boxes, classes = [], []
        for channel, kind in enumerate((32, 0, 2)):
            rows, columns = np.nonzero(image[..., channel])
            if len(rows):
                boxes.append([columns.min(), rows.min(), columns.max(), rows.max()])
                classes.append(kind)
        boxes, classes = np.array(boxes), np.array(classes)
        return (boxes, classes) if self.det_mode == "multiclass" else boxes


class Pose(Tool):
    """Joints on the box's middle, the first three: beyond the picture, guessed, and surer than sure."""

    def __init__(
        self,
        onnx_model: str,
        model_input_size: tuple = (192, 256),
        mean: tuple = (123.675, 116.28, 103.53),
        std: tuple = (58.395, 57.12, 57.375),
        to_openpose: bool = False,
        backend: str = "onnxruntime",
        device: str = "cpu",
    ):
        super().__init__(onnx_model, model_input_size, backend, device)

    def __call__(self, image: np.ndarray, bboxes: list = []):  # noqa: B006 (as it is there)
        if len(bboxes) == 0:
            bboxes = [[0, 0, image.shape[1], image.shape[0]]]
        middles = [[(left + right) / 2, (top + bottom) / 2] for left, top, right, bottom in bboxes]
        places = np.repeat(np.array(middles)[:, None], 26, axis=1)
        places[:, 0] = -0.5, 3
        scores = np.full(places.shape[:2], 0.9, np.float32)
        scores[:, 1:3] = 0.29, 1.13
        return places, scores


@pytest.fixture
def rtmlib(monkeypatch, tmp_path):
    """A stand-in; its `asked` lists the downloads."""
    module, tools, file, onnxruntime = map(
        type(sys), ("rtmlib", "rtmlib.tools", "rtmlib.tools.file", "onnxruntime")
    )
    Pose.__name__ = "RTMPose"
    sizes = {"lightweight": "tiny", "balanced": "m", "performance": "x"}
    urls = {
        mode: {"det": f"{HOST}/yolox_{s}.zip", "pose": f"{HOST}/rtmpose-{s}.zip"} for mode, s in sizes.items()
    }
    module.YOLOX, module.RTMPose, module.asked = YOLOX, Pose, []
    module.BodyWithFeet = type("BodyWithFeet", (), {"MODE": urls})

    def download_checkpoint(url):
        module.asked.append(url)
        made = Path(file._get_rtmhub_dir(), "checkpoints", Path(url).stem + ".onnx")
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(url)
        return str(made)

    file._get_rtmhub_dir = lambda: str(tmp_path / "hub")
    file.download_checkpoint, tools.file = download_checkpoint, file
    onnxruntime.__version__ = "1.31"
    onnxruntime.get_available_providers = lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    for stand_in in (module, tools, file, onnxruntime):
        monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    module.sessions = {
        "YOLOX": Session([1, 3, 416, 640], ["batch", "dets", 5], ["batch", "dets"]),
        "RTMPose": Session(["batch", 3, 384, 288], ["batch", 26, 576], ["batch", 26, 768]),
    }
    monkeypatch.setattr(Tool, "sessions", module.sessions, raising=False)
    return module


def people(*channels: int) -> np.ndarray:
    """A rectangle of each colour, (left, top) = 10 (channel + 1), 20 wide and 40 high."""
    frame = np.zeros((120, 160, 3), np.uint8)
    for channel in channels:
        left = 10 * (channel + 1)
        frame[left : left + 41, left : left + 21, channel] = 255
    return frame


def test_everyone_in_pixels_and_unseen_where_guessed(rtmlib, capfd):
    estimator = RTMPose()
    assert estimator.skeleton is HALPE_26 and is_stateless(estimator)
    found = estimator(people(0, 1))
    assert found.shape == (2, 26, 3) and found.dtype == np.float32
    np.testing.assert_array_equal(found[:, :2], [[UNSEEN] * 2] * 2)
    np.testing.assert_allclose(found[0, 2:], [[20, 30, 1], *[[20, 30, 0.9]] * 23], rtol=1e-6)
    np.testing.assert_allclose(found[1, 3], [30, 40, 0.9], rtol=1e-6)
    assert capfd.readouterr() == ("", "")  # rtmlib talks
    detector, pose = estimator._models
    assert (detector.model_input_size, pose.model_input_size) == ((416, 640), (288, 384))  # the models' own


def test_nobody_is_nobody(rtmlib):
    """Asked for no box, rtmlib makes a person of the whole picture."""
    estimator = RTMPose()
    black = people()
    assert estimator(black).shape == (0, 26, 3)
    assert len(estimator._models[1](black, bboxes=estimator._models[0](black))[0]) == 1
    line = black.copy()
    line[5:9, 30] = 255
    assert estimator(line).shape == (0, 26, 3)


def test_a_detector_of_80_classes_finds_only_people(rtmlib):
    rtmlib.sessions["YOLOX"] = Session([1, 3, 640, 640], [1, 8400, 85])
    found = RTMPose()(people(0, 1, 2))
    np.testing.assert_allclose(found[:, 3], [[30, 40, 0.9]], rtol=1e-6)
    assert RTMPose()(people(0)).shape == RTMPose()(people()).shape == (0, 26, 3)


def test_a_model_that_takes_any_size_gets_rtmlibs(rtmlib):
    rtmlib.sessions["YOLOX"] = Session(["batch", 3, "height", "width"], ["batch", "dets", 5])
    estimator = RTMPose()
    estimator(people())
    assert estimator._models[0].model_input_size == (640, 640)


def test_weights_are_named_or_kept_or_downloaded(rtmlib, tmp_path, monkeypatch):
    estimator = RTMPose(mode="lightweight")
    assert rtmlib.asked == [f"{HOST}/yolox_tiny.zip", f"{HOST}/rtmpose-tiny.zip"]
    again = RTMPose(mode="lightweight", download=False)
    assert len(rtmlib.asked) == 2 and again.name == estimator.name
    mine = tmp_path / "end2end.onnx"
    mine.write_text("mine")
    monkeypatch.setenv("RTMPOSE_POSE", str(mine))
    other = RTMPose(mode="lightweight", download=False)
    known = f"end2end {zlib.crc32(b'mine'):08x}"  # many a model is called so
    assert other.name == f"RTMPose {known}, people by {estimator.name.split('by ')[1]}"
    assert RTMPose(det=mine, pose=mine).name == f"RTMPose {known}, people by {known}"
    assert len(rtmlib.asked) == 2


def test_auto_downloads_nothing(rtmlib, monkeypatch):
    for name in ("mediapipe", "openpose", "openpose.pyopenpose", "pyopenpose"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"\nrtmpose: .*yolox_m\.zip .*`download`"):
        choose_estimator("auto")
    assert rtmlib.asked == []
    assert choose_estimator("rtmpose").name.startswith("RTMPose rtmpose-m ")
    assert choose_estimator("auto").name.startswith("RTMPose rtmpose-m ")  # they are here now
    assert len(rtmlib.asked) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (urllib.error.URLError("no network"), r"no network>"),
        (TimeoutError("timed out"), r"timed out"),
        (http.client.IncompleteRead(b"", 9), r"IncompleteRead\(.*\)"),
        (zipfile.BadZipFile("File is not a zip file"), r"not a zip file; delete .*yolox_m\.zip"),
    ],
)
def test_a_failed_download_names_the_fix(rtmlib, monkeypatch, fault, said):
    def fail(url):
        raise fault

    monkeypatch.setattr(sys.modules["rtmlib.tools.file"], "download_checkpoint", fail)
    fix = r"Fix: .*checkpoints/yolox_m\.onnx.*det= and pose=.*RTMPOSE_DET"
    with pytest.raises(FileNotFoundError, match=rf"(?s)yolox_m\.zip was not downloaded \(.*{said}\)\. {fix}"):
        RTMPose()


def test_loaded_models_do_not_travel(rtmlib, monkeypatch):
    estimator = RTMPose()
    here = estimator(people(1))
    sent = pickle.dumps(estimator)
    assert len(sent) < 5000 and estimator._models is not None
    there = pickle.loads(sent)
    assert there._models is None and there.name == estimator.name
    np.testing.assert_array_equal(there(people(1)), here)


def test_what_rtmpose_refuses(rtmlib, tmp_path):
    with pytest.raises(ValueError, match=r"`mode`.*'best'"):
        RTMPose(mode="best")
    for device in ("gpu", "cuda:x", "cuda1"):
        with pytest.raises(ValueError, match=f"`device`.*{device}"):
            RTMPose(device=device)
    with pytest.raises(ValueError, match=r"cannot run on 'rocm', only on CUDA"):
        RTMPose(device="rocm")
    with pytest.raises(FileNotFoundError, match=r"gone\.onnx\.$"):
        RTMPose(pose=tmp_path / "gone.onnx")
    zipped = tmp_path / "pose.zip"
    zipped.touch()
    with pytest.raises(ValueError, match=r"\.onnx files.*pose\.zip"):
        RTMPose(pose=zipped)
    with pytest.raises(RuntimeError, match=r"'cuda:0'.*CPUExecutionProvider"):
        RTMPose(device="cuda:0")(people())


def test_other_models_are_refused(rtmlib):
    good = dict(rtmlib.sessions)
    rtmlib.sessions["RTMPose"] = Session([1, 3, 256, 192], [1, 17, 384], [1, 17, 512])
    with pytest.raises(ValueError, match=r"rtmpose-m\.onnx gives \[17, 17\].* 26"):
        RTMPose()(people())
    rtmlib.sessions.update(good, YOLOX=Session([1, 1, 64], [1, 1, 5]))
    with pytest.raises(ValueError, match=r"yolox_m\.onnx takes \[1, 1, 64\]"):
        RTMPose()(people())


# --- the real rtmlib ----------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path) -> RTMPose:
    det = tiny_onnx.write_detector(tmp_path / "det.onnx")
    return RTMPose(det=det, pose=tiny_onnx.write_pose(tmp_path / "pose.onnx"))


@needs_rtmlib
def test_the_stand_in_has_the_real_signatures():
    import rtmlib

    for ours, theirs in ((YOLOX, rtmlib.YOLOX), (Pose, rtmlib.RTMPose)):
        mine, real = (inspect.signature(kind.__init__).parameters for kind in (ours, theirs))
        assert {n: (p.kind, p.default) for n, p in mine.items()} == {
            n: (p.kind, p.default) for n, p in real.items()
        }
        mine, real = (inspect.signature(kind.__call__).parameters for kind in (ours, theirs))
        assert {n: p.default for n, p in mine.items()} == {n: p.default for n, p in real.items()}
    assert set(rtmlib.BodyWithFeet.MODE) == {"performance", "balanced", "lightweight"}


@needs_rtmlib
def test_through_the_real_rtmlib(real, tmp_path, capfd):
    frame = np.zeros((120, 160, 3), np.uint8)
    assert real(frame).shape == (0, 26, 3)
    frame[30:80, 60:100] = 255
    found = real(frame)
    assert capfd.readouterr() == ("", "")
    assert found.shape == (1, 26, 3)
    np.testing.assert_allclose(
        found[0, :, :2], [[60, 30]] * 26, atol=2.5
    )  # a pixel of the detector is 2.5 here
    assert (found[0, :, 2] == 1).all()
    body = real.skeleton.convert(found, BODY_25)
    assert (body[..., 2] == 1).all()
    np.testing.assert_array_equal(used_elsewhere(real, frame, tmp_path), found)


@needs_rtmlib
def test_the_real_rtmlib_offline(monkeypatch):
    def offline(*_, **__):
        raise urllib.error.URLError("offline")

    monkeypatch.setattr("rtmlib.tools.file.urlopen", offline)
    with pytest.raises(FileNotFoundError, match=r"yolox_m\S*\.zip .*<urlopen error offline>"):
        RTMPose()
    with pytest.raises(ValueError, match="cannot run on 'cuda'"):
        RTMPose(device="cuda")


@needs_rtmlib
def test_rtmlib_looks_where_we_look(monkeypatch, tmp_path):
    """The names of kept weights are rtmlib's own."""
    from rtmlib import BodyWithFeet
    from rtmlib.tools.file import download_checkpoint

    kept = tmp_path / "cache" / "rtmlib" / "hub" / "checkpoints"
    kept.mkdir(parents=True)
    for part, url in BodyWithFeet.MODE["balanced"].items():
        if part in ("det", "pose"):
            (kept / f"{Path(url).stem.split('.')[0]}.onnx").write_text(part)
            assert download_checkpoint(url) == str(kept / f"{Path(url).stem.split('.')[0]}.onnx")
    assert RTMPose(download=False).name.startswith(
        "RTMPose rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-"
    )
