"""How well trim finds the move, and kinematics its numbers: simulated recordings with walking, and the published ones.

The published recordings are trimmed already: how much of them is kept. All constants were chosen on the athletes s01 to
s06, so s07 to s13 are told apart. The truth of a simulated recording is read from its joints in metres (gymskel.simulate.session).

python benchmarks/trim.py [PATH_TO/tumbling.zip] [--each 50] [--seed 0]
"""

import argparse

import numpy as np
import pandas as pd

from gymskel import Recording, read_recordings
from gymskel.kinematics import kinematics_table, measure_kinematics
from gymskel.preprocess.moves import find_moves
from gymskel.simulate import ACTIVITIES, Motion, simulate_motion, simulate_recording
from gymskel.simulate.athlete import draw_athlete
from gymskel.simulate.session import Session, simulate_session


def simulate_sessions(each: int, seed: int) -> list[Session]:
    """So many recordings of each move, every one by an athlete of their own, 1 to 3 s of walking on either side."""
    rng = np.random.default_rng(seed)
    return [
        simulate_session(
            activity, athlete=f"t{n:03}", seed=seed, before=rng.uniform(1, 3), after=rng.uniform(1, 3)
        )
        for activity in ACTIVITIES
        for n in range(each)
    ]


def print_sessions(sessions: list[Session]) -> None:
    for method, truth in (
        ("markers", ("start", "end")),
        ("motion", ("onset", "rest")),
        ("motion", ("start", "end")),
    ):
        off = []
        for session in sessions:
            moves = find_moves(session.recording, method=method)
            wanted = [getattr(session, name) for name in truth]
            off.append(np.subtract(moves[0], wanted) if len(moves) == 1 else (np.nan, np.nan))
        off = np.array(off, float)
        near = abs(off) <= 3
        print(
            f"simulated, {method:7} against {'/'.join(truth):10}: one move in {len(off) - np.isnan(off[:, 0]).sum()} of {len(off)}; "
            f"within 3 frames: begin {near[:, 0].mean():.3f}, end {near[:, 1].mean():.3f}, both {near.all(axis=1).mean():.3f}; "
            f"off by (5, 50, 95 %) {np.nanpercentile(off[:, 0], (5, 50, 95))} and {np.nanpercentile(off[:, 1], (5, 50, 95))}"
        )


def print_published(recordings: list[Recording]) -> None:
    for method in ("markers", "motion"):
        for who, some in split(recordings):
            moves = [find_moves(one, method=method) for one in some]
            kept = [found[0][1] - found[0][0] if len(found) == 1 else 0 for found in moves]
            shares = np.array(kept) / [len(one) for one in some]
            lost = [one.name for one, share in zip(some, shares, strict=True) if share < 0.9]
            print(
                f"published, {method:7} {who}: {sum(kept) / sum(map(len, some)):.3f} of the frames kept; at least 0.9 in "
                f"{(shares >= 0.9).sum()} of {len(some)} recordings; less in {lost}"
            )


def split(recordings: list[Recording]) -> list[tuple[str, list[Recording]]]:
    """The athletes on whom constants were chosen, and the others."""
    return [
        ("s01-s06", [one for one in recordings if one.athlete <= "s06"]),
        ("s07-s13", [one for one in recordings if one.athlete > "s06"]),
    ]


def truth_of(motion: Motion, fps: float = 60.0) -> dict[str, float]:
    """What `measure_kinematics` should find, from the joints in metres."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], motion.airborne, [0]]))).reshape(-1, 2)
    start, end = max(edges, key=lambda edge: edge[1] - edge[0])
    hip = motion.joints[:, 8]
    ahead, _, up = (hip[start + 1] - hip[start]) * fps
    return {
        "flights": len(edges),
        "flight_time": motion.airborne.sum() / fps,
        "longest_flight": (end - start) / fps,
        "jump_height_rise": hip[start:end, 2].max() - hip[start, 2],
        "takeoff_speed": np.hypot(ahead, up),
        "takeoff_angle": np.degrees(np.arctan2(up, abs(ahead))),
        "fall": 9.81,
        "turn": motion.lean[-1] - motion.lean[0],
        "rotation_peak": np.gradient(motion.lean, 1 / fps).max(),
        "hip_travel": abs(hip[-1, 0] - hip[0, 0]),
        "hip_rise": hip[:, 2].max() - hip[0, 2],
    }


def print_kinematics(each: int, seed: int) -> None:
    rows = []
    for activity in ACTIVITIES:
        for n in range(each):
            who = f"t{n:03}"
            truth = truth_of(simulate_motion(activity, athlete=who, seed=seed))
            seen = simulate_recording(activity, athlete=who, seed=seed)
            found = measure_kinematics(seen, height=draw_athlete(who).height, point="hip")
            rows.append({"activity": activity} | {key: getattr(found, key) - truth[key] for key in truth})
    table = pd.DataFrame(rows).groupby("activity").quantile([0.05, 0.5, 0.95])
    print(
        f"\nfound minus true, {each} simulated recordings of each move; 5, 50, 95 %; SI units\n{table.round(2).to_string()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", nargs="?")
    parser.add_argument("--each", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    print_sessions(simulate_sessions(told.each, told.seed))
    recordings = read_recordings(told.archive, fps=60) if told.archive else []
    if recordings:
        print_published(recordings)
    print_kinematics(min(told.each, 30), told.seed)
    if recordings:
        table = kinematics_table(recordings)
        table["who"] = np.where(table["athlete"] <= "s06", "s01-s06", "s07-s13")
        numbers = table.drop(columns=["name", "sample", "athlete", "unit", "scale"]).groupby(
            ["activity", "who"]
        )
        print(
            f"\npublished recordings, 5, 50, 95 %; torso lengths\n{numbers.quantile([0.05, 0.5, 0.95]).round(2).T.to_string()}"
        )


if __name__ == "__main__":
    main()
