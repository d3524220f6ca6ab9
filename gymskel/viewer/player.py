"""Render a player as HTML: the skeleton, tracks that run with it in time, and controls for mouse and keyboard."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt

from gymskel.activations import draw_strips
from gymskel.recording import Recording
from gymskel.viewer.packing import pack_keypoints, to_base64

if TYPE_CHECKING:
    from PIL import Image

_CELL = 4  # pixels of a picture per value; the browser stretches them
_FOR, _AGAINST = (27, 120, 55), (118, 42, 131)  # RGB; PRGn of ColorBrewer, for colour-blind people too
_LINE_STYLES = 6  # of the chart, in player.css
_IN_CORNER = 4  # classes in the corner
STRIP_LABEL = "Activity of the neurons: one row each, green = +1, pink = -1"
WEIGHTS_LABEL = "Importance of the joints: one row each, green = for the answer, purple = against it"


class PlayerClip(TypedDict):
    """Data that a player shows of one recording, ready for JSON.

    Keys:
        limbs: pairs of joint numbers.
        tracks: pictures below the skeleton: `label`, PNG as data URI `src`, number of `rows`.
        weights: number of `steps`, and `shares`: base64 of int8 (steps, joints), 127 = the largest weight.
        probabilities: `classes`, and in thousandths `final` (classes,) or `values` (classes, frames), None = no answer.
    """

    name: str
    fps: float | None
    times: list[float] | None
    keypoints: dict[str, Any]
    limbs: list[list[int]]
    sides: list[str]
    tracks: list[dict[str, Any]]
    weights: dict[str, Any] | None
    probabilities: dict[str, Any] | None


def pack_clip(
    recording: Recording,
    *,
    name: str | None = None,
    strip: np.ndarray | None = None,
    probabilities: Mapping[str, npt.ArrayLike] | None = None,
    weights: np.ndarray | None = None,
) -> PlayerClip:
    """Return the data of a player of a recording, ready for JSON.

    Args:
        recording: in any unit, y down.
        name: title of the player; by default the recording's name.
        strip: (steps, units) states in [-1, 1], NaN behind the end; the steps are spread over the recording.
        probabilities: class -> its final probability, or (frames,) over time, NaN while there is no answer.
        weights: (steps, joints) attributions, positive = for the answer, in the order of the recording's skeleton;
            NaN = unknown.

    Raises:
        ValueError: shapes that do not fit the recording, probabilities outside [0, 1], a strip that `draw_strips` refuses.
    """
    skeleton = recording.skeleton
    tracks: list[dict[str, Any]] = []
    joint_weights = None
    if strip is not None:
        states = np.asarray(strip)
        picture = draw_strips(states, steps_per_line=max(len(states), 1), cell=_CELL)
        picture = picture.crop((0, _CELL, *picture.size))  # without the row of step numbers
        tracks.append({"label": STRIP_LABEL, "src": _data_uri(picture), "rows": picture.height // _CELL})
    if weights is not None:
        track, joint_weights = _pack_weights(np.asarray(weights, float), len(skeleton))
        tracks.append(track)
    return {
        "name": recording.name if name is None else name,
        "fps": recording.fps,
        "times": None if recording.timestamps is None else np.round(recording.timestamps, 4).tolist(),
        "keypoints": pack_keypoints(recording),
        "limbs": [skeleton.indices(limb) for limb in skeleton.limbs],
        "sides": list(skeleton.sides),
        "tracks": tracks,
        "weights": joint_weights,
        "probabilities": None
        if probabilities is None
        else _pack_probabilities(probabilities, len(recording)),
    }


def _pack_weights(weights: np.ndarray, joints: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the map of the weights (steps, joints), and the weights as shares of the largest one."""
    if weights.ndim != 2 or weights.shape[1] != joints or not len(weights):
        raise ValueError(f"`weights` must be (steps, {joints} joints), got {weights.shape}.")
    share = np.nan_to_num(weights / (np.nanmax(np.abs(weights), initial=0) or 1))
    known = ~np.isnan(weights).all(axis=0)
    picture = _draw_weight_map(share[:, known])
    track = {"label": WEIGHTS_LABEL, "src": _data_uri(picture), "rows": int(known.sum())}
    return track, {"steps": len(share), "shares": to_base64(np.rint(127 * share).astype(np.int8))}


def render_clip_data(clip: PlayerClip, key: str) -> str:
    """Return the clip as a block of data in the page; a player finds it by its key."""
    text = json.dumps(clip, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{escape(key)}">{text}</script>'


def render_player(
    clip: PlayerClip, key: str, *, choices: Mapping[str, str] | None = None, data_key: str | None = None
) -> str:
    """Return the HTML of a player; pictures and final probabilities appear without JavaScript too.

    Args:
        clip: result of `pack_clip`.
        key: unique in the page; letters, digits, dashes.
        choices: key of the data -> name, for a player with a list of recordings.
        data_key: key of data that are in the page already; by default the data are written before the player.
    """
    name = escape(clip["name"])
    last = clip["keypoints"]["frames"] - 1
    choice = _render_choice(choices, key, data_key) if choices else ""
    block = render_clip_data(clip, f"{key}-data") if data_key is None else ""
    return f"""{block}
<figure class="player" data-clip="{escape(data_key or f"{key}-data")}" aria-labelledby="{key}-name">
<figcaption id="{key}-name">{name}</figcaption>{choice}
<div class="stage">
<canvas role="img" aria-label="The skeleton of {name} at the current frame"></canvas>
<p class="corner">{_render_final(clip["probabilities"])}</p>
</div>
<div class="controls" role="group" aria-label="Player of {name}">
<button type="button" class="play" aria-label="Play" disabled><span aria-hidden="true">&#9654;</span></button>
<button type="button" class="back" aria-label="One frame back" disabled><span aria-hidden="true">&#9664;&#8201;1</span></button>
<button type="button" class="forward" aria-label="One frame forward" disabled><span aria-hidden="true">1&#8201;&#9654;</span></button>
<input type="range" min="0" max="{last}" value="0" step="1" aria-label="Frame" disabled>
<label>Speed <select class="speed" disabled><option value="1">as filmed</option><option value="0.5">1/2</option>
<option value="0.25" selected>1/4</option><option value="0.125">1/8</option></select></label>
<span class="now">frame 0</span>
</div>
<p class="legend" aria-hidden="true"><i class="right"></i>right <i class="left"></i>left <i class="hollow"></i>filled in, not seen</p>
<div class="tracks">{"".join(map(_render_track, clip["tracks"]))}{_render_chart(clip)}</div>
</figure>"""


def _render_choice(choices: Mapping[str, str], key: str, selected: str | None) -> str:
    options = "".join(
        f'<option value="{escape(data_key)}"{" selected" if data_key == selected else ""}>{escape(name)}</option>'
        for data_key, name in choices.items()
    )
    return f'\n<label class="choice">Recording <select class="which" id="{key}-which" disabled>{options}</select></label>'


def _render_track(track: Mapping[str, Any]) -> str:
    label = escape(track["label"])
    height = max(24, min(12 * track["rows"], 170))
    return (
        f'<div class="track"><p>{label}</p><div class="lane" style="height:{height}px">'
        f'<img alt="{label}; {track["rows"]} rows, time runs to the right" src="{track["src"]}"><i class="cursor"></i></div></div>'
    )


def _render_chart(clip: PlayerClip) -> str:
    """Return the probabilities over time as lines, one style per class; empty where there are only final ones."""
    probabilities = clip["probabilities"]
    if not probabilities or not probabilities["values"]:
        return ""
    lines, legend = [], []
    for k, (name, values) in enumerate(zip(probabilities["classes"], probabilities["values"], strict=True)):
        style, name = f"class-{k % _LINE_STYLES}", escape(name)
        points = [f"{frame},{100 - value / 10:g}" for frame, value in enumerate(values) if value is not None]
        lines.append(
            f'<polyline class="{style}" points="{" ".join(points)}"><title>{name}</title></polyline>'
        )
        icon = f'<svg viewBox="0 0 24 8" aria-hidden="true"><path class="{style}" d="M0 4H24"/></svg>'
        legend.append(f'<span class="key">{icon}{name}</span>')
    width = max(clip["keypoints"]["frames"], 1)
    return (
        f'<div class="track"><p>Probability of each move, 0 to 100 % {" ".join(legend)}</p><div class="lane" style="height:90px">'
        f'<svg class="chart" viewBox="-0.5 0 {width} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="Probability of each move over time">{"".join(lines)}</svg><i class="cursor"></i></div></div>'
    )


def _render_final(probabilities: Mapping[str, Any] | None) -> str:
    """Return the final probabilities, the largest first; empty where they change over time: the script writes these."""
    if not probabilities or probabilities["values"]:
        return ""
    pairs = zip(probabilities["final"], probabilities["classes"], strict=True)
    largest = sorted(pairs, key=lambda pair: -pair[0])[:_IN_CORNER]
    return "<br>".join(f"{escape(name)} {_percent(value)}" for value, name in largest)


def _pack_probabilities(probabilities: Mapping[str, npt.ArrayLike], frames: int) -> dict[str, Any]:
    """Return classes and probabilities in thousandths, one per class or one per class and frame."""
    values = {name: np.asarray(value, float) for name, value in probabilities.items()}
    shapes = {value.shape for value in values.values()}
    if shapes not in ({()}, {(frames,)}):
        raise ValueError(
            f"`probabilities` must have for each class a number or one for each of {frames} frames, got the shapes "
            f"{', '.join(map(str, sorted(shapes))) or 'none'}."
        )
    for name, value in values.items():
        if not ((value >= 0) & (value <= 1) | np.isnan(value)).all() or (value.ndim == 0 and np.isnan(value)):
            raise ValueError(f"`probabilities` of {name} must lie in [0, 1] (over time NaN = no answer yet).")
    if shapes == {()}:
        final = [_thousandths(float(value)) for value in values.values()]
        return {"classes": list(values), "values": None, "final": final}
    over_time = [list(map(_thousandths, row.tolist())) for row in values.values()]
    return {"classes": list(values), "values": over_time, "final": []}


def _thousandths(probability: float) -> int | None:
    """Return whole thousandths, None for NaN; only exactly 0 and 1 become 0 and 1000."""
    if np.isnan(probability):
        return None
    return int(probability) * 1000 if probability in (0, 1) else min(max(round(1000 * probability), 1), 999)


def _percent(thousandths: int) -> str:
    """Return whole percent, as player.js writes them.

    >>> [_percent(value) for value in (1000, 996, 857, 125, 5, 3, 0)]
    ['100 %', 'over 99 %', '86 %', '13 %', '1 %', 'under 1 %', '0 %']
    """
    if 995 <= thousandths < 1000:
        return "over 99 %"
    return "under 1 %" if 0 < thousandths < 5 else f"{(thousandths + 5) // 10} %"


def _draw_weight_map(share: np.ndarray) -> Image.Image:
    """Return (steps, joints) in [-1, 1] as a picture, one row per joint; white = 0."""
    from PIL import Image

    full = np.where(share[..., None] > 0, _FOR, _AGAINST)
    colours = 255 - np.abs(share[..., None]) * (255 - full)
    cells = np.kron(colours.swapaxes(0, 1), np.ones((_CELL, _CELL, 1)))
    return Image.fromarray(np.rint(cells).astype(np.uint8))


def _data_uri(picture: Image.Image) -> str:
    """Return the picture as PNG in a data URI."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
