"""Recordings that the gallery draws, and the register of its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymskel import Recording, read_recordings, simulate


@dataclass(frozen=True, eq=False)
class Material:
    """Recordings for the pictures, and the size of the trainings.

    Attributes:
        recordings: labelled, several athletes.
        raw: recordings as the estimator left them, before filling and smoothing.
        origin: description of the recordings, for the titles.
        preset: preprocessing of the published networks that fits `recordings`.
        runs: trainings of each network.
        copies: rotated copies of each training clip; the published results come from 3.
        epochs: of each training.
    """

    recordings: list[Recording]
    raw: list[Recording]
    origin: str
    preset: str = "thesis"
    runs: int = 5
    copies: int = 3
    epochs: int = 5


def read_material(data: Path | None, fps: float | None = None) -> Material:
    """Return the recordings of a folder or .zip, or simulated gymnasts for None."""
    if data is None:
        recordings = simulate.simulate_recordings(athletes=8, per_athlete=2)
        return Material(recordings, recordings, "simulated gymnasts", runs=3)
    published = data / "tumbling.zip"
    if published.is_file():
        recordings = read_recordings(published, fps=fps or 60)
        there = data / "openpose_raw.zip"
        raw = read_recordings(there, fps=fps or 60) if there.is_file() else recordings
        origin, preset = f"{len(recordings)} published recordings", "thesis_cleaned"
    else:
        raw = recordings = _athletes(read_recordings(data, fps=fps))
        origin, preset = f"{len(recordings)} recordings of {data.name}", "thesis"
    return Material(recordings, _athletes(raw), origin, preset)


def _athletes(recordings: list[Recording]) -> list[Recording]:
    """Return one person for each video: the one with the most seen joints."""
    best: dict[str, Recording] = {}
    for recording in recordings:
        other = best.get(recording.source)
        if other is None or recording.seen.sum() > other.seen.sum():
            best[recording.source] = recording
    return list(best.values())


def of_activity(recordings: list[Recording], activity: str) -> list[Recording]:
    """Return the recordings of one move, or all where there is none of it."""
    return [r for r in recordings if r.activity == activity] or recordings


FIGURES: dict[str, Callable[[Material], Any]] = {}


def figure(draw: Callable[[Material], Any]) -> Callable[[Material], Any]:
    """Register a figure under the function's name. Its docstring gives the title and the caption."""
    FIGURES[draw.__name__] = draw
    return draw


def panels(count: int, width: float, height: float) -> tuple[Any, Any]:
    """Return a figure and its Axes side by side; width and height in inches."""
    from matplotlib import pyplot as plt

    return plt.subplots(1, count, figsize=(width, height), layout="constrained")
