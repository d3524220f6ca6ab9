"""Frames out of video files and into them: nothing else opens one."""

from gymskel.video.read import VIDEO_SUFFIXES, Frames, VideoWarning, find_videos, limit_threads, read_frames
from gymskel.video.write import CodecWarning, NewVideo, whole_file, write_frames

__all__ = [
    "VIDEO_SUFFIXES",
    "CodecWarning",
    "Frames",
    "NewVideo",
    "VideoWarning",
    "find_videos",
    "limit_threads",
    "read_frames",
    "whole_file",
    "write_frames",
]
