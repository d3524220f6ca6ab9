"""Read frames from video files and write them: the only package that opens a video."""

from gymskel.video.read import VIDEO_SUFFIXES, Frames, VideoWarning, find_videos, limit_threads, read_frames
from gymskel.video.write import CodecWarning, VideoWriter, write_frames

__all__ = [
    "VIDEO_SUFFIXES",
    "CodecWarning",
    "Frames",
    "VideoWarning",
    "VideoWriter",
    "find_videos",
    "limit_threads",
    "read_frames",
    "write_frames",
]
