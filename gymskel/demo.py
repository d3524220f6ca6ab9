"""All steps on simulated gymnasts: CSVs, test by athlete, training, one .gymskel file, prediction, pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gymskel.classifier import SkeletonClassifier
from gymskel.evaluation import evaluate
from gymskel.explain import write_strips
from gymskel.recording import read_recordings, write_recording
from gymskel.simulate import simulate_bystander, simulate_recordings
from gymskel.training import RECIPES
from gymskel.visualize import plot_confusion, plot_skeletons, plot_training

SHORT = replace(RECIPES["default"], name="demo", min_steps=400)
"""The default recipe with fewer training steps: enough for two moves that differ this much."""


def run(out: Path, *, seed: int = 0, say: Callable[[str], None] = print) -> list[Path]:
    """Run the demo, give each line of its report to `say`, and return what was written into the folder `out`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    out.mkdir(parents=True, exist_ok=True)
    say("1  Simulated gymnasts do backflips and back handsprings beside a bystander, and are saved as CSVs.")
    for recording in simulate_recordings(athletes=6, per_athlete=4, seed=seed):
        write_recording(recording, out / "keypoints")
        write_recording(simulate_bystander(recording, seed=seed), out / "keypoints")
    recordings = read_recordings(out / "keypoints", person=0)  # person 1 is the bystander
    say(f"   {len(recordings)} recordings, e.g. {recordings[0]}")

    say(
        "2  Two athletes at a time are left out: how well does the classifier do on athletes it has not seen?"
    )
    new = SkeletonClassifier(recipe=SHORT, random_state=seed)
    result = evaluate(new, recordings, seed=seed, folds=3, progress=True)
    say("   (simulated data)\n" + "\n".join(f"   {line}" for line in str(result).splitlines()))
    (out / "evaluation.txt").write_text(f"simulated data\n{result}\n", encoding="utf-8")

    say("3  A classifier is trained on all recordings, saved as one file, and loaded again.")
    classifier = new.fit(recordings, progress=True)
    path = classifier.keep_out_of_fold(result.predictions).save(out / "moves.gymskel")
    classifier = SkeletonClassifier.load(path)

    say("4  It names the moves of two gymnasts that it has not seen.")
    others = simulate_recordings(athletes=8, per_athlete=1, seed=seed + 1)
    unseen = [r for r in others if r.athlete in ("a07", "a08")]
    table = classifier.predict_table(unseen)
    table.to_csv(out / "predictions.csv", index=False)
    say("   " + table.to_string(index=False, float_format="{:.3f}".format).replace("\n", "\n   "))

    say("5  Pictures.")
    written = [out / name for name in ("keypoints", "evaluation.txt", "moves.gymskel", "predictions.csv")]
    for name, axes in {
        "skeletons.png": plot_skeletons(unseen[0], frames=12),
        "training.png": plot_training([classifier.run_.history]),
        "confusion.png": plot_confusion(result.confusion().to_numpy(), result.classes),
    }.items():
        figure = axes.figure.figure  # of a sub-figure the whole one
        figure.savefig(out / name, bbox_inches="tight", dpi=120)
        plt.close(figure)
        written.append(out / name)
    write_strips(classifier, unseen, out / "strips")
    return [*written, out / "strips"]
