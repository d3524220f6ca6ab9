"""The same work on one thing after the other, in this process or in several."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any


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


def calm_workers() -> None:
    """Has joblib's thread that hands out work and takes in results say nothing of two things, from now on.

    - That a new process takes the place of one that has grown by 300 MB. It is a warning: where all warnings are errors it ends
      the thread, and whoever waits for results waits for ever.
    - That work was given to it while it was being stopped. It takes such work back, looks for it all the same (joblib 1.6), and
      ends by that; it was to end anyway, and all processes have.
    """
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    if not isinstance(threading.excepthook, _Calm):
        threading.excepthook = _Calm(threading.excepthook)


class _Calm:
    """A threading.excepthook that tells of everything but work not found by joblib's thread."""

    def __init__(self, tell: Callable[[threading.ExceptHookArgs], object]) -> None:
        self.tell = tell

    def __call__(self, ended: threading.ExceptHookArgs) -> None:
        if ended.exc_type is not KeyError or getattr(ended.thread, "name", "") != "ExecutorManagerThread":
            self.tell(ended)
