"""The sections of the report that are words and tables."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

import gymskel
from gymskel.report.html import Html, counted, draw_share, draw_table, listed, percent
from gymskel.report.report_data import Facts

FLOORS = {
    "majority": "Always naming the commonest move",
    "length only": "Going by the clip's length alone",
    "logistic regression": "Adding up the joints' places with weights (logistic regression)",
    "random forest": "A vote of 50 decision trees (random forest)",
}
"""The simple rules, in plain words."""
_FEW = 10  # athletes: an interval of fewer is too narrow


def draw_summary(facts: Facts) -> str:
    """What a reader in a hurry should know."""
    if facts.evaluation is None:
        return f"<p>{counted(len(facts.recordings), 'recording')}. {_untested()}</p>"
    right, answers, low, high = _headline(facts)
    athletes = facts.evaluation.predictions["athlete"].nunique()
    best = max(facts.evaluation.floors, key=facts.evaluation.floors.get)
    share = facts.evaluation.floors[best]
    against = "more than" if right > share else "as much as" if right == share else "less than"
    whom = f"its athlete ({athletes} in all)"
    so = "so it would go with somebody new"
    if unnamed := _unnamed(facts):
        of = f"; of {unnamed} nobody said who it is" if unnamed < athletes else ", as nobody said who it is"
        whom = f"its athlete, or its video{of},"
        so = "if others show the same person, the result flatters"
    text = [
        f"<strong>{percent(right)}</strong> of {answers} answers were right. Each was given while {whom} "
        f"was left out of the training: {so}.",
        _interval(right, low, high, athletes),
        f"That is {against} the best of the simple rules, {_lower(FLOORS.get(best, best))}: {percent(share)}.",
    ]
    if len(facts.new):
        text.append(f"{counted(len(facts.new), 'recording')} here were not in that test: see New recordings.")
    return f"<p>{' '.join(filter(None, text))}</p>"


def draw_data(facts: Facts) -> str:
    """How many recordings of what, and what is doubtful about them."""
    table, rows = facts.table, []
    for move, some in table.groupby(table["move"].replace("", "not named"), sort=True):
        doubted = int((some["doubt"] != "").sum())
        seconds = some["seconds"].median()
        lasts = f"{seconds:.2f}" if np.isfinite(seconds) else "unknown"
        rows.append(
            [move, len(some), some.loc[some["athlete"] != "", "athlete"].nunique(), lasts, doubted or "none"]
        )
    named = table.loc[table["athlete"] != "", "athlete"]
    everything = f"{counted(len(table), 'recording')} of {counted(named.nunique(), 'athlete')}"
    nobody = int((table["athlete"] == "").sum())
    text = [f"<p>{everything}{f'; of {nobody} nobody said who it is' if nobody else ''}.</p>"]
    text.append(
        draw_table(
            "Recordings by move",
            ["move", "recordings", "athletes", "usual length (s)", "doubtful"],
            rows,
            numbers=[1, 2, 3, 4],
        )
    )
    doubts = table[table["doubt"] != ""]
    if len(doubts):
        rows = doubts[["recording", "doubt"]].itertuples(index=False)
        text.append(draw_table("Why some recordings are doubtful", ["recording", "why"], rows))
    text += [f"<p class='note'>{_safe(note)}</p>" for note in facts.notes]
    return "\n".join(text)


def draw_results(facts: Facts) -> str:
    """The classifier beside simple rules."""
    if facts.evaluation is None:
        return f"<p>{_untested()}</p>"
    evaluation = facts.evaluation
    names = [f"This classifier ({evaluation.model})", *(FLOORS.get(name, name) for name in evaluation.floors)]
    rows = [
        [name, draw_share(line["accuracy"]), _range(line["accuracy"], line["low"], line["high"])]
        for name, (_, line) in zip(names, evaluation.table().iterrows(), strict=True)
    ]
    caption = "Right answers about athletes that were left out"
    table = draw_table(
        caption, ["who answers", "right answers", "with other athletes, 95 times in 100"], rows
    )
    return (
        "<p>A classifier is worth its trouble only if it beats rules that know almost nothing. All answered about the same "
        f"recordings, none had seen {_seen(facts)} before.</p>{table}"
    )


def draw_athletes(facts: Facts) -> str:
    """Results by athlete, and what was mistaken."""
    if facts.evaluation is None:
        return f"<p>{_untested()}</p>"
    answers = facts.evaluation.predictions
    wrong = answers[answers["truth"] != answers["predicted"]]
    rows = []
    for athlete, line in facts.evaluation.by_athlete().iterrows():
        missed = wrong.loc[wrong["athlete"] == athlete, "recording"].drop_duplicates().tolist()
        rows.append(
            [
                _who(str(athlete)),
                int(line["recordings"]),
                draw_share(line["accuracy"]),
                listed(missed, 6) or "none",
            ]
        )
    columns = ["athlete", "recordings", "right", "mistaken"]
    table = draw_table("Right answers by athlete", columns, rows, numbers=[1])
    return f"<p>What was answered about each athlete by a classifier that had never seen {_seen(facts)}.</p>{table}"


def draw_confusion(facts: Facts) -> str:
    """Which move was taken for which."""
    if facts.evaluation is None:
        return f"<p>{_untested()}</p>"
    counts = facts.evaluation.confusion()
    rows = []
    for truth, line in counts.iterrows():
        total = max(int(line.sum()), 1)
        cells = [
            Html(
                f'<span class="share" style="--share:{n / total:.3f}">{n} <small>{percent(n / total)}</small></span>'
            )
            for n in line
        ]
        rows.append([truth, *cells])
    silent = int((facts.evaluation.predictions["predicted"] == "").sum())
    more = f" {counted(silent, 'recording')} got no answer and are not counted here." if silent else ""
    text = (
        f"<p>A row is what was done, a column what was answered; the darker, the more of the row.{more}</p>"
    )
    columns = ["was done", *(f"taken for {name}" for name in counts.columns)]
    return text + draw_table("Which move was taken for which", columns, rows)


def draw_certainty(facts: Facts) -> str:
    """Calibration, in one sentence and a small table."""
    if facts.evaluation is None:
        return f"<p>{_untested()}</p>"
    sure = facts.evaluation.reliability()
    sure = sure[sure["answers"] > 0]
    if not len(sure):
        return "<p>These answers came without probabilities.</p>"
    weights = sure["answers"] / sure["answers"].sum()
    told, right = float((weights * sure["probability"]).sum()), float((weights * sure["accuracy"]).sum())
    off = round(100 * told) - round(100 * right)  # of what is written
    how = (
        "about as often as it says"
        if abs(off) < 3
        else f"{abs(off)} in 100 {'less' if off > 0 else 'more'} often than it says"
    )
    sentence = f"<p>On average the classifier says that it is {percent(told)} sure; {percent(right)} of its answers are right. So it is right {how}."
    below = facts.classifier.doubt_below_
    if below is not None:
        keeps = facts.classifier.doubt_keeps_
        sentence += f" Doubt an answer under {percent(below)}: {percent(keeps)} of the right answers are at least as sure."
    rows = [
        [
            f"{percent(line['from'])} to {percent(line['to'])}",
            int(line["answers"]),
            percent(line["probability"]),
            percent(line["accuracy"]),
        ]
        for _, line in sure.iterrows()
    ]
    columns = ["it said", "answers", "mean of what it said", "were right"]
    return sentence + "</p>" + draw_table("How sure, and how often right", columns, rows, numbers=[1, 2, 3])


def draw_new(facts: Facts) -> str:
    """Answers about recordings that were not in the test."""
    known, rows = set(facts.classifier.training_facts_.athletes), []
    for _, line in facts.new.iterrows():
        doubt = [line["doubt"]] if line["doubt"] else []
        if line["athlete"] in known:
            doubt.append("this athlete was trained on: the answer flatters")
        rows.append(
            [
                line["recording"],
                line["move"] or "not named",
                line["answer"] or "no answer",
                percent(line["probability"]) if line["answer"] else "",
                "; ".join(doubt) or "none",
            ]
        )
    columns = ["recording", "said to be", "answer", "how sure", "doubts"]
    return (
        "<p>These recordings have names that the test did not know, so they are taken to be new: the finished classifier answers. "
        "They count in no result above.</p>" + draw_table("New recordings", columns, rows, numbers=[3])
    )


def draw_all(facts: Facts) -> str:
    """Every recording and what was answered about it."""
    rows, below = [], facts.classifier.doubt_below_
    for _, line in facts.table.iterrows():
        kind = "while left out" if line["tested"] else "new" if facts.evaluation else "none"
        sure = percent(line["probability"])
        if below is not None and line["probability"] < below:
            sure += ", doubtful"
        rows.append([line["recording"], line["move"] or "not named", line["answer"] or "none", sure, kind])
    columns = ["recording", "said to be", "answer", "how sure", "answered"]
    return draw_table("All recordings", columns, rows, numbers=[3])


def draw_words(facts: Facts, layer: str) -> str:
    """What the words on the page mean, and how the classifier was made."""
    words = {
        "left out": "The recordings were divided by athlete. For each part a classifier was trained on the others and asked about "
        "this part. The results here are those answers. The finished classifier was then trained on everybody.",
        "with other athletes, 95 times in 100": "Had other athletes of this kind been filmed, the share of right answers would lie in "
        "this range 95 times in 100. It is found by drawing the athletes again and again (a bootstrap).",
        "how sure": "The probability that the classifier gives its own answer. It is not the share of right answers: compare How sure it is.",
        "what the neurons did": f"The state of each neuron of the layer {layer} from the first frame to the last, of the finished classifier: pink = "
        "-1, grey = 0, green = +1. A row that differs between two moves is one that helps to tell them apart.",
        "what counted": "How much each joint, in each moment, moved the finished classifier from its answer about the same body standing still to its "
        "answer about the clip (integrated gradients). Joints are seen relative to the hip; the disc on the hip is the travel of the whole body.",
        "80 in 100 of them": "The tenth part with the lowest values and the tenth with the highest are left aside.",
        "filled in": "Joints that were not seen and stand where they must have been are hollow.",
    }
    if not layer:
        del words["what the neurons did"]
    items = "".join(f"<dt>{_safe(word)}</dt><dd>{_safe(text)}</dd>" for word, text in words.items())
    made, classifier = facts.classifier.training_facts_, facts.classifier
    rates = ", ".join(f"{rate:g}" for rate in made.fps_in) or "unknown"
    found = f"; joints found by {', '.join(made.estimators)}" if made.estimators else ""
    return (
        f"<dl>{items}</dl><p>The classifier: {_safe(str(classifier.model))}, trained on {counted(made.clips, 'recording')} of "
        f"{counted(len(made.athletes), 'athlete')} at {rates} frames a second{_safe(found)}; {_safe(classifier.run_.note)}. "
        f"It knows {_safe(', '.join(facts.classes))}. Made with gymskel {gymskel.__version__}.</p>"
    )


# --- inside ----------------------------------------------------------------------------------------------------


def _untested() -> str:
    return (
        "This classifier keeps no answers given while athletes were left out, so nobody can say how good it is, nor which of these "
        "recordings are new to it. Train it with <code>gymskel train</code>, without <code>--no-test</code>, on recordings of at least two "
        "athletes; or in Python: <code>classifier.keep_out_of_fold(evaluate(classifier, recordings).predictions)</code>, and save it."
    )


def _headline(facts: Facts) -> tuple[float, int, float, float]:
    """Share of right answers, how many answers, low and high end of its interval."""
    line: pd.Series = facts.evaluation.metrics().loc["accuracy"]
    return line["value"], len(facts.evaluation.predictions), line["low"], line["high"]


def _interval(right: float, low: float, high: float, athletes: int) -> str:
    if np.isnan(low):
        return "With a single athlete nobody can say how it would go with others."
    if right == 1:
        return "Without a single mistake nothing can be said about how much worse it might go with others."
    few = f" Of only {athletes} athletes this range is too narrow." if athletes < _FEW else ""
    return f"With other athletes of this kind {percent(low)} to {percent(high)} are to be expected, 95 times in 100.{few}"


def _range(share: float, low: float, high: float) -> str:
    if np.isnan(low):
        return "unknown: a single athlete"
    return "unknown: no mistake was made" if share == 1 else f"{percent(low)} to {percent(high)}"


def _unnamed(facts: Facts) -> int:
    """Videos that were left out by their name, as nobody said who is in them."""
    athletes = facts.evaluation.predictions["athlete"].drop_duplicates()
    return int(athletes.str.startswith("source ").sum())


def _seen(facts: Facts) -> str:
    return "the athlete (the video, where nobody said who it is)" if _unnamed(facts) else "the athlete"


def _who(athlete: str) -> str:
    return f"nobody said ({athlete.removeprefix('source ')})" if athlete.startswith("source ") else athlete


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _safe(text: str) -> str:
    return escape(text, quote=False)
