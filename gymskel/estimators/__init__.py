"""A picture -> the keypoints of people in it.

estimator.py    `Estimator`, the protocol, and how one is chosen
mediapipe.py    MediaPipe
openpose.py     OpenPose's Python binding; gpus.py: which GPU a process takes
rtmpose.py      RTMPose through rtmlib
model_files.py  model files: found, checked, named
"""

from gymskel.estimators.estimator import Estimator
from gymskel.estimators.mediapipe import MediaPipe
from gymskel.estimators.openpose import OpenPose
from gymskel.estimators.rtmpose import RTMPose

__all__ = ["Estimator", "MediaPipe", "OpenPose", "RTMPose"]
