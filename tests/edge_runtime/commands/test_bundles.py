"""The list tells what each bundle is, and what cannot be carried out changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from command_lines import Captured, said
from edge_runtime.bundle import open_bundle
from edge_runtime.cli import run

pytestmark = pytest.mark.usefixtures("own_signals", "folder")


def test_the_list_says_of_each_what_it_is_or_what_is_wrong_with_it(
    stick: Path, folder: Path, capsys: Captured
) -> None:
    run(["bundles", "--add", str(stick / "a.edge")])
    shutil.copy(stick / "broken.edge", folder)
    (folder / "gone.edge").symlink_to("nowhere")
    (folder / "._a.edge").touch()
    (folder / "letter.txt").touch()
    capsys.readouterr()
    assert run(["bundles"]) == 0
    with open_bundle(stick / "a.edge") as made:
        identity = made.identity
    assert capsys.readouterr().out.splitlines() == [
        "   file         bundle             verdict  identity",
        f"*  a.edge       model3-xray 0.1.0  pass     {identity[:16]}",
        "   broken.edge  is cut short or was changed after it was written; copy it again",
        "   gone.edge    does not exist; give a .edge file or its folder",
        "",
        f"data folder: {folder}",
        "in use: a.edge (chosen)",
    ]
    assert run(["bundles", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [Path(one["file"]).name for one in found["bundles"]] == [
        "a.edge", "broken.edge", "gone.edge"
    ]  # fmt: skip
    assert found["bundles"][0] == {
        "file": str(folder / "a.edge"), "in_use": True, "name": "model3-xray", "version": "0.1.0",
        "identity": identity, "verdict": "pass", "problem": None, "cure": None,
    }  # fmt: skip
    assert found["bundles"][1]["problem"].startswith("is cut short")


def test_without_any_the_list_says_how_to_add_one(capsys: Captured, folder: Path) -> None:
    assert run(["bundles"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        f"data folder: {folder}",
        "in use: none: none given and none found; name one, set EDGE_BUNDLE or add one: "
        "edge-run bundles --add FILE.edge",
    ]
    assert not folder.exists()


BAD: dict[str, tuple[list[str], int, str]] = {
    "no action": (["a.edge"], 2, "a.edge: nothing to do with it; say --use, --add or --remove"),
    "nothing to add": (["--add"], 2, "--add: no bundle given"),
    "nothing to use": (["--use"], 2, "--use: no bundle given"),
    "two to use": (["--use", "a", "b"], 2, "--use: more than one bundle given"),
    "add and remove": (["--add", "--remove", "a"], 2, "--remove: does not go with --add"),
    "remove and use": (["--remove", "--use", "a"], 2, "--remove: does not go with --use"),
    "replace alone": (["--replace"], 2, "--replace: is for --add"),
    "in-use alone": (["--use", "a", "--in-use"], 2, "--in-use: is for --remove"),
    "keep alone": (["--keep"], 2, "--keep: is for --add"),
    "replace and keep": (["--add", "--keep", "--replace", "a"], 2, "does not go with --keep"),
    "a format": (["--format", "csv"], 2, "'csv' is not known here"),
    "one that is not there": (["--use", "x"], 2, "x: is no bundle in "),
    "one outside": (["--remove", "{stick}/a.edge"], 2, "a.edge: is no bundle in "),
    "a file that is not there": (["--add", "none.edge"], 3, "none.edge: does not exist"),
    "no bundle": (["--add", "{stick}/film.edge"], 3, "film.edge: is not a bundle"),
    "a broken one": (["--add", "{stick}/c.edge", "{stick}/broken.edge"], 4, "is cut short"),
    "two of one name": (["--add", "{stick}/c.edge", "{stick}/../c.edge"], 2, "stands there twice"),
    "a hidden one": (["--add", "{stick}/.a.edge"], 2, ".a.edge: is not called NAME.edge"),
    "another ending": (["--add", "{stick}/a.zip"], 2, "a.zip: is not called NAME.edge"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_carried_out_changes_nothing(
    name: str, stick: Path, folder: Path, film: Path, capsys: Captured
) -> None:
    run(["bundles", "--add", str(stick / "a.edge")])
    for other in (stick / ".a.edge", stick / "a.zip", stick.parent / "c.edge"):
        shutil.copy(stick / "a.edge", other)
    shutil.copy(film, stick / "film.edge")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    arguments, status, words = BAD[name]
    assert run(["bundles", *(one.format(stick=stick) for one in arguments)]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert len(captured.err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_data_folder_that_cannot_be_made_is_one_line(
    stick: Path, folder: Path, capsys: Captured
) -> None:
    folder.parent.write_text("a file")
    assert run(["bundles", "--add", str(stick / "a.edge")]) == 10
    assert "edge-kit: cannot be made (" in said(capsys)


def test_a_user_without_a_home_is_told_how_to_name_a_bundle(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_runtime.commands.bundles.data_folder", lambda: None)
    assert run(["bundles"]) == 2
    assert said(capsys).endswith("no home folder; name bundles with --bundle or EDGE_BUNDLE")


def test_a_disk_that_refuses_leaves_what_was_there(
    stick: Path, folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["bundles", "--add", str(stick / "a.edge")])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for line in (["--add", str(stick / "b.edge")], ["--use", "a.edge"]):
        capsys.readouterr()
        assert run(["bundles", *line]) == 10
        assert "the disk is full" in said(capsys)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    monkeypatch.setattr(Path, "unlink", full)
    capsys.readouterr()
    assert run(["bundles", "--remove", "a.edge", "--in-use"]) == 10
    assert "a.edge: cannot be removed (No space left on device)" in said(capsys)
