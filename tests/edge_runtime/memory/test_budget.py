"""Films that are decoded at once take no more memory between them than the budget has."""

from __future__ import annotations

from threading import Barrier, Event, Thread

import pytest

from edge_runtime.memory import budget
from edge_runtime.memory.budget import MemoryBudget
from edge_runtime.memory.reserve import reserve

_PATIENCE = 60  # seconds until a test that hangs fails


class Film(Thread):
    """A film of some size, that is read until it is told to go on."""

    def __init__(self, shared: MemoryBudget, size: int) -> None:
        super().__init__(daemon=True)
        self.shared, self.size = shared, size
        self.asked, self.granted, self.go_on = Event(), Event(), Event()
        self.start()
        assert self.asked.wait(_PATIENCE)

    def run(self) -> None:
        with self.shared.film():
            self.asked.set()
            reserve(self.size)
            self.granted.set()
            self.go_on.wait(_PATIENCE)

    def is_read(self) -> bool:
        return self.granted.wait(_PATIENCE)

    def waits(self) -> bool:
        return not self.granted.wait(0.05)

    def end(self) -> None:
        self.go_on.set()
        self.join(_PATIENCE)


def test_two_large_films_wait_for_each_other() -> None:
    shared = MemoryBudget(384)
    first = Film(shared, 256)
    assert first.is_read()
    second = Film(shared, 256)
    assert second.waits()
    first.end()
    assert second.is_read()
    second.end()


def test_films_that_fit_are_read_at_once() -> None:
    shared = MemoryBudget(384)
    films = [Film(shared, 128) for _ in range(3)]
    assert all(film.is_read() for film in films)
    for film in films:
        film.end()


def test_a_film_larger_than_all_is_read_while_nothing_else_is() -> None:
    shared = MemoryBudget(100)
    small = Film(shared, 10)
    assert small.is_read()
    giant = Film(shared, 1000)
    assert giant.waits()
    small.end()
    assert giant.is_read()
    giant.end()


def test_small_films_do_not_pass_a_large_one_for_ever() -> None:
    shared = MemoryBudget(100)
    first = Film(shared, 60)
    assert first.is_read()
    large = Film(shared, 80)
    assert large.waits()
    late = Film(shared, 10)
    assert late.waits()
    first.end()
    assert large.is_read()
    assert late.is_read()
    for film in (large, late):
        film.end()


def test_what_is_asked_for_anew_takes_the_place_of_what_was_held() -> None:
    shared = MemoryBudget(100)
    both = Barrier(2)
    ended = []

    def read() -> None:
        with shared.film():
            reserve(50)
            both.wait(_PATIENCE)
            reserve(30)  # which it has
            reserve(80)  # and neither waits for what the other holds
            ended.append(True)

    threads = [Thread(target=read, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE)
    assert len(ended) == 2


def test_a_film_that_fails_gives_its_memory_back() -> None:
    shared = MemoryBudget(100)
    with pytest.raises(ValueError, match="torn"), shared.film():
        reserve(90)
        raise ValueError("torn")
    later = Film(shared, 90)
    assert later.is_read()
    later.end()


def test_the_budget_is_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "available", lambda: 200)
    shared = MemoryBudget()
    first = Film(shared, 60)
    assert first.is_read()
    second = Film(shared, 60)
    assert second.waits()
    first.end()
    assert second.is_read()
    second.end()


def test_outside_a_budget_nobody_waits() -> None:
    reserve(1 << 60)
