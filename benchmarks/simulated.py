"""Simulated gymnasts beside published ones, and what a model trained on simulated recordings alone is worth.

The simulator was calibrated on the published athletes s01 to s06. `calibrate` reads these alone and prints, for each move,
the 10, 50 and 90 % points of what was compared, and how two simple rules trained on simulated recordings do on them.
`transfer` trains the classifier on simulated recordings alone and asks it about athletes whom the simulator has not seen.

python benchmarks/simulated.py PATH_TO/tumbling.zip calibrate|transfer [--seeds 5] [--athletes s07 s13] [--each 16]
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gymskel import BODY_25, Recording, SkeletonClassifier, read_recordings
from gymskel.clips import Clips
from gymskel.evaluation import sample_frames
from gymskel.kinematics import trunk_angle
from gymskel.preprocess import Preprocessor, fill
from gymskel.preprocess.preprocessor import PRESETS
from gymskel.simulate import simulate_recordings

CALIBRATED = ("s01", "s06")
LAST = 0.975  # how far through the clip "end" is: the very last frame is smoothed from one side


def simulate_set(each: int, seed: int) -> list[Recording]:
    """The training set: so many athletes, two recordings of each move by each, cut as the published ones are."""
    return simulate_recordings(athletes=each, per_athlete=2, seed=seed, as_published=True)


def describe(recording: Recording) -> dict[str, float | str]:
    """What is compared: lengths on screen in torsos of the first frames, shares of the clip, degrees backward."""
    lost = 1 - (recording.confidence[:, :15] > 0).mean()
    xy = fill(recording, method="linear").xy
    at = {name: xy[:, BODY_25.index(name)] for name in BODY_25.joints}

    def length(a: str, b: str) -> np.ndarray:
        return np.linalg.norm(at[a] - at[b], axis=-1)

    torso = np.median(length("Neck", "MidHip")[:10])
    facing = np.sign(at["Nose"][:10, 0].mean() - at["Neck"][:10, 0].mean())
    hip = (at["MidHip"] - at["MidHip"][0]) * (-facing, -1) / torso
    lean = -facing * trunk_angle(recording)
    facts: dict[str, float | str] = {"move": str(recording.activity), "frames": len(recording)}
    for share in (0.3, 0.6, 0.8, LAST):
        frame = round(share * (len(recording) - 1))
        facts |= {f"back at {share:.0%}": hip[frame, 0], f"up at {share:.0%}": hip[frame, 1]}
        facts[f"lean at {share:.0%}"] = lean[frame] % 360 if lean[frame] > 90 else lean[frame]
    for name, (a, b) in {
        "shoulders": ("RShoulder", "LShoulder"),
        "hips": ("RHip", "LHip"),
        "thigh": ("RHip", "RKnee"),
        "shin": ("RKnee", "RAnkle"),
        "upper arm": ("RShoulder", "RElbow"),
    }.items():
        facts[name] = np.median(length(a, b)[:10]) / torso
    facts["torso at the end"] = np.median(length("Neck", "MidHip")[-3:]) / torso
    facts["lost of 15 joints"] = lost
    for start, end in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        part = recording.confidence[round(start * len(recording)) : round(end * len(recording)), :15]
        facts[f"lost {start:.0%} to {end:.0%}"] = (part == 0).mean()
    return facts


def print_statistics(real: Sequence[Recording], simulated: Sequence[Recording]) -> None:
    """A line for each number: published and simulated, 10, 50 and 90 %."""
    both = [pd.DataFrame([describe(r) for r in some]) for some in (real, simulated)]
    for move in sorted(set(both[0]["move"])):
        parts = [table[table["move"] == move].drop(columns="move") for table in both]
        shown = [part.quantile([0.1, 0.5, 0.9]).T.round(2) for part in parts]
        print(f"\n{move}: {len(parts[0])} published recordings, then {len(parts[1])} simulated ones")
        print(pd.concat(shown, axis=1, keys=["published", "simulated"]).to_string())


def simple_rules() -> dict[str, Callable]:
    """Name -> a new estimator that learns little, so that it shows how alike the recordings are."""
    return {
        "logistic regression": lambda: make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
        ),
        "nearest neighbour": lambda: KNeighborsClassifier(1),
    }


def features(clips: Clips) -> np.ndarray:
    """(clips, 480) each clip at 16 instants."""
    return np.stack([sample_frames(clips[i : i + 1]) for i in range(len(clips))])


def print_simple(real: Sequence[Recording], simulated: Sequence[Recording]) -> None:
    """Simple rules trained on the simulated recordings and their mirror images, asked about the real ones."""
    preprocessor = Preprocessor("default")
    train, test = features(preprocessor.fit_transform(simulated)), features(preprocessor.transform(real))
    mirrored = Preprocessor([*PRESETS["default"][:-1], ("mirror", {}), PRESETS["default"][-1]])
    train = np.concatenate([train, features(mirrored.fit_transform(simulated))])
    told, truth = (np.array([r.activity for r in some]) for some in ([*simulated, *simulated], real))
    for name, make in simple_rules().items():
        right = make().fit(train, told).predict(test) == truth
        print(f"{name} on 16 instants, trained on simulated recordings alone: {right.mean():.3f}")


def classifiers(seed: int) -> dict[str, SkeletonClassifier]:
    """The models that are trained, with the default recipe."""
    steps = [(name, {"frames": 32} if name == "resample" else how) for name, how in PRESETS["default"]]
    return {
        "lstm_attention": SkeletonClassifier("lstm_attention", random_state=seed),
        "conv_gru, 32 frames": SkeletonClassifier(
            "conv_gru", preprocess=Preprocessor(steps), random_state=seed
        ),
    }


def print_transfer(real: Sequence[Recording], each: int, seeds: int) -> None:
    """Share of right answers for each model and seed; the seed draws the simulated tries and the model's weights."""
    truth = np.array([r.activity for r in real])
    rows = []
    for seed in range(seeds):
        simulated = simulate_set(each, seed)
        for name, classifier in classifiers(seed).items():
            right = classifier.fit(simulated).predict(real) == truth
            rows.append({"model": name, "seed": seed, "all": right.mean()})
            rows[-1] |= {move: right[truth == move].mean() for move in sorted(set(truth))}
            wrong = [r.name for r, good in zip(real, right, strict=True) if not good]
            print(pd.Series(rows[-1]).to_dict(), "wrong:", ", ".join(wrong) or "none", flush=True)
    table = pd.DataFrame(rows).drop(columns="seed").groupby("model").agg(["mean", "std", "min"])
    print(
        f"\n{len(real)} published recordings, {4 * each} simulated ones a seed\n{table.round(3).to_string()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("what", choices=("calibrate", "transfer"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--each", type=int, default=16, help="simulated athletes")
    parser.add_argument(
        "--athletes", nargs=2, default=("s07", "s13"), help="first and last asked about by `transfer`"
    )
    told = parser.parse_args()
    first, last = CALIBRATED if told.what == "calibrate" else told.athletes
    real = [r for r in read_recordings(told.data, fps=60) if first <= str(r.athlete) <= last]
    if told.what == "transfer":
        return print_transfer(real, told.each, told.seeds)
    simulated = simulate_set(told.each, 0)
    print_statistics(real, simulated)
    print_simple(real, simulated)
    return None


if __name__ == "__main__":
    main()
