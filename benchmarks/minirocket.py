"""MiniRocket beside the models: random convolutions and ridge regression (Dempster, Schmidt, Webb 2021), through aeon.

aeon brings numba and is needed nowhere else, so it lives in an environment of its own (0.6 GB):

python3.11 -m venv /tmp/rocket && /tmp/rocket/bin/pip install aeon==1.6.0
PYTHONPATH=. /tmp/rocket/bin/python benchmarks/minirocket.py tumbling PATH_TO/tumbling.zip [SEEDS] [OUT.csv]
PYTHONPATH=. /tmp/rocket/bin/python benchmarks/minirocket.py jhmdb PATH_TO/jhmdb.npz [SEEDS]

`tumbling` leaves each athlete out, in the folds of `evaluate`, and writes the answers of the first seed, which
`Evaluation.with_floor("MiniRocket", pandas.read_csv("OUT.csv"))` puts into the table. `jhmdb` scores the three test parts.
"""

import sys
import time

import numpy as np
import pandas as pd
from aeon.classification.convolution_based import MiniRocketClassifier

from gymskel.clips import Clips
from gymskel.preprocess import Preprocessor
from gymskel.recording import read_recordings
from gymskel.splits import leave_groups_out


def series(clips: Clips, frames: int) -> np.ndarray:
    """(clips, joints * channels, frames) each clip resampled from its first to its last frame."""
    made = np.empty((len(clips), clips.x.shape[2] * clips.x.shape[3], frames))
    for k, length in enumerate(clips.lengths):
        values = clips.x[k, :length].reshape(length, -1)
        at = np.linspace(0, length - 1, frames)
        made[k] = [np.interp(at, np.arange(length), column) for column in values.T]
    return made


def answers(x: np.ndarray, y: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    return MiniRocketClassifier(random_state=seed).fit(x, y).predict(test)


def tumbling(archive: str, seeds: int = 3, out: str = "") -> None:
    recordings = read_recordings(archive, fps=60)
    clips = Preprocessor("default").fit_transform(recordings)
    x, truth = series(clips, 48), np.array(clips.classes)[clips.y]
    for seed in range(seeds):
        start, told = time.perf_counter(), truth.copy()
        for train, test in leave_groups_out(clips.groups):
            told[test] = answers(x[train], truth[train], x[test], seed)
        wrong = [name for name, right in zip(clips.sources, told == truth, strict=True) if not right]
        spent = time.perf_counter() - start
        print(f"seed {seed}: {(told == truth).mean():.4f}, {spent:.1f} s, wrong: {wrong}", flush=True)
        if out and seed == 0:
            pd.DataFrame({"recording": clips.sources, "predicted": told}).to_csv(out, index=False)


def jhmdb(archive: str, seeds: int = 3) -> None:
    data, means = np.load(archive), []
    for split in (1, 2, 3):
        x, y = {}, {}
        for part in ("train", "test"):
            clips = Clips.from_arrays(
                data[f"split{split}_x_{part}"], lengths=data[f"split{split}_len_{part}"]
            )
            x[part], y[part] = series(clips, 32), data[f"split{split}_y_{part}"]
        told = [answers(x["train"], y["train"], x["test"], seed) for seed in range(seeds)]
        scores = [(one == y["test"]).mean() for one in told]
        print(f"split {split}: {' '.join(f'{score:.4f}' for score in scores)}", flush=True)
        means.append(scores)
    by_seed = np.mean(means, axis=0)
    print(f"mean {by_seed.mean():.4f}, sd of the seeds' means {by_seed.std(ddof=1):.4f}")


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    {"tumbling": tumbling, "jhmdb": jhmdb}[what](
        path, *(k(v) for k, v in zip((int, str), rest, strict=False))
    )
