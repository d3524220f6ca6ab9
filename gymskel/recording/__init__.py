"""Recording: one person in one video, and the per-frame CSV files it is stored as."""

from gymskel.recording.folders import FILE_NAME
from gymskel.recording.labels import label_recordings, read_labels
from gymskel.recording.metadata import JSON_NAME
from gymskel.recording.model import MAX_CONFIDENCE, Recording, UnseenError, parse_name, said
from gymskel.recording.read import HoleWarning, read_recording, read_recordings
from gymskel.recording.write import write_recording

__all__ = [
    "FILE_NAME",
    "JSON_NAME",
    "MAX_CONFIDENCE",
    "HoleWarning",
    "Recording",
    "UnseenError",
    "label_recordings",
    "parse_name",
    "read_labels",
    "read_recording",
    "read_recordings",
    "said",
    "write_recording",
]
