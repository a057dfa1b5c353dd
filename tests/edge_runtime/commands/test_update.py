"""`edge-run update` says in one line what it cannot do, and keeps what it was told to follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_runtime.cli import run
from edge_runtime.installation.store import ModelStore
from update_bed import Bed


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Bed:
    return Bed.made(tmp_path_factory.mktemp("bed") / "bed")


@pytest.fixture
def store(bed: Bed) -> Path:
    return bed.copy("store-of-a-test")


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (("--store", "STORE"), 2, "--from: none given"),
        (("--from", "REPO"), 2, "--store: none given"),
        (("--from", "REPO", "--store", "nowhere"), 2, "is no store of installed models"),
        (("--from", "nowhere", "--store", "STORE"), 2, "is no folder"),
        (("--from", "ftp://x", "--store", "STORE"), 2, "ftp is not known here"),
        (("--from", "REPO", "--store", "STORE", "--channel", "x"), 2, "'x' is not known here"),
        (("--from", "REPO", "--store", "STORE", "--model", "x"), 2, "the store has model3-xray"),
        (("--from", "REPO", "--store", "STORE", "--root", "OTHER"), 2, "is another one than this"),
        (("--from", "REPO", "--store", "new", "--root", "FILM"), 4, "is no root of a repository"),
        (("--from", "REPO", "--store", "new", "--root", "nowhere"), 9, "cannot be read"),
        (("--from", "EMPTY", "--store", "STORE"), 9, "has no repository, or not all of it"),
        (("x", "--from", "REPO"), 2, "nothing to do with it"),
        (("--status", "--store", "STORE", "--format", "x"), 2, "'x' is not known here"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: tuple[str, ...],
    status: int,
    line: str,
    bed: Bed,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    newer = sorted((bed.repository / "metadata").glob("*.snapshot.json"))[-1]
    places = {"STORE": store, "REPO": bed.repository, "OTHER": newer, "FILM": bed.film}
    places["EMPTY"] = tmp_path / "empty"
    before = ModelStore(str(store)).state
    assert run(["update", *(str(places.get(word, word)) for word in words)]) == status
    said = capsys.readouterr().err
    assert line in said
    assert len(said.splitlines()) == 1
    assert ModelStore(str(store)).state == before
    assert not (tmp_path / "new").exists()


def test_without_the_packages_it_says_how_to_get_them(
    bed: Bed, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge_runtime.commands.update.find_spec", lambda _: None)
    assert run(bed.update(store)) == 6
    assert "needs tuf, which is not installed" in capsys.readouterr().err


def test_a_store_keeps_what_it_was_told_to_follow(
    bed: Bed, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*bed.update(store), "--channel", "pilot", "--region", "north"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("EDGE_BUNDLE", str(store))
    assert run(["update", "--status", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["following"] == {"channel": "pilot", "model": None, "region": "north"}
    assert run(["update", "--from", str(bed.repository), "--region", ""]) == 0
    assert ModelStore(str(store)).state.following.region is None
    assert run(["update", "--status"]) == 0
    assert "follows    pilot" in capsys.readouterr().out


def test_the_store_of_a_service_s_user_answers_for_another_who_may_only_read_it(
    bed: Bed, store: Path
) -> None:
    for path in store.rglob("*"):
        path.chmod(0o444 if path.is_file() else 0o555)
    try:
        assert bed.run("classify", bed.film, "--bundle", store).returncode == 0
    finally:
        for path in store.rglob("*"):
            path.chmod(0o644 if path.is_file() else 0o755)
