"""Code stays small, typed and explained; whatever does not is listed here with its reason."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("edge_kit", "export/edge_export", "runtime/edge_runtime")
CODE = (*PACKAGES, "runtime/offline", "benchmarks", "tests")
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
GIT = shutil.which("git")
TOP_LEVEL = {
    *(".ci", ".gitignore", ".pre-commit-config.yaml", "Makefile", "constraints.txt", "mkdocs.yml"),
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "NOTICE", "README.md"),
    *("SECURITY.md", "pyproject.toml"),
    *("benchmarks", "docs", "edge_kit", "examples", "export", "models", "runtime", "tests"),
}

_CASES = "cases of one subject, each a line of a table"
_SHRINKING = "older than the rule; shorter with the next change to it"
_DOCUMENT = "one JSON document, key by key"
LONG_FILES = {
    "export/edge_export/report/plots.py": _SHRINKING,
    "tests/edge_kit/data/test_reader.py": _CASES,
    "tests/edge_runtime/answer/test_heatmap.py": _CASES,
    "tests/support/zoo.py": _CASES,
    "runtime/edge_runtime/bundle/records.py": "one schema, read at every cold start: a second "
    "module costs 0.1 ms",
    "tests/edge_export/graph/test_network.py": _CASES,
    "tests/edge_kit/training/test_train.py": _CASES,
    "tests/edge_runtime/bundle/test_manifest.py": _CASES,
    "tests/edge_runtime/engines/test_select.py": _CASES,
    "tests/edge_runtime/film/test_dicom.py": _CASES,
    "tests/edge_runtime/film/test_walk.py": _CASES,
    "tests/edge_runtime/test_process.py": _CASES,
    "tests/edge_runtime/test_refusals.py": _CASES,
    "tests/support/report_document.py": _DOCUMENT,
}
LONG_FUNCTIONS = {
    "edge_kit/evaluation/films.py: labelled_films": _SHRINKING,
    "edge_kit/audit/films.py: audited_films": _SHRINKING,
    "edge_kit/data/dataset.py: load_dataset": _SHRINKING,
    "edge_kit/data/split.py: assign": _SHRINKING,
    "edge_kit/evaluation/figures.py: measure": _SHRINKING,
    "edge_kit/training/fit.py: fit": _SHRINKING,
    "edge_kit/training/train.py: train": _SHRINKING,
    "export/edge_export/graph/head.py: find_head": _SHRINKING,
    "export/edge_export/proof/divergence.py: hybrids": _SHRINKING,
    "export/edge_export/proof/threshold.py: choose_threshold": _SHRINKING,
    "export/edge_export/proof/verdict.py: judge": _SHRINKING,
    "export/edge_export/quantize/tflite.py: quantize_tflite": _SHRINKING,
    "export/edge_export/report/card.py: card": _DOCUMENT,
    "tests/edge_kit/test_cli.py: test_training_and_export_from_the_command_line": "one training, "
    "of which each step is looked at",
    "tests/support/report_document.py: _full_document": _DOCUMENT,
    "tests/support/report_document.py: _artefact": _DOCUMENT,
    "tests/support/sample_bundle.py: sample_fields": _DOCUMENT,
    "tests/support/tiny_bundle.py: write_tiny_bundle": _DOCUMENT,
    "tests/support/tiny_graphs.py: tflite_graph": "one flat buffer, table by table",
}
UNTYPED = {
    "runtime/edge_runtime/bundle/schema.py: dataclass_transform": "stands in for what only type "
    "checkers need",
}
UNDOCUMENTED: dict[str, str] = {}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> Iterator[Path]:
    """Yield every Python file below the folders."""
    for folder in folders:
        assert (ROOT / folder).is_dir(), folder
        yield from sorted((ROOT / folder).rglob("*.py"))


def name(source: Path) -> str:
    return source.relative_to(ROOT).as_posix()


@cache
def tree(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"))


def lines(node: Function) -> int:
    """Return how many lines a function takes, without its decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def public(body: list[ast.stmt]) -> Iterator[Function]:
    """Yield the functions that others may call: neither private, nor inside another one."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.If | ast.Try):
            hidden = isinstance(node, ast.ClassDef) and node.name.startswith("_")
            inner = [*node.body, *getattr(node, "orelse", ())]
            yield from () if hidden else public(inner)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield node


def is_typed(node: Function) -> bool:
    """Tell whether each argument and the result have a type."""
    spec = node.args
    named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    named += [argument for argument in (spec.vararg, spec.kwarg) if argument]
    typed = (argument.annotation or argument.arg in ("self", "cls") for argument in named)
    return node.returns is not None and all(typed)


def is_explained(node: Function) -> bool:
    """Tell whether a function has a docstring, or the one of the function that it overrides."""
    stubs = {"overload", "override"}
    decorators = {part.id for part in node.decorator_list if isinstance(part, ast.Name)}
    return bool(stubs & decorators) or ast.get_docstring(node) is not None


def require_listed(breaches: set[str], listed: dict[str, str]) -> None:
    """Fail where something breaks a rule, or is listed although it does not any more."""
    assert not breaches - listed.keys(), "mend these, or list them with the reason"
    assert not listed.keys() - breaches, "these are right now: take them off the list"
    assert all(listed.values())


@pytest.mark.skipif(GIT is None or not (ROOT / ".git").exists(), reason="needs the repository")
def test_the_top_level_is_what_a_newcomer_reads_first() -> None:
    listed = subprocess.run(
        [str(GIT), "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {path.partition("/")[0] for path in listed} == TOP_LEVEL


def test_files_are_short() -> None:
    long = {
        name(source)
        for source in sources(*CODE)
        if len(source.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    }
    require_listed(long, LONG_FILES)


def test_functions_are_short() -> None:
    long = {
        f"{name(source)}: {node.name}"
        for source in sources(*CODE)
        for node in ast.walk(tree(source))
        if isinstance(node, Function) and lines(node) > LONGEST_FUNCTION
    }
    require_listed(long, LONG_FUNCTIONS)


@pytest.mark.parametrize(
    ("is_right", "listed"),
    [
        pytest.param(is_typed, UNTYPED, id="typed"),
        pytest.param(is_explained, UNDOCUMENTED, id="explained"),
    ],
)
def test_public_functions_are(is_right: Callable[[Function], bool], listed: dict[str, str]) -> None:
    wrong = {
        f"{name(source)}: {node.name}"
        for source in sources(*PACKAGES, "runtime/offline")
        for node in public(tree(source).body)
        if not is_right(node)
    }
    require_listed(wrong, listed)


def opens_with_a_law(source: Path) -> bool:
    """Tell whether a file begins with a sentence, on the first line, of what it proves."""
    law = (ast.get_docstring(tree(source)) or "").partition("\n\n")[0]
    return law.rstrip().endswith((".", ":")) and len(law.split()) >= 5


@pytest.mark.parametrize("source", sorted((ROOT / "tests").rglob("test_*.py")), ids=name)
def test_a_test_file_opens_with_the_law_that_it_proves(source: Path) -> None:
    assert opens_with_a_law(source)


def waits_for_a_folder(node: ast.AST) -> bool:
    """Tell whether a call opens what is there for reading alone, as a folder has to be opened."""
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "os.open"
        and any(ast.unparse(argument) == "os.O_RDONLY" for argument in node.args)
    )


def test_one_function_waits_until_a_folder_is_on_the_disk() -> None:
    places = [
        name(source)
        for source in sources(*PACKAGES)
        for node in ast.walk(tree(source))
        if waits_for_a_folder(node)
    ]
    assert places == ["runtime/edge_runtime/output.py"]


VAGUE = {"one", "other", "found", "made", "given", "some", "wanted"}
"""Names that say nothing of what they hold."""
SHARED_NAMES = {
    "Document": "JSON of a report, wherever it is read",
    "Floats": "an array of floats",
    "Pairs": "an array of pairs of numbers of films",
    "Ranges": "ranges of tensors",
    "Say": "what takes a line of progress",
    "Values": "an array of what a tensor holds",
}
"""Aliases of types that several modules have, each with the one meaning that it has in all."""


def test_few_names_are_vague() -> None:
    names = [
        node.id if isinstance(node, ast.Name) else node.arg
        for source in sources("edge_kit", "export", "runtime", "benchmarks")
        for node in ast.walk(tree(source))
        if isinstance(node, ast.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    ]
    assert len(names) > 5000
    assert sum(name in VAGUE for name in names) < 0.01 * len(names)


def test_no_public_type_has_two_meanings() -> None:
    places: dict[str, set[str]] = {}
    for source in sources("edge_kit", "export", "runtime/edge_runtime"):
        for node in tree(source).body:
            names = [node.name] if isinstance(node, ast.ClassDef) else []
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names = [node.targets[0].id]
            for shared in names:
                if shared[0].isupper() and not shared.isupper():
                    places.setdefault(shared, set()).add(name(source))
    require_listed({shared for shared, files in places.items() if len(files) > 1}, SHARED_NAMES)
