"""Show one recording as a player, in Jupyter or as an HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gymskel.files import replace_file
from gymskel.recording import Recording
from gymskel.viewer.html_page import render_page
from gymskel.viewer.player import pack_clip, render_player

_PLAYER_HEIGHT, _CHART_HEIGHT = 560, 130  # pixels


@dataclass(frozen=True)
class Viewer:
    """Page that plays one recording; Jupyter displays it as the result of a cell.

    Attributes:
        html: the whole page.
        title: name of the recording.
        height: pixels it takes in a notebook.
    """

    html: str
    title: str
    height: int

    def __repr__(self) -> str:
        return f"<Viewer of {self.title}: {len(self.html):,} characters of HTML>"

    def _repr_html_(self) -> str:
        """Return the page in an iframe, so that its styles and scripts do not touch the notebook."""
        return (
            f'<iframe title="Player of {escape(self.title)}" sandbox="allow-scripts" width="100%" height="{self.height}" '
            f'style="border:0" srcdoc="{escape(self.html)}"></iframe>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the page, which any browser opens without a network, and return its path.

        Raises:
            ValueError: `path` does not end in .html or .htm.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"`path` must end in .html, got {path}.")
        with replace_file(path) as part:
            part.write_text(self.html, encoding="utf-8")
        return path


def view(
    recording: Recording,
    *,
    strip: np.ndarray | None = None,
    probabilities: Mapping[str, npt.ArrayLike] | None = None,
    weights: np.ndarray | None = None,
) -> Viewer:
    """Return a player of the recording: play, step, drag, slow down; by mouse, finger or keyboard.

    Right, left and middle of the body have a colour each; hollow joints were filled in. Strip, weights and probabilities
    over time appear below, with a line at the current frame.

    Args:
        recording: in pixels or centred, of any skeleton.
        strip: (steps, units) states of a layer, as `activations.layer_outputs` gives them for one clip.
        probabilities: as in `pack_clip`, for the upper left corner.
        weights: as in `pack_clip`, for discs on the joints, and below.

    Raises:
        ValueError: as `pack_clip`.

    >>> from gymskel.simulate import simulate_recording
    >>> viewer = view(simulate_recording("backflip"), probabilities={"backflip": 0.9, "back-handspring": 0.1})
    >>> "backflip 90 %" in viewer.html
    True
    """
    clip = pack_clip(recording, strip=strip, probabilities=probabilities, weights=weights)
    tracks = sum(40 + min(12 * track["rows"], 170) for track in clip["tracks"])
    chart = _CHART_HEIGHT if clip["probabilities"] and clip["probabilities"]["values"] else 0
    body = f'<main class="alone">\n{render_player(clip, "player")}\n</main>'
    return Viewer(render_page(clip["name"], body), clip["name"], _PLAYER_HEIGHT + tracks + chart)
