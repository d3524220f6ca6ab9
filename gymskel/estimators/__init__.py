"""A picture -> the keypoints of people in it.

estimator.py    `Estimator`, the protocol, and how one is chosen
mediapipe.py    MediaPipe
openpose.py     OpenPose's Python binding, and which GPU a process takes
rtmpose.py      RTMPose through rtmlib
model_files.py  model files: found, checked, named
"""
