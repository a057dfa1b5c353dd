"""`edge-run dicom-listen` as a process: what it says at the start, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dicom_nodes import device_image
from dicom_peers import Archive, free_port, send, until
from killed_nodes import CONFIG
from tiny_bundle import command, edge_run, environment

pytestmark = [
    pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user"),
    # pynetdicom 3.0 does not close the socket of a connection that is refused: it forgets it.
    pytest.mark.filterwarnings(
        r"ignore:unclosed <socket\.socket:ResourceWarning:pynetdicom\.transport"
    ),
]


@pytest.fixture
def archive() -> Iterator[Archive]:
    with Archive() as listening:
        yield listening


def config(folder: Path, port: int, archive: int) -> Path:
    path = folder / "node.toml"
    path.write_text(CONFIG.format(port=port, archive=archive), encoding="utf-8")
    return path


@contextmanager
def listening(path: Path, bundle: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run a node until the block ends; yield it with the lines that it has said so far."""
    words = command("dicom-listen", path, "--bundle", bundle)
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stderr is not None
        said: list[str] = []
        while not said or "listens on port" not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], said
        try:
            yield process, said
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that is caught")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_after_what_is_being_answered_and_nothing_is_lost(
    number: signal.Signals, status: int, archive: Archive, tiny: Path, tmp_path: Path
) -> None:
    path = config(tmp_path, port := free_port(), archive.port)
    images = [device_image(n) for n in range(1, 6)]
    with listening(path, tiny) as (process, _):
        assert send(port, *images) == [0] * 5
        process.send_signal(number)
        assert process.stderr is not None
        last = process.stderr.read().splitlines()
        assert process.wait() == status
    assert any("images answered" in line for line in last) and "Traceback" not in "".join(last)
    with listening(path, tiny):
        until(lambda: len(archive.objects) == 10, "ten objects, by the next one")
        until(lambda: not [*tmp_path.glob("node/*/*")], "an empty folder")
    assert set(archive.stored.values()) == {1}


def test_two_nodes_on_one_folder_or_one_port_are_refused_in_a_line(
    archive: Archive, tiny: Path, tmp_path: Path
) -> None:
    path = config(tmp_path, port := free_port(), archive.port)
    (other := tmp_path / "other").mkdir()
    with listening(path, tiny):
        same = edge_run("dicom-listen", path, "--bundle", tiny)
        assert same.returncode == 2 and "end the other one first" in same.stderr.splitlines()[-1]
        taken = edge_run("dicom-listen", config(other, port, archive.port), "--bundle", tiny)
        assert taken.returncode == 10
        line = taken.stderr.splitlines()[-1]
        assert f"port {port}: cannot be listened on" in line and "another port" in line
        assert send(port, device_image()) == [0], "the first one goes on"


def test_an_address_that_is_none_of_this_machine_is_named(tiny: Path, tmp_path: Path) -> None:
    path = config(tmp_path, free_port(), free_port())
    path.write_text(path.read_text().replace('"127.0.0.1"\nport', '"192.0.2.1"\nport', 1))
    ended = edge_run("dicom-listen", path, "--bundle", tiny)
    assert ended.returncode == 10 and "192.0.2.1, port" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "status"),
    [([], 2), (["missing.toml"], 2), (["CONFIG", "CONFIG"], 2), (["CONFIG", "--fhir", "x"], 2),
     (["CONFIG", "--bundle", "x"], 3), (["CONFIG", "--threads", "x"], 2)],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_and_its_status(
    words: list[str], status: int, tmp_path: Path
) -> None:
    path = str(config(tmp_path, free_port(), free_port()))
    ended = edge_run("dicom-listen", *[path if word == "CONFIG" else word for word in words])
    assert ended.returncode == status
    (line,) = ended.stderr.splitlines()
    assert line.startswith("edge-run: ") and not (tmp_path / "node").exists()
