"""The gallery: every figure of the thesis that data can draw, and a few more, on your recordings or simulated ones.

python docs/gallery/make.py fig_4_1                            # on simulated gymnasts, into docs/gallery
python docs/gallery/make.py fig_4_1 fig_5_9 --data keypoints   # on a tree or .zip of per-frame CSVs, into ./gallery
python docs/gallery/make.py all                                # every picture, and the page that shows them

`--data` may be left out where the environment variable GYMSKEL_DATA is set. A folder that holds tumbling.zip, the
published recordings (60 fps, filled and smoothed), is read as such; openpose_raw.zip beside it gives the raw ones.
"""

from __future__ import annotations

import argparse
import inspect
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib
import of_data  # noqa: F401 (figures register themselves)
import of_models  # noqa: F401
from images import with_title
from material import FIGURES, read_material
from matplotlib import pyplot as plt
from PIL import Image

HERE = Path(__file__).parent


def title_and_caption(name: str) -> tuple[str, str]:
    """Return the title and the caption of a figure, from its docstring."""
    title, _, text = inspect.getdoc(FIGURES[name]).partition("\n")
    return title.rstrip("."), " ".join(text.split())


def save(drawn: Any, path: Path, title: str) -> None:
    """Write a PNG with a title: a figure or Axes in 64 colours, an image as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(drawn, Image.Image):
        framed = with_title(drawn, title, 17)
        made = Image.new("RGB", (framed.width + 20, framed.height + 20), "white")
        made.paste(framed, (10, 10))
        made.save(path, optimize=True)
        return
    drawn = drawn if hasattr(drawn, "savefig") else drawn.figure
    drawn.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    drawn.savefig(path, dpi=100)
    plt.close(drawn)
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)


def page() -> str:
    """Return the text of docs/gallery/README.md: every picture with its title and caption."""
    text = [
        "# Gallery",
        "",
        "Every figure of the thesis that data can draw, and a few more. These show **simulated gymnasts** and say nothing about",
        "real ones. The same commands draw your own recordings, into `./gallery`:",
        "",
        "```bash",
        "python docs/gallery/make.py fig_4_1 --data keypoints   # one picture; or set GYMSKEL_DATA",
        "python docs/gallery/make.py all --data keypoints       # all of them; the 16 trainings take minutes",
        "```",
        "",
        "This page is written by `python docs/gallery/make.py all`.",
    ]
    for name in FIGURES:
        title, caption = title_and_caption(name)
        text += [
            "",
            f"## {title}",
            "",
            f"![{title}]({name}.png)",
            "",
            caption,
            "",
            f"`python docs/gallery/make.py {name}`",
        ]
    return "\n".join(text) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Draw the figures that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="+", choices=["all", *FIGURES], metavar="name", help=", ".join(FIGURES)
    )
    parser.add_argument("--data", type=Path, help="folder or .zip of recordings; by default GYMSKEL_DATA")
    parser.add_argument("--fps", type=float, help="frames a second, where the recordings do not say")
    parser.add_argument("--out", type=Path, help="folder of the pictures")
    given = parser.parse_args(arguments)
    data = given.data or (Path(os.environ["GYMSKEL_DATA"]) if os.environ.get("GYMSKEL_DATA") else None)
    matplotlib.use("Agg")
    material = read_material(data, given.fps)
    out = given.out or (HERE if data is None else Path("gallery"))
    for name in FIGURES if "all" in given.names else given.names:
        save(
            FIGURES[name](material), out / f"{name}.png", f"{title_and_caption(name)[0]} · {material.origin}"
        )
        print(out / f"{name}.png", flush=True)
    if "all" in given.names and data is None:
        (out / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
