"""Silence for libraries that talk while they start and work."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Keeps the process' standard error quiet, C++ included; what was said comes out on an error."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        loud = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(loud, said.read())
            raise
        finally:
            os.dup2(loud, 2)
            os.close(loud)


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
