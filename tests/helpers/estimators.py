"""Estimators in other processes, and without the models of this computer."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
VARIABLES = ("OPENPOSE_PYTHON", "OPENPOSE_MODELS", "MEDIAPIPE_MODEL", "RTMPOSE_DET", "RTMPOSE_POSE")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    """No model named by this computer's environment, none downloaded before."""
    for variable in (*VARIABLES, "TORCH_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(code: str, *arguments: object, **variables: object) -> subprocess.CompletedProcess:
    """Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


USE = (
    "import pickle, sys, numpy as np; e, f = pickle.load(open(sys.argv[1], 'rb')); np.save(sys.argv[2], e(f))"
)


def used_elsewhere(estimator, frame: np.ndarray, folder: Path) -> np.ndarray:
    """What it finds in a frame in another process, to which it travels by pickle."""
    (folder / "sent").write_bytes(pickle.dumps((estimator, frame)))
    done = run(USE, folder / "sent", folder / "found.npy")
    assert done.returncode == 0, done.stderr
    return np.load(folder / "found.npy")
