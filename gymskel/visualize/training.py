"""Training curves, the results of repeated runs, the learning curve, the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.messages import join_names
from gymskel.visualize.style import GREEN, GREY, HOLLOW, SIDES, label_axes, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_training(histories: Any, *, measure: str = "accuracy", ax: Axes | None = None) -> Axes:
    """Draw training curves: the mean of all runs, a band from the lowest to the highest, and a thin line for each run.

    Args:
        histories: of one run or an iterable of several: a dict of lists with keys `loss`, `accuracy`, `val_loss`,
            `val_accuracy`, or an object with such a `history`, as Keras' `fit` returns. Runs may differ in length (early
            stopping): each epoch is the mean of the runs that reached it.
        measure: "accuracy" or "loss", or another key; the same key with `val_` before it is drawn too.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes; epochs are counted from 1.

    Raises:
        ValueError: no runs, a run that is no dict, or none that has the measure.
    """
    from matplotlib.ticker import MaxNLocator

    runs = _runs(histories)
    keys = [key for key in (measure, f"val_{measure}") if any(len(run.get(key, ())) for run in runs)]
    if not keys:
        known = sorted({key for run in runs for key in run})
        raise ValueError(
            f"`histories` has no {measure!r}: {len(runs)} runs with keys {join_names(known) or 'none'}."
        )
    ax = new_axes(6.5, 3.6) if ax is None else ax
    for key in keys:
        curves = [np.asarray(run[key], float) for run in runs if len(run.get(key, ()))]
        table = np.full((len(curves), max(map(len, curves))), np.nan)
        for row, curve in zip(table, curves, strict=True):
            row[: len(curve)] = curve
        table = np.ma.masked_invalid(table)
        epochs = np.arange(1, table.shape[1] + 1)
        style: dict[str, Any] = {"color": GREEN, "ls": "-", "label": "validation"}
        if key == measure:
            style = {"color": GREY, "ls": "--", "label": "training"}
        ax.plot(epochs, table.mean(axis=0), lw=2, marker="o" if len(epochs) == 1 else None, **style)
        if len(curves) > 1:
            band = table.min(axis=0), table.max(axis=0)
            ax.fill_between(epochs, *band, color=style["color"], alpha=0.18, lw=0)
            ax.plot(epochs, table.T, color=style["color"], ls=style["ls"], lw=0.7, alpha=0.6)
    if measure.endswith("accuracy"):
        ax.set_ylim(top=1 + 0.04 * (1 - ax.get_ylim()[0]))  # no tick above 1
    ax.margins(x=0.01)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_axes(ax, "epoch", measure)
    title = f"mean of {len(runs)} runs, lowest to highest" if len(runs) > 1 else "1 run"
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    return ax


def _runs(histories: Any) -> list[Mapping[str, Sequence[float]]]:
    """Return the histories as a list of dicts of lists, one for each run."""
    single = isinstance(histories, Mapping) or hasattr(histories, "history")
    runs = [getattr(run, "history", run) for run in ([histories] if single else histories)]
    if wrong := [run for run in runs if not isinstance(run, Mapping)]:
        raise ValueError(
            f"`histories` must be a dict of lists, or several of them; got a {type(wrong[0]).__name__} in it."
        )
    return runs


def plot_runs(
    results: Mapping[str, Sequence[float]],
    *,
    floors: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the accuracy of repeated trainings: a row for each model, a dot for each run, a bar at their mean.

    Args:
        results: name of a model -> accuracy of each run, in [0, 1]. The first run of a row is on top.
        floors: name of a simple rule -> its accuracy, drawn as a line.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes; accuracy up to 1, the first model on top.

    Raises:
        ValueError: no models, one without runs, or accuracies outside [0, 1].
    """
    if not results or not all(len(runs) for runs in results.values()):
        raise ValueError("`results` must name models, each with the accuracy of at least one run.")
    every = np.concatenate(
        [np.asarray(runs, float) for runs in (*results.values(), [*(floors or {}).values()])]
    )
    if not ((every >= 0) & (every <= 1)).all():
        raise ValueError(
            f"`results` and `floors` must lie in [0, 1], got {every.min():.3g} to {every.max():.3g}."
        )
    ax = new_axes(7, 1.3 + 0.65 * len(results)) if ax is None else ax
    for row, runs in enumerate(results.values()):
        heights = row + 0.5 * (np.arange(len(runs)) - (len(runs) - 1) / 2) / max(len(runs), 4)
        ax.plot(runs, heights, "o", ms=6, color=SIDES["left"], mec="white", mew=0.6, clip_on=False, zorder=3)
        mean = float(np.mean(runs))
        ax.plot([mean, mean], [row - 0.32, row + 0.32], color=SIDES["middle"], lw=2, zorder=2)
        ax.text(1.02, row, f"{mean:.3f}", transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.text(1.02, -0.75, "mean", transform=ax.get_yaxis_transform(), va="center", fontsize=9, color=GREY)
    for k, (name, share) in enumerate((floors or {}).items()):
        ax.axvline(
            share, color=GREY, ls=("--", ":", "-.")[k % 3], lw=1.3, label=f"{name} ({share:.2f})", zorder=1
        )
    ax.set_yticks(range(len(results)), list(results))
    ax.set_ylim(len(results) - 0.4, -0.6)
    ax.set_xlim(max(0.0, every.min() - 0.06), 1.0)
    label_axes(ax, "accuracy", "")
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    if floors:
        ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.28), ncols=3)
    return ax


def plot_learning_curve(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy on the other athletes against the number of athletes trained on: dots for trainings, a line of means.

    Args:
        table: columns athletes and accuracy, a row for each training; from `evaluation.learning_curve`.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes; accuracy up to 1.

    Raises:
        ValueError: no rows, or a missing column.
    """
    from matplotlib.ticker import MaxNLocator

    if missing := [name for name in ("athletes", "accuracy") if name not in table]:
        raise ValueError(f"`table` lacks the column {join_names(missing)}; it has {join_names(table)}.")
    if not len(table):
        raise ValueError("`table` has no rows: nothing to draw.")
    ax = new_axes(6, 3.6) if ax is None else ax
    means = table.groupby("athletes")["accuracy"].mean()
    ax.plot(table["athletes"], table["accuracy"], **HOLLOW, mec=GREY, label="one group of athletes")
    ax.plot(means.index, means, color=SIDES["left"], lw=1.8, marker="o", ms=5, label="mean")
    ax.set_ylim(top=1.02)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    label_axes(ax, "athletes trained on", "accuracy on the others")
    return ax


def plot_confusion(matrix: np.ndarray, classes: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix: counts, and below them their share of the row.

    Args:
        matrix: (classes, classes) counts; rows are true classes, columns predicted ones.
        classes: names, in the order of the matrix.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes; darker cells have a larger share of their row.

    Raises:
        ValueError: the matrix is not square, has negative or missing counts, or another number of names than of rows.
    """
    counts, size = np.asarray(matrix, float), len(classes)
    if counts.shape != (size, size) or not size:
        raise ValueError(f"`matrix` must be ({size}, {size}) for {size} classes, got {counts.shape}.")
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError("`matrix` must hold counts of at least 0, none of them missing.")
    totals = counts.sum(axis=1)
    shares = np.divide(counts, totals[:, None], out=np.zeros_like(counts), where=totals[:, None] > 0)
    if ax is None:
        side = min(max(1.15 * size, 3), 8.5)
        ax = new_axes(side + 1.4 + 0.09 * max(map(len, classes)), side + 0.8)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        percent = f"\n{share:.0%}" if totals[row] and (count or size <= 8) else ""
        colour = "white" if share > 0.55 else "black" if count else GREY
        font = 11 if size <= 4 else 9 if size <= 8 else 7
        ax.text(column, row, f"{count:g}{percent}", ha="center", va="center", fontsize=font, color=colour)
    slant: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(size), classes, **(slant if size > 3 or max(map(len, classes)) > 16 else {}))
    ax.set_yticks(range(size), [f"{name} ({n:g})" for name, n in zip(classes, totals, strict=True)])
    label_axes(ax, "predicted", "true")
    ax.grid(False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
