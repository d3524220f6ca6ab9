"""Which GPU a process runs on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

_taken: dict[tuple[int, int], int] = {}  # (process, GPU) -> its lock file, open while the process lives


def check_gpus(gpu: int | Sequence[int] | None) -> tuple[int, ...]:
    """The GPUs meant; none for None. Raises ValueError for what is no GPU's number."""
    if gpu is None:
        return ()
    gpus = (gpu,) if isinstance(gpu, int) else tuple(gpu)
    if not gpus or any(isinstance(g, bool) or not isinstance(g, int) or g < 0 for g in gpus):
        raise ValueError(f"`gpu` must be a GPU's number, 0 or more, or several of them, got {gpu!r}.")
    if len(set(gpus)) > 1 and os.name == "nt":
        raise ValueError(f"`gpu` must be a single number on Windows, got {gpu!r}.")
    return gpus


def take_gpu(gpus: tuple[int, ...], count: int) -> int:
    """The GPU for this process: the only one, or the first of several that no other process has taken.

    Args:
        gpus: those to choose from.
        count: how many the host has.

    Raises:
        ValueError: the host has no such GPU.
        RuntimeError: several to choose from, and every one is taken.
    """
    missing = [gpu for gpu in gpus if gpu >= count]
    if missing:
        raise ValueError(f"`gpu` {', '.join(map(str, missing))}: OpenPose sees {count} here, counted from 0.")
    if len(gpus) == 1:
        return gpus[0]
    mine = next((gpu for gpu in gpus if (os.getpid(), gpu) in _taken), None)
    free = mine if mine is not None else next((gpu for gpu in gpus if _lock(gpu)), None)
    if free is None:
        raise RuntimeError(
            f"Every GPU of {', '.join(map(str, gpus))} is taken by another process. Use as many workers as GPUs, "
            "or name a single one to share it."
        )
    return free


def _lock(gpu: int) -> bool:
    """Whether this process has the GPU now, and until it ends, however it ends."""
    import fcntl

    path = Path(tempfile.gettempdir(), f"gymskel-gpu-{gpu}-{os.getuid()}.lock")
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _taken[os.getpid(), gpu] = file  # a forked process may not think the GPU its own
    return True
