"""Recording: one person in one video, and the per-frame CSV files it is stored as."""

from gymskel.recording.folders import CSV_NAME_PATTERN, METADATA_NAME
from gymskel.recording.labels import LabelTable, label_recordings, read_labels
from gymskel.recording.model import MAX_CONFIDENCE, Recording, UnseenError, name_or_none, parse_video_name
from gymskel.recording.read import MissingFramesWarning, read_recording, read_recordings
from gymskel.recording.write import write_recording

__all__ = [
    "CSV_NAME_PATTERN",
    "MAX_CONFIDENCE",
    "LabelTable",
    "METADATA_NAME",
    "MissingFramesWarning",
    "Recording",
    "UnseenError",
    "label_recordings",
    "name_or_none",
    "parse_video_name",
    "read_labels",
    "read_recording",
    "read_recordings",
    "write_recording",
]
