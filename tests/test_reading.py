"""One door: every format is told by what it is, and a data set is found, or the message says how to get it."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.foreign_files import SCORER, annotation, deeplabcut_table, saved
from typer.testing import CliRunner

from gymskel import datasets
from gymskel.cli import app
from gymskel.formats import find_format, read_keypoints, read_pack, to_dataframe, write_pack, write_parquet
from gymskel.recording import Recording, write_recording


def one(**given):
    told = {"fps": 30.0, "activity": "flip", "athlete": "ann", "video": "flip-1-ann.mov"}
    return Recording(np.ones((3, 25, 3)), **{**told, **given})


def zip_of(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*.*"):
            archive.write(file, file.relative_to(folder.parent))
    return path


def made(kind, folder):
    """A file or folder of a kind."""
    folder.mkdir()
    if kind == "csv":
        write_recording(one(), folder)
        return folder
    if kind == "csv.zip":
        write_recording(one(), folder)
        return zip_of(folder, folder.with_suffix(".zip"))
    if kind == "openpose":
        text = '{"people": [{"pose_keypoints_2d": [' + ", ".join(["10, 20, 0.5"] * 25) + "]}]}"
        (folder / "flip-1-ann_000000000000_keypoints.json").write_text(text)
        return folder
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        return write_parquet([one()], folder / "moves")
    if kind == "pack":
        return write_pack([one()], folder / "moves.npz")
    if kind == "pyskl":
        return saved(folder / "moves.pkl", [annotation("flip-1-ann")])
    if kind == "deeplabcut":
        deeplabcut_table(np.full((2, 9), 0.5)).to_csv(folder / f"flip-1-ann{SCORER}.csv")
        return folder / f"flip-1-ann{SCORER}.csv"
    if kind == "deeplabcut folder":
        return made("deeplabcut", folder / "deep").parent
    if kind == "pose":
        pytest.importorskip("pose_format")
        from pose_format.utils.openpose import OpenPose_Components
        from test_pose_format import written

        return written(folder / "flip-1-ann.pose", OpenPose_Components)
    to_dataframe(one(), wide=True).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


KINDS = [
    "csv",
    "csv.zip",
    "openpose",
    "parquet",
    "pack",
    "pyskl",
    "deeplabcut",
    "deeplabcut folder",
    "pose",
    "table",
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_told_and_read(tmp_path, kind):
    path = made(kind, tmp_path / "data")
    assert find_format(path) == kind.removesuffix(".zip").removesuffix(" folder")
    (read,) = read_keypoints(path, fps=50, person=0)
    assert (read.fps, read.athlete, read.source) == (50, "ann", "flip-1-ann") and read.timestamps is None
    labels = tmp_path / "labels.csv"
    labels.write_text("file,activity,athlete\nflip-1-ann.mov,vault,bo\n")
    assert read_keypoints(path, labels=labels)[0].name.startswith("vault")
    if kind != "pyskl":
        with pytest.raises(ValueError, match=r"7"):
            read_keypoints(path, person=7)


def test_what_is_nothing_and_what_is_several(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No folder or \.zip .*nowhere"):
        read_keypoints(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"No file .*nowhere\.pose"):
        read_keypoints(tmp_path / "nowhere.pose")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"notes.txt is no file with recordings"):
        read_keypoints(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError, match="No recording in"):
        read_keypoints(tmp_path)
    made("deeplabcut", tmp_path / "a")
    made("openpose", tmp_path / "b")
    with pytest.raises(ValueError, match=r"several formats: .*deeplabcut"):
        read_keypoints(tmp_path)


@pytest.mark.parametrize("other", ["openpose", "parquet", "pack", "pyskl", "deeplabcut", "pose", "csv.zip"])
def test_nothing_beside_per_frame_csvs_is_passed_over(tmp_path, other):
    made("csv", tmp_path / "data")
    path = made(other, tmp_path / "other")
    if other == "csv.zip":
        path.parent.joinpath("zips").mkdir()
        path.rename(tmp_path / "data" / "moves.zip")
    else:
        (tmp_path / "other").rename(tmp_path / "data" / "other")
    with pytest.raises(
        ValueError,
        match=rf"several formats: csv \(\S+\), {other.removeprefix('csv.')} \(|several formats: .*, csv",
    ):
        read_keypoints(tmp_path / "data")


@pytest.mark.parametrize("kind", ["pack", "pyskl"])
def test_several_files_in_a_folder_are_all_read(tmp_path, kind):
    for name in "ab":
        made(kind, tmp_path / name)
    assert [r.source for r in read_keypoints(tmp_path)] == ["flip-1-ann"] * 2


def test_what_holds_no_recordings_may_lie_beside_them(tmp_path):
    folder = made("csv", tmp_path / "data")
    for name in ("labels.csv", "notes.txt", ".hidden.pose", "flip-1-ann/more.csv.txt"):
        (folder / name).write_text("file,activity\n")
    (folder / ".part").mkdir()
    (folder / ".part" / "a.parquet").touch()
    np.savez(folder / "heights.npz", ann=1.7, facts=2)
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("ann.jpg", "")
    assert [r.source for r in read_keypoints(folder)] == ["flip-1-ann"]
    for name in ("heights.npz", "photos.zip"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-9])
        with pytest.raises(ValueError, match=rf"several formats: .*\({name}\)"):  # it may hold anything
            read_keypoints(folder)
        (folder / name).unlink()


def test_the_shell_packs_what_the_door_reads(tmp_path):
    path = made("pyskl", tmp_path / "data")
    done = CliRunner().invoke(app, ["pack", str(path), "-o", str(tmp_path / "a.npz"), "--fps", "25"])
    assert done.exit_code == 0, done.output
    assert [r.fps for r in read_pack(tmp_path / "a.npz")] == [25]
    evil = tmp_path / "evil.pkl"
    evil.write_bytes(pickle.dumps([Path("x")]))
    done = CliRunner().invoke(app, ["pack", str(evil)])
    assert done.exit_code and "wants to run pathlib" in str(done.exception)


# --- data sets ---------------------------------------------------------------------------------------------------


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """No cache, no folder, and a network that is not there."""
    pooch = pytest.importorskip("pooch")

    def fails(url, **_):
        raise OSError("Name or service not known")

    monkeypatch.delenv("GYMSKEL_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(pooch, "retrieve", fails)
    return pooch


@pytest.mark.parametrize("fetch", [datasets.fetch_tumbling, datasets.fetch_jhmdb, datasets.fetch_parkour])
def test_offline_the_message_says_what_to_do(offline, fetch):
    with pytest.raises(OSError, match=r"https://.*GYMSKEL_DATA"):
        fetch()


def test_tumbling_from_a_folder_and_from_the_archive(offline, tmp_path, monkeypatch):
    write_recording(one(), tmp_path / "tumbling")
    zip_of(tmp_path / "tumbling", tmp_path / "tumbling.zip")
    monkeypatch.setenv("GYMSKEL_DATA", str(tmp_path))
    assert [(r.name, r.fps) for r in datasets.fetch_tumbling()] == [("flip-1-ann", 60)]
    monkeypatch.delenv("GYMSKEL_DATA")

    def retrieve(url, *, known_hash, fname, path, processor):
        assert url.startswith("https://github.com/AllarVi/") and known_hash is None
        path.mkdir(parents=True)
        with zipfile.ZipFile(tmp_path / "tumbling.zip") as own, zipfile.ZipFile(path / fname, "w") as archive:
            for name in own.namelist():
                archive.writestr(f"repo-a66b3c3d/filtered-keypoints/{name.partition('/')[2]}", own.read(name))
                archive.writestr(f"repo-a66b3c3d/other/{name}", own.read(name))
        return processor(str(path / fname), "download", None)

    monkeypatch.setattr(offline, "retrieve", retrieve)
    assert len(datasets.fetch_tumbling()) == 1
    monkeypatch.setattr(offline, "retrieve", None)  # from the cache now
    assert [r.name for r in datasets.fetch_tumbling()] == ["flip-1-ann"]


def test_a_damaged_download_is_told_and_not_kept(offline, tmp_path, monkeypatch):
    def retrieve(url, *, known_hash, fname, path, processor):
        path.mkdir(parents=True)
        write_recording(one(), tmp_path / "tumbling")
        content = zip_of(tmp_path / "tumbling", path / fname).read_bytes()
        (path / fname).write_bytes(content.replace(b"PK\x01\x02", b"PK\x01\x09"))
        return processor(str(path / fname), "download", None)

    monkeypatch.setattr(offline, "retrieve", retrieve)
    with pytest.raises(OSError, match=r"tumbling.zip .*central directory"):
        datasets.fetch_tumbling()
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_jhmdb_from_both_forms(offline, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    poses = [rng.normal(size=(n, 15, 2)) for n in (4, 6, 5)]
    both = {"train": (poses[:2], ["clap", "run"]), "test": (poses[2:], ["clap"])}
    packed = {"class_names": np.array(["clap", "run"])}
    for part, (some, labels) in both.items():
        (tmp_path / f"GT_{part}_1.pkl").write_bytes(pickle.dumps({"pose": some, "label": labels}))
        x = np.zeros((len(some), 6, 15, 2), np.float32)
        for row, pose in zip(x, some, strict=True):
            row[: len(pose)] = pose
        packed |= {
            f"split1_x_{part}": x,
            f"split1_len_{part}": np.array([len(pose) for pose in some], np.int32),
            f"split1_y_{part}": np.array([["clap", "run"].index(label) for label in labels]),
        }
    monkeypatch.setenv("GYMSKEL_DATA", str(tmp_path))
    pickled = datasets.fetch_jhmdb()
    np.savez(tmp_path / "jhmdb.npz", **packed)
    for a, b in zip(pickled, datasets.fetch_jhmdb(), strict=True):
        frames = a.x.shape[1]
        np.testing.assert_array_equal(a.x, b.x[:, :frames])
        assert (a.lengths.tolist(), a.y.tolist(), a.sources) == (b.lengths.tolist(), b.y.tolist(), b.sources)
        assert a.classes == b.classes == ("clap", "run") and a.skeleton == b.skeleton == datasets.JHMDB_15
    with pytest.raises(ValueError, match=r"`split` .*got 4"):
        datasets.fetch_jhmdb(4)
    with pytest.raises(ValueError, match=r"jhmdb.npz: .*split2_x_train"):
        datasets.fetch_jhmdb(2)


def test_parkour_from_a_folder(offline, tmp_path, monkeypatch):
    names = [
        f"{datasets._MOVES[n[:2]]}-{int(n[2:4])}-{datasets._PEOPLE[n[-2:]]}.mp4"
        for n in datasets._PARKOUR_CLIPS
    ]
    (tmp_path / "parkour").mkdir()
    for name in names:
        (tmp_path / "parkour" / name).touch()
    monkeypatch.setenv("GYMSKEL_DATA", str(tmp_path))
    found = datasets.fetch_parkour()
    assert [path.name for path in found] == names and len(set(names)) == 28
    moves = [path.name.rpartition("-")[0].rpartition("-")[0] for path in found]
    assert {move: moves.count(move) for move in moves} == {
        "kong-vault": 7,
        "muscle-up": 6,
        "pull-up": 6,
        "safety-vault": 9,
    }


def test_the_real_files(shared, monkeypatch):
    monkeypatch.setenv("GYMSKEL_DATA", str(shared / "data"))
    train, test = datasets.fetch_jhmdb(3)
    assert (len(train), len(test), len(train.classes)) == (434, 175, 14)
    monkeypatch.setenv("GYMSKEL_DATA", str(shared / "media"))
    assert [path.name for path in datasets.fetch_parkour()] == sorted(
        (path.name for path in (shared / "media" / "parkour").glob("*.mp4")),
        key=[path.name for path in datasets.fetch_parkour()].index,
    )
