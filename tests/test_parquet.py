"""Parquet data sets: written from a stream, opened without reading, read back bit for bit, refused where damaged."""

import builtins
import json
import weakref

import numpy as np
import pandas as pd
import pytest
from helpers.any_recordings import STICK, assert_same, recordings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gymskel import archive
from gymskel.formats import parquet_dataset as stored_module
from gymskel.formats.parquet import open_parquet, read_parquet, write_parquet
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.splits import leave_groups_out

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def some() -> list[Recording]:
    return simulate_recordings(athletes=3, per_athlete=2, seed=0)


@pytest.fixture
def folder(some, tmp_path):
    """Three files of two row groups of two recordings."""
    size = 2e-6 * max(one.keypoints.nbytes for one in some)
    return write_parquet(iter(some), tmp_path / "set", group_mb=size, partition_mb=2 * size)


@given(st.lists(recordings(skeletons=[STICK]), min_size=1, max_size=6), st.sampled_from([1e-6, 1e-4, 1]))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_write_and_read_is_the_identity(tmp_path_factory, many, size):
    folder = write_parquet(many, tmp_path_factory.mktemp("set"), group_mb=size, partition_mb=2 * size)
    for one, other in zip(many, read_parquet(folder), strict=True):
        assert_same(one, other)


def test_real_recordings(tumbling, tmp_path):
    for one, other in zip(tumbling, read_parquet(write_parquet(tumbling, tmp_path)), strict=True):
        assert_same(one, other)


def test_the_whole_is_known_and_nothing_read(some, folder, monkeypatch):
    assert [path.name for path in sorted(folder.iterdir())] == [f"part-0000{k}.parquet" for k in range(3)]
    monkeypatch.setattr(stored_module, "_read_numbers", None)
    stored = open_parquet(folder)
    assert len(stored) == len(some) == 12
    assert stored.skeleton == some[0].skeleton
    assert len(stored.row_groups) == 6
    assert stored.activities == tuple(one.activity for one in some)
    assert stored.athletes == tuple(one.athlete for one in some)
    assert stored.sources == tuple(one.source for one in some)
    assert stored.fps == (60.0,) * 12
    assert stored.lengths.tolist() == [len(one) for one in some]
    assert stored.column("history") == [one.history for one in some]
    assert repr(stored) == f"<12 recordings in {folder}, {stored.lengths.sum()} frames, BODY_25>"
    assert stored[3:5].sources == stored.sources[3:5]


def test_athletes_are_left_out(some, folder):
    stored = open_parquet(folder)
    for train, test in leave_groups_out(stored.groups):
        inside, outside = {one.athlete for one in stored[train]}, {one.athlete for one in stored[test]}
        assert len(outside) == 1
        assert inside | outside == {"a01", "a02", "a03"}
        assert not inside & outside
    mask = np.array([one.athlete == "a02" for one in some])
    for one, other in zip([one for one in some if one.athlete == "a02"], stored[mask], strict=True):
        assert_same(one, other)
    assert [one.source for one in stored[mask][[-1]]] == [stored.sources[np.flatnonzero(mask)[-1]]]
    assert [one.source for one in stored[[7, 2, 2]]] == [some[2].source, some[7].source]  # their order stays


def test_without_athletes_the_source_is_the_group(tmp_path):
    some = [
        Recording(np.ones((1, 25, 3)), video="IMG_1.MOV"),
        Recording(np.ones((1, 25, 3)), sample="x", athlete="bo"),
    ]
    assert open_parquet(write_parquet(some, tmp_path)).groups.tolist() == ["source IMG_1", "bo"]


def test_only_row_groups_that_are_wanted_are_read(folder, monkeypatch):
    read, numbers = [], stored_module._read_numbers
    monkeypatch.setattr(
        stored_module,
        "_read_numbers",
        lambda group, *more: read.append(group.label[-27:]) or numbers(group, *more),
    )
    assert len(list(open_parquet(folder)[[0, 1, 11]])) == 3
    assert read == ["part-00000.parquet row group 0"[-27:], "part-00002.parquet row group 1"[-27:]]


def test_a_stream_is_not_held(some, tmp_path):
    """While the writer asks for the next recording, no more than three row groups of the former ones is alive."""
    alive, most = [], 0

    def stream():
        nonlocal most
        for k in range(40):
            one = some[k % 12].after("fill", some[k % 12].keypoints.copy())
            alive.append(weakref.ref(one.keypoints))
            yield one
            del one
            most = max(most, sum(ref() is not None for ref in alive))

    write_parquet(stream(), tmp_path, group_mb=4e-6 * max(one.keypoints.nbytes for one in some))
    assert len(open_parquet(tmp_path)) == 40
    assert most <= 3 * 4


def test_other_tools_read_it(some, folder):
    table = pd.read_parquet(folder)
    assert len(table) == sum(map(len, some))
    own = table[table.recording == 7]
    assert own.activity.unique().tolist() == [some[7].activity]
    assert own.athlete.unique().tolist() == [some[7].athlete]
    np.testing.assert_array_equal(own.MidHip_y, some[7].keypoints[:, 8, 1])
    np.testing.assert_allclose(own.seconds, np.arange(len(some[7])) / 60)
    assert own.frame.tolist() == list(range(some[7].first_frame, some[7].first_frame + len(some[7])))


def test_seconds_are_the_clock_or_unknown(tmp_path):
    points = np.ones((3, 25, 3))
    write_parquet([Recording(points, timestamps=np.array([1, 2, 4.0])), Recording(points)], tmp_path)
    assert pd.read_parquet(tmp_path).seconds.fillna(-1).tolist() == [1, 2, 4, -1, -1, -1]


# --- refusals ----------------------------------------------------------------------------------------------------


def test_what_is_not_written(some, tmp_path):
    with pytest.raises(ValueError, match="`recordings` is empty"):
        write_parquet([], tmp_path)
    with pytest.raises(TypeError, match="got a ndarray"):
        write_parquet([np.zeros(3)], tmp_path)
    other = Recording(np.ones((2, 3, 3)), skeleton=STICK)
    with pytest.raises(ValueError, match=r"1 has the layout stick.*BODY_25"):
        write_parquet([*some, other], tmp_path, group_mb=0.01, partition_mb=0.02)
    odd = Recording(np.ones((2, 3, 3)), skeleton=STICK, video=3)
    with pytest.raises(ValueError, match=r"recording 1: `video` .*got 3"):
        write_parquet([other, odd], tmp_path)
    assert not list(tmp_path.iterdir())  # nothing is left behind
    write_parquet(some[:1], tmp_path)
    with pytest.raises(ValueError, match=r"holds part-00000.parquet already"):
        write_parquet(some, tmp_path)


def test_a_stream_that_breaks_leaves_nothing(some, tmp_path):
    def stream():
        yield from some
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(stream(), tmp_path, group_mb=0.01, partition_mb=0.05)
    assert not list(tmp_path.iterdir())


def test_missing_files(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No .parquet file in a folder .*nowhere"):
        open_parquet(tmp_path / "nowhere")
    parts = sorted(folder.iterdir())
    last = parts[2].read_bytes()
    parts[2].unlink()
    with pytest.raises(ValueError, match=r"part-00001.parquet .*1 of 2 .*interrupted"):
        open_parquet(folder)
    parts[1].unlink()
    parts[2].write_bytes(last)
    with pytest.raises(ValueError, match=r"part-00002.parquet .*the last, .*1 of 2"):
        open_parquet(folder)


def test_files_that_are_not_ours(folder, tmp_path):
    path = folder / "part-00001.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-500])
    with pytest.raises(ValueError, match=r"part-00001.parquet .*cut off"):
        open_parquet(folder)
    (tmp_path / "x").mkdir()
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "x" / "a.parquet")
    with pytest.raises(ValueError, match=r"a.parquet .*write_parquet"):
        open_parquet(tmp_path / "x")


def rewrite(path, *, table=None, facts=None, **options):
    """The file with its table and facts changed by functions."""
    with pq.ParquetFile(path) as file:
        whole, known = file.read(), json.loads(file.metadata.metadata[b"gymskel"])
        size = file.metadata.row_group(0).num_rows
    if facts:
        facts(known)
    whole = table(whole) if table else whole
    with pq.ParquetWriter(path, whole.schema.remove_metadata(), **options) as writer:
        writer.write_table(whole, row_group_size=size)
        writer.add_key_value_metadata({"gymskel": json.dumps(known)})


def with_column(name, change):
    def changed(table):
        values = table[name].to_numpy().copy()
        return table.set_column(table.column_names.index(name), name, pa.array(change(values)))

    return changed


def one_value(row, value):
    def change(values):
        values[row] = value
        return values

    return change


@pytest.fixture
def single(some, tmp_path):
    """One file of one row group of three recordings."""
    write_parquet(some[:3], tmp_path)
    rewrite(tmp_path / "part-00000.parquet")
    assert len(read_parquet(tmp_path)) == 3
    return tmp_path


FOOTER = [
    ({"facts": lambda f: f.update(format=2)}, r"newer gymskel \(format 2\)"),
    ({"facts": lambda f: f["lengths"].pop()}, "3 recordings, 2 lengths, 3 in groups"),
    ({"facts": lambda f: f["lengths"].__setitem__(0, 0)}, "metadata is damaged"),
    ({"facts": lambda f: f["lengths"].__setitem__(0, 9)}, r"row groups of \d+ frames, expected \d+"),
    ({"facts": lambda f: f.update(groups=[1, 2])}, "row groups of"),
    ({"facts": lambda f: f.update(part="x")}, "metadata is damaged"),
    ({"facts": lambda f: f["columns"].pop("fps")}, "metadata on .*, expected"),
    ({"facts": lambda f: f.update(format="x")}, "metadata is damaged"),
    ({"table": lambda t: t.drop_columns(["Nose_x"])}, "columns other than those of BODY_25"),
    ({"table": with_column("Nose_x", lambda v: v.astype(float))}, r"columns other than .*Nose_x: double"),
]
ROWS = [
    (
        {"table": with_column("Nose_confidence", one_value(-1, np.nan))},
        "recording 2: .*confidence",
    ),
    ({"table": with_column("Nose_x", one_value(0, np.inf))}, "recording 0: .*finite"),
    (
        {"table": with_column("recording", one_value(4, 1))},
        "row 4 is of another recording",
    ),
    (
        {"table": with_column("Nose_x", lambda v: [None, *v[1:].tolist()]), "cast": True},
        "no number in Nose_x",
    ),
]


@pytest.mark.parametrize(("changes", "message"), FOOTER)
def test_a_wrong_footer_is_refused_at_the_door(single, changes, message):
    rewrite(single / "part-00000.parquet", **changes)
    with pytest.raises(ValueError, match=message) as caught:
        open_parquet(single)
    assert "part-00000.parquet" in str(caught.value)


@pytest.mark.parametrize(("changes", "message"), ROWS)
def test_wrong_rows_are_refused_when_read(single, changes, message):
    schema = pq.read_schema(single / "part-00000.parquet")
    if changes.pop("cast", False):
        change = changes["table"]
        changes["table"] = lambda table: change(table).cast(schema)
    rewrite(single / "part-00000.parquet", **changes)
    stored = open_parquet(single)
    with pytest.raises(ValueError, match=f"part-00000.parquet row group 0.*{message}"):
        list(stored)


def test_a_changed_number_is_found(some, tmp_path):
    path = write_parquet(some[:3], tmp_path) / "part-00000.parquet"
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(0).column(20)
        at = column.data_page_offset + column.total_compressed_size // 2
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"part-00000.parquet .*damaged.*CRC"):
        read_parquet(tmp_path)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    write_parquet([Recording(np.full((3000, 25, 3), (np.nan, np.nan, 0)))], tmp_path)
    assert len(read_parquet(tmp_path)[0]) == 3000
    monkeypatch.setattr(archive, "ALWAYS_ALLOWED_BYTES", 100_000)
    with pytest.raises(ValueError, match=r"part-00000.parquet has .*bomb"):
        open_parquet(tmp_path, max_ratio=2)
    assert len(read_parquet(tmp_path, max_ratio=2000)) == 1


def test_without_pyarrow(tmp_path, some, monkeypatch):
    write_parquet(some[:1], tmp_path)
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name.startswith("pyarrow"):
            raise ImportError("No module named 'pyarrow'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    for function in (open_parquet, lambda folder: write_parquet(some, folder / "more")):
        with pytest.raises(ValueError, match=r'pip install "gymskel\[parquet\]"'):
            function(tmp_path)
