"""A file appears whole or not at all, and leaves nothing beside it."""

import os
import subprocess
import sys

import pytest

from gymskel import files
from gymskel.files import acquire_lock, replace_file


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


LOCKING = """
import sys
from pathlib import Path
from gymskel.files import acquire_lock

print(acquire_lock(Path(sys.argv[1]), wait=False) is not None, flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_by_one_process_until_it_is_killed(tmp_path):
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", LOCKING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "True\n"
        assert acquire_lock(path, wait=False) is None
        other.kill()
        other.wait()
    handle = acquire_lock(path, wait=True)
    assert handle is not None
    os.close(handle)
    with pytest.raises(FileNotFoundError):
        acquire_lock(tmp_path / "gone" / "lock", wait=False)


def test_a_lock_whose_file_is_removed_is_taken_anew(tmp_path, monkeypatch):
    """Another process removes the file between its opening and its lock."""
    path, lock = tmp_path / "lock", files._lock_handle

    def late(handle, wait):
        monkeypatch.setattr(files, "_lock_handle", lock)
        path.unlink()
        return lock(handle, wait)

    monkeypatch.setattr(files, "_lock_handle", late)
    handle = acquire_lock(path, wait=False)
    assert os.path.samestat(os.fstat(handle), path.stat())
    os.close(handle)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets not everybody make links")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "latest.npz"
    link.symlink_to(tmp_path / "real" / "a.npz")
    for text in ("first", "second"):  # at first the link leads nowhere
        with replace_file(link) as part:
            part.write_text(text)
        assert link.is_symlink() and (tmp_path / "real" / "a.npz").read_text() == text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_devices_pipes_and_folders_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match=f"{path} is a folder, a device"), replace_file(path) as part:
            part.write_text("never")
