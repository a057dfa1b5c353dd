"""A folder of receipts is read whole, within bounds, and what cannot be read is named."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from edge_kit.fleet import reading
from edge_kit.fleet.opening import open_receipt
from edge_kit.fleet.reading import read_receipts
from edge_runtime.errors import DataError
from edge_runtime.fleet.envelope import key_of, receipt_name
from edge_runtime.fleet.records import LARGEST, PAYLOAD_TYPE
from forged_receipts import put, replaced, resigned, sealed_anew
from simulated_boxes import SimulatedBox, document_of

CURE = "fetch it from its box again, or take it out of the folder"


def refusal(path: Path) -> str:
    """Return what is wrong with a receipt; the file and the cure are always named."""
    with pytest.raises(DataError) as caught:
        open_receipt(path)
    assert str(caught.value) == f"{path}: {caught.value.problem}; {CURE}"
    return caught.value.problem


def test_a_receipt_has_the_digest_of_its_file_and_a_time_in_utc(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    path = box.write(days_ago=1)
    signed = open_receipt(path)
    assert path.name == receipt_name(box.name, 1) == f"receipt-{box.name}-00000001.json"
    assert signed.digest == sha256(path.read_bytes()).hexdigest()
    assert signed.time == datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert key_of(signed.receipt).keyval.public == box.public
    assert PAYLOAD_TYPE == "application/vnd.edge-kit.receipt+json"


def test_each_reason_is_said_with_a_cure(tmp_path: Path) -> None:
    path = SimulatedBox(tmp_path).write()
    data = path.read_bytes()
    name = open_receipt(path).receipt.box[:12]
    path.write_bytes(resigned(data, lambda _: None, 1))
    assert refusal(path) == f"is not signed by the key of box {name} that it names"
    path.write_bytes(b"{}")
    assert refusal(path) == "is no receipt"
    path.write_bytes(resigned(data, put("patient", "Doe")))
    assert refusal(path) == "is no receipt that is known here (patient: this key is unknown)"
    path.write_bytes(b" " * (LARGEST + 1))
    assert refusal(path) == f"is larger than a receipt ({LARGEST} bytes)"
    path.write_bytes(b" " * LARGEST)
    assert refusal(path) == "is no receipt"
    path.unlink()
    assert refusal(path) == "No such file or directory"
    path.mkdir()
    assert refusal(path) == "is no regular file"


def test_a_receipt_that_names_another_key_than_the_one_in_it_is_none(tmp_path: Path) -> None:
    path = SimulatedBox(tmp_path).write()
    data = path.read_bytes()
    (signature,) = json.loads(data)["signatures"]
    path.write_bytes(replaced(data, signatures=[{**signature, "keyid": "0" * 64}]))
    assert refusal(path) == "is no receipt"


@pytest.mark.parametrize("fraction", ["", ".5"])
def test_numbers_of_40_digits_are_looked_at_and_longer_ones_are_not(
    fraction: str, tmp_path: Path
) -> None:
    path = SimulatedBox(tmp_path).write()
    data = path.read_bytes()
    for digits, is_known in ((40 - len(fraction), True), (41 - len(fraction), False)):
        number = "9" * digits + fraction
        payload = resigned_number(data, number)
        path.write_bytes(payload)
        assert refusal(path).startswith("is no receipt that is known here (counter") is is_known


def resigned_number(data: bytes, number: str) -> bytes:
    """Return a receipt, signed, whose counter is spelled so."""
    envelope = json.loads(data)
    payload = b64decode(envelope["payload"])
    spelled = payload.replace(b'"counter":1,', f'"counter":{number},'.encode(), 1)
    return sealed_anew(envelope, spelled)


@pytest.mark.skipif(os.name != "posix", reason="a file with a hole of a terabyte")
def test_of_a_file_without_an_end_no_more_is_read_than_a_receipt_has(tmp_path: Path) -> None:
    path = SimulatedBox(tmp_path).write()
    os.truncate(path, 1 << 40)
    assert refusal(path) == f"is larger than a receipt ({LARGEST} bytes)"


def test_no_more_files_are_read_than_a_fleet_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reading.MOST_FILES == 1_000_000
    box = SimulatedBox(tmp_path)
    box.write()
    box.write()
    monkeypatch.setattr(reading, "MOST_FILES", 2)
    assert read_receipts(tmp_path).files == 2
    box.write()
    with pytest.raises(DataError) as caught:
        read_receipts(tmp_path)
    assert str(caught.value) == f"{tmp_path}: holds more than 2 files; read part of them"


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(DataError) as caught:
        read_receipts(gone)
    assert str(caught.value) == f"{gone}: No such file or directory; name a folder of receipts"


def test_receipts_are_found_in_folders_below_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.json").write_bytes(b"{}")
        (tmp_path / name / ".x.json").write_bytes(b"{}")
    (tmp_path / "z.json").write_bytes(b"{}")
    found = read_receipts(tmp_path)
    places = ["z.json", os.path.join("a", "x.json"), os.path.join("b", "x.json")]  # noqa: PTH118
    assert found.rejected == [(place, "is no receipt") for place in places]
    assert found.files == 3


def test_receipts_of_a_box_are_in_the_order_of_their_counters(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    paths = [box.write(days_ago=9 - number) for number in range(3)]
    paths[0].rename(tmp_path / "z.json")  # which is read last
    found = read_receipts(tmp_path)
    (history,) = found.histories[box.name].values()
    assert (history.box, history.key) == (box.name, box.public)
    assert (history.first.counter, history.newest.counter) == (1, 3)
    links = history.in_order()
    assert [link.counter for link in links] == [1, 2, 3]
    assert [link.previous for link in links[1:]] == [link.digest for link in links[:-1]]
    assert all(link.plausible for link in links)
    assert [len(link.trails) for link in links] == [len(document_of()["trails"])] * 3
    assert (found.files, found.copies, found.rejected) == (3, 0, [])


def test_first_and_newest_are_by_counter_in_whatever_order_files_are_read(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    paths = [box.write(days_ago=9 - number) for number in range(4)]
    for name, counter in zip("abcd", (2, 1, 4, 3), strict=True):
        paths[counter - 1].rename(tmp_path / name)
    (history,) = read_receipts(tmp_path).histories[box.name].values()
    assert (history.first.counter, history.newest.counter) == (1, 4)


def test_of_two_with_one_counter_the_first_begins_and_the_last_is_the_newest(
    tmp_path: Path,
) -> None:
    box = SimulatedBox(tmp_path)
    box.counter = 1
    (tmp_path / "a").write_bytes(box.bytes(days_ago=2))
    (tmp_path / "b").write_bytes(box.bytes(days_ago=1))
    (history,) = read_receipts(tmp_path).histories[box.name].values()
    assert history.first.time < history.newest.time
    assert history.add(open_receipt(tmp_path / "a")) is False


def test_copies_are_counted(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    data = box.write(days_ago=2).read_bytes()
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(data)
    box.counter += 1
    (tmp_path / "z").write_bytes(box.bytes())
    found = read_receipts(tmp_path)
    assert (found.files, found.copies) == (4, 2)


def test_an_error_without_a_number_is_said_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = SimulatedBox(tmp_path).write()

    def failing(*_: object) -> None:
        raise OSError("the stick was pulled out")

    monkeypatch.setattr(Path, "open", failing)
    assert refusal(path) == "the stick was pulled out"
