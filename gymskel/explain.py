"""Pictures and tables that explain answers, written into a folder.

    from gymskel import SkeletonClassifier, explain, read_recordings

    classifier, recordings = SkeletonClassifier.load("moves.gymskel"), read_recordings("keypoints")
    explain.write_strips(classifier, recordings, "strips")
    explain.write_explanations(classifier, recordings, "why")

`write_strips` shows what the units did below the moving body. `write_explanations` adds which joint counted when.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gymskel.activations import (
    choose_units,
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
from gymskel.files import replace_file
from gymskel.recording import Recording
from gymskel.recording.times import frame_times

UNITS = 8
"""Rows of a strip by default: as many as are read at a glance."""


def write_strips(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], out: str | Path, *, units: int = UNITS
) -> list[Path]:
    """Write RECORDING.MOVE.LAYER.png for each recurrent layer: strips below the body, as `draw_strips_with_skeleton`.

    The move is the classifier's answer. A recording without an answer gets no picture. `choose_units` picks the units,
    by the recordings' activities, or by the answers where these are not known.

    Args:
        classifier: fitted on recordings.
        recordings: of the layout of joints that it was trained on.
        out: folder; made if it is not there.
        units: largest number of rows. States of a layer that go beyond [-1, 1] are divided by the largest.

    Returns:
        The files, layer by layer.

    Raises:
        ValueError: `units` below 1, fitted on Clips, or another layout of joints.
    """
    out = _make_folder(out, units)
    answers, clips = _answers(classifier, recordings)
    return [] if clips is None else _write_layers(classifier, answers, clips, out, units)


def write_explanations(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], out: str | Path, *, units: int = UNITS
) -> list[Path]:
    """Write what explains each answer: strips below the body, and which joint counted when.

    Of each recording that has an answer: RECORDING.MOVE.LAYER.png as in `write_strips`, here with the attributions
    summed over the joints below the units; RECORDING.MOVE.map.png and RECORDING.MOVE.bodies.png from
    `integrated_gradients`, compared with the other moves if there are several, otherwise with a body that stands still.
    Of all together: attributions.csv (`Attribution.table`), and units.csv (`rank_units`) for three recordings and two
    moves or more. The arguments are those of `write_strips`.

    Returns:
        The files, pictures first.

    Raises:
        ValueError: as `write_strips`, no recording has an answer, or attributions that do not add up (see
            `integrated_gradients`).
    """
    out = _make_folder(out, units)
    answers, clips = _answers(classifier, recordings)
    if clips is None:
        raise ValueError("In none of the recordings is enough seen for an answer: nothing to explain.")
    model = classifier.model_
    several_moves = clips.y is not None and len(np.unique(clips.y)) > 1
    named = replace(clips, sources=tuple(answers["recording"]))  # sources may repeat
    attribution = integrated_gradients(model, named, baseline="others" if several_moves else "still")
    written = _write_layers(classifier, answers, clips, out, units, attribution)
    written += _write_attributions(attribution, answers, out)
    tables = {"attributions": attribution.table()}
    layers = recurrent_layers(model)
    if several_moves and len(clips) > 2 and layers:
        ranked = {layer: rank_units(layer_outputs(model, clips, layer), clips) for layer in layers}
        tables["units"] = pd.concat(ranked, names=["layer"]).reset_index("layer")
    for name, table in tables.items():
        written.append(out / f"{name}.csv")
        with replace_file(written[-1]) as part:
            table.to_csv(part, index=False)
    return written


def _make_folder(out: str | Path, units: int) -> Path:
    """Check `units`, then make the folder and return it."""
    if units < 1:
        raise ValueError(f"`units` must be a number of rows from 1, got {units}.")
    Path(out).mkdir(parents=True, exist_ok=True)
    return Path(out)


def _answers(
    classifier: SkeletonClassifier, recordings: Sequence[Recording]
) -> tuple[pd.DataFrame, Clips | None]:
    """Return the rows of `predict_table` that have an answer, and their clips as the model saw them; None = no rows.

    Labels of the clips are the activities, or the answers where some activity is none of the classifier's classes. New
    column `end`: time of the last frame since the first, with its unit, (1.4, "s") or (42, "frame").
    """
    table = classifier.predict_table(recordings)
    answered = ~table["doubt"].str.startswith("no answer")
    shown = [recording for recording, good in zip(recordings, answered, strict=True) if good]
    if not shown:
        return table[answered], None
    clips = classifier.clips(shown)
    if clips.y is None:
        clips = replace(clips, y=np.array([clips.classes.index(move) for move in table["move"][answered]]))
    ends = [(float(times[-1] - times[0]), unit) for times, unit in map(frame_times, shown)]
    return table[answered].assign(end=ends), clips


def _write_layers(
    classifier: SkeletonClassifier,
    answers: pd.DataFrame,
    clips: Clips,
    out: Path,
    units: int,
    attribution: Attribution | None = None,
) -> list[Path]:
    """Write one picture for each recurrent layer and answer; with an attribution, its sum over the joints below."""
    written, counted = [], None if attribution is None else attribution.by_joint.sum(axis=-1)
    for layer in recurrent_layers(classifier.model_):
        states = layer_outputs(classifier.model_, clips, layer)
        states /= max(1.0, float(np.nanmax(np.abs(states))))
        shown = choose_units(states, clips, units)
        for row, answer in enumerate(answers.itertuples()):
            title = f"{answer.move}, probability {answer.probability:.2f}\n{answer.recording}, layer {layer}"
            picture = draw_strips_with_skeleton(
                states[row],
                clips[[row]],
                units=shown,
                title=f"{title}\nDoubt: {answer.doubt}" if answer.doubt else title,
                end=answer.end,
                weights=None if counted is None else {"what counted": counted[row]},
            )
            written.append(_picture_path(out, answer, layer))
            with replace_file(written[-1]) as part:
                picture.save(part)
    return written


def _write_attributions(attribution: Attribution, answers: pd.DataFrame, out: Path) -> list[Path]:
    """Write the map and the bodies of each answer."""
    from matplotlib import pyplot as plt

    written = []
    for row, answer in enumerate(answers.itertuples()):
        for name, plot in (("map", plot_attribution_map), ("bodies", plot_attribution_bodies)):
            plot(attribution, row, end=answer.end)
            written.append(_picture_path(out, answer, name))
            with replace_file(written[-1]) as part:
                plt.savefig(part, dpi=110)
            plt.close()
    return written


def _picture_path(out: Path, answer: Any, picture: str) -> Path:
    """Return OUT/RECORDING.MOVE.PICTURE.png, whatever characters the names hold."""
    name = f"{answer.recording}.{answer.move}.{picture}.png"
    return out / name.replace("/", "-").replace(os.sep, "-")
