"""The same work on one thing after the other, in this process or in several."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gymskel.quiet import calm_workers


def work_on(things: Sequence[Any], work: Callable[[Any], Any], workers: int = 1) -> Iterator[Any]:
    """What `work` makes of each thing, in the order of the things; nothing is done ahead in one process.

    Args:
        things: what to work on.
        work: may be a function of a notebook.
        workers: processes of this computer; what is warned of there is warned of here. They are kept for the next work.

    Raises:
        ValueError: `workers` is no number of processes.
        Exception: whatever `work` raises; the other processes are stopped then, and on Ctrl-C.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"`workers` must be a number of processes, 1 or more, got {workers!r}.")
    if min(workers, len(things)) < 2:
        return map(work, things)
    return _in_processes(things, work, min(workers, len(things)))


def _in_processes(things: Sequence[Any], work: Callable[[Any], Any], workers: int) -> Iterator[Any]:
    from joblib import Parallel, delayed

    calm_workers()
    pool = Parallel(n_jobs=workers, backend="loky", return_as="generator", batch_size=1)
    made = pool(delayed(_work)(thing, work) for thing in things)
    try:
        for result, warned in made:
            for category, text in warned:
                warnings.warn(text, category, stacklevel=2)
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib's advice on results that nobody takes
            made.close()


def _work(thing: Any, work: Callable[[Any], Any]) -> tuple[Any, list[tuple[type[Warning], str]]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = work(thing)
    return result, list(dict.fromkeys((entry.category, str(entry.message)) for entry in caught))
