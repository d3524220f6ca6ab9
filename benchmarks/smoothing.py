"""How near to the truth each way of smoothing comes, on simulated moves of which the truth is known.

Root mean square distance in pixels from the simulated places without noise, of 16 recordings of 8 athletes,
noise of 1.5 px (and more while turning), nothing lost.

python benchmarks/smoothing.py
"""

import numpy as np

from gymskel.preprocess import smooth, smooth_butterworth, smooth_one_euro, smooth_savgol
from gymskel.simulate import simulate_recording

WAYS = {"as found": lambda r: r}
for window in (3, 5):
    WAYS[f"smooth(window={window})"] = lambda r, w=window: smooth(r, window=w)
for window in (5, 7, 9, 11):
    WAYS[f"smooth_savgol(window={window})"] = lambda r, w=window: smooth_savgol(r, window=w)
for cutoff in (5, 6, 7, 8, 10, 12):
    WAYS[f"smooth_butterworth(cutoff={cutoff})"] = lambda r, c=cutoff: smooth_butterworth(r, cutoff=c)
WAYS["live: smooth(method='trailing')"] = lambda r: smooth(r, method="trailing")
for beta in (1, 4, 16, 64):
    WAYS[f"live: smooth_one_euro(beta={beta})"] = lambda r, b=beta: smooth_one_euro(r, beta=b)


def main() -> None:
    """Prints the table."""
    tries = [(move, f"a{k:02d}", k) for move in ("backflip", "back-handspring") for k in range(8)]
    rates = (60, 30)
    table = {name: [] for name in WAYS}
    for fps in rates:
        pairs = []
        for move, athlete, sample in tries:
            told = {"athlete": athlete, "sample": sample, "fps": float(fps), "lost": 0}
            pairs.append([simulate_recording(move, noise=noise, **told) for noise in (0, 1.5)])
        for name, way in WAYS.items():
            squares = [np.nanmean(((way(shaken).xy - truth.xy) ** 2).sum(axis=-1)) for truth, shaken in pairs]
            table[name].append(np.sqrt(np.mean(squares)))
    print(f"{'':36}" + "".join(f"{fps:>5} fps" for fps in rates))
    for name, errors in table.items():
        print(f"{name:36}" + "".join(f"{error:9.2f}" for error in errors))


if __name__ == "__main__":
    main()
