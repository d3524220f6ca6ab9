"""The views of the whole picture in which people are looked for who are not known yet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gymskel.tracking.crops import Crop


def whole(frame: np.ndarray) -> Iterator[Crop]:
    """The whole picture; squares of it, if it is long."""
    height, width = frame.shape[:2]
    middle, long, short = (width / 2, height / 2), max(height, width), min(height, width)
    yield Crop(middle, long, size=512)
    if long > 1.25 * short:
        for part in (0.5, 0.0, 1.0):
            at = short / 2 + part * (long - short)
            yield Crop((at, middle[1]) if width > height else (middle[0], at), short)


def turned(frame: np.ndarray) -> Iterator[Crop]:
    """The whole picture, turned."""
    height, width = frame.shape[:2]
    for lean in (180.0, 120.0, 240.0, 60.0, 300.0):
        yield Crop((width / 2, height / 2), 1.1 * max(height, width), lean, 512)


def tiles(frame: np.ndarray) -> Iterator[Crop]:
    """Squares of half the picture's short side, each half over the next: whoever is small in the picture shows."""
    height, width = frame.shape[:2]
    half = min(height, width) / 2
    rows, columns = (int(np.ceil(2 * side / half)) - 1 for side in (height, width))
    for y in np.linspace(half / 2, height - half / 2, rows):
        for x in np.linspace(half / 2, width - half / 2, columns):
            yield Crop((float(x), float(y)), half)
