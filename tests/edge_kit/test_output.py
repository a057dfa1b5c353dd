"""The workstation's results, too, replace a regular file, or what a link leads to, alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_export.films.phantom_set import write_phantoms
from edge_export.report import files
from edge_export.report.files import report_path, require_places
from edge_kit import demo
from edge_kit.data.scan_report import write_scan
from edge_kit.data.split import write_split_table
from edge_kit.data.survey import Survey
from edge_kit.files import json_bytes, new_folder, require_new
from edge_runtime.output import write_together, write_whole
from result_targets import (
    NO_FILE,
    NO_FOLDER,
    WRITTEN,
    dangling,
    require_refusal,
    require_result,
    status_of,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="nodes of Unix")
NO_FILMS = Survey((), {"exact": 0, "near": 0, "geometric": 0}, ())


def run_folder(path: Path) -> None:
    with new_folder(path) as folder:
        (folder / "metrics.json").write_text("{}")


FILES: dict[str, Callable[[Path], object]] = {
    "report beside a bundle": lambda path: write_together({path: b"page"}),
    "split table": lambda path: write_split_table([], path),
    "record of a run, result of folds": lambda path: write_whole(path, json_bytes({})),
}
FOLDERS: dict[str, Callable[[Path], object]] = {
    "run, evaluation, audit": run_folder,
    "scan": lambda path: write_scan(NO_FILMS, path, path),
    "phantoms": lambda path: write_phantoms(path, count=8, seed=0),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "result"


@pytest.mark.parametrize("kind", NO_FILE)
@pytest.mark.parametrize("writer", FILES)
def test_what_is_no_regular_file_is_refused_and_stays(writer: str, kind: str, path: Path) -> None:
    require_refusal(FILES[writer], path, NO_FILE[kind])


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("writer", FILES)
def test_a_file_or_what_a_link_leads_to_is_written(writer: str, kind: str, path: Path) -> None:
    require_result(FILES[writer], path, WRITTEN[kind])


@pytest.mark.parametrize("kind", NO_FOLDER)
@pytest.mark.parametrize("writer", [*FOLDERS, "before a training"])
def test_what_is_no_new_folder_is_refused_and_stays(writer: str, kind: str, path: Path) -> None:
    write = {**FOLDERS, "before a training": require_new}[writer]
    require_refusal(write, path, NO_FOLDER[kind])


@pytest.mark.parametrize("writer", FOLDERS)
def test_a_folder_that_a_link_leads_to_is_made(writer: str, path: Path) -> None:
    target = dangling(path)
    assert status_of(FOLDERS[writer], path) == 0
    assert path.is_symlink()
    assert any(target.iterdir())


def test_a_link_to_an_empty_folder_is_a_place_for_a_run(path: Path) -> None:
    path.with_name("empty").mkdir()
    path.symlink_to("empty")
    run_folder(path)
    assert path.is_symlink()
    assert path.with_name("empty").joinpath("metrics.json").is_file()


@pytest.mark.parametrize("kind", NO_FILE)
@pytest.mark.parametrize("suffix", [".edge", *files.SUFFIXES])
def test_an_export_refuses_such_a_place_before_any_work(suffix: str, kind: str, path: Path) -> None:
    out = path.with_suffix(".edge")
    target = out if suffix == ".edge" else report_path(out, suffix)
    require_refusal(lambda _: require_places(out), target, NO_FILE[kind])


@pytest.mark.parametrize("kind", NO_FOLDER)
def test_a_demonstration_is_drawn_into_a_folder_of_its_own(kind: str, path: Path) -> None:
    require_refusal(demo._clear, path, NO_FOLDER[kind])


def test_a_demonstration_is_drawn_where_a_link_leads(path: Path) -> None:
    target = dangling(path)
    for _ in range(2):  # and once more, over an earlier one
        demo._clear(path)
        assert path.is_symlink()
        assert any(target.iterdir())
