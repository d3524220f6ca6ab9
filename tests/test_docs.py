"""What the README and the pages of the documentation say, runs.

Python blocks of a page run one after the other, as in a notebook, in a folder that holds what the pages speak of: `my_clips`,
`keypoints`, `labels.csv`, `moves.gymskel`. Shell blocks are parsed by bash, their gymskel commands by gymskel itself.
"""

import ast
import configparser
import pkgutil
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from gymskel.cli import app
from gymskel.simulate import simulate_recording, simulate_recordings, write_film
from gymskel.training import RECIPES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCES = {"python", "bash", "text"}  # what runs, what is parsed, and what is only looked at


def blocks(text, language):
    """[block, ...] between fences of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run_python(text, name):
    """Runs the python blocks of a page, and returns what they leave behind."""
    left = {}
    for block in blocks(text, "python"):
        exec(compile(block, name, "exec"), left)
    return left


def check_shell(text):
    """Raises where a shell block is not bash, or calls something that gymskel, make, pip or Python would refuse."""
    for block in blocks(text, "bash"):
        subprocess.run(["bash", "-n"], input=block, text=True, check=True, capture_output=True)
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                KNOWN[words[0]](words[1:])


def _gymskel(words):
    command = typer.main.get_command(app)
    if words == ["--version"]:
        with pytest.raises(typer.Exit):
            command.make_context("gymskel", words)
        return
    name, _, rest = command.resolve_command(command.make_context("gymskel", list(words)), list(words))
    chosen = command.commands[name]
    chosen.make_context(name, list(rest) if rest else list(words[1:])).close()


def _make(words):
    for target in words:
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), (
            target
        )


def _pip(words):
    assert words[0] == "install"
    extras = configparser.ConfigParser()
    extras.read(ROOT / "setup.cfg", encoding="utf-8")
    for named in re.findall(r"\[(.*?)\]", " ".join(words)):
        assert set(named.split(",")) <= set(extras["options.extras_require"]), named


def _python(words):
    if words[0] == "-c":
        ast.parse(words[1])
    elif words[0] != "-m":
        assert (ROOT / words[0]).is_file(), words[0]


def _nothing(words):
    """For what the shell itself knows; bash has parsed it."""


KNOWN = {
    "gymskel": _gymskel,
    "make": _make,
    "pip": _pip,
    "python": _python,
    "python3.11": _python,
    ".": _nothing,
    "export": _nothing,
    "pre-commit": _nothing,
    "git": _nothing,
    "cd": _nothing,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A folder that holds what the pages speak of."""
    from gymskel import SkeletonClassifier, write_recording
    from gymskel.training import Recipe

    folder = tmp_path_factory.mktemp("table")
    film = simulate_recording("backflip", athlete="a01", fps=20, noise=0, lost=0)
    write_film(film, folder / "my_clips" / f"{film.name}.mp4")
    recordings = simulate_recordings(athletes=2, per_athlete=1, fps=30)
    rows = ["file,activity,athlete"]
    for one in recordings:
        write_recording(one, folder / "keypoints")
        rows.append(f"{one.video},{one.activity},{one.athlete}")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    short = Recipe("short", epochs=1, batch_size=4, learning_rate=1e-3)
    small = SkeletonClassifier(
        "lstm_attention", {"features": "raw", "units": 4}, recipe=short, random_state=0
    )
    small.fit(recordings).save(folder / "moves.gymskel")
    return folder


@pytest.fixture
def here(table, tmp_path, monkeypatch):
    """A copy of it, and we are in it."""
    shutil.copytree(table, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_there_are_blocks():
    """Else the tests below would pass on nothing."""
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
    count = {language: sum(len(blocks(text, language)) for text in texts.values()) for language in FENCES}
    assert len(texts) >= 18 and count["python"] >= 18 and count["bash"] >= 20
    assert {"README.md", "docs/index.md", "docs/getting_started.md", "docs/howto/own_videos.md"} <= set(texts)
    for page, text in texts.items():
        opened = re.findall(r"^ *```(\S.*)$", text, re.MULTILINE)
        strange = {word for word in opened if word not in FENCES and not word.startswith("{")}
        assert not strange, f"{page}: blocks in {strange} are not looked at"
        seen = sum(len(blocks(text, language)) for language in FENCES)
        assert seen == sum(not word.startswith("{") for word in opened), f"{page}: an indented or open fence"


WITH_PYTHON = [path for path in PAGES if blocks(path.read_text(encoding="utf-8"), "python")]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_blocks_run(page, here, capsys, monkeypatch):
    monkeypatch.setitem(RECIPES, "default", replace(RECIPES["default"], epochs=40, min_steps=40))
    if page.name == "README.md":
        (here / "moves.gymskel").unlink()
    run_python(page.read_text(encoding="utf-8"), page.name)
    printed = capsys.readouterr().out
    if page.name == "README.md":
        assert "fill > smooth > center" in printed and "probability" in printed
        assert (here / "moves.gymskel").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_blocks_are_understood(page, here):
    check_shell(page.read_text(encoding="utf-8").replace("new_clip.mov", "my_clips"))


BROKEN = {
    "python that fails": "```python\n1 / 0\n```\n",
    "python that is none": "```python\nfor\n```\n",
    "a name from a later block": "```python\nprint(later)\n```\n\n```python\nlater = 1\n```\n",
    "no such command": "```bash\ngymskel extrude my_clips\n```\n",
    "no such option": "```bash\ngymskel extract my_clips --colour red\n```\n",
    "an argument is missing": "```bash\ngymskel overlay my_clips\n```\n",
    "not a number": "```bash\ngymskel extract my_clips --fps fast\n```\n",
    "no such target": "```bash\nmake coffee\n```\n",
    "no such extra": '```bash\npip install ".[coffee]"\n```\n',
    "no such program": "```bash\nbrew coffee\n```\n",
    "no such file": "```bash\npython examples/coffee.py\n```\n",
    "not bash": "```bash\nif gymskel demo\n```\n",
    "python in the shell": "```bash\npython -c 'import ='\n```\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_block_is_noticed(text, here):
    """Each of the ways in which a page can be wrong."""
    with pytest.raises((Exception, SystemExit)):
        run_python(text, "broken.md")
        check_shell(text)


def test_make_targets_exist():
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test", "test-all", "docs"} <= named
    _make(named)


def test_pictures_are_there_and_say_what_they_show():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", readme)
    assert pictures
    for caption, path in pictures:
        assert len(caption) > 20 and (ROOT / path).is_file(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"https?:|mailto:", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_tree_names_every_file():
    tree = blocks((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "text")[0]
    for path in (ROOT / "gymskel").iterdir():
        if path.suffix == ".py" and path.name not in ("__init__.py",):
            assert f" {path.name} " in tree, f"the tree in CONTRIBUTING.md lacks {path.name}"
        elif path.is_dir() and path.name != "__pycache__":
            assert f" {path.name}/ " in tree, f"the tree in CONTRIBUTING.md lacks {path.name}/"


def test_the_api_names_every_stage():
    """A new module that users import needs a section in docs/api."""
    import gymskel

    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md"))
    named = set(re.findall(r"^\.\. automodule:: gymskel\.(\w+)$", text, re.MULTILINE))
    assert set(gymskel._STAGES) <= named


def test_every_page_is_in_a_table_of_contents():
    docs = ROOT / "docs"
    listed = set()
    for page in docs.rglob("*.md"):
        for tree in re.findall(
            r"^```\{toctree\}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            listed |= {line for line in tree.splitlines() if line and not line.startswith(":")}
    pages = {str(path.relative_to(docs).with_suffix("")) for path in docs.rglob("*.md")} - {"index"}
    notebooks = {f"notebooks/{path.stem}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert listed == pages | notebooks


def test_the_journey_names_what_exists():
    text = (ROOT / "docs" / "journey.md").read_text(encoding="utf-8")
    steps = text.partition("## Step by step")[2].partition("## Rules")[0]
    names = set(re.findall(r"`([a-z_]+(?:\.\w+)+)`", steps)) - {"keras.Model.fit"}
    names = {
        name
        for name in names
        if not name.endswith(".json") and name != "gymskel.extract.batch.extract_videos"
    }
    assert len(names) > 40
    for name in names:
        pkgutil.resolve_name(f"gymskel.{name}")
