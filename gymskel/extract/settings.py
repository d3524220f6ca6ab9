"""Settings of an extraction, and the entry that they leave in the history of its recordings."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.estimators.estimator import Estimator, is_stateless
from gymskel.tracking.params import DEFAULT_PARAMS, TrackingParams

People = str | int | tuple[float, float]
"""Choice of people: a word of `PEOPLE`, a person's number from 0, or a point (x, y) in pixels."""
PEOPLE = ("athlete", "largest", "longest", "all")


@dataclass(frozen=True)
class ExtractionSettings:
    """The arguments of `extract_video` that decide what is found in a video; checked here."""

    estimator: Estimator
    people: People = "athlete"
    follow: bool = True
    fps: float | None = None
    tracking: TrackingParams = DEFAULT_PARAMS

    def __post_init__(self) -> None:
        is_point = isinstance(self.people, tuple) and len(self.people) == 2 and np.isfinite(self.people).all()
        is_number = isinstance(self.people, int) and not isinstance(self.people, bool) and self.people >= 0
        if not (is_point or is_number or self.people in PEOPLE):
            raise ValueError(
                f"`people` must be {', '.join(PEOPLE)}, a person's number from 0, or a point (x, y) in pixels, "
                f"got {self.people!r}. Fix: people='athlete', the default."
            )
        if self.follow and not is_stateless(self.estimator):
            raise ValueError(
                f"{self.estimator.name} remembers earlier frames, so it cannot be shown crops of a frame. "
                "Fix: follow=False, or the estimator's stateless form, such as MediaPipe()."
            )


def extraction_entry(video: Path, settings: ExtractionSettings) -> dict[str, Any]:
    """Return the first entry of a recording's history: the identity of the file, `people`, `follow`, and
    the numbers of `tracking` that differ from the defaults, if any.
    """
    people = list(settings.people) if isinstance(settings.people, tuple) else settings.people
    entry = {"step": "extract", **file_identity(video), "people": people, "follow": settings.follow}
    changes = settings.tracking.changes()
    return {**entry, "tracking": changes} if changes else entry


def file_identity(video: Path) -> dict[str, int]:
    """Return size in bytes and the checksum of the first megabyte: they tell files of one name apart."""
    with video.open("rb") as file:
        return {"bytes": video.stat().st_size, "crc32": zlib.crc32(file.read(1 << 20))}
