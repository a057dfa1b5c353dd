"""What is said of each line of a trail, where it ends, and how a line is spelled."""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path

import pytest

from edge_runtime.answer.classify import Answer
from edge_runtime.audit_trail import AuditEntry
from edge_runtime.audit_trail.chain import WalkStep, walk
from edge_runtime.audit_trail.line import EMPTY, TrailHead, is_torn, parsed, written
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.signers import Signers
from edge_runtime.errors import Refusal
from trails import MOMENT, chain, entry, head_of, opened, put, verified, write_trail

FIRST = (
    b'{"counter":1,"previous":"' + b"0" * 64 + b'","time":"2026-11-30T00:53:20Z","kind":"begun",'
    b'"format":2,"digest":"a95b617301fb78395766e09eddc11a6012cf3c6b9e97ecd5ff3ac373bd98849f"}\n'
)
CHANGED = "was changed, or is no line at all"
FIRST_GONE = "is not the first of a file: what stood before it is gone"


def steps(content: bytes, before: TrailHead | None = None) -> list[WalkStep]:
    return list(walk(BytesIO(content), before))


def said(content: bytes, before: TrailHead | None = None) -> list[tuple[int, str]]:
    """Return the problems of a file, each with the number of its line."""
    return [(step.number, step.problem) for step in steps(content, before) if step.problem]


LINES = chain("begun", "answer", "answer", "answer")
HEAD = head_of(LINES[1])
FOLLOWS = b'{"counter":3,"previous":"%b",' % HEAD.digest.encode()


def test_a_line_is_spelled_as_documented(tmp_path: Path) -> None:
    assert write_trail(tmp_path / "t", 0).read_bytes() == FIRST
    line = parsed(FIRST)
    assert line is not None and (line.kind, line.previous) == ("begun", "0" * 64)
    assert str(line.head) == f"1:{json.loads(FIRST)['digest']}"
    assert parsed(written(EMPTY, 0.0, "x", {"é": "é"})) is not None


def test_a_time_is_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(time, "tzset"):
        pytest.skip("needs a zone of the process")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert written(EMPTY, MOMENT, "begun", {"format": 2}) == FIRST
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_no_number_has_no_line() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        written(EMPTY, MOMENT, "answer", {"probability": float("nan")})


def test_a_line_has_64_kib_at_most() -> None:
    room = (1 << 16) - len(written(HEAD, MOMENT, "answer", {"a": ""}))
    for more in (0, 1):
        line = written(HEAD, MOMENT, "answer", {"a": "x" * (room + more)})
        *_, last = steps(b"".join([*LINES[:2], line]))
        assert (last.line is None) == (more > 0)


def test_an_entry_has_what_was_answered_and_who_signed_the_bundle() -> None:
    error = Refusal("blank", "film", "one even shade", "cure")
    signers = Signers("m" * 64, "d" * 64, are_checked=True)
    refused = AuditEntry.of(
        Answer("film", 1.0, error=error), "b", "e", film="f", user="kim", signers=signers
    )
    assert refused.to_json() == {
        "film": "f", "bundle": "b", "engine": "e", "status": "refused", "label": None,
        "probability": None, "refusal": "blank", "user": "kim", "signed_model": "m" * 64,
        "signed_decision": "d" * 64,
    }  # fmt: skip
    answer = Answer("film", 1.0, logit=1.0, probability=0.75, decided="covid")
    answered = AuditEntry.of(answer, "b", "e", film="f").to_json()
    assert (answered["label"], answered["probability"]) == ("covid", 0.75)
    unchecked = Signers("m" * 64, "d" * 64, are_checked=False)
    plain = AuditEntry("f", "b", "e", "error").to_json()
    assert {*plain.values()} == {"f", "b", "e", "error", None}
    unread = AuditEntry.of(Answer("film", 1.0), "b", "e", signers=unchecked).to_json()
    assert (unread["film"], unread["signed_model"], unread["signed_decision"]) == (None,) * 3


def respelled(old: bytes, new: bytes) -> bytes:
    """Return the first line with something else in it, and the digest of that."""
    body = FIRST.partition(b',"digest"')[0].replace(old, new)
    return b'%b,"digest":"%b"}\n' % (body, sha256(body).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b":1,", b":01,"), (b":1,", b":0,"), (b":1,", b":1" + b"0" * 18 + b","), (b":1,", b":x,"),
        (b":1,", b": 1,"), (b'"0000', b'"A000'), (b'"0000', b'"000'), (b"2,", b"2,"),
        (b'"format":2', b'"format":'), (b'"kind"', b"kind"), (b"{", b" {"),
    ],
)  # fmt: skip
def test_no_other_spelling_is_a_line_whatever_its_digest(old: bytes, new: bytes) -> None:
    line = parsed(respelled(old, new))
    assert (line is None) == (old != new)


def test_a_number_of_a_line_has_18_digits_at_most() -> None:
    assert parsed(respelled(b":1,", b":" + b"9" * 18 + b",")) is not None


def test_each_line_has_its_number_and_the_byte_after_it() -> None:
    junk = b"no line\n"
    content = [LINES[0], junk, junk, *LINES[1:]]
    ends = [sum(map(len, content[:count])) for count in range(1, len(content) + 1)]
    found = [(step.number, step.end) for step in steps(b"".join(content))]
    assert found == [(1, ends[0]), (2, ends[2]), *zip((4, 5, 6), ends[3:], strict=True)]
    assert said(b"".join(content)) == [(2, CHANGED)]
    assert [step.end for step in steps(LINES[0] + junk)] == [ends[0], ends[1]]


def test_a_mended_line_tells_of_the_bytes_above_it(tmp_path: Path) -> None:
    path = tmp_path / "t"
    content = write_trail(path, 1).read_bytes()
    put(path, content[:-30])
    with opened(path) as trail:
        trail.record(entry(2))
    first, torn, mended, answer = path.read_bytes().splitlines(keepends=True)
    told = json.loads(mended)
    assert told["kind"] == "mended" and json.loads(answer)["kind"] == "answer"
    assert (told["torn_bytes"], told["torn_sha256"]) == (len(torn) - 1, sha256(torn[:-1]))
    found = steps(first + torn + mended + answer)
    assert [(step.number, step.problem) for step in found] == [(1, ""), (3, ""), (4, "")]
    assert [step.end for step in found] == [
        len(first), len(first + torn + mended), path.stat().st_size
    ]  # fmt: skip
    (_, note) = found[0].problem, verified(path).notes
    assert note == [f"{path}: line 3 tells of a torn line above it"]
    gone = "tells of a torn line above it, which is gone"
    assert (2, gone) in said(first + mended)


def test_the_last_line_may_be_torn_and_so_may_the_first() -> None:
    for whole, rest in ((LINES[0], LINES[1][:70]), (b"", LINES[0][:70])):
        *_, last = steps(whole + rest)
        assert (last.torn, last.end, last.problem) == (rest, len(whole + rest), "")
        assert last.number == (2 if whole else 1)
    assert said(LINES[1][:70]) == [(1, CHANGED)]
    assert said(b"x\n" + LINES[0][:70]) == [(1, CHANGED)]


def test_of_what_is_no_line_a_mebibyte_is_looked_at() -> None:
    *_, last = steps(LINES[0] + bytes(1 << 20))
    assert last.torn == bytes(1 << 20)
    assert said(LINES[0] + bytes((1 << 20) + 1)) == [(2, CHANGED)]
    assert said(LINES[0] + bytes(3 << 20)) == [(2, CHANGED)]


WRONG: dict[str, tuple[list[bytes], list[tuple[int, str]]]] = {
    "two lines are missing": (
        [LINES[0], LINES[3]],
        [(2, "does not follow the line before it: 2 are missing")],
    ),
    "one stands twice": ([*LINES[:2], LINES[1]], [(3, "stands twice, or not in its place")]),
    "another one stood before": (
        [LINES[0], *chain("answer", before=TrailHead(1, "a" * 64))],
        [(2, "does not follow the line before it, which is another one")],
    ),
    "the first follows another": (
        chain("begun", before=TrailHead(0, "a" * 64)),
        [(1, "is the first of all, and follows another one")],
    ),
    "the beginning is gone": (LINES[1:3], [(1, FIRST_GONE)]),
    "a beginning in the middle": (
        chain("begun", "answer", "begun"),
        [(3, "begins a file, and is not its first")],
    ),
    "after what was changed anything may follow": ([LINES[0], b"x\n", LINES[3]], [(2, CHANGED)]),
    "nothing was torn": (
        chain("begun", "mended", "answer"),
        [(2, "tells of a torn line above it, which is gone")],
    ),
}


@pytest.mark.parametrize(("lines", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(lines: list[bytes], expected: list[tuple[int, str]]) -> None:
    assert said(b"".join(lines)) == expected


def test_a_file_that_follows_another_is_held_against_its_head() -> None:
    begun, answer = chain("begun", "answer", before=HEAD)
    assert said(begun + answer, HEAD) == said(begun + answer) == []
    assert said(begun, TrailHead(2, "a" * 64)) == [
        (1, "does not follow the line before it, which is another one")
    ]
    assert said(LINES[2], HEAD) == [(1, FIRST_GONE)]


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (FOLLOWS, True), (FOLLOWS[:1], True), (FOLLOWS[:40], True), (b"x", False), (b"\0", True),
        (b"\0\0", True), (b"\0\n", False), (b"\0\0\n", True), (FOLLOWS + b'"a":1', True),
        (FOLLOWS + b'"a":1}', True), (FOLLOWS + b'"a":"x"}', False),
        (FOLLOWS + b'"a":"x\\"}', True),
        (FOLLOWS[:30] + b"\n" + FOLLOWS[:50], True), (FOLLOWS[:30] + b"\nx", False),
        (b"x\n" + FOLLOWS[:30], False), (LINES[2][:-1], True), (LINES[2][:-2], True),
        (LINES[2][:-4], True), (LINES[2][:-3].replace(b'"answer"', b'"answeR"'), False),
        (LINES[2][:-4].replace(b'"answer"', b'"answeR"'), True), (LINES[2][:-4] + b"X", False),
        (LINES[3][:-9], False), (FOLLOWS.replace(b"3", b"4", 1), False), (b"\n" + FOLLOWS, False),
        (FOLLOWS + b'"a":1,"digest":"' + b"a" * 64 + b'","digest":"bb', False),
        (b"x" * 200, False),
        (FOLLOWS + b"\0\0", True), (FOLLOWS + b"\0\0\n", True), (FOLLOWS + b"\0\n", False),
    ],
)  # fmt: skip
def test_what_a_killed_process_may_leave_is_told_from_what_it_may_not(
    region: bytes, expected: bool
) -> None:
    assert is_torn(region, HEAD) is expected
