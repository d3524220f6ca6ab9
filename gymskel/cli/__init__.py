"""The shell commands: arguments in, files and tables out, no logic of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

import gymskel
from gymskel.cli.classifiers import demo, evaluate, explain, export, predict, report, train
from gymskel.cli.keypoints import extract, import_openpose, kinematics, overlay, pack

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else TensorFlow prints a page of lines at its start

app = typer.Typer(
    help="From videos of gymnastic moves to a trained, explained classifier of those moves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Keypoints": (extract, import_openpose, overlay, pack),
    "Classifiers": (train, evaluate, predict, export),
    "Results": (explain, report, kinematics, demo),
}
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gymskel {gymskel.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Options of `gymskel` itself."""


def main() -> None:
    """Run the command; an error in the user's files ends in one line instead of a traceback."""
    try:
        app()
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:
        if os.environ.get("GYMSKEL_DEBUG"):
            raise
        message = str(error)
        if isinstance(error, OSError) and error.strerror and error.filename:
            fix = "Fix: check the path, its permissions and the space on the disk."
            message = f"{error.filename}: {error.strerror}. {fix}"
        typer.echo(f"gymskel: {message}", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as end:  # typer turns the former into the latter, with code 130
        if isinstance(end, SystemExit) and end.code != 130:
            raise
        typer.echo(
            "gymskel: interrupted. What was finished is kept. Fix: start the same command again to continue.",
            err=True,
        )
        sys.exit(130)
