"""The example in docs/bundle-format.md is the bundle that it names, to the last digit."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "models" / "model3-xray-0.2.2.edge"


@pytest.fixture(scope="module")
def example() -> str:
    text = (ROOT / "docs" / "bundle-format.md").read_text("utf-8")
    found = text.split("\n## An example\n", 1)[1]
    assert BUNDLE.name in found
    return found


def shown(told: Any, there: Any, place: str = "manifest") -> None:
    """Require that what is told is there; three dots stand for what is left out."""
    if isinstance(told, dict):
        for name in told.keys() - {"..."}:
            shown(told[name], there[name], f"{place}.{name}")
        assert "..." in told or told.keys() == there.keys(), place
    elif isinstance(told, list):
        assert told[-1:] == ["..."] or len(told) == len(there) or place.endswith("films"), place
        for number, one in enumerate(told):
            shown(one, there[number], f"{place}[{number}]")
    elif isinstance(told, str) and told.endswith("..."):
        assert there.startswith(told.removesuffix("...")), place
    else:
        assert told == there, place


def test_its_manifest_is_that_of_the_bundle(example: str) -> None:
    told = example.split("```json\n", 1)[1].split("```", 1)[0]
    with zipfile.ZipFile(BUNDLE) as archive:
        shown(json.loads(told), json.loads(archive.read("manifest.json")))


def test_its_first_bytes_are_those_of_the_bundle(example: str) -> None:
    lines = example.split("```text\n", 1)[1].split("```", 1)[0].splitlines()
    told = bytes.fromhex("".join(line[10:49] for line in lines))
    assert told == BUNDLE.read_bytes()[: len(told)]
    assert len(told) == 64


def test_its_files_are_those_of_the_bundle(example: str) -> None:
    table = example.split("| file | offset of its header | bytes |\n|---|---|---|\n", 1)[1]
    told = [line.strip("| ").split(" | ") for line in table.split("\n\n", 1)[0].splitlines()]
    with zipfile.ZipFile(BUNDLE) as archive:
        files = archive.infolist()
    assert told == [
        [f"`{file.filename}`", f"{file.header_offset}", f"{file.file_size}"] for file in files
    ]
