"""The notebooks run from top to bottom, on simulated gymnasts, without outputs committed."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
# notebook -> (pictures it draws, a file it leaves behind)
MAKES = {
    "1_extract": (3, "sheet.png"),
    "2_preprocess": (5, None),
    "3_train_flips": (4, "flips.gymskel"),
    "4_what_the_neurons_saw": (6, None),
    "5_exercise_quality": (6, None),
    "6_your_own_moves": (3, "my_moves.gymskel"),
}


def run(notebook, folder):
    """Runs a notebook in a folder; its outputs stand in its cells."""
    nbclient.NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()


@pytest.fixture
def alone(monkeypatch):
    """Nobody's data, and TensorFlow quiet."""
    for name in ("GYMSKEL_DATA", "GYMSKEL_VIDEOS", "GYMSKEL_MOVES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="module")
def unoptimised(tmp_path_factory):
    """Settings of IPython with which TensorFlow does not optimise what it traces, as in the tests (see conftest.py)."""
    folder = tmp_path_factory.mktemp("ipython")
    script = folder / "profile_default" / "startup" / "first.py"
    script.parent.mkdir(parents=True)
    script.write_text(
        "import tensorflow\n"
        "tensorflow.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})\n",
        encoding="utf-8",
    )
    return folder


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == list(MAKES)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path, alone, unoptimised, monkeypatch):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs for cell in code), "commit notebooks without outputs"
    assert not any(word in cell.source for cell in code for word in ("def ", "class ", "lambda")), (
        "functions belong into the package"
    )
    if any("SkeletonClassifier" in cell.source for cell in code):
        monkeypatch.setenv("IPYTHONDIR", str(unoptimised))
    run(notebook, tmp_path)
    pictures = [out for cell in code for out in cell.outputs if "image/png" in out.get("data", {})]
    wanted, file = MAKES[path.stem]
    assert len(pictures) >= wanted
    assert file is None or (tmp_path / file).stat().st_size > 10_000


@pytest.mark.slow
def test_a_broken_cell_is_noticed(tmp_path, alone):
    cells = [nbformat.v4.new_code_cell("fine = 1"), nbformat.v4.new_code_cell("fine.nothing")]
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="has no attribute 'nothing'"):
        run(nbformat.v4.new_notebook(cells=cells), tmp_path)
