"""The commands, each with the line that says what it is for, its options, and what it does.

A module here is loaded for every command line, so what is heavy is imported in `run`.
"""

import sys
import warnings

# scikit-learn brings joblib, which warns while it is imported where a machine has no shared memory:
# before `edge_kit.cli.main` runs, and of what nobody here uses.
if not sys.warnoptions:
    warnings.filterwarnings("ignore", ".*joblib will operate in serial mode", UserWarning)
