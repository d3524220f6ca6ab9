"""What each training of an evaluation costs, the first and those after it: seconds, processor seconds, memory.

python benchmarks/folds.py PATH_TO/tumbling.zip 6
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from gymskel import SkeletonClassifier, read_recordings


def megabytes() -> float:
    """Of this process, in memory now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(archive: str, trainings: int = 6) -> None:
    recordings = read_recordings(archive, fps=60)
    for number in range(trainings):
        left_out = sorted({r.athlete for r in recordings})[number]
        clock, spent = time.perf_counter(), time.process_time()
        SkeletonClassifier(random_state=0).fit([r for r in recordings if r.athlete != left_out])
        clock, spent = time.perf_counter() - clock, time.process_time() - spent
        print(
            f"training {number + 1}: {clock:5.1f} s, processor {spent:5.1f} s, {megabytes():6.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    archive, *count = sys.argv[1:]
    main(archive, *map(int, count))
