"""DataFrames and xarray: what is written reads back equal, and what is no recording is refused with its place."""

import io

import numpy as np
import pandas as pd
import pytest
from helpers.any_recordings import STICK, assert_same, recordings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gymskel.formats import from_dataframe, from_xarray, read_table, to_dataframe, to_xarray
from gymskel.recording import MissingFramesWarning, Recording
from gymskel.skeleton import BODY_25, COCO_17, Skeleton

KEPT = "fps activity sample athlete skeleton video person first_frame".split()


def one(frames=3, skeleton=STICK, **given):
    points = np.arange(frames * len(skeleton) * 3, dtype=np.float32).reshape(frames, len(skeleton), 3)
    points[..., 2] = 0.5
    told = {"fps": 30.0, "activity": "flip", "sample": "2", "athlete": "ann", "video": "flip-2-ann.mov"}
    return Recording(points, skeleton=skeleton, **{**told, **given})


def assert_kept(a, b):
    """All that a table holds; a joint that is unseen may have had any order of columns."""
    for name in KEPT:
        assert getattr(a, name) == getattr(b, name) or name == "skeleton", name
    assert a.skeleton.joints == b.skeleton.joints
    np.testing.assert_array_equal(a.keypoints, b.keypoints)
    np.testing.assert_array_equal(a.timestamps, b.timestamps)


@pytest.mark.parametrize("wide", [False, True])
@given(st.lists(recordings(skeletons=(BODY_25,)), min_size=1, max_size=3))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_to_frame_and_back_is_the_identity(wide, some):
    back = from_dataframe(to_dataframe(some, wide=wide))
    assert len(back) == len(some)
    for a, b in zip(some, back, strict=True):
        assert_kept(a, b)


@pytest.mark.parametrize("wide", [False, True])
def test_through_a_csv_file(tmp_path, wide):
    some = [one(), one(4, person=1, fps=29.97, athlete="007", timestamps=np.array([0.0, 0.1, 0.3, 0.35]))]
    some[0].keypoints[1, 2] = np.nan, np.nan, 0
    to_dataframe(some, wide=wide).to_csv(tmp_path / "some.csv", index=False)
    for a, b in zip(some, read_table(tmp_path / "some.csv"), strict=True):
        assert_kept(a, b)
    assert read_table(tmp_path / "some.csv", fps=10)[1].timestamps is None
    with pytest.raises(FileNotFoundError, match="No file"):
        read_table(tmp_path / "nowhere.csv")


def test_the_columns():
    long, wide = to_dataframe(one()), to_dataframe(one(), wide=True)
    facts = "recording frame seconds fps activity sample athlete video person".split()
    assert list(long) == [*facts, "joint", "x", "y", "confidence"] and len(long) == 9
    assert list(wide)[:12] == [*facts, "Head_x", "Head_y", "Head_confidence"] and len(wide) == 3
    assert long["x"].dtype == wide["RFoot_y"].dtype == np.float32
    assert wide["seconds"].tolist() == pytest.approx([0, 1 / 30, 2 / 30])


def test_a_parquet_data_set_as_pandas_reads_it(tmp_path):
    pytest.importorskip("pyarrow")
    from gymskel.formats import write_parquet

    some = [one(skeleton=BODY_25), one(5, BODY_25, activity="jump", video="jump-2-ann.mov", fps=25.0)]
    back = from_dataframe(pd.read_parquet(write_parquet(some, tmp_path)))
    for a, b in zip(some, back, strict=True):
        np.testing.assert_array_equal(a.keypoints, b.keypoints)
        assert (a.activity, a.athlete, a.fps, a.skeleton) == (b.activity, b.athlete, b.fps, b.skeleton)


def test_the_least_a_table_needs():
    frame = pd.DataFrame(
        {"Nose_x": [1, 2], "Nose_y": [3.0, np.nan], "Neck_x": [5, np.nan], "Neck_y": [7, np.nan]}
    )
    frame.loc[1, "Nose_x"] = np.nan
    (made,) = from_dataframe(frame, fps=50)
    assert made.keypoints[0].tolist() == [[1, 3, 1], [5, 7, 1]]
    assert np.isnan(made.keypoints[1, :, 0]).all() and made.confidence[1].tolist() == [0, 0]
    assert made.skeleton.joints == ("Nose", "Neck") and made.fps == 50 and made.name == "1"


def test_known_layouts_are_known_in_any_order():
    frame = to_dataframe(one(skeleton=COCO_17)).sample(frac=1, random_state=0)
    assert_kept(from_dataframe(frame)[0], one(skeleton=COCO_17))
    assert from_dataframe(frame)[0].skeleton == COCO_17


def test_recordings_by_name_video_or_person():
    frame = to_dataframe(one(), wide=True).drop(columns=["recording", "activity", "sample", "athlete"])
    (made,) = from_dataframe(frame)
    assert (made.activity, made.sample, made.athlete) == ("flip", "2", "ann")
    both = pd.concat([frame, frame.assign(person=1)])
    assert [r.person for r in from_dataframe(both)] == [0, 1]
    named = frame.drop(columns="video").assign(recording="jump-3-bo")
    assert from_dataframe(named)[0].name == "jump-3-bo"


@pytest.mark.parametrize(
    ("seconds", "fps", "clock"),
    [
        ([0.0, 0.5, 1.0], 2.0, None),
        ([0.0, 0.033, 0.067], 29.851, None),  # rounded to milliseconds
        ([3.0, 3.5, 4.0], 2.0, None),
        ([0.0, 0.5, 3.0], None, [0.0, 0.5, 3.0]),
        ([np.nan] * 3, None, None),
    ],
)
def test_frame_rates_from_clocks(seconds, fps, clock):
    frame = to_dataframe(one(), wide=True).drop(columns="fps").assign(seconds=seconds)
    (made,) = from_dataframe(frame)
    assert made.fps == fps and (clock is None or made.timestamps.tolist() == clock)


def test_frames_without_rows_are_told():
    with pytest.warns(MissingFramesWarning, match=r"recording 0 .*1 of 3 frames \(8\)"):
        (made,) = from_dataframe(to_dataframe(one(first_frame=7), wide=True).drop(index=1))
    assert made.seen.any(axis=1).tolist() == [True, False, True] and made.first_frame == 7


def put(row, column, value):
    def change(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
        return frame

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.iloc[:0], "moves.csv has no rows"),
        (lambda f: f[["frame", "x"]], r"moves.csv has the columns frame, x;"),
        (lambda f: f.drop(columns="frame"), "recording 0: .*`frame`"),
        (put(4, "x", np.inf), r"recording 0: frame 1, RFoot: .*finite"),
        (put(4, "x", np.nan), r"frame 1, RFoot: .*both"),
        (put(4, "confidence", np.nan), r"frame 1, RFoot: .*without a confidence"),
        (put(4, "confidence", 2), r"frame 1, RFoot: confidence"),
        (put(4, "confidence", -1), r"frame 1, RFoot: confidence"),
        (put(4, "y", "high"), "recording 0: `y` .*numbers"),
        (put(4, "frame", 1.5), "recording 0: `frame` .*got 1.5"),
        (
            put(4, "frame", 10**9),
            "recording 0: 9 rows .* 0 to 1000000000",
        ),
        (put(4, "frame", 0), "recording 0: frame 0, RFoot .*twice"),
        (put(4, "fps", 60), r"recording 0: several frame rates.*30, 60"),
        (put(4, "seconds", 9.0), "two different times"),
        (put(4, "athlete", "bo"), "recording 0: `athlete` .*'ann' and 'bo'"),
        (lambda f: f.assign(fps=-3), "recording 0: .*`fps` .*got -3"),
        (
            lambda f: f.assign(seconds=[0.0] * 3 + [2.0] * 3 + [1.0] * 3),
            "`timestamps` .*rise",
        ),
        (
            lambda f: f.assign(seconds=[0.0] * 3 + [2.0] * 3 + [np.nan] * 3),
            "`seconds` are missing for 1 of 3",
        ),
    ],
)
def test_tables_that_are_refused(change, message):
    with pytest.raises(ValueError, match=message) as told:
        from_dataframe(change(to_dataframe(one())), label="moves.csv")
    assert "moves.csv" in str(told.value)


def test_wide_tables_that_are_refused():
    wide = to_dataframe(one(), wide=True)
    with pytest.raises(ValueError, match=r"RFoot .*\['confidence', 'x'\]"):
        from_dataframe(wide.drop(columns="RFoot_y"))
    with pytest.raises(ValueError, match=r"frame 1 .*twice.*`person`"):
        from_dataframe(wide.assign(frame=[0, 1, 1]))
    with pytest.raises(ValueError, match=r"COCO_17; .*extra: Head"):
        from_dataframe(wide, skeleton=COCO_17)


def test_what_no_table_holds():
    with pytest.raises(ValueError, match="`recordings` is empty"):
        to_dataframe([])
    with pytest.raises(ValueError, match="another layout"):
        to_dataframe([one(), one(skeleton=BODY_25)])


def test_a_csv_that_is_none(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'"a,b\n1')
    with pytest.raises(ValueError, match=r"a.csv is no CSV"):
        read_table(tmp_path / "a.csv")


# --- xarray ------------------------------------------------------------------------------------------------------


@given(recordings())
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_to_xarray_and_back_is_the_identity(some):
    pytest.importorskip("xarray")
    (back,) = from_xarray(to_xarray(some))
    assert_same(some, back)


@pytest.fixture
def dataset():
    pytest.importorskip("xarray")
    return to_xarray([one(estimator="MediaPipe"), one(person=1, athlete="bo")])


def test_it_is_laid_out_as_movement_has_it(dataset):
    """Names, dimensions and attributes of movement 0.15 (movement/validators/datasets.py)."""
    assert dataset["position"].dims == ("time", "space", "keypoints", "individuals")
    assert dataset["confidence"].dims == ("time", "keypoints", "individuals")
    assert dataset["time"].to_numpy() == pytest.approx([0, 1 / 30, 2 / 30])
    assert dataset["individuals"].to_numpy().tolist() == ["ann", "bo"]
    told = {"fps": 30.0, "time_unit": "seconds", "ds_type": "poses", "source_software": "MediaPipe"}
    assert told.items() <= dataset.attrs.items() and dataset.attrs["source_file"] == "flip-2-ann.mov"
    picked = dataset["position"].sel(space="y", keypoints="LFoot", individuals="bo")
    assert picked.to_numpy().tolist() == one().keypoints[:, 2, 1].tolist()
    unknown = to_xarray(one(fps=None))
    assert unknown["time"].to_numpy().tolist() == [0, 1, 2] and unknown.attrs["time_unit"] == "frames"


def test_a_dataset_of_others(dataset):
    """In any order of dimensions, without our facts, with ids for names and NaN for confidence."""
    del dataset.attrs["gymskel"]
    other = dataset.transpose("individuals", "keypoints", "time", "space").assign_coords(
        individuals=["id_0", "cat"]
    )
    other["confidence"] = other["confidence"] * np.nan
    first, second = from_xarray(other)
    assert (first.athlete, second.athlete, first.activity, first.person, second.person) == (
        "ann",
        "cat",
        "flip",
        0,
        1,
    )
    assert first.fps == 30 and first.timestamps is None and first.estimator == "MediaPipe"
    np.testing.assert_array_equal(first.xy, one().xy)
    assert (first.confidence == 1).all()
    assert from_xarray(other, fps=10)[0].fps == 10
    uneven = other.assign_coords(time=[0, 0.1, 0.5])
    assert from_xarray(uneven)[0].timestamps.tolist() == [0, 0.1, 0.5]


def spoilt(name, value):
    def change(dataset):
        dataset[name][{"time": 1, "keypoints": 2, "individuals": 1}] = value
        return dataset

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d.drop_vars("confidence"),
            r"The Dataset has position \[.*\], confidence \[\]; expected movement's",
        ),
        (lambda d: d.rename(time="t"), "dimensions time, space"),
        (lambda d: d.isel(time=slice(0)), "The Dataset is empty"),
        (lambda d: d.assign_coords(space=["x", "z"]), "space is x, z"),
        (spoilt("confidence", np.nan), r"individual bo: frame 1, LFoot: .*confidence"),
        (spoilt("confidence", 7), r"individual bo: frame 1, LFoot: confidence"),
        (spoilt("position", np.inf), r"individual bo: frame 1, LFoot: .*finite"),
    ],
)
def test_datasets_that_are_refused(dataset, change, message):
    with pytest.raises(ValueError, match=message):
        from_xarray(change(dataset))


def test_a_rate_that_the_times_contradict(dataset):
    del dataset.attrs["gymskel"]
    with pytest.raises(ValueError, match=r"fps = 30, .*1 fps.*fps="):
        from_xarray(dataset.assign_coords(time=[0, 1, 2]))


def test_people_of_several_videos_are_refused():
    pytest.importorskip("xarray")
    for other, what in (
        (one(4), "frames"),
        (one(fps=60.0), "frame rates"),
        (one(skeleton=BODY_25), "layouts"),
        (one(timestamps=np.arange(3.0)), "times"),
    ):
        with pytest.raises(ValueError, match=f"differ in their {what}"):
            to_xarray([one(), other])
    with pytest.raises(ValueError, match="`recordings` is empty"):
        to_xarray([])


def test_a_layout_of_ones_own():
    frame = pd.DataFrame({"frame": [0, 0], "joint": ["left_paw", "right_paw"], "x": [1, 2], "y": [3, 4]})
    (made,) = from_dataframe(frame)
    assert made.skeleton.mirror == (("right_paw", "left_paw"),)
    paws = Skeleton("paws", ("right_paw", "left_paw"))
    assert from_dataframe(frame, skeleton=paws)[0].keypoints[0].tolist() == [[2, 4, 1], [1, 3, 1]]
    assert len(pd.read_csv(io.StringIO(to_dataframe(made).to_csv()))) == 2
