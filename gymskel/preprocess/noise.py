"""Shaking joints: places that jump out of the movement taken away, the rest smoothed.

A joint that is unseen stays unseen. `smooth_savgol`, `smooth_butterworth` and `smooth_one_euro` work on each run
of frames in which a joint is seen as if it were a recording of its own: nothing crosses a gap. `smooth` and
`remove_outliers` look at the seen ones among the frames of their window, on both sides of a gap shorter than it.

Live, on frames as they come, can be used what looks only back: `smooth_one_euro` and `smooth` with
method="trailing". All others need the frames that follow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import uniform_filter1d

from gymskel.recording import Recording
from gymskel.recording.times import frame_rate, frame_seconds

SPEED_CUTOFF = 1.0
"""Hz, of the low-pass on the speed in the One-Euro filter; 1 as its authors have it."""


def remove_outliers(
    recording: Recording, *, window: int = 9, n_sigma: float = 3.0, floor: float = 0.02
) -> Recording:
    """The recording with places that jump out of the movement unseen: NaN, NaN, 0.

    The Hampel identifier (Hampel, J. Am. Stat. Assoc. 69, 1974; in a moving window Pearson, IEEE Trans. Control
    Syst. Technol. 10, 2002): x or y lies further than `n_sigma` times 1.4826 MAD from the median of the
    frames around it. Only what was found is looked at: a filled-in place (confidence 0) is no evidence and is
    not judged, so this comes before `fill`. A place is judged only where the joint was found in more than half
    of the window's frames, as at the ends of a recording; next to long gaps nothing is judged. Cannot be used
    live.

    Args:
        recording: any.
        window: frames, odd; up to (window - 1) / 2 outliers in it are told from the rest.
        n_sigma: how far is too far.
        floor: the least sigma believed, as a share of the body's size (`body_sizes`, its median). Without it a
            joint that stands still to the pixel has MAD 0 and would lose every place beside its commonest; as a
            share it is the same near and far, in pixels and in torso lengths.

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
    for joint in range(xy.shape[1]):  # one at a time, as windows take `window` times the memory
        near = sliding_window_view(padded[:, joint], window, axis=0)
        median = _median(near)
        sigma = np.maximum(1.4826 * _median(np.abs(near - median[..., None])), least)
        judged = (~np.isnan(near[:, 0])).sum(axis=-1) > half
        far = (np.abs(xy[:, joint] - median) > n_sigma * sigma).any(axis=-1)
        keypoints[far & judged, joint] = np.nan, np.nan, 0
    return recording.after("remove_outliers", keypoints, window=window, n_sigma=n_sigma, floor=floor)


def smooth(recording: Recording, *, window: int = 3, method: str = "centered") -> Recording:
    """The recording with each coordinate averaged over neighbouring frames.

    Only seen places are averaged, and an unseen one stays unseen: nothing spreads over a gap.

    Args:
        recording: any.
        window: frames in the mean; odd for "centered".
        method: "centered" is eq. 4.1 of the thesis; at the ends the mean is over the frames there are.
            "trailing" is what its author's program does: the mean of a frame and those before it, the first
            `window` - 1 frames left as they are. It moves everything (window - 1) / 2 frames late, and
            is the one that can be used live.

    >>> one = Recording(np.zeros((4, 25, 3))); one.keypoints[:, :, 0] = np.array([0, 3, 6, 0])[:, None]
    >>> smooth(one).xy[:, 0, 0].tolist(), smooth(one, method="trailing").xy[:, 0, 0].tolist()
    ([1.5, 3.0, 3.0, 3.0], [0.0, 3.0, 3.0, 3.0])
    """
    if method not in ("centered", "trailing"):
        raise ValueError(f"`method` must be 'centered' or 'trailing', got {method!r}.")
    _check_window(window, odd=method == "centered")
    seen = recording.seen[..., None]
    origin = (window - 1) // 2 if method == "trailing" else 0
    told = {"size": window, "axis": 0, "mode": "constant", "origin": origin}
    total = uniform_filter1d(np.where(seen, recording.xy, 0), output=np.float64, **told)
    count = uniform_filter1d(seen, output=np.float64, **told)
    mean = total / np.where(seen, count, np.nan)
    if method == "trailing":
        mean[: window - 1] = recording.xy[: window - 1]
    return recording.after("smooth", mean, window=window, method=method)


def smooth_savgol(recording: Recording, *, window: int = 5, polyorder: int = 2) -> Recording:
    """The recording with each coordinate on a polynomial fitted to the frames around it.

    Savitzky and Golay, Anal. Chem. 36 (1964). Keeps turning points better than a mean does: a movement that is
    a polynomial of this order stays exactly as it is. In the first and last frames of a run the polynomial of
    the outermost whole window is used. Frames count as evenly spaced. Cannot be used live.

    Args:
        recording: any.
        window: frames, odd, more than `polyorder`; in a run of fewer frames as many as it has. A run of no
            more than `polyorder` + 1 frames stays as it is. On simulated moves 9 was best at 60 frames a
            second, 5 at 30.
        polyorder: of the polynomial, 0 or more.

    >>> one = Recording(np.zeros((9, 25, 3))); one.keypoints[..., 0] = np.arange(9)[:, None] ** 2
    >>> smooth_savgol(one).xy[:, 0, 0].round(3).tolist()
    [0.0, 1.0, 4.0, 9.0, 16.0, 25.0, 36.0, 49.0, 64.0]
    """
    from scipy.signal import savgol_filter  # slow to import, and the default steps do without

    _check_window(window, odd=True)
    if not 0 <= polyorder < window:
        raise ValueError(f"`polyorder` must be from 0 and below the window of {window}, got {polyorder}.")

    def filtered(xy: np.ndarray) -> np.ndarray:
        size = min(window, len(xy) - 1 + len(xy) % 2)
        return savgol_filter(xy, size, polyorder, axis=0) if size > polyorder else xy

    xy = _run_by_run(recording, filtered)
    return recording.after("smooth_savgol", xy, window=window, polyorder=polyorder)


def smooth_butterworth(recording: Recording, *, cutoff: float = 8.0, order: int = 2) -> Recording:
    """The recording with quick trembling taken out of each coordinate, nothing moved in time.

    A Butterworth low-pass run forwards and backwards, the usual filter of biomechanics (Winter, Biomechanics and
    Motor Control of Human Movement, 4th ed. 2009, p. 69). Two passes pull the cutoff down, so each is made
    with a higher one, corrected on the tangent-warped frequency: `cutoff` is where the amplitude after both is
    1 / sqrt(2), -3 dB. Each run is lengthened for the filter by its own point reflection, by one period of the
    cutoff; a run of no more frames than that is too short to tell slow from quick and stays as it is. Cannot be
    used live.

    Args:
        recording: with a frame rate, or evenly spaced timestamps.
        cutoff: Hz, above 0 and below half of the frame rate. Lower takes out more of noise and of movement.
            6 is usual for walking; on simulated moves of gymnasts 8 came nearest to the truth.
        order: of a single pass; with 2 the two make what is called a fourth-order zero-lag filter.

    Raises:
        ValueError: frame rate unknown or uneven, a cutoff that it cannot carry.

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
    """The recording smoothed as it would be live: steady while a joint rests, quick to follow when it moves.

    The One-Euro filter (Casiez, Roussel and Vogel, CHI 2012): a low-pass of first order on each coordinate whose
    cutoff rises with its speed, `min_cutoff` + `beta` * speed. A frame depends on no later one, so this can be
    used live. After a gap it begins anew: the first place seen is taken as it is.

    Here speed is in body sizes a second (`body_sizes`, the median of all frames so far), where the paper has
    pixels: settings then hold near and far, and for recordings in torso lengths. This is all that one joint
    learns of the others and of the time before a gap; with `beta` 0 nothing.

    Args:
        recording: with a frame rate or timestamps.
        min_cutoff: Hz, above 0, of a joint at rest; lower trembles less.
        beta: Hz for each body size a second, from 0; higher lags less: a joint in fast, steady motion is some
            1 / (2 pi beta) of the body's size behind.

    Raises:
        ValueError: frame rate unknown.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=60); one.keypoints[1:, :, 0] = 1
    >>> [f"{x:.3f}" for x in smooth_one_euro(one, beta=0).xy[:, 0, 0]]  # 1 / (1 + 60 / 2 pi) of the way each time
    ['0.000', '0.095', '0.181']
    """
    if not (min_cutoff > 0 and beta >= 0):
        raise ValueError(f"`min_cutoff` must be above 0 and `beta` from 0, got {min_cutoff} and {beta}.")
    spans = _spans(recording)
    sizes = pd.Series(body_sizes(recording)).expanding().median().to_numpy()
    sizes = np.where(sizes > 0, sizes, np.inf)  # of nobody, or of a single joint: no speed is known
    xy = recording.xy.astype(np.float64)
    place, speed = np.full_like(xy[0], np.nan), np.zeros_like(xy[0])
    for frame, (seen, span, size) in enumerate(zip(xy.copy(), spans, sizes, strict=True)):
        known = ~np.isnan(place)
        change = (seen - place) / (span * size)
        speed = np.where(known, speed + _share(SPEED_CUTOFF, span) * (change - speed), 0)
        share = _share(min_cutoff + beta * np.abs(speed), span)
        place = np.where(known, place + share * (seen - place), seen)
        xy[frame] = place
    return recording.after("smooth_one_euro", xy, min_cutoff=min_cutoff, beta=beta)


def body_sizes(recording: Recording) -> np.ndarray:
    """(frames,) how large the body is drawn: the median distance of its joints from their median point.

    Half of the joints may be lost or wrong without moving it far; it needs no joint in particular. NaN where
    nothing is seen. In BODY_25 it is some 1.25 torso lengths (median of the published recordings).
    """
    xy = recording.xy.astype(np.float64)
    middle = _median(np.swapaxes(xy, 1, 2))[:, None]
    return _median(np.linalg.norm(xy - middle, axis=-1))


def _median(values: np.ndarray) -> np.ndarray:
    """Median along the last axis, NaN left out; NaN where there is nothing else, without a warning."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.count_nonzero(~np.isnan(values), axis=-1)[..., None]
    low, high = (
        np.take_along_axis(ordered, np.maximum(k, 0), axis=-1)[..., 0] for k in ((count - 1) // 2, count // 2)
    )
    return (low + high) / 2


def _run_by_run(recording: Recording, filtered: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(frames, joints, 2) with each run of seen frames filtered alone; joints seen in the same run together."""
    xy = recording.xy.astype(np.float64)
    edges = np.diff(np.pad(recording.seen, ((1, 1), (0, 0))).astype(np.int8), axis=0)
    runs: dict[tuple[int, int], list[int]] = {}
    for joint, column in enumerate(edges.T):
        turns = np.flatnonzero(column).tolist()
        for run in zip(turns[::2], turns[1::2], strict=True):
            runs.setdefault(run, []).append(joint)
    for (start, stop), joints in runs.items():
        xy[start:stop, joints] = filtered(xy[start:stop, joints])
    return xy


def _share(cutoff: np.ndarray | float, span: float) -> np.ndarray | float:
    """Share of the way that a low-pass of first order goes in one frame of that many seconds."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * span))


def _spans(recording: Recording) -> np.ndarray:
    """Return (frames,) seconds since the frame before; the first value repeats the second."""
    if recording.timestamps is not None and len(recording) > 1:
        spans = np.diff(frame_seconds(recording))
        return np.concatenate([spans[:1], spans])
    return np.full(len(recording), 1 / frame_rate(recording))


def _even_rate(recording: Recording) -> float:
    """Return the frames a second. Timestamps must be evenly spaced, to half a frame.

    Raises:
        ValueError: the frame rate is unknown, or a timestamp is further off.
    """
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
    if window < 1 or window != int(window) or (odd and window % 2 == 0):
        raise ValueError(f"`window` must be a number of frames{', odd' * odd}, got {window}.")
