"""TrainingFacts: the data a classifier was trained on, as far as predictions and reports depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from gymskel.clips import Clips
from gymskel.recording import Recording
from gymskel.recording.times import durations
from gymskel.skeleton import Skeleton


@dataclass(frozen=True)
class BodyRange:
    """(smallest, largest) `size` of a body in the training clips, and largest distance from the origin at the `start`."""

    size: tuple[float, float]
    start: float


@dataclass(frozen=True)
class TrainingFacts:
    """The data a classifier was trained on.

    Attributes:
        skeleton_in: layout of the recordings; that of the clips if it was fitted on clips or arrays.
        skeleton: layout of the clips.
        channels: names of the clips' channels, e.g. ("x", "y").
        fps: frames a second of the clips, None = unknown or not the same for all.
        fps_in: frame rates of the recordings, each once, sorted; empty = unknown.
        frames: length of the padded clips.
        durations: (shortest, longest) recording in `unit`; None = fitted on clips or arrays.
        unit: "s", or "frames" if the frame rate of a recording is unknown.
        seconds: median duration of the recordings with a frame rate; None = no such recording.
        body: sizes and places of the bodies; None = the clips have no x and y, or no body has a size.
        clips: number of clips.
        athletes: names, each once, sorted.
        estimators: names of the pose estimators of the recordings, each once, sorted.
    """

    skeleton_in: Skeleton
    skeleton: Skeleton
    channels: tuple[str, ...]
    fps: float | None
    fps_in: tuple[float, ...]
    frames: int
    durations: tuple[float, float] | None
    unit: str
    seconds: float | None
    body: BodyRange | None
    clips: int
    athletes: tuple[str, ...]
    estimators: tuple[str, ...]

    @classmethod
    def from_data(cls, clips: Clips, recordings: Sequence[Recording] = ()) -> TrainingFacts:
        """Collect the facts of training clips and of the recordings they were made of, if any."""
        lasting, unit = durations(recordings)
        seconds = [r.seconds for r in recordings if r.seconds is not None]
        return cls(
            skeleton_in=recordings[0].skeleton if recordings else clips.skeleton,
            skeleton=clips.skeleton,
            channels=tuple(clips.channels),
            fps=clips.fps,
            fps_in=tuple(sorted({r.fps for r in recordings if r.fps})),
            frames=int(clips.x.shape[1]),
            durations=(min(lasting), max(lasting)) if lasting else None,
            unit=unit,
            seconds=float(np.median(seconds)) if seconds else None,
            body=_body_range(clips),
            clips=len(clips),
            athletes=tuple(sorted({a for a in clips.athletes if a})),
            estimators=tuple(sorted({r.estimator for r in recordings if r.estimator})),
        )

    @property
    def values_per_frame(self) -> int:
        """Number of values in each frame of a clip: joints times channels."""
        return len(self.skeleton) * len(self.channels)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, as a .gymskel file holds them."""
        saved = {name: v.to_dict() if isinstance(v, Skeleton) else v for name, v in vars(self).items()}
        return {**saved, "body": asdict(self.body) if self.body else {}}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> TrainingFacts:
        """Return the facts that `to_dict` gave; KeyError if an entry is missing that also older files have."""
        older = {"durations": None, "unit": "s" if saved["fps_in"] else "frames", "seconds": None}
        body = saved.get("body")
        values: dict[str, Any] = {
            **older,
            **{name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()},
            "skeleton_in": Skeleton.from_dict(saved["skeleton_in"]),
            "skeleton": Skeleton.from_dict(saved["skeleton"]),
            "body": BodyRange(tuple(body["size"]), body["start"]) if body else None,
        }
        return cls(**{field.name: values[field.name] for field in fields(cls)})


def measure_bodies(clips: Clips) -> tuple[np.ndarray, np.ndarray]:
    """Return the size of the seen body in each clip and its distance from the origin at the start, in the clips' unit.

    Sizes are (clips,) root mean square distances of joints from the centre of the body, over all frames; starts are
    (clips,) distances of that centre from the origin, in the first frame with a seen joint.
    """
    there = clips.seen & clips.mask[..., None]
    counts = np.maximum(there.sum(axis=2), 1)[..., None]
    xy = np.where(there[..., None], clips.x[..., :2], 0).astype(float)
    centre = xy.sum(axis=2) / counts
    squares = np.where(there, ((xy - centre[:, :, None]) ** 2).sum(axis=-1), 0)
    sizes = np.sqrt(squares.sum(axis=(1, 2)) / np.maximum(there.sum(axis=(1, 2)), 1))
    first = there.any(axis=2).argmax(axis=1)
    return sizes, np.linalg.norm(centre[np.arange(len(clips)), first], axis=-1)


def _body_range(clips: Clips) -> BodyRange | None:
    """Return the range over all clips; None if they have no x and y, or no body has a size."""
    if clips.channels[:2] != ("x", "y"):
        return None
    sizes, starts = measure_bodies(clips)
    known = sizes > 0
    if not known.any():
        return None
    return BodyRange((float(sizes[known].min()), float(sizes[known].max())), float(starts[known].max()))
