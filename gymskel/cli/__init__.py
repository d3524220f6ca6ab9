"""The shell's face of gymskel: arguments in, files and tables out, no logic of its own."""

from __future__ import annotations

import os
import sys

import typer

from gymskel.cli.classifiers import demo, evaluate, explain, export, predict, report, train
from gymskel.cli.keypoints import extract, import_openpose, kinematics, overlay, pack

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets with a page of lines otherwise

app = typer.Typer(
    help="Videos of gymnastic moves -> a trained, explained classifier of those moves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    *(extract, import_openpose, overlay),
    *(train, evaluate, predict, export, explain),
    *(kinematics, report, pack, demo),
):
    app.command()(command)


def main() -> None:
    """Runs the command; faults of the user's files end in one line, not in a traceback."""
    try:
        app()
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as fault:
        if os.environ.get("GYMSKEL_DEBUG"):
            raise
        typer.echo(f"gymskel: {fault}", err=True)
        sys.exit(1)
    except (
        KeyboardInterrupt,
        SystemExit,
    ) as end:  # typer turns the former into the latter with 130, and says nothing
        if isinstance(end, SystemExit) and end.code != 130:
            raise
        typer.echo(
            "gymskel: interrupted; what was finished is kept, start the same command again to go on.",
            err=True,
        )
        sys.exit(130)
