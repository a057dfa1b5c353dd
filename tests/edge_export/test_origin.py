"""A digest names what made a bundle by content alone: not by place, time or compiled files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge_export.origin import Origin, contents_digest, lines_digest, sources_digest


def package(folder: Path, text: str = "x = 1\n") -> Path:
    """Write a package of two files below `folder`, and return it."""
    inner = folder / "some_package" / "room"
    inner.mkdir(parents=True)
    (inner / "module.py").write_text(text, encoding="utf-8")
    (inner.parent / "page.html.j2").write_text("<p>", encoding="utf-8")
    return inner.parent


def test_the_same_sources_have_one_digest_wherever_they_lie(tmp_path: Path) -> None:
    here, there = package(tmp_path / "here"), package(tmp_path / "there")
    (there / "__pycache__").mkdir()
    (there / "__pycache__" / "module.cpython-311.pyc").write_bytes(b"compiled")
    (there / ".DS_Store").write_bytes(b"")
    assert sources_digest([here]) == sources_digest([there])
    lines = [
        f"{hashlib.sha256(b'x = 1' + bytes([10])).hexdigest()}  some_package/room/module.py",
        f"{hashlib.sha256(b'<p>').hexdigest()}  some_package/page.html.j2",
    ]
    assert sources_digest([here]) == lines_digest(lines)


def test_a_byte_or_a_name_changes_the_digest(tmp_path: Path) -> None:
    here, there = package(tmp_path / "here"), package(tmp_path / "there", "x = 2\n")
    assert sources_digest([here]) != sources_digest([there])
    assert contents_digest([("a", b"1"), ("b", b"2")]) != contents_digest(
        [("a", b"2"), ("b", b"1")]
    )


def test_the_order_of_lines_does_not_count_and_their_ends_do() -> None:
    assert lines_digest(["b", "a"]) == lines_digest(["a", "b"])
    assert lines_digest(["ab"]) != lines_digest(["a", "b"])


def test_a_note_has_its_commands_on_a_line_and_none_that_is_not_known() -> None:
    origin = Origin("file", "a" * 64, "b" * 64, 3, "c" * 64)
    noted = origin.to_json(["d" * 64], "", "edge-kit export RUN \\\n    --int8")
    assert noted["commands"] == {"train": None, "export": "edge-kit export RUN --int8"}
    assert noted["calibration"]["films"] == 1
    assert {"python", "scipy"} <= noted["packages"].keys()
