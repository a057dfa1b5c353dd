"""What the page for programs shows is run as it is written, against a page."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from served import Served, served
from shown_pages import ROOT, blocks, text_of

PAGE = "docs/page-api.md"
USUAL = "127.0.0.1:8417"
BUNDLE = ROOT / "models" / "clinic-xray-0.2.2.edge"


@pytest.fixture(scope="module")
def page() -> Iterator[Served]:
    with served("serve", BUNDLE) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in which what the page names is found."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def lines() -> list[str]:
    return [
        line for language, text in blocks(PAGE) if language == "sh" for line in text.splitlines()
    ]


@pytest.mark.parametrize("line", lines())
def test_a_command_runs(line: str, page: Served, folder: Path) -> None:
    program, *words = shlex.split(line.replace(USUAL, f"{page.host}:{page.port}"))
    if program == "python":
        program = sys.executable
    elif shutil.which(program) is None:
        pytest.skip(f"Debian's {program} is not here")
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=True)
    assert '"reason"' not in done.stdout
    for picture in folder.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_program_runs(
    page: Served, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    (text,) = (text for language, text in blocks(PAGE) if language == "python")
    exec(compile(text.replace(USUAL, f"{page.host}:{page.port}"), PAGE, "exec"), {})  # noqa: S102
    assert capsys.readouterr().out.startswith("ok ")


def test_every_reason_of_a_problem_is_on_the_page() -> None:
    from edge_runtime.errors import REFUSALS
    from edge_runtime.web.problems import REASONS

    text = text_of(PAGE)
    for reason in {*REASONS} - {*REFUSALS}:
        assert f"`{reason}`" in text, reason


def test_every_request_that_is_described_is_on_the_page(page: Served) -> None:
    described = json.loads(page.ask("/openapi.json").body)["paths"]
    text = text_of(PAGE)
    assert not [path for path in described if path not in text]
