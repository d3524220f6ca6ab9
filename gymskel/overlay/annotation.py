"""A classifier's output drawn with a video: probabilities in the corner, the activation strip below the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gymskel.activations import draw_strips
from gymskel.recording import Recording

_PICTURE_TO_STRIP = 5  # a strip is a fifth as high as the picture; a unit is at least one pixel high


@dataclass(frozen=True, eq=False)
class Annotation:
    """A classifier's output about one person.

    Attributes:
        probabilities: class -> probability, or (frames,) over time, NaN while there is no answer.
        strip: (steps, units) states in [-1, 1], spread over the recording; None = no strip.
    """

    probabilities: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    strip: np.ndarray | None = None

    def probability_lines(self, row: int | None) -> list[str]:
        """Return a line "class 12%" for each class, the most probable first; none while there is no answer.

        Probabilities must be those of `per_frame`; `row` is a frame of the recording, None = outside it.
        """
        if row is None:
            return []
        at_row = [(np.asarray(values)[row], name) for name, values in self.probabilities.items()]
        known = [(probability, name) for probability, name in at_row if np.isfinite(probability)]
        return [f"{name} {probability:.0%}" for probability, name in sorted(known, key=lambda pair: -pair[0])]

    def draw_strip(self, picture_size: tuple[int, int]) -> np.ndarray | None:
        """Return the strip as (height, width, 3) uint8, BGR, as wide as a picture of (width, height); None = no strip."""
        if self.strip is None:
            return None
        import cv2

        cells = draw_strips(self.strip, steps_per_line=len(self.strip), cell=1, gap=0)
        units = np.asarray(cells)[1:]  # the first line holds the step numbers
        height = max(round(picture_size[1] / _PICTURE_TO_STRIP), len(units))
        return cv2.resize(units[..., ::-1].copy(), (picture_size[0], height), interpolation=cv2.INTER_NEAREST)


def per_frame(annotation: Annotation, recordings: Sequence[Recording]) -> Annotation:
    """Return the annotation of the only recording with (frames,) probabilities for every class.

    >>> recording = Recording(np.ones((3, 25, 3)))
    >>> per_frame(Annotation({"backflip": 0.9}), [recording]).probabilities["backflip"].tolist()
    [0.9, 0.9, 0.9]

    Raises:
        ValueError: several recordings, shapes that do not fit, or probabilities outside [0, 1].
    """
    if len(recordings) != 1:
        raise ValueError(
            f"`annotation` is about one person, but {len(recordings)} are drawn. Fix: give one recording."
        )
    recording, probabilities = recordings[0], {}
    for name, value in annotation.probabilities.items():
        values = np.asarray(value, float)
        if values.shape not in ((), (len(recording),)):
            raise ValueError(
                f"{recording.name}: `probabilities` of {name} must be a number or ({len(recording)},), got {values.shape}."
            )
        if not ((values >= 0) & (values <= 1) | np.isnan(values)).all():
            raise ValueError(f"{recording.name}: `probabilities` of {name} must lie in [0, 1].")
        probabilities[name] = np.broadcast_to(values, len(recording))
    return Annotation(probabilities, annotation.strip)


def append_strip(picture: np.ndarray, strip: np.ndarray, position: float | None) -> np.ndarray:
    """Return the picture with the strip below it and a vertical line at `position`, 0 to 1 of its width; None = no line.

    >>> append_strip(np.zeros((4, 8, 3), np.uint8), np.ones((2, 8, 3), np.uint8), None).shape
    (6, 8, 3)
    """
    combined = np.concatenate([picture, strip])
    if position is not None:
        width, top = combined.shape[1], len(picture)
        x = min(int(position * width), width - 1)
        combined[top:, max(x - 2, 0) : x + 3] = 255
        combined[top:, max(x - 1, 0) : x + 2] = 0
    return combined
