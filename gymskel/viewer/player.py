"""A player as HTML: the skeleton, what runs below it in time, and buttons that a keyboard reaches."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.activations import draw_strips
from gymskel.recording import Recording
from gymskel.viewer.packing import as_text, pack_keypoints

if TYPE_CHECKING:
    from PIL import Image

_CELL = 4  # pixels; the browser stretches them
_FOR, _AGAINST = (27, 120, 55), (118, 42, 131)  # PRGn of ColorBrewer: told apart by colour-blind people
STRIP = "What the neurons did: a row each, green = +1, pink = -1"
WEIGHTS = "What counted: a row a joint, green = spoke for it, purple = against it"


def pack_clip(
    recording: Recording,
    *,
    name: str | None = None,
    strip: np.ndarray | None = None,
    probabilities: Mapping[str, Any] | None = None,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """What a player shows of a recording, as JSON knows it.

    Args:
        recording: in any unit, y down.
        name: what it is called; by default the recording's name.
        strip: (steps, units) states in [-1, 1], NaN behind the end; the steps are spread over the recording, so that a
            layer that sees every fourth frame is drawn in time.
        probabilities: class -> its final probability, or (frames,) over time, NaN while there is no answer.
        weights: (steps, joints) what each joint counted in each step, positive = for the answer; joints in the order of the
            recording's skeleton, NaN = unknown.

    Raises:
        ValueError: shapes that do not fit the recording; probabilities outside [0, 1]; a strip that `draw_strips` refuses.
    """
    skeleton = recording.skeleton
    clip = {
        "name": recording.name if name is None else name,
        "fps": recording.fps,
        "times": None if recording.timestamps is None else np.round(recording.timestamps, 4).tolist(),
        "keypoints": pack_keypoints(recording),
        "limbs": [skeleton.indices(limb) for limb in skeleton.limbs],
        "sides": list(skeleton.sides),
        "tracks": [],
    }
    if strip is not None:
        states = np.asarray(strip)
        picture = draw_strips(states, steps_per_line=max(len(states), 1), cell=_CELL)
        picture = picture.crop((0, _CELL, *picture.size))  # without the row of numbers
        clip["tracks"].append({"label": STRIP, "src": _data_uri(picture), "rows": picture.height // _CELL})
    if weights is not None:
        weights = np.asarray(weights, float)
        if weights.ndim != 2 or weights.shape[1] != len(skeleton) or not len(weights):
            raise ValueError(f"`weights` must be (steps, {len(skeleton)} joints), got {weights.shape}.")
        share = np.nan_to_num(weights / (np.nanmax(np.abs(weights), initial=0) or 1))
        known = ~np.isnan(weights).all(axis=0)
        picture = _weight_map(share[:, known])
        clip["tracks"].append({"label": WEIGHTS, "src": _data_uri(picture), "rows": int(known.sum())})
        clip["weights"] = {"steps": len(share), "shares": as_text(np.rint(127 * share).astype(np.int8))}
    if probabilities is not None:
        clip["probabilities"] = _over_time(probabilities, len(recording))
    return clip


def draw_data(clip: Mapping[str, Any], key: str) -> str:
    """The clip as a block of data in the page, which players find by its key."""
    text = json.dumps(clip, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{escape(key)}">{text}</script>'


def draw_player(
    clip: Mapping[str, Any],
    key: str,
    *,
    others: Mapping[str, str] | None = None,
    data: str | None = None,
) -> str:
    """HTML of a player; pictures and final probabilities show without JavaScript as well.

    Args:
        clip: what `pack_clip` gave.
        key: unique in the page, letters, digits, dashes.
        others: key of the data -> name, for a player with a list to choose from.
        data: key of the data where these are in the page already; by default they are written before the player.
    """
    name = escape(clip["name"])
    last = clip["keypoints"]["frames"] - 1
    choice = _choice(others, key, data) if others else ""
    block = draw_data(clip, f"{key}-data") if data is None else ""
    return f"""{block}
<figure class="player" data-clip="{escape(data or f"{key}-data")}" aria-labelledby="{key}-name">
<figcaption id="{key}-name">{name}</figcaption>{choice}
<div class="stage">
<canvas role="img" aria-label="The skeleton of {name}, at the frame that the controls say"></canvas>
<p class="corner">{_final(clip)}</p>
</div>
<div class="controls" role="group" aria-label="Player of {name}">
<button type="button" class="play" aria-label="Play" disabled><span aria-hidden="true">&#9654;</span></button>
<button type="button" class="back" aria-label="One frame back" disabled><span aria-hidden="true">&#9664;&#8201;1</span></button>
<button type="button" class="on" aria-label="One frame on" disabled><span aria-hidden="true">1&#8201;&#9654;</span></button>
<input type="range" min="0" max="{last}" value="0" step="1" aria-label="Frame" disabled>
<label>Speed <select class="speed" disabled><option value="1">as filmed</option><option value="0.5">1/2</option>
<option value="0.25" selected>1/4</option><option value="0.125">1/8</option></select></label>
<span class="now">frame 0</span>
</div>
<p class="legend" aria-hidden="true"><i class="right"></i>right <i class="left"></i>left <i class="hollow"></i>filled in, not seen</p>
<div class="tracks">{"".join(_track(track) for track in clip["tracks"])}{_chart(clip)}</div>
</figure>"""


def _choice(others: Mapping[str, str], key: str, data: str | None) -> str:
    options = "".join(
        f'<option value="{escape(k)}"{" selected" if k == data else ""}>{escape(n)}</option>'
        for k, n in others.items()
    )
    return f'\n<label class="choice">Recording <select class="which" id="{key}-which" disabled>{options}</select></label>'


def _track(track: Mapping[str, Any]) -> str:
    label = escape(track["label"])
    height = max(24, min(12 * track["rows"], 170))
    return (
        f'<div class="track"><p>{label}</p><div class="lane" style="height:{height}px">'
        f'<img alt="{label}; {track["rows"]} rows, time runs to the right" src="{track["src"]}"><i class="cursor"></i></div></div>'
    )


def _chart(clip: Mapping[str, Any]) -> str:
    """Probabilities over time as lines, one style a class."""
    told = clip.get("probabilities")
    if not told or told["values"] is None:
        return ""
    lines = []
    for k, name in enumerate(told["classes"]):
        places = [
            f"{frame},{100 - value / 10:g}"
            for frame, value in enumerate(told["values"][k])
            if value is not None
        ]
        lines.append(
            f'<polyline class="class-{k % 6}" points="{" ".join(places)}"><title>{escape(name)}</title></polyline>'
        )
    legend = " ".join(
        f'<span class="key"><svg viewBox="0 0 24 8" aria-hidden="true"><path class="class-{k % 6}" d="M0 4H24"/></svg>{escape(name)}</span>'
        for k, name in enumerate(told["classes"])
    )
    width = max(clip["keypoints"]["frames"], 1)
    return (
        f'<div class="track"><p>How probable each move seems, 0 to 100 % {legend}</p><div class="lane" style="height:90px">'
        f'<svg class="chart" viewBox="-0.5 0 {width} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="Probability of each move over time">{"".join(lines)}</svg><i class="cursor"></i></div></div>'
    )


def _final(clip: Mapping[str, Any]) -> str:
    """The final probabilities, the largest first; empty where they change over time, as the script writes them then."""
    told = clip.get("probabilities")
    if not told or told["values"] is not None:
        return ""
    order = np.argsort(told["final"])[::-1]
    return "<br>".join(f"{escape(told['classes'][k])} {_percent(told['final'][k])}" for k in order[:4])


def _over_time(probabilities: Mapping[str, Any], frames: int) -> dict[str, Any]:
    """Classes, and probabilities in whole thousandths: one each, or one for each frame (None = no answer yet)."""
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
        return {"classes": list(values), "values": None, "final": [_thousandths(v) for v in values.values()]}
    return {
        "classes": list(values),
        "values": [[_thousandths(v) for v in value] for value in values.values()],
    }


def _thousandths(value: Any) -> int | None:
    """0 and 1000 are kept for what is certain."""
    if np.isnan(value):
        return None
    return int(value) * 1000 if value in (0, 1) else min(max(round(1000 * float(value)), 1), 999)


def _percent(thousandths: int) -> str:
    """As the script writes it.

    >>> [_percent(value) for value in (1000, 996, 857, 3, 0)]
    ['100 %', 'over 99 %', '86 %', 'under 1 %', '0 %']
    """
    if 995 <= thousandths < 1000:
        return "over 99 %"
    return "under 1 %" if 0 < thousandths < 5 else f"{thousandths / 10:.0f} %"


def _weight_map(share: np.ndarray) -> Image.Image:
    """(steps, joints) in [-1, 1] as a picture, a row a joint: white = 0."""
    from PIL import Image

    full = np.where(share[..., None] > 0, _FOR, _AGAINST)
    colours = 255 - np.abs(share[..., None]) * (255 - full)
    cells = np.kron(colours.swapaxes(0, 1), np.ones((_CELL, _CELL, 1)))
    return Image.fromarray(np.rint(cells).astype(np.uint8))


def _data_uri(picture: Image.Image) -> str:
    """The picture as PNG, in a form that stands in the page itself."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
