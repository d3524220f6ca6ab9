"""Thesis fill, trailing mean and first-frame centring of all recordings: gymskel beside a DataFrame a frame.

The baseline is the plain way to write it: a DataFrame for each frame, a walk over frames and joints.

python benchmarks/cleaning.py PATH_TO/tumbling.zip [rounds]
"""

import sys
import time

import numpy as np
import pandas as pd

from gymskel import Recording, read_recordings
from gymskel.preprocess import center, fill, smooth


def frame_by_frame(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Fill, smooth, centre: each frame a DataFrame with the columns x, y, c; unseen = NaN."""
    count = len(frames)
    filled = [frame.copy() for frame in frames]
    for joint in range(len(frames[0])):
        for axis in ("x", "y"):
            for t in range(count):
                if not np.isnan(frames[t].at[joint, axis]):
                    continue
                later = (frames[u].at[joint, axis] for u in range(t + 1, count - 1))
                following = next((value for value in later if not np.isnan(value)), None)
                previous = filled[t - 1].at[joint, axis] if t else np.nan
                if np.isnan(previous) and following is not None:
                    filled[t].at[joint, axis] = following
                elif following is None:
                    filled[t].at[joint, axis] = previous
                else:
                    filled[t].at[joint, axis] = (previous + following) / 2
    smoothed = [frame.copy() for frame in filled]
    for t in range(2, count):
        for axis in ("x", "y"):
            smoothed[t][axis] = (filled[t][axis] + filled[t - 1][axis] + filled[t - 2][axis]) / 3
    origin = smoothed[0].loc[8, ["x", "y"]]
    centred = []
    for frame in smoothed:
        frame = frame.copy()
        frame[["x", "y"]] = frame[["x", "y"]] - origin
        centred.append(frame)
    return centred


def with_holes(recording: Recording, seed: int) -> Recording:
    """The published recordings are filled already; a tenth of the places in runs is taken out again."""
    keypoints, rng = recording.keypoints.copy(), np.random.default_rng(seed)
    for joint in range(keypoints.shape[1]):
        start = rng.integers(1, len(keypoints) - 12)
        keypoints[start : start + rng.integers(1, 10), joint] = np.nan, np.nan, 0
    return Recording(keypoints, recording.fps, recording.activity, recording.sample, recording.athlete)


def main(archive: str, rounds: int = 3) -> None:
    recordings = [with_holes(r, i) for i, r in enumerate(read_recordings(archive, fps=60))]
    framed = [
        [pd.DataFrame(k, columns=["x", "y", "c"], dtype=float) for k in r.keypoints] for r in recordings
    ]
    ratios, ours, theirs = [], [], []
    for _ in range(rounds):
        start = time.perf_counter()
        cleaned = [center(smooth(fill(r, method="thesis"), method="trailing")) for r in recordings]
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        baseline = [frame_by_frame(frames) for frames in framed]
        theirs.append(time.perf_counter() - start)
        ratios.append(theirs[-1] / ours[-1])
    worst = max(
        np.nanmax(np.abs(r.xy[t] - frame[["x", "y"]].to_numpy()))
        for r, frames in zip(cleaned, baseline, strict=True)
        for t, frame in enumerate(frames)
    )
    print(
        f"{len(recordings)} recordings, {sum(map(len, recordings))} frames, {rounds} rounds; largest difference {worst:.2g} px"
    )
    print(f"gymskel {np.median(ours):.3f} s, frame by frame {np.median(theirs):.1f} s")
    print(f"ratio   {np.median(ratios):.0f} ({min(ratios):.0f} to {max(ratios):.0f})")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
