"""A trail only grows, by whole lines that are on the disk; what is torn is mended and said."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from threading import Thread

import pytest

from edge_runtime.answer.classify import Answer
from edge_runtime.audit_trail import AuditEntry, AuditTrail, TrailHead
from edge_runtime.audit_trail.line import DELIVERED
from edge_runtime.audit_trail.segments import Segments
from edge_runtime.errors import CannotWrite, IntegrityError, Refusal, UsageError
from edge_runtime.film.source import SourceFile
from trails import MOMENT, delivery, entry, opened, put, verified, write_trail


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trail.jsonl"


def test_a_line_holds_the_decision_and_no_name_of_a_film(path: Path) -> None:
    source = SourceFile(digested=True)
    source.adopt([7, "f" * 64, None])
    film = "MUELLER_HANS_1950.png"
    error = Refusal("blank", film, "one even shade", "cure")
    answers = [
        Answer(film, 1.5, logit=1.0, probability=0.7, decided="covid", source=source),
        Answer(film, 1.5, error=error, source=source),
    ]
    with opened(path) as trail:
        trail.record(
            *(AuditEntry.of(answer, "b" * 64, "litert", user="k\x1bim") for answer in answers)
        )
    begun, ok, refused = lines(path)
    assert begun["kind"] == "begun" and begun["previous"] == "0" * 64 and begun["format"] == 2
    assert list(ok) == [
        *("counter", "previous", "time", "kind", "film", "bundle", "engine", "status", "label"),
        *("probability", "refusal", "user", "signed_model", "signed_decision", "digest"),
    ]
    assert (ok["film"], ok["label"], ok["user"]) == ("f" * 64, "covid", "k\\x1bim")
    assert (refused["status"], refused["refusal"], refused["label"]) == ("refused", "blank", None)
    assert re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(ok["time"]))
    assert b"MUELLER" not in path.read_bytes()


def test_a_film_in_memory_has_the_digest_that_is_given() -> None:
    assert AuditEntry.of(Answer("image in memory", 1.0), "b", "e", film="a" * 64).film == "a" * 64


def test_a_users_name_has_200_characters_at_most() -> None:
    for length in (1, 200, 201, 5000):
        user = AuditEntry.of(Answer("x", 1.0), "b", "e", user="k" * length).user
        assert user == "k" * min(length, 200)
    assert AuditEntry.of(Answer("x", 1.0), "b", "e").user is None


def test_a_head_is_read_as_it_is_written_and_nothing_else_is_one() -> None:
    for head in (TrailHead(7, "0a" * 32), TrailHead(10**17, "f" * 64)):
        assert TrailHead.parse(str(head)) == TrailHead.parse(f" {head}\n") == head
    digest = "a" * 64
    wrong = (f"7:{digest}a", f"7:{digest[1:]}", f"7:{'A' * 64}", f"7:{'g' * 64}", f":{digest}")
    more = (f"{'1' * 19}:{digest}", f"7 :{digest}", f"\u0667:{digest}", f"-7:{digest}", "", digest)
    assert [text for text in (*wrong, *more) if TrailHead.parse(text)] == []


def test_a_trail_that_is_opened_again_goes_on(path: Path) -> None:
    write_trail(path, 2)
    with opened(path) as trail:
        assert trail.head.counter == 3
        head = trail.record(entry(9), entry(10))
    assert head.counter == 5 and verified(path).head == head
    assert verified(path).problems == [] and verified(path).answers == 4


def test_two_writers_are_refused(path: Path) -> None:
    with opened(path), pytest.raises(UsageError) as caught:
        opened(path)
    assert str(caught.value).startswith(f"{path}: is being written by another edge-run")


def test_files_that_are_full_may_be_put_away(path: Path) -> None:
    write_trail(path, 6, 700)
    path.unlink()
    with opened(path, 700) as trail:
        before = trail.head.counter
        trail.record(entry(7))
        assert trail.head.counter > before > 6


def test_what_another_program_adds_meanwhile_stops_the_trail(path: Path) -> None:
    with opened(path) as trail:
        trail.record(entry(1))
        with path.open("ab") as other:
            other.write(b"\n")
        with pytest.raises(CannotWrite, match="written by something else"):
            trail.record(entry(2))


@pytest.mark.parametrize("replaced", [False, True])
def test_a_trail_that_is_removed_or_replaced_meanwhile_stops_the_answers(
    replaced: bool, path: Path
) -> None:
    """As programs do that put logs away: nobody would find the lines that follow."""
    with AuditTrail(str(path)) as trail:
        trail.record(entry(1))
        content = path.read_bytes()
        path.rename(path.with_name("kept"))
        if replaced:
            path.write_bytes(content)
        for _ in range(2):
            with pytest.raises(CannotWrite):
                trail.record(entry(1))
    assert path.with_name("kept").read_bytes() == content


def test_threads_share_a_trail(path: Path) -> None:
    with opened(path) as trail:
        threads = [Thread(target=trail.record, args=(entry(number),)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = verified(path)
    assert found.problems == [] and found.answers == 20


def test_a_trail_that_was_changed_is_not_written_on(path: Path) -> None:
    content = write_trail(path, 4).read_bytes()
    put(path, content.replace(b"0.75", b"0.25", 1))
    with pytest.raises(IntegrityError, match="line 2 was changed"):
        opened(path)
    assert path.read_bytes() == content.replace(b"0.75", b"0.25", 1)


@pytest.mark.parametrize("largest", [1, 700])
def test_the_next_file_begins_with_the_head_of_the_one_before(largest: int, path: Path) -> None:
    write_trail(path, 6, largest)
    files = sorted(path.parent.iterdir(), key=lambda file: (len(file.name), file.name))
    assert len(files) > 2 and files[1].name == "trail-2.jsonl"
    found = verified(*files)
    assert found.problems == [] and found.answers == 6
    assert lines(files[1])[0]["previous"] == lines(files[0])[-1]["digest"]
    assert verified(files[0], *files[2:]).problems[0].startswith(f"{files[2]}: line 1 ")
    (problem,) = verified(files[-1]).problems
    assert problem.endswith("are in no file that is named")
    with opened(path, largest) as trail:
        assert trail.head == found.head


@pytest.mark.parametrize("largest", [1 << 20, 700])
def test_wherever_a_process_is_killed_the_next_one_mends_it_and_says_so(
    largest: int, path: Path
) -> None:
    write_trail(path, 4, largest)
    files = sorted(path.parent.iterdir())
    last = files[-1] if largest == 1 << 20 else path.parent / f"trail-{len(files)}.jsonl"
    content = last.read_bytes()
    others = [file for file in files if file != last]
    for end in range(len(content)):
        put(last, content[:end])
        with opened(path, 1 << 20) as trail:
            trail.record(entry(77))
        found = verified(*others, last)
        assert found.problems == [], end
        assert last.read_bytes().startswith(content[:end])  # it only grows
        # A line without its end is whole, and the beginning of none is nothing to mend.
        torn = content[end : end + 1] != b"\n" and content[end - 1 : end] != b"\n" and end > 0
        assert len(found.notes) == torn, (end, found.notes)


def test_mending_that_was_torn_is_mended(path: Path) -> None:
    content = write_trail(path, 1).read_bytes()
    put(path, content[:-30])
    opened(path).close()
    mended = path.read_bytes()
    for end in range(len(content) - 30, len(mended)):
        put(path, mended[:end])
        opened(path).close()
        assert verified(path).problems == [], end


def test_zeros_of_a_power_failure_are_mended(path: Path) -> None:
    content = write_trail(path, 2).read_bytes()
    for torn in (b"\0" * 5000, content.splitlines(keepends=True)[2][:50] + b"\0" * 70_000):
        put(path, b"".join(content.splitlines(keepends=True)[:2]) + torn)
        opened(path).close()
        assert verified(path).problems == []


def test_what_was_torn_cannot_be_changed_afterwards(path: Path) -> None:
    content = write_trail(path, 1).read_bytes()
    put(path, content[:-30])
    opened(path).close()
    mended = path.read_bytes()
    for place in range(len(content) - 250, len(content) - 31):
        put(path, mended[:place] + b"#" + mended[place + 1 :])
        assert verified(path).problems, place


def test_a_full_disk_stops_the_answers_and_the_next_one_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.write, [150]

    def full(descriptor: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        data, left[0] = data[: left[0]], left[0] - len(data)
        return real(descriptor, data)

    with opened(path) as trail:
        trail.record(entry(1))
        monkeypatch.setattr(os, "write", full)
        for _ in range(3):
            with pytest.raises(CannotWrite, match="disk") as said:
                trail.record(entry(2))
            assert said.value.exit_status == 10
        monkeypatch.setattr(os, "write", real)
        trail.record(entry(3))
    found = verified(path)
    assert found.problems == [] and found.answers == 2 and found.notes


def test_deliveries_and_decisions_are_one_chain_and_found_by_their_kind(path: Path) -> None:
    with opened(path, largest=1500) as trail:
        for number in range(6):
            trail.record(entry(number, report=f"2.25.{number}"), delivery(number))
        found = trail.entries_after(0, DELIVERED)
        assert [line.content["instance"] for line in found] == [f"2.25.{n}" for n in range(6)]
        assert [line.content["report"] for line in trail.entries_after(0)] == [
            f"2.25.{number}" for number in range(6)
        ]
        last = trail.head.counter
        assert len(trail.entries_after(last - 1, DELIVERED)) == 1
        assert not trail.entries_after(last - 1)
    files = [path, *path.parent.glob("*-*")]
    assert len(files) > 1
    found_again = verified(*files)
    assert (found_again.answers, found_again.deliveries) == (6, 6) and not found_again.problems


def test_a_decision_without_a_report_has_no_field_for_one(path: Path) -> None:
    with opened(path) as trail:
        trail.record(entry(1))
        (line,) = trail.entries_after(0)
    assert "report" not in line.content and list(line.content)[4:-1] == [
        "film", "bundle", "engine", "status", "label", "probability", "refusal", "user",
        "signed_model", "signed_decision",
    ]  # fmt: skip


def test_entries_after_a_line_are_found_in_whatever_file(path: Path) -> None:
    write_trail(path, 6, 700)
    with opened(path, 700) as trail:
        for counter in range(trail.head.counter + 1):
            after = [line.head.counter for line in trail.entries_after(counter)]
            assert after == sorted(after) and all(number > counter for number in after)
        assert [line.content["film"] for line in trail.entries_after(0)] == [
            f"{number:064x}" for number in range(6)
        ]


def test_a_new_trail_has_no_entries(path: Path) -> None:
    with opened(path) as trail:
        assert trail.entries_after(0) == [] and trail.head.counter == 1


def test_where_another_process_went_on_meanwhile_its_file_is_taken_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trail(path, 4, 700)
    newest = Segments(path).last()
    answers = iter([newest - 1, newest])
    monkeypatch.setattr(Segments, "last", lambda _: next(answers, newest))
    with opened(path) as trail:
        trail.record(entry(9))
    assert lines(Segments(path).path(newest))[-1]["film"] == f"{9:064x}"


def test_a_clock_that_goes_back_breaks_no_chain(path: Path) -> None:
    moments = iter([MOMENT, MOMENT - 9e8, MOMENT + 9e8, 0.0])
    with AuditTrail(str(path), now=lambda: next(moments)) as trail:
        for number in range(3):
            trail.record(entry(number))
    assert verified(path).problems == []
