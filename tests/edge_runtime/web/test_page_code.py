"""The page's own files are short, say what they take, and hold nothing that its policy forbids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import edge_runtime

STATIC = Path(edge_runtime.__file__).parent / "web" / "static"
FILES = sorted(path for path in STATIC.iterdir() if path.suffix in {".js", ".css", ".html"})
MODULES = [path for path in FILES if path.suffix == ".js"]
PAGES = [path for path in FILES if path.suffix == ".html"]
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
_FUNCTION = re.compile(r"^( *)(?:export )?(?:static )?(?:async )?(?:function )?\w+\(.*\) \{$")


def name(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_are_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for start, line in enumerate(lines):
        if (found := _FUNCTION.match(line)) and not line.strip().startswith(("if", "for")):
            end = lines.index(found[1] + "}", start)
            assert end - start < LONGEST_FUNCTION, line


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_say_what_they_are_for_and_what_their_exports_take(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("// ")
    for found in re.finditer(r"^export (?:async )?function (\w+)\((.*)\)", text, re.MULTILINE):
        before = text[: found.start()].rstrip()
        assert before.endswith("*/"), found[1]
        comment = before[before.rindex("/**") :]
        assert "@param" in comment or not found[2], found[1]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_asked_of_any_other_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert (
        re.findall(r"(?:https?:)?//[a-z][^\s\"')]*\.[a-z]+", text.replace("http://www.w3.org", ""))
        == []
    )
    assert "@import" not in text


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages_hold_no_script_no_style_and_no_handler(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_text_becomes_markup_or_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )


def test_every_module_is_asked_for_at_once() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r"/static/(\w+\.js)", page))
    assert named == {path.name for path in MODULES} - {"login.js"}
