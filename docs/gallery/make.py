"""The gallery: every figure of the thesis that data can draw, and a few more, on your recordings or simulated ones.

python docs/gallery/make.py fig_4_1                            # on simulated gymnasts, into docs/gallery
python docs/gallery/make.py fig_4_1 fig_5_9 --data keypoints   # on a tree or .zip of per-frame CSVs, into ./gallery
python docs/gallery/make.py all                                # every picture, and the page that shows them

`--data` may be left out where the environment variable GYMSKEL_DATA is set. A folder that holds tumbling.zip, the
published recordings (60 fps, filled and smoothed), is read as such; openpose_raw.zip beside it gives the raw ones.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from PIL import Image, ImageDraw, ImageFont

from gymskel import Recording, preprocess, read_recordings, simulate, visualize
from gymskel.clips import Clips, grouped_part
from gymskel.preprocess import Preprocessor

HERE = Path(__file__).parent
FIGURES: dict[str, Callable[[Material], Any]] = {}
HEEL = "LHeel"  # the joint of the thesis' figures 4.1 to 4.4


@dataclass(frozen=True, eq=False)
class Material:
    """What pictures are drawn of.

    Attributes:
        recordings: labelled, several athletes.
        raw: recordings as the estimator left them, before filling and smoothing.
        what: whose they are, for the titles.
        preset: preprocessing of the published networks that fits `recordings`.
        runs: trainings of each network.
        copies: rotated copies of each training clip; the published results come from 3.
        epochs: of each training.
    """

    recordings: list[Recording]
    raw: list[Recording]
    what: str
    preset: str = "thesis"
    runs: int = 5
    copies: int = 3
    epochs: int = 5


def read_material(data: Path | None, fps: float | None = None) -> Material:
    """Recordings in a folder or .zip; simulated gymnasts where none is given."""
    if data is None:
        recordings = simulate.simulate_recordings(athletes=10, per_athlete=3)
        return Material(recordings, recordings, "simulated gymnasts")
    published = data / "tumbling.zip"
    if published.is_file():
        recordings = read_recordings(published, fps=fps or 60)
        there = data / "openpose_raw.zip"
        raw = read_recordings(there, fps=fps or 60) if there.is_file() else recordings
        what, preset = f"{len(recordings)} published recordings", "thesis_cleaned"
    else:
        raw = recordings = _athletes(read_recordings(data, fps=fps))
        what, preset = f"{len(recordings)} recordings of {data.name}", "thesis"
    return Material(recordings, _athletes(raw), what, preset)


def _athletes(recordings: list[Recording]) -> list[Recording]:
    """Of several people in one video the one most of whose joints are seen."""
    best: dict[str, Recording] = {}
    for recording in recordings:
        other = best.get(recording.source)
        if other is None or recording.seen.sum() > other.seen.sum():
            best[recording.source] = recording
    return list(best.values())


def of_activity(recordings: list[Recording], activity: str) -> list[Recording]:
    """Those of one move; of all moves where there is none of it."""
    return [r for r in recordings if r.activity == activity] or recordings


def with_longest_gap(recordings: list[Recording], joint: str) -> Recording:
    """The recording in which a joint is lost for the longest time, of those that show it in half of the frames."""
    row = recordings[0].skeleton.index(joint)
    fair = [r for r in recordings if (r.confidence[:, row] > 0).mean() >= 0.5] or recordings
    return max(fair, key=lambda r: preprocess.missing_table(r).loc[joint, ("longest_gap", "all")])


def figure(draw: Callable[[Material], Any]) -> Callable[[Material], Any]:
    """A picture of the gallery, known by the function's name; its docstring is its title and what to see in it."""
    FIGURES[draw.__name__] = draw
    return draw


def panels(count: int, width: float, height: float) -> tuple[Any, Any]:
    """A figure and its Axes beside each other."""
    return plt.subplots(1, count, figsize=(width, height), layout="constrained")


# --- the data ---------------------------------------------------------------------------------------------


@figure
def fig_3_6(m: Material) -> Any:
    """The joints of BODY_25.

    Thesis, figure 3.6: the output format of OpenPose. The number is the row in each CSV, right is orange, left is
    blue: the athlete's own right and left, not the viewer's. Of all first frames that show every joint the one whose
    shoulders are farthest apart.
    """
    shoulders = m.raw[0].skeleton.indices(["RShoulder", "LShoulder"])
    widths = [abs(np.diff(r.xy[0, shoulders, 0])[0]) * r.seen[0].all() for r in m.raw]
    return visualize.plot_joints(m.raw[int(np.nanargmax(widths))], frame=0)


@figure
def fig_4_1(m: Material) -> Any:
    """The left heel as the estimator saw it.

    Thesis, figure 4.1: the height of the left heel during a back handspring, raw. The recording in which the heel is
    lost for longest. A joint that was not found is a gap in the line; in the files it is 0, 0, 0, which the thesis
    draws as a fall to zero.
    """
    return visualize.plot_trajectories(_handspring(m), HEEL)


@figure
def fig_4_2(m: Material) -> Any:
    """A gap, filled in three ways.

    Thesis, figure 4.2: its rule takes the mean of the value before and the next one seen, frame by frame, so most of
    the way is made in the first frames of a gap. A straight line and a curve through the seen places go evenly.
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

    Thesis, figure 4.3: hollow circles are places that were filled in by the thesis' rule. They keep confidence 0, so that
    they are never taken for seen ones.
    """
    return visualize.plot_trajectories(preprocess.fill(_handspring(m), method="thesis"), HEEL)


@figure
def fig_4_4(m: Material) -> Any:
    """The left heel, filled and smoothed.

    Thesis, figure 4.4: the mean over three frames takes the trembling out and leaves the move.
    """
    filled = preprocess.fill(_handspring(m), method="thesis")
    return visualize.plot_trajectories(preprocess.smooth(filled, window=3), HEEL)


@figure
def cleaning(m: Material) -> Any:
    """The left heel after each step of cleaning, in one picture.

    Figures 4.1 to 4.4 on top of each other: dots are what the estimator found, grey stretches where it found nothing.
    """
    raw = _handspring(m)
    filled = preprocess.fill(raw)
    return visualize.plot_steps({"raw": raw, "filled": filled, "smoothed": preprocess.smooth(filled)}, HEEL)


@figure
def fig_4_6(m: Material) -> Any:
    """A back handspring before and after centring.

    Thesis, figure 4.6 (a backflip there): left in pixels of the video, right with the hip of the first frame in the origin.
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

    Thesis, figure 4.7: every limb is turned a little, by the same angle in all frames. As published only the outer joint
    of each pair turns, always clockwise, so bones stretch and bodies lean; along the tree all that hangs on a limb turns
    with it, to either side, and bones keep their length. Grey is the original.
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
    """Which joint is lost when.

    Share of the frames of each quarter in which the estimator did not find a joint, over all raw recordings. Most is
    lost while the body is upside down, and of the hands and the far side of the head.
    """
    return visualize.plot_missing(preprocess.missing_table(m.raw))


@figure
def averages(m: Material) -> Any:
    """The mean pose of each move.

    Every clip is stretched to the same length; thin grey bodies are the single clips, the coloured one is their mean. Where
    its limbs are short, athletes differ in what they do or when.
    """
    return visualize.plot_averages(Preprocessor("default").fit_transform(m.recordings))


@figure
def montage(m: Material) -> Any:
    """A backflip as a strobe photograph.

    All bodies at one scale; the travel across the picture is left out, the height is kept. Hollow joints were filled in.
    """
    recording = preprocess.smooth(preprocess.fill(of_activity(m.recordings, "backflip")[0]))
    return visualize.plot_skeletons(recording, frames=12)


def _handspring(m: Material) -> Recording:
    return with_longest_gap(of_activity(m.raw, "back-handspring"), HEEL)


def _longest_gap(lost: np.ndarray) -> tuple[int, int]:
    """(first, after last) frame of the longest run of True between two False; the whole where there is none."""
    edges = np.diff(lost.astype(int), prepend=0, append=0)
    runs = list(zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True))
    inner = [run for run in runs if run[0] > 0 and run[1] < len(lost)] or runs or [(0, len(lost))]
    return max(inner, key=lambda run: run[1] - run[0])


# --- training ---------------------------------------------------------------------------------------------


@functools.cache
def split(m: Material) -> tuple[Clips, Clips]:
    """(to train on, to test on): athletes are on one side or the other."""
    clips = Preprocessor(m.preset).fit_transform(m.recordings)
    parts = grouped_part(clips, 0.2, seed=0)
    if parts is None:
        raise SystemExit(
            "Too few athletes to train and test apart: give recordings in which each move has three athletes."
        )
    return clips[parts[0]], clips[parts[1]]


@functools.cache
def trained(m: Material, name: str) -> list[tuple[Any, Any]]:
    """(model, run) of each training of a published network, as published but for the validation part: by athlete."""
    from gymskel.models import BUILDERS, PUBLISHED
    from gymskel.training import RECIPES, repeat

    clips = split(m)[0]
    facts = {"skeleton": clips.skeleton, "frames": clips.x.shape[1], **PUBLISHED[name]}
    recipe = replace(RECIPES["thesis"], copies=m.copies, epochs=m.epochs, validation_by="athlete")
    return repeat(lambda: BUILDERS[name](len(clips.classes), **facts), clips, m.runs, recipe)


def answers(m: Material, name: str) -> np.ndarray:
    """(runs, clips) labels that each run gives the clips of athletes it has not seen."""
    test = split(m)[1]
    return np.stack([model.predict(test.inputs, verbose=0).argmax(axis=1) for model, _ in trained(m, name)])


def _curves(histories: list[dict[str, list[float]]]) -> Any:
    drawn, axes = panels(2, 9, 3.4)
    for ax, measure in zip(axes, ("accuracy", "loss"), strict=True):
        visualize.plot_training(histories, measure=measure, ax=ax)
    return drawn


@figure
def fig_5_4(m: Material) -> Any:
    """One training of the LSTM, watched.

    Thesis, figure 5.4: accuracy and loss after each epoch, on the training part and on athletes held out from it. When
    the two lines part, the network learns its examples by heart.
    """
    return _curves([trained(m, "lstm")[0][1].history])


@figure
def fig_5_5(m: Material) -> Any:
    """Five trainings of the SimpleRNN.

    Thesis, figure 5.5: thin lines are runs, the thick one is their mean. From other first weights the same network comes
    out elsewhere.
    """
    return _curves([run.history for _, run in trained(m, "simple_rnn")])


@figure
def fig_5_6(m: Material) -> Any:
    """What each run reached.

    Thesis, figure 5.6 (a table): accuracy on athletes that were not trained on, a dot a run. The published numbers come from
    a random split of augmented copies and are no measure for these. The dashed lines are what no network should lose to:
    always answering the commoner move, and judging by the length of the clip alone.
    """
    truth = split(m)[1].y
    names = ("simple_rnn", "lstm", "hierarchical_rnn")
    results = {name: (answers(m, name) == truth).mean(axis=1) for name in names}
    return visualize.plot_runs(results, floors=_floors(*split(m)))


@figure
def fig_5_7(m: Material) -> Any:
    """Five trainings of the LSTM.

    Thesis, figure 5.7: as figure 5.5.
    """
    return _curves([run.history for _, run in trained(m, "lstm")])


@figure
def fig_5_8(m: Material) -> Any:
    """Five trainings of the hierarchical RNN.

    Thesis, figure 5.8: as figure 5.5, with layers for each part of the body.
    """
    return _curves([run.history for _, run in trained(m, "hierarchical_rnn")])


@figure
def confusion(m: Material) -> Any:
    """Which move was taken for which.

    The LSTM's answers for athletes it has not seen, all runs together.
    """
    test, told = split(m)[1], answers(m, "lstm")
    counts = np.zeros((len(test.classes),) * 2, int)
    np.add.at(counts, (np.broadcast_to(test.y, told.shape), told), 1)
    return visualize.plot_confusion(counts, test.classes)


def _floors(training: Clips, test: Clips) -> dict[str, float]:
    """Accuracy on the test part of two rules that see no body."""
    from sklearn.neighbors import KNeighborsClassifier

    commonest = np.bincount(training.y).argmax()
    by_length = KNeighborsClassifier(min(3, len(training))).fit(training.lengths[:, None], training.y)
    return {
        "majority": float((test.y == commonest).mean()),
        "length only": float((by_length.predict(test.lengths[:, None]) == test.y).mean()),
    }


# --- what the neurons did ---------------------------------------------------------------------------------


@figure
def fig_5_9(m: Material) -> Any:
    """What the two neurons of the SimpleRNN did in three backflips.

    Thesis, figure 5.9: a row a neuron, a cell a frame, 30 frames a line (half a second at 60 fps); pink is -1, grey 0,
    green 1. Of the five runs the one with the lowest validation loss.
    """
    return _three_strips(m, "backflip")


@figure
def fig_5_10(m: Material) -> Any:
    """What the two neurons of the SimpleRNN did in three back handsprings.

    Thesis, figure 5.10: compare with figure 5.9, neuron by neuron.
    """
    return _three_strips(m, "back-handspring")


@figure
def fig_5_11(m: Material) -> Any:
    """The two neurons in all clips, a move beside the other.

    Thesis, figure 5.11: one clip below the other, time to the right. What is green in one column and pink in the other tells
    the moves apart; the flicker at the end that the thesis reports is padding, which is not drawn here.
    """
    from gymskel.activations import draw_class_strips

    columns = []
    for clips in _by_move(m):
        strips = draw_class_strips(_states(m, clips), cell=4, steps_per_tick=30, gap=3)
        columns.append(with_title(strips, clips.classes[clips.y[0]]))
    return beside(columns)


def _by_move(m: Material) -> list[Clips]:
    """All clips, trained on or not, parted by move."""
    clips = Preprocessor(m.preset).fit_transform(m.recordings)
    return [clips[clips.y == label] for label in range(len(clips.classes))]


def _three_strips(m: Material, activity: str) -> Image.Image:
    from gymskel.activations import draw_strips

    moves = {clips.classes[clips.y[0]]: clips for clips in _by_move(m)}
    clips = moves.get(activity, next(iter(moves.values())))
    clips = clips[np.linspace(0, len(clips) - 1, min(3, len(clips))).astype(int)]
    strips = [draw_strips(states, cell=20) for states in _states(m, clips)]
    return below([with_title(strip, name) for strip, name in zip(strips, clips.sources, strict=True)])


def _states(m: Material, clips: Clips) -> np.ndarray:
    """(clips, frames, 2) of the SimpleRNN whose validation loss was lowest, NaN behind the mask."""
    from gymskel.activations import layer_outputs

    model, _ = min(trained(m, "simple_rnn"), key=lambda pair: min(pair[1].history["val_loss"]))
    return layer_outputs(model, clips, "recurrent")


def with_title(image: Image.Image, title: str, size: int = 14) -> Image.Image:
    """The image below a line of text."""
    font = ImageFont.load_default(size)
    width = max(image.width, int(font.getlength(title)) + 1)
    made = Image.new("RGB", (width, image.height + size + 8), "white")
    ImageDraw.Draw(made).text((0, 0), title, "black", font)
    made.paste(image, (0, size + 8))
    return made


def below(images: list[Image.Image], gap: int = 14) -> Image.Image:
    """The images below each other, left edges in line."""
    size = max(i.width for i in images), sum(i.height + gap for i in images) - gap
    made, top = Image.new("RGB", size, "white"), 0
    for image in images:
        made.paste(image, (0, top))
        top += image.height + gap
    return made


def beside(images: list[Image.Image], gap: int = 24) -> Image.Image:
    """The images beside each other, upper edges in line."""
    turned = [image.transpose(Image.Transpose.TRANSPOSE) for image in images]
    return below(turned, gap).transpose(Image.Transpose.TRANSPOSE)


# --- files ------------------------------------------------------------------------------------------------


def told(name: str) -> tuple[str, str]:
    """(title, what to see) of a picture."""
    title, _, text = inspect.getdoc(FIGURES[name]).partition("\n")
    return title.rstrip("."), " ".join(text.split())


def save(drawn: Any, path: Path, title: str) -> None:
    """Writes a PNG with a title: of a figure or Axes in 64 colours, of an image as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(drawn, Image.Image):
        framed = with_title(drawn, title, 17)
        made = Image.new("RGB", (framed.width + 20, framed.height + 20), "white")
        made.paste(framed, (10, 10))
        made.save(path, optimize=True)
        return
    drawn = drawn if hasattr(drawn, "savefig") else drawn.figure
    drawn.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    drawn.savefig(path, dpi=100)
    plt.close(drawn)
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)


def page() -> str:
    """docs/gallery/README.md: every picture with its title and what to see in it."""
    text = [
        "# Gallery",
        "",
        "Every figure of the thesis that data can draw, and a few more. Those here show **simulated gymnasts** and say nothing",
        "about real ones. The same commands draw your own recordings, into `./gallery`:",
        "",
        "```bash",
        "python docs/gallery/make.py fig_4_1 --data keypoints   # one picture; or set GYMSKEL_DATA",
        "python docs/gallery/make.py all --data keypoints       # all of them; twenty trainings take a while",
        "```",
        "",
        "This page is written by `python docs/gallery/make.py all`.",
    ]
    for name in FIGURES:
        title, what = told(name)
        text += [
            "",
            f"## {title}",
            "",
            f"![{title}]({name}.png)",
            "",
            what,
            "",
            f"`python docs/gallery/make.py {name}`",
        ]
    return "\n".join(text) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Draws the pictures that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="+", choices=["all", *FIGURES], metavar="name", help=", ".join(FIGURES)
    )
    parser.add_argument("--data", type=Path, help="folder or .zip of recordings; by default GYMSKEL_DATA")
    parser.add_argument("--fps", type=float, help="frames a second, where the recordings do not say")
    parser.add_argument("--out", type=Path, help="folder of the pictures")
    given = parser.parse_args(arguments)
    data = given.data or (Path(os.environ["GYMSKEL_DATA"]) if os.environ.get("GYMSKEL_DATA") else None)
    matplotlib.use("Agg")
    material = read_material(data, given.fps)
    out = given.out or (HERE if data is None else Path("gallery"))
    for name in FIGURES if "all" in given.names else given.names:
        save(FIGURES[name](material), out / f"{name}.png", f"{told(name)[0]} · {material.what}")
        print(out / f"{name}.png", flush=True)
    if "all" in given.names and data is None:
        (out / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
