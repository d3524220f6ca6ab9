"""Other people's files <-> recordings, and data sets in one file. One format a file.

from gymskel import formats

formats.read_openpose_json("output_json", fps=60)                 # what OpenPose wrote with --write_json
list(formats.import_openpose_json("output_json", "keypoints"))    # the same as per-frame CSVs on disk
formats.write_pack(recordings, "moves.npz")                       # one file, read several hundred times faster
formats.write_parquet(recordings, "moves")                        # parts of bounded size, for more than memory holds
formats.write_tfrecord(clips, "windows.tfrecord")                 # Clips, as TensorFlow's own tools read them
"""

from gymskel.formats.openpose_json import Imported, import_openpose_json, read_openpose_json
from gymskel.formats.pack import read_pack, write_pack
from gymskel.formats.parquet import StoredRecordings, open_parquet, read_parquet, write_parquet
from gymskel.formats.tfrecord import read_tfrecord, to_tf_dataset, write_tfrecord

__all__ = [
    "Imported",
    "StoredRecordings",
    "import_openpose_json",
    "open_parquet",
    "read_openpose_json",
    "read_pack",
    "read_parquet",
    "read_tfrecord",
    "to_tf_dataset",
    "write_pack",
    "write_parquet",
    "write_tfrecord",
]
