"""Progress bars, and one line on what became of something."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from gymskel.recording import Recording

_SHOWN = 8  # faults in one message


def tqdm_or_none() -> Any:
    """tqdm's bar, or None on a host without it."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def bar(items: Iterable[Any], shown: bool, **options: Any) -> Iterable[Any]:
    """The same items, with a progress bar where wanted and possible."""
    tqdm = tqdm_or_none() if shown else None
    return items if tqdm is None else tqdm(items, **options)


@contextlib.contextmanager
def board(shown: bool, total: int, done: int) -> Iterator[Callable[[str, int], None]]:
    """What tells of a batch: takes a line on each video that ends, and how many frames it had.

    A bar of videos with the frames so far and a second, and the lines above it; without tqdm the lines alone.
    """
    tqdm = tqdm_or_none() if shown else None
    videos = tqdm and tqdm(total=total, initial=done, unit="video")
    frames, start = 0, time.perf_counter()

    def told(line: str, more: int) -> None:
        nonlocal done, frames
        done, frames = done + 1, frames + more
        if videos is not None:
            rate = frames / (time.perf_counter() - start)
            videos.set_postfix_str(f"{frames} frames, {rate:.3g} frames/s", refresh=False)
            videos.update()
            tqdm.write(f"{done}/{total} {line}", file=sys.stderr)
        elif shown:
            print(f"{done}/{total} {line}", flush=True)

    try:
        yield told
    finally:
        if videos is not None:
            videos.close()


def tell(recordings: list[Recording]) -> str:
    """A line on a video's people."""
    count = len(recordings)
    seen = int(np.any([r.seen.any(axis=1) for r in recordings], axis=0).sum())
    people = "1 person" if count == 1 else f"{count} people"
    first = recordings[0]
    return f"{first.video}: {people}, seen in {seen} of {len(first)} frames by {first.estimator}"


def list_faults(head: str, faults: list[str]) -> str:
    """A headline and a line a fault, not too many of them."""
    more = [f"... and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return "\n".join([head, *faults[:_SHOWN], *more])
