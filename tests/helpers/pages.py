"""HTML pages, parsed and checked."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np

UNSEEN = -32768


class Page(HTMLParser):
    """Contents of a page: elements, ids, addresses, data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self._script = None
        self.data: dict[str, dict] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._script = dict(attrs) if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._script = None

    def handle_data(self, data):
        if self._script is None:
            self.texts.append(data)
        elif self._script.get("type") == "application/json":
            self.data[self._script["id"]] = json.loads(data)

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def check_page(html: str) -> Page:
    """Parse a page; refuse addresses outside it, repeated ids, and controls or pictures without a name."""
    page = Page(html)
    assert len(page.ids) == len(set(page.ids)), "ids must be unique"
    for tag, attrs in page.elements:
        for name in ("src", "href", "srcset", "poster", "action", "data"):
            assert re.match(r"data:image/png;base64,|#", attrs.get(name) or "#"), (tag, attrs[name][:60])
        if (attrs.get("href") or "").startswith("#"):
            assert attrs["href"][1:] in page.ids
        if "aria-labelledby" in attrs:
            assert attrs["aria-labelledby"] in page.ids
        if tag == "img":
            assert len(attrs["alt"]) > 10
        if tag in ("button", "canvas") or (tag == "input") or attrs.get("role") in ("img", "region", "group"):
            assert attrs.get("aria-label"), (tag, attrs)
        if tag == "figure":
            assert attrs["data-clip"] in page.data
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|https?://", html)
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert [name for name, attrs in page.elements if name == "html" and attrs["lang"] == "en"]
    return page


def unpack_keypoints(packed: dict) -> np.ndarray:
    """Return (frames, joints, 3) float32 of packed keypoints, as player.js decodes them; unseen = NaN, NaN, 0.

    Coordinates are exact to half of `scale`, confidence to 1/510.

    """
    shape = packed["frames"], packed["joints"]
    steps = np.frombuffer(base64.b64decode(packed["xy"]), "<i2").reshape(*shape, 2)
    confidence = np.frombuffer(base64.b64decode(packed["sure"]), np.uint8).reshape(shape)
    xy = steps * packed["scale"] + np.asarray(packed["origin"])
    xy = np.where(steps == UNSEEN, np.nan, xy)
    return np.concatenate([xy, confidence[..., None] / 255], axis=-1).astype(np.float32)
