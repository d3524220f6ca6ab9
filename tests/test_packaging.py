"""The source package holds all that its own tests need, and its description no picture that is lost outside the repository."""

import re
import shutil
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(find_spec("setuptools") is None, reason="needs setuptools")

ROOT = Path(__file__).parents[1]
PARTS = ("gymskel", "tests", "docs", "notebooks", "examples", "benchmarks")
MADE = {"__pycache__", ".ipynb_checkpoints"}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """An unpacked source package, built from a copy of this checkout."""
    folder = tmp_path_factory.mktemp("sdist")
    copy = folder / "checkout"
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns(*MADE))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, copy)
    script = "from setuptools import build_meta; build_meta.build_sdist('dist')"
    subprocess.run([sys.executable, "-c", script], cwd=copy, check=True, capture_output=True)
    (archive,) = (copy / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def test_the_source_package_holds_every_file(sdist):
    wanted = {
        path.relative_to(ROOT)
        for part in PARTS
        for path in (ROOT / part).rglob("*")
        if path.is_file() and not MADE & set(path.parts)
    }
    assert len(wanted) > 300
    assert {path for path in wanted if not (sdist / path).is_file()} == set()
    for name in ("Makefile", "MANIFEST.in", "CITATION.cff", "LICENSE", "setup.cfg", "pyproject.toml"):
        assert (sdist / name).is_file(), name


def test_the_description_has_no_picture_that_only_the_repository_has(sdist):
    text = (sdist / "PKG-INFO").read_text(encoding="utf-8")
    assert "# gymskel" in text and "Author: gymskel contributors" in text
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert [address for address in pictures if not address.startswith("https://")] == []
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown and all((ROOT / address).is_file() for address in shown)


def test_versions_agree():
    import gymskel

    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited and cited[1] == gymskel.__version__
