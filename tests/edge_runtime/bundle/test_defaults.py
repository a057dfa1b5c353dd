"""The data folder is where each system keeps such things, and a record of ours or an error."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edge_runtime.bundle.defaults import bundle_names, data_folder, record, used_in
from edge_runtime.bundle.store import Store
from edge_runtime.errors import CannotWrite, UsageError
from foreign_owner import give_away
from tiny_bundle import write_tiny_bundle


@pytest.mark.skipif(os.name == "nt", reason="names of folders of Unix")
@pytest.mark.parametrize(
    ("system", "variables", "folder"),
    [
        ("linux", {}, "/home/u/.local/share/edge-kit"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/edge-kit"),
        ("linux", {"XDG_DATA_HOME": ""}, "/home/u/.local/share/edge-kit"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "/home/u/Library/Application Support/edge-kit"),
        ("win32", {}, "/home/u/AppData/Local/edge-kit"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/edge-kit"),
    ],
)
def test_the_data_folder_is_that_of_the_system(
    system: str, variables: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/u", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", system)
    assert data_folder() == folder


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert data_folder() is None


def test_what_looks_like_a_bundle_is_listed_and_hidden_files_are_not(tmp_path: Path) -> None:
    for name in ("b.edge", "A.EDGE", "._b.edge", ".edge", "b.edge.part", "edge", "b.zip"):
        (tmp_path / name).touch()
    assert bundle_names(str(tmp_path)) == ["A.EDGE", "b.edge"]
    assert bundle_names(str(tmp_path / "none")) == bundle_names(str(tmp_path / "b.zip")) == []


def test_a_folder_that_cannot_be_listed_is_an_error_and_not_an_empty_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(UsageError, match="cannot be listed \\(Permission denied\\)"):
        used_in("folder")


@pytest.mark.parametrize(
    "content",
    [
        *("", "{}", "[]", "null", '"x"', "{", "[" * 100_000, '{"chosen": null}'),
        *('{"chosen": "a.edge", "added": {}}', '{"chosen": {"file": "a.edge"}, "added": {}}'),
        *('{"chosen": null, "added": []}', '{"chosen": null, "added": {"a": 1}}'),
        '{"chosen": {"file": "../a.edge", "identity": "0"}, "added": {}}',
        '{"chosen": {"file": 7, "identity": "0"}, "added": {}}',
        '{"chosen": {"file": "a.edge", "identity": ""}, "added": {}}',
        "\udcff",
    ],
)
def test_a_record_that_is_not_ours_is_an_error_that_says_the_cure(
    content: str, tmp_path: Path
) -> None:
    (tmp_path / "a.edge").touch()
    (tmp_path / "bundles.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=r"is not what edge-run wrote; .* bundles --use NAME$"):
        used_in(str(tmp_path))


def test_a_record_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bundles.json").mkdir()
    with pytest.raises(UsageError, match=r"bundles\.json: cannot be read"):
        used_in(str(tmp_path))


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = {"chosen": {"file": "ä.edge", "identity": "0f"}, "added": {"ä.edge": "1e"}}
    (tmp_path / "bundles.json").write_text(json.dumps(content))
    assert record(str(tmp_path)) == content
    found = used_in(str(tmp_path))
    assert found is not None
    assert (found.path, found.why, found.identity) == (str(tmp_path / "ä.edge"), "chosen", "0f")


def used(folder: Path) -> str:
    default = used_in(str(folder))
    assert default
    return default.path


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are those of Unix")
@pytest.mark.parametrize("place", ["", "bundles.json", "m.edge"])
def test_what_others_may_change_in_the_data_folder_is_not_used(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "edge-kit"
    folder.mkdir()
    (folder / "m.edge").touch()
    (folder / "bundles.json").write_text('{"chosen": null, "added": {}}', "utf-8")
    assert used(folder) == str(folder / "m.edge")
    (folder / place).chmod(0o777)
    with pytest.raises(UsageError, match=r"can be changed by other users .* or EDGE_BUNDLE$"):
        used_in(str(folder))
    (folder / place).chmod(0o755)
    assert used(folder)
    give_away(folder / place, monkeypatch)
    with pytest.raises(UsageError, match="belongs to another user"):
        used_in(str(folder))


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are those of Unix")
def test_nothing_is_added_where_others_may_change_it(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path / "m.edge")
    folder = tmp_path / "edge-kit"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(CannotWrite, match="can be changed by other users"):
        Store(str(folder)).add([str(bundle)])
    assert not list(folder.iterdir())
