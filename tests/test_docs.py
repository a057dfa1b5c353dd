"""What the pages show can be run as it is written, and what they name exists.

README, tutorial, clinic page, examples and notebook share one small run: the commands are those
that are shown, but Model 3 is a tiny network here, fewer films are drawn, and the budgets are wide,
because a few flips of a few films are many.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_export.quantize.recipe import RECIPES
from edge_kit.cli import parser
from edge_runtime import errors
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.schema import Record
from edge_runtime.cli import COMMANDS as EDGE_RUN

if TYPE_CHECKING:
    import argparse

    import keras

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SHIPPED = ROOT / "models" / "model3-xray-0.1.0.edge"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "runtime" / "README.md")
    if path.name != "CHANGELOG.md"
)
SHOWN = ("docs/tutorial.md", "README.md", "docs/clinic.md", "docs/library.md")
"""The pages whose blocks are run, in this order: the tutorial makes what the others use."""

WIDE = ["--max-flips", "0.5", "--max-auc-difference", "0.5", "--margin", "0.9"]
FOREIGN = {"--no-index", "--find-links", "--no-deps", "--strict", "--uninstall", "--print0"}
"""Options of programs that are not ours, and of `install.sh`."""

_BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(sh|python)\n(.*?)^```$", re.M | re.S)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Yield language and text of each block of a page that is to be run."""
    for skipped, language, text in _BLOCK.findall(text_of(page)):
        if not skipped:
            yield language, text


def commands(page: str) -> list[str]:
    """Return the command lines that a page shows, whether they are run or not."""
    text = text_of(page)
    lines = [line for _, language, code in _BLOCK.findall(text) if language == "sh"
             for line in code.splitlines()]  # fmt: skip
    spans = re.findall(r"`((?:edge-run|edge-kit|make) [^`]+)`", text.replace("\n", " "))
    return [line for line in (*lines, *spans) if line.startswith(("edge-run", "edge-kit", "make"))]


# --- what is shown can be run -----------------------------------------------------------------


def tiny(height: int, width: int, channels: int) -> keras.Model:
    """Return an untrained network that learns the drawn films in seconds."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((height, width, channels)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.AveragePooling2D(8),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="model3",
    )


class Reader:
    """Runs what pages show in one folder; the same line is run once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: set[str] = set()

    def read(self, page: str) -> None:
        for language, text in blocks(page):
            if language == "python":
                exec(compile(text, page, "exec"), {"__name__": "shown"})  # noqa: S102
            else:
                for line in text.splitlines():
                    self.line(line)

    def line(self, line: str) -> None:
        words = shlex.split(line, comments=True)
        if not words or shlex.join(words) in self.done:
            return
        self.done.add(shlex.join(words))
        status = self.status_of(words)
        # A folder of drawn films may hold one that a hasty film branch takes for none.
        allowed = (0, 5) if words[:2] == ["edge-run", "classify"] else (0,)
        assert status in allowed, f"{line} left with {status}"

    def status_of(self, words: list[str]) -> int:
        program, *rest = words
        if program == "edge-kit":
            from edge_kit.cli import run

            return run([*rest, *(WIDE if rest[0] == "export" else [])])
        if program == "python":
            rest = ["182" if word == "840" else word for word in rest]
        elif program == "edge-run":
            rest = ["-m", "edge_runtime", *rest]
        else:
            raise AssertionError(f"a page shows {program}, which nobody can run as it is written")
        return subprocess.run([sys.executable, *rest], cwd=self.folder, check=False).returncode


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has gone through the tutorial."""
    from edge_export.quiet import import_tensorflow
    from edge_kit.models.recipe import Architecture, Recipe
    from edge_kit.models.registry import MODELS

    import_tensorflow()
    folder = tmp_path_factory.mktemp("reader")
    for name in ("examples", "models", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "film.png").write_bytes((ROOT / "examples" / "sample-film.png").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        patch.delenv("EDGE_BUNDLE", raising=False)
        recipe = Recipe(epochs=8, batch_size=16, learning_rate=0.003)
        patch.setitem(MODELS, "model3", Architecture("model3", tiny, recipe))
        patch.setattr("edge_kit.gate.branch._ROUNDS", 2)
        someone = Reader(folder)
        someone.read(SHOWN[0])
        yield someone


@pytest.mark.slow
@pytest.mark.parametrize("page", SHOWN[1:])
def test_what_a_page_shows_runs_as_it_is_written(page: str, reader: Reader) -> None:
    reader.read(page)


@pytest.mark.slow
def test_the_notebook_shows_what_the_tutorial_shows(reader: Reader) -> None:
    cells = json.loads(text_of("examples/tutorial.ipynb"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = [
        line.removeprefix("!")
        for cell in code
        for line in cell.splitlines()
        if line.startswith("!")
    ]
    assert lines
    assert {shlex.join(shlex.split(line, comments=True)) for line in lines} <= reader.done
    shown = [text for language, text in blocks("docs/tutorial.md") if language == "python"]
    assert [cell for cell in code if not cell.startswith(("!", "%"))] == [
        text.rstrip() for text in shown
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "classify_folder.py films covid.edge",
        "read_bundle.py covid.edge",
        "check_report.py covid.report.json --max-flips 1 --allow-undecided",
    ],
)
def test_an_example_runs(line: str, reader: Reader) -> None:
    name, *arguments = line.split()
    assert reader.status_of(["python", f"examples/{name}", *arguments]) == 0


@pytest.mark.slow
def test_a_model_of_ones_own_is_exported_with_its_range(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["export_own_model.py", "films", "mine.edge", "30", *WIDE]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "examples" / arguments[0]), run_name="__main__")
    assert left.value.code == 0
    assert open_bundle(reader.folder / "mine.edge").manifest.training.model == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report["verdict"].update(answer="fail"),
        lambda report: report["faults"].append({"name": "constant", "line": "one answer for all"}),
        lambda report: report["matrix"]["keras"]["model.int8.onnx"].update(flips=90),
    ],
    ids=["verdict", "fault", "flips"],
)
def test_a_pipeline_fails_by_a_bad_report(
    spoil: Callable[[dict[str, object]], None], reader: Reader
) -> None:
    report = json.loads((reader.folder / "covid.report.json").read_text())
    spoil(report)
    (reader.folder / "bad.json").write_text(json.dumps(report))
    line = ["python", "examples/check_report.py", "bad.json", "--max-flips", "0.5"]
    assert reader.status_of(line) == 1


def test_a_film_may_not_be_anybodys() -> None:
    """The sample film is drawn by the command that says so, bit for bit."""
    from PIL import Image, ImageChops

    from edge_export.phantom import phantom

    with Image.open(ROOT / "examples" / "sample-film.png") as sample:
        drawn = phantom(2026, positive=True, size=(512, 512))
        assert sample.size == drawn.size
        assert ImageChops.difference(sample, drawn).getbbox() is None


# --- what is named exists ---------------------------------------------------------------------


def options_of(top: argparse.ArgumentParser) -> Iterator[tuple[str, set[str]]]:
    """Yield each command of `edge-kit` with its options."""
    import argparse

    yield top.prog, {name for action in top._actions for name in action.option_strings}
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from options_of(command)


def known_options() -> dict[str, set[str]]:
    known = dict(options_of(parser()))
    for name in EDGE_RUN:
        module = import_module(f"edge_runtime.commands.{name}")
        known[f"edge-run {name}"] = {f"--{option.rstrip('=')}" for option in module.OPTIONS}
    known["edge-run"] = {"--help", "--version"}
    return known


def options_of_scripts() -> set[str]:
    """Return the options that our scripts beside the two commands declare."""
    folders = ("benchmarks", "examples", "docs", "tests/hardware", "tests/fuzz", "runtime/offline")
    sources = [path for folder in folders for path in (ROOT / folder).glob("*.py")]
    return {name for path in sources for name in re.findall(r'"(--[a-z-]+)"', path.read_text())}


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_page_names_exists(page: str) -> None:
    known = known_options()
    everywhere = set().union(*known.values()) | options_of_scripts() | FOREIGN
    assert set(_OPTION.findall(text_of(page))) <= everywhere
    for line in commands(page):
        words = line.split()
        name = " ".join(words[: 3 if words[:2] == ["edge-kit", "data"] else 2])
        if name in known:
            assert set(_OPTION.findall(line)) <= known[name] | {"--help"}, line


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    known = {name for full in known_options() for name in (full, " ".join(full.split()[:2]))}
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M))
    for line in commands(page):
        program, name = line.split()[:2]
        if name.startswith("-") or name in ("help", "COMMAND"):
            continue
        assert (name in targets) if program == "make" else f"{program} {name}" in known, line


@pytest.mark.parametrize("script", ["make_cli.py", "make_notebook.py"])
def test_a_generated_page_is_not_stale(script: str) -> None:
    line = [sys.executable, str(DOCS / script), "--check"]
    assert subprocess.run(line, check=False, cwd=ROOT).returncode == 0


@pytest.mark.parametrize("page", ["README.md", "docs/clinic.md", "models/README.md"])
def test_the_identity_of_the_shipped_bundle_is_published(page: str) -> None:
    assert open_bundle(SHIPPED).identity in text_of(page)


def first_column(page: str, heading: str) -> set[str]:
    """Return what stands in back quotes in the first column of the table below a heading."""
    section = text_of(page).split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_page_for_clinics_has_every_refusal() -> None:
    assert first_column("docs/clinic.md", "## Films and refusals") == set(errors.REFUSALS)


def test_the_page_for_clinics_has_every_exit_status() -> None:
    section = text_of("docs/clinic.md").split("\n## Exit statuses\n", 1)[1].split("\n## ", 1)[0]
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", section, re.M)}
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type))
    ours = {kind.exit_status for kind in kinds if issubclass(kind, errors.EdgeError)}
    assert listed == ours | {0}


def test_the_page_of_the_proof_has_every_recipe() -> None:
    listed = first_column("docs/proof.md", "## Recipes") - {"--int8"}
    assert listed == set(RECIPES)


def keys_of(record: type[Record], before: str = "") -> Iterator[str]:
    """Yield the keys that hold no record, as the page of the format writes them."""
    hints = {name: str(kind) for owner in record.__mro__ for name, kind in
             getattr(owner, "__annotations__", {}).items()}  # fmt: skip
    records = {kind.__name__: kind for kind in Record.__subclasses__()}
    for name in record.__slots__:
        inner = [records[word] for word in re.findall(r"\w+", hints[name]) if word in records]
        many = "[]" if hints[name].startswith("tuple") else ""
        for kind in inner:
            yield from keys_of(kind, f"{before}{name}{many}.")
        if not inner:
            yield f"{before}{name}"


def test_the_page_of_the_format_names_every_key() -> None:
    section = text_of("docs/bundle-format.md").split("### Its keys", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    for key in keys_of(Manifest):
        parent, _, name = key.rpartition(".")
        written = [f"`{key}`", f"`.{name}`"] if parent else [f"`{key}`"]
        own_row = any(mark in cells[1] for cells in rows for mark in written)
        in_its_parents_row = any(
            f"`{parent.removesuffix('[]')}" in cells[1] and name in " ".join(cells[2:])
            for cells in rows
        )
        assert own_row or in_its_parents_row, key


def test_the_page_of_the_architecture_names_every_room() -> None:
    text = text_of("docs/architecture.md")
    for package in ("edge_kit", "export/edge_export", "runtime/edge_runtime"):
        for room in (path.parent for path in (ROOT / package).glob("*/__init__.py")):
            assert f"`{package}/{room.name}/`" in text, room


# --- the front page and the site --------------------------------------------------------------


def test_the_front_page_is_a_front_page() -> None:
    assert len(text_of("README.md").splitlines()) < 150


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    plain = (re.sub(r"[^\w\s-]", "", heading.replace("`", "").lower()) for heading in headings)
    return {re.sub(r"\s", "-", heading.strip()) for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in _LINK.findall(text_of(page)):
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    line = ["-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_COLOR": "1"}
    subprocess.run([sys.executable, *line], check=True, cwd=ROOT, env=environment)
    return folder


def test_the_site_asks_nobody_for_anything(site: Path) -> None:
    """No page loads a script, a style, a font or a picture from elsewhere."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    outside = r"(?:https?:)?//"
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loading = re.findall(
            rf"<(?:link|script|img|iframe)\b[^>]*(?:src|href)=[\"']{outside}", text
        )
        assert not loading, page
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(rf"url\([\"']?{outside}|@import\s+[\"']?{outside}", text), style


def test_pictures_ask_nobody_for_anything() -> None:
    for picture in (DOCS / "pictures").glob("*.svg"):
        text = picture.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text and "<script" not in text, picture
