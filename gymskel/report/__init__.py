"""One page that a coach understands: how good a classifier is, where it errs, and what it looked at.

    from gymskel import SkeletonClassifier, read_recordings, report

    report.write_report(SkeletonClassifier.load("moves.gymskel"), read_recordings("keypoints"), "report.html")

The page is a single file, loads nothing, and says nothing about recordings the classifier was trained on but what was answered
while their athlete was left out.
"""

from gymskel.report.write import write_report

__all__ = ["write_report"]
