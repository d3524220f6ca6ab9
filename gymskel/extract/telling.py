"""Progress bars, and one line on what became of something."""

from __future__ import annotations

from collections.abc import Iterable
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


def tell(recordings: list[Recording]) -> str:
    """A line on a video's people."""
    count = len(recordings)
    seen = int(np.any([r.seen.any(axis=1) for r in recordings], axis=0).sum())
    people = "1 person" if count == 1 else f"{count} people"
    return f"{recordings[0].video}: {people}, seen in {seen} of {len(recordings[0])} frames"


def list_faults(head: str, faults: list[str]) -> str:
    """A headline and a line a fault, not too many of them."""
    more = [f"... and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return "\n".join([head, *faults[:_SHOWN], *more])
