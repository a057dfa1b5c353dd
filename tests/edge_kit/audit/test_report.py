"""The report of an audit is one whole file and replaces none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_export.films.pixels import load_pixels
from edge_kit.audit.audit import audit, rows
from edge_kit.audit.report import mean_films, render, write_report
from edge_kit.data.dataset import Dataset
from edge_runtime.errors import CannotWrite
from tiny_network import RECIPE

Films = tuple[Dataset, Path]


def test_the_report_is_one_file_of_its_own(marked: Films, tmp_path: Path) -> None:
    dataset, root = marked
    found = audit(
        dataset, root, RECIPE, lambda pixels: np.asarray(pixels)[:, 0, 0, 0].astype(float)
    )
    pictures = mean_films(dataset, load_pixels(rows(dataset, "train"), RECIPE), hidden=True)
    write_report(tmp_path / "out", found, pictures)
    html = (tmp_path / "out" / "audit.html").read_text("utf-8")
    assert html == render(found, pictures)
    assert "no evidence" in html.lower()
    assert "clinic of covid" in html
    assert html.count("data:image/png") == 6
    assert html.count("data:image/svg+xml") == 1
    for foreign in ("http:", "https:", "<script", "patient-", str(root)):
        assert foreign not in html
    content = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    assert content["answer"] == found.answer
    assert content["grey_levels"]["value"] == found.grey_levels.value


def test_a_report_without_model_and_sources_is_whole(unmarked: Films) -> None:
    html = render(audit(*unmarked, RECIPE), {})
    assert "no manifest names the sources" in html
    assert '<th scope="col">Source</th>' not in html
    assert "no model was audited" in html
    assert "What was hidden" not in html


def test_nothing_is_shown_as_hidden_where_no_model_was_asked(unmarked: Films) -> None:
    dataset, _ = unmarked
    pixels = load_pixels(rows(dataset, "train"), RECIPE)
    assert [name.partition(", ")[2] for name in mean_films(dataset, pixels, hidden=False)] == [
        "the whole film",
        "the whole film",
    ]


def test_nothing_is_written_over(unmarked: Films, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(CannotWrite, match="exists already"):
        write_report(tmp_path, audit(*unmarked, RECIPE), {})
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
