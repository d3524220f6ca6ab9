"""Arguments and options that several commands have, and what their text means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Artefact = Annotated[Path, typer.Argument(help="A .gymskel file.")]
Data = Annotated[
    Path,
    typer.Argument(
        help="Keypoints (folder or .zip of per-frame CSVs, .npz pack, .pose, .pkl, .csv ...), or a folder of videos."
    ),
]
Folds = Annotated[int | None, typer.Option(help="Leave athletes out in this many folds, not one by one.")]
Fps = Annotated[float | None, typer.Option(help="Frames a second as filmed; overrides what the files say.")]
Labels = Annotated[Path | None, typer.Option(help="CSV with the columns file, activity, athlete.")]
Mirror = Annotated[
    bool,
    typer.Option(
        "--mirror/--no-mirror",
        help="Train on mirror images as well, with the same label; not where left and right are two moves.",
    ),
]
Model = Annotated[
    str, typer.Option(help="conv_gru, simple_rnn, lstm, hierarchical_rnn, lstm_attention or dd_net.")
]
People = Annotated[
    str, typer.Option(help="athlete, largest, longest, all, a number of all, or X,Y in pixels.")
]
Person = Annotated[int | None, typer.Option(help="Which person, where files hold several.")]
Preset = Annotated[
    str,
    typer.Option(
        help="default, live (looks only back), thesis, thesis_cleaned (filled and smoothed already) or exercise_quality."
    ),
]
RecipeName = Annotated[str, typer.Option("--recipe", help="default, thesis or exercise_quality.")]
Seed = Annotated[int, typer.Option(help="Makes training repeatable.")]
Workers = Annotated[int, typer.Option(help="Processes, each at a training of its own; 1 GB each.")]


def people_of(text: str) -> str | int | tuple[float, float]:
    """A word, a number or a point, as extract and formats take it.

    >>> people_of("largest"), people_of("2"), people_of("420,300")
    ('largest', 2, (420.0, 300.0))
    """
    if text.isdecimal():
        return int(text)
    x, comma, y = text.partition(",")
    if not comma:
        return text
    try:
        return float(x), float(y)
    except ValueError:
        raise ValueError(f"`--people` must be a word, a number or X,Y in pixels, got {text!r}.") from None


def size_of(option: str, text: str | None) -> tuple[int, int] | None:
    """(width, height) in pixels; None where the option is not given.

    >>> size_of("image-size", "1920x1080")
    (1920, 1080)
    """
    if text is None:
        return None
    width, by, height = text.lower().partition("x")
    if not (by and width.isdecimal() and height.isdecimal()):
        raise ValueError(f"`--{option}` must be WIDTHxHEIGHT in pixels, like 1920x1080, got {text!r}.")
    return int(width), int(height)


def recipe_of(name: str, mirror: bool) -> Any:
    """What training takes: the name, or the recipe of that name without mirrored copies."""
    from gymskel.training import without_mirror

    return name if mirror else without_mirror(name)


def check_names(model: str, recipe: str, preprocess: str = "default", protocol: str = "athletes") -> None:
    """Refuses a wrong name before hours of extraction, not after."""
    from gymskel.models import BUILDERS
    from gymskel.preprocess.preprocessor import PRESETS
    from gymskel.training import RECIPES

    for option, name, known in (
        ("model", model, BUILDERS),
        ("recipe", recipe, RECIPES),
        ("preprocess", preprocess, PRESETS),
        ("protocol", protocol, ("athletes", "thesis")),
    ):
        if name not in known:
            raise ValueError(f"`--{option}` must be one of {', '.join(known)}, got {name!r}.")
