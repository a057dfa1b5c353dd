"""A folder is believed where nobody but this user and root may change it, and never otherwise."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_runtime.errors import UsageError
from edge_runtime.ownership import distrusted, in_open_folder, require_own
from foreign_owner import give_away

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and owners are those of Unix")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir(mode=0o755)
    return place


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o750, 0o500])
def test_what_nobody_else_may_write_is_believed(mode: int, folder: Path) -> None:
    folder.chmod(mode)
    require_own(str(folder), UsageError, "x")


def test_what_is_not_there_is_believed(folder: Path) -> None:
    require_own(str(folder / "none" / "below"), UsageError, "x")


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o722, 0o1777, 0o702])
def test_what_others_may_write_is_refused_with_the_command_that_keeps_them_out(
    mode: int, folder: Path
) -> None:
    folder.chmod(mode)
    with pytest.raises(UsageError) as refused:
        require_own(str(folder), UsageError, "name another")
    assert str(refused.value) == (
        f"{folder}: can be changed by other users (mode {mode:04o}); "
        f"keep them out: chmod -R go-w {folder}, or name another"
    )
    os.system(f"chmod -R go-w {folder}")  # noqa: S605, the cure as it is printed
    require_own(str(folder), UsageError, "x")


def test_what_belongs_to_somebody_else_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.chmod(0o700)
    give_away(folder, monkeypatch)
    with pytest.raises(UsageError, match=r"belongs to another user \(number \d+\); own it: sudo "):
        require_own(str(folder), UsageError, "x")


def test_what_belongs_to_root_is_believed_by_everybody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = SimpleNamespace(st_uid=0, st_mode=0o40755, st_gid=0)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert distrusted(str(folder), status) is None  # type: ignore[arg-type]


def group(monkeypatch: pytest.MonkeyPatch, name: str, members: list[str], own: int = 1000) -> None:
    import grp
    import pwd

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = SimpleNamespace(gr_name=name, gr_mem=members)
    monkeypatch.setattr(grp, "getgrgid", lambda _: found)
    user = SimpleNamespace(pw_name="ada", pw_gid=own)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)


@pytest.mark.parametrize("members", [[], ["ada"], ["root", "ada"]])
def test_a_group_of_one_user_alone_may_write(
    members: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group(monkeypatch, "ada", members)
    status = SimpleNamespace(st_uid=1000, st_mode=0o40775, st_gid=1000)
    assert distrusted(str(folder), status) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "members", "own"),
    [("ada", ["eve"], 1000), ("lab", [], 1000), ("ada", [], 7), ("users", ["ada"], 1000)],
)
def test_no_other_group_may(
    name: str, members: list[str], own: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group(monkeypatch, name, members, own)
    status = SimpleNamespace(st_uid=1000, st_mode=0o40775, st_gid=1000)
    assert distrusted(str(folder), status)  # type: ignore[arg-type]


def test_a_group_that_the_machine_does_not_know_is_not_private(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import grp

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(grp, "getgrgid", unknown)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    status = SimpleNamespace(st_uid=1000, st_mode=0o40775, st_gid=54321)
    assert distrusted(str(folder), status)  # type: ignore[arg-type]


def test_a_folder_below_one_that_is_open_to_all_is_refused_unless_that_is_sticky(
    folder: Path,
) -> None:
    inner = folder / "deep" / "inner"
    inner.mkdir(parents=True)
    folder.chmod(0o777)
    problem, cure = in_open_folder(str(inner)) or ("", "")
    assert str(folder) in problem and cure == f"keep them out: chmod o-w {folder}"
    folder.chmod(0o1777)
    assert in_open_folder(str(inner)) is None
    folder.chmod(0o775)  # whoever puts another there owns it, which is seen
    assert in_open_folder(str(inner)) is None


def test_a_link_to_a_folder_is_judged_by_the_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    require_own(str(tmp_path / "link"), UsageError, "x")
    folder.chmod(0o777)
    with pytest.raises(UsageError):
        require_own(str(tmp_path / "link"), UsageError, "x")


def test_windows_is_not_asked_for_modes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chmod(0o777)
    monkeypatch.setattr(os, "name", "nt")
    assert distrusted("C:/place") is None
    assert in_open_folder("C:/place") is None
    monkeypatch.undo()
