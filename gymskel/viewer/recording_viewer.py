"""A recording to look at, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.recording import Recording
from gymskel.viewer.page import draw_page
from gymskel.viewer.player import draw_player, pack_clip

_HEIGHT = 560  # pixels of a player without anything below it


@dataclass(frozen=True)
class Viewer:
    """A page that plays one recording; Jupyter shows it by itself.

    Attributes:
        html: the whole page.
        title: what it is called.
        height: pixels that it needs in a notebook.
    """

    html: str
    title: str
    height: int

    def __repr__(self) -> str:
        return f"<Viewer of {self.title}: {len(self.html):,} characters of HTML>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that nothing of it touches the notebook."""
        return (
            f'<iframe title="Player of {escape(self.title)}" sandbox="allow-scripts" width="100%" height="{self.height}" '
            f'style="border:0" srcdoc="{escape(self.html)}"></iframe>'
        )

    def save(self, path: str | Path) -> Path:
        """Writes the page, which any browser opens without a network."""
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"`path` must end in .html, got {path}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.html, encoding="utf-8")
        return path


def view(
    recording: Recording,
    *,
    strip: np.ndarray | None = None,
    probabilities: Mapping[str, Any] | None = None,
    weights: np.ndarray | None = None,
) -> Viewer:
    """The recording as a player: play, step, drag, slow down; by mouse, finger or keyboard.

    Right, left and middle of the body have a colour each, hollow joints were filled in. What is given beside runs below in
    time, with a line at the frame that is shown.

    Args:
        recording: in pixels or centred, of any skeleton.
        strip: (steps, units) states of a layer, as `activations.layer_outputs` gives them for one clip.
        probabilities: class -> its final probability, or (frames,) over time, e.g. from a `Stream`; NaN = no answer yet. They stand
            in the upper left corner.
        weights: (steps, joints) what each joint counted, positive = for the answer: as discs on the joints, and below.

    Raises:
        ValueError: shapes that do not fit, probabilities outside [0, 1], states outside [-1, 1].

    >>> from gymskel.simulate import simulate_recording
    >>> viewer = view(simulate_recording("backflip"), probabilities={"backflip": 0.9, "back-handspring": 0.1})
    >>> "backflip 90 %" in viewer.html
    True
    """
    clip = pack_clip(recording, strip=strip, probabilities=probabilities, weights=weights)
    below = sum(40 + min(12 * track["rows"], 170) for track in clip["tracks"])
    over_time = clip.get("probabilities", {}).get("values") is not None
    body = f'<main class="alone">\n{draw_player(clip, "player")}\n</main>'
    height = _HEIGHT + below + (130 if over_time else 0)
    return Viewer(draw_page(clip["name"], body), clip["name"], height)
