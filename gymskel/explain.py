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
from dataclasses import dataclass, replace
from pathlib import Path

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


@dataclass(frozen=True, eq=False)
class _Answers:
    """The recordings that have an answer.

    Attributes:
        names: of the recordings, each once.
        moves: the answers.
        titles: for pictures: move and probability, then the recording, then the reason to doubt if there is one.
        ends: time of each last frame, counted from the first, with its unit: (1.4, "s") or (42, "frame").
        clips: as the model saw them. The labels are the recordings' activities, or the answers where some activity is
            none of the classifier's classes.
    """

    names: list[str]
    moves: list[str]
    titles: list[str]
    ends: list[tuple[float, str]]
    clips: Clips

    @property
    def several_moves(self) -> bool:
        """The clips have more than one label."""
        return self.clips.y is not None and len(np.unique(self.clips.y)) > 1

    def path(self, folder: Path, row: int, picture: str) -> Path:
        """Return FOLDER/RECORDING.MOVE.PICTURE.png of a row, whatever characters the names hold."""
        name = f"{self.names[row]}.{self.moves[row]}.{picture}.png"
        return folder / name.replace("/", "-").replace(os.sep, "-")


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
    _check_units(units)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    answers = _answers(classifier, recordings)
    return [] if answers is None else _write_layers(classifier, answers, out, units)


def write_explanations(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], out: str | Path, *, units: int = UNITS
) -> list[Path]:
    """Write what explains each answer: strips below the body, and which joint counted when.

    Of each recording that has an answer: RECORDING.MOVE.LAYER.png as in `write_strips`, here with the attributions
    summed over the joints below the units; RECORDING.MOVE.map.png and RECORDING.MOVE.bodies.png from
    `integrated_gradients`, compared with the other moves if there are several, otherwise with a body that stands still.
    Of all together: attributions.csv (`Attribution.table`), and units.csv (`rank_units`) for three recordings and two
    moves or more.

    Args:
        classifier: fitted on recordings.
        recordings: of the layout of joints that it was trained on.
        out: folder; made if it is not there.
        units: largest number of rows of a strip.

    Returns:
        The files, pictures first.

    Raises:
        ValueError: `units` below 1, no recording has an answer, fitted on Clips, another layout of joints, or
            attributions that do not add up (see `integrated_gradients`).
    """
    _check_units(units)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    answers = _answers(classifier, recordings)
    if answers is None:
        raise ValueError("In none of the recordings is enough seen for an answer: nothing to explain.")
    clips = answers.clips
    named = replace(clips, sources=tuple(answers.names))  # sources may repeat
    attribution = integrated_gradients(
        classifier.model_, named, baseline="others" if answers.several_moves else "still"
    )
    written = _write_layers(classifier, answers, out, units, attribution)
    written += _write_attributions(attribution, answers, out)
    tables = {"attributions": attribution.table()}
    layers = recurrent_layers(classifier.model_)
    if answers.several_moves and len(clips) > 2 and layers:
        ranked = {
            layer: rank_units(layer_outputs(classifier.model_, clips, layer), clips) for layer in layers
        }
        tables["units"] = pd.concat(ranked, names=["layer"]).reset_index("layer")
    for name, table in tables.items():
        written.append(out / f"{name}.csv")
        with replace_file(written[-1]) as part:
            table.to_csv(part, index=False)
    return written


def _check_units(units: int) -> None:
    if units < 1:
        raise ValueError(f"`units` must be a number of rows from 1, got {units}.")


def _write_layers(
    classifier: SkeletonClassifier,
    answers: _Answers,
    out: Path,
    units: int,
    attribution: Attribution | None = None,
) -> list[Path]:
    """Write one picture for each recurrent layer and recording; with an attribution, its sum over the joints below."""
    written = []
    for layer in recurrent_layers(classifier.model_):
        states = layer_outputs(classifier.model_, answers.clips, layer)
        states /= max(1.0, float(np.nanmax(np.abs(states))))
        shown = choose_units(states, answers.clips, units)
        for row, (clip_states, end) in enumerate(zip(states, answers.ends, strict=True)):
            move, *notes = answers.titles[row].split("\n")
            picture = draw_strips_with_skeleton(
                clip_states,
                answers.clips[[row]],
                units=shown,
                title="\n".join([move, f"{notes[0]}, layer {layer}", *notes[1:]]),
                end=end,
                weights=None
                if attribution is None
                else {"what counted": attribution.by_joint[row].sum(axis=-1)},
            )
            written.append(answers.path(out, row, layer))
            with replace_file(written[-1]) as part:
                picture.save(part)
    return written


def _write_attributions(attribution: Attribution, answers: _Answers, out: Path) -> list[Path]:
    """Write the map and the bodies of each recording."""
    from matplotlib import pyplot as plt

    written = []
    for row, end in enumerate(answers.ends):
        for name, plot in (("map", plot_attribution_map), ("bodies", plot_attribution_bodies)):
            written.append(answers.path(out, row, name))
            plot(attribution, row, end=end)
            with replace_file(written[-1]) as part:
                plt.savefig(part, dpi=110)
            plt.close()
    return written


def _answers(classifier: SkeletonClassifier, recordings: Sequence[Recording]) -> _Answers | None:
    """Return the recordings that have an answer, or None if there are none."""
    table = classifier.predict_table(recordings)
    answered = ~table["doubt"].str.startswith("no answer").to_numpy()
    shown = [recording for recording, good in zip(recordings, answered, strict=True) if good]
    if not shown:
        return None
    table, clips = table[answered], classifier.clips(shown)
    moves = table["move"].tolist()
    if clips.y is None:
        clips = replace(clips, y=np.array([clips.classes.index(move) for move in moves]))
    titles = [
        f"{row.move}, probability {row.probability:.2f}\n{row.recording}"
        + (f"\nDoubt: {row.doubt}" if row.doubt else "")
        for row in table.itertuples()
    ]
    return _Answers(table["recording"].tolist(), moves, titles, [_end(one) for one in shown], clips)


def _end(recording: Recording) -> tuple[float, str]:
    """Return the time of the last frame since the first, and its unit."""
    times, unit = frame_times(recording)
    return float(times[-1] - times[0]), unit
