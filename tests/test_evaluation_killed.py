"""Evaluations killed by SIGKILL at random moments and started again: the same table, no epoch twice but the one cut off."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

KILLS = 5
EVALUATION = """
import os, signal, sys, threading
from dataclasses import replace

import gymskel.evaluation.published_protocol as published
from gymskel.evaluation import evaluate, evaluate_published
from gymskel.simulate import simulate_recordings
from gymskel.training import RECIPES
from gymskel.training.checkpoint import Checkpoint
from helpers.classifiers import short

def telling(self, epoch, logs=None):
    print(self.path.stem, epoch, flush=True)
    epochs.append(epoch)
    if len(epochs) == int(killed_at):
        threading.Timer(float(delay), os.kill, (os.getpid(), signal.SIGKILL)).start()
    keep(self, epoch, logs)

epochs, keep, Checkpoint.on_epoch_end = [], Checkpoint.on_epoch_end, telling
what, folder, table, workers, killed_at, delay = sys.argv[1:]
recordings = simulate_recordings(athletes=3, per_athlete=1, fps=30)
if what == "runs":
    published._RECIPE = replace(published._RECIPE, epochs=4, batch_size=4)
    result = evaluate_published("simple_rnn", recordings, runs=4, checkpoint=folder)
else:
    recipe = replace(RECIPES["default"], epochs=4, min_steps=0)
    result = evaluate(short(recipe=recipe), recordings, runs=2, workers=int(workers), checkpoint=folder)
result.predictions.to_pickle(table)
"""
EPOCHS, TRIALS = 4, {"folds": 6, "runs": 4}


def start(what: str, folder: Path, table: Path, workers=1, killed_at=0, delay=0.0) -> subprocess.Popen:
    """Start an evaluation in a process of its own, to be killed `delay` seconds after the end of so many epochs."""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", EVALUATION, what, *map(str, (folder, table, workers, killed_at, delay))],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen, returncode=0) -> list[tuple[str, int]]:
    """Wait for a process; return its (trial, epoch)s."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == returncode, err[-3000:]
    words = [line.split() for line in out.splitlines() if line.startswith("trial-")]
    return [(trial, int(epoch)) for trial, epoch in words]


def results(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return name -> (time of writing, content) of the finished trainings."""
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.glob("trial-*.json")}


@pytest.mark.slow
@pytest.mark.parametrize("what", ["folds", "runs"])
def test_killed_five_times_and_started_again(what, tmp_path):
    folder, table = tmp_path / "kept", tmp_path / "table.pkl"
    every = finish(start(what, tmp_path / "alone", tmp_path / "alone.pkl"))
    assert every == [(f"trial-{trial:04}", epoch) for trial in range(TRIALS[what]) for epoch in range(EPOCHS)]
    rng = random.Random(what)
    cuts = sorted(rng.sample(range(1, len(every) - 2), KILLS))  # epochs ended in all, at each kill
    trained, finished = [], {}
    for before, cut in zip([0, *cuts], cuts, strict=False):
        # in the write of the checkpoint, or some batches later
        process = start(what, folder, table, killed_at=cut - before, delay=rng.uniform(0, 0.05))
        trained.append(finish(process, -signal.SIGKILL))
        assert all(results(folder)[name] == kept for name, kept in finished.items())
        finished = results(folder)
    trained.append(finish(start(what, folder, table)))
    assert all(results(folder)[name] == kept for name, kept in finished.items())
    for one, following in pairwise(trained):
        last, first = every.index(one[-1]), every.index(following[0])
        assert first in (last, last + 1)  # the epoch whose checkpoint was not written yet, or the next
        assert following == every[first : first + len(following)]
    assert trained[0][0] == every[0] and trained[-1][-1] == every[-1]
    pd.testing.assert_frame_equal(
        pd.read_pickle(table), pd.read_pickle(tmp_path / "alone.pkl"), check_exact=True
    )
    assert sorted(p.suffix for p in folder.iterdir()) == ["", *[".json"] * (TRIALS[what] + 1)]
    repeated = sum(map(len, trained)) - len(every)
    print(f"{what}: killed after {cuts} of {len(every)} epochs; {repeated} epochs repeated")


@pytest.mark.slow
def test_killed_with_two_workers(tmp_path):
    """The workers outlive it for a while; the next run waits for them."""
    folder, table = tmp_path / "kept", tmp_path / "table.pkl"
    with start("folds", folder, table, workers=2) as process:
        while len(results(folder)) < 2 and process.poll() is None:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    finished = results(folder)
    finish(start("folds", folder, table, workers=2))
    with contextlib.suppress(ProcessLookupError):  # an idle worker of joblib may wait for its parent for ever
        os.killpg(process.pid, signal.SIGKILL)
    assert all(results(folder)[name] == kept for name, kept in finished.items())
    finish(start("folds", tmp_path / "alone", tmp_path / "alone.pkl"))
    pd.testing.assert_frame_equal(pd.read_pickle(table), pd.read_pickle(tmp_path / "alone.pkl"), atol=1e-4)
