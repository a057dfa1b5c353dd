"""Classifies a folder of films in a program of your own, and counts what came back.

    python examples/classify_folder.py FOLDER BUNDLE

One bad film stops nothing: its prediction has a status, and an error that says why.
"""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge_runtime import Classifier, EdgeError


def main(folder: str, bundle: str) -> int:
    """Print a line for each film below `folder`, and the counts; return the exit status."""
    films = sorted(path for path in Path(folder).rglob("*.png") if path.is_file())
    try:
        classifier = Classifier(bundle)  # raises where there is no bundle or no engine
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    counts: Counter[str] = Counter()
    # One classifier serves any number of threads; each running call has an engine to itself.
    with classifier, ThreadPoolExecutor() as threads:
        for film, said in zip(films, threads.map(classifier.classify, films), strict=True):
            if said.status == "ok":
                print(f"{film.name}: {said.label} ({said.probability:.3f})")
            else:
                print(f"{film.name}: {said.status}, {said.error}")
            counts[said.label or said.status] += 1
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: classify_folder.py FOLDER BUNDLE")
    sys.exit(main(*sys.argv[1:]))
