"""The coach's page: its numbers are those of the answers kept at training, and of nothing else."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.pages import Page, check_page, unpack_keypoints
from sklearn.ensemble import RandomForestClassifier

from gymskel.attribution import integrated_gradients
from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.inputs import keypoints_checksum
from gymskel.evaluation import baselines
from gymskel.kinematics import measure_kinematics
from gymskel.recording import Recording
from gymskel.report import sections, shown_clips, write_report
from gymskel.report.explanations import explain_clips
from gymskel.report.report_data import collect_report_data
from gymskel.report.shown_clips import (
    measure_recordings,
    render_comparison,
    select_clearest,
    select_most_doubtful,
)

CLASSES = ("back-handspring", "backflip")


@pytest.fixture(scope="module", autouse=True)
def few_clips():
    """One clip of each kind is enough, but where all are asked about; so are three trees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shown_clips, "MAX_CLIPS", 1)
        few_trees = RandomForestClassifier(3, random_state=0)
        patch.setitem(baselines.FEATURE_BASELINES, "random forest", few_trees)
        yield


@pytest.fixture(scope="module")
def recordings(six_recordings):
    """Three athletes with two recordings each, one of each move."""
    return six_recordings


@pytest.fixture
def fitted(tiny_classifier):
    """A copy whose kept answers a test may change."""
    return copy.copy(tiny_classifier)


def answers(recordings) -> pd.DataFrame:
    """One mistake (the first recording), the surest right answer the last; a fold an athlete."""
    truth = [r.activity for r in recordings]
    predicted = [CLASSES[1 - CLASSES.index(truth[0])], *truth[1:]]
    sure = np.linspace(0.7135, 0.9135, len(truth))
    table = pd.DataFrame({"run": 0, "recording": [r.source for r in recordings]})
    table["athlete"] = [r.athlete for r in recordings]
    table["fold"] = [int(r.athlete[1:]) for r in recordings]
    table["truth"], table["predicted"], table["doubt"] = truth, predicted, ""
    for name in CLASSES:
        table[f"p({name})"] = np.where(table["predicted"] == name, sure, 1 - sure)
    return table


@pytest.fixture
def kept(fitted, recordings):
    """A classifier with those answers."""
    return fitted.keep_out_of_fold(answers(recordings))


class Tables(Page):
    """The tables of a page: caption -> rows of text."""

    def __init__(self, html):
        self.tables, self._cell, self._caption = {}, None, None
        super().__init__(html)

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        if tag == "tr" and self._caption is not None:
            self.tables[self._caption].append([])
        if tag in ("td", "th", "caption"):
            self._cell = ""

    def handle_endtag(self, tag):
        super().handle_endtag(tag)
        if tag == "caption":
            self._caption = self._cell
            self.tables[self._caption] = []
        elif tag in ("td", "th"):
            self.tables[self._caption][-1].append(" ".join(self._cell.split()))
        if tag in ("td", "th", "caption"):
            self._cell = None

    def handle_data(self, data):
        super().handle_data(data)
        if self._cell is not None:
            self._cell += data


def page_of(classifier, recordings, folder) -> Tables:
    html = write_report(classifier, recordings, folder / "report.html").read_text(encoding="utf-8")
    check_page(html)
    return Tables(html)


def sections_of(classifier, recordings) -> Tables:
    """Summary, data and results, without the players and pictures of a whole page."""
    data = collect_report_data(classifier, recordings)
    parts = [
        sections.render_summary(data),
        sections.render_data(data),
        sections.render_results(data.evaluation),
    ]
    return Tables("".join(parts))


@pytest.fixture(scope="module")
def page(tiny_classifier, recordings, tmp_path_factory) -> Tables:
    """The page about the kept answers; the model must not be asked for others."""
    classifier = copy.copy(tiny_classifier).keep_out_of_fold(answers(recordings))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("predict_table", "predict_proba"):
            patch.setattr(SkeletonClassifier, name, lambda *_: pytest.fail("the model was asked"))
        return page_of(classifier, recordings, tmp_path_factory.mktemp("page"))


# --- numbers ------------------------------------------------------------------------------------------------


def test_the_tables_have_the_numbers_of_the_kept_answers(page, recordings):
    tables = page.tables
    mistaken, athlete = recordings[0].source, recordings[0].athlete
    rows = {row[0]: row[1:] for row in tables["Right answers by athlete"][1:]}
    assert rows[athlete] == ["2", "50 %", mistaken]
    assert all(row == ["2", "100 %", "none"] for name, row in rows.items() if name != athlete)
    counts = {row[0]: row[1:] for row in tables["Moves and answers"][1:]}
    truth = recordings[0].activity
    other = CLASSES[1 - CLASSES.index(truth)]
    assert counts[truth][CLASSES.index(truth)] == "2 67 %"
    assert counts[truth][CLASSES.index(other)] == "1 33 %"
    assert counts[other][CLASSES.index(other)] == "3 100 %"
    results = {row[0]: row[1] for row in tables["Right answers about athletes that were left out"][1:]}
    assert results["This classifier (simple_rnn)"] == "83 %"
    assert results["Always naming the most common move"] == "50 %"
    assert len(results) == 5  # and three rules that were answered in the same folds
    said = [row[1:] for row in tables["Certainty and right answers"][1:]]
    assert sum(int(row[0]) for row in said) == 6
    assert {row[0]: row[1:3] for row in tables["Recordings by move"][1:]} == {
        name: ["3", "3"] for name in CLASSES
    }
    assert "of 6 answers were right" in page.text
    assert "Only 3 athletes" in page.text
    assert "New recordings" not in page.text


def test_answers_on_what_was_trained_on_are_those_kept(page, kept, recordings):
    """The kept answers are unlike what the model would say, and the model is not asked."""
    rows = {row[0]: row[2:] for row in page.tables["All recordings"][1:]}
    for _, line in answers(recordings).iterrows():
        sure = max(line[f"p({name})"] for name in CLASSES)
        doubtful = ", doubtful" if sure < kept.doubt_below_ else ""
        expected = [line["predicted"], f"{100 * sure:.0f} %{doubtful}", "while left out"]
        assert rows[line["recording"]] == expected
    assert (
        sum("doubtful" in row[1] for row in rows.values()) == 1
    )  # the mistake, less sure than all right answers


@pytest.fixture(scope="module")
def others(recordings) -> list[Recording]:
    """Nobody was trained on the first, and the name of the last is none."""
    return [
        *(
            replace(recordings[1], sample="90", athlete=who, video=None)
            for who in ("somebody", recordings[0].athlete)
        ),
        replace(recordings[0], athlete="<b onclick='x'>", sample="</script><i>", video=None),
    ]


@pytest.fixture(scope="module")
def page_with_others(tiny_classifier, recordings, others, tmp_path_factory) -> Tables:
    classifier = copy.copy(tiny_classifier).keep_out_of_fold(answers(recordings))
    return page_of(classifier, [*recordings, *others], tmp_path_factory.mktemp("others"))


def test_others_are_told_apart_as_new(page_with_others, others, kept):
    page, (stranger, known, odd) = page_with_others, others
    rows = {row[0]: row[1:] for row in page.tables["New recordings"][1:]}
    assert set(rows) == {stranger.source, known.source, odd.source}
    expected = kept.predict_table([stranger])["move"].iloc[0]
    assert rows[stranger.source][:2] == [stranger.activity, expected]
    assert "this athlete was trained on" in rows[known.source][3]
    assert "this athlete was trained on" not in rows[stranger.source][3]
    assert "of 6 answers were right" in page.text  # the new ones count in no result
    kinds = [row[-1] for row in page.tables["All recordings"][1:]]
    assert kinds == ["while left out"] * 6 + ["new"] * 3


def test_another_recording_of_the_same_name_is_new(fitted, recordings):
    """Cameras count from IMG_1 in every folder: what is known is known by its keypoints."""
    table = answers(recordings).assign(checksum=[keypoints_checksum(one) for one in recordings])
    other = replace(
        recordings[1],
        keypoints=recordings[1].keypoints + np.array([1, 1, 0]),
        sample="2",
        video=recordings[0].video,
    )
    other = replace(
        other, activity=recordings[0].activity, sample=recordings[0].sample, athlete=recordings[0].athlete
    )
    assert other.source == recordings[0].source
    moved = replace(recordings[2], sample="90", video=None)
    data = collect_report_data(fitted.keep_out_of_fold(table), [other, *recordings[:2], moved])
    assert data.table["tested"].tolist() == [False, True, True, True]
    names = [one.source for one in recordings]
    assert data.table["recording"].tolist() == [f"{names[0]} (2)", names[0], names[1], names[2]]


@pytest.mark.parametrize("few", [False, True])
def test_where_nobody_said_who_it_is_the_page_claims_no_new_athletes(fitted, recordings, few):
    table = answers(recordings)
    unnamed = table["fold"] == 1 if few else table["fold"] > 0
    table["athlete"] = table["athlete"].where(~unnamed, "source " + table["recording"])
    page = sections_of(fitted.keep_out_of_fold(table), recordings)
    assert "this number is too good" in page.text
    assert "for new athletes" not in page.text and "the video, if the athlete is unknown" in page.text
    assert ("for 2 the athlete is unknown" if few else "as the athletes are unknown") in page.text


def test_without_kept_answers_the_page_says_how_to_get_them(fitted, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(SkeletonClassifier, "predict_table", lambda *_: pytest.fail("the model was asked"))
    page = page_of(fitted, recordings, tmp_path)
    assert "gymskel train" in page.text
    assert "keep_out_of_fold" in page.text
    assert "Results by athlete" not in page.text
    assert all(row[2:] == ["none", "", "none"] for row in page.tables["All recordings"][1:])


def test_rules_need_the_recordings_that_were_trained_on(kept, recordings):
    page = sections_of(kept, recordings[:2])
    assert "2 of the 6 tested recordings" in page.text
    assert len(page.tables["Right answers about athletes that were left out"]) == 3
    assert "of 6 answers were right" in page.text


def test_answers_kept_with_the_least_columns(fitted, recordings, tmp_path):
    least = answers(recordings)[["recording", "truth", "predicted"]]
    page = page_of(fitted.keep_out_of_fold(least), recordings, tmp_path)
    assert "no probabilities" in page.text
    assert len(page.tables["Right answers by athlete"]) == 4


def test_a_label_that_changed_is_told(kept, recordings):
    other = CLASSES[1 - CLASSES.index(recordings[2].activity)]
    renamed = replace(recordings[2], activity=other, video=f"{recordings[2].source}.mov")
    data = collect_report_data(kept, [*recordings[:2], renamed, *recordings[3:]])
    assert data.notes == [
        f"Other labels here than in training: {renamed.source}. The results use the labels of the training."
    ]


# --- clips --------------------------------------------------------------------------------------------------


def test_which_clips_are_shown(kept, recordings, monkeypatch):
    monkeypatch.setattr(shown_clips, "MAX_CLIPS", 4)
    data = collect_report_data(kept, recordings)
    clear, doubtful = select_clearest(data), select_most_doubtful(data)
    assert clear[0] == 5  # the surest
    assert data.table.loc[clear[1], "move"] != data.table.loc[5, "move"]  # then another move
    assert doubtful[0] == 0  # the mistake
    assert not set(clear) & set(doubtful)


def test_the_data_are_the_recordings(page, kept, recordings):
    data = collect_report_data(kept, recordings)
    shown = {*select_clearest(data), *select_most_doubtful(data)}
    assert len(shown) == 2
    for i, one in enumerate(recordings):
        clip = page.data[f"clip-{i}"]
        assert clip["name"] == one.source
        back = unpack_keypoints(clip["keypoints"])
        np.testing.assert_array_equal(np.isnan(back), np.isnan(one.keypoints))
        assert np.nanmax(np.abs(back[..., :2] - one.xy)) <= 0.51 * clip["keypoints"]["scale"] + 1e-4
        assert len(clip["tracks"]) == 1 + (i in shown)  # the strip, and what counted
        kept_answer = answers(recordings).iloc[i]
        final = dict(zip(clip["probabilities"]["classes"], clip["probabilities"]["final"], strict=True))
        assert final == {name: round(1000 * kept_answer[f"p({name})"]) for name in CLASSES}
    cards = page.all("article")
    assert len(cards) == len(page.all("figure")) - 1
    assert sum("wrong" in attrs["class"] for attrs in cards) == 1


def test_what_counted_adds_up_and_knows_its_joints(fitted, recordings):
    one = recordings[0]
    (weights, text), (_, other) = explain_clips(fitted, recordings[:2], [r.activity for r in recordings[:2]])
    assert f"certain of {recordings[1].activity}" in other
    found = integrated_gradients(fitted, [one], target=one.activity)
    assert np.nansum(weights) == pytest.approx(found.by_joint[0, : found.clips.lengths[0]].sum(), abs=1e-5)
    assert np.nansum(weights) == pytest.approx(found.probability[0] - found.baseline_probability[0], abs=0.02)
    seen = {one.skeleton.joints[j] for j in np.flatnonzero(~np.isnan(weights).all(axis=0))}
    assert seen == set(found.clips.skeleton.joints)
    assert f"certain of {one.activity}" in text
    (nothing, reason), (something, _) = explain_clips(fitted, [one, one], ["no such move", one.activity])
    np.testing.assert_allclose(something, weights, atol=1e-5)
    assert nothing is None
    assert "cannot be computed" in reason


def test_measures_beside_the_group(recordings):
    numbers = measure_recordings(recordings, lambda: None)
    done = [r.activity for r in recordings]
    row = done.index("backflip")
    table = Tables(render_comparison(numbers, done, row)).tables
    (caption,) = table
    assert caption == "Measures, compared with 2 other recordings of backflip"
    first = {line[0]: line[1:] for line in table[caption][1:]}[
        "Rotation of the trunk (degrees; 360 = full turn)"
    ]
    others = [
        measure_kinematics(r).turn for i, r in enumerate(recordings) if done[i] == "backflip" and i != row
    ]
    assert first[0] == f"{measure_kinematics(recordings[row]).turn:.0f}"
    assert first[1] == f"{np.median(others):.0f}"


@pytest.mark.slow
def test_recordings_that_cannot_be_measured_or_prepared(kept, recordings, tmp_path):
    nobody = replace(
        recordings[0],
        keypoints=np.full((9, 25, 3), [np.nan, np.nan, 0]),
        sample="nobody",
        video=None,
        fps=None,
    )
    moment = replace(recordings[0], keypoints=recordings[0].keypoints[:1], sample="moment", video=None)
    page = page_of(kept, [*recordings, nobody, moment], tmp_path)
    rows = {row[0]: row[1:] for row in page.tables["New recordings"][1:]}
    assert rows[nobody.source][1:3] == ["no answer", ""]
    assert rows[moment.source][1:3] == ["no answer", ""]
    assert measure_recordings([nobody], lambda: None).isna().all(axis=None)


# --- refusals -----------------------------------------------------------------------------------------------


def test_refusals(kept, recordings, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"\.html.*report\.pdf"):
        write_report(kept, recordings, tmp_path / "report.pdf")
    with pytest.raises(ValueError, match="`recordings`"):
        write_report(kept, [], tmp_path / "report.html")
    monkeypatch.setattr(kept, "preprocessor_", None)
    with pytest.raises(ValueError, match="Clips"):
        write_report(kept, recordings, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_names_cannot_break_out_of_the_page(page_with_others, others):
    assert not page_with_others.all("b")
    assert others[-1].source in {row[0] for row in page_with_others.tables["New recordings"]}


def test_no_range_without_a_mistake(fitted, recordings):
    right = answers(recordings).assign(predicted=lambda table: table["truth"])
    page = sections_of(fitted.keep_out_of_fold(right), recordings)
    results = page.tables["Right answers about athletes that were left out"]
    assert results[1] == ["This classifier (simple_rnn)", "100 %", "unknown: no mistakes"]
    assert "No mistakes were made" in page.text
