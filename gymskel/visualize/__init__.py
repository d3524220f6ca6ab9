"""Pictures: the data, the body in motion, training and its results.

Every function draws into the Axes it is given, or into a new figure, and returns the Axes; none of them shows
or saves anything. Right is vermilion, left is blue, the middle of the body is black in every picture
(colour-blind-safe: Okabe and Ito 2008). y runs down, as in the picture, so that up is up.

skeletons.py     bodies in columns, where they were, beside their copies; the joints with their names
trajectories.py  the paths of joints; one joint after each step of cleaning
recording_sets.py        of many recordings: which joint is lost when, the mean pose of each class
training.py      training curves, the results of repeated runs, the learning curve, confusion
attention.py     which frames a model looked at
style.py         what all of them share
"""

from gymskel.visualize.attention import plot_attention
from gymskel.visualize.recording_sets import plot_mean_poses, plot_missing
from gymskel.visualize.skeletons import plot_copies, plot_exposures, plot_joints, plot_skeletons
from gymskel.visualize.style import SIDES
from gymskel.visualize.training import plot_confusion, plot_learning_curve, plot_runs, plot_training
from gymskel.visualize.trajectories import plot_steps, plot_trajectories

__all__ = [
    "SIDES",
    "plot_attention",
    "plot_mean_poses",
    "plot_confusion",
    "plot_copies",
    "plot_exposures",
    "plot_joints",
    "plot_learning_curve",
    "plot_missing",
    "plot_runs",
    "plot_skeletons",
    "plot_steps",
    "plot_training",
    "plot_trajectories",
]
