"""Which bundle answers changes by a command that says so, and by nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.pack import unpack
from edge_runtime.cli import run
from tiny_bundle import write_tiny_bundle

pytestmark = pytest.mark.usefixtures("own_signals")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data folder of a user of its own, which is not there yet."""
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "data" / "edge-kit"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """Return a folder with three bundles and a broken one."""
    place = tmp_path / "stick"
    place.mkdir()
    for number, name in enumerate(("a.edge", "b.edge", "c.edge"), 1):
        write_tiny_bundle(place / name, tolerance=number / 1000)
    (place / "broken.edge").write_bytes((place / "a.edge").read_bytes()[:-1])
    return place


@pytest.fixture
def bundles(capsys: Captured) -> Callable[..., dict[str, Any]]:
    """Return a function that runs the command and returns the list that it leaves."""

    def listed(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        assert run(["bundles", *map(str, arguments), "--format", "json"]) in ((0, 2, 3, 4)
                   if not arguments else (0,))  # fmt: skip
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return listed


def used(found: dict[str, Any]) -> tuple[str, str] | None:
    """Return the file that is in use and why."""
    return found["in_use"] and (Path(found["in_use"]["file"]).name, found["in_use"]["why"])


def said(capsys: Captured) -> str:
    """Return the one line on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


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


def test_another_bundle_of_the_same_file_name_is_refused_and_replaced_where_it_is_asked_for(
    stick: Path, folder: Path, tmp_path: Path, capsys: Captured
) -> None:
    run(["bundles", "--add", str(stick / "a.edge")])
    run(["bundles", "--add", str(stick / "b.edge")])
    new = write_tiny_bundle(tmp_path / "a.edge", tolerance=0.5)
    before = (folder / "a.edge").read_bytes()
    capsys.readouterr()
    # None of them is copied where one cannot be.
    assert run(["bundles", "--add", str(stick / "c.edge"), str(new)]) == 10
    assert "a.edge: is there already, and is another bundle (model3-xray 0.1.0" in said(capsys)
    assert (folder / "a.edge").read_bytes() == before
    assert not (folder / "c.edge").exists()
    assert run(["bundles", "--add", str(new), "--replace"]) == 0
    line = said(capsys)
    assert line.startswith("edge-run: replaced a.edge: model3-xray 0.1.0, identity ")
    with open_bundle(stick / "a.edge") as old:
        assert f"; before that model3-xray 0.1.0, identity {old.identity[:16]}; " in line
    assert line.endswith("in use: a.edge (chosen)")
    assert (folder / "a.edge").read_bytes() == new.read_bytes()
    assert run(["check"]) == 0


def test_the_same_one_again_is_no_change(stick: Path, folder: Path, capsys: Captured) -> None:
    run(["bundles", "--add", str(stick / "a.edge")])
    state = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    capsys.readouterr()
    for again in (stick / "a.edge", folder / "a.edge"):
        assert run(["bundles", "--add", str(again)]) == 0
        assert ", was there; in use: a.edge (chosen)" in said(capsys)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == state


def test_a_damaged_one_in_the_folder_is_replaced_by_the_whole_one(
    stick: Path, folder: Path, capsys: Captured
) -> None:
    run(["bundles", "--add", str(stick / "a.edge")])
    (folder / "a.edge").write_bytes(b"damaged")
    assert run(["bundles"]) == 3
    capsys.readouterr()
    assert run(["bundles", "--add", str(stick / "a.edge")]) == 10
    assert "a.edge: is there already, and cannot be used; add --replace" in said(capsys)
    assert run(["bundles", "--add", str(stick / "a.edge"), "--replace"]) == 0
    assert run(["check"]) == 0


def test_a_folder_is_packed(stick: Path, folder: Path, tmp_path: Path) -> None:
    unpack(stick / "a.edge", tmp_path / "unpacked")
    assert run(["bundles", "--add", str(tmp_path / "unpacked") + "/"]) == 0
    assert (folder / "unpacked.edge").read_bytes() == (stick / "a.edge").read_bytes()


def _touched_by_nobody(*_: Path) -> None:
    """Leave what the installer wrote."""


def _changed(folder: Path, stick: Path) -> None:
    shutil.copy(stick / "b.edge", folder / "a.edge")


def _damaged(folder: Path, _: Path) -> None:
    os.truncate(folder / "a.edge", 999)


def _linked(folder: Path, stick: Path) -> None:
    (folder / "a.edge").rename(stick.parent / "moved.edge")
    (folder / "a.edge").symlink_to(stick.parent / "moved.edge")


def _lost_link(folder: Path, _: Path) -> None:
    (folder / "a.edge").unlink()
    (folder / "a.edge").symlink_to("nowhere")


def _by_command(*line: str) -> Callable[[Path, Path], None]:
    def change(folder: Path, stick: Path) -> None:
        values = {"folder": folder, "stick": stick, "site": stick.parent / "site" / "a.edge"}
        Path(values["site"]).parent.mkdir(exist_ok=True)
        shutil.copy(stick / "b.edge", values["site"])
        assert run(["bundles", *(one.format(**values) for one in line)]) == 0

    return change


# What became of the bundle that an installer wrote -> whether the next one may replace it.
OWNERS: dict[str, tuple[Callable[[Path, Path], None], bool]] = {
    "nobody touched it": (_touched_by_nobody, True),
    "another was chosen": (_by_command("--add", "{stick}/c.edge", "--use"), True),
    "somebody chose it": (_by_command("--use", "a.edge"), False),
    "somebody added his own": (_by_command("--add", "--replace", "{site}"), False),
    "and chose it": (_by_command("--add", "--replace", "--use", "{site}"), False),
    "somebody added the same": (_by_command("--add", "{stick}/a.edge"), False),
    "copied over by hand": (_changed, False),
    "damaged": (_damaged, False),
    "moved, and linked to": (_linked, False),
    "a link that leads nowhere": (_lost_link, False),
}


@pytest.mark.parametrize("name", OWNERS)
def test_an_installer_replaces_what_it_wrote_and_nothing_that_somebody_has_touched(
    name: str, stick: Path, folder: Path, capsys: Captured
) -> None:
    happens, may = OWNERS[name]
    assert run(["bundles", "--add", "--keep", str(stick / "a.edge")]) == 0
    happens(folder, stick)
    before = _bytes(folder)
    newer = write_tiny_bundle(stick.parent / "a.edge", tolerance=0.5)
    for _ in range(2):  # a second time nothing is left to be done
        capsys.readouterr()
        assert run(["bundles", "--add", "--keep", str(newer)]) == 0
        line = said(capsys)
        after = _bytes(folder)
        assert (after["a.edge"] == newer.read_bytes()) is may
        assert {**after, "a.edge": None} == {**before, "a.edge": None} or not may
        if not may:
            assert {one: after[one] for one in before} == before
            (own,) = after.keys() - before
            with open_bundle(newer) as made:
                assert own == f"a-{made.identity[:8]}.edge"
            assert after[own] == newer.read_bytes()
    assert f"{newer.name if may else own}: model3-xray 0.1.0, identity " in line
    assert ", was there; " in line
    if name == "another was chosen":
        assert line.endswith("in use: c.edge (chosen)")
    if not may:
        assert run(["bundles", "--use", own]) == 0  # as the line says
        assert run(["check"]) == 0


def _bytes(folder: Path) -> dict[str, bytes | None]:
    return {
        one.name: one.read_bytes() if one.exists() else None
        for one in folder.iterdir()
        if one.name != "bundles.json"
    }


def test_one_that_was_copied_by_hand_is_no_installers(
    stick: Path, folder: Path, capsys: Captured
) -> None:
    folder.mkdir(parents=True)
    shutil.copy(stick / "b.edge", folder / "a.edge")
    assert run(["bundles", "--add", "--keep", str(stick / "a.edge")]) == 0
    line = said(capsys)
    with open_bundle(stick / "a.edge") as made:
        own = f"a-{made.identity[:8]}.edge"
    words = f"beside the file of its name, which stays; to use it: edge-run bundles --use {own}"
    assert words in line
    assert line.endswith("in use: a.edge (chosen)")
    assert (folder / "a.edge").read_bytes() == (stick / "b.edge").read_bytes()


def test_a_damaged_record_ends_where_a_bundle_is_added(
    stick: Path, folder: Path, capsys: Captured
) -> None:
    folder.mkdir(parents=True)
    outside = '{"chosen": {"file": "../a", "identity": "0"}, "added": {}}'
    for text in ("", "{", '["a.edge"]', outside):
        (folder / "bundles.json").write_text(text)
        capsys.readouterr()
        assert run(["bundles"]) == 2
        assert "begin anew: edge-run bundles --add FILE.edge" in capsys.readouterr().out
        assert run(["bundles", "--add", str(stick / "a.edge")]) == 0
        assert said(capsys).endswith("in use: a.edge (chosen)")
        assert run(["bundles", "--remove", "a.edge", "--in-use"]) == 0


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
