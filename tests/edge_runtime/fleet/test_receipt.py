"""A box writes receipts that follow one another without a gap, whatever becomes of the stick."""

from __future__ import annotations

import json
import stat
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from box_receipts import files, opened, receipt
from edge_runtime.audit_trail import AuditTrail
from edge_runtime.cli import run
from edge_runtime.fleet.records import BoxReceipt
from signed_bundles import vendor_s_policy, write_signed_bundle
from signing_keys import VENDOR
from tiny_bundle import ONNX, TFLITE, write_tiny_bundle
from trails import entry, refusal, write_trail

pytestmark = pytest.mark.usefixtures("own_signals")


def test_a_receipt_says_what_runs_here_and_how_well(
    stick: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail = write_trail(tmp_path / "trail.jsonl")
    assert receipt(stick, tiny, trail) == 0
    (path,) = files(stick)
    document = opened(path)
    assert BoxReceipt(**document).to_json() == document
    assert document["bundle"]["version"] and document["bundle"]["signed_by"] == []
    check = document["check_result"]
    assert check["passed"] and check["every_byte_as_written"]
    (film,) = check["engine"]["films"]
    assert film["passed"] and film["difference"] <= check["engine"]["tolerance"]
    (head,) = document["trails"]
    assert head["answers"] == 4 and head["whole"] and head["continued"] is None
    assert sum(row["refused"].get("blank", 0) for row in document["counts"]) == 2
    assert document["health"]["disk_free"] > 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == str(path)
    assert told[1] == f"box {document['box']} key {document['key']} receipt 1"


def test_a_receipt_names_no_machine_user_path_or_film(
    stick: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("platform.node", "socket.gethostname"):
        monkeypatch.setattr(name, lambda: "host-of-the-clinic")
    with AuditTrail(str(tmp_path / "doe.jsonl")) as trail:
        trail.record(entry(0xFACE, user="kim"), refusal(2))
    assert receipt(stick, tiny, tmp_path / "doe.jsonl") == 0
    (path,) = files(stick)
    text = json.dumps(opened(path))
    for secret in ("kim", "doe", f"{0xFACE:064x}", str(tmp_path), tmp_path.name, "of-the-clinic"):
        assert secret not in text
    assert "doe" not in path.name


def test_each_receipt_follows_the_one_before(stick: Path, tiny: Path) -> None:
    for _ in range(3):
        assert receipt(stick, tiny) == 0
    paths = files(stick)
    documents = [opened(path) for path in paths]
    assert [document["counter"] for document in documents] == [1, 2, 3]
    assert len({document["box"] for document in documents}) == 1
    digests = ["0" * 64, *(sha256(path.read_bytes()).hexdigest() for path in paths)]
    assert [document["previous"] for document in documents] == digests[:3]


def test_name_and_key_are_for_the_eyes_of_the_box_alone(
    stick: Path, tiny: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert receipt(stick, tiny) == 0
    kept = data / "box.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    private = json.loads(kept.read_bytes())["private"]
    assert "PRIVATE KEY" in private
    assert private.splitlines()[1] not in files(stick)[0].read_text()
    capsys.readouterr()
    kept.chmod(0o644)
    assert receipt(stick, tiny) == 2
    assert "can be read by other users (mode 0644)" in capsys.readouterr().err
    assert len(files(stick)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"name": 1}', b"\xff", b'{"a":' * 100_000, b"null"]
)
def test_a_box_that_forgot_itself_says_so_and_stays_who_it_was(
    stick: Path, tiny: Path, data: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    data.mkdir(parents=True)
    kept = data / "box.json"
    kept.write_bytes(content)
    kept.chmod(0o600)
    assert receipt(stick, tiny) == 2
    assert "is not what edge-run wrote" in capsys.readouterr().err
    assert kept.read_bytes() == content and not files(stick)


def test_a_receipt_that_did_not_reach_the_stick_comes_with_the_next(
    stick: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_runtime.errors import CannotWrite
    from edge_runtime.fleet import receipt as module

    def full(path: Path, _: bytes) -> None:
        raise CannotWrite(path, "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_whole", full)
        assert receipt(stick, tiny) == 10
    assert not files(stick)
    another = tmp_path / "another"
    another.mkdir()
    assert receipt(another, tiny) == 0
    first, second = files(another)
    assert opened(first)["counter"] == 1
    assert opened(second)["previous"] == sha256(first.read_bytes()).hexdigest()


def test_a_receipt_that_was_written_before_a_kill_is_not_written_twice(
    stick: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_runtime.fleet.box import BoxFile

    def killed(_: BoxFile) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BoxFile, "delivered", killed)
        assert receipt(stick, tiny) == 130
    (first,) = files(stick)
    before = first.read_bytes()
    assert receipt(stick, tiny) == 0
    assert files(stick)[0].read_bytes() == before
    assert [opened(path)["counter"] for path in files(stick)] == [1, 2]


def test_no_receipt_is_written_over_another(
    stick: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert receipt(stick, tiny) == 0
    (first,) = files(stick)
    taken = first.with_name(first.name.replace("00000001", "00000002"))
    taken.write_bytes(b"another")
    assert receipt(stick, tiny) == 10
    assert "is there, and is another one" in capsys.readouterr().err
    assert taken.read_bytes() == b"another"
    taken.unlink()
    assert receipt(stick, tiny) == 0
    assert [opened(path)["counter"] for path in files(stick)] == [1, 2, 3]


def test_a_trail_that_lost_its_end_or_was_begun_anew_does_not_continue(
    stick: Path, tiny: Path, tmp_path: Path
) -> None:
    trail = write_trail(tmp_path / "trail.jsonl", answers=6)
    assert receipt(stick, tiny, trail) == 0
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[:4]))
    assert receipt(stick, tiny, trail) == 4
    assert opened(files(stick)[1])["trails"][0]["continued"] is False
    assert receipt(stick, tiny, trail) == 0  # said once, and kept in that receipt
    trail.unlink()
    write_trail(trail, answers=9)
    with AuditTrail(str(trail)) as more:
        more.record(entry(99))
    assert receipt(stick, tiny, trail) == 0  # the same first lines: it does continue
    trail.unlink()
    with AuditTrail(str(trail)) as anew:
        anew.record(*(entry(number) for number in range(30)))
    assert receipt(stick, tiny, trail) == 4
    assert opened(files(stick)[-1])["trails"][0]["continued"] is False


def test_a_trail_that_was_changed_or_is_gone_is_told_of_in_a_receipt(
    stick: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail = write_trail(tmp_path / "trail.jsonl")
    assert receipt(stick, tiny, trail) == 0
    content = trail.read_bytes()
    trail.write_bytes(content.replace(b"blank", b"other", 1))
    assert receipt(stick, tiny, trail) == 4
    assert "was changed" in capsys.readouterr().err
    trail.unlink()
    assert receipt(stick, tiny, trail) == 4
    assert "trail.jsonl: No such file" in capsys.readouterr().err
    changed, gone = (opened(path)["trails"][0] for path in files(stick)[1:])
    assert changed["whole"] is False
    assert gone["first"] is None and gone["continued"] is False


@pytest.mark.parametrize(
    ("golden", "status", "engine_there"),
    [({"logits": {TFLITE: [9.0], ONNX: [9.0]}}, 7, True), ("gone", 3, False)],
)
def test_a_check_that_fails_is_in_the_receipt_and_in_the_status(
    stick: Path, tmp_path: Path, golden: Any, status: int, engine_there: bool
) -> None:
    path = tmp_path / "m.edge"
    if golden != "gone":
        write_tiny_bundle(path, golden=golden)
    assert receipt(stick, path) == status
    (written,) = files(stick)
    check = opened(written)["check_result"]
    assert not check["passed"] and check["problem"]
    assert (check["engine"] is not None) == engine_there
    assert str(tmp_path) not in check["problem"]


def test_a_receipt_names_who_signed_the_bundle(stick: Path, tiny: Path, tmp_path: Path) -> None:
    assert receipt(stick, tiny) == receipt(stick, write_signed_bundle(tmp_path / "s.edge")) == 0
    unsigned, signed = (opened(path)["bundle"] for path in files(stick))
    assert unsigned["signed_by"] == [] and signed["signed_by"] == [VENDOR.public.id]


def test_a_bundle_that_this_machine_does_not_trust_is_told_of_in_a_receipt(
    stick: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_RUN_TRUST", str(vendor_s_policy(tmp_path / "policy")))
    assert receipt(stick, tiny) == 4
    (written,) = files(stick)
    told = opened(written)
    assert told["bundle"]["signed_by"] == [] and not told["check_result"]["passed"]
    assert "is not signed" in told["check_result"]["problem"]


@pytest.mark.parametrize(
    ("words", "status"),
    [(["--engine", "none"], 2), (["--out", "/nonexistent"], 10), ([f"t{n}" for n in range(17)], 2)],
)
def test_a_command_line_that_cannot_be_carried_out_makes_no_receipt(
    stick: Path, tiny: Path, words: list[str], status: int
) -> None:
    assert run(["receipt", "--out", str(stick), "--bundle", str(tiny), *words]) == status
    assert not files(stick)


def test_without_a_bundle_in_use_nothing_is_written(
    stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["receipt", "--out", str(stick)]) == 2
    assert "none given and none found" in capsys.readouterr().err
    assert not files(stick)


def test_two_at_once_are_one_after_the_other(
    stick: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from edge_runtime.fleet.box import kept_box

    with kept_box():
        assert receipt(stick, tiny) == 2
    assert "is being written by another edge-run" in capsys.readouterr().err
    assert receipt(stick, tiny) == 0


def test_the_command_runs_as_a_program(stick: Path, tiny: Path, tmp_path: Path) -> None:
    from tiny_bundle import command, environment

    done = subprocess.run(
        command("receipt", "--bundle", tiny), cwd=stick, capture_output=True, text=True,
        check=False, env=environment(XDG_DATA_HOME=str(tmp_path / "home")),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [done.stdout.splitlines()[0]] == [path.name for path in files(stick)]
