"""Whatever is printed, or written into a table or a page, is made fit for its place first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (ROOT / "edge_kit", ROOT / "export" / "edge_export", ROOT / "runtime" / "edge_runtime")
SOURCES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
TEMPLATES = sorted(path for package in PACKAGES for path in package.rglob("*.j2"))

FIT = ("printable", "lines")
"""Functions of `edge_runtime.text` after which a text may be printed."""

# module: what is written -> why that needs no function of `edge_runtime.text`.
FIT_OTHERWISE = {
    "runtime/edge_runtime/machine/probe.py: json.dumps(outcome) + '\\n'": "JSON in ASCII",
    "runtime/edge_runtime/console.py: text": "`say` and `show` made it printable",
    "runtime/edge_runtime/console.py: text.encode('utf-8', 'backslashreplace')": "the same",
    "edge_kit/console.py: (erase + line).encode()": "our own words and a number",
    "edge_kit/console.py: line": "our own words and a number",
    "edge_kit/console.py: text": "a stream that others write to: `say` and `write` do",
    "runtime/edge_runtime/output.py: data": "bytes of a file",
}
_STREAMS = {"sys.stdout", "sys.stderr", "os", "stream", "self._stream"}


def written(source: Path) -> Iterator[str]:
    """Yield what each call of a module writes to a terminal, as it stands there."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = ast.unparse(node.func)
        to_terminal = called == "print" or (
            called.endswith(".write") and called.removesuffix(".write") in _STREAMS
        )
        if to_terminal:
            text = node.args[1 if called == "os.write" else 0]
            is_fit = isinstance(text, ast.Call) and ast.unparse(text.func) in FIT
            if not is_fit:
                yield ast.unparse(text)


def on_terminals() -> set[str]:
    """Return what is written to a terminal, by its module."""
    found = set()
    for source in SOURCES:
        place, text = source.relative_to(ROOT).as_posix(), source.read_text(encoding="utf-8")
        if "sys.std" in text or "print(" in text:  # elsewhere a stream is that of a file
            found |= {f"{place}: {one}" for one in written(source)}
    return found


def test_every_text_on_a_terminal_was_made_printable() -> None:
    found = on_terminals()
    assert not found - FIT_OTHERWISE.keys(), "make these printable, or list them with the reason"
    assert not FIT_OTHERWISE.keys() - found, "no longer there"


def test_every_table_is_written_by_the_one_that_guards_cells() -> None:
    writers = ("csv.writer", "csv.DictWriter", "writer", "DictWriter")
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in writers:
                assert source.name == "text.py", f"{source}: use CsvTable of edge_runtime.text"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_page_takes_text_as_markup(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text


def test_the_only_markup_is_our_own() -> None:
    found = [
        f"{source.relative_to(ROOT).as_posix()}: {ast.unparse(node)}"
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Markup")
    ]
    assert found == ["export/edge_export/report/html.py: Markup(style.rstrip())"]
