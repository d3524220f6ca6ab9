"""Lines that commands print, and their exit status."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator

import typer


def print_notes(lines: Iterable[str]) -> None:
    """Print each line once to standard error, after a "!"."""
    for line in dict.fromkeys(lines):
        typer.echo(f"! {line}", err=True)


@contextlib.contextmanager
def noted_warnings() -> Iterator[None]:
    """Print the warnings of the block as notes when it ends without an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    print_notes(str(warning.message) for warning in caught)


def exit_with_failures(failed: object) -> None:
    """End the command with status 1 if `failed` is true: a number of videos, or a list of them."""
    if failed:
        raise typer.Exit(1)
