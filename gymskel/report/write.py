"""Write the report as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from gymskel.activations import last_layer_states
from gymskel.classifier import SkeletonClassifier
from gymskel.files import replace_file
from gymskel.recording import Recording
from gymskel.report import sections
from gymskel.report.explanations import Explanation, explain_clips
from gymskel.report.html_parts import percent
from gymskel.report.report_data import ReportData, collect_report_data
from gymskel.report.shown_clips import (
    measure_recordings,
    render_comparison,
    render_poses,
    select_clearest,
    select_most_doubtful,
)
from gymskel.viewer import pack_clip, render_clip_data, render_page, render_player
from gymskel.viewer.html_page import read_asset
from gymskel.viewer.player import PlayerClip

_TITLE = "Report about the classifier and its moves"
_CLEAREST = "Right answers, the most certain of each move first."
_DOUBTFUL = "The most certain mistakes first, then the least certain right answers."
_ORIGIN = (
    "The answers, also those in the corner of the players, were given while the athlete was left out. Activity of the neurons and "
    "importance of the joints are those of the finished classifier, which was trained on these clips too."
)


def write_report(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording],
    path: str | Path,
    *,
    progress: bool = False,
) -> Path:
    """Write one HTML page about a classifier and some recordings, and return its path.

    The page shows the data, the accuracy beside simple rules, results by athlete, the confusion matrix, and the
    calibration. For the clearest and the most doubtful clips it shows a player with the states of the last recurrent
    layer, attribution (integrated gradients and occlusion), and kinematics compared with clips of the same move. It loads
    nothing from elsewhere, and its tables need no JavaScript.

    All results come from `classifier.out_of_fold_`: answers given while the athlete was left out. Other recordings are
    listed as new. States and attribution are those of the finished classifier, and the page says so.

    Args:
        classifier: fitted on recordings; `gymskel train` and `keep_out_of_fold` store the answers in it.
        recordings: the recordings to show, in pixels as for training; activity and athlete where known.
        path: ends in .html; written whole or not at all.
        progress: show a progress bar.

    Raises:
        ValueError: no recordings, a classifier fitted on Clips, another layout of joints than it was trained on, a
            `path` that does not end in .html.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"`path` must end in .html, got {path}.")
    with tqdm(total=3 * len(recordings), unit="step", disable=not progress, leave=False) as bar:
        bar.set_description("results")
        data = collect_report_data(classifier, recordings)
        bar.update(len(recordings))
        bar.set_description("measures")
        measures = measure_recordings(data.recordings, bar.update)
        bar.set_description("pages")
        body = _render_body(data, measures, bar)
    with replace_file(path) as part:
        page = render_page(_TITLE, body, styles=read_asset("report.css", "gymskel.report"))
        part.write_text(page, encoding="utf-8")
    return path


def _render_body(data: ReportData, measures: pd.DataFrame, bar: tqdm) -> str:
    clearest, doubtful = select_clearest(data), select_most_doubtful(data)
    rows = [*clearest, *doubtful]
    moves = data.table.loc[rows, "truth"].tolist()
    reasons = explain_clips(data.classifier, [data.recordings[row] for row in rows], moves)
    explanations = dict(zip(rows, reasons, strict=True))
    layer, clips = _pack_clips(data, explanations, bar)
    parts = [
        ("summary", "Summary", sections.render_summary(data)),
        ("data", "Data", sections.render_data(data)),
    ]
    if data.evaluation is None:
        parts.append(("results", "Results", sections.UNTESTED))
    else:
        parts += [
            ("results", "Results", sections.render_results(data.evaluation)),
            ("athletes", "Results by athlete", sections.render_athletes(data.evaluation)),
            ("confusion", "Confused moves", sections.render_confusion(data.evaluation)),
            ("certainty", "Certainty", sections.render_certainty(data, data.evaluation)),
        ]
    if len(data.new):
        parts.append(("new", "New recordings", sections.render_new(data)))
    for key, title, text, rows in (
        ("clear", "Clearest clips", f"{_CLEAREST} {_ORIGIN}", clearest),
        ("doubtful", "Most doubtful clips", _DOUBTFUL, doubtful),
    ):
        if rows:
            cards = _render_cards(data, rows, key, clips, explanations, measures)
            parts.append((key, title, f"<p>{text}</p>\n{cards}"))
    first = int(np.argmax([len(clip["tracks"]) for clip in clips]))  # no other clip has more tracks
    names = {_data_key(row): name for row, name in enumerate(data.table["recording"])}
    player = render_player(clips[first], "any", choices=names, data_key=_data_key(first))
    parts.append(("all", "All recordings", f"{player}\n{sections.render_all(data)}"))
    parts.append(("terms", "Terms, and origin of the classifier", sections.render_glossary(data, layer)))
    return _render_sections(parts, clips)


def _render_sections(parts: Sequence[tuple[str, str, str]], clips: Sequence[PlayerClip]) -> str:
    """Return the page's body: contents, sections (key, title, HTML), and the data of all players."""
    links = "".join(f'<li><a href="#{key}">{escape(title)}</a></li>' for key, title, _ in parts)
    text = "\n".join(
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{escape(title)}</h2>\n{html}\n</section>'
        for key, title, html in parts
    )
    blocks = "\n".join(render_clip_data(clip, _data_key(row)) for row, clip in enumerate(clips))
    hint = "<noscript><p class='note'>The players need JavaScript. Everything else works without it.</p></noscript>"
    return f'<header><h1>{_TITLE}</h1></header>\n<nav aria-label="Contents"><ul>{links}</ul></nav>\n<main>\n{hint}\n{text}\n</main>\n{blocks}'


def _data_key(row: int) -> str:
    """Return the key of a recording's data in the page."""
    return f"clip-{row}"


def _pack_clips(
    data: ReportData, explanations: dict[int, Explanation], bar: tqdm
) -> tuple[str, list[PlayerClip]]:
    """Return the name of the layer whose states are shown, and the players' data of all recordings."""
    layer, states = last_layer_states(data.classifier, data.recordings)
    probabilities = data.table[[f"p({name})" for name in data.classes]].to_numpy(float)
    clips = []
    for row, (name, recording) in enumerate(zip(data.table["recording"], data.recordings, strict=True)):
        known = (
            None
            if np.isnan(probabilities[row]).any()
            else dict(zip(data.classes, probabilities[row], strict=True))
        )
        weights = explanations[row].weights if row in explanations else None
        clips.append(pack_clip(recording, name=name, strip=states[row], probabilities=known, weights=weights))
        bar.update()
    return layer, clips


def _render_cards(
    data: ReportData,
    rows: Sequence[int],
    prefix: str,
    clips: Sequence[PlayerClip],
    explanations: dict[int, Explanation],
    measures: pd.DataFrame,
) -> str:
    """Return one card per clip: label and answer, poses, player, explanation, measures."""
    moves = data.table["move"].where(data.table["move"] != "", data.table["answer"]).tolist()
    cards = []
    for row in rows:
        line = data.table.loc[row]
        verdict = "right" if line["truth"] == line["answer"] else "wrong"
        text = (
            f"Performed: <strong>{escape(line['truth'])}</strong>. Answer while {escape(line['athlete'] or 'it')} was left out: <strong>"
            f"{escape(line['answer'])}</strong>, {percent(line['probability'])} certain: {verdict}."
        )
        cards.append(
            f'<article class="card {verdict}"><h3>{escape(line["recording"])}</h3><p>{text}</p>\n'
            f"{render_poses(data.recordings[row])}\n"
            f"{render_player(clips[row], f'{prefix}-{row}', data_key=_data_key(row))}\n"
            f"{explanations[row].html}\n{render_comparison(measures, moves, row)}</article>"
        )
    return "\n".join(cards)
