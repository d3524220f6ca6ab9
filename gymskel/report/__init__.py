"""Report about a classifier, as one HTML page for coaches: its results, its mistakes, and clips to play.

    from gymskel import SkeletonClassifier, read_recordings, report

    report.write_report(SkeletonClassifier.load("moves.gymskel"), read_recordings("keypoints"), "report.html")

The page is a single file and loads nothing from elsewhere. About training recordings it shows only answers that were given
while their athlete was left out.
"""

from gymskel.report.write import write_report

__all__ = ["write_report"]
