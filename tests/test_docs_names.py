"""What the pages name exists, their links lead somewhere, and the site asks nobody for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_export.quantize.recipe import RECIPES
from edge_kit.cli import parser
from edge_kit.fleet.problems import KINDS
from edge_runtime import errors
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.schema import Record
from edge_runtime.cli import COMMANDS as EDGE_RUN
from edge_runtime.cli import module_of
from shown_pages import DOCS, PAGES, ROOT, commands, text_of

if TYPE_CHECKING:
    import argparse

PACKAGES = [ROOT / "edge_kit", ROOT / "export" / "edge_export", ROOT / "runtime" / "edge_runtime"]
SHIPPED = ROOT / "models" / "model3-xray-0.2.2.edge"
FOREIGN = {"--no-index", "--find-links", "--no-deps", "--strict", "--uninstall", "--print0"}
FOREIGN |= {
    "--require-hashes",
    "--requirement",
    "--bind",
    "--directory",
    "--silent",
    "--data-binary",
    "--output",
    "--cacert",
    "--header",
}
FOREIGN |= {"--signature", "--public"}  # of model_signing, the second up to its underscore
"""Options of programs that are not ours, and of `install.sh`."""
NESTED = [["edge-kit", group] for group in ("data", "fleet", "keys", "repo")]
"""Commands that have commands of their own."""

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_PATH = re.compile(r"`((?:[\w.-]+/)+|(?:[\w.-]+/)*[\w.-]+\.(?:py|toml|txt|md))[`:]")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


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
        module = import_module(module_of(name))
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
        name = " ".join(words[: 3 if words[:2] in NESTED else 2])
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


@pytest.mark.parametrize(
    "script", ["make_architectures.py", "make_cli.py", "make_limits.py", "make_notebook.py"]
)
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


def test_the_page_of_a_fleet_has_every_kind_of_problem() -> None:
    assert first_column("docs/fleet.md", "### What needs looking at") == set(KINDS)


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
    for package in PACKAGES:
        for room in (path.parent for path in package.glob("*/__init__.py")):
            assert f"`{room.relative_to(ROOT).as_posix()}/`" in text, room


def parts_of(page: str) -> list[str]:
    """Return the paragraphs, rows of tables and numbered lines of a page."""
    return re.split(r"\n(?=\n|\||\d+\. )", text_of(page))


def places(folders: list[Path], path: str) -> list[Path]:
    return [folder / path for folder in folders if (folder / path).exists()]


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/proof.md", "CONTRIBUTING.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    """A path is one of the repository, of a package, or of the folder named before it."""
    roots = [ROOT, *PACKAGES, *(package.parent for package in PACKAGES)]
    for part in parts_of(page):
        folders: list[Path] = []
        for path in _PATH.findall(part):
            found = places([*roots, *folders], path)
            assert found or "NAME" in path, path
            folders += [one if one.is_dir() else one.parent for one in found]


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
