"""`python -m edge_runtime` is `edge-run`."""

from edge_runtime.cli import main

main()
