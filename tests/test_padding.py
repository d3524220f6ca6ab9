"""pad: recordings in front, zeros behind; labels; what differs or is unseen is refused."""

import numpy as np
import pytest
from helpers.random_recordings import random_recording, without

from gymskel.preprocess import pad, select_joints
from gymskel.skeleton import BODY_25, GYMNASTICS_15


def test_pad_puts_recordings_in_front_and_zeros_behind():
    ones = [
        random_recording(n, unseen=0, seed=n, activity=a) for n, a in ((3, "flip"), (6, "jump"), (1, "flip"))
    ]
    clips = pad(iter(ones))
    assert clips.x.shape == (3, 6, 25, 2) and clips.lengths.tolist() == [3, 6, 1]
    for i, one in enumerate(ones):
        np.testing.assert_array_equal(clips.x[i, : len(one)], one.xy)
        assert not clips.x[i, len(one) :].any() and not clips.seen[i, len(one) :].any()
        assert clips.mask[i].tolist() == [frame < len(one) for frame in range(6)]
    assert clips.seen[clips.mask].all()
    assert clips.classes == ("flip", "jump") and clips.y.tolist() == [0, 1, 0]
    assert clips.athletes == ("s01",) * 3 and clips.sources == ("v3", "v6", "v1")
    assert (clips.fps, clips.skeleton, clips.channels) == (60, BODY_25, ("x", "y"))
    longer = pad(ones, frames=9)
    np.testing.assert_array_equal(longer.x, clips.padded_to(9).x)
    np.testing.assert_array_equal(longer.mask, clips.padded_to(9).mask)


def test_pad_remembers_what_was_unseen():
    one = random_recording()
    clips = pad([one, random_recording(4, unseen=0)], unseen=-7.5)
    np.testing.assert_array_equal(clips.seen[0], one.seen)
    assert (clips.x[0][~one.seen] == -7.5).all()
    np.testing.assert_array_equal(clips.x[0][one.seen], one.xy[one.seen])
    assert (clips.x[1, 4:] == 0).all()  # behind the mask, whatever is put elsewhere


def test_pad_labels():
    flip, jump, unknown = (random_recording(activity=a, unseen=0) for a in ("flip", "jump", None))
    assert pad([flip, jump], classes=["jump", "leap", "flip"]).y.tolist() == [2, 0]
    assert pad([flip, jump], classes=["jump", "leap", "flip"]).classes == ("jump", "leap", "flip")
    for clips in (pad([flip, unknown], classes=["flip"]), pad([flip, jump], classes=["flip"])):
        assert clips.y is None and clips.classes == ("flip",)
    assert pad([flip, unknown]).y is None and pad([flip, unknown]).classes == ()


@pytest.mark.parametrize(
    ("recordings", "given", "message"),
    [
        ([], {}, "`recordings` is empty"),
        (
            [random_recording(unseen=0), select_joints(random_recording(unseen=0, seed=1), GYMNASTICS_15)],
            {},
            r"flip-1-s01 has 15 joints \(GYMNASTICS_15\).*select_joints",
        ),
        (
            [
                random_recording(unseen=0),
                random_recording(unseen=0, fps=30.0),
                random_recording(unseen=0, fps=None),
            ],
            {},
            r"\(unknown, 30 fps, 60 fps\).* `resample`",
        ),
        (
            [random_recording(5, unseen=0), random_recording(9, seed=1)],
            {"frames": 8},
            "flip-1-s01 has 9 frames",
        ),
        (
            [random_recording(unseen=0), without("Nose", "LEye", frames=3)],
            {},
            r"\(LEye, Nose\) in flip-0-s01\..* unseen=",
        ),
        ([random_recording(seed=i) for i in range(20)], {}, "flip-7-s01 and 12 more"),
        ([random_recording()], {"unseen": np.nan}, "`x` must be finite"),
    ],
)
def test_pad_refuses(recordings, given, message):
    with pytest.raises(ValueError, match=message):
        pad(recordings, **given)
