"""Pictures: the data, the body in motion, training and its results.

Every function draws into the Axes it is given, or into a new figure, and returns the Axes. None of them shows or
saves anything. In every picture right is vermilion, left is blue, and the middle of the body is black (colour-blind
safe: Okabe and Ito 2008). y runs down, as in a video, so that up is up.

skeletons.py       bodies in columns, at their places, beside their copies; the joints with their names
trajectories.py    the paths of joints; one joint after each step of cleaning
recording_sets.py  many recordings: lost joints, the mean pose of each class
training.py        training curves, the results of repeated runs, the learning curve, the confusion matrix
attention.py       the weight of each frame
bodies.py          one body drawn, many outlined, the legend of the sides
style.py           colours and axes that all of them share
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
