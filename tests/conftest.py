"""What several test files share: the recordings in ../shared, read once a session."""

import os
import sys
from dataclasses import replace
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # a process for each core; more threads would slow all of them down
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import pytest
from helpers.videos import make_video

from gymskel.recording import Recording, read_recordings
from gymskel.simulate import simulate_recordings
from gymskel.video import write

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_finish():
    """Networks are traced test by test, and TensorFlow would optimise every trace: a quarter of the time of those that train.

    It does for users, and wherever a test starts a process of its own.
    """
    if "tensorflow" in sys.modules:
        options = {"disable_meta_optimizer": True}
        sys.modules["tensorflow"].config.optimizer.set_experimental_options(options)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data for development; tests that want it are skipped where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared")
    return SHARED


@pytest.fixture(scope="session")
def tumbling(shared: Path) -> list[Recording]:
    """The 113 published recordings, already filled and smoothed."""
    return read_recordings(shared / "data" / "tumbling.zip", fps=60)


@pytest.fixture(scope="session")
def raw(shared: Path) -> list[Recording]:
    """Everybody in the six raw recordings: 93 people."""
    with pytest.warns(match="has no file for"):
        return read_recordings(shared / "data" / "openpose_raw.zip", fps=60)


@pytest.fixture(scope="session")
def six_recordings() -> list[Recording]:
    """Three simulated athletes with two recordings each, one of each move."""
    return simulate_recordings(athletes=3, per_athlete=1, fps=30)


@pytest.fixture(scope="session")
def tiny_classifier(six_recordings: list[Recording]):
    """A SkeletonClassifier of 3 units, trained for one epoch on `six_recordings`; copy it before changing it.

    No convolutions and one direction only: TensorFlow traces it in a fifth of the time.
    """
    from gymskel.classifier import SkeletonClassifier
    from gymskel.training import RECIPES

    recipe = replace(RECIPES["default"], epochs=1, min_steps=0)
    sizes = {"units": 3, "features": "motion", "bidirectional": False}
    return SkeletonClassifier("simple_rnn", sizes, recipe=recipe, random_state=0).fit(six_recordings)


@pytest.fixture
def double_precision():
    """Models in float64: float32 depends on the order of a sum, and that on the processor and the shapes."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video of 12 frames, 160 x 120 pixels, 25 frames a second."""
    return make_video(tmp_path / "clip.mp4", frames=12)


@pytest.fixture
def without_ffmpeg(monkeypatch):
    """A machine with OpenCV alone."""
    monkeypatch.setattr("gymskel.video.write._ffmpeg", lambda: None)


@pytest.fixture
def h264():
    """A machine that encodes H.264; the test is skipped elsewhere."""
    if write._ffmpeg() is None:
        pytest.skip("needs a program ffmpeg with libx264: pip install imageio-ffmpeg")


@pytest.fixture
def shell(monkeypatch, capsys):
    """Run `gymskel ...` as the entry point does: (exit code, standard output, standard error)."""
    from gymskel import cli

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gymskel", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return end.value.code or 0, out, err

    return run
