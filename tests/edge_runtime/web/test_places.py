"""Films have places in memory in the order of asking, and nobody waits without end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from edge_runtime.web.places import FilmPlaces
from edge_runtime.web.problems import Problem


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def hold(places: FilmPlaces, size: int, entered: list[int], go: asyncio.Event) -> None:
    async with places.place(size):
        entered.append(size)
        await go.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_asks_first_is_let_in_first() -> None:
    async def work() -> None:
        places, entered, go = FilmPlaces(1, 100, 9, 60), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(hold(places, size, entered, go)) for size in (3, 1, 2)]
        await settle()
        assert entered == [3]
        assert places.waiting == 2
        go.set()
        await asyncio.gather(*tasks)
        assert entered == [3, 1, 2]

    run(work())


def test_bytes_are_held_as_places_are() -> None:
    async def work() -> None:
        places, entered, go = FilmPlaces(9, 100, 9, 60), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(hold(places, size, entered, go)) for size in (60, 50, 40)]
        await settle()
        assert entered == [60]  # 40 would fit, and waits for its turn
        go.set()
        await asyncio.gather(*tasks)
        assert entered == [60, 50, 40]

    run(work())


def test_too_many_do_not_wait_and_are_told_when_to_come_again() -> None:
    async def work() -> None:
        places, entered, go = FilmPlaces(1, 100, 1, 60), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(hold(places, 1, entered, go)) for _ in range(2)]
        await settle()
        with pytest.raises(Problem) as refused:
            await hold(places, 1, entered, go)
        assert refused.value.status == 503
        assert int(refused.value.headers["Retry-After"]) > 0
        go.set()
        await asyncio.gather(*tasks)

    run(work())


def test_who_has_waited_too_long_is_told_so_and_holds_nothing() -> None:
    async def work() -> None:
        places, entered, go = FilmPlaces(1, 100, 9, 0), list[int](), asyncio.Event()
        first = asyncio.create_task(hold(places, 100, entered, go))
        await settle()
        with pytest.raises(Problem) as refused:
            await hold(places, 1, entered, go)
        assert refused.value.reason == "busy"
        assert places.waiting == 0
        go.set()
        await first
        await hold(places, 100, entered, go)
        assert entered == [100, 100]

    run(work())


def test_who_goes_away_while_waiting_leaves_no_gap() -> None:
    async def work() -> None:
        places, entered, go = FilmPlaces(1, 100, 9, 60), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(hold(places, size, entered, go)) for size in (1, 2, 3)]
        await settle()
        tasks[1].cancel()
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert entered == [1, 3]
        await hold(places, 100, entered, go)  # all bytes are back

    run(work())


def test_who_goes_away_just_as_its_turn_comes_gives_it_back() -> None:
    async def work() -> None:
        places, entered, go = FilmPlaces(1, 100, 9, 60), list[int](), asyncio.Event()
        go.set()
        async with places.place(1):
            second = asyncio.create_task(hold(places, 2, entered, go))
            await settle()
        second.cancel()  # it has its place, and does not know it yet
        await asyncio.gather(second, return_exceptions=True)
        assert entered == []
        await asyncio.wait_for(hold(places, 100, entered, go), 30)
        assert entered == [100]

    run(work())


def test_a_film_of_unknown_length_takes_memory_as_it_comes() -> None:
    async def work() -> None:
        places = FilmPlaces(9, 100, 9, 60)
        async with places.place(0) as held:
            held.grow(90)
            async with places.place(10):
                with pytest.raises(Problem):
                    held.grow(91)
        async with places.place(100):
            pass

    run(work())
