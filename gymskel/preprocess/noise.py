"""Noise of joint positions: outliers removed, the rest smoothed.

A joint that is unseen stays unseen. `smooth_savgol`, `smooth_butterworth` and `smooth_one_euro` treat each run of
frames in which a joint is seen as a recording of its own: nothing crosses a gap. `smooth` and `remove_outliers` use
the seen frames in their window, on both sides of a gap that is shorter than the window.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import uniform_filter1d

from gymskel.preprocess.missing import find_runs
from gymskel.recording import Recording
from gymskel.recording.times import frame_rate, frame_seconds

SPEED_CUTOFF = 1.0  # Hz: cutoff of the low-pass on the speed in the One-Euro filter, as in the paper


def remove_outliers(
    recording: Recording, *, window: int = 9, n_sigma: float = 3.0, floor: float = 0.02
) -> Recording:
    """Make outliers unseen (NaN, NaN, 0): positions that jump away from the frames around them.

    The Hampel identifier (Hampel, J. Am. Stat. Assoc. 69, 1974; in a moving window Pearson, IEEE Trans. Control
    Syst. Technol. 10, 2002): x or y lies further than `n_sigma` times 1.4826 MAD from the median of the
    frames around it. Only found positions count: a filled-in position (confidence 0) is neither evidence nor
    judged, so this comes before `fill`. A position is judged only if the joint was found in more than half
    of the window's frames, as at the ends of a recording; next to long gaps nothing is judged. Cannot be used
    live.

    Args:
        window: frames, odd; up to (window - 1) / 2 outliers within it are recognised.
        n_sigma: distance from the median, in sigmas, beyond which a position is an outlier.
        floor: smallest sigma, as a share of the body's size (median of `body_sizes`). Without it a joint that rests
            to the pixel has MAD 0 and would lose every position but the most frequent one. A share holds near and far,
            in pixels and in torso lengths.

    >>> one = Recording(np.ones((9, 25, 3))); one.keypoints[:, 0, :2] = 200; one.keypoints[4, 0, 0] = 500
    >>> one.keypoints[:, 1:9, :2] = 100
    >>> np.flatnonzero(~remove_outliers(one).seen[:, 0]).tolist()
    [4]
    """
    _check_window(window, odd=True)
    if not (n_sigma > 0 and floor >= 0):
        raise ValueError(f"`n_sigma` must be above 0 and `floor` from 0, got {n_sigma} and {floor}.")
    found = recording.confidence > 0
    xy = np.where(found[..., None], recording.xy, np.nan)
    half = window // 2
    padded = np.pad(xy, ((half, half), (0, 0), (0, 0)), constant_values=np.nan)
    least = floor * _median(body_sizes(recording))
    keypoints = recording.keypoints.copy()
    for joint in range(xy.shape[1]):  # one joint at a time: windows take `window` times the memory
        near = sliding_window_view(padded[:, joint], window, axis=0)
        median = _median(near)
        sigma = np.maximum(1.4826 * _median(np.abs(near - median[..., None])), least)
        judged = (~np.isnan(near[:, 0])).sum(axis=-1) > half
        far = (np.abs(xy[:, joint] - median) > n_sigma * sigma).any(axis=-1)
        keypoints[far & judged, joint] = np.nan, np.nan, 0
    return recording.after("remove_outliers", keypoints, window=window, n_sigma=n_sigma, floor=floor)


def smooth(recording: Recording, *, window: int = 3, method: str = "centered") -> Recording:
    """Average each coordinate over neighbouring frames.

    Only seen positions are averaged, and an unseen joint stays unseen.

    Args:
        window: frames in the mean; odd for "centered".
        method: "centered" is eq. 4.1 of the thesis; at the ends the mean is over fewer frames. "trailing" is the
            method of the author's program: the mean of a frame and those before it, with the first `window` - 1
            frames unchanged. It delays the movement by (window - 1) / 2 frames, and can be used live.

    >>> one = Recording(np.zeros((4, 25, 3))); one.keypoints[:, :, 0] = np.array([0, 3, 6, 0])[:, None]
    >>> smooth(one).xy[:, 0, 0].tolist(), smooth(one, method="trailing").xy[:, 0, 0].tolist()
    ([1.5, 3.0, 3.0, 3.0], [0.0, 3.0, 3.0, 3.0])
    """
    if method not in ("centered", "trailing"):
        raise ValueError(f"`method` must be 'centered' or 'trailing', got {method!r}.")
    _check_window(window, odd=method == "centered")
    seen = recording.seen[..., None]
    origin = (window - 1) // 2 if method == "trailing" else 0
    options = {"size": window, "axis": 0, "mode": "constant", "origin": origin}
    total = uniform_filter1d(np.where(seen, recording.xy, 0), output=np.float64, **options)
    count = uniform_filter1d(seen, output=np.float64, **options)
    mean = total / np.where(seen, count, np.nan)
    if method == "trailing":
        mean[: window - 1] = recording.xy[: window - 1]
    return recording.after("smooth", mean, window=window, method=method)


def smooth_savgol(recording: Recording, *, window: int = 5, polyorder: int = 2) -> Recording:
    """Smooth each coordinate with a polynomial fitted to the frames around it.

    Savitzky and Golay, Anal. Chem. 36 (1964). Keeps turning points better than a mean does: a movement that is
    a polynomial of this order stays exactly as it is. In the first and last frames of a run the polynomial of
    the outermost whole window is used. Frames count as evenly spaced. Cannot be used live.

    Args:
        window: frames, odd, more than `polyorder`; a shorter run gets a shorter window. A run of at most
            `polyorder` + 1 frames stays as it is. On simulated moves 9 was best at 60 frames a second, 5 at 30.
        polyorder: order of the polynomial, 0 or more.

    >>> one = Recording(np.zeros((9, 25, 3))); one.keypoints[..., 0] = np.arange(9)[:, None] ** 2
    >>> smooth_savgol(one).xy[:, 0, 0].round(3).tolist()
    [0.0, 1.0, 4.0, 9.0, 16.0, 25.0, 36.0, 49.0, 64.0]
    """
    from scipy.signal import savgol_filter  # slow to import, and the default steps need none

    _check_window(window, odd=True)
    if not 0 <= polyorder < window:
        raise ValueError(f"`polyorder` must be from 0 and below the window of {window}, got {polyorder}.")

    def filtered(xy: np.ndarray) -> np.ndarray:
        size = min(window, len(xy) - 1 + len(xy) % 2)
        return savgol_filter(xy, size, polyorder, axis=0) if size > polyorder else xy

    xy = _run_by_run(recording, filtered)
    return recording.after("smooth_savgol", xy, window=window, polyorder=polyorder)


def smooth_butterworth(recording: Recording, *, cutoff: float = 8.0, order: int = 2) -> Recording:
    """Remove high frequencies from each coordinate without a delay.

    A Butterworth low-pass run forwards and backwards, the usual filter of biomechanics (Winter, Biomechanics and
    Motor Control of Human Movement, 4th ed. 2009, p. 69). Two passes lower the cutoff, so each pass has a higher one,
    corrected on the tangent-warped frequency: `cutoff` is the frequency at which the amplitude after both passes is
    1 / sqrt(2), -3 dB. For the filter each run is extended by its own point reflection, by one period of the cutoff;
    a run of at most that many frames stays as it is. Cannot be used live.

    Args:
        recording: with a frame rate, or evenly spaced timestamps.
        cutoff: Hz, above 0 and below half of the frame rate. A lower one removes more noise and more movement.
            6 is usual for walking; on simulated moves of gymnasts 8 came nearest to the truth.
        order: order of one pass; two passes of order 2 are known as a fourth-order zero-lag filter.

    Raises:
        ValueError: frame rate unknown or uneven, `cutoff` or `order` out of range.

    >>> one = Recording(np.ones((60, 25, 3)), fps=60); one.keypoints[::2, :, 0] = 3  # trembles at 30 Hz
    >>> smooth_butterworth(one).xy[20:24, 0, 0].round(2).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    from scipy.signal import butter, sosfiltfilt

    rate = _even_rate(recording)
    if not 0 < cutoff < rate / 2:
        raise ValueError(
            f"{recording.name}: `cutoff` must be above 0 and below half of the frame rate of {rate:g}, got {cutoff}."
        )
    if order < 1:
        raise ValueError(f"`order` must be at least 1, got {order}.")
    warped = np.tan(np.pi * cutoff / rate) / (np.sqrt(2) - 1) ** (1 / (2 * order))
    sections = butter(order, 2 / np.pi * np.arctan(warped), output="sos")
    period = int(np.ceil(rate / cutoff))

    def filtered(xy: np.ndarray) -> np.ndarray:
        return sosfiltfilt(sections, xy, axis=0, padlen=period) if len(xy) > period else xy

    xy = _run_by_run(recording, filtered)
    return recording.after("smooth_butterworth", xy, cutoff=cutoff, order=order)


def smooth_one_euro(recording: Recording, *, min_cutoff: float = 1.0, beta: float = 16.0) -> Recording:
    """Smooth with the One-Euro filter: steady while a joint rests, with little lag while it moves.

    Casiez, Roussel and Vogel, CHI 2012: a low-pass of first order on each coordinate, whose cutoff rises with the
    speed, `min_cutoff` + `beta` * speed. No frame depends on a later one: can be used live. After a gap the filter
    starts again: the first seen position is taken as it is.

    The paper measures speed in pixels a second. Here it is in body sizes a second (`body_sizes`, the median of all
    frames so far), so settings hold near and far, and for recordings in torso lengths. Except for this body size, joints
    are filtered independently of each other and of the time before a gap.

    Args:
        recording: with a frame rate or timestamps.
        min_cutoff: Hz, above 0: cutoff of a joint at rest; lower = less noise.
        beta: Hz for each body size a second, 0 or more; higher = less lag. A joint in fast, steady motion lags by about
            1 / (2 pi beta) body sizes.

    Raises:
        ValueError: frame rate unknown, `min_cutoff` or `beta` out of range.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=60); one.keypoints[1:, :, 0] = 1
    >>> [f"{x:.3f}" for x in smooth_one_euro(one, beta=0).xy[:, 0, 0]]  # 1 / (1 + 60 / 2 pi) of the way each time
    ['0.000', '0.095', '0.181']
    """
    if not (min_cutoff > 0 and beta >= 0):
        raise ValueError(f"`min_cutoff` must be above 0 and `beta` from 0, got {min_cutoff} and {beta}.")
    if recording.timestamps is not None and len(recording) > 1:
        durations = np.diff(frame_seconds(recording))
        durations = np.concatenate([durations[:1], durations])  # the first frame: as long as the second
    else:
        durations = np.full(len(recording), 1 / frame_rate(recording))
    sizes = pd.Series(body_sizes(recording)).expanding().median().to_numpy()
    sizes = np.where(sizes > 0, sizes, np.inf)  # without a body size there is no speed
    xy = recording.xy.astype(np.float64)
    position, speed = np.full_like(xy[0], np.nan), np.zeros_like(xy[0])
    for frame, (seen, duration, size) in enumerate(zip(xy.copy(), durations, sizes, strict=True)):
        known = ~np.isnan(position)
        change = (seen - position) / (duration * size)
        speed = np.where(known, speed + _smoothing_factor(SPEED_CUTOFF, duration) * (change - speed), 0)
        factor = _smoothing_factor(min_cutoff + beta * np.abs(speed), duration)
        position = np.where(known, position + factor * (seen - position), seen)
        xy[frame] = position
    return recording.after("smooth_one_euro", xy, min_cutoff=min_cutoff, beta=beta)


def body_sizes(recording: Recording) -> np.ndarray:
    """Return (frames,) the size of the body: the median distance of its joints from their median point.

    It needs no particular joint, and changes little if up to half of the joints are lost or wrong. NaN where nothing is
    seen. In BODY_25 it is about 1.25 torso lengths (median of the published recordings).
    """
    xy = recording.xy.astype(np.float64)
    middle = _median(np.swapaxes(xy, 1, 2))[:, None]
    return _median(np.linalg.norm(xy - middle, axis=-1))


def _median(values: np.ndarray) -> np.ndarray:
    """Median along the last axis without NaN; NaN where all are NaN. Unlike np.nanmedian it gives no warning."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.count_nonzero(~np.isnan(values), axis=-1)[..., None]
    low, high = (
        np.take_along_axis(ordered, np.maximum(k, 0), axis=-1)[..., 0] for k in ((count - 1) // 2, count // 2)
    )
    return (low + high) / 2


def _run_by_run(recording: Recording, filtered: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Filter each run of seen frames alone; joints with the same run are filtered together. Returns (frames, joints, 2)."""
    xy = recording.xy.astype(np.float64)
    runs: dict[tuple[int, int], list[int]] = {}
    for joint, seen in enumerate(recording.seen.T):
        for run in find_runs(seen):
            runs.setdefault(run, []).append(joint)
    for (start, stop), joints in runs.items():
        xy[start:stop, joints] = filtered(xy[start:stop, joints])
    return xy


def _smoothing_factor(cutoff: np.ndarray | float, duration: float) -> np.ndarray | float:
    """Smoothing factor alpha of a first-order low-pass, for a cutoff in Hz and a frame of `duration` seconds."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * duration))


def _even_rate(recording: Recording) -> float:
    """Return the frames a second; ValueError if unknown, or if a timestamp is over half a frame off an even spacing."""
    if recording.timestamps is not None and len(recording) > 1:
        times = frame_seconds(recording)
        even, step = np.linspace(times[0], times[-1], len(times), retstep=True)
        if (off := np.abs(times - even).max()) > step / 2:
            raise ValueError(
                f"{recording.name}: frames are up to {off / step:.1f} frames off an even spacing. "
                "Fix: use the step `resample` before."
            )
    return frame_rate(recording)


def _check_window(window: int, *, odd: bool) -> None:
    """Raise ValueError where `window` is no number of frames, or even although it must be odd."""
    if window < 1 or window != int(window) or (odd and window % 2 == 0):
        raise ValueError(f"`window` must be a number of frames{', odd' * odd}, got {window}.")
