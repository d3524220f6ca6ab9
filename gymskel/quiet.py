"""Silence for libraries that talk while they start and work."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


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


def let_workers_grow() -> None:
    """Has joblib take a new process for one that has grown by 300 MB without saying so.

    It warns of it in the thread that hands out results: an error there, as where all warnings are errors, ends that thread,
    and whoever waits for results waits for ever. So it is ignored from now on, not only for a while.
    """
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
