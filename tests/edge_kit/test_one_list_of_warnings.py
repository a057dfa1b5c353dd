"""A line is a warning only by way of `Cautions`, the list that papers are written from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def literals(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_line_is_a_warning_but_by_the_list_that_papers_are_written_from() -> None:
    packages = ROOT / "edge_kit", ROOT / "export" / "edge_export"
    places = [
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in sorted(package.rglob("*.py"))
        if any(text.lower().startswith("warning:") for text in literals(path))
    ]
    # These three write no paper of accuracy: they print what they find of films and of layers.
    others = [f"edge_kit/commands/{name}.py" for name in ("audit", "data", "debug")]
    assert places == [*others, "export/edge_export/cautions.py"]
