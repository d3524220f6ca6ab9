"""One HTML page that holds everything it shows: no request leaves it, and it says so to the browser."""

from __future__ import annotations

from html import escape
from importlib.resources import files

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def draw_page(title: str, body: str, *, styles: str = "") -> str:
    """A whole HTML page with the player's script and style in it.

    The page's own security policy forbids the browser every request, so that what is in it stays on the reader's machine.

    Args:
        title: plain text.
        body: HTML.
        styles: CSS of one's own.

    >>> draw_page("A & B", "<p>text</p>").splitlines()[:2]
    ['<!DOCTYPE html>', '<html lang="en">']
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{read_asset("player.css")}{styles}</style>
</head>
<body>
{body}
<script>
{read_asset("player.js")}</script>
</body>
</html>
"""


def read_asset(name: str, package: str = "gymskel.viewer") -> str:
    """The text of a file that lies beside the code."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
