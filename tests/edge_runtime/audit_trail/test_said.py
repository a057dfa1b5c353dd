"""What verifying a trail and writing one says: each problem, each refusal with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.audit_trail import verify
from edge_runtime.audit_trail.line import EMPTY, TrailHead, written
from edge_runtime.audit_trail.trail import LARGEST
from edge_runtime.errors import CannotWrite, DataError, IntegrityError, UsageError
from trails import MOMENT, chain, entry, head_of, opened, put, verified, write_trail

FIRST = written(EMPTY, MOMENT, "begun", {"format": 2})
CHANGED = "was changed, or is no line at all"


HEAD = head_of(chain("begun", "answer")[1])


def test_of_many_problems_twenty_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t"
    first, *_ = write_trail(path, 1).read_bytes().splitlines(keepends=True)
    put(path, first * 30)
    found = verify([path], TrailHead(99, "a" * 64))
    assert len(found.problems) == 20
    assert found.problems[0] == f"{path}: line 2 stands twice, or not in its place"


def test_what_was_verified_is_counted(tmp_path: Path) -> None:
    path, seen = tmp_path / "t", []
    content = write_trail(path, 3).read_bytes()
    found = verify([path], each=lambda line: seen.append(line.kind))
    assert (found.answers, found.deliveries, found.notes) == (3, 0, [])
    assert found.first == head_of(FIRST) and found.head == head_of(content.splitlines(True)[3])
    assert seen == ["begun", "answer", "answer", "answer"]


def test_of_a_file_that_is_not_the_first_it_is_said_what_is_missing(tmp_path: Path) -> None:
    path, before = tmp_path / "t", head_of(FIRST)
    put(path, b"".join(chain("begun", "answer", before=before)))
    assert verified(path).problems == [f"{path}: lines 1 to 1 are in no file that is named"]
    put(path, b"".join(chain("begun", "delivery", before=HEAD)))
    found = verified(path)
    assert found.problems == [f"{path}: lines 1 to 2 are in no file that is named"]
    assert (found.answers, found.deliveries) == (0, 1)


def line_of(caught: pytest.ExceptionInfo[Exception]) -> str:
    return str(caught.value)


def test_each_refusal_names_the_trail_and_a_cure(tmp_path: Path) -> None:
    path, cure = tmp_path / "trail.jsonl", "name the files of one audit trail"
    with pytest.raises(DataError) as caught:
        verify([path])
    assert line_of(caught) == f"{path}: No such file or directory; {cure}"
    put(path, b"{}\n")
    with pytest.raises(DataError) as caught:
        verify([path])
    assert line_of(caught) == f"{path}: is no audit trail; {cure}"
    put(path, b"x\r\n")
    with pytest.raises(DataError, match="is no audit trail"):
        verify([path])
    put(path, FIRST.replace(b"\n", b"\r\n"))
    with pytest.raises(DataError) as caught:
        verify([path])
    problem = "was converted: its lines end as on Windows; copy it again, as bytes"
    assert line_of(caught) == f"{path}: {problem}"
    put(path, FIRST.replace(b"2026", b"2027"))
    with pytest.raises(IntegrityError) as changed:
        opened(path)
    keep = "keep it as it is, ask who changed it, and begin another trail"
    assert line_of(changed) == f"{path}: line 1 {CHANGED}; {keep}"


def test_an_error_without_a_number_is_said_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_trail(tmp_path / "t", 1)

    def failing(*_: object) -> None:
        raise OSError("the stick was pulled out")

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(DataError, match=": the stick was pulled out; name the files of one"):
        verify([path])


def test_each_writer_in_the_way_is_named_with_a_cure(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    with opened(path) as trail:
        with pytest.raises(UsageError) as caught:
            opened(path)
        assert line_of(caught).endswith("; wait for it, or give the name of another trail")
        with path.open("ab") as stream:
            stream.write(b"\n")
        for problem in ("was written by", "was removed or replaced by"):
            with pytest.raises(CannotWrite) as touched:
                trail._require_untouched()
            cure = "let one program write it"
            assert line_of(touched) == f"{path}: {problem} something else meanwhile; {cure}"
            path.unlink(missing_ok=True)


def test_a_change_of_the_model_is_a_line_of_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    with opened(path) as trail:
        trail.record_model("a" * 64, "b" * 64)
        (line,) = trail.entries_after(0, "model")
    told = (line.kind, line.content["before"], line.content["after"])
    assert told == ("model", "a" * 64, "b" * 64)
    assert LARGEST == 16 << 20


def test_what_no_line_can_hold_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    with opened(path) as trail:
        trail._head = TrailHead(10**18, "a" * 64)
        with pytest.raises(ValueError, match="an entry that no line can hold"):
            trail.record(entry(1))
    assert path.read_bytes() == FIRST


def test_a_place_that_takes_no_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "trail.jsonl"
    with pytest.raises(CannotWrite) as caught:
        opened(below)
    assert caught.value.subject == str(below)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    path = tmp_path / "trail.jsonl"
    with opened(path, 1) as trail:
        monkeypatch.setattr("os.open", full)
        with pytest.raises(CannotWrite) as following:
            trail.record(entry(1))
        monkeypatch.undo()
    assert following.value.subject == str(path)
