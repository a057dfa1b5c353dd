"""`edge-kit repo` makes what `edge-run update` installs, and says in one line what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.cli import run
from edge_runtime.installation.store import ModelStore
from tiny_bundle import edge_run, write_tiny_bundle


def repo(*words: object) -> int:
    return run(["repo", *map(str, words)])


def test_a_repository_is_made_published_and_installed_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, keys = tmp_path / "repository", ("--keys", tmp_path / "keys")
    bundle = write_tiny_bundle(tmp_path / "m.edge")
    assert repo("init", place, *keys) == 0
    root = capsys.readouterr().out.strip()
    assert repo("add", place, bundle, *keys, "--percent", "40") == 0
    target = capsys.readouterr().out.strip()
    assert repo("publish", place, *keys) == 0
    assert repo("timestamp", place, *keys) == 0
    assert repo("rotate", place, "targets", *keys) == 0
    store = tmp_path / "store"
    done = edge_run("update", "--from", place, "--store", store, "--root", root)
    assert done.returncode == 0, done.stderr
    assert ModelStore(str(store)).state.current
    assert repo("remove", place, target, *keys) == 0
    assert repo("delegate", place, "north", *keys) == 0
    assert "may publish thresholds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (("add", "--channel", "x"), 2, "'x' is not known; one of"),
        (("add", "--region", "north"), 9, "is no region of this repository"),
        (("add", "--percent", "101"), 2, "is no percentage"),
        (("rotate", "root"), 2, "has several keys; name one with --lost"),
        (("rotate", "root", "--lost", "x"), 2, "is no key of root"),
        (("rotate", "south"), 9, "is no region of this repository"),
        (("remove", "stable/x"), 2, "is no target"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: tuple[str, ...],
    status: int,
    line: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place, keys = tmp_path / "repository", ("--keys", tmp_path / "keys")
    repo("init", place, *keys)
    capsys.readouterr()
    action, *rest = words
    bundles = [write_tiny_bundle(tmp_path / "m.edge")] if action == "add" else []
    assert repo(action, place, *bundles, *rest, *keys) == status
    said = capsys.readouterr().err
    assert line in said
    assert len(said.splitlines()) == 1
