"""Train networks on films; the command line of the workstation."""

import edge_export  # noqa: F401  # which prepares the machine for scikit-learn
