"""The report as one file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from gymskel.activations import last_layer_states
from gymskel.classifier import SkeletonClassifier
from gymskel.recording import Recording
from gymskel.report import sections
from gymskel.report.explanations import reasons_of
from gymskel.report.html import percent
from gymskel.report.report_data import Facts, gather_facts
from gymskel.report.shown_clips import beside_group, clearest, draw_poses, measured, most_doubtful
from gymskel.viewer import draw_data, draw_page, draw_player, pack_clip
from gymskel.viewer.page import read_asset

_TITLE = "What the classifier makes of these moves"
_CLEAR = "Right answers, the surest of each move in turn."
_DOUBTFUL = "The surest mistakes first, then the right answers that were least sure."
_STRIPS = (
    "The answers, also in the corner of the players, were given while the athlete was left out. Strips and what counted are those of the "
    "finished classifier, which was trained on these clips too."
)


def write_report(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording],
    path: str | Path,
    *,
    progress: bool = False,
) -> Path:
    """Writes one HTML page about a classifier and some recordings, and returns its path.

    The page holds the data, the simple rules beside the result, results by athlete, what was taken for what, how sure the answers
    are, and the clearest and most doubtful clips with a player, the strip of the last recurrent layer, what counted (integrated
    gradients and occlusion), and kinematics beside those of the same move. It loads nothing, and its tables need no JavaScript.

    All results come from `classifier.out_of_fold_`: answers given while the athlete was left out. Recordings that it is not
    about are told apart as new. Strips and what counted are of the finished classifier, and the page says so.

    Args:
        classifier: fitted on recordings; `gymskel train` and `keep_out_of_fold` put the answers into it.
        recordings: what to show, in pixels as they were trained on; activity and athlete where known.
        path: ends in .html; written whole or not at all.
        progress: show a bar.

    Raises:
        ValueError: no recordings, a classifier fitted on Clips, another layout of joints than it was trained on, a
            `path` that does not end in .html.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"`path` must end in .html, got {path}.")
    with tqdm(total=3 * len(recordings), unit="step", disable=not progress, leave=False) as bar:
        bar.set_description("results")
        facts = gather_facts(classifier, recordings)
        bar.update(len(recordings))
        bar.set_description("measures")
        numbers = measured(facts.recordings, bar.update)
        bar.set_description("pages")
        body = _draw_body(facts, numbers, bar)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(
        draw_page(_TITLE, body, styles=read_asset("report.css", "gymskel.report")), encoding="utf-8"
    )
    part.replace(path)
    return path


def _draw_body(facts: Facts, numbers: pd.DataFrame, bar: tqdm) -> str:
    clear, doubtful = clearest(facts), most_doubtful(facts)
    shown = list(dict.fromkeys([*clear, *doubtful]))
    told = reasons_of(
        facts.classifier, [facts.recordings[row] for row in shown], [_truth(facts, row) for row in shown]
    )
    reasons = dict(zip(shown, told, strict=True))
    layer, clips = _pack_clips(facts, {row: weights for row, (weights, _) in reasons.items()}, bar)
    keys = [f"clip-{i}" for i in range(len(clips))]
    moves = facts.table["move"].where(facts.table["move"] != "", facts.table["answer"]).tolist()

    def cards(rows: list[int], kind: str) -> str:
        players = [draw_player(clips[row], f"{kind}-{row}", data=keys[row]) for row in rows]
        return "\n".join(
            _draw_card(facts, row, player, reasons[row][1], beside_group(numbers, moves, row))
            for row, player in zip(rows, players, strict=True)
        )

    parts = {
        "summary": ("In short", sections.draw_summary(facts)),
        "data": ("The data", sections.draw_data(facts)),
    }
    parts["results"] = ("How good it is", sections.draw_results(facts))
    if facts.evaluation:
        parts["athletes"] = ("By athlete", sections.draw_athletes(facts))
        parts["confusion"] = ("What is taken for what", sections.draw_confusion(facts))
        parts["certainty"] = ("How sure it is", sections.draw_certainty(facts))
    if len(facts.new):
        parts["new"] = ("New recordings", sections.draw_new(facts))
    if clear:
        parts["clear"] = ("The clearest clips", f"<p>{_CLEAR} {_STRIPS}</p>\n{cards(clear, 'clear')}")
    if doubtful:
        parts["doubtful"] = ("The most doubtful clips", f"<p>{_DOUBTFUL}</p>\n{cards(doubtful, 'doubtful')}")
    names = dict(zip(keys, facts.table["recording"], strict=True))
    first = int(np.argmax([len(clip["tracks"]) for clip in clips]))  # the player has as many as this one
    player = draw_player(clips[first], "any", others=names, data=keys[first])
    parts["all"] = ("All recordings", f"{player}\n{sections.draw_all(facts)}")
    parts["words"] = ("Words, and how it was made", sections.draw_words(facts, layer))
    links = "".join(f'<li><a href="#{key}">{escape(title)}</a></li>' for key, (title, _) in parts.items())
    text = "\n".join(
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{escape(title)}</h2>\n{html}\n</section>'
        for key, (title, html) in parts.items()
    )
    data = "\n".join(draw_data(clip, key) for clip, key in zip(clips, keys, strict=True))
    hint = "<noscript><p class='note'>The players need JavaScript; everything else is here without it.</p></noscript>"
    return f'<header><h1>{_TITLE}</h1></header>\n<nav aria-label="Contents"><ul>{links}</ul></nav>\n<main>\n{hint}\n{text}\n</main>\n{data}'


def _pack_clips(facts: Facts, weights: dict[int, np.ndarray | None], bar: tqdm) -> tuple[str, list[dict]]:
    """The layer whose strips are shown, and what the players show of every recording."""
    layer, states = last_layer_states(facts.classifier, facts.recordings)
    chances = facts.table[[f"p({name})" for name in facts.classes]].to_numpy(float)
    clips = []
    for row, (name, one) in enumerate(zip(facts.table["recording"], facts.recordings, strict=True)):
        told = dict(zip(facts.classes, chances[row].tolist(), strict=True))
        told = None if np.isnan(chances[row]).any() else told
        clips.append(
            pack_clip(one, name=name, strip=states[row], probabilities=told, weights=weights.get(row))
        )
        bar.update()
    return layer, clips


def _truth(facts: Facts, row: int) -> str:
    """What the training called a tested recording."""
    kept = facts.evaluation.predictions
    return kept.loc[kept["recording"] == facts.table.loc[row, "recording"], "truth"].iloc[0]


def _draw_card(facts: Facts, row: int, player: str, reasons: str, measures: str) -> str:
    """One clip: what was answered, the body at some moments, the player, what counted, the measures."""
    line, truth = facts.table.loc[row], _truth(facts, row)
    verdict = "right" if truth == line["answer"] else "wrong"
    text = (
        f"Was done: <strong>{escape(truth)}</strong>. Answered while {escape(line['athlete'] or 'it')} was left out: <strong>"
        f"{escape(line['answer'])}</strong>, {percent(line['probability'])} sure: {verdict}."
    )
    return (
        f'<article class="card {verdict}"><h3>{escape(line["recording"])}</h3><p>{text}</p>\n{draw_poses(facts.recordings[row])}\n{player}\n'
        f"{reasons}\n{measures}</article>"
    )
