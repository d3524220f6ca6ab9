"""Files of other programs <-> recordings, and data sets in one file. One format a file.

from gymskel import formats

formats.read_keypoints("whatever")                                # any file or folder of the formats below
formats.read_openpose_json("output_json", fps=60)                 # OpenPose's --write_json
formats.import_openpose_json("output_json", "keypoints")          # the same, written as per-frame CSVs
formats.read_pose("clip.pose")                                    # pose-format
formats.read_pyskl("gym.pkl", split="train", classes=names)       # PYSKL and MMAction2; no pickled code is run
formats.read_deeplabcut("clipDLC_net.csv", fps=60)                # DeepLabCut, one animal or several
formats.to_dataframe(recordings); formats.from_dataframe(frame)   # pandas
formats.to_xarray(recording); formats.from_xarray(dataset)        # xarray, in the layout of movement
formats.write_pack(recordings, "moves.npz")                       # one file, read several hundred times faster
formats.write_parquet(recordings, "moves")                        # files of bounded size, for more than memory holds
formats.write_tfrecord(clips, "windows.tfrecord")                 # Clips, for TensorFlow's own tools
"""

from gymskel.formats.dataframe import from_dataframe, read_table, to_dataframe
from gymskel.formats.deeplabcut import read_deeplabcut
from gymskel.formats.movement import from_xarray, to_xarray
from gymskel.formats.openpose_json import ImportedClip, import_openpose_json, read_openpose_json
from gymskel.formats.pack import read_pack, write_pack
from gymskel.formats.parquet import open_parquet, read_parquet, write_parquet
from gymskel.formats.parquet_dataset import StoredRecordings
from gymskel.formats.pose_format import read_pose
from gymskel.formats.pyskl import read_pyskl
from gymskel.formats.reading import find_format, read_keypoints
from gymskel.formats.tfrecord import read_tfrecord, write_tfrecord

__all__ = [
    "ImportedClip",
    "StoredRecordings",
    "find_format",
    "from_dataframe",
    "from_xarray",
    "import_openpose_json",
    "open_parquet",
    "read_deeplabcut",
    "read_keypoints",
    "read_openpose_json",
    "read_pack",
    "read_parquet",
    "read_pose",
    "read_pyskl",
    "read_table",
    "read_tfrecord",
    "to_dataframe",
    "to_xarray",
    "write_pack",
    "write_parquet",
    "write_tfrecord",
]
