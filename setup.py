"""Give the README's pictures full addresses for a package index; setup.cfg holds everything else.

The README names its pictures relative to the repository. A package index has no such files: there a picture is
loaded from the address that setup.cfg gives as `url`, or, while it gives none, its caption stands alone.
"""

import configparser
import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent


def describe() -> str:
    """Return the README with no relative picture left in it."""
    config = configparser.ConfigParser()
    config.read(HERE / "setup.cfg", encoding="utf-8")
    home = config.get("metadata", "url", fallback="")
    picture = rf"![\1]({home}/raw/main/\2)" if home else r"*\1*"
    text = (HERE / "README.md").read_text(encoding="utf-8")
    return re.sub(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)", picture, text)


setup(long_description=describe(), long_description_content_type="text/markdown")
