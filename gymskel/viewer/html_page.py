"""Render one HTML page that contains everything it shows."""

from __future__ import annotations

from html import escape
from importlib.resources import files

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def render_page(title: str, body: str, *, styles: str = "") -> str:
    """Return a whole HTML page with the player's script and style.

    The page's security policy forbids the browser all requests, so its data stays on the reader's machine.
    `title` is plain text, `body` HTML, `styles` additional CSS.

    >>> render_page("A & B", "<p>text</p>").splitlines()[:2]
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
    """Return the text of a file in the package's folder."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
