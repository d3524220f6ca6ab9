"""The package as a whole: what it imports and when, who may import whom, and that everything says what it is."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import gymskel

ROOT = Path(gymskel.__file__).parent
MODULES = sorted(path.relative_to(ROOT).with_suffix("") for path in ROOT.rglob("*.py"))

# Who may import whom, inside functions and for types too. Imports point back along the journey.
NOUNS = {"skeleton", "recording", "clips"}
TOOLS = {"files", "messages"}  # import nothing, and serve every stage
MAY_IMPORT = {
    "skeleton": set(),
    "body_geometry": {"skeleton"},
    "quiet": set(),
    "files": set(),
    "messages": set(),
    "parallel": set(),
    "archive": set(),
    "recording": {"skeleton", "archive"},
    "clips": {"skeleton", "archive", "recording"},
    "splits": set(),
    "video": set(),
    "estimators": {"skeleton", "quiet"},
    "tracking": {"skeleton", "body_geometry"},
    "extract": {"skeleton", "recording", "video", "estimators", "tracking", "parallel"},
    "formats": {*NOUNS, "archive", "tracking"},
    "preprocess": {*NOUNS, "body_geometry"},
    "kinematics": {"skeleton", "body_geometry", "recording", "preprocess"},
    "datasets": {*NOUNS, "archive", "formats"},
    "models": {"skeleton"},
    "training": {"recording", "clips", "splits", "formats", "preprocess"},
    "classifier": {*NOUNS, "gymskel", "archive", "preprocess", "models", "training"},
    "stream": {"skeleton", "recording", "classifier"},
    "export": {"gymskel", "skeleton", "clips", "classifier"},
    "evaluation": {*NOUNS, "splits", "preprocess", "models", "training", "classifier", "parallel"},
    "visualize": NOUNS,
    "activations": {*NOUNS, "visualize"},
    "attribution": {*NOUNS, "visualize"},
    "explain": {"recording", "clips", "classifier", "activations", "attribution"},
    "overlay": {"skeleton", "body_geometry", "recording", "video", "activations"},
    "viewer": {"recording", "activations"},
    "report": {
        *{"gymskel", "recording", "classifier", "evaluation"},
        *{"activations", "attribution", "visualize", "kinematics", "viewer", "skeleton"},
    },
    "simulate": {"skeleton", "recording", "video"},
    "demo": {*NOUNS, "training", "classifier", "evaluation", "explain", "visualize", "simulate"},
    "cli": {
        *{
            "gymskel",
            "recording",
            "video",
            "extract",
            "formats",
            "preprocess",
            "kinematics",
            "models",
            "training",
            "classifier",
        },
        *{"stream", "export", "evaluation", "activations", "explain", "overlay", "report", "demo", "quiet"},
    },
}
FACES = {"__init__", "__main__"}  # of the package: they hand on
HEAVY = ("tensorflow", "keras", "cv2", "mediapipe", "onnxruntime", "rtmlib", "matplotlib", "sklearn")


def imports_of(path: Path) -> set[str]:
    """The parts of gymskel that a file imports, wherever in the file; "gymskel" = the package itself."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
            names = names[1:] if node.module == "gymskel" else names[:1]
        else:
            continue
        parts = [name.split(".") for name in names if name.split(".")[0] == "gymskel"]
        found |= {part[1] if len(part) > 1 else "gymskel" for part in parts}
    return found


def test_imports_of_reads_every_form(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "import gymskel\nimport gymskel.clips as c\nfrom gymskel import extract as e\nimport os\n"
        "def f():\n    from gymskel.models.layers import TakeJoints\n"
    )
    assert imports_of(file) == {"gymskel", "clips", "extract", "models"}


def test_who_imports_whom():
    names = {module.parts[0] for module in MODULES} - FACES
    assert names == set(MAY_IMPORT), "a new module needs a row in MAY_IMPORT"
    wrong = {}
    for module in MODULES:
        name = module.parts[0]
        if name not in FACES:
            more = imports_of(ROOT / module.with_suffix(".py")) - MAY_IMPORT[name] - TOOLS - {name}
            wrong |= {str(module): more} if more else {}
    assert wrong == {}


def test_the_table_has_no_circle():
    after = {name: others - {"gymskel"} for name, others in MAY_IMPORT.items()}
    while after:
        free = {name for name, others in after.items() if not others & set(after)}
        assert free, f"a circle among {sorted(after)}"
        after = {name: others for name, others in after.items() if name not in free}
    assert not any("cli" in others for others in MAY_IMPORT.values())


def test_a_light_import():
    """A host that only extracts, or only preprocesses, never loads what models and pictures need."""
    script = f"""
import sys
import gymskel
from gymskel import extract, preprocess
from gymskel import Recording, Clips, Skeleton, read_recordings
import gymskel.simulate, gymskel.cli
print([name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["gymskel", *(f"gymskel.{name}" for name in MAY_IMPORT)])
def test_every_promised_name_is_there(name):
    module = importlib.import_module(name)
    promised = getattr(module, "__all__", [])
    assert len(set(promised)) == len(promised)
    for word in promised:
        assert getattr(module, word) is not None
    assert not [word for word in promised if word.startswith("_")]


def test_the_names_at_the_top():
    """Nouns and stages, and each is what its own module has."""
    for name, module in gymskel._NOUNS.items():
        assert getattr(gymskel, name) is getattr(importlib.import_module(f"gymskel.{module}"), name)
    for name in gymskel._STAGES:
        assert getattr(gymskel, name) is importlib.import_module(f"gymskel.{name}")
    assert set(gymskel.__all__) <= set(dir(gymskel))
    assert not set(gymskel._NOUNS) & set(MAY_IMPORT)  # a module never shares its name with a function
    with pytest.raises(AttributeError, match="module 'gymskel' has no attribute 'nothing'"):
        gymskel.nothing  # noqa: B018


def test_names_that_others_build_on():
    wanted = {
        "extract": "extract_video extract_videos plan_videos Estimator MediaPipe OpenPose RTMPose",
        "preprocess": "fill smooth center is_recognizable select_joints rotate_joints pad Preprocessor",
        "models": "simple_rnn lstm hierarchical_rnn lstm_attention",
        "classifier": "SkeletonClassifier",
        "recording": "Recording read_recording read_recordings write_recording",
        "skeleton": "Skeleton BODY_25 COCO_17 COCO_18 HALPE_26 MEDIAPIPE_33 GYMNASTICS_15",
        "activations": "layer_outputs gates body_levels rank_units draw_strips draw_strips_with_skeleton",
        "attribution": "integrated_gradients occlusion rank_agreement randomization_check",
    }
    for module, names in wanted.items():
        for name in names.split():
            assert hasattr(getattr(gymskel, module), name), f"{module}.{name}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_everything_public_says_what_it_is(module):
    tree = ast.parse((ROOT / module.with_suffix(".py")).read_text(encoding="utf-8"))
    silent = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            silent += [] if ast.get_docstring(node) else [node.name]
    assert silent == []


QUESTIONS = {"what", "who", "whose", "whom", "how", "why", "where", "when", "whether", "which"}


def defined(module):
    """[(name, node), ...] of a module: itself, its classes and functions, nested ones too."""
    tree = ast.parse((ROOT / module.with_suffix(".py")).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [("the module", tree), *((node.name, node) for node in ast.walk(tree) if isinstance(node, kinds))]


def lines_without_docstring(node):
    """Lines of a function that are not its docstring."""
    documented = ast.get_docstring(node) is not None
    text = node.body[0].end_lineno - node.body[0].lineno + 1 if documented else 0
    return node.end_lineno - node.lineno + 1 - text


def test_docstrings_open_with_a_verb_or_a_noun():
    asking, count = [], 0
    for module in MODULES:
        for name, node in defined(module):
            words = (ast.get_docstring(node) or "").split()
            count += bool(words)
            if words and words[0].strip(".,:;\"'`").lower() in QUESTIONS:
                asking.append(f"{module}: {name}")
    assert count > 1000  # else nothing was looked at
    assert asking == []


def test_files_and_functions_are_short():
    long = []
    for module in MODULES:
        lines = len((ROOT / module.with_suffix(".py")).read_text(encoding="utf-8").splitlines())
        long += [f"{module}: {lines} lines"] if lines > 400 else []
        for name, node in defined(module):
            if isinstance(node, ast.FunctionDef) and (lines := lines_without_docstring(node)) > 60:
                long.append(f"{module}: {name}, {lines} lines")
    assert long == []
