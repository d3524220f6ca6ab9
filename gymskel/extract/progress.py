"""Progress bars, and one line on the people found in a video."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gymskel.recording import Recording


def import_tqdm() -> Any:
    """Return tqdm's progress bar, or None on a host without it."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


@contextlib.contextmanager
def batch_progress(shown: bool, total: int, done: int) -> Iterator[Callable[[str, int], None]]:
    """Yield a function to call after each video, with a line about it and its number of frames.

    It shows a bar of `total` videos, `done` of them finished before, with the frames so far and a second, and the lines
    above the bar; without tqdm the lines alone; unless `shown`, nothing.
    """
    tqdm = import_tqdm() if shown else None
    frames, start = 0, time.perf_counter()
    with tqdm(total=total, initial=done, unit="video") if tqdm else contextlib.nullcontext() as bar:

        def report(line: str, frames_of_video: int) -> None:
            nonlocal done, frames
            done, frames = done + 1, frames + frames_of_video
            if bar is not None:
                rate = frames / (time.perf_counter() - start)
                bar.set_postfix_str(f"{frames} frames, {rate:.3g} frames/s", refresh=False)
                bar.update()
                bar.write(f"{done}/{total} {line}", file=sys.stderr)
            elif shown:
                print(f"{done}/{total} {line}", flush=True)

        yield report


def describe_people(recordings: list[Recording]) -> str:
    """Return one line on a video's recordings: number of people, frames in which anyone is seen, estimator."""
    count = len(recordings)
    seen = int(np.any([recording.seen.any(axis=1) for recording in recordings], axis=0).sum())
    people = "1 person" if count == 1 else f"{count} people"
    first = recordings[0]
    return f"{first.video}: {people}, seen in {seen} of {len(first)} frames by {first.estimator}"
