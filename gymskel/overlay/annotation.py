"""What a classifier says, beside the picture: probabilities in the corner, and the strip below with a line at the frame shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gymskel.activations import draw_strips
from gymskel.recording import Recording

_SHARE = 5  # the strip is a fifth as high as the picture, and no row less than a pixel


@dataclass(frozen=True, eq=False)
class Beside:
    """What is drawn beside one person.

    Attributes:
        probabilities: class -> probability, or (frames,) over time, NaN while there is no answer.
        strip: (steps, units) states in [-1, 1], spread over the recording; None = no strip.
    """

    probabilities: Mapping[str, Any] = field(default_factory=dict)
    strip: np.ndarray | None = None

    def checked(self, recording: Recording) -> Beside:
        """Itself, with a probability for every frame.

        Raises:
            ValueError: shapes that do not fit the recording, or probabilities outside [0, 1].
        """
        spread = {}
        for name, value in self.probabilities.items():
            value = np.asarray(value, float)
            if value.shape not in ((), (len(recording),)):
                raise ValueError(
                    f"{recording.name}: `probabilities` of {name} must be a number or ({len(recording)},), got {value.shape}."
                )
            if not ((value >= 0) & (value <= 1) | np.isnan(value)).all():
                raise ValueError(f"{recording.name}: `probabilities` of {name} must lie in [0, 1].")
            spread[name] = np.broadcast_to(value, len(recording))
        return Beside(spread, self.strip)

    def lines(self, row: int | None) -> list[str]:
        """The classes at a frame, the most probable first; none while there is no answer."""
        if row is None:
            return []
        told = [(value[row], name) for name, value in self.probabilities.items() if np.isfinite(value[row])]
        return [f"{name} {share:.0%}" for share, name in sorted(told, key=lambda one: -one[0])]

    def panel(self, size: tuple[int, int]) -> np.ndarray | None:
        """(height, width, 3) uint8, BGR: the strip as wide as the picture of this (width, height); None = no strip."""
        if self.strip is None:
            return None
        import cv2

        cells = draw_strips(self.strip, steps_per_line=len(self.strip), cell=1, gap=0)
        rows = np.asarray(cells)[1:]  # without the row of numbers
        height = max(round(size[1] / _SHARE), len(rows))
        return cv2.resize(rows[..., ::-1].copy(), (size[0], height), interpolation=cv2.INTER_NEAREST)


def draw_below(picture: np.ndarray, panel: np.ndarray, share: float | None) -> np.ndarray:
    """The picture with the strip below it, and a line at this share of the strip; None = no line.

    >>> draw_below(np.zeros((4, 8, 3), np.uint8), np.ones((2, 8, 3), np.uint8), None).shape
    (6, 8, 3)
    """
    both = np.concatenate([picture, panel])
    if share is not None:
        width, top = both.shape[1], len(picture)
        at = min(int(share * width), width - 1)
        both[top:, max(at - 2, 0) : at + 3] = 255
        both[top:, max(at - 1, 0) : at + 2] = 0
    return both
