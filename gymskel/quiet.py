"""Silence for libraries that talk while they start and work."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
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
