"""A file appears whole or not at all, and leaves nothing beside it."""

import pytest

from gymskel.files import replace_file


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "deep" / "a.npz"
    for text in ("first", "second"):
        with replace_file(path) as part:
            assert part.parent == path.parent and part.suffix == ".npz" and part.name.startswith(".")
            part.write_text(text)
        assert path.read_text() == text
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_file_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(error), replace_file(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_two_writers_have_two_names(tmp_path):
    with replace_file(tmp_path / "a") as one, replace_file(tmp_path / "a") as other:
        assert one != other
        one.write_text("1")
        other.write_text("2")
    assert (tmp_path / "a").read_text() == "1"  # the one that ends last
