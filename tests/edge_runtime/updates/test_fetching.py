"""A repository's files come whole, in time and from where they were asked for, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.errors import DataError, UsageError
from edge_runtime.updates import fetching
from simulated_repository import Simulated


class Stick:
    """A folder of which only so many reads are good."""

    def __init__(self, good: int) -> None:
        self.good = good

    def read(self, folder: str) -> fetching.Read:
        real = fetching.reading_folder(folder)

        def pieces(url: str) -> Iterator[bytes]:
            for piece in real(url):
                self.good -= 1
                if self.good < 0:
                    raise OSError(5, "Input/output error")
                yield piece

        return pieces


def put_back(store: Path, files: dict[Path, bytes]) -> None:
    for path in store.rglob("*"):
        if path.is_file():
            path.unlink()
    for path, data in files.items():
        path.write_bytes(data)


def test_a_stick_that_is_pulled_out_at_any_read_leaves_the_box_as_it_was(
    by_folder: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_folder.publish(1)
    by_folder.copy()
    by_folder.update()
    by_folder.publish(2)
    by_folder.copy()
    monkeypatch.setattr(fetching, "_PIECE", 512)
    store = Path(by_folder.store.folder)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    for good in range(100):
        put_back(store, before)
        monkeypatch.setattr("simulated_repository.reading_folder", Stick(good).read)
        try:
            by_folder.update()
        except DataError as error:
            assert "Input/output error" in str(error)
        else:
            break
        assert by_folder.release == 1
        assert by_folder.store.state.pending is None
    assert 15 < good < 99
    assert by_folder.release == 2


def test_a_stick_that_is_gone_is_said_to_be(by_folder: Simulated) -> None:
    by_folder.publish(1)
    by_folder.copy()
    by_folder.mirror.rename(by_folder.folder / "elsewhere")
    with pytest.raises(DataError, match="the folder is gone"):
        by_folder.update()


@pytest.mark.parametrize("source", ["ftp://x/y", "file:///tmp", "/nonexistent", ""])
def test_a_source_that_is_none_is_said_to_be(source: str) -> None:
    with pytest.raises(UsageError, match="--from"):
        fetching.fetcher_of(source)


def test_a_server_that_is_not_there_is_one_line_without_objects_in_memory(
    by_folder: Simulated,
) -> None:
    address, fetcher = fetching.fetcher_of("http://127.0.0.1:9/")
    assert address == "http://127.0.0.1:9"
    with pytest.raises(Exception, match=r"^[^<>]*$") as raised:
        fetcher.download_bytes(f"{address}/metadata/timestamp.json", 100)
    assert "refused" in str(raised.value)
    assert by_folder.release == 0


@pytest.mark.parametrize("name", ["../keys/root-1.pem", "a/../../keys", "metadata//x", "."])
def test_a_name_that_leads_out_of_a_folder_is_none(name: str, by_folder: Simulated) -> None:
    by_folder.publish(1)
    by_folder.copy()
    _, fetcher = fetching.fetcher_of(str(by_folder.mirror))
    with pytest.raises(Exception, match="is no name of a file"):
        fetcher.download_bytes(f"{by_folder.mirror}/{name}", 100_000)


def test_a_pipe_on_a_stick_keeps_nobody_waiting(by_folder: Simulated) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes on this system")
    by_folder.publish(1)
    by_folder.copy()
    by_folder.file("timestamp.json").unlink()
    os.mkfifo(by_folder.file("timestamp.json"))
    with pytest.raises(DataError, match="is no regular file"):
        by_folder.update()
