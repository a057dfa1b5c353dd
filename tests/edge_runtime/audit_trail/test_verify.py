"""Whatever is done to a trail, the line that was changed, removed, moved or doubled is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_runtime.audit_trail import TrailHead, verify
from edge_runtime.audit_trail.segments import in_order
from edge_runtime.errors import DataError
from trails import put, verified, write_trail

OTHERS = (0, 9, 10, 13, 32, 34, 44, 48, 57, 92, 97, 102, 123, 125, 255)
"""Bytes that take the place of another: line ends, quotes, digits, letters, brackets."""


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_trail(tmp_path_factory.mktemp("trail") / "trail.jsonl", 3).read_bytes()


def problems(path: Path, content: bytes) -> list[str]:
    """Return what is found, having written `content`, without the name of the file."""
    put(path, content)
    try:
        return [problem.removeprefix(f"{path}: ") for problem in verified(path).problems]
    except DataError:
        return ["line 1 is no audit trail"]


def test_a_trail_as_it_was_written_has_no_problem(trail: bytes, tmp_path: Path) -> None:
    assert problems(tmp_path / "t", trail) == []


def test_a_trail_that_was_converted_as_text_is_said_to_be(trail: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(trail.replace(b"\n", b"\r\n"))
    with pytest.raises(DataError, match="its lines end as on Windows; copy it again, as bytes"):
        verified(path)
    assert problems(path, trail.replace(b"\n", b"\r\n", 1))[0].startswith("line 1 ")


def test_every_byte_that_is_changed_names_its_line(trail: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t"
    for place, byte in enumerate(trail):
        line = trail[:place].count(b"\n") + 1
        for other in {*OTHERS, byte ^ 1, byte ^ 32} - {byte}:
            found = problems(path, trail[:place] + bytes([other]) + trail[place + 1 :])
            if (place, other) == (len(trail) - 1, 0):  # as a power failure leaves a last line
                found = [note.removeprefix(f"{path}: ") for note in verified(path).notes]
            assert found and found[0].startswith(f"line {line} "), (place, other, found)


def test_every_line_that_is_removed_is_missing_before_the_next(
    trail: bytes, tmp_path: Path
) -> None:
    lines = trail.splitlines(keepends=True)
    for gone in range(len(lines) - 1):
        (first, *_) = problems(tmp_path / "t", b"".join(lines[:gone] + lines[gone + 1 :]))
        assert first.startswith(f"line {gone + 1} ")


@pytest.mark.parametrize("left", range(4))
def test_a_trail_that_is_cut_at_its_end_is_found_by_a_head_kept_elsewhere(
    left: int, trail: bytes, tmp_path: Path
) -> None:
    path, lines = tmp_path / "t", trail.splitlines(keepends=True)
    put(path, trail)
    head = verified(path).head
    assert head and head.counter == len(lines) == 4
    put(path, b"".join(lines[:left]) or b"{}\n")
    found = verify([path], head).problems
    gone = f"lines {left + 1} to 4" if left else "lines 1 to 4"
    assert found[-1:] == [f"{gone} are gone, by the expected head"]


def test_a_head_that_is_kept_elsewhere_stands_for_all_before_it(
    trail: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "t"
    put(path, trail)
    earlier = json.loads(trail.splitlines()[1])
    assert not verify([path], TrailHead(2, earlier["digest"])).problems
    (problem,) = verify([path], TrailHead(2, "a" * 64)).problems
    assert problem == "line 2 of the trail is not that of the expected head"


def test_every_two_lines_that_change_places_are_named(trail: bytes, tmp_path: Path) -> None:
    for first in range(3):
        for second in range(first + 1, 4):
            lines = trail.splitlines(keepends=True)
            lines[first], lines[second] = lines[second], lines[first]
            found = problems(tmp_path / "t", b"".join(lines))
            assert found[0].startswith(f"line {first + 1} ")


def test_every_line_that_is_doubled_is_named(trail: bytes, tmp_path: Path) -> None:
    lines = trail.splitlines(keepends=True)
    for twice in range(len(lines)):
        found = problems(tmp_path / "t", b"".join(lines[: twice + 1] + lines[twice:]))
        assert found == [f"line {twice + 2} stands twice, or not in its place"]


def test_a_last_line_that_is_torn_is_told_from_one_that_was_changed(
    trail: bytes, tmp_path: Path
) -> None:
    start = trail.rindex(b"\n", 0, -1) + 1
    path = tmp_path / "t"
    for end in range(start + 1, len(trail)):
        put(path, trail[:end])
        found = verified(path)
        assert found.problems == []
        assert found.notes == [f"{path}: line 4 was not written to its end, and is none"]
        assert found.head and found.head.counter == 3


def test_a_line_put_in_by_hand_is_named_with_a_digest_of_its_own(
    trail: bytes, tmp_path: Path
) -> None:
    other = write_trail(tmp_path / "other", 6).read_bytes().splitlines(keepends=True)
    found = problems(tmp_path / "t", trail + other[5])
    assert found == ["line 5 does not follow the line before it: 1 are missing"]
    lines = trail.splitlines(keepends=True)
    forged = write_trail(tmp_path / "forged", 1).read_bytes().replace(b"0.75", b"0.85")
    assert problems(tmp_path / "t", lines[0] + forged.splitlines(keepends=True)[1])[0].startswith(
        "line 2 was changed"
    )


def test_what_is_no_trail_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "t"
    put(path, b"")
    with pytest.raises(DataError, match="is no audit trail"):
        verified(path)
    with pytest.raises(DataError, match="No such file"):
        verified(tmp_path / "missing")


def test_bytes_of_any_kind_are_no_line_and_end_nothing(tmp_path: Path) -> None:
    found = problems(tmp_path / "t", bytes(range(256)) * 9000)
    assert found[0].startswith("line 1 ")


def test_files_of_a_trail_are_in_order_in_whatever_folder_they_are() -> None:
    """Files that are full may have been moved to an archive."""
    names = ["trail-3.jsonl", "old/trail.jsonl", "./trail-3.jsonl", "archive/trail-2.jsonl"]
    ordered = [Path("old/trail.jsonl"), Path("archive/trail-2.jsonl"), Path("trail-3.jsonl")]
    assert in_order(names) == ordered


def test_files_of_a_trail_are_in_the_order_of_their_numbers() -> None:
    """Not of their digits, whatever is in a name; the folder comes last."""
    for stem in ("trail", "a\nb", "clinic-2"):
        ordered = [f"{stem}.jsonl", *(f"{stem}-{number}.jsonl" for number in range(2, 123))]
        assert in_order(ordered[::-1]) == [Path(name) for name in ordered]
    assert in_order(["b/t-2", "a/t-2"]) == [Path("a/t-2"), Path("b/t-2")]
    assert in_order(["t-1", "t-02", "t"]) == [Path("t"), Path("t-02"), Path("t-1")]


def test_a_million_line_ends_are_looked_at_in_one_pass(trail: bytes, tmp_path: Path) -> None:
    """Each was once added to a copy of all before it, which took minutes."""
    (found,) = problems(tmp_path / "trail.jsonl", trail + b"\n" * (1 << 20))
    assert found.endswith("line 5 was changed, or is no line at all")
