"""Texts of errors and warnings: long lists cut to what a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN = 8
"""Names or lines in one message; of more only the number is told."""


def join_names(names: Iterable[object], *, shown: int = SHOWN) -> str:
    """Join names by commas; of a long list the first `shown` and the number of the others.

    >>> join_names(["Neck", "Nose"])
    'Neck, Nose'
    >>> join_names(range(12), shown=3)
    '0, 1, 2 and 9 more'
    """
    texts = [str(name) for name in names]
    more = f" and {len(texts) - shown} more" if len(texts) > shown else ""
    return ", ".join(texts[:shown]) + more


def join_lines(head: str, lines: Sequence[str], *, shown: int = SHOWN) -> str:
    """Join a headline and one line for each item; of many the first `shown` and the number of the others.

    >>> print(join_lines("2 files cannot be read:", ["a.csv: empty", "b.csv: empty"]))
    2 files cannot be read:
    a.csv: empty
    b.csv: empty
    """
    more = [f"... and {len(lines) - shown} more"] if len(lines) > shown else []
    return "\n".join([head, *lines[:shown], *more])
