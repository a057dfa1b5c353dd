"""The commands of `edge-kit`, a module each: its options, and how it is carried out."""

import sys
import warnings

# scikit-learn brings joblib, which warns while it is imported where a machine has no shared memory:
# before `edge_kit.cli.main` runs, and of what nobody here uses.
if not sys.warnoptions:
    warnings.filterwarnings("ignore", ".*joblib will operate in serial mode", UserWarning)
