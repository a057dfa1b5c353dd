"""Draws chest films that show nobody, to try everything on: classes, patients and splits included.

python examples/draw_films.py films --count 840
python examples/draw_films.py --sample examples/sample-film.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_export.films.phantom import phantom
from edge_export.films.phantom_set import write_phantoms
from edge_runtime.errors import EdgeError


def main() -> None:
    """Carry out the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("folder", type=Path, nargs="?", help="a new folder of films")
    options.add_argument("--count", type=int, default=840, help="films, half of either class")
    options.add_argument("--seed", type=int, default=0, help="another seed, other films")
    options.add_argument("--sample", type=Path, help="draw one film to this file instead")
    chosen = options.parse_args()
    if chosen.sample:
        phantom(2026, positive=True, size=(512, 512)).save(chosen.sample, optimize=True)
    elif chosen.folder:
        write_phantoms(chosen.folder, count=chosen.count, seed=chosen.seed)
    else:
        options.error("name a folder, or a file with --sample")


if __name__ == "__main__":
    try:
        main()
    except EdgeError as error:
        sys.exit(f"draw_films: {error}")
