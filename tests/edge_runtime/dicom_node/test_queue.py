"""What is left to do is due in time, whatever the clock does, and what is done takes no room."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.dicom_node.queue import (
    LONGEST_DELAY,
    REMEMBERED,
    NewObject,
    Queue,
    delay,
)
from edge_runtime.errors import CannotWrite

NOW = 1_796_000_000.0
YEAR = 365 * 86_400.0


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    opened = Queue(tmp_path / "queue.sqlite")
    yield opened
    opened.close()


def answer(queue: Queue, key: str, now: float) -> str:
    """Take an image and answer it; return the UID of its report."""
    uid = f"1.2.{key}"
    assert queue.add_image(key, now)
    queue.answered(key, [NewObject(uid, "report", None, "b")], now)
    return uid


def test_tries_are_further_and_further_apart_and_never_end(queue: Queue) -> None:
    assert [delay(number) for number in range(1, 6)] == [2, 4, 8, 16, 32]
    assert delay(1000) == LONGEST_DELAY
    queue.add_image("a", 0.0)
    queue.answered("a", [NewObject("1.2", "report", None, "b")], 0.0)
    now, waits = 0.0, []
    for _ in range(20):
        (one,) = queue.objects(now, 9)
        queue.objects_failed([one], now)
        assert not queue.objects(now, 9)
        due = queue.next_due()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits == sorted(waits) and waits[-1] == LONGEST_DELAY


def test_what_was_delivered_has_no_row(queue: Queue) -> None:
    uid = answer(queue, "1", NOW)
    assert queue.count() == (0, 1)
    queue.delivered(uid)
    assert queue.count() == (0, 0) and queue.waiting_names() == (set(), set())


def test_an_answered_image_is_known_for_30_days_and_until_it_is_delivered(queue: Queue) -> None:
    uid = answer(queue, "1", NOW)
    queue.delivered(answer(queue, "2", NOW + REMEMBERED + 1))
    assert queue.has_image("1"), "its report waits"
    queue.delivered(uid)
    queue.delivered(answer(queue, "3", NOW + REMEMBERED + 2))
    assert not queue.has_image("1") and queue.has_image("2") and queue.remembered() == 2


def test_the_file_does_not_grow_with_what_was_done(queue: Queue, tmp_path: Path) -> None:
    def size_after(first: int) -> int:
        for number in range(first, first + 300):
            queue.delivered(answer(queue, str(number), NOW + number * REMEMBERED / 50))
        return sum(path.stat().st_size for path in tmp_path.iterdir())

    before = size_after(0)
    assert size_after(300) <= before and queue.remembered() <= 52


def test_a_clock_that_is_set_back_delays_nothing(queue: Queue) -> None:
    queue.add_image("1", NOW + YEAR)
    answer(queue, "2", NOW + YEAR)
    assert [image.key for image in queue.images(NOW, 9)] == ["1"]
    assert [waiting.uid for waiting in queue.objects(NOW, 9)] == ["1.2.2"]


def test_what_failed_waits_where_the_clock_goes_on(queue: Queue) -> None:
    queue.add_image("1", NOW)
    (image,) = queue.images(NOW, 9)
    queue.image_failed(image, NOW)
    assert queue.images(NOW, 9) == [] and queue.images(NOW + delay(1), 9)


def test_a_queue_of_another_format_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    data = sqlite3.connect(path)
    data.execute("CREATE TABLE images (key TEXT)")
    data.commit()
    data.close()
    with pytest.raises(CannotWrite, match="another version of edge-run"):
        Queue(path)


def test_a_file_that_is_no_queue_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(CannotWrite, match="not a database"):
        Queue(path)
