"""The choice of a GPU for each process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

_locks: dict[
    tuple[int, int], int
] = {}  # (process, GPU) -> descriptor of its lock file, open while the process lives


def check_gpus(gpu: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the numbers of the GPUs given; none for None.

    Raises:
        ValueError: not a GPU's number, or several on Windows.
    """
    if gpu is None:
        return ()
    gpus = (gpu,) if isinstance(gpu, int) else tuple(gpu)
    if not gpus or any(isinstance(g, bool) or not isinstance(g, int) or g < 0 for g in gpus):
        raise ValueError(f"`gpu` must be a GPU's number, 0 or more, or several of them, got {gpu!r}.")
    if len(set(gpus)) > 1 and os.name == "nt":
        raise ValueError(f"`gpu` must be a single number on Windows, got {gpu!r}.")
    return gpus


def take_gpu(gpus: tuple[int, ...], count: int) -> int:
    """Return the GPU for this process: the only one, or the first of several that no other process has taken.

    Args:
        gpus: numbers to choose from.
        count: number of GPUs of this host.

    Raises:
        ValueError: the host has no such GPU.
        RuntimeError: several to choose from, and every one is taken.
    """
    missing = [gpu for gpu in gpus if gpu >= count]
    if missing:
        raise ValueError(f"`gpu` {', '.join(map(str, missing))}: OpenPose sees {count} here, counted from 0.")
    if len(gpus) == 1:
        return gpus[0]
    mine = next((gpu for gpu in gpus if (os.getpid(), gpu) in _locks), None)
    free = mine if mine is not None else next((gpu for gpu in gpus if _lock(gpu)), None)
    if free is None:
        raise RuntimeError(
            f"Every GPU of {', '.join(map(str, gpus))} is taken by another process. Fix: use as many workers as GPUs, "
            "or name a single GPU to share it."
        )
    return free


def _lock(gpu: int) -> bool:
    """Lock a GPU for this process until it ends; return False if another process has it."""
    import fcntl

    path = Path(tempfile.gettempdir(), f"gymskel-gpu-{gpu}-{os.getuid()}.lock")
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _locks[os.getpid(), gpu] = file  # a forked process does not own the GPU
    return True
