"""Processes that cannot train together are refused in a line before anything is computed."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from edge_kit.cli import run
from edge_kit.training.feed import Feed, LabelledPixels, Share
from edge_kit.training.joining import together
from edge_kit.training.shared_training import SharedTraining, address, lost
from edge_runtime.errors import UsageError

TRAIN = ("train", "--data", "films", "--out", "run")
THERE = ("--coordinator", "192.0.2.1:9000")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1:9000", ("10.0.0.1", 9000)),
        ("box-1.clinic.example:65535", ("box-1.clinic.example", 65535)),
        ("[fe80::1]:1", ("[fe80::1]", 1)),
    ],
)
def test_the_address_of_a_machine_is_taken(text: str, expected: tuple[str, int]) -> None:
    assert address(text) == expected


@pytest.mark.parametrize(
    "text", ["box", ":9000", "box:0", "box:65536", "box:x", "a b:1", "0.0.0.0:9000", "[::]:9000"]
)
def test_the_address_of_no_machine_or_of_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|no machine"):
        address(text)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (THERE, "goes with --processes and --process; give all three"),
        (("--processes", "2", "--process", "0"), "goes with --processes and --process"),
        ((*THERE, "--processes", "2", "--process", "2"), "no process 2 of 2; give 0 to 1"),
        (
            (*THERE, "--processes", "2", "--process", "0", "--folds", "3"),
            "--folds: are not trained",
        ),
        (("--coordinator", "0.0.0.0:9", "--processes", "2", "--process", "0"), "no machine"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*TRAIN, *words]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert line in said


def test_without_jax_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge_kit.training.shared_training.find_spec", lambda _: None)
    assert run([*TRAIN, *THERE, "--processes", "2", "--process", "0"]) == 2
    said = capsys.readouterr().err
    assert said == "edge-kit: --coordinator: jax is not installed; pip install 'edge-kit[jax]'\n"


@pytest.fixture
def taken() -> Iterator[int]:
    """Yield a port of loopback that somebody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def refusal(shared: SharedTraining) -> str:
    with pytest.raises(UsageError) as caught, together(shared, lambda _: None):
        pytest.fail("it has joined")
    return str(caught.value)


def test_a_port_that_is_in_use_is_refused(taken: int) -> None:
    said = refusal(SharedTraining("127.0.0.1", taken, 2, 0, wait=1))
    assert said.startswith(f"127.0.0.1:{taken}: the port is in use; name another port")


def test_an_address_of_another_machine_is_none_to_listen_at() -> None:
    said = refusal(SharedTraining("192.0.2.1", 9000, 2, 0, wait=1))
    assert "process 0 cannot listen there" in said


def test_an_address_where_nobody_listens_is_given_up(taken: int) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        free = trial.getsockname()[1]
    assert free != taken
    said = refusal(SharedTraining("127.0.0.1", free, 2, 1, wait=1))
    assert said.startswith(f"127.0.0.1:{free}: nobody has answered there for 1 s; start process 0")


@pytest.mark.parametrize("process", [0, 1])
def test_a_name_that_nobody_knows_is_refused(process: int) -> None:
    said = refusal(SharedTraining("nowhere.invalid", 9000, 2, process, wait=1))
    assert said.startswith("nowhere.invalid: is no name that this machine knows")


def test_what_the_sums_of_gradients_fail_by_is_told_as_a_lost_process() -> None:
    shared = SharedTraining("127.0.0.1", 9000, 2, 1)
    line = str(lost(shared))
    assert line.startswith("process 1 of 2: another process did not come, has ended, or gave no")
    assert "120 s" in line


@pytest.mark.parametrize("count", [1, 5, 8, 12, 16])
@pytest.mark.parametrize(("processes", "own"), [(1, 1), (2, 1), (4, 1), (2, 2)])
def test_the_shares_of_a_batch_are_the_batch_each_film_as_often(
    count: int, processes: int, own: int
) -> None:
    shares = [Share(process, own, processes * own) for process in range(processes)]
    rows = [share.rows(count) for share in shares]
    assert len({len(some) for some in rows}) == 1
    assert len(rows[0]) % own == 0
    times = np.bincount(np.concatenate(rows), minlength=count)
    assert (times == (1 if count % (processes * own) == 0 else processes * own)).all()


def test_the_films_of_two_processes_are_the_batches_of_one_in_their_order() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(24, 1, 1, 1)
    rows = LabelledPixels(pixels, np.arange(24) % 2 == 0)
    whole = [film.ravel().tolist() for film, _ in Feed(rows, 8, 3, 0, 2).batches()]
    parts = [
        [film.ravel().tolist() for film, _ in Feed(rows, 8, 3, 0, 2, 0, Share(p, 1, 2)).batches()]
        for p in (0, 1)
    ]
    assert [first + second for first, second in zip(*parts, strict=True)] == whole
