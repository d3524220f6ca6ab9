"""Calls of a function on many items, in this process or spread over several: the only module that opens a pool.

A warning in another process is repeated in this one. After an error or Ctrl-C the other processes stop.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Pool = Callable[[], Any]  # makes a joblib.Parallel
_Reply = tuple[int, Any, Sequence[tuple[type[Warning], str]]]  # index of the item, result, warnings to repeat


def map_in_order(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int = 1
) -> Iterator[Result]:
    """Return an iterator over `function(item)` of each item, in the order of the items.

    A function of a notebook works too. With one worker, or one item, an item is worked on when its result is asked for.
    Otherwise `workers` is the number of processes of this computer, which stay alive for the next call.

    Raises:
        ValueError: `workers` is not an integer of 1 or more.
        Exception: whatever `function` raises.
    """
    check_workers(workers)
    pool = choose_pool(workers, len(items), in_order=True)
    return map(function, items) if pool is None else _map_in_pool(function, items, pool)


def _map_in_pool(function: Callable[[Item], Result], items: Sequence[Item], pool: Pool) -> Iterator[Result]:
    with contextlib.closing(_replies(function, dict(enumerate(items)), pool)) as replies:
        for _, result, caught in replies:
            for category, text in caught:
                warnings.warn(text, category, stacklevel=2)
            yield result


def map_as_completed(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    pool: Pool,
    *,
    is_begun: Callable[[Item], bool],
    on_crash: Callable[[Item, Exception], Result],
) -> Generator[Result, None, None]:
    """Yield `function(item)` of each item as the calls end, and survive calls that end their process.

    A process can end by itself: out of memory, or a crash in a decoder. The pool is lost then. Each item that was begun
    and not finished gets a pool of its own; the items that were not begun share the next pool.

    Args:
        function: must catch its own errors; an error that leaves it counts as a crash of its process.
        items, pool: arguments of the calls; from `choose_pool`.
        is_begun: returns True if work on an item had begun when a process ended.
        on_crash: makes the result of an item that ended its process when it was alone in a pool.
    """
    groups = [list(items)]
    while groups:
        waiting = dict(enumerate(groups.pop(0)))
        is_alone, crash = len(waiting) == 1, None
        with contextlib.closing(_replies(function, waiting, pool)) as replies:
            while waiting and crash is None:
                try:
                    index, result, caught = next(replies)
                except Exception as error:  # joblib's, of a kind that depends on its backend
                    crash = error
                else:
                    del waiting[index]
                    for category, text in caught:
                        warnings.warn(text, category, stacklevel=3)
                    yield result
        if crash and is_alone:
            yield on_crash(waiting[0], crash)
        elif crash:
            begun = {index for index, item in waiting.items() if is_begun(item)} or set(waiting)
            others = [item for index, item in waiting.items() if index not in begun]
            groups[:0] = [[waiting[index]] for index in sorted(begun)] + ([others] if others else [])


def choose_pool(workers: int | None, tasks: int, *, in_order: bool = False) -> Pool | None:
    """Return the pool for `tasks` calls, or None where this process works alone.

    Args:
        workers: processes of this computer (loky); None for what joblib's context says, such as
            `with joblib.parallel_config(backend="dask"):`. Outside of any context this process works alone.
        tasks: number of calls; a local pool has no more processes than these.
        in_order: results come in the order of the calls, not as the calls end (local pools only).
    """
    if workers is not None:
        if min(workers, tasks) < 2:
            return None
        from joblib import Parallel

        order = "generator" if in_order else "generator_unordered"
        return partial(Parallel, n_jobs=min(workers, tasks), backend="loky", return_as=order, batch_size=1)
    joblib = sys.modules.get("joblib")
    if joblib is None or joblib.Parallel().n_jobs == 1:  # without an import of joblib there is no context
        return None
    backend, _ = joblib.parallel.get_active_backend()
    # joblib's multiprocessing, and so Ray, gives its results only at the end
    order = "generator_unordered" if getattr(backend, "supports_return_generator", False) else "list"
    return partial(joblib.Parallel, return_as=order, batch_size=1)


def check_workers(workers: int) -> None:
    """Raise ValueError unless `workers` is an integer of 1 or more."""
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"`workers` must be 1 or more processes, got {workers!r}. Fix: such as workers=2.")


def process_id() -> tuple[str, int]:
    """Return host name and process number: together they differ from those of any other process of a cluster."""
    return socket.gethostname(), os.getpid()


def _replies(
    function: Callable[[Any], Any], items: dict[int, Any], pool: Pool
) -> Generator[_Reply, None, None]:
    """Start a pool and yield its replies; stop its processes when this generator is closed."""
    from joblib import delayed

    silence_joblib()
    home = process_id()
    replies = pool()(delayed(_call)(function, index, item, home) for index, item in list(items.items()))
    try:
        for reply in replies:  # noqa: UP028 ("yield from" would close them with joblib's advice)
            yield reply
    finally:
        if hasattr(replies, "close"):  # a generator, not a list
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib's advice on results that are not taken
                replies.close()


def _call(function: Callable[[Any], Any], index: int, item: Any, home: tuple[str, int]) -> _Reply:
    """Call `function` in a worker; collect the warnings unless the worker is a thread of the process `home`."""
    if process_id() == home:
        return index, function(item), ()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(item)
    return index, result, list(dict.fromkeys((entry.category, str(entry.message)) for entry in caught))


def silence_joblib() -> None:
    """Silence two messages of joblib's thread that hands out work and takes in results, from now on.

    - A new process takes the place of one that has grown by 300 MB. This is a warning: where all warnings are errors it
      ends the thread, and the wait for results never ends.
    - Work was given to the thread while it was being stopped. It takes such work back, looks for it all the same
      (joblib 1.6), and ends by a KeyError. It was to end anyway, and all processes have ended.
    """
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    if not isinstance(threading.excepthook, _WithoutJoblib):
        threading.excepthook = _WithoutJoblib(threading.excepthook)


class _WithoutJoblib:
    """A threading.excepthook that passes on everything but a KeyError of joblib's thread."""

    def __init__(self, report: Callable[[threading.ExceptHookArgs], object]) -> None:
        self._report = report

    def __call__(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not KeyError or getattr(args.thread, "name", "") != "ExecutorManagerThread":
            self._report(args)
