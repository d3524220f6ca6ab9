"""Other people's files to recordings, one format a file.

from gymskel import formats

formats.read_openpose_json("output_json", fps=60)                 # what OpenPose wrote with --write_json
list(formats.import_openpose_json("output_json", "keypoints"))    # the same as per-frame CSVs on disk
"""

from gymskel.formats.openpose_json import Imported, import_openpose_json, read_openpose_json

__all__ = ["Imported", "import_openpose_json", "read_openpose_json"]
