"""The pages of this project, and the blocks and commands that they show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "runtime" / "README.md")
    if path.name != "CHANGELOG.md"
)
_BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(sh|python)\n(.*?)^```$", re.M | re.S)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Yield language and text of each block of a page that is to be run."""
    for skipped, language, text in _BLOCK.findall(text_of(page)):
        if not skipped:
            yield language, text


def commands(page: str) -> list[str]:
    """Return the command lines that a page shows, whether they are run or not."""
    text = text_of(page)
    lines = [line for _, language, code in _BLOCK.findall(text) if language == "sh"
             for line in code.splitlines()]  # fmt: skip
    spans = re.findall(r"`((?:edge-run|edge-kit|make) [^`]+)`", text.replace("\n", " "))
    return [line for line in (*lines, *spans) if line.startswith(("edge-run", "edge-kit", "make"))]
