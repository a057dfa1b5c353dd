"""What the scripts that make a page or a notebook share: writing it, or saying that it is stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def write_or_check(place: Path, text: str, script: Path, about: str) -> int:
    """Write `text` to `place`; with `--check` on the command line, only compare them.

    `script` is named in the cure, `about` is its help. Return the exit status, 1 where it is stale.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="write nothing, say whether it is so")
    if not parser.parse_args().check:
        place.write_text(text, encoding="utf-8")
    elif place.read_text(encoding="utf-8") != text:
        cure = f"run: python {script.resolve().relative_to(ROOT)}"
        sys.stderr.write(f"{place.relative_to(ROOT)} is stale; {cure}\n")
        return 1
    return 0
