"""Which bundle answers changes by a command that says so, and by nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_lines import Captured, said
from edge_runtime.cli import run

pytestmark = pytest.mark.usefixtures("own_signals", "folder")


@pytest.fixture
def bundles(capsys: Captured) -> Callable[..., dict[str, Any]]:
    """Return a function that runs the command and returns the list that it leaves."""

    def listed(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        assert run(["bundles", *map(str, arguments), "--format", "json"]) in ((0, 2, 3, 4)
                   if not arguments else (0,))  # fmt: skip
        state: dict[str, Any] = json.loads(capsys.readouterr().out)
        return state

    return listed


def used(state: dict[str, Any]) -> tuple[str, str] | None:
    """Return the file that is in use and why."""
    return state["in_use"] and (Path(state["in_use"]["file"]).name, state["in_use"]["why"])


def test_the_first_one_is_chosen_and_one_that_is_added_later_changes_nothing(
    stick: Path, folder: Path, capsys: Captured
) -> None:
    assert run(["bundles", "--add", str(stick / "b.edge")]) == 0
    assert said(capsys).endswith("; in use: b.edge (chosen)")
    assert run(["bundles", "--add", str(stick / "a.edge"), str(stick / "c.edge")]) == 0
    line = said(capsys)
    assert line.startswith("edge-run: added a.edge: model3-xray 0.1.0, identity ")
    assert "; added c.edge: " in line
    assert line.endswith("; in use: b.edge (chosen)")
    for name in ("a.edge", "b.edge", "c.edge"):
        assert (folder / name).read_bytes() == (stick / name).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [
        "a.edge", "b.edge", "bundles.json", "c.edge"
    ]  # fmt: skip


def test_the_only_one_becomes_the_chosen_one_before_another_is_added(
    stick: Path, folder: Path, bundles: Callable[..., dict[str, Any]]
) -> None:
    folder.mkdir(parents=True)
    shutil.copy(stick / "b.edge", folder)
    assert used(bundles()) == ("b.edge", "the only one")
    assert used(bundles("--add", stick / "a.edge")) == ("b.edge", "chosen")


def test_several_that_are_the_first_leave_the_choice_to_the_user(
    stick: Path, capsys: Captured, bundles: Callable[..., dict[str, Any]]
) -> None:
    assert run(["bundles", "--add", str(stick / "a.edge"), str(stick / "b.edge")]) == 0
    assert "in use: none: none given, and none of the 2 bundles in " in said(capsys)
    assert run(["classify", "film.png"]) == 2
    assert said(capsys).endswith("was chosen; choose one: edge-run bundles --use NAME")
    assert run(["bundles"]) == 2
    assert used(bundles("--use", "b.edge")) == ("b.edge", "chosen")


@pytest.mark.parametrize("name", ["b.edge", "b", "{folder}/b.edge", "{folder}/../edge-kit/b"])
def test_a_bundle_is_named_by_its_file(
    name: str, stick: Path, folder: Path, bundles: Callable[..., dict[str, Any]]
) -> None:
    bundles("--add", stick / "a.edge", stick / "b.edge")
    assert used(bundles("--use", name.format(folder=folder))) == ("b.edge", "chosen")


def test_one_that_is_added_may_be_chosen_at_once(
    stick: Path, bundles: Callable[..., dict[str, Any]]
) -> None:
    bundles("--add", stick / "a.edge")
    assert used(bundles("--add", stick / "b.edge", "--use")) == ("b.edge", "chosen")


def test_what_a_damaged_record_had_chosen_is_not_guessed(
    stick: Path, folder: Path, capsys: Captured
) -> None:
    run(["bundles", "--add", str(stick / "a.edge")])
    os.truncate(folder / "bundles.json", 20)
    assert run(["bundles", "--add", "--keep", str(stick / "b.edge")]) == 0
    assert run(["classify", "film.png"]) == 2
    assert "none of the 2 bundles in " in capsys.readouterr().err
    assert run(["bundles", "--use", "a.edge"]) == 0


def test_the_one_in_use_is_not_removed_without_a_word(
    stick: Path, folder: Path, capsys: Captured, bundles: Callable[..., dict[str, Any]]
) -> None:
    bundles("--add", stick / "a.edge")
    bundles("--add", stick / "b.edge", stick / "c.edge")
    capsys.readouterr()
    assert run(["bundles", "--remove", "b.edge", "a.edge"]) == 10
    assert "a.edge: is the one that is used; choose another first" in said(capsys)
    assert (folder / "b.edge").exists()
    assert used(bundles("--remove", "b")) == ("a.edge", "chosen")
    capsys.readouterr()
    assert run(["bundles", "--remove", "a.edge", "--in-use"]) == 0
    assert said(capsys) == "edge-run: removed a.edge; in use: c.edge (the only one)"
    assert run(["bundles", "--remove", "c.edge"]) == 10
    assert run(["bundles", "--remove", "c.edge", "--in-use"]) == 0
    assert used(bundles()) is None


def test_the_one_that_the_variable_names_is_in_use(
    stick: Path, folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["bundles", "--add", str(stick / "a.edge"), str(stick / "b.edge")])
    monkeypatch.setenv("EDGE_BUNDLE", str(folder / "b.edge"))
    capsys.readouterr()
    assert run(["bundles", "--use", "a.edge"]) == 0
    assert said(capsys).endswith("chosen a.edge; in use: b.edge (named by EDGE_BUNDLE)")
    for name in ("a.edge", "b.edge"):
        assert run(["bundles", "--remove", name]) == 10
    monkeypatch.setenv("EDGE_BUNDLE", str(stick / "c.edge"))
    capsys.readouterr()
    assert run(["bundles"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table if line.startswith("*")] == ["*"]
    assert table[1].startswith(f"*  {stick / 'c.edge'}")


def _to_folder(folder: Path) -> None:
    (folder / "a.edge").unlink()
    (folder / "a.edge").mkdir()


CHANGED: dict[str, tuple[Callable[[Path, Path], object], int, str]] = {
    "gone": (lambda folder, _: (folder / "a.edge").unlink(), 3, "was chosen, and is not there"),
    "another": (
        lambda folder, stick: shutil.copy(stick / "b.edge", folder / "a.edge"),
        4,
        "is not the bundle that was chosen (identity ",
    ),
    "damaged": (lambda folder, _: os.truncate(folder / "a.edge", 999), 4, "is cut short"),
    "replaced by a folder": (lambda folder, _: _to_folder(folder), 3, "holds no manifest.json"),
    "a record that is torn": (
        lambda folder, _: os.truncate(folder / "bundles.json", 20), 2, "is not what edge-run wrote",
    ),
    "a record of something else": (
        lambda folder, _: (folder / "bundles.json").write_text('["a.edge"]'), 2, "is not what",
    ),
    "a record that leads elsewhere": (
        lambda folder, _: (folder / "bundles.json").write_text(
            '{"chosen": {"file": "../a.edge", "identity": "00"}, "added": {}}'
        ), 2, "is not what edge-run wrote",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_a_choice_that_does_not_hold_is_one_line_and_never_another_bundle(
    name: str, stick: Path, folder: Path, film: Path, capsys: Captured
) -> None:
    change, status, words = CHANGED[name]
    run(["bundles", "--add", str(stick / "a.edge")])
    run(["bundles", "--add", str(stick / "c.edge")])
    change(folder, stick)
    for line in (["classify", str(film)], ["check"], ["info"]):
        capsys.readouterr()
        assert run(line) == status
        assert words in said(capsys)
    assert run(["bundles"]) == status
    capsys.readouterr()
    assert run(["doctor"]) in (3, status)
    assert words in capsys.readouterr().out
    # The cure that each of them prints.
    assert run(["bundles", "--use", "c.edge"]) == 0
    assert run(["classify", str(film)]) == 0
    assert f"bundle: {folder / 'c.edge'}\n" in capsys.readouterr().err
