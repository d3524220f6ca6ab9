"""A classifier's output drawn with a video: lines in the corner, the strip below, and the answers themselves."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.overlays import drifting, pictures

from gymskel.overlay import Annotation, write_overlay, write_overlays
from gymskel.overlay.annotation import append_strip, per_frame
from gymskel.recording import write_recording
from gymskel.simulate import simulate_recordings
from gymskel.stream import Stream, predict_frames

cv2 = pytest.importorskip("cv2")


def test_the_most_probable_comes_first_and_nothing_while_there_is_no_answer():
    rising = np.array([np.nan, 0.2, 0.9])
    rising = per_frame(Annotation({"a": rising, "b": 1 - rising}), [drifting(3)])
    assert [rising.probability_lines(row) for row in (0, 1, 2, None)] == [
        [],
        ["b 80%", "a 20%"],
        ["a 90%", "b 10%"],
        [],
    ]
    assert per_frame(Annotation({"a": 0.25}), [drifting(3)]).probability_lines(2) == ["a 25%"]


def test_the_strip_has_the_published_colours():
    states = np.array([[-1.0, 0.0], [1.0, -1.0], [np.nan, np.nan]])
    panel = Annotation(strip=states[:2]).draw_strip((200, 100))
    assert panel.shape == (20, 200, 3)
    assert panel[5, 50].tolist() == [128, 0, 255]  # BGR of -1
    assert panel[5, 150].tolist() == [128, 255, 0]
    assert panel[15, 50].tolist() == [128, 127, 127]
    assert Annotation().draw_strip((200, 100)) is None
    assert len(Annotation(strip=np.zeros((2, 50))).draw_strip((200, 100))) == 50  # no unit less than a pixel


def test_the_line_stands_at_the_frame():
    picture, panel = np.zeros((4, 100, 3), np.uint8), np.full((6, 100, 3), 90, np.uint8)
    both = append_strip(picture, panel, 0.5)
    assert (both[4:, 50] == 0).all()
    assert (both[4:, 48] == 255).all()
    assert (both[:4] == 0).all()
    assert (both[4:, [10, 90]] == 90).all()
    np.testing.assert_array_equal(append_strip(picture, panel, None)[4:], panel)


def test_the_film_is_higher_by_the_strip_and_its_line_moves(clip, tmp_path):
    states = np.linspace(-1, 1, 12)[:, None]
    out = write_overlay(
        clip,
        drifting(12),
        tmp_path / "drawn.mp4",
        annotation=Annotation({"jump": 0.75}, states),
        progress=False,
    )
    frames = pictures(out)
    assert frames[0].shape == (120 + 24, 160, 3)
    dark = [int(frame[126:140, :, :].sum(axis=(0, 2)).argmin()) for frame in frames]
    expected = [(number + 0.5) / 12 * 160 for number in range(12)]
    np.testing.assert_allclose(dark, expected, atol=3)
    plain = pictures(write_overlay(clip, drifting(12), tmp_path / "plain.mp4", progress=False))
    corner = np.abs(frames[5][14:26, :40].astype(int) - plain[5][14:26, :40])
    assert corner.max() > 60  # a second line of text


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Annotation({"a": [0.5, 0.5]}), r"clip: .*of a .*got \(2,\)"),
        (Annotation({"a": 1.5}), r"clip: .*of a .*\[0, 1\]"),
        (Annotation(strip=np.full((12, 2), 3.0)), r"\[-1, 1\]"),
    ],
)
def test_what_does_not_fit_is_refused(clip, tmp_path, annotation, message):
    with pytest.raises(ValueError, match=message):
        write_overlay(clip, drifting(12), tmp_path / "drawn.mp4", annotation=annotation, progress=False)
    assert not (tmp_path / "drawn.mp4").exists()


def test_one_person_alone(clip, tmp_path):
    two = [drifting(12), drifting(12, person=1)]
    with pytest.raises(ValueError, match="but 2 are drawn"):
        write_overlay(clip, two, tmp_path / "drawn.mp4", annotation=Annotation({"a": 1.0}), progress=False)
    for one in two:
        write_recording(one, tmp_path / "keypoints")
    given = {"annotate": lambda one: Annotation({"a": 1.0}), "progress": False}
    with pytest.raises(ValueError, match=r"clip .*\(0, 1\).*`person`"):
        write_overlays(clip, tmp_path / "keypoints", tmp_path / "drawn.mp4", **given)
    asked = []
    given["annotate"] = lambda one: asked.append(one) or Annotation({"a": 1.0})
    write_overlays(clip, tmp_path / "keypoints", tmp_path / "drawn.mp4", person=1, fps=50, **given)
    assert [(one.person, one.fps) for one in asked] == [(1, 50)]
    with pytest.raises(ValueError, match="contact sheets"):
        write_overlays(clip, tmp_path / "keypoints", tmp_path / "drawn.png", **given)


@pytest.mark.slow
def test_answers_over_time_are_those_of_a_stream(tiny_classifier):
    long = simulate_recordings(athletes=1, per_athlete=1, fps=30)[0]
    long = replace(long, keypoints=np.concatenate([long.keypoints, long.keypoints[:10]]))
    probabilities = predict_frames(tiny_classifier, long)
    stream = Stream(tiny_classifier, fps=30)
    answers = [stream.add(frame) for frame in long.keypoints]
    assert tuple(probabilities) == stream.classes
    for number, answer in enumerate(answers):
        at = [probabilities[name][number] for name in stream.classes]
        assert np.isnan(at).all() if answer is None else np.allclose(at, answer, atol=1e-6)
    assert np.isfinite(at).all()
    short = replace(long, keypoints=long.keypoints[:20])
    for k, name in enumerate(stream.classes):
        np.testing.assert_allclose(
            predict_frames(tiny_classifier, short)[name],
            tiny_classifier.predict_proba([short])[0, k],
            atol=1e-6,
        )
