"""Figures of recordings: joints, trajectories, cleaning, centring, copies, lost joints, mean poses."""

from __future__ import annotations

from typing import Any

import numpy as np
from material import Material, figure, of_activity, panels

from gymskel import Recording, preprocess, visualize
from gymskel.preprocess import Preprocessor

HEEL = "LHeel"  # the joint of the thesis' figures 4.1 to 4.4


@figure
def fig_3_6(m: Material) -> Any:
    """The joints of BODY_25.

    Thesis, figure 3.6: the output format of OpenPose. The number is the row in each CSV, right is orange, left is
    blue: the athlete's own right and left, not the viewer's. The first frame of the recording that shows every joint and
    the widest shoulders.
    """
    shoulders = m.raw[0].skeleton.indices(["RShoulder", "LShoulder"])
    widths = [abs(np.diff(r.xy[0, shoulders, 0])[0]) * r.seen[0].all() for r in m.raw]
    return visualize.plot_joints(m.raw[int(np.nanargmax(widths))], frame=0)


@figure
def fig_4_1(m: Material) -> Any:
    """The left heel as the estimator saw it.

    Thesis, figure 4.1: the height of the left heel during a back handspring, raw. This is the
    recording with the longest gap of the heel. A joint that was not found is a gap in the line. In the files it is
    0, 0, 0, which the thesis draws as a fall to zero.
    """
    return visualize.plot_trajectories(_handspring(m), HEEL)


@figure
def fig_4_2(m: Material) -> Any:
    """A gap, filled in three ways.

    Thesis, figure 4.2: its rule takes the mean of the value before and the next seen value, frame by frame, so the first
    frames of a gap make most of the way. A straight line and a curve through the seen places are even.
    """
    raw = _handspring(m)
    methods = ("thesis", "linear", "pchip")
    steps = {"raw": raw} | {name: preprocess.fill(raw, method=name) for name in methods}
    ax = visualize.plot_steps(steps, HEEL)
    row = raw.skeleton.index(HEEL)
    start, stop = _longest_gap(raw.confidence[:, row] == 0)
    around = slice(max(start - 6, 0), stop + 6)
    shown = np.concatenate([r.xy[around, row, 1] for r in steps.values()])
    ax.set_xlim(np.arange(len(raw))[around][[0, -1]] / (raw.fps or 1))
    ax.set_ylim(np.nanmax(shown) + 0.1 * np.ptp(shown[np.isfinite(shown)]), np.nanmin(shown) - 5)
    return ax


@figure
def fig_4_3(m: Material) -> Any:
    """The left heel, gaps filled.

    Thesis, figure 4.3: hollow circles are places that the thesis' rule filled in. They keep confidence 0, so they never
    count as seen.
    """
    return visualize.plot_trajectories(preprocess.fill(_handspring(m), method="thesis"), HEEL)


@figure
def fig_4_4(m: Material) -> Any:
    """The left heel, filled and smoothed.

    Thesis, figure 4.4: the mean over three frames removes the jitter and keeps the move.
    """
    filled = preprocess.fill(_handspring(m), method="thesis")
    return visualize.plot_trajectories(preprocess.smooth(filled, window=3), HEEL)


@figure
def cleaning(m: Material) -> Any:
    """The left heel after each step of cleaning, in one picture.

    Figures 4.1 to 4.4 on top of each other: dots are the places that the estimator found, grey marks the gaps.
    """
    raw = _handspring(m)
    filled = preprocess.fill(raw)
    return visualize.plot_steps({"raw": raw, "filled": filled, "smoothed": preprocess.smooth(filled)}, HEEL)


@figure
def fig_4_6(m: Material) -> Any:
    """A back handspring before and after centring.

    Thesis, figure 4.6 (a backflip there): left in pixels of the video, right with the hip of the first frame at the origin.
    The body still travels, from pale to dark; the dotted line is the path of the hip.
    """
    recording = preprocess.fill(of_activity(m.recordings, "back-handspring")[0])
    drawn, axes = panels(2, 9, 4)
    visualize.plot_exposures(recording, frames=4, ax=axes[0])
    visualize.plot_exposures(preprocess.center(recording), frames=4, ax=axes[1])
    axes[0].set_title("in the picture", loc="left", fontsize=11)
    axes[1].set_title("centred", loc="left", fontsize=11)
    return drawn


@figure
def fig_4_7(m: Material) -> Any:
    """A backflip beside augmented copies.

    Thesis, figure 4.7: every limb is turned a little, by the same angle in all frames. As published, only the outer joint
    of each pair turns, always clockwise: bones stretch and bodies lean. In "bones kept" everything that hangs on a limb
    turns with it, to either side. Grey is the original.
    """
    recording = preprocess.fill(of_activity(m.recordings, "backflip")[0])
    reduced = preprocess.select_joints(recording, recording.skeleton.joints[:15])
    copies = {
        "as published": preprocess.rotate_joints(reduced, method="thesis", seed=1),
        "bones kept": preprocess.rotate_joints(reduced, seed=2),
    }
    return visualize.plot_copies(reduced, copies)


@figure
def missing(m: Material) -> Any:
    """Lost joints by quarter of the clip.

    Share of the frames of each quarter in which the estimator did not find a joint, over all raw recordings. Most joints
    are lost while the body is upside down; hands and the far side of the head are lost most.
    """
    return visualize.plot_missing(preprocess.missing_table(m.raw))


@figure
def averages(m: Material) -> Any:
    """The mean pose of each move.

    Every clip is stretched to the same length. Thin grey bodies are the single clips, the coloured one is their mean.
    Short limbs of the mean show that athletes differ.
    """
    return visualize.plot_mean_poses(Preprocessor("default").fit_transform(m.recordings))


@figure
def montage(m: Material) -> Any:
    """A backflip as a strobe photograph.

    All bodies have one scale. The travel across the picture is left out, the height is kept. Hollow joints were filled
    in.
    """
    recording = preprocess.smooth(preprocess.fill(of_activity(m.recordings, "backflip")[0]))
    return visualize.plot_skeletons(recording, frames=12)


def _handspring(m: Material) -> Recording:
    """Return the raw back handspring in which the heel is lost for the longest time."""
    return with_longest_gap(of_activity(m.raw, "back-handspring"), HEEL)


def _longest_gap(lost: np.ndarray) -> tuple[int, int]:
    """Return (first, after last) frame of the longest run of True between two False, else all frames."""
    edges = np.diff(lost.astype(int), prepend=0, append=0)
    runs = list(zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True))
    inner = [run for run in runs if run[0] > 0 and run[1] < len(lost)] or runs or [(0, len(lost))]
    return max(inner, key=lambda run: run[1] - run[0])


def with_longest_gap(recordings: list[Recording], joint: str) -> Recording:
    """Return the recording with the longest gap of a joint, of those that show it in half of the frames or more."""
    row = recordings[0].skeleton.index(joint)
    fair = [r for r in recordings if (r.confidence[:, row] > 0).mean() >= 0.5] or recordings
    return max(fair, key=lambda r: preprocess.missing_table(r).loc[joint, ("longest_gap", "all")])
