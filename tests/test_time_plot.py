"""Numbers drawn with a pose, and the frame that a recording starts at."""

import numpy as np
import pytest
from helpers.overlays import drifting, pose_of

from gymskel.overlay.alignment import first_frame_number
from gymskel.overlay.time_plot import mean_confidence, unwrap_degrees
from gymskel.recording import Recording

cv2 = pytest.importorskip("cv2")


def test_lean_goes_on_past_a_turn():
    turning = np.arange(0, 720, 30.0)
    wrapped = (turning + 180) % 360 - 180
    wrapped[[3, 4, 11]] = np.nan
    smooth = unwrap_degrees(wrapped)
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(wrapped))
    np.testing.assert_allclose(smooth[np.isfinite(smooth)], turning[np.isfinite(wrapped)])


def test_mean_confidence():
    recording = Recording(np.stack([pose_of(Nose=(1, 1, 0.4), Neck=(1, 1, 0.8), RKnee=(1, 1, 0)), pose_of()]))
    np.testing.assert_allclose(mean_confidence(recording), [0.6, np.nan])


def test_where_counting_starts():
    plain = {"image_size": None, "fps": None}
    assert (
        first_frame_number([drifting(first_frame=7)], None) == 0
    )  # it says its image size: gymskel wrote it
    assert first_frame_number([drifting(first_frame=7, **plain)], None) == 1
    assert first_frame_number([drifting(first_frame=7, **plain), drifting(first_frame=0, **plain)], None) == 0
    assert first_frame_number([drifting(first_frame=7)], 7) == 7
