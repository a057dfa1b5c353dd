"""Answers leave the page as sheets, tables, documents, pictures and text, each with its caution."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from clinic_page import ClinicPage, answer, answers, film, telephone_photo

RESEARCH = "Research use; not a medical device."
HOSTILE = ("=cmd|' /C calc'!A0.png", "@SUM(1).png", "+1.png", "-1.png", "\uff1dwide.png", "'=1.png")


def saved(visited: ClinicPage, button: str) -> bytes:
    with visited.page.expect_download() as download:
        visited.page.click(button)
    return Path(download.value.path()).read_bytes()


def pages(pdf: bytes, tmp_path: Path) -> list[str]:
    path = tmp_path / "sheets.pdf"
    path.write_bytes(pdf)
    told = subprocess.run(
        [str(shutil.which("pdfinfo")), path], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"Page size: +59[45]\S* x 84[12]\S* pts \(A4\)", told)
    said = subprocess.run(
        [str(shutil.which("pdftotext")), "-layout", path, "-"], capture_output=True, check=True
    )
    return said.stdout.decode().split("\f")[:-1]


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs Debian's package poppler-utils")
@pytest.mark.parametrize("button", ["#print", "#print-all"])
def test_each_film_is_one_sheet_of_a4(visited: ClinicPage, tmp_path: Path, button: str) -> None:
    long_name = "a-very-long-name-of-a-film " * 9 + ".png"
    visited.give(film(0), film(1), telephone_photo(), film(2, name=long_name)).choose("film-00")
    page = visited.page
    page.evaluate("() => { window.print = () => { window.isPrinted = true; }; }")
    page.click(button)
    visited.until("window.isPrinted")
    sheets = pages(page.pdf(prefer_css_page_size=True), tmp_path)
    assert len(sheets) == (1 if button == "#print" else 4)
    for sheet, name in zip(sheets, ["film-00.png", "film-01.png", "photo.jpg"], strict=False):
        assert name in sheet
        assert RESEARCH in sheet
        assert "Printed " in sheet
    assert "COVID-19" in sheets[0]
    assert visited.page.evaluate("document.querySelectorAll('#sheets img').length") == 0


def test_a_table_has_no_cell_that_a_spreadsheet_computes(visited: ClinicPage) -> None:
    visited.give(*(film(0, name=name) for name in HOSTILE))
    text = saved(visited, "#save-csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["file"] for row in rows] == [f"'{name}" for name in HOSTILE]
    for row in rows:
        assert row["note"] == RESEARCH
        assert row["label"] == "covid"
        assert 0.5 < float(row["probability"]) <= 1
        assert len(row["identity"]) == 64
    assert not re.search(r'(^|,)"?[=+@\t-]', text, re.MULTILINE)


def test_a_document_has_the_model_and_every_answer(visited: ClinicPage) -> None:
    visited.give(film(0), telephone_photo())
    document = json.loads(saved(visited, "#save-json"))
    assert document["research_use_only"].startswith(RESEARCH)
    assert document["model"]["name"] == "clinic-xray"
    assert document["model"]["band"] == [0.483, 0.517]
    first, second = document["films"]
    assert (first["file"], first["status"], first["label"]) == ("film-00.png", "ok", "covid")
    assert (second["status"], second["refusal"]) == ("refused", "colour_photo")


def test_a_file_holds_what_the_list_shows(visited: ClinicPage) -> None:
    visited.give(film(0), film(1))
    visited.page.fill("#search", "film-01")
    visited.until("document.querySelectorAll('.row').length === 1")
    rows = list(csv.DictReader(io.StringIO(saved(visited, "#save-csv").decode("utf-8-sig"))))
    assert [row["file"] for row in rows] == ["film-01.png"]


def test_an_answer_is_saved_as_a_picture_with_its_film(visited: ClinicPage) -> None:
    visited.give(film(0)).shown()
    alone = Image.open(io.BytesIO(saved(visited, "#save-png")))
    visited.page.check("[name=beside][value=heatmap]", force=True)
    visited.page.wait_for_selector("#stage-2[data-map]")
    beside = Image.open(io.BytesIO(saved(visited, "#save-png")))
    assert alone.format == beside.format == "PNG"
    assert alone.width == beside.width == 1200
    colours = beside.convert("HSV").getchannel("S").histogram()
    assert sum(colours[100:]) > 20_000  # the map
    assert not alone.info  # no text, no time


def test_an_answer_is_copied_as_text(visited: ClinicPage) -> None:
    visited.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answers(visited.page, {"film.png": answer()})
    visited.give(film(0, name="film.png"))
    visited.page.click("#copy")
    visited.page.wait_for_selector("text=The answer was copied.")
    lines = visited.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[:4] == [
        "Edge Kit", "File: film.png", "Answer of the model: COVID-19",
        "Probability of COVID-19: 83%",
    ]  # fmt: skip
    assert lines[-1].startswith(RESEARCH)
    assert any("d" * 64 in line for line in lines)
