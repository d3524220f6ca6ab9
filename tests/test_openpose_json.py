"""OpenPose's JSON files: every layout, scale and name they come in, and what is refused."""

import json
import zipfile

import numpy as np
import pytest
from helpers.openpose_files import LAST, SIZE, alone, body, numbers, people_of, same, two, write

from gymskel.formats import import_openpose_json, read_openpose_json
from gymskel.recording import MissingFramesWarning, read_recordings, write_recording
from gymskel.skeleton import BODY_25

__all__ = ["body"]  # a fixture

# the orders of OpenPose's poseParameters.cpp, written out once more
COCO = (
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle REye LEye "
    "REar LEar"
).split()
BODY_25B = (
    "Nose LEye REye LEar REar LShoulder RShoulder LElbow RElbow LWrist RWrist LHip RHip LKnee RKnee LAnkle RAnkle "
    "UpperNeck HeadTop LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel"
).split()
MPI = (
    "Head Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle Chest"
).split()


def by_name(points, names):
    """(points, 3) in the order of `names`, NaN for joints that BODY_25 has not."""
    out = np.full((len(names), 3), (500, 400, 0.7))
    for row, name in enumerate(names):
        if name in BODY_25:
            out[row] = points[BODY_25.index(name)]
    return out


# --- layouts -------------------------------------------------------------------------------------------------


def test_25_points(tmp_path, body):
    write(tmp_path, alone(body), first=7)
    (one,) = read_openpose_json(tmp_path, fps=50)
    same(one.keypoints, body)
    assert (one.activity, one.sample, one.athlete) == ("backflip", "1", "s07")
    assert (one.first_frame, one.fps, one.person, one.image_size) == (7, 50, 0, None)
    assert (
        one.estimator == "OpenPose BODY_25" and one.skeleton is BODY_25 and one.keypoints.dtype == np.float32
    )
    assert one.history[0] == {
        "step": "import_openpose_json",
        "keypoint_scale": 0,
        "written_size": None,
        "people": "athlete",
    }


@pytest.mark.parametrize(
    ("names", "more", "model", "given"),
    [
        (COCO, 0, "COCO", None),
        (MPI, 0, "MPI", None),
        (BODY_25B, 110, "BODY_135", None),
        (BODY_25B, 0, "BODY_25B", "BODY_25B"),
        (BODY_25.joints, 112, "BODY_25", None),
    ],
    ids="18 15 135 25B 137".split(),
)
def test_other_layouts(tmp_path, body, names, more, model, given):
    """Every joint goes where its name says; Neck and MidHip become middles where the layout lacks them."""
    rows = [np.concatenate([by_name(points, names), np.full((more, 3), (333, 333, 0.5))]) for points in body]
    write(tmp_path, [[numbers(points)] for points in rows])
    (one,) = read_openpose_json(tmp_path, model_pose=given)
    assert one.estimator == f"OpenPose {model}"
    for row, joint in enumerate(BODY_25.joints):
        if joint in names:
            same(one.keypoints[:, row], body[:, row])
        elif joint in ("Neck", "MidHip"):
            pair = BODY_25.indices(["RShoulder", "LShoulder"] if joint == "Neck" else ["RHip", "LHip"])
            same(one.keypoints[:, row, :2], body[:, pair, :2].mean(axis=1))
        else:
            assert not one.seen[:, row].any(), joint


def test_face_and_hands_are_left(tmp_path, body):
    person = {
        "person_id": [-1],
        "pose_keypoints_2d": numbers(body[0]),
        "face_keypoints_2d": [5.0] * 210,
        "hand_left_keypoints_2d": [6.0] * 63,
        "hand_right_keypoints_2d": [7.0] * 63,
        "pose_keypoints_3d": [8.0] * 100,
    }
    (tmp_path / "a_0_keypoints.json").write_text(json.dumps({"version": 1.2, "people": [person]}))
    same(read_openpose_json(tmp_path)[0].keypoints, body[:1])


@pytest.mark.parametrize("version", [0.1, 1.0, 1.1, 1.2, 1.3])
def test_versions(tmp_path, body, version):
    key = "pose_keypoints" if version < 1.1 else "pose_keypoints_2d"
    write(tmp_path, alone(body), key=key, version=version)
    same(read_openpose_json(tmp_path)[0].keypoints, body)


# --- scales --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [3, 4])
def test_normalised(tmp_path, body, scale):
    write(tmp_path, alone(body, scale))
    (one,) = read_openpose_json(tmp_path, keypoint_scale=scale, image_size=SIZE)
    same(one.keypoints, body)
    assert one.image_size == SIZE
    assert not one.seen[2, BODY_25.index("RAnkle")]


def test_net_and_output_size(tmp_path, body):
    """The smaller of the ratios of the last pixels, as OpenPose keeps the aspect."""
    net, output = (656, 368), (640, 480)
    for scale, size, factor in ((1, net, 1 / (1919 / 655)), (2, output, 639 / 1919)):
        small = body.copy()
        small[..., :2] *= factor
        folder = write(tmp_path / str(scale), alone(small))
        (one,) = read_openpose_json(folder, keypoint_scale=scale, image_size=SIZE, written_size=size)
        same(one.keypoints, body)


@pytest.mark.parametrize("scale", [3, 4])
def test_normalised_never_pass_as_pixels(tmp_path, body, scale):
    write(tmp_path, alone(body, scale))
    with pytest.raises(
        ValueError, match=rf"(?s)backflip-1-s07.*12 of 12.*keypoint_scale={scale}, image_size"
    ):
        read_openpose_json(tmp_path)
    with pytest.raises(ValueError, match=f"give keypoint_scale={scale}"):
        read_openpose_json(tmp_path, keypoint_scale=2, image_size=SIZE, written_size=SIZE)


def test_one_normalised_file_among_pixels(tmp_path, body):
    write(tmp_path, alone(body))
    write(tmp_path, alone(body[:1], 3), first=5)
    with pytest.raises(ValueError, match=r"1 of 12 .*_000000000005_.*separate"):
        read_openpose_json(tmp_path)


@pytest.mark.parametrize("scale", [3, 4])
def test_pixels_never_pass_as_normalised(tmp_path, body, scale):
    write(tmp_path, alone(body))
    with pytest.raises(ValueError, match=r"like pixels.*give keypoint_scale=0\."):
        read_openpose_json(tmp_path, keypoint_scale=scale, image_size=SIZE)


def test_unseen_points_tell_3_from_4(tmp_path, body):
    """Somebody right below the middle is within 0 and 1 in both; OpenPose writes unseen points as 0, 0 or -1, -1."""
    low = body.copy()
    low[..., :2] = low[..., :2] / 3 + (1200, 640)
    for said, written in ((3, 4), (4, 3)):
        folder = write(tmp_path / str(said), alone(low, written))
        with pytest.raises(ValueError, match=f"give keypoint_scale={written}"):
            read_openpose_json(folder, keypoint_scale=said, image_size=SIZE)
        (one,) = read_openpose_json(folder, keypoint_scale=written, image_size=SIZE)
        same(one.keypoints, low)


def test_all_seen_right_below_the_middle_may_be_3_or_4(tmp_path, body):
    low = body.copy()
    low[..., :2] = np.nan_to_num(low[..., :2]) / 3 + (1200, 640)
    low[..., 2] = np.maximum(low[..., 2], 0.5)
    write(tmp_path, alone(low, 4))
    with pytest.warns(UserWarning, match=r"backflip-1-s07: .*keypoint_scale=3"):
        (one,) = read_openpose_json(tmp_path, keypoint_scale=4, image_size=SIZE)
    same(one.keypoints, low)


def test_an_image_size_that_is_too_small(tmp_path, body):
    write(tmp_path, alone(body + np.array([900, 0, 0])))
    assert read_openpose_json(tmp_path, image_size=SIZE)[0].image_size == SIZE
    with pytest.raises(ValueError, match=r"x, y = \d{4}, \d+ .*\(1080, 1920\)"):
        read_openpose_json(tmp_path, image_size=(1080, 1920))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keypoint_scale": 5}, "`keypoint_scale` .*got 5"),
        ({"keypoint_scale": 3}, "needs image_size"),
        ({"keypoint_scale": 1, "image_size": SIZE}, "`written_size`.* is needed"),
        ({"keypoint_scale": 0, "written_size": SIZE}, "and for no other"),
        ({"image_size": 1920}, "`image_size` must be"),
        ({"image_size": (0, 1080)}, "`image_size` must be"),
        ({"model_pose": "BODY_26"}, "`model_pose` .*BODY_26"),
        ({"people": "tallest"}, "people"),
    ],
)
def test_wrong_arguments(tmp_path, body, options, told):
    write(tmp_path, alone(body))
    with pytest.raises(ValueError, match=told):
        read_openpose_json(tmp_path, **options)


# --- frames --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("{stem}_{frame:012d}_keypoints.json", "vault-2-p4"),
        ("{stem}_{frame}_keypoints.json", "vault-2-p4"),
        ("{stem}{frame:04d}_keypoints.json", "vault-2-p4"),
        ("{stem}-{frame}_keypoints.json", "vault-2-p4"),
        ("{frame}_keypoints.json", "theclip"),
        ("{frame:012d}_keypoints.json", "theclip"),
        ("{stem}_{frame:012d}_keypoints_1.json", "vault-2-p4-camera1"),
    ],
)
def test_names(tmp_path, body, form, name):
    """Numbers are sorted as numbers, padded or not: frame 10 comes after frame 9."""
    stem = "vault-2-p4" if "{frame:04d}" not in form else "vault-2-p"
    folder = write(tmp_path / "theclip", alone(body), stem=stem, first=3, form=form)
    (one,) = read_openpose_json(folder)
    assert one.name == (name if "{frame:04d}" not in form else "vault-2-p")
    assert one.first_frame == 3
    same(one.keypoints, body)


def test_dots_in_a_stem(tmp_path, body):
    write(tmp_path, alone(body), stem="2024.05.12 flip")
    (one,) = read_openpose_json(tmp_path)
    assert one.name == one.source == "2024.05.12 flip"
    (clip,) = import_openpose_json(tmp_path, tmp_path / "csv")
    assert clip.folder.name == "2024.05.12 flip"


def test_empty_frames_and_holes(tmp_path, body):
    frames = alone(body)
    frames[5] = []
    write(tmp_path, frames)
    (tmp_path / "backflip-1-s07_000000000009_keypoints.json").unlink()
    with pytest.warns(MissingFramesWarning, match=r"backflip-1-s07 .*1 of 12 frames \(9\)"):
        (one,) = read_openpose_json(tmp_path)
    assert len(one) == 12
    assert [frame for frame in range(12) if not one.seen[frame].any()] == [5, 9]
    same(one.keypoints[10:], body[10:])


def test_nobody_at_all(tmp_path):
    write(tmp_path, [[], [], []], first=4)
    with pytest.warns(MissingFramesWarning, match="backflip-1-s07: no person"):
        (one,) = read_openpose_json(tmp_path)
    assert len(one) == 3 and not one.seen.any() and one.first_frame == 4


def test_several_clips(tmp_path, body):
    """Two videos in one folder, and one in another: one Recording each."""
    write(tmp_path / "a", alone(body), stem="x-1-p1")
    write(tmp_path / "a", alone(body[:5]), stem="x-2-p1")
    write(tmp_path / "b", alone(body[:3]), stem="y-1-p2")
    (tmp_path / "a" / "config_3.json").write_text("{}")
    found = read_openpose_json(tmp_path)
    assert [(one.name, len(one)) for one in found] == [("x-1-p1", 12), ("x-2-p1", 5), ("y-1-p2", 3)]
    assert [one.name for one in read_openpose_json([tmp_path / "b", tmp_path / "a"])] == [
        "y-1-p2",
        "x-1-p1",
        "x-2-p1",
    ]


def test_single_files(tmp_path, body):
    write(tmp_path, alone(body))
    (one,) = read_openpose_json(sorted(tmp_path.glob("*"))[4:6])
    assert one.first_frame == 4
    same(one.keypoints, body[4:6])


def test_a_zip(tmp_path, body):
    folder = write(tmp_path / "in", alone(body))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"deep/{file.name}")
            archive.writestr(f"__MACOSX/deep/._{file.name}", "")
            archive.writestr(f"{file.name.split('_')[1]}_keypoints.json", file.read_bytes())
    found = read_openpose_json(tmp_path / "all.zip")
    assert [one.name for one in found] == ["all", "backflip-1-s07"]
    for one in found:
        same(one.keypoints, body)


# --- people --------------------------------------------------------------------------------------------------


def test_identity_is_found(tmp_path, body):
    other, frames = two(body)
    write(tmp_path, frames)
    everybody = read_openpose_json(tmp_path, people="all", fps=30)
    assert [one.person for one in everybody] == [0, 1]
    everybody.sort(key=lambda one: np.nanmean(one.xy[..., 0]))
    same(everybody[0].keypoints, body)
    same(everybody[1].keypoints, other)
    (athlete,) = read_openpose_json(tmp_path, fps=30)
    same(athlete.keypoints, body)
    (near,) = read_openpose_json(tmp_path, people=(1300, 600), fps=30)
    same(near.keypoints, other)
    assert near.history[0]["people"] == [1300, 600]


def test_person_id_is_taken_where_everybody_has_one(tmp_path, body):
    """Even where the ids say what no tracker would."""
    other, _ = two(body)
    for frame, (a, b) in enumerate(zip(body, other, strict=True)):
        ids = [7, 4] if frame < 6 else [4, 7]
        text = people_of(numbers(a), numbers(b), ids=ids)
        (tmp_path / f"x_{frame}_keypoints.json").write_text(text)
    first, second = read_openpose_json(tmp_path, people="all", fps=30)
    same(first.keypoints, np.concatenate([body[:6], other[6:]]))
    same(second.keypoints, np.concatenate([other[:6], body[6:]]))


def test_person_id_of_some_is_not_enough(tmp_path, body):
    write(tmp_path, [[numbers(points)] for points in body], ids=[3])
    (tmp_path / "backflip-1-s07_000000000002_keypoints.json").write_text(
        people_of(numbers(body[2]), ids=[-1])
    )
    (one,) = read_openpose_json(tmp_path)
    same(one.keypoints, body)


# --- refusals ------------------------------------------------------------------------------------------------


def test_broken_files_are_named_together(tmp_path, body):
    write(tmp_path, alone(body))
    texts = {
        1: "",
        2: '{"version": 1.3, "people": [{"pose_keyp',
        3: "[]",
        4: '{"people": {}}',
        5: people_of([1.0] * 74),
        6: people_of([]),
        7: people_of([float("nan")] * 75),
        8: people_of([5.0] * 75),
        9: people_of(["1"] * 75),
        10: '{"people": [{"person_id": [1]}]}',
    }
    for frame, text in texts.items():
        (tmp_path / f"backflip-1-s07_{frame:012d}_keypoints.json").write_text(text)
    with pytest.raises(ValueError, match="10 of 12 files are broken") as fault:
        read_openpose_json(tmp_path)
    told = str(fault.value)
    for frame in range(1, 9):
        assert f"_{frame:012d}_keypoints.json: " in told
    assert "... and 2 more" in told and 'no list "people"' in told and "got 74 numbers" in told


def test_mixed_lengths(tmp_path, body):
    write(tmp_path, alone(body))
    write(tmp_path, [[numbers(by_name(body[0], COCO))]], first=4)
    with pytest.raises(ValueError, match=r"54 in .*_000000000004_keypoints.json") as fault:
        read_openpose_json(tmp_path)
    assert "75 in backflip-1-s07_000000000000_keypoints.json" in str(fault.value)


def test_a_layout_nobody_knows(tmp_path):
    write(tmp_path, [[[100.0, 100.0, 0.5] * 17]])
    with pytest.raises(ValueError, match=r"17 points a person; .*25/137 \(BODY_25\)"):
        read_openpose_json(tmp_path)
    with pytest.raises(ValueError, match="17 points a person for model_pose='COCO'"):
        read_openpose_json(tmp_path, model_pose="COCO")


def test_nothing_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No folder or file .*nowhere"):
        read_openpose_json(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="is empty"):
        read_openpose_json([])
    (tmp_path / "recording.json").write_text("{}")
    with pytest.raises(ValueError, match="no OpenPose JSON"):
        read_openpose_json(tmp_path)
    with pytest.raises(ValueError, match=r"recording\.json: expected"):
        read_openpose_json(tmp_path / "recording.json")


def test_a_frame_twice_and_numbers_that_are_dates(tmp_path, body):
    write(tmp_path / "a", alone(body[:3]))
    write(tmp_path / "a", alone(body[:1]), form="{stem}_{frame}_keypoints.json")
    write(tmp_path / "b", alone(body[:2]), stem="IMG", first=20240512, form="{stem}_{frame}_keypoints.json")
    write(tmp_path / "b", alone(body[:1]), stem="IMG", first=7, form="{stem}_{frame}_keypoints.json")
    with pytest.raises(ValueError, match="2 of 2 clips cannot be read") as fault:
        read_openpose_json(tmp_path)
    assert "frame 0 is there twice" in str(fault.value)
    assert "3 files with numbers from 7 to 20240513, which are no frame numbers" in str(fault.value)


def test_damaged_zips(tmp_path, body):
    folder = write(tmp_path / "in", alone(body))
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes(60) + whole[260:])
    with pytest.raises(ValueError, match=r"damaged, or locked"):
        read_openpose_json(path)


# --- to CSVs -------------------------------------------------------------------------------------------------


def test_written_reads_back_equal(tmp_path, body):
    _, frames = two(body)
    write(tmp_path / "in", frames, first=2)
    (clip,) = import_openpose_json(tmp_path / "in", tmp_path / "out", people="all", fps=25)
    assert clip.folder == tmp_path / "out" / "backflip-1-s07" and clip.error is None
    assert (clip.frames, clip.seen) == (12, {0: 12, 1: 12})
    back = read_recordings(tmp_path / "out")
    recordings = read_openpose_json(tmp_path / "in", people="all", fps=25)
    assert len(back) == len(recordings) == 2
    for one, two_ in zip(recordings, back, strict=True):
        np.testing.assert_array_equal(one.keypoints, two_.keypoints)
        for fact in ("fps", "name", "source", "person", "first_frame", "image_size", "estimator", "history"):
            assert getattr(one, fact) == getattr(two_, fact), fact
    for one in back:  # and again, from the CSVs
        write_recording(one, tmp_path / "again")
    assert [len(one) for one in read_recordings(tmp_path / "again")] == [12, 12]


def test_one_bad_clip_does_not_stop_the_others(tmp_path, body):
    write(tmp_path / "in", alone(body), stem="a-1-x")
    write(tmp_path / "in", [[[1.0] * 74]], stem="b-1-x")
    write(tmp_path / "in", alone(body), stem="c-1-x")
    write(tmp_path / "in" / "deep", alone(body), stem="A-1-x")
    told = []
    clips = import_openpose_json(tmp_path / "in", tmp_path / "out", on_clip=told.append)
    assert clips == told
    assert [(clip.name, clip.error is None) for clip in clips] == [
        ("a-1-x", True),
        ("b-1-x", False),
        ("c-1-x", True),
        ("A-1-x", False),
    ]
    assert "another clip A-1-x" in clips[3].error
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-1-x", "c-1-x"]


def test_people_from_before_are_not_mixed_in(tmp_path, body):
    _, frames = two(body)
    write(tmp_path / "in", frames)
    out = tmp_path / "out"
    for _ in range(2):  # the same again is fine
        (clip,) = import_openpose_json(tmp_path / "in", out, people="all", fps=30)
        assert clip.error is None
    (clip,) = import_openpose_json(tmp_path / "in", out, fps=30)
    assert clip.folder is None and "holds people [1]" in clip.error
    assert len(read_recordings(out)) == 2


# --- real files ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared):
    """Two real clips; the size of their video is not known, any 16:9 does."""
    path = shared / "data" / "openpose_json.zip"
    return read_openpose_json(path, keypoint_scale=3, image_size=SIZE, fps=30, people="longest")


@pytest.mark.slow
def test_real_files(real, shared):
    assert [(one.name, len(one), one.first_frame) for one in real] == [("119", 239, 0), ("120", 240, 0)]
    for one, found in zip(real, (227, 233), strict=True):  # frames with anybody
        assert 0.6 * found <= one.seen.any(axis=1).sum() <= found
        feet = np.nanmean(one.xy[:, BODY_25.indices(["RAnkle", "LAnkle"]), 1])
        assert np.nanmean(one.xy[:, BODY_25.index("Nose"), 1]) < feet  # y down: the head is above
    with pytest.raises(ValueError, match="give keypoint_scale=3"):
        read_openpose_json(shared / "data" / "openpose_json.zip")


@pytest.mark.slow
def test_real_numbers(real, shared):
    """The first frame with one person in it, by hand."""
    with zipfile.ZipFile(shared / "data" / "openpose_json.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith("/119_000000000000_keypoints.json"))
        written = np.reshape(json.loads(archive.read(name))["people"][0]["pose_keypoints_2d"], (25, 3))
    wanted = written * (*LAST, 1)
    wanted[written[:, 2] == 0, :2] = np.nan
    same(real[0].keypoints[0], wanted)
