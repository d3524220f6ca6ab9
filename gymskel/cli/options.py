"""Arguments and options that several commands share, and the values that their texts stand for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

out_option = partial(Option, "--out", "-o")
ClassifierFile = Annotated[Path, Argument(help="The .gymskel file of a classifier.")]
DATA_HELP = "A folder or .zip of CSV files, a .npz, .pose, .pkl or .csv file, or a folder of videos."
Data = Annotated[Path, Argument(help=DATA_HELP)]
Folds = Annotated[int | None, Option(help="Number of groups of athletes to leave out. Default: each alone.")]
Fps = Annotated[float | None, Option(help="Frames per second of the camera. Overrides the files.")]
Labels = Annotated[Path | None, Option(help="CSV file with the columns file, activity, athlete.")]
MIRROR_HELP = "Train on mirrored copies too. Use --no-mirror if left and right are two different moves."
Mirror = Annotated[bool, Option("--mirror/--no-mirror", help=MIRROR_HELP)]
MODEL_HELP = "Network: conv_gru, simple_rnn, lstm, hierarchical_rnn, lstm_attention or dd_net."
Model = Annotated[str, Option(help=MODEL_HELP)]
PEOPLE_HELP = "Person to keep: athlete, largest, longest, all, a person's number, or X,Y in pixels."
PeopleChoice = Annotated[str, Option(help=PEOPLE_HELP)]
Person = Annotated[int | None, Option(help="Number of the person, if files hold several people.")]
PRESET_HELP = "Preprocessing: default, live (past frames only), thesis, thesis_cleaned (for cleaned data) or exercise_quality."
Preset = Annotated[str, Option(help=PRESET_HELP)]
RecipeName = Annotated[str, Option("--recipe", help="Training recipe: default, thesis or exercise_quality.")]
SEED_HELP = "Start of the random numbers. The same seed repeats a training."
Seed = Annotated[int, Option(min=0, max=2**32 - 1, help=SEED_HELP)]  # the range of Keras
Workers = Annotated[int, Option(help="Number of processes, each with 1 GB of memory.")]


def parse_people(text: str) -> str | int | tuple[float, float]:
    """Return a choice of people as `extract_videos` takes it: a word, a number or a point.

    >>> parse_people("largest"), parse_people("2"), parse_people("420,300")
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
        raise ValueError(
            f"`--people` must be a word, a number or X,Y in pixels, got {text!r}. Fix: such as --people 420,300"
        ) from None


def parse_size(option: str, text: str | None) -> tuple[int, int] | None:
    """Return (width, height) in pixels; None if the option is not given.

    >>> parse_size("image-size", "1920x1080")
    (1920, 1080)
    """
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ValueError(
            f"`--{option}` must be WIDTHxHEIGHT in pixels, got {text!r}. Fix: such as --{option} 1920x1080"
        )
    return int(width), int(height)


def check_names(model: str, recipe: str, preprocess: str = "default", protocol: str = "athletes") -> None:
    """Raise ValueError for an unknown name, before hours of extraction."""
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
            raise ValueError(
                f"`--{option}` must be one of {', '.join(known)}, got {name!r}. Fix: give one of these names."
            )


def check_out_folder(out: Path) -> None:
    """Raise ValueError if the output folder is an existing file."""
    if out.is_file():
        raise ValueError(f"`--out` must be a folder, but {out} is a file. Fix: name another folder.")


def check_out_file(out: Path, *suffixes: str) -> None:
    """Raise ValueError if the output file is an existing folder, or does not end in one of the suffixes, if any."""
    if out.is_dir():
        name = f"NAME{suffixes[0] if suffixes else ''}"
        raise ValueError(
            f"`--out` must be a file, but {out} is a folder. Fix: name the file, such as {out / name}"
        )
    if suffixes and out.suffix.lower() not in suffixes:
        raise ValueError(
            f"`--out` must end in {' or '.join(suffixes)}, got {out}. Fix: such as {out.with_suffix(suffixes[0])}"
        )
