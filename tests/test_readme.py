"""What the README says, runs."""

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert blocks("python")
    names = {}  # a block goes on with what those before it made
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "fill > smooth > center" in printed and "probability" in printed
    assert (tmp_path / "moves.gymskel").is_file()


def test_shell_commands_exist():
    from gymskel.cli import app

    known = {command.callback.__name__ for command in app.registered_commands}
    named = set(re.findall(r"^gymskel (\w+)", "\n".join(blocks("bash")), re.MULTILINE))
    assert named and named <= known


def test_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test", "test-newest"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_pictures_are_there_and_say_what_they_show():
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", README)
    assert len(pictures) >= 2
    for told, path in pictures:
        assert len(told) > 20 and (Path(__file__).parents[1] / path).is_file(), path


def test_the_tree_names_every_file():
    tree = blocks("text")[0]
    package = Path(__file__).parents[1] / "gymskel"
    for path in package.iterdir():
        if path.suffix == ".py" and path.name not in ("__init__.py",):
            assert path.name in tree, f"README's tree lacks {path.name}"
        elif path.is_dir() and path.name != "__pycache__":
            assert f"{path.name}/" in tree, f"README's tree lacks {path.name}/"
