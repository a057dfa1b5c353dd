"""Two classes of colour pictures that are no films go the whole way, and no paper calls them so."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import edge_runtime.cli as runtime
from edge_kit.cli import run
from edge_kit.files import write_json
from edge_kit.film_branch.threshold import WEAK
from edge_kit.training.run import read_config
from edge_runtime.bundle import open_bundle
from edge_runtime.film.preprocess import standard
from films import write_films

FALSE = re.compile(
    r"\b(films?|lungs?|chest|thorax|x-?rays?|radiograph\w*|patients?|hospitals?|diseases?|medicine"
    r"|treat(ing|s)?|adults?)\b",
    re.IGNORECASE,
)
"""Words that are true of chest films alone."""
NOTICE = "Nobody may be diagnosed, treated or turned away by its"
LOOSE = [
    "--max-flips", "1", "--max-auc-difference", "1", "--margin", "0.9", "--allow-calibration",
    "few_films",
]  # fmt: skip


def tile(draw: np.random.Generator, *, cracked: bool) -> Image.Image:
    """Return a tile of any colour with its stains; a crack is dark and runs anywhere."""
    ground = draw.uniform(110, 200, 3)
    stains = Image.fromarray(draw.normal(0, 12, (6, 6)).astype(np.float32))
    field = np.asarray(stains.resize((72, 72), Image.Resampling.BICUBIC))[..., None] + ground
    grain = draw.normal(0, 3, field.shape)
    image = Image.fromarray(np.clip(field + grain, 0, 255).astype(np.uint8))
    if cracked:
        points = np.cumsum(np.vstack([draw.uniform(10, 60, 2), draw.normal(0, 9, (8, 2))]), axis=0)
        colour = tuple((ground * 0.2).astype(int).tolist())
        ImageDraw.Draw(image).line(points.ravel().tolist(), fill=colour, width=3)
    return image


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of tiles, 60 of either class."""
    root, draw = tmp_path_factory.mktemp("ground") / "tiles", np.random.default_rng(0)
    for label in ("cracked", "whole"):
        (root / label).mkdir(parents=True)
        for number in range(60):
            tile(draw, cracked=label == "cracked").save(root / label / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def way(tiny: None, tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of the tiles, their bundle, and all papers of both."""
    del tiny
    out = tmp_path_factory.mktemp("way")
    data, bundle = ["--data", str(tiles)], str(out / "Cracked Tiles.edge")
    model = ["--model", "tiny", "--side", "64", "--epochs", "25"]
    kind = ["--modality", "other", "--positive", "cracked"]
    picture = str(tiles / "cracked" / "0.png")
    lines = [
        ["train", *data, "--out", str(out / "run"), *model, *kind, "--keep", "best"],
        ["export", str(out / "run"), "--int8", "--out", bundle, "--no-film-gate", *LOOSE],
        ["evaluate", bundle, *data, "--out", str(out / "evaluation"), "--split", "all"],
        ["evaluate", str(out / "run"), *data, "--out", str(out / "of_run")],
        ["audit", *data, "--model", bundle, "--positive", "cracked", "--out", str(out / "audit")],
        ["threshold", bundle, *data, "--youden", "--out", str(out / "here.edge")],
        ["debug", bundle, picture, "--against", str(out / "run")],
    ]
    for line in lines:
        assert run(line) == 0, line
    for command in (["info", bundle], ["check", bundle], ["classify", picture, "--bundle", bundle]):
        assert runtime.run(command) == 0
    heat = ["--heatmap", str(out / "heat.png")]
    assert runtime.run(["classify", picture, "--bundle", bundle, *heat]) == 0
    return out


def sentences(value: Any) -> Iterator[str]:
    """Yield the texts of a JSON document, but no key."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if _is_list(value) else ():
        yield from sentences(inner)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def shown(paper: Path) -> str:
    """Return what people read of a paper: a page without its style, tags and pictures."""
    text = paper.read_text("utf-8")
    if paper.suffix == ".json":
        return "\n".join(sentences(json.loads(text)))
    text = re.sub(r"<style>.*?</style>|data:[^\"]*", "", text, flags=re.DOTALL)
    alts = " ".join(re.findall(r'alt="([^"]*)"', text))
    return re.sub(r"<[^>]*>", " ", text) + alts


def told_falsely(text: str) -> list[str]:
    """Return the lines with words that are true of chest films alone, but for the notice."""
    text = re.sub(r"--[a-z-]+|not_a_film|[a-z_]*film_[a-z_]*", "", text.replace(NOTICE, ""))
    return [line for line in text.splitlines() if FALSE.search(line)]


def test_no_page_table_or_document_speaks_of_films_of_the_chest(way: Path) -> None:
    papers = [path for suffix in ("html", "json", "md") for path in way.rglob(f"*.{suffix}")]
    papers = [paper for paper in papers if paper.name not in ("config.json", "record.json")]
    assert len(papers) >= 8
    for paper in papers:
        if paper.name.endswith("claim.md"):  # whose titles are those of the checklist
            text = "\n".join(re.split(r"^#.*$", paper.read_text("utf-8"), flags=re.MULTILINE))
            assert told_falsely(text) == [], paper.name
        else:
            assert told_falsely(shown(paper)) == [], paper.name


@pytest.mark.parametrize("bundle", ["Cracked Tiles.edge", "here.edge"])
def test_the_card_says_what_the_pictures_are_and_no_more(bundle: str, way: Path) -> None:
    with open_bundle(way / bundle) as opened:
        text = bytes(opened.read("card.md")).decode()
        manifest = opened.manifest
    assert told_falsely(text) == []
    assert "modality other, body part not stated, view not stated, ages not stated" in text
    assert "--modality other" in text
    assert "--no-film-gate" in text
    assert (manifest.name, manifest.intended_use.youngest) == ("cracked-tiles", None)


def test_colour_is_kept_and_any_colour_is_answered(way: Path) -> None:
    with open_bundle(way / "Cracked Tiles.edge") as opened:
        preprocess, gate = opened.manifest.preprocess, opened.manifest.film_gate
        golden = opened.manifest.golden.films
    assert (preprocess.channels, preprocess.max_chroma, preprocess.max_saturated) == (3, 255, None)
    assert gate is None
    assert len({film.stages.resized for film in golden}) == len(golden)


def test_the_commands_say_nothing_of_films_and_the_branch_is_shown(
    tiny: None, tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del tiny
    line = ["train", "--data", str(tiles), "--out", str(tmp_path / "run"), "--model", "tiny"]
    line += ["--side", "64", "--epochs", "1", "--modality", "other", "--positive", "cracked"]
    assert run(line) == 0
    told = capsys.readouterr()
    assert "other: pictures keep their colour; --channels 1 makes them grey\n" in told.err
    assert told_falsely(told.out + told.err) == []
    assert re.search(r"branch, round 2/2: AUC 0\.\d+ before, loss .* negatives small \d+", told.err)
    assert "upside_down" not in told.err
    assert re.search("out-of-distribution check: refuses .*, of the test split", told.err)
    assert read_config(tmp_path / "run").film_threshold is not None


def test_the_runtime_says_nothing_of_the_chest(
    way: Path, tiles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, picture = str(way / "Cracked Tiles.edge"), str(tiles / "whole" / "1.png")
    for command in (["info", bundle], ["classify", picture, "--bundle", bundle]):
        assert runtime.run(command) == 0
    told = capsys.readouterr()
    assert told_falsely(told.out + told.err) == []
    assert "pictures of any kind, body part not stated, view not stated, ages not st" in told.out


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"negative": "noncovid"}, "has the classes noncovid,cracked, the bundle whole,cracked"),
        ({"negative": "It's Fine"}, "has the classes It's Fine,cracked, the bundle whole,cracked"),
        ({"modality": "ct"}, "has the modality ct, the bundle other"),
        (
            {"preprocess": {**standard(96, 64).to_json()}},
            "has the size 96 x 64, the bundle 64 x 64",
        ),
    ],
)
def test_a_bundle_is_not_debugged_against_a_run_of_something_else(
    changed: dict[str, Any],
    problem: str,
    way: Path,
    tiles: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    another = tmp_path / "run"
    another.mkdir()
    write_json(another / "config.json", replace(read_config(way / "run"), **changed))
    line = ["debug", str(way / "Cracked Tiles.edge"), str(tiles / "whole" / "1.png")]
    assert run([*line, "--against", str(another)]) == 2
    told = capsys.readouterr().err
    assert problem in told
    assert told.count("\n") == 1


def test_a_folder_that_does_not_say_what_it_holds_is_asked_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = write_films(tmp_path / "films", "covid", "normal", count=2)
    assert run(["train", "--data", str(films), "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert "say what the films are; say --modality xray, ct or other" in told
    assert told.count("\n") == 1


def test_a_scan_a_check_and_a_threshold_say_nothing_of_films(
    way: Path, tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, scan = str(way / "Cracked Tiles.edge"), tmp_path / "scan"
    assert runtime.run(["check", bundle]) == 0
    line = ["threshold", bundle, "--data", str(tiles)]
    assert run([*line, "--youden", "--out", str(tmp_path / "t.edge")]) == 0
    covered, report = tmp_path / "c.edge", tmp_path / "covered"
    line += ["--coverage", "0.5", "--max-uncertain", "1", "--report", str(report)]
    assert run([*line, "--out", str(covered)]) == 0
    assert told_falsely(bytes(open_bundle(covered).read("site/card.md")).decode()) == []
    assert told_falsely(shown(report / "coverage.html")) == []
    assert told_falsely(shown(report / "coverage.json")) == []
    assert run(["data", "scan", str(tiles), "--modality", "other", "--out", str(scan)]) == 0
    told = capsys.readouterr()
    assert told_falsely(told.out + told.err) == []
    assert "golden pictures, largest difference" in told.out
    assert told_falsely(shown(scan / "report.html").replace("patient_id", "")) == []


@pytest.mark.parametrize("command", ["train", "export", "scan", "audit", "evaluate", "manifest"])
@pytest.mark.parametrize("folder", ["torn", "empty"])
def test_a_refusal_speaks_of_pictures(
    command: str, folder: str, way: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_films(tmp_path / "tiles", "cracked", "whole", count=2 * (folder == "torn"))
    (root / "whole").mkdir(parents=True, exist_ok=True)
    (root / "whole" / "torn.png").write_bytes(b"torn")
    if folder == "empty":
        (root / "whole" / "torn.png").rename(root / "whole" / "torn.doc")
    (root / "table.csv").write_text("file,is\nwhole/torn.png,whole\nnone.png,cracked\n", "utf-8")
    out, kind = str(tmp_path / "out.edge"), ["--modality", "other", "--positive", "cracked"]
    columns = ["--path-column", "file", "--label-column", "is", "--negative", "whole"]
    lines = {
        "train": ["train", "--data", str(root), "--out", out, "--model", "tiny", *kind],
        "export": ["export", str(way / "run"), "--int8", "--data", str(root), "--out", out],
        "scan": ["data", "scan", str(root), "--out", out, *kind],
        "audit": ["audit", "--data", str(root), *kind],
        "evaluate": ["evaluate", str(way / "run"), "--data", str(root), "--split", "all"],
        "manifest": ["data", "manifest", str(root), "--from", "csv", *columns, *kind],
    }
    assert run(lines[command]) in (5, 9)
    assert told_falsely(capsys.readouterr().err.replace(str(tmp_path), "")) == []


def test_every_other_command_speaks_of_pictures_too(
    tiny: None, way: Path, tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del tiny
    bundle, picture = str(way / "Cracked Tiles.edge"), str(tiles / "whole" / "1.png")
    other, table = tmp_path / "other", tmp_path / "set"
    train = ["train", "--data", str(tiles), "--out", str(other), "--model", "tiny", "--seed", "1"]
    train += ["--side", "64", "--epochs", "1", "--modality", "other", "--positive", "cracked"]
    shutil.copytree(tiles, table)
    rows = [f"{label}/{number}.png,{label}" for label in ("cracked", "whole") for number in (1, 2)]
    (table / "all.csv").write_text("\n".join(["file,is", *rows, ""]), "utf-8")
    manifest = ["data", "manifest", str(table), "--from", "csv", "--path-column", "file"]
    manifest += ["--label-column", "is", "--positive", "cracked", "--negative", "whole"]
    for line in (
        train,
        ["ensemble", str(way / "run"), str(other), "--out", str(tmp_path / "both")],
        ["debug", bundle, picture, "--against", str(way / "run")],
        ["audit", "--data", str(tiles), "--positive", "cracked", "--modality", "other"],
        [*manifest, "--modality", "other"],
        ["evaluate", bundle, "--data", str(tiles), "--split", "val"],
    ):
        assert run(line) == 0, line
        told = capsys.readouterr()
        said = (told.out + told.err).replace(str(tmp_path), "")
        assert told_falsely(said) == [], line
    assert "the validation pictures chose the epoch that is kept: their figures are too" in said
    assert run(["debug", bundle, str(tiles / "none.png")]) != 0
    assert told_falsely(capsys.readouterr().err) == []
    assert ",other" in (table / "manifest.csv").read_text("utf-8")


def test_a_weak_check_is_said_of_the_run_and_of_no_bundle_without_it(way: Path) -> None:
    (weak,) = (line for line in read_config(way / "run").warnings if line.startswith(WEAK))
    assert weak in json.loads((way / "run" / "metrics.json").read_text("utf-8"))["warnings"]
    with open_bundle(way / "Cracked Tiles.edge") as opened:
        assert weak not in json.loads(bytes(opened.read("parity.json")))["warnings"]
