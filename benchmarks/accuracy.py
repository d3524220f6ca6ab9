"""How well the models do: the published experiment, athletes left out, real videos.

python benchmarks/accuracy.py thesis PATH_TO/tumbling.zip      # the published table beside ours, 5 runs each
python benchmarks/accuracy.py athletes PATH_TO/tumbling.zip    # default recipe, each athlete left out, all models
python benchmarks/accuracy.py videos PATH_TO/parkour           # extract, then each athlete left out, default model
"""

import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from gymskel import SkeletonClassifier, extract, read_recordings
from gymskel.evaluation import PUBLISHED_RESULTS, evaluate
from gymskel.models import BUILDERS


def thesis(archive: str, runs: int = 5) -> None:
    recordings = read_recordings(archive, fps=60)
    for name, published in PUBLISHED_RESULTS.items():
        result = evaluate(
            SkeletonClassifier(name, preprocess="thesis_cleaned"), recordings, protocol="thesis", runs=runs
        )
        ours = " ".join(f"{100 * a:.1f}" for a in result.accuracies)
        print(
            f"{name:17} published {' '.join(map(str, published))} (mean {sum(published) / len(published):.1f})"
        )
        print(
            f"{'':17} ours      {ours} (mean {100 * result.accuracy:.1f}); {sum(result.seconds) / runs:.1f} s a run"
        )
        print("\n".join(f"{'':17} {note}" for note in result.notes[:1]), flush=True)


def athletes(archive: str, runs: int = 1, names: str = ",".join(BUILDERS)) -> None:
    recordings = read_recordings(archive, fps=60)
    for name in names.split(","):
        result = evaluate(SkeletonClassifier(name), recordings, runs=runs)
        print(f"{result}\n", flush=True)


def videos(folder: str, runs: int = 3, fps: float = 25, keep: str = "") -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        keypoints = Path(keep or temporary)
        result = extract.extract_videos(folder, keypoints, fps=fps)
        print(f"extracted {len(result.written) + len(result.skipped)}, failed {len(result.failed)}")
        recordings = read_recordings(keypoints)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            evaluation = evaluate(SkeletonClassifier(), recordings, runs=runs)
        print(evaluation)
        print(
            "right of",
            len(recordings),
            "in each run:",
            (evaluation.accuracies * len(recordings)).round().astype(int).tolist(),
        )
        print("floors:", {name: round(share * len(recordings)) for name, share in evaluation.floors.items()})
        print(
            evaluation.predictions.query("truth != predicted")[
                ["run", "recording", "predicted", "doubt"]
            ].to_string(index=False)
        )
        for warning in {str(w.message) for w in told}:
            print("warning:", warning)


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    kinds = {"thesis": [int], "athletes": [int, str], "videos": [int, float, str]}[what]
    {"thesis": thesis, "athletes": athletes, "videos": videos}[what](
        path, *(k(v) for k, v in zip(kinds, rest, strict=False))
    )
