"""Imports point one way, and the clinic's path loads nothing that is heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge_runtime.bundle.store import Store
from tiny_bundle import environment, write_film, write_tiny_bundle

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "edge_kit": ROOT / "edge_kit",
    "edge_export": ROOT / "export" / "edge_export",
    "edge_runtime": ROOT / "runtime" / "edge_runtime",
}
FORBIDDEN = {
    "edge_kit": set[str](),
    "edge_export": {"edge_kit"},
    "edge_runtime": {"edge_kit", "edge_export"},
}
# What the packages are made of, in order: each room imports itself and what stands before it.
ROOMS = (
    *("semaphores", "__init__", "quiet", "words", "cautions", "origin", "description"),
    *("films", "statistics", "signing"),
    *("graph", "quantize", "proof", "remedy", "repository"),
    *("report", "examine", "package", "export", "debug"),
)
KIT_ROOMS = (
    *("__init__", "console", "files", "data", "arguments", "models", "film_branch", "training"),
    *(
        "evaluation",
        "audit",
        "exporting",
        "documents",
        "fleet",
        "scoring",
        "sweeping",
        "demo",
        "commands",
        "cli",
        "member",
    ),
)
RUNTIME_ROOMS = (
    *(
        "text",
        "errors",
        "cures",
        "lock",
        "ownership",
        "output",
        "silence",
        "memory",
        "bundle",
        "trust",
        "graphs",
    ),
    *("engines", "console", "film"),
    *("isolation", "installation", "answer", "audit_trail", "tray", "dicom_node", "machine"),
    *("fleet", "updates", "bench", "web"),
    *("__init__", "commands", "cli", "__main__"),
)
WEB = {"starlette", "uvicorn", "h11"}
"""What serves a page: the extra `edge-runtime[web]`."""
KEYS = {"cryptography"}
"""What makes a certificate and signs, where it is there."""
HEAVY = {
    "numpy", "tensorflow", "keras", "ai_edge_litert", "tflite_runtime", "onnx", "onnxruntime",
    "argparse", "dataclasses", "hashlib", "importlib.metadata", "pathlib", "shutil", "subprocess",
    "tempfile", "zipfile", "pydicom", "starlette", "uvicorn", "asyncio", "tuf",
    "securesystemslib", "urllib3", "edge_runtime.trust",
}  # fmt: skip


def modules(source: Path) -> Iterator[str]:
    """Yield the module of each import in the file, those inside functions among them."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} has a relative import"
            # `from package import module` names a module, too.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(source: Path) -> set[str]:
    """Return the packages that the file imports."""
    return {module.partition(".")[0] for module in modules(source)}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    sources = list(PACKAGES[package].rglob("*.py"))
    assert sources
    for source in sources:
        assert not FORBIDDEN[package] & imports(source), source


@pytest.mark.parametrize(
    ("package", "order"),
    [("edge_kit", KIT_ROOMS), ("edge_export", ROOMS), ("edge_runtime", RUNTIME_ROOMS)],
)
def test_each_room_imports_only_what_stands_before_it(package: str, order: Sequence[str]) -> None:
    root = PACKAGES[package]
    rooms = {source: source.relative_to(root).parts[0] for source in root.rglob("*.py")}
    assert {room.removesuffix(".py") for room in rooms.values()} == set(order)
    for source, room in rooms.items():
        before = order[: order.index(room.removesuffix(".py")) + 1]
        own = [name for name in modules(source) if name.startswith(f"{package}.")]
        assert not {name.split(".")[1] for name in own} - set(before), source


def test_the_runtime_needs_pillow_and_an_engine_alone() -> None:
    sources = PACKAGES["edge_runtime"].rglob("*.py")
    foreign = {name for source in sources for name in imports(source)}
    foreign -= sys.stdlib_module_names | {"edge_runtime", "_hashlib"}
    engines = {"ai_edge_litert", "tflite_runtime", "onnxruntime"}
    network = {"pynetdicom", "securesystemslib", "tuf", "urllib3", "watchdog"}
    assert foreign == {"PIL", "numpy", "pydicom"} | network | engines | WEB | KEYS


def test_only_the_page_needs_what_serves_it() -> None:
    root = PACKAGES["edge_runtime"]
    for source in root.rglob("*.py"):
        if source.is_relative_to(root / "web"):
            continue
        tree = ast.parse(source.read_text(encoding="utf-8"))
        annotated = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and node not in annotated:
                assert not WEB & {name.partition(".")[0] for name in named_by(node)}, source


def named_by(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules that an import names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""]


def modules_after(script: str, *arguments: str) -> set[str]:
    """Return the modules that are loaded in a fresh interpreter after `script`."""
    script += "\nsys.stderr.write(' '.join(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys\nsys.path.insert(0, sys.argv[1])\n{script}",
         environment()["PYTHONPATH"], *arguments],
        capture_output=True, text=True, check=True, env=environment(),
    )  # fmt: skip
    return set(found.stderr.splitlines()[-1].split())


def test_importing_the_runtime_loads_nothing_else() -> None:
    bare = modules_after("")
    assert modules_after("import edge_runtime") - bare <= {"edge_runtime", "__future__"}


@pytest.mark.parametrize("way", ["named", "the only one", "chosen"])
def test_the_default_path_loads_nothing_heavy(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "edge-kit"
    folder.mkdir()
    bundle = write_tiny_bundle(folder / "m.edge")
    film = write_film(tmp_path / "film.png")
    script = "from edge_runtime.cli import run\nassert run(sys.argv[2:]) == 0"
    named = ["--bundle", str(bundle)] if way == "named" else []
    if way != "named":
        # A user of its own: the interpreter is told no variable but by this.
        home = {"XDG_DATA_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
        script = f"import os\nos.environ.update({home})\nsys.platform = 'linux'\n{script}"
    if way == "chosen":
        write_tiny_bundle(folder / "another.edge")
        Store(str(folder)).choose("m.edge")
    bare = modules_after("")
    loaded = modules_after(script, "classify", *named, str(film))
    assert "edge_runtime.engines.litert_c" in loaded
    assert not HEAVY & (loaded - bare)
    # Which engine is fastest on many films is no question for one.
    assert not {name for name in loaded if name.startswith("edge_runtime.machine")}


def test_without_policy_and_signature_no_file_is_opened_for_trust(tmp_path: Path) -> None:
    bundle, film = write_tiny_bundle(tmp_path / "m.edge"), write_film(tmp_path / "film.png")
    script = """
import os
touched = set()
def note(event, arguments):
    if event == "open" and arguments and isinstance(arguments[0], str):
        touched.add(arguments[0])
sys.addaudithook(note)
looked, lstat = [], os.lstat
os.lstat = lambda path, **more: (looked.append(str(path)), lstat(path, **more))[1]
from edge_runtime.cli import run
assert run(sys.argv[2:]) == 0
assert not [name for name in touched if name.endswith("policy.json")], touched
assert 1 <= len([name for name in looked if "edge-run" in name]) <= 2, looked
"""
    home = {"XDG_CONFIG_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    script = f"import os\nos.environ.update({home})\nos.environ.pop('EDGE_RUN_TRUST', 0)\n{script}"
    loaded = modules_after(script, "classify", "--bundle", str(bundle), str(film))
    assert not {name for name in loaded if name.startswith("edge_runtime.trust")}


def names(node: ast.expr | None) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} if node else {"bare"}


def test_keras_is_loaded_by_nothing_that_a_command_imports_before_it_is_silenced() -> None:
    # TensorFlow writes notices to stderr unless `import_tensorflow` loads it.
    script = "import edge_kit.cli, edge_kit.training.ensemble, edge_kit.training.train"
    script += ", edge_kit.training.folds, edge_kit.exporting.export, edge_kit.evaluation.evaluated"
    assert not modules_after(script) & {"keras", "tensorflow"}


def test_no_handler_is_so_wide_that_it_hides_a_mistake() -> None:
    for source in PACKAGES["edge_runtime"].rglob("*.py"):
        handlers = [
            node
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
            if isinstance(node, ast.ExceptHandler)
        ]
        wide = [node for node in handlers if names(node.type) & {"bare", "Exception"}]
        # The exceptions of ONNX Runtime have no base of their own.
        assert not wide or source.name == "onnx_runtime.py", source
