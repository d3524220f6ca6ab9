"""Why each answer, as pictures and tables in a folder: strips under the body, which joint counted when, units ranked.

    from gymskel import SkeletonClassifier, explain, read_recordings

    classifier, recordings = SkeletonClassifier.load("moves.gymskel"), read_recordings("keypoints")
    explain.write_strips(classifier, recordings, "strips")
    explain.write_explanations(classifier, recordings, "why")

`write_strips` shows all units as they were; `write_explanations` the units that tell the moves apart, with the body above them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gymskel.activations import (
    draw_strips,
    draw_strips_with_skeleton,
    layer_outputs,
    rank_units,
    recurrent_layers,
)
from gymskel.attribution import (
    Attribution,
    integrated_gradients,
    plot_attribution_bodies,
    plot_attribution_map,
)
from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.recording import Recording
from gymskel.recording.times import frame_times


def write_strips(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], out: str | Path
) -> list[Path]:
    """Writes RECORDING.MOVE.LAYER.png: the states of all units of each recurrent layer, as `draw_strips` draws them.

    The move is the classifier's answer. A recording without an answer gets no picture.

    Args:
        classifier: fitted on recordings.
        recordings: of the layout of joints that it was trained on.
        out: folder; made if it is not there.

    Returns:
        The files, layer by layer.

    Raises:
        ValueError: fitted on Clips, another layout of joints, or states outside of [-1, 1].
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    names, clips, _ = _answered(classifier, recordings)
    written = []
    for layer in recurrent_layers(classifier.model_) if names else ():
        states = layer_outputs(classifier.model_, clips, layer)
        for (name, move), one in zip(names, states, strict=True):
            written.append(out / _file_name(name, move, layer))
            draw_strips(one).save(written[-1])
    return written


def write_explanations(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], out: str | Path, *, units: int = 8
) -> list[Path]:
    """Writes what there is to see of each answer: strips under the body, and which joint counted when.

    Of each recording that has an answer: RECORDING.MOVE.LAYER.png (`draw_strips_with_skeleton`, for each recurrent
    layer), RECORDING.MOVE.map.png and RECORDING.MOVE.bodies.png (`integrated_gradients`; compared with the other moves
    if there are several, otherwise with a body that stands still). Of all: attributions.csv (`Attribution.table`), and
    units.csv (`rank_units`) if there are three recordings and two moves.

    Args:
        classifier: fitted on recordings.
        recordings: of the layout of joints that it was trained on. Units are ranked by their activities; where one is
            none of the classifier's classes, by what it took all of them for.
        out: folder; made if it is not there.
        units: rows of a strip: the units that tell the moves apart best, or the first where none are ranked.

    Returns:
        The files, pictures first.

    Raises:
        ValueError: `units` below 1, no recording has an answer, fitted on Clips, another layout of joints, or attributions that do not
            add up (see `integrated_gradients`).
    """
    if units < 1:
        raise ValueError(f"`units` must be a number of rows from 1, got {units}.")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    names, clips, ends = _answered(classifier, recordings)
    if not names:
        raise ValueError("In none of the recordings is enough seen for an answer: nothing to explain.")
    if clips.y is None:  # ranked by what the classifier took them for
        clips = replace(clips, y=np.array([clips.classes.index(move) for _, move in names]))
    several = len(set(clips.y)) > 1
    ranked, written = {}, []
    for layer in recurrent_layers(classifier.model_):
        states = layer_outputs(classifier.model_, clips, layer)
        shown = range(min(units, states.shape[-1]))
        if several and len(clips) > 2:
            ranked[layer] = rank_units(states, clips)
            shown = ranked[layer]["unit"].tolist()[:units]
        for i, (name, move) in enumerate(names):
            written.append(out / _file_name(name, move, layer))
            draw_strips_with_skeleton(states[i], clips[i], units=shown).save(written[-1])
    baseline = "others" if several else "still"
    named = replace(clips, sources=tuple(name for name, _ in names))  # sources may repeat
    found = integrated_gradients(classifier.model_, named, baseline=baseline)
    written += _write_attributions(found, names, ends, out)
    tables = {"attributions": found.table()}
    if ranked:
        tables["units"] = pd.concat(ranked, names=["layer"]).reset_index("layer")
    for kind, made in tables.items():
        written.append(out / f"{kind}.csv")
        made.to_csv(written[-1], index=False)
    return written


def _write_attributions(
    found: Attribution, names: list[tuple[str, str]], ends: list[tuple[float, str]], out: Path
) -> list[Path]:
    from matplotlib import pyplot as plt

    written = []
    for i, (name, move) in enumerate(names):
        for kind, plot in (("map", plot_attribution_map), ("bodies", plot_attribution_bodies)):
            written.append(out / _file_name(name, move, kind))
            figure = plot(found, i, ends=ends[i]).figure
            figure.savefig(written[-1], dpi=110)
            plt.close(figure)
    return written


def _answered(
    classifier: SkeletonClassifier, recordings: Sequence[Recording]
) -> tuple[list[tuple[str, str]], Clips | None, list[tuple[float, str]]]:
    """(recording, move) of those that have an answer, their clips (None if there are none), and when each ends.

    That is the second of its last frame, or the number of that frame where no time is known.
    """
    table = classifier.predict_table(recordings)
    answered = ~table["doubt"].str.startswith("no answer").to_numpy()
    some = [one for one, good in zip(recordings, answered, strict=True) if good]
    names = list(zip(table["recording"][answered], table["move"][answered], strict=True))
    ends = [_end(one) for one in some]
    return names, classifier.clips(some) if some else None, ends


def _end(recording: Recording) -> tuple[float, str]:
    """Return the time of the last frame since the first, and its unit."""
    times, unit = frame_times(recording)
    return float(times[-1] - times[0]), unit


def _file_name(*parts: str) -> str:
    return f"{'.'.join(parts)}.png".replace("/", "-").replace(os.sep, "-")
