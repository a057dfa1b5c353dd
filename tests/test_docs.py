"""What the pages show can be run as it is written.

README, tutorial, clinic page, examples and notebook share one small run: the commands are those
that are shown, but Model 3 is a tiny network here, fewer films are drawn, and the budgets are wide,
because a few flips of a few films are many.
"""

from __future__ import annotations

import json
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_runtime.bundle import open_bundle
from shown_pages import ROOT, blocks, text_of

if TYPE_CHECKING:
    import keras

SHOWN = ("docs/tutorial.md", "README.md", "docs/clinic.md", "docs/library.md")
"""The pages whose blocks are run, in this order: the tutorial makes what the others use."""

WIDE = [
    *("--max-flips", "0.5", "--max-auc-difference", "0.5", "--margin", "0.9"),
    *("--max-uncertain", "1"),
]


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
    from edge_kit.models.recipe import Architecture, TrainingRecipe
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
        recipe = TrainingRecipe(epochs=8, batch_size=16, learning_rate=0.003)
        patch.setitem(MODELS, "model3", Architecture("model3", tiny, recipe))
        patch.setattr("edge_kit.film_branch.branch._ROUNDS", 2)
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

    from edge_export.films.phantom import phantom

    with Image.open(ROOT / "examples" / "sample-film.png") as sample:
        drawn = phantom(2026, positive=True, size=(512, 512))
        assert sample.size == drawn.size
        assert ImageChops.difference(sample, drawn).getbbox() is None
