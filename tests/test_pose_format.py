"""Files of pose-format, written by pose-format itself."""

import builtins
from pathlib import Path

import numpy as np
import pytest

from gymskel.formats import read_pose
from gymskel.formats.pose_format import _MEDIAPIPE
from gymskel.skeleton import BODY_25, MEDIAPIPE_33

pytest.importorskip("pose_format")
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import (
    PoseHeader,
    PoseHeaderCache,
    PoseHeaderComponent,
    PoseHeaderDimensions,
)
from pose_format.utils.openpose import OpenPose_Components
from pose_format.utils.openpose_135 import OpenPose_Components as Body135


def component(name, points, limbs=(), dims="XYC"):
    return PoseHeaderComponent(name, list(points), list(limbs), [(255, 0, 0)], dims)


def written(path, components, people=1, frames=3, fps=25.0, size=(640, 480), change=None):
    """Point p of person k in frame t lies at (p + 1, 10 k + t), confidence 0.5."""
    points = sum(len(one.points) for one in components)
    dims = max(len(one.format) for one in components) - 1
    t, k, p = np.meshgrid(np.arange(frames), np.arange(people), np.arange(points), indexing="ij")
    data = np.stack([p + 1, 10 * k + t, 0 * p][:dims], axis=-1).astype(np.float32)
    confidence = np.full(data.shape[:3], 0.5, np.float32)
    if change:
        change(data, confidence)
    pose = Pose(
        PoseHeader(0.2, PoseHeaderDimensions(*size), components), NumPyPoseBody(fps, data, confidence)
    )
    with Path(path).open("wb") as file:
        pose.write(file)
    PoseHeaderCache.clear_cache()
    return path


def test_openpose(tmp_path):
    path = written(tmp_path / "flip-2-ann.pose", OpenPose_Components, people=2)
    first, second = read_pose(path)
    assert first.skeleton == BODY_25 and first.fps == 25 and first.image_size == (640, 480)
    assert (first.activity, first.sample, first.athlete, first.estimator) == ("flip", "2", "ann", "OpenPose")
    assert (first.person, second.person) == (0, 1)
    assert first.keypoints[2, 8].tolist() == [9, 2, 0.5] and second.keypoints[1, 24].tolist() == [25, 11, 0.5]
    assert [r.person for r in read_pose(path, person=1, fps=50)] == [1]
    assert read_pose(path, fps=50)[0].fps == 50
    with pytest.raises(ValueError, match=r"`fps` .* got 0"):
        read_pose(path, fps=0)
    with pytest.raises(ValueError, match=r"flip-2-ann.pose .*person 2, only 0 to 1"):
        read_pose(path, person=2)


def test_mediapipe_holistic(tmp_path):
    face = component("FACE_LANDMARKS", map(str, range(5)), dims="XYZC")
    body = component("POSE_LANDMARKS", _MEDIAPIPE, dims="XYZC")
    world = component("POSE_WORLD_LANDMARKS", _MEDIAPIPE, dims="XYZC")
    (made,) = read_pose(written(tmp_path / "a.pose", [face, body, world]))
    assert made.skeleton == BODY_25 and made.estimator == "MediaPipe"
    for joint in ("Nose", "RKnee", "LHeel", "RBigToe"):
        assert made.keypoints[1, BODY_25.index(joint)].tolist() == [6 + MEDIAPIPE_33.index(joint), 1, 0.5]
    hips = [6 + MEDIAPIPE_33.index(joint) for joint in ("RHip", "LHip")]
    assert made.keypoints[0, BODY_25.index("MidHip"), 0] == np.mean(hips)


def test_the_names_of_mediapipe():
    """Against MediaPipe itself, where it is installed with its old interface."""
    solutions = pytest.importorskip("mediapipe").__dict__.get("solutions")
    if solutions is None:
        pytest.skip("a MediaPipe without solutions")
    assert list(solutions.holistic.PoseLandmark.__members__) == _MEDIAPIPE


def test_some_points_of_a_body(tmp_path):
    kept = component("POSE_LANDMARKS", ["LEFT_SHOULDER", "RIGHT_SHOULDER", "LEFT_HIP"])
    (made,) = read_pose(written(tmp_path / "a.pose", [kept]))
    assert made.keypoints[0, BODY_25.index("Neck")].tolist() == [1.5, 0, 0.5]
    seen = {joint for joint, there in zip(BODY_25.joints, made.seen[0], strict=True) if there}
    assert seen == {"LShoulder", "RShoulder", "Neck", "LHip"}


def test_body_135(tmp_path):
    (made,) = read_pose(written(tmp_path / "a.pose", Body135))
    order = [*Body135[0].points]
    assert made.keypoints[0, BODY_25.index("RWrist"), 0] == 1 + order.index("RWrist")
    assert (
        made.keypoints[0, BODY_25.index("Neck"), 0]
        == 1 + (order.index("RShoulder") + order.index("LShoulder")) / 2
    )


def test_other_points_are_a_layout_of_their_own(tmp_path):
    hands = [component(f"{side}_HAND", ["WRIST", "TIP"], [(0, 1)]) for side in ("LEFT", "RIGHT")]
    (made,) = read_pose(written(tmp_path / "a.pose", [component("HEAD", ["CHIN"]), *hands]))
    assert made.skeleton.joints == (
        "CHIN",
        "LEFT_HAND/WRIST",
        "LEFT_HAND/TIP",
        "RIGHT_HAND/WRIST",
        "RIGHT_HAND/TIP",
    )
    assert made.skeleton.limbs == (
        ("LEFT_HAND/WRIST", "LEFT_HAND/TIP"),
        ("RIGHT_HAND/WRIST", "RIGHT_HAND/TIP"),
    )
    assert made.estimator is None and made.keypoints[2, 4].tolist() == [5, 2, 0.5]


def test_unseen_points_and_people(tmp_path):
    def hide(data, confidence):
        confidence[:, 1] = 0
        confidence[1, 0, 3] = 0

    path = written(tmp_path / "a.pose", OpenPose_Components, people=3, change=hide)
    first, third = read_pose(path)
    assert (first.person, third.person) == (0, 2)
    assert np.isnan(first.keypoints[1, 3, :2]).all() and first.seen.sum() == 3 * 25 - 1


def spoil(value, channel=None):
    def change(data, confidence):
        if channel is None:
            confidence[1, 0, 3] = value
        else:
            data[1, 0, 3, channel] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil(np.nan), r"person 0: frame 1, RElbow: a place without a confidence \(NaN\)"),
        (spoil(7), "frame 1, RElbow: confidence must lie in 0..1"),
        (spoil(np.inf, 0), "frame 1, RElbow: x and y must be finite"),
        (spoil(np.nan, 1), "frame 1, RElbow: .*both"),
    ],
)
def test_numbers_that_are_refused(tmp_path, change, message):
    path = written(tmp_path / "bad.pose", OpenPose_Components, change=change)
    with pytest.raises(ValueError, match=message) as told:
        read_pose(path)
    assert "bad.pose" in str(told.value)


def test_files_that_are_refused(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="No file"):
        read_pose(tmp_path / "nowhere.pose")
    path = written(tmp_path / "empty.pose", OpenPose_Components, frames=0)
    with pytest.raises(ValueError, match=r"empty.pose: expected .*got \(0, 1"):
        read_pose(path)
    content = written(tmp_path / "cut.pose", OpenPose_Components).read_bytes()
    for end in (0, 3, 20, 500, len(content) - 2000, len(content) - 1):
        path.write_bytes(content[:end])
        PoseHeaderCache.clear_cache()
        with pytest.raises(ValueError, match=r"empty.pose( is no .pose file|: expected)"):
            read_pose(path)
    import_ = builtins.__import__

    def without(name, *rest):
        if name.startswith("pose_format"):
            raise ImportError("none here")
        return import_(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r'pip install "gymskel\[pose\]"'):
        read_pose(path)
