"""Videos in, recordings out.

    from gymskel import extract

    extract.extract_video("backflip-1-s07.mov")                  # the athlete's Recording, in a list
    extract.extract_videos("videos", "keypoints", fps=60)        # per-frame CSVs on disk, resumable

Any callable serves as `estimator` that has a `name` and a `skeleton`; see `Estimator`. Importing this module
imports no estimator and no OpenCV; a host that only extracts needs numpy, pandas, scipy and OpenCV.
"""

from gymskel.estimators.estimator import Estimator
from gymskel.estimators.mediapipe import MediaPipe
from gymskel.estimators.openpose import OpenPose
from gymskel.estimators.rtmpose import RTMPose
from gymskel.extract.batch import Extraction, extract_videos
from gymskel.extract.plan import Plan
from gymskel.extract.single import ExtractionWarning, extract_video

__all__ = [
    "Estimator",
    "Extraction",
    "ExtractionWarning",
    "MediaPipe",
    "OpenPose",
    "Plan",
    "RTMPose",
    "extract_video",
    "extract_videos",
]
