"""Render the sections of the report that are text and tables."""

from __future__ import annotations

from html import escape

import numpy as np

import gymskel
from gymskel.evaluation import Evaluation
from gymskel.messages import join_names
from gymskel.report.html_parts import Html, count_noun, percent, render_share, render_table
from gymskel.report.report_data import ReportData

RULE_LABELS = {
    "majority": "Always naming the most common move",
    "length only": "Using only the length of the clip",
    "logistic regression": "A weighted sum of the joints' positions (logistic regression)",
    "random forest": "A vote of 50 decision trees (random forest)",
}
"""Name of a simple rule -> label in plain words."""
_FEW_ATHLETES = 10  # an interval of fewer is too narrow
_CLOSE = 3  # percentage points between certainty and accuracy that count as equal
UNTESTED = (
    "<p>This classifier keeps no answers given while athletes were left out. So its quality is unknown, and so is which of these "
    "recordings are new to it. Train it with <code>gymskel train</code>, without <code>--no-test</code>, on recordings of at least two "
    "athletes. Or in Python: <code>classifier.keep_out_of_fold(evaluate(classifier, recordings).predictions)</code>, and save it.</p>"
)
"""Paragraph for a classifier without kept answers."""


def render_summary(data: ReportData) -> str:
    """Return the result in a few sentences."""
    if data.evaluation is None:
        return f"<p>{count_noun(len(data.recordings), 'recording')}.</p>{UNTESTED}"
    accuracy = data.evaluation.metrics().loc["accuracy"]
    right, low, high = (float(accuracy[name]) for name in ("value", "low", "high"))
    athletes = data.evaluation.predictions["athlete"].nunique()
    floors = data.evaluation.floors
    best = max(floors, key=lambda name: floors[name])
    rule = RULE_LABELS.get(best, best)
    relation = "more than" if right > floors[best] else "equal to" if right == floors[best] else "less than"
    left_out, meaning = f"its athlete ({athletes} in all)", "expect the same for new athletes"
    if unnamed := _videos_without_athlete(data.evaluation):
        some, every = f"; for {unnamed} the athlete is unknown", ", as the athletes are unknown"
        left_out = f"its athlete, or its video{some if unnamed < athletes else every},"
        meaning = "if other videos show the same person, this number is too good"
    text = [
        f"<strong>{percent(right)}</strong> of {len(data.evaluation.predictions)} answers were right. Each was given while {left_out} "
        f"was left out of the training: {meaning}.",
        _interval_sentence(right, low, high, athletes),
        f"That is {relation} the best simple rule, {rule[0].lower()}{rule[1:]}: {percent(floors[best])}.",
    ]
    if len(data.new):
        text.append(
            f"{count_noun(len(data.new), 'recording')} here were not in that test: see New recordings."
        )
    return f"<p>{' '.join(filter(None, text))}</p>"


def render_data(data: ReportData) -> str:
    """Return the number of recordings, athletes and doubts per move, and the notes about the data."""
    table, rows = data.table, []
    for move, group in table.groupby(table["move"].replace("", "not named"), sort=True):
        doubtful = int((group["doubt"] != "").sum())
        seconds = group["seconds"].median()
        length = f"{seconds:.2f}" if np.isfinite(seconds) else "unknown"
        athletes = group.loc[group["athlete"] != "", "athlete"].nunique()
        rows.append([move, len(group), athletes, length, doubtful or "none"])
    named = table.loc[table["athlete"] != "", "athlete"]
    total = f"{count_noun(len(table), 'recording')} of {count_noun(named.nunique(), 'athlete')}"
    unknown = len(table) - len(named)
    text = [f"<p>{total}{f'; the athlete of {unknown} is unknown' if unknown else ''}.</p>"]
    columns = ["move", "recordings", "athletes", "usual length (s)", "doubtful"]
    text.append(render_table("Recordings by move", columns, rows, numbers=[1, 2, 3, 4]))
    doubts = table.loc[table["doubt"] != "", ["recording", "doubt"]]
    if len(doubts):
        text.append(render_table("Doubtful recordings", ["recording", "reason"], doubts.to_numpy().tolist()))
    text += [f"<p class='note'>{_escape(note)}</p>" for note in data.notes]
    return "\n".join(text)


def render_results(evaluation: Evaluation) -> str:
    """Return the classifier's accuracy beside that of simple rules."""
    names = [
        f"This classifier ({evaluation.model})",
        *(RULE_LABELS.get(name, name) for name in evaluation.floors),
    ]
    rows = [
        [name, render_share(line["accuracy"]), _interval(line["accuracy"], line["low"], line["high"])]
        for name, (_, line) in zip(names, evaluation.table().iterrows(), strict=True)
    ]
    columns = ["answers by", "right answers", "with other athletes, 95 times in 100"]
    table = render_table("Right answers about athletes that were left out", columns, rows)
    return (
        "<p>A classifier is useful only if it is better than rules that know almost nothing. All answered about the same "
        f"recordings; none had seen {_left_out(evaluation)} before.</p>{table}"
    )


def render_athletes(evaluation: Evaluation) -> str:
    """Return the accuracy and the mistakes of each athlete."""
    answers = evaluation.predictions
    wrong = answers[answers["truth"] != answers["predicted"]]
    rows = []
    for athlete, line in evaluation.by_athlete().iterrows():
        mistakes = join_names(wrong.loc[wrong["athlete"] == athlete, "recording"].drop_duplicates()) or "none"
        name = str(athlete)
        if name.startswith("source "):
            name = f"unknown ({name.removeprefix('source ')})"
        rows.append([name, int(line["recordings"]), render_share(line["accuracy"]), mistakes])
    columns = ["athlete", "recordings", "right", "mistakes"]
    table = render_table("Right answers by athlete", columns, rows, numbers=[1])
    return f"<p>Answers about each athlete, by a classifier that had never seen {_left_out(evaluation)}.</p>{table}"


def render_confusion(evaluation: Evaluation) -> str:
    """Return the confusion matrix, with the share of each row."""
    counts = evaluation.confusion()
    rows = []
    for truth, line in counts.iterrows():
        total = max(int(line.sum()), 1)
        share = '<span class="share" style="--share:{:.3f}">{} <small>{}</small></span>'
        rows.append([truth, *(Html(share.format(n / total, n, percent(n / total))) for n in line)])
    text = "Each row is the move that was performed, each column the answer. Darker cells hold more of their row."
    if unanswered := int((evaluation.predictions["predicted"] == "").sum()):
        text += f" {count_noun(unanswered, 'recording')} got no answer and are not counted here."
    columns = ["performed", *(f"answered {name}" for name in counts.columns)]
    return f"<p>{text}</p>" + render_table("Moves and answers", columns, rows)


def render_certainty(data: ReportData, evaluation: Evaluation) -> str:
    """Return the calibration as one sentence and a small table."""
    bins = evaluation.reliability()
    bins = bins[bins["answers"] > 0]
    if not len(bins):
        return "<p>These answers have no probabilities.</p>"
    weights = bins["answers"] / bins["answers"].sum()
    certain, right = float((weights * bins["probability"]).sum()), float((weights * bins["accuracy"]).sum())
    difference = round(100 * certain) - round(100 * right)  # of the numbers as printed
    comparison = f"{abs(difference)} in 100 {'less' if difference > 0 else 'more'} often than it claims"
    if abs(difference) < _CLOSE:
        comparison = "about as often as it claims"
    text = (
        f"<p>On average the classifier is {percent(certain)} certain, and {percent(right)} of its answers are right. "
        f"So it is right {comparison}."
    )
    below, keeps = data.classifier.doubt_below_, data.classifier.doubt_keeps_
    if below is not None and keeps is not None:
        text += f" Doubt answers below {percent(below)}: {percent(keeps)} of the right answers are at least as certain."
    rows = [
        [f"{percent(start)} to {percent(end)}", int(answers), percent(probability), percent(accuracy)]
        for start, end, answers, probability, accuracy in bins.itertuples(index=False)
    ]
    columns = ["certainty", "answers", "mean certainty", "right answers"]
    return text + "</p>" + render_table("Certainty and right answers", columns, rows, numbers=[1, 2, 3])


def render_new(data: ReportData) -> str:
    """Return the answers about recordings that were not in the test."""
    trained_on, rows = set(data.classifier.training_facts_.athletes), []
    for _, line in data.new.iterrows():
        doubts = [line["doubt"]] if line["doubt"] else []
        if line["athlete"] in trained_on:
            doubts.append("this athlete was trained on: the answer looks too certain")
        certainty = percent(line["probability"]) if line["answer"] else ""
        texts = [line["recording"], line["move"] or "not named", line["answer"] or "no answer"]
        rows.append([*texts, certainty, "; ".join(doubts) or "none"])
    columns = ["recording", "label", "answer", "certainty", "doubts"]
    return (
        "<p>The test did not contain these recordings, so they are taken to be new. The finished classifier answers. "
        "They count in no result above.</p>" + render_table("New recordings", columns, rows, numbers=[3])
    )


def render_all(data: ReportData) -> str:
    """Return all recordings with their answers."""
    rows, below = [], data.classifier.doubt_below_
    for _, line in data.table.iterrows():
        answered = "while left out" if line["tested"] else "new" if data.evaluation else "none"
        certainty = percent(line["probability"])
        if below is not None and line["probability"] < below:
            certainty += ", doubtful"
        texts = [line["recording"], line["move"] or "not named", line["answer"] or "none"]
        rows.append([*texts, certainty, answered])
    columns = ["recording", "label", "answer", "certainty", "answered"]
    return render_table("All recordings", columns, rows, numbers=[3])


def render_glossary(data: ReportData, layer: str) -> str:
    """Return the page's terms and the classifier's origin; `layer` is that of the states shown, empty = none."""
    terms = {
        "left out": "The recordings were divided by athlete. For each part, a classifier was trained on all other parts and asked about "
        "this one. The results on this page are those answers. The finished classifier was then trained on all athletes.",
        "with other athletes, 95 times in 100": "If other athletes of this kind were filmed, the share of right answers would lie in "
        "this range 95 times in 100. It is computed by drawing the athletes again and again (bootstrap).",
        "certainty": "The probability that the classifier gives to its own answer. It is not the share of right answers; compare the section Certainty.",
        "activity of the neurons": f"The state of each neuron of the layer {layer} from the first frame to the last, in the finished classifier: pink = "
        "-1, grey = 0, green = +1. A row that differs between two moves helps to distinguish them.",
        "importance of the joints": "The contribution of each joint, at each moment, to the difference between two answers of the finished classifier: "
        "about the same body standing still, and about the clip (integrated gradients). Joint positions are relative to the hip; the disc on the "
        "hip stands for the travel of the whole body.",
        "80 in 100 of the others": "Without the tenth of the recordings with the lowest values and the tenth with the highest.",
        "filled in": "Hollow joints were not seen; their position is an estimate.",
    }
    if not layer:
        del terms["activity of the neurons"]
    items = "".join(f"<dt>{_escape(term)}</dt><dd>{_escape(text)}</dd>" for term, text in terms.items())
    classifier, facts = data.classifier, data.classifier.training_facts_
    rates = ", ".join(f"{rate:g}" for rate in facts.fps_in) or "unknown"
    estimators = f"; joints estimated by {', '.join(facts.estimators)}" if facts.estimators else ""
    return (
        f"<dl>{items}</dl><p>The classifier: {_escape(str(classifier.model))}, trained on {count_noun(facts.clips, 'recording')} of "
        f"{count_noun(len(facts.athletes), 'athlete')} at {rates} frames a second{_escape(estimators)}; {_escape(classifier.run_.note)}. "
        f"It knows {_escape(', '.join(data.classes))}. Made with gymskel {gymskel.__version__}.</p>"
    )


def _interval_sentence(right: float, low: float, high: float, athletes: int) -> str:
    if np.isnan(low):
        return "With a single athlete, results for other athletes cannot be predicted."
    if right == 1:
        return "No mistakes were made, so the range for other athletes is unknown."
    few = f" Only {athletes} athletes make this range too narrow." if athletes < _FEW_ATHLETES else ""
    return (
        f"With other athletes of this kind, expect {percent(low)} to {percent(high)}, 95 times in 100.{few}"
    )


def _interval(share: float, low: float, high: float) -> str:
    if np.isnan(low):
        return "unknown: a single athlete"
    return "unknown: no mistakes" if share == 1 else f"{percent(low)} to {percent(high)}"


def _videos_without_athlete(evaluation: Evaluation) -> int:
    """Return the number of videos without a named athlete; each was left out as if it were an athlete."""
    athletes = evaluation.predictions["athlete"].drop_duplicates()
    return int(athletes.str.startswith("source ").sum())


def _left_out(evaluation: Evaluation) -> str:
    unknown = " (or the video, if the athlete is unknown)"
    return f"the athlete{unknown if _videos_without_athlete(evaluation) else ''}"


def _escape(text: str) -> str:
    return escape(text, quote=False)
