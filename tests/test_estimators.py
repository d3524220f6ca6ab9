"""Estimators: which one is chosen, OpenPose against a stand-in for its binding, MediaPipe against itself."""

import gc
import importlib.util
import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from helpers.dots import UNSEEN
from helpers.estimators import ROOT, nothing_named, run, used_elsewhere  # noqa: F401 (a fixture)

from gymskel.estimators.estimator import ESTIMATORS, choose_estimator, find_people, is_stateless
from gymskel.estimators.openpose import check_gpus, take_gpu
from gymskel.extract import MediaPipe, OpenPose
from gymskel.skeleton import BODY_25, MEDIAPIPE_33, Skeleton

cv2 = pytest.importorskip("cv2")

needs_mediapipe = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None,
    reason="needs mediapipe (gymskel[mediapipe], Python <= 3.12)",
)
BINDINGS = ("openpose", "openpose.pyopenpose", "pyopenpose")


def red(left: int = 20, width: int = 160) -> np.ndarray:
    """A red square over black, 20 pixels wide, its middle at (left + 9.5, 29.5)."""
    frame = np.zeros((120, width, 3), np.uint8)
    frame[20:40, left : left + 20] = 0, 0, 255
    return frame


# --- which one ----------------------------------------------------------------------------------------------


class Blind:
    """Sees nobody."""

    name = "blind"
    skeleton = Skeleton(name="spot", joints=("MidHip", "Neck"))

    def __call__(self, frame):
        return np.empty((0, 2, 3), np.float32)


def test_ones_own_is_taken_as_it_is():
    blind = Blind()
    assert choose_estimator(blind) is blind
    assert find_people(red(), 0, blind, Path("a.mp4")).shape == (0, 25, 3)


@pytest.mark.parametrize("given", [Blind, lambda frame: frame, MediaPipe, None, 3])
def test_what_is_no_estimator(given):
    with pytest.raises(TypeError, match=r"`estimator`.*callable"):
        choose_estimator(given)


@pytest.mark.parametrize("name", ["MediaPipe", "alphapose", ""])
def test_a_name_of_nothing_lists_the_names(name):
    with pytest.raises(ValueError, match=rf"openpose, rtmpose, mediapipe.*'{name}'"):
        choose_estimator(name)


def test_stateless_unless_there_is_something_to_forget():
    class Remembering(Blind):
        def reset(self):
            pass

    class Honest(Remembering):
        stateless = True

    assert is_stateless(Blind()) and is_stateless(Honest()) and not is_stateless(Remembering())


def test_auto_takes_the_best_that_can_start(openpose, mediapipe, monkeypatch):
    assert list(ESTIMATORS) == ["openpose", "rtmpose", "mediapipe"]
    assert choose_estimator("auto").name == "OpenPose BODY_25 -1x368"
    for model in openpose.glob("models/pose/body_25/*"):
        model.unlink()
    assert choose_estimator("auto").name == "MediaPipe 0.10.21 pose, static"
    assert choose_estimator("mediapipe").name == "MediaPipe 0.10.21 pose, static"
    with pytest.raises(FileNotFoundError, match="No OpenPose model"):
        choose_estimator("openpose")


def test_no_estimator_names_the_fix(monkeypatch):
    for name in ("mediapipe", "rtmlib", "onnxruntime", *BINDINGS):
        monkeypatch.setitem(sys.modules, name, None)
    own = "callable of your own with `name` and `skeleton`"
    with pytest.raises(ImportError, match=rf"gymskel\[mediapipe\].*OpenPose.*gymskel\[rtmpose\].*{own}"):
        choose_estimator("mediapipe")
    with pytest.raises(
        ImportError, match=rf"OPENPOSE_PYTHON.*gymskel\[mediapipe\].*gymskel\[rtmpose\].*{own}"
    ):
        choose_estimator("openpose")
    with pytest.raises(ImportError, match=rf"gymskel\[rtmpose\].*gymskel\[mediapipe\].*OpenPose.*{own}"):
        choose_estimator("rtmpose")
    every = r"(?s)\nopenpose: .*\nrtmpose: .*\nmediapipe: "
    with pytest.raises(ImportError, match=every):
        choose_estimator("auto")


# --- OpenPose -----------------------------------------------------------------------------------------------

BINDING = (Path(__file__).parent / "helpers" / "openpose_binding.py").read_text(encoding="utf-8")


def installed(home: Path, version: str = "1.7", system: str = "Linux") -> Path:
    """OpenPose's folder as a build leaves it, with the stand-in for the binding."""
    python = home / "build" / "python" / "openpose"
    library = python if system == "Linux" else python / "Release"
    library.mkdir(parents=True)
    if system == "Linux":
        (python / "__init__.py").touch()
    (library / "pyopenpose.py").write_text(BINDING.replace('VERSION = "1.7"', f'VERSION = "{version}"', 1))
    for file in ("pose_iter_584000.caffemodel", "pose_deploy.prototxt"):
        model = home / "models" / "pose" / "body_25" / file
        model.parent.mkdir(parents=True, exist_ok=True)
        model.touch()
    return home


def prepare(monkeypatch, home: Path) -> None:
    for name in BINDINGS:
        monkeypatch.setitem(sys.modules, name, None)  # so that they come back as they were
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("OPENPOSE_PYTHON", str(home / "build" / "python"))


@pytest.fixture
def openpose(tmp_path, monkeypatch):
    """The build folder of a stand-in for OpenPose, named by OPENPOSE_PYTHON."""
    home = installed(tmp_path / "openpose")
    prepare(monkeypatch, home)
    return home


@pytest.mark.parametrize(
    ("version", "system"), [("1.7", "Linux"), ("1.6", "Linux"), ("1.5", "Linux"), ("1.7", "Windows")]
)
def test_openpose_finds_everyone_and_nobody(tmp_path, monkeypatch, version, system):
    home = installed(tmp_path / "openpose", version, system)
    prepare(monkeypatch, home)
    path = list(sys.path)
    estimator = OpenPose(net_resolution="-1x256")
    assert sys.path == path
    assert estimator.name == "OpenPose BODY_25 -1x256" and is_stateless(estimator)
    people = estimator(red())
    assert people.shape == (2, 25, 3) and people.dtype == np.float32
    np.testing.assert_allclose(people[0, :24], [[29.5, 29.5, 1.02]] * 24)
    np.testing.assert_array_equal(people[0, 24], UNSEEN)
    np.testing.assert_array_equal(people[1, 8], (3, 4, 0.5))
    np.testing.assert_array_equal(np.delete(people[1], 8, axis=0), [UNSEEN] * 24)
    nobody = estimator(np.zeros((120, 160, 3), np.uint8))
    assert nobody.shape == (0, 25, 3) and nobody.dtype == np.float32
    flags = estimator._op.FLAGS
    assert flags["model_folder"] == f"{home / 'models'}{os.sep}" and flags["render_pose"] == 0
    assert (flags["number_people_max"], flags["keypoint_scale"], flags["num_gpu"]) == (-1, 0, -1)


def test_openpose_on_windows_is_told_where_the_dlls_are(tmp_path, monkeypatch):
    home = installed(tmp_path / "openpose", system="Windows")
    for folder in ("build/bin", "build/x64/Release"):
        (home / folder).mkdir(parents=True)
    prepare(monkeypatch, home)
    added = []
    monkeypatch.setattr(os, "add_dll_directory", added.append, raising=False)
    assert len(OpenPose()(red())) == 2
    assert set(added) == {str(home / "build" / "bin"), str(home / "build" / "x64" / "Release")}


def test_openpose_gets_contiguous_frames_that_live(openpose):
    estimator = OpenPose()
    people = estimator(red(40, width=320)[:, ::2])
    np.testing.assert_allclose(people[0, 0], [24.5, 29.5, 1.02])
    before = people.copy()
    estimator(red(90))  # the binding uses its memory again
    np.testing.assert_array_equal(people, before)


def test_the_stand_in_punishes_what_the_binding_punishes(openpose):
    """So that the tests above mean something."""
    binding = OpenPose()._op
    wrapper = binding.WrapperPython()
    wrapper.configure({"model_folder": f"{openpose / 'models'}/"})
    wrapper.start()

    def ask(frame, wrap=binding.VectorDatum):
        datum = binding.Datum()
        datum.cvInputData = frame
        frame = None
        wrapper.emplaceAndPop(wrap([datum]))
        return datum.poseKeypoints

    frame = red()
    with pytest.raises(TypeError, match="incompatible function arguments"):
        ask(frame, list)
    kept = ask(frame)
    np.testing.assert_allclose(kept[0, 0, :2], 29.5)
    wide = red(40, width=320)
    assert ask(wide[:, ::2])[0, 0, 0] != pytest.approx(29.5, abs=5)  # every second column, taken for all
    assert kept[0, 0, 0] != pytest.approx(29.5, abs=5)  # overwritten
    datum = binding.Datum()
    datum.cvInputData = red()  # freed at once
    gc.collect()
    wrapper.emplaceAndPop(binding.VectorDatum([datum]))
    assert datum.poseKeypoints[0, 0, 0] != pytest.approx(29.5, abs=5)


SLOW_FLAGS = ("{'model_folder': '/'}", "{'net_resolution': '9x9'}")


@pytest.mark.parametrize(
    "flags",
    ["{'number_of_people': 1}", *(pytest.param(flags, marks=pytest.mark.slow) for flags in SLOW_FLAGS)],
)
def test_a_wrong_flag_ends_the_process(openpose, flags):
    code = "import sys; sys.path.insert(0, sys.argv[1]); from openpose import pyopenpose as op; "
    ended = run(
        code + f"op.WrapperPython().configure({flags}); print('alive')", openpose / "build" / "python"
    )
    assert ended.returncode == 1 and "ERROR" in ended.stderr and "alive" not in ended.stdout


def test_our_flags_do_not_end_the_process(openpose):
    code = "import numpy as np; from gymskel.extract import OpenPose; "
    code += "print(OpenPose()(np.zeros((9, 9, 3), np.uint8)).shape)"
    ours = run(code, OPENPOSE_PYTHON=openpose / "build" / "python")
    assert ours.stdout == "(0, 25, 3)\n", ours.stderr


def test_openpose_starts_anew_in_another_process(openpose, tmp_path, monkeypatch):
    estimator = OpenPose(scale_number=3)
    assert estimator.name == "OpenPose BODY_25 -1x368, 3 scales 0.25 apart"
    here = estimator(red())
    monkeypatch.delenv("OPENPOSE_PYTHON")  # where it was is remembered
    np.testing.assert_array_equal(used_elsewhere(estimator, red(), tmp_path), here)


def test_openpose_in_other_places(openpose, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENPOSE_PYTHON")
    python = (openpose / "build" / "python").rename(tmp_path / "elsewhere")
    models = (openpose / "models").rename(tmp_path / "weights")
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}.*OPENPOSE_MODELS"):
        OpenPose(python_folder=python)
    assert len(OpenPose(python_folder=python, model_folder=models)(red())) == 2
    monkeypatch.setenv("OPENPOSE_MODELS", str(models))
    monkeypatch.setattr("gymskel.estimators.openpose._INSTALLED", str(python))  # make install
    estimator = OpenPose()
    estimator(red())
    assert estimator._op.FLAGS["model_folder"] == f"{models}{os.sep}"


def test_openpose_that_gives_nothing_back_says_so(openpose, monkeypatch):
    estimator = OpenPose()
    monkeypatch.setattr(estimator._op.WrapperPython, "emplaceAndPop", lambda self, datums: False)
    with pytest.raises(RuntimeError, match="OpenPose stopped"):
        estimator(red())


def test_openpose_refuses_instead_of_ending_the_process(openpose, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"(?s)584000.*prototxt.*OPENPOSE_MODELS"):
        OpenPose(model_folder=tmp_path)
    for resolution in ("368", "-1x-1", "100x200", 368):
        with pytest.raises(ValueError, match=f"`net_resolution`.*{resolution}"):
            OpenPose(net_resolution=resolution)
    for number in (0, 1.5, "2"):
        with pytest.raises(ValueError, match=f"`scale_number`.*{number}"):
            OpenPose(scale_number=number)
    for gap in (0, 1, 0.5):
        with pytest.raises(ValueError, match=f"`scale_gap`.*{gap}"):
            OpenPose(scale_number=3, scale_gap=gap)
    for gpu in (-1, "0", True, (), (0, 1.5)):
        with pytest.raises(ValueError, match=r"`gpu`.*number"):
            OpenPose(gpu=gpu)
    with pytest.raises(TypeError):
        OpenPose(number_people_max=1)
    for name in BINDINGS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ImportError, match=rf"pyopenpose in {re.escape(str(tmp_path))}"):
        OpenPose(python_folder=tmp_path)


def test_openpose_on_one_gpu(openpose):
    estimator = OpenPose(gpu=1)
    assert len(estimator(red())) == 2
    assert [estimator._op.FLAGS[flag] for flag in ("num_gpu", "num_gpu_start")] == [1, 1]
    assert len(OpenPose()(red())) == 2  # flags are the process's: what the other set is set back
    assert [estimator._op.FLAGS[flag] for flag in ("num_gpu", "num_gpu_start")] == [-1, 0]
    with pytest.raises(ValueError, match="`gpu` 2: OpenPose sees 2"):
        OpenPose(gpu=2)(red())


TAKE = """
import sys
from gymskel.estimators.openpose import take_gpu
print(take_gpu((0, 1), 2), flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="several GPUs are not handed out on Windows")
def test_one_process_per_gpu(tmp_path):
    def start():
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", TAKE]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
        )

    with start() as first, start() as second:
        assert {first.stdout.readline(), second.stdout.readline()} == {"0\n", "1\n"}
        with start() as third:
            assert "Every GPU of 0, 1 is taken" in third.communicate()[1]
        first.kill()  # however it ends, its GPU is free again
        first.wait()
        with start() as fourth:
            assert fourth.stdout.readline() in {"0\n", "1\n"}
            fourth.communicate()
        second.communicate()


def test_a_process_keeps_its_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr("gymskel.estimators.openpose.tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("gymskel.estimators.openpose._locks", {})
    assert check_gpus(range(2)) == (0, 1) and check_gpus(None) == ()
    assert [take_gpu((1, 0), 2), take_gpu((0, 1), 2), take_gpu((0,), 2)] == [1, 1, 0]


# --- MediaPipe: stand-ins for its two APIs, then the real ones ----------------------------------------------


class Point:
    def __init__(self, x, y, visibility):
        self.x, self.y, self.visibility = x, y, visibility


POINTS = [
    *[Point(0.5, 0.25, 0.9)] * 30,
    *[Point(0.5, 0.5, 0.05), Point(1.01, 0.5, 0.9), Point(0.5, -0.1, 0.9)],  # guessed, beyond, beyond
]


class Pose:
    """The model inside: one person, or nobody in a black picture."""

    made: ClassVar[list] = []

    def __init__(self, **options):
        self.options, self.open = options, True
        self.made.append(self)

    def process(self, rgb):
        assert self.open and rgb[0, 0].tolist() in ([30, 20, 10], [0, 0, 0])
        landmarks = type("Landmarks", (), {"landmark": POINTS})
        return type("Result", (), {"pose_landmarks": landmarks if rgb.any() else None})

    def close(self):
        self.open = False


def stand_in(version: str, inside: bool):
    module = type(sys)("mediapipe")
    module.__version__ = version
    if inside:
        module.solutions = type("solutions", (), {"pose": type("pose", (), {"Pose": Pose})})
    return module


@pytest.fixture
def mediapipe(monkeypatch):
    module = stand_in("0.10.21", inside=True)
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    monkeypatch.setattr(Pose, "made", [])
    return module


GREY = np.full((120, 160, 3), (10, 20, 30), np.uint8)


def test_mediapipe_in_pixels_and_unseen_where_guessed(mediapipe):
    estimator = MediaPipe()
    assert estimator.name == "MediaPipe 0.10.21 pose, static" and is_stateless(estimator)
    people = estimator(GREY)
    assert people.shape == (1, 33, 3) and people.dtype == np.float32
    np.testing.assert_allclose(people[0, :30], [[80, 30, 0.9]] * 30, rtol=1e-6)
    np.testing.assert_array_equal(people[0, 30:], [UNSEEN] * 3)
    assert estimator(0 * GREY).shape == (0, 33, 3)
    (graph,) = Pose.made
    assert graph.options == {"static_image_mode": True, "model_complexity": 1, "smooth_landmarks": False}


def test_only_a_tracking_graph_is_started_anew_after_reset(mediapipe):
    for tracking, graphs in ((False, 1), (True, 2)):
        Pose.made.clear()
        estimator = MediaPipe(tracking=tracking)
        assert is_stateless(estimator) is not tracking
        estimator.reset()
        estimator(GREY)
        estimator(GREY)
        estimator.reset()
        estimator(GREY)
        assert len(Pose.made) == graphs and Pose.made[0].open is not tracking


def test_a_newer_mediapipe_wants_a_model(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", stand_in("0.10.33", inside=False))
    with pytest.raises(
        ImportError,
        match=r"0\.10\.33.*MEDIAPIPE_MODEL.*\[mediapipe\]",
    ):
        MediaPipe()


def test_mediapipe_refuses_what_the_model_cannot_do(mediapipe, tmp_path, monkeypatch):
    for people in (0, True, 1.5):
        with pytest.raises(ValueError, match=f"`people`.*{people}"):
            MediaPipe(people=people)
    with pytest.raises(ValueError, match=r"people=2.*MEDIAPIPE_MODEL"):
        MediaPipe(people=2)
    with pytest.raises(FileNotFoundError, match=r"none\.task\.$"):
        MediaPipe(model=tmp_path / "none.task")
    task = tmp_path / "pose.task"
    for content in (None, b"PK\x01\x02", b"PK\x01\x09"):
        task.write_text("no zip")
        if content:
            with zipfile.ZipFile(task, "w") as file:
                file.writestr("hand_detector.tflite", "")
            task.write_bytes(task.read_bytes().replace(b"PK\x01\x02", content))
        with pytest.raises(ValueError, match=r"pose\.task.* holds (hand.*|no files)\."):
            MediaPipe(model=task)
    with pytest.raises(ValueError, match=r"`tracking`.*pose"):
        MediaPipe(model=task, tracking=True)
    monkeypatch.setenv("MEDIAPIPE_MODEL", str(tmp_path / "gone.task"))
    with pytest.raises(FileNotFoundError, match=r"gone\.task.*MEDIAPIPE_MODEL"):
        MediaPipe()


@pytest.fixture(scope="session")
def task(tmp_path_factory) -> Path:
    """A pose landmarker as the Tasks API wants it, made of the two networks inside mediapipe 0.10.21."""
    import mediapipe
    from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

    networks = Path(mediapipe.__file__).parent / "modules"
    path = tmp_path_factory.mktemp("models") / "pose_landmarker_full.task"
    parts = {
        "pose_detector.tflite": ("pose_detection/pose_detection.tflite", 127.5, 127.5),
        "pose_landmarks_detector.tflite": ("pose_landmark/pose_landmark_full.tflite", 0.0, 255.0),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:  # it is mapped into memory
        for name, (network, mean, deviation) in parts.items():
            writer = MetadataWriter((networks / network).read_bytes())
            file.writestr(name, writer.add_image_input([mean], [deviation]).populate()[0])
    return path


@pytest.fixture(scope="session")
def clip(shared) -> list[np.ndarray]:
    """Every fourth frame of a parkour clip."""
    from gymskel.video import read_frames

    with read_frames(shared / "media" / "parkour" / "kong-vault-1-p1.mp4", fps=25) as frames:
        return [frame for number, frame in enumerate(frames) if number % 4 == 0]


@pytest.mark.slow
@needs_mediapipe
@pytest.mark.filterwarnings("ignore")  # mediapipe's own
def test_the_task_agrees_with_the_model_inside(task, clip, monkeypatch, capfd):
    monkeypatch.setenv("MEDIAPIPE_MODEL", str(task))
    ours = MediaPipe()
    assert re.fullmatch(r"MediaPipe \S+ pose pose_landmarker_full [0-9a-f]{8}, static", ours.name)
    monkeypatch.delenv("MEDIAPIPE_MODEL")
    inside = MediaPipe()
    found = [(ours(frame), inside(frame)) for frame in clip]
    both = [(a[0], b[0]) for a, b in found if len(a) and len(b)]
    assert len(both) >= len(clip) - 1
    away = np.concatenate([np.hypot(*(a - b)[:, :2].T) for a, b in both])
    assert np.nanmedian(away) < 1 and np.nanquantile(away, 0.95) < 4  # pixels; the person is 300 high
    assert capfd.readouterr().err == ""


@needs_mediapipe
@pytest.mark.filterwarnings("ignore")
def test_the_order_of_the_frames_does_not_matter(clip):
    estimator, again = MediaPipe(), MediaPipe()
    forward = [estimator(frame) for frame in clip]
    backward = [again(frame) for frame in clip[::-1]][::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@needs_mediapipe
@pytest.mark.filterwarnings("ignore")
def test_several_people(task, clip):
    frame = clip[0]
    hips = MEDIAPIPE_33.index("RHip")
    (person,) = MediaPipe(model=task)(frame)
    left = max(0, int(person[hips, 0]) - 150)
    crop = np.ascontiguousarray(frame[:, left : left + 300])
    estimator = MediaPipe(model=task, people=2)
    assert estimator.name.endswith(", static, up to 2 people")
    people = estimator(np.hstack([crop, crop]))
    assert people.shape == (2, 33, 3)
    x = np.sort(people[:, hips, 0])
    assert x[1] - x[0] == pytest.approx(crop.shape[1], abs=15)


@pytest.mark.slow
@needs_mediapipe
@pytest.mark.filterwarnings("ignore")
def test_mediapipe_starts_anew_in_another_process(task, clip, tmp_path):
    for estimator in (MediaPipe(), MediaPipe(model=task)):
        here = estimator(clip[0])
        assert here.shape == (1, 33, 3)
        there = pickle.loads(pickle.dumps(estimator))
        assert there._graph is None and there.name == estimator.name
        np.testing.assert_array_equal(there(clip[0]), here)
        there.reset()
        np.testing.assert_array_equal(there(clip[0]), here)
    np.testing.assert_array_equal(used_elsewhere(estimator, clip[0], tmp_path), here)


@needs_mediapipe
@pytest.mark.filterwarnings("ignore")
def test_mediapipe_knows_left_from_right(shared):
    from gymskel.video import read_frames

    estimator = MediaPipe(tracking=True)  # the person is too small to be found in every whole frame afresh
    with read_frames(shared / "media" / "people.avi") as frames:
        people = [estimator(frame) for frame, _ in zip(frames, range(10), strict=False)]
    estimator.reset()
    assert all(found.shape == (1, 33, 3) for found in people)
    left, right = (MEDIAPIPE_33.index(joint) for joint in ("LHip", "RHip"))
    assert all(found[0, left, 0] < found[0, right, 0] for found in people)  # seen from behind
    body = MEDIAPIPE_33.convert(people[0], BODY_25)[0]
    nose, hips, ankle = (body[BODY_25.index(joint), 1] for joint in ("Nose", "MidHip", "LAnkle"))
    assert nose < hips < ankle
