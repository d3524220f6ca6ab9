"""Two workers against one on copies of the same clips with the estimator at hand, in alternating runs.

python benchmarks/jobs.py PATH_TO/parkour [clips] [rounds]

The first round starts the workers and their estimators; the ratio is that of the others.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gymskel.estimators.estimator import choose_estimator
from gymskel.extract import extract_videos
from gymskel.recording import read_recordings


def same(one: Path, two: Path) -> bool:
    """Whether both trees hold the same files with the same bytes."""
    files = [sorted(path.relative_to(root) for path in root.rglob("*.*")) for root in (one, two)]
    return files[0] == files[1] and all(
        (one / name).read_bytes() == (two / name).read_bytes() for name in files[0]
    )


def main(parkour: str, clips: int = 8, rounds: int = 3) -> None:
    estimator = choose_estimator("auto")
    found = sorted(Path(parkour).glob("*.mp4"))
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "in").mkdir()
        for number, clip in zip(range(clips), found * clips, strict=False):
            shutil.copy(clip, root / "in" / f"{number}-{clip.name}")
        for number in range(rounds + 1):
            seconds = {}
            for workers in (1, 2):
                out = root / f"{workers}-{number}"
                start = time.perf_counter()
                extract_videos(root / "in", out, estimator=estimator, workers=workers, progress=False)
                seconds[workers] = time.perf_counter() - start
            frames = sum(map(len, read_recordings(out, fps=25)))
            told = ", ".join(f"{w}: {s:.1f} s, {frames / s:.1f} frames/s" for w, s in seconds.items())
            print(f"round {number}: {told}, ratio {seconds[1] / seconds[2]:.2f}", flush=True)
            ratios += [seconds[1] / seconds[2]] if number else []
        alike = same(root / "1-0", root / "2-0")
    print(
        f"{estimator.name}; {clips} clips, {frames} frames, {os.cpu_count()} cores; the same files: {alike}"
    )
    print(f"two workers against one: {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]))
