"""Videos to recordings: made videos with known answers, and real files."""

import importlib.util
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers.dots import Dots, draw, stand
from helpers.people import UNSEEN, RedSpot, body, seeing
from helpers.videos import make_video, patch, uneven

from gymskel.extract import ExtractionWarning, TrackingParams, extract_video, extract_videos
from gymskel.recording import read_recording, read_recordings
from gymskel.skeleton import BODY_25, COCO_17

cv2 = pytest.importorskip("cv2")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "media"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared")
needs_mediapipe = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None,
    reason="needs mediapipe (gymskel[mediapipe], Python <= 3.12)",
)

# --- one video ----------------------------------------------------------------------------------------------


def test_extract_video_follows_the_spot(tmp_path):
    spot = RedSpot()
    (recording,) = extract_video(
        make_video(tmp_path / "back-roll-3-s07.mp4"), estimator=spot, follow=False, progress=False
    )
    assert (recording.activity, recording.sample, recording.athlete) == ("back-roll", "3", "s07")
    assert (recording.video, recording.person, recording.first_frame) == ("back-roll-3-s07.mp4", 0, 0)
    assert (recording.fps, recording.image_size) == (25, (160, 120))
    assert (recording.estimator, recording.skeleton) == ("red spot 1", BODY_25)
    assert [entry["step"] for entry in recording.history] == ["extract"]
    assert recording.timestamps is None
    assert recording.keypoints.shape == (30, 25, 3) and recording.keypoints.dtype == np.float32
    hip = recording.keypoints[:, BODY_25.index("MidHip")]
    np.testing.assert_allclose(hip[:, 0], 19.5 + 2 * np.arange(30), atol=1)
    np.testing.assert_allclose(hip[:, 1], 29.5, atol=1)
    assert (hip[:, 2] == 0.75).all()
    assert recording.seen.all(axis=0).tolist() == [joint != "LEar" for joint in BODY_25.joints]
    assert spot.resets == 2


def test_fps_overrides_the_header_and_the_clock(tmp_path):
    video = patch(make_video(tmp_path / "IMG_1.mp4"), lambda data: uneven(data, [(15, 512), (15, 1024)]))
    (recording,) = extract_video(video, estimator=RedSpot(), follow=False, progress=False)
    assert (recording.activity, recording.sample, recording.athlete) == (None, "IMG_1", None)
    intervals = np.repeat([0.04, 0.08], [15, 14])
    np.testing.assert_allclose(np.diff(recording.timestamps), intervals, atol=1e-6)
    (recording,) = extract_video(video, estimator=RedSpot(), fps=240, follow=False, progress=False)
    assert recording.fps == 240 and recording.timestamps is None


def test_whose_recording(tmp_path):
    def crowd(number):
        return np.stack([body(40 + number, 30), body(110, 60 + number, scale=1.5)][: 1 + (number >= 3)])

    def chosen_by(people):
        estimator = seeing(crowd)
        return extract_video(video, estimator=estimator, people=people, follow=False, progress=False)

    video = make_video(tmp_path / "a.mp4", frames=20)
    first, second = chosen_by("all")
    assert (first.person, second.person) == (0, 1)
    np.testing.assert_array_equal(first.seen[:, 8], np.ones(20))
    np.testing.assert_array_equal(second.seen[:, 8], np.arange(20) >= 3)
    np.testing.assert_array_equal(first.xy[:, 8, 0], 40 + np.arange(20))
    for people, expected in (("longest", first), ("largest", second), (1, second), ((105, 60), second)):
        (chosen,) = chosen_by(people)
        assert chosen.person == (1 if people == 1 else 0)  # a number keeps its own
        np.testing.assert_array_equal(chosen.keypoints, expected.keypoints)


def test_other_layouts_become_body_25(tmp_path):
    coco = np.random.default_rng(0).uniform(1, 99, (1, 17, 3)).astype(np.float32)
    coco[..., 2] = 0.9
    video = make_video(tmp_path / "a.mp4", frames=2)
    estimator = seeing(lambda number: coco, skeleton=COCO_17)
    (recording,) = extract_video(video, estimator=estimator, follow=False, progress=False)
    np.testing.assert_array_equal(recording.keypoints[0], COCO_17.convert(coco[0], BODY_25))


def test_nobody_is_a_recording_too(tmp_path):
    video = make_video(tmp_path / "roll-1-s01.mp4", frames=5)
    nobody = seeing(lambda number: np.empty((0, 25, 3), np.float32), name="blind")
    with pytest.warns(ExtractionWarning, match=r"roll-1-s01\.mp4: blind found nobody"):
        (recording,) = extract_video(video, estimator=nobody, follow=False, progress=False)
    assert len(recording) == 5 and not recording.seen.any()
    with pytest.warns(ExtractionWarning):
        result = extract_videos(video, tmp_path / "out", estimator=nobody, follow=False, progress=False)
    assert len(read_recording(result.written[0])) == 5
    assert (
        extract_videos(video, tmp_path / "out", estimator=nobody, follow=False, progress=False).skipped
        == result.written
    )


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"frame 0: made .*NoneType.*\(people, 25, 3\)"),
        (np.zeros((2, 3)), r"shape \(2, 3\)"),
        (np.ones((1, 17, 3)), r"\(1, 17, 3\).*\(0, 25, 3\)"),
        (np.zeros((1, 25, 3)), "0, 0, 0.*NaN, NaN, 0"),
    ],
)
def test_what_an_estimator_may_not_return(tmp_path, returned, message):
    video = make_video(tmp_path / "a.mp4", frames=2)
    with pytest.raises(ValueError, match=message):
        extract_video(video, estimator=seeing(lambda number: returned), follow=False, progress=False)


def test_the_estimator_is_reset_after_a_failure_too(tmp_path):
    class Failing(RedSpot):
        def __call__(self, frame):
            raise RuntimeError("out of memory")

    failing = Failing()
    with pytest.raises(RuntimeError, match="out of memory"):
        extract_video(
            make_video(tmp_path / "a.mp4", frames=2), estimator=failing, follow=False, progress=False
        )
    assert failing.resets == 2


# --- what a host must have ----------------------------------------------------------------------------------


def in_a_fresh_process(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_extract_imports_nothing_heavy():
    loaded = in_a_fresh_process("import sys, gymskel.extract; print(*sys.modules)").split()
    assert "gymskel.extract" in loaded
    assert not {"cv2", "mediapipe", "tensorflow", "keras", "openpose", "tqdm", "matplotlib"} & set(loaded)


def test_a_host_with_numpy_pandas_scipy_and_opencv_alone(tmp_path):
    make_video(tmp_path / "in" / "a.mp4", frames=3)
    code = """
        import sys
        blocked = "tqdm typer tensorflow keras sklearn matplotlib joblib PIL mediapipe"
        sys.modules.update(dict.fromkeys(blocked.split()))
        import numpy as np
        from gymskel.extract import extract_videos
        from gymskel.skeleton import BODY_25

        def estimator(frame):
            people = np.full((1, 25, 3), 0.5, np.float32)
            people[0, :, :2] = np.arange(50).reshape(25, 2)
            return people

        estimator.name, estimator.skeleton = "half", BODY_25
        print(len(extract_videos(sys.argv[1], sys.argv[2], estimator=estimator, follow=False).written))
    """
    printed = in_a_fresh_process(code, tmp_path / "in", tmp_path / "out")
    assert printed == "1/1 a.mp4: 1 person, seen in 3 of 3 frames by half\n1\n"
    assert len(read_recording(tmp_path / "out" / "a")) == 3


# --- real files ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_shared
@needs_mediapipe
@pytest.mark.filterwarnings("ignore")  # mediapipe's own
def test_mediapipe_on_a_parkour_clip(tmp_path, capfd):
    video = SHARED / "parkour" / "kong-vault-1-p1.mp4"
    result = extract_videos(video, tmp_path, fps=25, progress=False)
    assert capfd.readouterr().err == ""
    (recording,) = read_recordings(tmp_path)
    assert result.written == (tmp_path / "kong-vault-1-p1",)
    assert (recording.activity, recording.sample, recording.athlete) == ("kong-vault", "1", "p1")
    assert (len(recording), recording.fps, recording.image_size) == (23, 25, (720, 576))
    assert recording.estimator == "MediaPipe 0.10.21 pose, static"
    assert recording.seen.any(axis=1).mean() > 0.9
    at = {
        joint: np.nanmedian(recording.xy[:5, BODY_25.index(joint)], axis=0) for joint in BODY_25.joints[:15]
    }
    assert at["Nose"][1] < at["MidHip"][1] < at["LKnee"][1] < at["LAnkle"][1]  # stands on the feet
    again = extract_video(video, fps=25, progress=False)  # nothing is remembered from video to video
    np.testing.assert_array_equal(again[0].keypoints, recording.keypoints)


@needs_shared
def test_real_video_with_ones_own_callable(tmp_path):
    """An estimator that puts a body where the picture changes most."""
    last = []

    def moving(frame):
        grey = frame[::4, ::4].mean(axis=2)
        change = np.abs(grey - last.pop()) > 25 if last else np.zeros_like(grey, bool)
        last.append(grey)
        if not change.any():
            return np.empty((0, 25, 3), np.float32)
        return body(*(4 * np.argwhere(change).mean(axis=0)[::-1]), scale=8)[None]

    moving.name, moving.skeleton = "what moves", BODY_25
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = extract_videos(
            SHARED / "parkour" / "kong-vault-1-p1.mp4",
            tmp_path,
            estimator=moving,
            follow=False,
            progress=False,
        )
    recording = read_recording(result.written[0], fps=25)
    assert len(recording) == 23 and recording.seen.any(axis=1).sum() > 15
    hips = recording.xy[:, 8]
    assert (hips[recording.seen[:, 8]] < recording.image_size).all()


# --- following, the whole way -------------------------------------------------------------------------------


def film(path, scenes, fps=30):
    """A lossless video of dots."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"FFV1"), fps, (640, 480))
    for people in scenes:
        writer.write(draw(people))
    writer.release()
    return path


def salto(path):
    """A video of a somersault with a passer-by, and the poses of both."""
    flip = [stand(420, 250, torso=50, lean=min(360, 20 * max(0, k - 8))) for k in range(36)]
    walk = [stand(60 + 7 * k, 235, torso=55) for k in range(36)]
    return film(path, zip(flip, walk, strict=True)), flip, walk


def test_a_somersault_with_a_passer_by(tmp_path):
    """From the file to the athlete's recording, and what was done in each frame."""
    video, flip, _ = salto(tmp_path / "salto-1-s01.avi")
    (athlete,) = extract_video(video, estimator=Dots(limit=60), progress=False)
    assert athlete.name == "salto-1-s01" and athlete.person == 0
    error = np.linalg.norm(athlete.xy - np.array(flip)[..., :2], axis=-1)
    assert np.nanpercentile(error, 97) < 4 and np.nanmax(error) < 15  # dots hide dots as the other passes
    assert np.isfinite(athlete.xy[:, 8]).all()
    made, followed = athlete.history
    assert (made["people"], made["follow"]) == ("athlete", True)
    assert followed["step"] == "follow"
    assert len(followed["angle"]) == len(followed["estimates"]) == len(followed["why"]) == 36
    assert followed["why"][0] == "found" and set(followed["why"]) <= {"found", "", "nobody", "poor"}
    turned = np.array(followed["angle"][12:26]) - 20 * np.arange(4, 18)
    assert np.abs((turned + 180) % 360 - 180).max() < 45


@pytest.mark.slow
def test_the_others_beside_a_somersault(tmp_path):
    """All people, the passer-by alone, and the athlete without following."""
    video, _, walk = salto(tmp_path / "salto-1-s01.avi")
    others = extract_video(video, estimator=Dots(), people="all", progress=False)
    assert len(others) == 2 and [o.person for o in others] == [0, 1]
    (walker,) = extract_video(video, estimator=Dots(), people=(70, 235), progress=False)
    np.testing.assert_allclose(walker.xy[:, 8], np.array(walk)[:, 8, :2], atol=4)
    seen_once = extract_video(video, estimator=Dots(limit=60), follow=False, progress=False)[0]
    assert np.isnan(seen_once.xy[16:20, 8]).all() or np.abs(seen_once.xy[16:20, 8] - 420).min() > 50


@pytest.mark.slow
def test_whoever_is_named_is_followed_however_many_there_are(tmp_path):
    """The smallest of five, by a point and by the number of "all"; nobody else is as far from the athlete."""
    crowd = [[stand(70 + 125 * n + k, 260, torso=30 if n == 4 else 45) for n in range(5)] for k in range(8)]
    video = film(tmp_path / "roll-1-s01.avi", crowd)
    everybody = extract_video(video, estimator=Dots(), people="all", progress=False)
    assert len(everybody) == 5
    smallest = max(everybody, key=lambda one: np.nanmedian(one.xy[..., 0]))
    (by_point,) = extract_video(video, estimator=Dots(), people=(570, 260), progress=False)
    (by_number,) = extract_video(video, estimator=Dots(), people=smallest.person, progress=False)
    for chosen in (by_point, by_number):
        np.testing.assert_array_equal(chosen.keypoints, smallest.keypoints)
    assert by_number.person == smallest.person and smallest.seen.any(axis=1).all()


def test_what_is_written_of_following_reads_back(tmp_path):
    video = film(tmp_path / "roll-1-s01.avi", [[stand(300, 240)]] * 6)
    (folder,) = extract_videos(video, tmp_path / "out", estimator=Dots(), progress=False).written
    read = read_recording(folder)
    (made,) = extract_video(video, estimator=Dots(), progress=False)
    np.testing.assert_array_equal(read.keypoints, made.keypoints)
    assert [dict(entry) for entry in read.history] == [dict(entry) for entry in made.history]


def test_who_remembers_cannot_follow(tmp_path):
    video = film(tmp_path / "roll-1-s01.avi", [[stand(300, 240)]] * 3)
    remembers = Dots()
    remembers.stateless = False
    with pytest.raises(ValueError, match=r"dots remembers .*follow=False"):
        extract_video(video, estimator=remembers)
    assert extract_video(video, estimator=remembers, follow=False, progress=False)[0].seen.any()


@pytest.mark.parametrize("people", ["everyone", -1, True, (1, 2, 3), (np.nan, 2), None])
def test_whom_nobody_can_choose(tmp_path, people):
    with pytest.raises(ValueError, match=r"`people` .*largest"):
        extract_video(tmp_path / "no.mp4", estimator=Dots(), people=people)


@pytest.mark.parametrize("people", [2, (5.0, 5.0)])
def test_nobody_to_choose_from(tmp_path, people):
    """In an empty video no person is missing: there is a warning, and a recording of NaN."""
    video = film(tmp_path / "roll-1-s01.avi", [[]] * 3)
    with pytest.warns(ExtractionWarning, match="found nobody"):
        (recording,) = extract_video(video, estimator=Dots(), people=people, progress=False)
    assert np.isnan(recording.xy).all()


def test_numbers_of_tracking_are_given_and_told(tmp_path):
    video = film(tmp_path / "roll-1-s01.avi", [[stand(200 + 3 * k, 240)] for k in range(5)])
    params = TrackingParams(confirming_frames=2, crop_turns=(90.0,))
    (recording,) = extract_video(video, estimator=Dots(), tracking=params, progress=False)
    assert recording.history[0]["tracking"] == {"confirming_frames": 2, "crop_turns": [90.0]}
    (plain,) = extract_video(video, estimator=Dots(), progress=False)
    assert "tracking" not in plain.history[0]
    extract_videos(video, tmp_path / "out", estimator=Dots(), tracking=params, progress=False)
    assert extract_videos(video, tmp_path / "out", estimator=Dots(), tracking=params, progress=False).skipped
    with pytest.raises(ValueError, match=r"tracking=.*the defaults"):
        extract_videos(video, tmp_path / "out", estimator=Dots(), progress=False)


def test_a_person_without_a_joint_is_nobody(tmp_path):
    """MediaPipe returns people all of whose joints it did not see."""
    empty = np.full((1, 25, 3), UNSEEN, np.float32)
    video = film(tmp_path / "roll-1-s01.avi", [[]] * 3)
    with pytest.warns(ExtractionWarning, match="found nobody"):
        extract_video(video, estimator=seeing(lambda number: empty), progress=False)
