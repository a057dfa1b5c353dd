"""Whatever the threads do, the answers are those of one thread, in its order, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from threading import Event, Lock, Thread
from threading import enumerate as enumerate_threads

import pytest

from edge_runtime.answer.batch import AHEAD, in_order, processors
from edge_runtime.answer.classify import Answer
from edge_runtime.errors import NoEngine, Refusal

Judge = Callable[[str], Answer]
LONG = 30  # seconds after which a test that hangs fails


def judge(film: str) -> Answer:
    return Answer(film, 1.0, logit=float(len(film)), probability=0.5, decided="covid")


def another() -> Judge:
    return judge


def numbered(films: int) -> list[str]:
    return [str(number) for number in range(films)]


@pytest.mark.parametrize("most", [1, 2, 3, 16])
@pytest.mark.parametrize("films", [0, 1, 2, 50])
def test_every_film_is_answered_once_in_order(most: int, films: int) -> None:
    answers = in_order(iter(numbered(films)), judge, another, most)
    assert [answer.file for answer in answers] == numbered(films)


def test_a_film_that_takes_long_is_answered_in_its_turn() -> None:
    later = Event()

    def slow(film: str) -> Answer:
        assert film != "0" or later.wait(LONG)
        if film == "3":
            later.set()
        return judge(film)

    answers = in_order(iter(numbered(9)), slow, lambda: slow, 2)
    assert [answer.file for answer in answers] == numbered(9)


def test_no_worker_is_far_ahead_of_the_oldest_film_without_an_answer() -> None:
    given, ahead = [0], []
    full = Event()

    def films() -> Iterator[str]:
        for number, film in enumerate(numbered(200)):
            ahead.append(number - given[0])
            if number == 3 * AHEAD - 1:
                full.set()
            yield film

    def slow(film: str) -> Answer:
        assert film != "0" or full.wait(LONG)
        return judge(film)

    for _ in in_order(films(), slow, lambda: slow, 3):
        given[0] += 1
    # The answer being given has made room already.
    assert 3 * AHEAD - 1 <= max(ahead) <= 3 * AHEAD


def test_an_answer_does_not_wait_for_the_next_film_to_be_known() -> None:
    answered = Event()

    def films() -> Iterator[str]:
        yield "0"
        assert answered.wait(LONG)
        yield "1"

    answers = in_order(films(), judge, another, 4)
    assert next(answers).file == "0"
    answered.set()
    assert [answer.file for answer in answers] == ["1"]


class Broken(BaseException):
    """Derived from what `except Exception` misses."""


@pytest.mark.parametrize("most", [1, 3])
def test_what_the_listing_raises_comes_after_the_answers_before_it(most: int) -> None:
    def films() -> Iterator[str]:
        yield from numbered(5)
        raise Broken

    given: list[str] = []
    with pytest.raises(Broken):
        given.extend(answer.file for answer in in_order(films(), judge, another, most))
    answers = in_order(films(), judge, another, most)
    assert [next(answers).file for _ in range(5)] == numbered(5)


@pytest.mark.parametrize("most", [1, 3])
def test_what_a_judge_raises_comes_in_its_turn(most: int) -> None:
    def broken(film: str) -> Answer:
        if film == "5":
            raise Broken
        return judge(film)

    answers = in_order(iter(numbered(50)), broken, lambda: broken, most)
    assert [next(answers).file for _ in range(5)] == numbered(5)
    with pytest.raises(Broken):
        next(answers)


def test_what_opening_an_engine_raises_is_raised_unless_it_lacks_room() -> None:
    def broken() -> Judge:
        raise Broken

    with pytest.raises(Broken):
        list(in_order(iter(numbered(2000)), judge, broken, 2))


@pytest.mark.parametrize("error", [NoEngine("m.edge", "no room"), MemoryError()])
def test_without_room_for_more_engines_the_first_goes_on(error: Exception) -> None:
    def full() -> Judge:
        raise error

    answers = in_order(iter(numbered(50)), judge, full, 4)
    assert [answer.file for answer in answers] == numbered(50)


def test_without_room_for_a_thread_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", full)
    answers = in_order(iter(numbered(50)), judge, another, 4)
    assert [answer.file for answer in answers] == numbered(50)


def test_there_are_no_more_workers_than_films() -> None:
    opened = []

    def counting() -> Judge:
        opened.append(1)
        return judge

    assert len(list(in_order(iter(numbered(3)), judge, counting, 64))) == 3
    assert len(opened) <= 3


def test_each_worker_has_a_judge_of_its_own() -> None:
    meeting = [Event(), Event()]

    def judge_of(number: int) -> Judge:
        def met(film: str) -> Answer:
            meeting[number].set()
            assert meeting[1 - number].wait(LONG)
            return judge(film)

        return met

    answers = in_order(iter(numbered(20)), judge_of(0), lambda: judge_of(1), 2)
    assert [answer.file for answer in answers] == numbered(20)


def test_a_film_that_fits_only_alone_gets_the_memory_for_itself() -> None:
    lock, at_work, tries = Lock(), [0], []
    both = Event()

    def hungry(film: str) -> Answer:
        with lock:
            at_work[0] += 1
            crowded = at_work[0] > 1
            tries.append(film)
        if not both.is_set():  # the first two meet
            if crowded:
                both.set()
            assert both.wait(LONG)
            crowded = True
        error = None
        if crowded:
            error = Refusal("too_large", film, "does not fit in memory")
            error.__cause__ = MemoryError()
        with lock:
            at_work[0] -= 1
        return Answer(film, 1.0, logit=None if error else 1.0, error=error)

    films = ["a", "b"]
    answers = list(in_order(iter(films), hungry, lambda: hungry, 2))
    assert [(answer.file, answer.status) for answer in answers] == [("a", "ok"), ("b", "ok")]
    assert sorted(tries) == ["a", "a", "b", "b"]


def test_who_leaves_early_stops_the_workers() -> None:
    before = set(enumerate_threads())
    answers = in_order(map(str, count()), judge, another, 2)
    assert next(answers).file == "0"
    workers = set(enumerate_threads()) - before
    assert workers
    answers.close()
    for worker in workers:
        worker.join(LONG)
        assert not worker.is_alive()


def test_processors_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3, raising=False)
    assert processors() == 3
    monkeypatch.delattr(os, "process_cpu_count")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5}, raising=False)
    assert processors() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1
