"""visualize: made data drawn where it belongs, and clear refusals."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from gymskel.clips import Clips
from gymskel.preprocess import center, fill, missing_table, smooth
from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, Skeleton
from gymskel.visualize import (
    SIDES,
    plot_attention,
    plot_confusion,
    plot_copies,
    plot_exposures,
    plot_joints,
    plot_learning_curve,
    plot_mean_poses,
    plot_missing,
    plot_runs,
    plot_skeletons,
    plot_steps,
    plot_training,
    plot_trajectories,
)

STICK = Skeleton(
    name="stick",
    joints=("Head", "MidHip", "RFoot", "LFoot"),
    limbs=(("MidHip", "Head"), ("MidHip", "RFoot"), ("MidHip", "LFoot")),
    root="MidHip",
)


@pytest.fixture(autouse=True)
def _drawn_and_closed():
    """Every figure must also render without a warning; afterwards all are closed."""
    with plt.rc_context({"figure.dpi": 40}):  # fewer pixels, quicker
        yield
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
    plt.close("all")


def stick(frames=11, fps=10.0, **fields):
    """Jumps from y = 200 to y = 100 and back while it travels 50 px a frame; feet 80 px below the hip."""
    time = np.linspace(0, 1, frames)
    hip = np.stack([300 + 50 * np.arange(frames), 200 - 400 * time * (1 - time)], axis=1)
    offsets = np.array([(0, -60), (0, 0), (-20, 80), (20, 80)])
    keypoints = np.full((frames, 4, 3), 0.9, np.float32)
    keypoints[..., :2] = hip[:, None] + offsets
    options = {"activity": "jump", "athlete": "s01", "skeleton": STICK, **fields}
    return Recording(keypoints, fps=fps, **options)


def limbs(ax):
    """(colour, (2, 2) ends) of the limbs drawn, without the line at the lowest point."""
    return [(line.get_color(), line.get_xydata()) for line in ax.lines if line.get_zorder() == 2]


def words(ax):
    return [text.get_text() for text in ax.texts]


def joints_drawn(ax):
    return np.concatenate([dots.get_offsets() for dots in ax.collections])


# --- skeletons ----------------------------------------------------------------------------------------------


def test_bodies_stand_in_columns_of_one_width_and_keep_their_height():
    recording = stick()
    ax = plot_skeletons(recording, frames=[0, 5, 10])
    drawn = limbs(ax)
    assert len(drawn) == 3 * 3
    hips = np.array([ends[0] for _, ends in drawn[::3]])
    np.testing.assert_allclose(hips[:, 1], recording.xy[[0, 5, 10], 1, 1], atol=1e-3)
    np.testing.assert_allclose(np.diff(hips[:, 0]), np.diff(hips[:, 0])[0], atol=1e-3)  # travel is left out
    assert np.diff(hips[:, 0])[0] > 40  # wider than a body
    for place in range(3):
        body = np.array([ends for _, ends in drawn[3 * place : 3 * place + 3]])
        np.testing.assert_allclose(body[:, 1] - body[:, 0], [(0, -60), (-20, 80), (20, 80)], atol=1e-3)
    assert [colour for colour, _ in drawn[:3]] == [SIDES["middle"], SIDES["right"], SIDES["left"]]
    bottom, top = ax.get_ylim()
    assert bottom > 280 and top < 40 and bottom > top  # y runs down
    assert ax.get_aspect() == 1
    left, right = ax.get_xlim()
    assert left < hips[0, 0] - 20 and right > hips[-1, 0] + 20


def test_captions_are_seconds_or_frames():
    assert words(plot_skeletons(stick(), frames=[0, 5, 10])) == ["0.00 s", "0.50 s", "1.00 s"]
    assert words(plot_skeletons(stick(fps=None), frames=[0, 7])) == ["frame 0", "frame 7"]
    times = np.linspace(2, 4, 11)
    assert words(plot_skeletons(stick(timestamps=times), frames=[0, 5])) == ["2.00 s", "3.00 s"]
    assert words(plot_skeletons(stick(), frames=3)) == ["0.00 s", "0.50 s", "1.00 s"]
    assert len(words(plot_skeletons(stick()))) == 8
    assert len(words(plot_skeletons(stick(frames=3)))) == 3  # no frame twice
    assert plot_skeletons(stick()).get_title(loc="left") == "jump-1-s01"


def test_unseen_joints_and_their_limbs_are_not_drawn():
    keypoints = stick().keypoints.copy()
    keypoints[0, 2] = np.nan, np.nan, 0  # RFoot
    keypoints[5] = np.nan, np.nan, 0
    ax = plot_skeletons(replace(stick(), keypoints=keypoints), frames=[0, 5, 10])
    assert len(limbs(ax)) == 2 + 0 + 3
    assert joints_drawn(ax).shape == (3 + 0 + 4, 2) and np.isfinite(joints_drawn(ax)).all()
    assert words(ax).count("unseen") == 1


def test_filled_in_joints_are_hollow_and_explained():
    assert [t.get_text() for t in plot_skeletons(stick()).get_legend().get_texts()] == [
        "right",
        "left",
        "middle",
    ]
    keypoints = stick().keypoints.copy()
    keypoints[0, 3, 2] = 0
    ax = plot_skeletons(replace(stick(), keypoints=keypoints), frames=[0])
    faces = {to_hex(dots.get_facecolor()[0]): len(dots.get_offsets()) for dots in ax.collections}
    assert faces == {SIDES["right"].lower(): 1, SIDES["middle"].lower(): 2, "#ffffff": 1}
    assert ax.get_legend().get_texts()[-1].get_text() == "filled in"


def test_any_skeleton_and_centred_recordings():
    centred = stick().keypoints.copy()
    centred[..., :2] -= centred[:, 1:2, :2]
    ax = plot_skeletons(replace(stick(), keypoints=centred, space="body"), frames=4)
    assert len(limbs(ax)) == 12 and ax.get_ylim()[0] > 80 and ax.get_ylim()[1] < -60
    random = np.random.default_rng(0).uniform(0, 1, (5, 25, 3))
    assert len(limbs(plot_skeletons(Recording(random), frames=2))) == 2 * len(BODY_25.limbs)
    lone = Skeleton(name="dots", joints=("a", "b"))
    ax = plot_skeletons(Recording(random[:, :2], skeleton=lone), frames=1)
    assert not limbs(ax) and len(joints_drawn(ax)) == 2
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["middle"]
    plot_skeletons(Recording(random[:1, :2] * 0 + 0.5, skeleton=lone))  # all joints in one place


def test_sides_follow_the_names_even_in_pairs_given_the_other_way_round():
    for names, mirror in [
        (("LFoot", "RFoot"), True),
        (("left_foot", "right_foot"), True),
        (("P1", "P2"), False),
    ]:
        pair = Skeleton(name="pair", joints=("hip", *names), limbs=(("hip", names[0]),), mirror=(names,))
        ax = plot_skeletons(Recording(np.ones((1, 3, 3)), skeleton=pair))
        assert limbs(ax)[0][0] == SIDES["left" if mirror else "right"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (0, "`frames`.* got 0"),
        ([], r"jump-1-s01, got \[\]"),
        ([0, 11, -1], r"jump-1-s01, got \[11, -1\]"),
        ([0.5], r"got \[0.5\]"),
    ],
)
def test_plot_skeletons_refuses(frames, message):
    with pytest.raises(ValueError, match=message):
        plot_skeletons(stick(), frames=frames)


def test_plot_skeletons_refuses_to_draw_nobody():
    nobody = np.full((3, 4, 3), (np.nan, np.nan, 0))
    with pytest.raises(ValueError, match=r"seen in frames \[0, 2\]"):
        plot_skeletons(replace(stick(), keypoints=nobody), frames=[0, 2])


# --- bodies where they were, beside copies, with names -------------------------------------------------------


def test_exposures_leave_every_body_where_it_was_and_grow_darker():
    recording = stick()
    ax = plot_exposures(recording, frames=[0, 5, 10])
    drawn = limbs(ax)
    assert len(drawn) == 9
    hips = [ends[0] for _, ends in drawn[::3]]
    np.testing.assert_allclose(hips, recording.xy[[0, 5, 10], 1], atol=1e-3)
    dark = [line.get_alpha() for line in ax.lines if line.get_zorder() == 2][::3]
    assert dark == sorted(dark) and dark[0] < dark[1] < dark[2] == 1
    (path,) = (line for line in ax.lines if line.get_label() == "path of MidHip")
    np.testing.assert_allclose(path.get_xydata(), recording.xy[:, 1])
    assert ax.yaxis_inverted() and ax.get_aspect() == 1 and ax.get_xlabel() == "x (px)"


def test_exposures_of_a_centred_recording_cross_in_the_origin():
    ax = plot_exposures(center(stick()), frames=[0, 10])
    np.testing.assert_allclose(limbs(ax)[0][1][0], [0, 0], atol=1e-4)  # the hip of the first frame
    across = [line.get_xydata().tolist() for line in ax.lines if line.get_zorder() == 0]
    assert across == [[[0, 0], [1, 0]], [[0, 0], [0, 1]]]
    assert ax.get_xlabel() == "x (from the origin)"
    pixels = plot_exposures(stick(), frames=[0, 10])
    assert not [line for line in pixels.lines if line.get_zorder() == 0]


def test_a_copy_stands_under_its_original_and_differs_where_it_was_changed():
    original = stick()
    changed = original.keypoints.copy()
    changed[:, 2, 0] -= 7  # RFoot
    copies = {"kicked": replace(original, keypoints=changed), "the same": original}
    ax = plot_copies(original, copies, frames=[0, 5])
    ends = np.array([ends for _, ends in limbs(ax)]).reshape(3, 2, 3, 2, 2)  # row, moment, limb, end, x and y
    moved = ends[1] - ends[0]
    np.testing.assert_allclose(moved[:, 1, 1, 0], -7, atol=1e-3)
    moved[:, 1, 1, 0] = 0
    np.testing.assert_allclose(moved[..., 0], 0, atol=1e-3)
    np.testing.assert_allclose(moved[..., 1], moved[0, 0, 0, 1], atol=1e-3)  # all as far below
    np.testing.assert_allclose((ends[2] - ends[0])[..., 1], 2 * moved[..., 1], atol=1e-3)
    grey = [lines for lines in ax.collections if lines.get_zorder() == 1]
    behind = np.array([lines.get_segments() for lines in grey]).reshape(2, 2, 3, 2, 2)
    np.testing.assert_allclose(behind[1], ends[2], atol=1e-3)
    np.testing.assert_allclose(behind[0, ..., 0], ends[0, ..., 0], atol=1e-3)
    assert words(ax) == ["original", "kicked", "the same"]


def test_copies_of_a_frame_in_which_nobody_is_seen_leave_their_place_empty():
    keypoints = stick().keypoints.copy()
    keypoints[5] = np.nan, np.nan, 0
    blind = replace(stick(), keypoints=keypoints)
    ax = plot_copies(blind, {"again": blind}, frames=[0, 5, 10])
    assert len(limbs(ax)) == 2 * 2 * 3
    hips = [ends[0, 0] for _, ends in limbs(ax)[::3]]
    assert hips[1] - hips[0] == pytest.approx(2 * (ax.get_xlim()[1] - ax.get_xlim()[0]) / (3 + 0.2))


def test_plot_copies_refuses():
    with pytest.raises(ValueError, match="`copies` is empty"):
        plot_copies(stick(), {})
    message = "`copies`.*'short' has 5"
    with pytest.raises(ValueError, match=message):
        plot_copies(stick(), {"short": stick(frames=5)})
    nobody = replace(stick(), keypoints=np.full((11, 4, 3), (np.nan, np.nan, 0)))
    with pytest.raises(ValueError, match=r"seen in frames \[0, 10\]"):
        plot_copies(nobody, {"copy": stick()}, frames=2)


def test_every_seen_joint_has_its_number_and_name_beside_the_body():
    keypoints = stick().keypoints.copy()
    keypoints[:, 3] = np.nan, np.nan, 0  # LFoot
    keypoints[4, :3, 2] = 1  # the frame of most confidence
    ax = plot_joints(replace(stick(), keypoints=keypoints))
    assert sorted(text.strip() for text in words(ax)) == ["0  Head", "1  MidHip", "2  RFoot"]
    leaders = [line.get_xydata() for line in ax.lines if line.get_zorder() == 0]
    ends = {text.get_text().split()[1]: line for text, line in zip(ax.texts, leaders, strict=True)}
    for row, name in enumerate(("Head", "MidHip", "RFoot")):
        np.testing.assert_allclose(ends[name][1], keypoints[4, row, :2])
    left, right = ax.get_xlim()
    assert all(left < text.get_position()[0] < right for text in ax.texts)
    assert ax.get_title(loc="left") == "stick: 4 joints"
    colours = {text.get_text().split()[1]: text.get_color() for text in ax.texts}
    assert colours == {"Head": SIDES["middle"], "MidHip": SIDES["middle"], "RFoot": SIDES["right"]}


def test_names_of_a_whole_body_do_not_overlap():
    random = np.random.default_rng(0).uniform(0, 1, (1, 25, 3))
    ax = plot_joints(Recording(random))
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 25
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


def test_plot_joints_refuses():
    nobody = np.full((3, 4, 3), (np.nan, np.nan, 0))
    with pytest.raises(ValueError, match="seen in frame 0"):
        plot_joints(replace(stick(), keypoints=nobody))
    with pytest.raises(ValueError, match=r"jump-1-s01, got \[11\]"):
        plot_joints(stick(), frame=11)


# --- trajectories -------------------------------------------------------------------------------------------


def named(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_trajectories_are_the_coordinates_over_seconds():
    recording = stick()
    ax = plot_trajectories(recording, ["MidHip", "RFoot", "LFoot"])
    lines = named(ax)
    assert list(lines) == ["MidHip", "RFoot", "LFoot"]
    np.testing.assert_allclose(lines["MidHip"].get_xdata(), np.arange(11) / 10)
    np.testing.assert_array_equal(lines["RFoot"].get_ydata(), recording.xy[:, 2, 1])
    assert [lines[n].get_color() for n in lines] == [SIDES["middle"], SIDES["right"], SIDES["left"]]
    assert lines["RFoot"].get_linestyle() == lines["LFoot"].get_linestyle()
    assert ax.yaxis_inverted() and ax.get_xlabel() == "time (s)" and ax.get_ylabel() == "y (px)"
    across = plot_trajectories(replace(recording, space="body", fps=None), "Head", coordinate="x")
    np.testing.assert_array_equal(named(across)["Head"].get_ydata(), recording.xy[:, 0, 0])
    assert not across.yaxis_inverted() and across.get_xlabel() == "frame"
    assert across.get_ylabel() == "x (from the joint in the centre)"


def test_joints_of_one_side_differ_in_line_style():
    recording = Recording(np.random.default_rng(0).uniform(0, 1, (4, 25, 3)))
    lines = named(plot_trajectories(recording, ["RHip", "RKnee", "LKnee", "RAnkle", "LHip"]))
    style = {name: line.get_linestyle() for name, line in lines.items()}
    assert style["RKnee"] == style["LKnee"] and style["RHip"] == style["LHip"]
    assert len({style["RHip"], style["RKnee"], style["RAnkle"]}) == 3


def test_gaps_stay_gaps_and_filled_in_places_are_marked():
    keypoints = stick().keypoints.copy()
    keypoints[[1, 3, 4], 0] = np.nan, np.nan, 0  # frame 2 stands alone
    keypoints[[6, 7], 0, 2] = 0
    ax = plot_trajectories(replace(stick(), keypoints=keypoints), "Head")
    head = named(ax)["Head"].get_ydata()
    assert np.flatnonzero(np.isnan(head)).tolist() == [1, 3, 4]
    alone, hollow = (line for line in ax.lines if line.get_label().startswith("_"))
    np.testing.assert_allclose(alone.get_xdata(), [0, 0.2])
    np.testing.assert_allclose(hollow.get_xdata(), [0.6, 0.7])
    assert hollow.get_markerfacecolor() == "white" and "filled in" in named(ax)


def test_default_joint_and_given_axes():
    _, axes = plt.subplots(2)
    assert plot_trajectories(stick(), ax=axes[1]) is axes[1]
    assert plot_trajectories(stick(), coordinate="x", ax=axes[0]) is axes[0]
    assert list(named(axes[1])) == ["MidHip"]
    rootless = Skeleton(name="dots", joints=("a", "b"))
    assert list(named(plot_trajectories(Recording(np.ones((3, 2, 3)), skeleton=rootless)))) == ["a"]


def test_plot_trajectories_refuses():
    with pytest.raises(ValueError, match="stick has no joint Nose, Chin"):
        plot_trajectories(stick(), ["Nose", "Head", "Chin"])
    with pytest.raises(ValueError, match=r"`coordinate`.* got 'z'"):
        plot_trajectories(stick(), coordinate="z")
    with pytest.raises(ValueError, match="`joints` names no joint"):
        plot_trajectories(stick(), [])
    assert not plt.get_fignums()  # refused before a figure was made


def test_steps_are_dots_then_lines_on_grey_gaps():
    keypoints = stick().keypoints.copy()
    keypoints[[3, 4, 10], 0] = np.nan, np.nan, 0
    raw = replace(stick(), keypoints=keypoints)
    filled = fill(raw)
    ax = plot_steps({"raw": raw, "filled": filled, "smoothed": smooth(filled)}, "Head")
    lines = named(ax)
    assert list(lines) == ["raw", "filled", "smoothed"]
    assert lines["raw"].get_marker() == "." and lines["filled"].get_marker() == "None"
    np.testing.assert_array_equal(lines["raw"].get_ydata(), raw.xy[:, 0, 1])
    np.testing.assert_array_equal(lines["smoothed"].get_ydata(), smooth(filled).xy[:, 0, 1])
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    np.testing.assert_allclose(hollow[0].get_xdata(), [0.3, 0.4, 1.0])
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    np.testing.assert_allclose(spans, [(0.2, 0.5), (0.9, 1.0)])
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["not found in raw", "raw", "filled", "smoothed"]
    assert ax.yaxis_inverted() and ax.get_ylabel() == "Head y (px)" and ax.get_xlabel() == "time (s)"


def test_steps_in_frames_and_across():
    ax = plot_steps({"raw": center(stick(fps=None))}, "MidHip", coordinate="x")
    np.testing.assert_allclose(named(ax)["raw"].get_xydata(), [(k, 50 * k) for k in range(11)], atol=1e-3)
    assert ax.get_xlabel() == "frame" and not ax.yaxis_inverted() and not ax.patches
    assert ax.get_ylabel() == "MidHip x (from the joint in the centre)"


@pytest.mark.parametrize(
    ("steps", "options", "message"),
    [
        ({}, {}, r"all in one space \('image' or 'body'\), got none"),
        ({"raw": stick(), "centred": center(stick())}, {}, r"got \['body', 'image'\]"),
        ({"raw": stick(), "read": stick(fps=None)}, {}, "known and unknown frame rate"),
        ({"raw": stick()}, {"joint": "Chin"}, "Skeleton stick has no joint Chin"),
        ({"raw": stick()}, {"coordinate": "z"}, "`coordinate`.* got 'z'"),
    ],
)
def test_plot_steps_refuses(steps, options, message):
    with pytest.raises(ValueError, match=message):
        plot_steps(steps, **{"joint": "Head", **options})
    assert not plt.get_fignums()


# --- of many recordings -------------------------------------------------------------------------------------


def with_gaps():
    """Head unseen in the first half, LFoot filled in in the last quarter; 12 frames."""
    keypoints = stick(frames=12).keypoints.copy()
    keypoints[:6, 0] = np.nan, np.nan, 0
    keypoints[9:, 3, 2] = 0
    return replace(stick(frames=12), keypoints=keypoints)


def test_missing_is_the_table_with_unseen_and_filled_together():
    table = missing_table(with_gaps())
    ax = plot_missing(table)
    shown = np.asarray(ax.images[0].get_array())
    np.testing.assert_allclose(shown, table["unseen"] + table["filled"])
    np.testing.assert_allclose(shown[0], [1, 1, 0, 0, 0.5])
    np.testing.assert_allclose(shown[3], [0, 0, 0, 1, 0.25])
    assert words(ax)[:5] == ["100", "100", "0", "0", "50"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [*STICK.joints, "all"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1/4", "2/4", "3/4", "4/4", "all"]
    assert ax.get_title(loc="left") == "not found (%)"


def test_missing_by_one_measure():
    table = missing_table(with_gaps(), phases=2)
    np.testing.assert_allclose(plot_missing(table, measure="filled").images[0].get_array(), table["filled"])
    ax = plot_missing(table, measure="longest_gap")
    assert words(ax)[:3] == ["6", "0", "6"] and ax.get_title(loc="left") == "longest gap (frames)"
    empty = plot_missing(missing_table(stick()))  # nothing missing: everything pale, not everything dark
    assert empty.images[0].get_clim()[1] == 0.1


def test_plot_missing_refuses():
    table = missing_table(stick())
    with pytest.raises(ValueError, match=r"`measure`.* got 'gone'"):
        plot_missing(table, measure="gone")
    with pytest.raises(ValueError, match="`table` lacks filled"):
        plot_missing(table.drop(columns="filled", level=0))


WITH_NOSE = Skeleton(
    name="nosy",
    joints=("Nose", "Neck", "MidHip", "RHand", "LHand"),
    limbs=(("Neck", "Nose"), ("MidHip", "Neck"), ("Neck", "RHand"), ("Neck", "LHand")),
    root="MidHip",
)


def standing(looks, lengths=None, y=None, classes=("stand",)):
    """Clips of bodies that look to the right (1.0) or left (-1.0) and carry the hand of the near side in front."""
    lengths = [9] * len(looks) if lengths is None else lengths
    x = np.zeros((len(looks), max(lengths), 5, 2), np.float32)
    for clip, (look, length) in enumerate(zip(looks, lengths, strict=True)):
        x[clip, :, :, 1] = 100, 110, 200, 150, 150
        x[clip, :length, :, 0] = 50 * np.arange(length)[:, None]  # travels
        x[clip, :length, 0, 0] += 20 * look
        near = 3 if look > 0 else 4
        x[clip, :length, near, 0] += 40 * look
        x[clip, :length, :, 1] -= 30 * np.linspace(0, 1, length)[:, None]  # rises
    y = np.zeros(len(looks), int) if y is None else np.array(y)
    return Clips.from_arrays(x, lengths=lengths, y=y, classes=classes, skeleton=WITH_NOSE)


def mean_limbs(ax):
    """(classes * moments, limbs, 2, 2), each moved so that the first body's hip is the origin of x."""
    return np.array([ends for _, ends in limbs(ax)]).reshape(-1, 4, 2, 2)


def test_the_mean_of_clips_of_any_length_is_the_body_they_share():
    ax = plot_mean_poses(standing([1.0, 1.0, 1.0], lengths=[5, 9, 17]), moments=3)
    bodies = mean_limbs(ax)
    assert len(bodies) == 3
    hips = bodies[:, 1, 0]
    np.testing.assert_allclose(np.diff(hips[:, 0]), np.diff(hips[:, 0])[0])  # one column a moment
    np.testing.assert_allclose(hips[:, 1], [0, -15, -30], atol=1e-4)  # the height is kept
    wanted = [[(0, -90), (20, -100)], [(0, 0), (0, -90)], [(0, -90), (40, -50)], [(0, -90), (0, -50)]]
    for body, hip in zip(bodies, hips, strict=True):
        np.testing.assert_allclose(body - hip, wanted, atol=1e-4)
    assert [text.get_text() for text in ax.texts] == ["stand (3)", "0 %", "50 %", "100 %"]


def test_bodies_that_look_the_other_way_are_mirrored_with_left_and_right_exchanged():
    right = mean_limbs(plot_mean_poses(standing([1.0, 1.0]), moments=2))
    both = mean_limbs(plot_mean_poses(standing([1.0, 1.0, -1.0]), moments=2))
    np.testing.assert_allclose(both, right, atol=1e-4)
    left = mean_limbs(plot_mean_poses(standing([1.0, -1.0, -1.0]), moments=2))
    hip = left[0, 1, 0]
    assert (left[0, 0, 1] - hip)[0] == pytest.approx(-20)  # most look to the left
    assert (left[0, 3, 1] - hip)[0] == pytest.approx(-40)  # with the left hand in front


def test_bodies_without_nose_and_neck_are_left_as_they_are():
    clips = standing([1.0])
    names = Skeleton("blank", ("Eye", "Chest", *WITH_NOSE.joints[2:]), (("Chest", "Eye"),), root="MidHip")
    (_, ends), *_ = limbs(plot_mean_poses(replace(clips, skeleton=names), moments=2))
    np.testing.assert_allclose(ends[1] - ends[0], [20, -10], atol=1e-4)


def test_every_class_has_a_row_and_its_clips_behind_it():
    ax = plot_mean_poses(standing([1.0] * 5, y=[0, 1, 0, 1, 1], classes=("hop", "stand")), moments=2)
    bodies = mean_limbs(ax)
    assert len(bodies) == 4 and bodies[2, 1, 0, 1] > bodies[0, 1, 0, 1] + 90  # the second row is below
    behind = [len(lines.get_segments()) for lines in ax.collections if lines.get_zorder() == 1]
    assert behind == [2 * 4, 2 * 4, 3 * 4, 3 * 4]
    assert [text.get_text() for text in ax.texts][:2] == ["hop (2)", "stand (3)"]


def test_unseen_joints_do_not_pull_the_mean():
    clips = standing([1.0, 1.0])
    x, seen = clips.x.copy(), clips.seen.copy()
    x[1, :, 3], seen[1, :, 3] = 0, False
    np.testing.assert_allclose(
        mean_limbs(plot_mean_poses(replace(clips, x=x, seen=seen), moments=2)),
        mean_limbs(plot_mean_poses(clips, moments=2)),
        atol=1e-4,
    )
    seen[:, :, 3] = False
    ax = plot_mean_poses(replace(clips, x=x, seen=seen), moments=2)
    assert len(limbs(ax)) == 2 * 3  # a joint that nobody shows is not drawn


def test_a_root_that_is_seen_late_still_gives_the_height():
    clips = standing([1.0], lengths=[9])
    seen = clips.seen.copy()
    seen[:, 0, 2] = False
    ax = plot_mean_poses(replace(clips, seen=seen), moments=3)
    heights = [ends[0, 1] for _, ends in limbs(ax)[1::4]]  # of the hip; at first it is not there
    np.testing.assert_allclose(heights, [-30 * (4 - 1) / 8, -30 * (8 - 1) / 8], atol=1e-4)


def test_plot_averages_refuses():
    clips = standing([1.0])
    with pytest.raises(ValueError, match="labels `y`"):
        plot_mean_poses(replace(clips, y=None))
    with pytest.raises(ValueError, match=r"nosy with .*vx"):
        plot_mean_poses(replace(clips, channels=("vx", "vy")))
    seen = clips.seen.copy()
    seen[:, :, 2] = False
    with pytest.raises(ValueError, match="MidHip is never seen in 0"):
        plot_mean_poses(replace(clips, seen=seen, sources=("0",)))
    with pytest.raises(ValueError, match=r"`moments`.* got 1"):
        plot_mean_poses(clips, moments=1)


# --- training and evaluation --------------------------------------------------------------------------------


def test_each_run_is_a_thin_line_beside_the_mean():
    ax = plot_training([{"loss": [1, 0.5]}, {"loss": [3, 2, 1]}], measure="loss")
    thin = [line.get_ydata() for line in ax.lines if line.get_linewidth() < 1]
    assert len(thin) == 2
    np.testing.assert_array_equal(np.ma.filled(thin[0], np.nan), [1, 0.5, np.nan])
    np.testing.assert_array_equal(thin[1], [3, 2, 1])
    alone = plot_training({"loss": [1, 0.5]}, measure="loss")
    assert not [line for line in alone.lines if line.get_linewidth() < 1]


def test_runs_are_dots_with_a_bar_at_their_mean_and_floors():
    ax = plot_runs({"simple_rnn": [0.7, 0.9, 0.8], "lstm": [1.0]}, floors={"majority": 0.5})
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(dots[0].get_xdata(), [0.7, 0.9, 0.8])
    assert len(set(dots[0].get_ydata())) == 3 and abs(dots[0].get_ydata().mean()) < 1e-9  # none hides another
    bars = [
        line.get_xdata()[0] for line in ax.lines if line.get_zorder() == 2 and line.get_marker() == "None"
    ]
    np.testing.assert_allclose(bars, [0.8, 1.0])
    assert words(ax)[:3] == ["0.800", "1.000", "mean"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["simple_rnn", "lstm"]
    (floor,) = (line for line in ax.lines if line.get_label() == "majority (0.50)")
    assert set(floor.get_xdata()) == {0.5} and ax.get_xlim()[0] < 0.5
    assert ax.yaxis_inverted()


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({}, "`results`"),
        ({"lstm": []}, "at least one run"),
        ({"lstm": [80.9]}, "`results`.* got 80.9"),
        ({"lstm": [np.nan]}, r"must lie in \[0, 1\]"),
    ],
)
def test_plot_runs_refuses(results, message):
    with pytest.raises(ValueError, match=message):
        plot_runs(results)


def test_training_is_the_mean_on_a_band_from_lowest_to_highest():
    runs = [
        {"accuracy": [0.5, 0.6, 0.9], "val_accuracy": [0.4, 0.5, 0.6], "loss": [1, 0.5, 0.2]},
        {"accuracy": [0.7, 0.8], "val_accuracy": [0.6, 0.9], "loss": [2, 1.5]},
    ]
    ax = plot_training(runs)
    lines = named(ax)
    np.testing.assert_allclose(lines["training"].get_xydata(), [(1, 0.6), (2, 0.7), (3, 0.9)])
    np.testing.assert_allclose(lines["validation"].get_ydata(), [0.5, 0.7, 0.6])
    band = ax.collections[0].get_paths()[0].vertices
    for epoch, low, high in [(1, 0.5, 0.7), (2, 0.6, 0.8)]:
        ys = band[band[:, 0] == epoch, 1]
        assert (ys.min(), ys.max()) == (low, high)
    assert ax.get_xlabel() == "epoch" and ax.get_ylabel() == "accuracy"
    loss = plot_training(runs, measure="loss")
    np.testing.assert_allclose(named(loss)["training"].get_ydata(), [1.5, 1, 0.2])
    assert list(named(loss)) == ["training"]  # no val_loss was kept


def test_one_run_has_no_band_and_nan_losses_leave_holes():
    class History:  # what keras' fit gives back
        history = {"loss": [1.0, np.nan, 0.5]}  # noqa: RUF012

    ax = plot_training(History(), measure="loss")
    assert not ax.collections
    values = np.ma.filled(named(ax)["training"].get_ydata(), np.nan)
    np.testing.assert_array_equal(values, [1, np.nan, 0.5])
    plot_training({"accuracy": [0.5]})  # a single epoch is a dot
    assert plt.gca().lines[0].get_marker() == "o"


def test_plot_training_refuses():
    with pytest.raises(ValueError, match="'accuracy': 1 runs with keys loss"):
        plot_training({"loss": [1.0]})
    with pytest.raises(ValueError, match="'accuracy': 0 runs"):
        plot_training([])
    with pytest.raises(ValueError, match=r"`histories`.* list in it"):
        plot_training([[0.1, 0.2]])


def test_learning_curve_shows_each_training_and_the_means():
    table = pd.DataFrame({"athletes": [2, 2, 4, 4], "accuracy": [0.5, 0.7, 0.8, 1.0], "draw": [0, 1, 0, 1]})
    lines = named(plot_learning_curve(table))
    np.testing.assert_allclose(lines["mean"].get_xydata(), [(2, 0.6), (4, 0.9)])
    assert (
        lines["one group of athletes"].get_xydata().tolist()
        == table[["athletes", "accuracy"]].values.tolist()
    )
    ax = plt.subplots()[1]
    assert plot_learning_curve(table, ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("athletes trained on", "accuracy on the others")
    with pytest.raises(ValueError, match="`table` lacks the column accuracy"):
        plot_learning_curve(table.drop(columns="accuracy"))
    with pytest.raises(ValueError, match="`table` has no rows"):
        plot_learning_curve(table[:0])


def test_confusion_shows_counts_and_shares_of_the_row():
    ax = plot_confusion([[8, 2, 0], [1, 3, 0], [0, 0, 0]], ["flip", "spring", "none"])
    assert words(ax) == ["8\n80%", "2\n20%", "0\n0%", "1\n25%", "3\n75%", "0\n0%", "0", "0", "0"]
    assert [text.get_position() for text in ax.texts[:4]] == [(0, 0), (1, 0), (2, 0), (0, 1)]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.8, 0.2, 0], [0.25, 0.75, 0], [0, 0, 0]])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["flip", "spring", "none"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["flip (10)", "spring (4)", "none (0)"]
    assert ax.texts[0].get_color() == "white" and ax.texts[1].get_color() == "black"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


def test_labels_of_the_confusion_lie_inside_the_figure():
    for classes in (["backflip", "back-handspring"], [f"a rather long move {i}" for i in range(14)]):
        ax = plot_confusion(np.eye(len(classes)), classes)
        ax.figure.canvas.draw()
        box, inside = ax.get_tightbbox(), ax.figure.bbox
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= inside.x1 and box.y1 <= inside.y1


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 2]], r"`matrix`.* got \(1, 2\)"),
        ([[1, -2], [0, 1]], "counts of at least 0"),
        ([[1, np.nan], [0, 1]], "none of them missing"),
    ],
)
def test_plot_confusion_refuses(matrix, message):
    with pytest.raises(ValueError, match=message):
        plot_confusion(matrix, ["a", "b"])


# --- attention ----------------------------------------------------------------------------------------------


def test_attention_of_one_clip_is_a_curve_over_its_frames():
    weights = np.array([0.1, 0.2, 0.6, 0.1, np.nan])
    lines = named(plot_attention(weights, fps=4))
    np.testing.assert_array_equal(lines["attention"].get_ydata(), weights)
    np.testing.assert_allclose(lines["attention"].get_xdata(), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(lines["all frames alike"].get_ydata(), 0.25)
    assert plt.gca().get_xlabel() == "time (s)" and plt.gca().get_ylim()[0] == 0
    assert plot_attention(weights).get_xlabel() == "frame"


def test_attention_of_several_clips_is_a_map_with_the_first_on_top():
    weights = np.array([[0.5, 0.5, np.nan], [0.2, 0.3, 0.5]])
    _, given = plt.subplots()
    ax = plot_attention(weights, fps=10, ax=given)
    assert ax is given
    shown = ax.images[0].get_array()
    np.testing.assert_array_equal(np.ma.filled(shown, np.nan), weights)
    np.testing.assert_allclose(ax.images[0].get_extent(), (-0.05, 0.25, 1.5, -0.5))
    assert ax.yaxis_inverted() and ax.get_ylabel() == "clip"


@pytest.mark.parametrize(
    ("weights", "fps", "message"),
    [
        (np.ones((2, 3, 4)), None, r"`weights`.* got \(2, 3, 4\)"),
        ([np.nan, np.nan], None, "with finite values"),
        ([0.5, -0.1], None, "`weights`.* got -0.1"),
        ([0.5, np.inf], None, "`weights`.* finite"),
        ([0.5, 0.5], 0, "`fps`.* got 0"),
    ],
)
def test_plot_attention_refuses(weights, fps, message):
    with pytest.raises(ValueError, match=message):
        plot_attention(weights, fps=fps)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_skeletons(stick(), ax=ax),
        lambda ax: plot_trajectories(stick(), ax=ax),
        lambda ax: plot_training({"accuracy": [0.1, 0.2]}, ax=ax),
        lambda ax: plot_confusion([[1]], ["a"], ax=ax),
        lambda ax: plot_attention([0.5, 0.5], ax=ax),
        lambda ax: plot_exposures(stick(), ax=ax),
        lambda ax: plot_copies(stick(), {"a copy": stick()}, ax=ax),
        lambda ax: plot_joints(stick(), ax=ax),
        lambda ax: plot_steps({"raw": stick()}, "Head", ax=ax),
        lambda ax: plot_runs({"lstm": [0.5]}, ax=ax),
        lambda ax: plot_missing(missing_table(stick()), ax=ax),
        lambda ax: plot_mean_poses(standing([1.0]), ax=ax),
    ],
)
def test_every_picture_goes_into_the_axes_it_is_given(draw):
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert len(plt.get_fignums()) == 1
