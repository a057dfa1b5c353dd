"""A repository is asked once, within bounds, and what cannot be had of it is named."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.errors import CannotWrite, IntegrityError
from edge_runtime.updates import client
from edge_runtime.updates.client import Expired, Repository
from edge_runtime.updates.fetching import BoundedFetcher, reading_folder
from edge_runtime.updates.trusted import Trusted
from simulated_repository import Simulated


class Asked:
    """A repository in a folder, and what is asked of it."""

    def __init__(self, simulated: Simulated, work: Path) -> None:
        self.names: list[str] = []
        self.address = str(simulated.mirror)
        work.mkdir()
        self.work = work
        trusted = Trusted.read(simulated.store.folder)
        self.repository = Repository(
            self.address, BoundedFetcher(self._read), trusted, work, simulated.clock
        )

    def _read(self, url: str) -> Iterator[bytes]:
        self.names.append(url.rpartition("/")[2])
        return reading_folder(self.address)(url)


@pytest.fixture
def published(by_folder: Simulated) -> Simulated:
    by_folder.publish(1)
    by_folder.copy()
    return by_folder


@pytest.fixture
def asked(published: Simulated, tmp_path: Path) -> Asked:
    return Asked(published, tmp_path / "work")


@contextmanager
def full(monkeypatch: pytest.MonkeyPatch, place: object, name: str) -> Iterator[None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(place, name, refuse)
        yield


def test_no_more_is_read_and_followed_than_these_bounds() -> None:
    told = {
        "max_root_rotations": 64,
        "max_delegations": 8,
        "root_max_length": 128_000,
        "timestamp_max_length": 16_384,
        "snapshot_max_length": 1_000_000,
        "targets_max_length": 4_000_000,
        "app_user_agent": "edge-run",
    }
    assert told.items() <= vars(client._BOUNDS).items()


def test_the_clock_is_that_of_this_machine_in_utc(published: Simulated, tmp_path: Path) -> None:
    trusted = Trusted.read(published.store.folder)
    repository = Repository("x", BoundedFetcher(reading_folder("x")), trusted, tmp_path)
    told = repository._clock()
    assert told.tzinfo is UTC
    assert abs(told - datetime.now(UTC)) < timedelta(hours=1)


def test_each_file_is_asked_for_once(asked: Asked) -> None:
    asked.repository.refresh()
    kinds = [name.rpartition(".json")[0].rpartition(".")[2] for name in asked.names]
    assert kinds == ["root", "timestamp", "snapshot", "targets"]
    (path,) = asked.repository.targets()
    asked.names.clear()
    assert asked.repository.download(path).read_bytes()
    assert len(asked.names) == 1


def test_an_expired_repository_is_not_asked_again(asked: Asked, published: Simulated) -> None:
    published.days = 400
    with pytest.raises(Expired):
        asked.repository.refresh()
    assert asked.names.count("timestamp.json") == 1


def test_a_role_to_which_nothing_is_delegated_has_no_targets(asked: Asked) -> None:
    asked.repository.refresh()
    asked.names.clear()
    assert asked.repository.targets("north") == {}
    assert asked.names == []


def test_a_region_that_has_published_nothing_has_no_targets_and_another_has_its_own(
    published: Simulated, tmp_path: Path
) -> None:
    published.maker.delegate("north")
    published.maker.publish()
    published.copy()
    asked = Asked(published, tmp_path / "other")
    asked.repository.refresh()
    asked.names.clear()
    assert asked.repository.targets("north") == {}
    assert asked.repository.targets("south") == {}
    assert "south.json" not in "".join(asked.names)


def test_a_target_that_nobody_signed_is_named(asked: Asked) -> None:
    asked.repository.refresh()
    with pytest.raises(IntegrityError) as said:
        asked.repository.download("stable/nothing.edge")
    assert str(said.value) == "stable/nothing.edge: is delegated to nobody; ask who published it"


def test_a_model_that_is_not_what_was_signed_is_told_of_its_repository(
    asked: Asked, published: Simulated
) -> None:
    asked.repository.refresh()
    (path,) = asked.repository.targets()
    (model,) = (file for file in (published.mirror / "targets").rglob("*") if file.is_file())
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError) as said:
        asked.repository.download(path)
    assert str(said.value).startswith(f"{asked.address}: is not what was signed (")


@pytest.mark.parametrize("place", [Path, Trusted])
def test_a_full_disk_names_the_folder_that_is_worked_in(
    place: Any, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "mkdir" if place is Path else "unfold"
    with full(monkeypatch, place, name), pytest.raises(CannotWrite) as said:
        asked.repository.refresh()
    assert str(said.value).startswith(f"{asked.work}: the disk is full")


def test_a_full_disk_while_a_model_comes_names_the_folder_that_is_worked_in(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.repository.refresh()
    (path,) = asked.repository.targets()
    with full(monkeypatch, shutil, "copyfileobj"), pytest.raises(CannotWrite) as said:
        asked.repository.download(path)
    assert str(said.value).startswith(f"{asked.work}: the disk is full")


def test_a_full_disk_while_metadata_comes_names_the_folder_that_is_worked_in(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full(monkeypatch, os, "replace"), pytest.raises(CannotWrite) as said:
        asked.repository.refresh()
    assert str(said.value).startswith(f"{asked.work}: the disk is full")
    assert "timestamp.json" not in asked.repository.trusted.metadata
