"""A receipt is bound to its content and says nothing of whose machine it was."""

from __future__ import annotations

import getpass
import json
import math
import platform
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_runtime.bundle import Bundle
from edge_runtime.bundle.manifest import canonical
from edge_runtime.errors import IntegrityError, NoEngine, ParityFailed
from edge_runtime.machine.check import GoldenComparison, Replay
from edge_runtime.machine.receipt import CheckResult, opened, receipt

NOW = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)


def outcome(bundle: Bundle, *found: float) -> CheckResult:
    answers = tuple(GoldenComparison("golden/0.png", (1.0,), (logit,)) for logit in found or (1.0,))
    return CheckResult(bundle.manifest, True, [Replay("litert", "model.tflite", answers, 0.1)])


def test_the_same_check_at_the_same_time_gives_the_same_bytes(bundle: Bundle) -> None:
    data = receipt(outcome(bundle), NOW)
    assert data == receipt(outcome(bundle), NOW)
    document = opened(data, "receipt")
    assert document["clock"] == {"time": "2026-11-22T05:30:00Z", "plausible": True}
    assert document["bundle"]["identity"] == bundle.identity


def test_any_changed_byte_is_found(bundle: Bundle) -> None:
    data = receipt(outcome(bundle), NOW)
    for at in range(len(data)):
        with pytest.raises(IntegrityError, match="not a receipt as it was written"):
            opened(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "receipt")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"sha256": 1}', b"[" * 9999]
)
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        opened(data, "receipt")


def test_another_spelling_of_the_same_document_is_refused(bundle: Bundle) -> None:
    document = json.loads(receipt(outcome(bundle), NOW))
    assert canonical(document) == receipt(outcome(bundle), NOW)
    with pytest.raises(IntegrityError):
        opened(json.dumps(document).encode(), "receipt")


@pytest.mark.parametrize("logit", [math.nan, math.inf, 9.0])
def test_an_answer_that_is_no_number_is_null_and_failed(logit: float, bundle: Bundle) -> None:
    (engine,) = opened(receipt(outcome(bundle, 1.0, logit), NOW), "receipt")["engines"]
    assert engine["result"] == "failed"
    known = math.isfinite(logit)
    assert engine["films"][1]["answered"] == [logit if known else None]
    assert engine["largest_difference"] == (8.0 if known else None)


@pytest.mark.parametrize(
    ("year", "plausible"), [(1970, False), (2025, False), (2026, True), (2099, True), (2106, False)]
)
def test_an_implausible_clock_is_said(year: int, plausible: bool, bundle: Bundle) -> None:
    now = datetime(year, 6, 1, tzinfo=UTC)
    clock = opened(receipt(outcome(bundle), now), "receipt")["clock"]
    assert clock == {"time": f"{year}-06-01T00:00:00Z", "plausible": plausible}


def test_neither_paths_nor_names_of_host_and_user_go_in(bundle: Bundle) -> None:
    found = outcome(bundle)
    for error in (
        ParityFailed(f"{bundle.path}: golden/0.png", "litert answers 2 where 1 is expected"),
        NoEngine(bundle.path, "no engine can run it (litert: /home/jane/lib.so: broken)"),
    ):
        found.problem = error
        text = receipt(found, NOW).decode()
        assert str(Path(bundle.path).parent) not in text
        assert "/home" not in text
        assert f'"{getpass.getuser()}"' not in text
        assert platform.node() not in text
