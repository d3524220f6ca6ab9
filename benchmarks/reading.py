"""Reading a tree of per-frame CSVs: gymskel beside pandas.read_csv file by file, same files, same run.

python benchmarks/reading.py PATH_TO/tumbling.zip [rounds]
"""

import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from gymskel import read_recordings


def file_by_file(root: Path) -> dict[str, np.ndarray]:
    recordings = {}
    for folder in sorted(p for p in root.rglob("*") if p.is_dir() and any(p.glob("*.csv"))):
        files = sorted(folder.glob("*.csv"), key=lambda f: int(f.stem.rsplit("-", 2)[1]))
        recordings[folder.name] = np.stack([pd.read_csv(f).to_numpy(np.float32) for f in files])
    return recordings


def main(archive: str, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        root = Path(folder)
        ratios, ours, theirs = [], [], []
        for _ in range(rounds):
            start = time.perf_counter()
            read = read_recordings(root)
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            baseline = file_by_file(root)
            theirs.append(time.perf_counter() - start)
            ratios.append(theirs[-1] / ours[-1])
        worst = max(np.abs(np.nan_to_num(r.keypoints) - baseline[r.source]).max() for r in read)
        start = time.perf_counter()
        read_recordings(archive)
        zipped = time.perf_counter() - start
    files = sum(map(len, read))
    print(f"{files} files, {len(read)} recordings, {rounds} rounds; largest difference {worst:.2g}")
    print(
        f"gymskel {np.median(ours):.3f} s ({1000 * np.median(ours) / files:.3f} ms a file), straight from the zip {zipped:.3f} s"
    )
    print(f"pandas  {np.median(theirs):.3f} s ({1000 * np.median(theirs) / files:.3f} ms a file)")
    print(f"ratio   {np.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
