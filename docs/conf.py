"""How Sphinx makes the documentation: `make docs`. Nothing here needs the network."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the API is read from the modules, and TensorFlow greets

import gymskel

project = "gymskel"
author = "the gymskel authors"
version = release = gymskel.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["**.ipynb_checkpoints", "gallery/*.py"]
default_role = "literal"  # in docstrings `x` is code

nb_execution_mode = "off"  # the suite runs the notebooks; here they are shown as committed, without outputs
myst_heading_anchors = 3

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    "exclude-members": "set_fit_request, set_score_request",  # scikit-learn's own, with references into its pages
}
suppress_warnings = ["ref.python"]  # "(frames, joints) bool: ..." is no reference to something called joints
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"gymskel {version}"
html_copy_source = False
html_show_copyright = False
