"""Writes `examples/tutorial.ipynb`, the tutorial as a Jupyter notebook, from `docs/tutorial.md`.

python docs/make_notebook.py            writes it
python docs/make_notebook.py --check    leaves with 1 where it is stale
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from generated import write_or_check

PAGE = Path(__file__).resolve().with_name("tutorial.md")
NOTEBOOK = PAGE.parent.parent / "examples" / "tutorial.ipynb"
_BLOCK = re.compile(r"^(<!-- not run: [^\n]* -->\n)?```(sh|python)\n(.*?)^```\n", re.M | re.S)


def notebook() -> str:
    """Return the notebook as JSON."""
    text = PAGE.read_text(encoding="utf-8")
    # Jupyter runs a notebook in its own folder; the tutorial's paths begin at the project's.
    cells = [{"cell_type": "code", "source": "%cd .."}, *_cells(text)]
    document = {
        "cells": [_whole(number, cell) for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cells(text: str) -> Iterator[dict[str, str]]:
    """Yield a cell of text for what stands between two blocks, and one of code for each block."""
    end = 0
    for block in _BLOCK.finditer(text):
        yield from _markdown(text[end : block.start()])
        skipped, language, code = block.groups()
        if skipped:
            yield from _markdown(f"```{language}\n{code}```")
        else:
            lines = code.rstrip().splitlines()
            shown = [f"!{line}" for line in lines] if language == "sh" else lines
            yield {"cell_type": "code", "source": "\n".join(shown)}
        end = block.end()
    yield from _markdown(text[end:])


def _markdown(text: str) -> Iterator[dict[str, str]]:
    if text.strip():
        linked = re.sub(r"\]\((?!http|#)", "](../docs/", text.strip())
        yield {"cell_type": "markdown", "source": linked}


def _whole(number: int, cell: dict[str, str]) -> dict[str, object]:
    """Return a cell with what the format asks for beside its text."""
    code: dict[str, object] = {"execution_count": None, "outputs": []}
    ends = code if cell["cell_type"] == "code" else {}
    lines = cell["source"].splitlines(keepends=True)
    return {**cell, "id": f"cell-{number}", "metadata": {}, "source": lines, **ends}


def main() -> int:
    """Carry out the command line."""
    about = (__doc__ or "").splitlines()[0]
    return write_or_check(NOTEBOOK, notebook(), Path(__file__), about)


if __name__ == "__main__":
    sys.exit(main())
