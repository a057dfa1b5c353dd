"""Whatever lies in a folder is a receipt as its box wrote it, or is named with the reason."""

from __future__ import annotations

import json
import os
import random
import tracemalloc
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from edge_kit.fleet.judging import JudgedBy, judge
from edge_kit.fleet.opening import open_receipt
from edge_kit.fleet.reading import read_receipts
from edge_runtime.errors import DataError
from edge_runtime.fleet.records import LARGEST
from forged_receipts import put, replaced, resigned, sealed_anew
from simulated_boxes import NOW, SimulatedBox, digest


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return SimulatedBox(tmp_path).write()


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "without its last byte": lambda data: data[:-1],
    "with another line": lambda data: data + b"\n",
    "no JSON": lambda _: b"\x89PNG\r\n\x1a\n",
    "not ASCII": lambda _: '{"payload": "é"}'.encode(),
    "a list": lambda _: b"[]\n",
    "deep": lambda _: b'{"payload":' * 100_000,
    "a deep payload": lambda data: replaced(data, payload=b64encode(b"[" * 100_000).decode()),
    "huge": lambda data: data + b" " * LARGEST,
    "a number of a million digits": lambda _: b'{"payload":' + b"9" * 900_000 + b"}",
    "an infinite number": lambda data: replaced(
        data, payload=b64encode(b'{"format": Infinity}').decode()
    ),
    "another type of payload": lambda data: replaced(data, payloadType="text/plain"),
    "no signature": lambda data: replaced(data, signatures=[]),
    "two signatures": lambda data: replaced(data, signatures=json.loads(data)["signatures"] * 2),
    "a signature of nobody": lambda data: replaced(
        data, signatures=[{"keyid": "", "sig": b64encode(bytes(64)).decode()}]
    ),
    "a signature that is none": lambda data: replaced(
        data, signatures=[{**json.loads(data)["signatures"][0], "sig": "AAAA"}]
    ),
    "signatures that are none": lambda data: replaced(data, signatures={"sig": 1}),
    "one more member": lambda data: replaced(data, more=1),
    "another spelling": lambda data: json.dumps(json.loads(data), indent=1).encode(),
    "another spelling of the payload, signed": lambda data: sealed_anew(
        json.loads(data), b64decode(json.loads(data)["payload"]).replace(b":", b": ", 1)
    ),
    "a key twice in the payload, signed": lambda data: sealed_anew(
        json.loads(data), b64decode(json.loads(data)["payload"]).replace(b"{", b'{"box":"x",', 1)
    ),
    "signed by another key": lambda data: resigned(data, lambda _: None, 1),
    "with another key in it": lambda data: resigned(data, put("key", "00" * 32)),
    "of another format": lambda data: resigned(data, put("format", 2)),
    "with an unknown key": lambda data: resigned(data, put("patient", "Doe")),
    "of a box with a path for a name": lambda data: resigned(data, put("box", "../../etc/passwd")),
    "with number 0": lambda data: resigned(data, put("counter", 0)),
    "with a number that is true": lambda data: resigned(data, put("counter", True)),
    "of the 99th month": lambda data: resigned(data, put("time", "2026-99-01T00:00:00Z")),
    "with a negative count": lambda data: resigned(
        data, lambda document: document["counts"][0].__setitem__("failed", -1)
    ),
    "with more scores than answers": lambda data: resigned(
        data, lambda document: document["counts"][0]["scores"].__setitem__(0, 10_000)
    ),
    "with a thousand trails": lambda data: resigned(
        data, lambda document: document.__setitem__("trails", document["trails"] * 1000)
    ),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_receipt_is_named_with_the_reason(
    written: Path, change: Callable[[bytes], bytes]
) -> None:
    written.write_bytes(change(written.read_bytes()))
    with pytest.raises(DataError) as caught:
        open_receipt(written)
    assert str(caught.value).startswith(f"{written}: ") and "\n" not in str(caught.value)
    reading = read_receipts(written.parent)
    assert [file for file, _ in reading.rejected] == [written.name]
    assert not judge(reading, JudgedBy(now=NOW)).is_well


def test_of_a_file_that_is_too_large_no_more_is_read_than_a_receipt_has(written: Path) -> None:
    os.truncate(written, 64 * LARGEST)  # which takes no room on the disk
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=f"is larger than a receipt \\({LARGEST} bytes\\)"):
            open_receipt(written)
        assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST
    finally:
        tracemalloc.stop()


def test_no_byte_of_a_receipt_can_be_changed(written: Path) -> None:
    data = written.read_bytes()
    assert open_receipt(written).receipt.counter == 1
    rng = random.Random(0)
    for _ in range(600):
        place = rng.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        written.write_bytes(changed)
        with pytest.raises(DataError):
            open_receipt(written)


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and links")
def test_a_pipe_and_a_link_are_not_opened(written: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    (tmp_path / "link.json").symlink_to(written)
    (tmp_path / ".hidden.json").write_bytes(b"{}")
    # Whoever opens the pipe gets an end at once, and does not wait for a writer.
    writer = Thread(target=lambda: pipe.open("wb").close())
    writer.start()
    try:
        reading = read_receipts(tmp_path)
    finally:
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        writer.join()
        os.close(reader)
    assert dict(reading.rejected) == {
        "pipe.json": "is no regular file", "link.json": "is no regular file"
    }  # fmt: skip


def test_a_copy_under_another_name_counts_once(written: Path, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "copy.json").write_bytes(written.read_bytes())
    reading = read_receipts(tmp_path)
    assert (reading.files, reading.copies) == (2, 1)
    fleet = judge(reading, JudgedBy(now=NOW))
    assert fleet.is_well and fleet.boxes[0].receipts == 1


def test_an_old_receipt_that_is_shown_again_does_not_end_silence(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    old = box.write(days_ago=50)
    (tmp_path / "today.json").write_bytes(old.read_bytes())
    fleet = judge(read_receipts(tmp_path), JudgedBy(now=NOW))
    assert fleet.boxes[0].kinds == ["silent"]


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_receipts(tmp_path / "gone")


def test_a_receipt_of_a_stranger_changes_nothing_of_a_known_box(tmp_path: Path) -> None:
    honest = SimulatedBox(tmp_path)
    honest.write(days_ago=2)
    stranger = SimulatedBox(tmp_path, number=5)
    stranger.name, stranger.counter, stranger.previous = honest.name, 6, digest("any")
    stranger.write(check_result={"passed": False, "problem": "made up"})
    (box,) = judge(read_receipts(tmp_path), JudgedBy(now=NOW)).boxes
    assert box.kinds == ["key"] and box.key == honest.public
    assert box.receipt is not None and box.receipt.check_result.passed
