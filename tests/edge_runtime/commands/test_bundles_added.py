"""A bundle that is added replaces none that somebody has touched, unless the line says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from command_lines import Captured, said
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.pack import unpack
from edge_runtime.cli import run
from tiny_bundle import write_tiny_bundle

pytestmark = pytest.mark.usefixtures("own_signals", "folder")


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
