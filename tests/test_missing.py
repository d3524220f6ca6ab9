"""missing: the table counted by hand, and each rule of what is recognizable, with its sentence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.preprocess import drop_uncertain, fill, is_recognizable, missing_table, visibility_problems
from gymskel.preprocess.missing import longest_run
from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, COCO_17, Skeleton

# --- missing_table -----------------------------------------------------------------------------------------------

STICK = Skeleton("stick", ("Head", "Foot"), (("Head", "Foot"),))


def stick(head, foot):
    """`x` found, `o` filled in, ` ` unseen, a letter a frame."""
    marks = np.array([list(head), list(foot)]).T
    keypoints = np.ones((*marks.shape, 3), np.float32)
    keypoints[marks == "o", 2] = 0
    keypoints[marks == " "] = np.nan, np.nan, 0
    return Recording(keypoints, skeleton=STICK)


def test_the_table_by_hand():
    table = missing_table(stick("xxo    x", "xxxxxx x"), phases=2)
    assert table.index.tolist() == ["Head", "Foot", "all"] and table.index.name == "joint"
    assert table["unseen"].columns.tolist() == ["1/2", "2/2", "all"]
    assert table["unseen"].to_numpy().tolist() == [[0.25, 0.75, 0.5], [0, 0.25, 0.125], [0.125, 0.5, 0.3125]]
    assert table["filled"].to_numpy().tolist() == [[0.25, 0, 0.125], [0, 0, 0], [0.125, 0, 0.0625]]
    assert table["longest_gap"].to_numpy().tolist() == [[2, 3, 5], [0, 1, 1], [0, 1, 1]]
    assert table["longest_gap"].dtypes.map(pd.api.types.is_integer_dtype).all()


def test_many_are_pooled_by_frames():
    long, short = stick("xx    xx", "xxxxxxxx"), stick("x ", "x ")
    table = missing_table([long, short], phases=2)
    assert table["unseen"].loc["Head"].tolist() == [2 / 5, 3 / 5, 5 / 10]
    assert table["longest_gap"].loc["Head"].tolist() == [2, 2, 4]
    assert table["longest_gap"].loc["all"].tolist() == [0, 1, 1]
    pd.testing.assert_frame_equal(missing_table((r for r in (short, long)), phases=2), table)
    pd.testing.assert_frame_equal(missing_table([long, long]), missing_table(long))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("xo "), min_size=1, max_size=30), min_size=1, max_size=3),
    st.integers(1, 6),
)
def test_the_table_counts_what_is_there(clips, phases):
    recordings = [stick(marks, marks[::-1]) for marks in clips]
    table = missing_table(recordings, phases=phases)
    told = "".join("".join(marks) for marks in clips)
    for measure, mark in (("unseen", " "), ("filled", "o")):
        np.testing.assert_allclose(table[measure, "all"], told.count(mark) / len(told))
    runs = " ".join("".join("-" if mark != "x" else " " for mark in marks) for marks in clips).split()
    assert table["longest_gap", "all"]["Head"] == max(map(len, runs), default=0)
    for part in range(phases):
        marks = [m for clip in clips for k, m in enumerate(clip) if _phase(k, len(clip), phases) == part]
        share = marks.count(" ") / len(marks) if marks else np.nan
        np.testing.assert_allclose(table["unseen", f"{part + 1}/{phases}"]["Head"], share)


def _phase(frame, frames, phases):
    return sum(frame >= k * frames // phases for k in range(1, phases))


def test_a_clip_shorter_than_its_phases():
    table = missing_table(stick("x ", "xx"))
    assert table["unseen"].loc["Head"].fillna(-1).tolist() == [-1, 0, -1, 1, 0.5]
    assert table["longest_gap"].loc["Head"].tolist() == [0, 0, 0, 1, 1]


def test_filling_moves_places_from_unseen_to_filled():
    before = stick("xx   xxx", "x  xx xx")
    after = missing_table(fill(before))
    assert (after["unseen"] == 0).all(axis=None)
    pd.testing.assert_frame_equal(after["filled"], missing_table(before)["unseen"])
    pd.testing.assert_frame_equal(after["longest_gap"], missing_table(before)["longest_gap"])


def test_the_published_recordings_were_filled(tumbling):
    table = missing_table([drop_uncertain(r) for r in tumbling])
    filled = missing_table(tumbling)["filled"].loc["RWrist", "all"]
    assert table.shape == (26, 15) and 0 < filled <= table["unseen", "all"]["RWrist"] < 0.5


@pytest.mark.parametrize(
    ("recordings", "given", "message"),
    [
        ([], {}, "`recordings` is empty"),
        (stick("x", "x"), {"phases": 0}, r"`phases` must .* got 0"),
        (
            [stick("x", "x"), Recording(np.ones((1, 17, 3)), skeleton=COCO_17, sample="7")],
            {},
            f"7 has the joints of {COCO_17.name}, 1 those of stick",
        ),
    ],
)
def test_missing_table_refuses(recordings, given, message):
    with pytest.raises(ValueError, match=message):
        missing_table(recordings, **given)


# --- is_recognizable ---------------------------------------------------------------------------------------------


def shown(flags):
    """A recording that shows the 15 joints where flags (frames, 15) say so, and always the other ten."""
    keypoints = np.ones((len(flags), 25, 3), np.float32)
    keypoints[:, :15][~np.asarray(flags)] = np.nan, np.nan, 0
    return Recording(keypoints)


def test_is_recognizable_looks_at_each_of_its_rules():
    everything = np.ones((40, 15), bool)
    assert is_recognizable(shown(everything)) is True
    few = everything.copy()
    few[:, ::2] = np.arange(40)[:, None] % 8 == 0  # 8 of 15 joints in an eighth of the frames
    assert not is_recognizable(shown(few)) and is_recognizable(shown(few), min_joint=0.1, min_seen=0.5)
    assert not is_recognizable(shown(few), min_joint=0.1, min_seen=0.6)
    lost = everything.copy()
    lost[:, 4] = np.arange(40) < 5  # the right wrist in an eighth
    assert not is_recognizable(shown(lost)) and is_recognizable(shown(lost), min_joint=0.125)
    blind = everything.copy()
    blind[10:21] = False
    assert not is_recognizable(shown(blind)) and is_recognizable(shown(blind), max_blind=11 / 40)
    half = everything.copy()
    half[10:21, :7] = False  # 8 of 15 joints are left
    assert is_recognizable(shown(half))
    half[10:21, 7] = False
    assert not is_recognizable(shown(half))
    blind[15] = True  # the same number of blind frames, but never 11 in one run
    assert is_recognizable(shown(blind))


def test_a_sentence_for_each_rule_broken():
    assert visibility_problems(shown(np.ones((40, 15), bool))) == []
    lost = np.ones((40, 15), bool)
    lost[:, BODY_25.indices(["RWrist", "LElbow"])] = np.arange(40)[:, None] < [2, 5]
    assert visibility_problems(shown(lost)) == [
        "RWrist (5 %), LElbow (12.5 %) found in fewer than 15 % of the frames."
    ]
    blind = np.ones((40, 15), bool)
    blind[10:21] = False
    assert visibility_problems(shown(blind)) == [
        "Fewer than half of the joints found in 11 frames in a row, more than 25 % of 40."
    ]
    blind[21:32] = False
    first, second = visibility_problems(shown(blind))
    assert first == "45 % of all joints found over all frames, fewer than 50 %." and "22 frames" in second
    assert visibility_problems(shown(blind), min_seen=0.45, max_blind=0.55) == []


def test_a_share_just_below_its_limit_never_reads_like_it():
    flags = np.ones((2001, 15), bool)
    flags[:, 0] = np.arange(2001) < 300  # 14.993 %
    assert visibility_problems(shown(flags)) == ["Nose (14.9 %) found in fewer than 15 % of the frames."]


def test_a_layout_without_any_of_the_15_is_judged_by_all_it_has():
    assert is_recognizable(stick("xxxx", "xxxx"))
    assert visibility_problems(stick("xxxx", "    ")) == [
        "Foot (0 %) found in fewer than 15 % of the frames."
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=15, max_size=15), min_size=1, max_size=12))
def test_recognizable_is_what_has_no_fault(flags):
    one = shown(flags)
    found, blind = np.array(flags), np.array(flags).mean(axis=1) < 0.5
    wanted = found.mean() >= 0.5 and found.mean(axis=0).min() >= 0.15 and longest_run(blind) <= len(found) / 4
    assert is_recognizable(one) is bool(wanted) is (not visibility_problems(one))


def test_what_was_filled_in_does_not_count():
    lost = np.ones((40, 15), bool)
    lost[2:, 4] = False
    filled = fill(shown(lost))
    assert filled.seen.all() and not is_recognizable(filled)


def test_the_published_recordings_are_recognizable(tumbling):
    assert all(is_recognizable(r) for r in tumbling)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.booleans(), max_size=30))
def test_longest_run(flags):
    runs = "".join("x" if flag else " " for flag in flags).split()
    assert longest_run(np.array(flags, bool)) == max(map(len, runs), default=0)


def test_longest_run_looks_at_each_column():
    flags = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 1]], bool)
    assert longest_run(flags).tolist() == [2, 0, 1] and longest_run(flags[:0]).tolist() == [0, 0, 0]
