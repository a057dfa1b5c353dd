"""A film is ready once its size, its time and its content were quiet, in the order of arrival."""

from __future__ import annotations

import tracemalloc

from edge_runtime.tray.arrivals import PATIENCE, WINDOW, Arrivals
from edge_runtime.tray.folder import Seen


class Tray:
    """A tray whose clock stands still, unless it is moved on, and whose contents are numbers."""

    def __init__(self, quiet: float = 4.0) -> None:
        self.now = 0.0
        self.contents: dict[str, str] = {}
        self.films: dict[str, Seen] = {}
        self.arrivals = Arrivals(quiet, self.contents.get, lambda: self.now)

    def put(self, name: str, size: int = 10, modified: int = 1, content: str = "x") -> None:
        self.films[name] = Seen(name, size, modified, len(self.films))
        self.contents[name] = content

    def after(self, seconds: float, most: int = 9) -> list[str]:
        """Return what is ready after so many seconds, with a look at each."""
        ready: list[str] = []
        for _ in range(int(seconds)):
            self.now += 1
            self.arrivals.see(self.films.values())
            ready += [film.name for film in self.arrivals.ready(most - len(ready))]
        return ready


def test_a_film_is_ready_after_the_quiet_time_and_once() -> None:
    tray = Tray()
    tray.put("a")
    assert tray.after(4) == []
    assert tray.after(1) == ["a"]
    assert tray.after(9) == []


def test_a_film_that_grows_is_waited_for() -> None:
    tray = Tray()
    for size in range(1, 20):
        tray.put("a", size)
        assert tray.after(3) == []
    assert tray.after(2) == ["a"]


def test_a_film_whose_time_changes_is_waited_for() -> None:
    tray = Tray()
    for modified in range(9, 0, -1):  # the clock of whoever writes it may go back
        tray.put("a", 10, modified)
        assert tray.after(3) == []
    assert tray.after(2) == ["a"]


def test_what_is_written_over_a_file_of_its_final_size_is_found_by_whoever_judges_it() -> None:
    tray = Tray()
    tray.put("a", content="zeros")
    assert tray.after(5) == ["a"]
    (film,) = tray.arrivals._films.values()
    assert film.digest == "zeros"  # of a moment at least half the quiet time ago
    assert film.digested is not None and tray.now - film.digested >= 2
    tray.arrivals.again(film, tray.films["a"])
    tray.contents["a"] = "picture"
    assert tray.after(3) == []
    assert tray.after(2) == ["a"] and film.digest == "picture"


def test_a_film_whose_end_is_not_seen_has_the_patience() -> None:
    tray = Tray()
    tray.put("a")
    assert tray.after(5) == ["a"]
    (film,) = tray.arrivals._films.values()
    tray.arrivals.doubt(film)
    assert tray.after(4 * PATIENCE - 5) == []
    assert tray.after(2) == ["a"]


def test_a_film_that_changes_in_work_is_not_ready_a_second_time() -> None:
    tray = Tray()
    tray.put("a")
    assert tray.after(5) == ["a"]
    (film,) = tray.arrivals._films.values()
    tray.put("a", size=11)
    assert tray.after(9) == []
    assert film.seen.size == 10 and tray.arrivals.holds(film)  # so that its judge can tell
    tray.arrivals.again(film, tray.films["a"])
    assert tray.after(6) == ["a"]


def test_a_film_that_was_gone_in_work_is_another_one_when_it_is_back() -> None:
    tray = Tray()
    tray.put("a")
    assert tray.after(5) == ["a"]
    (film,) = tray.arrivals._films.values()
    gone = tray.films.pop("a")
    tray.after(1)
    tray.films["a"] = gone
    assert tray.after(6) == ["a"]
    assert not tray.arrivals.holds(film)


def test_films_are_ready_in_the_order_of_their_arrival() -> None:
    tray = Tray()
    tray.put("z")
    tray.put("m")
    assert tray.after(2) == []
    tray.put("a")
    assert tray.after(9) == ["z", "m", "a"]


def test_no_more_are_ready_than_were_asked_for() -> None:
    tray = Tray()
    for name in "abcdef":
        tray.put(name)
    assert tray.after(6, most=2) == ["a", "b"]
    assert tray.after(1, most=3) == ["c", "d", "e"]


def test_a_film_that_is_gone_is_forgotten_and_one_that_is_left_is_not_judged_again() -> None:
    tray = Tray()
    tray.put("a")
    tray.put("b")
    assert tray.after(5) == ["a", "b"]
    a, b = tray.arrivals._films.values()
    tray.arrivals.done(a, is_left=True)
    tray.arrivals.again(b, None)
    del tray.films["b"]
    assert tray.after(9) == [] and tray.arrivals.is_idle()
    tray.put("a", size=11)
    assert tray.after(6) == ["a"]


def test_ten_thousand_films_at_once_take_their_names_and_little_more() -> None:
    tray = Tray()
    for number in range(10_000):
        tray.put(f"{number:05}.png")
    tracemalloc.start()
    done: list[str] = []
    while len(done) < 2000:
        tray.now += 1
        tray.arrivals.see(tray.films.values())
        for film in tray.arrivals.ready(64):
            done.append(film.name)
            del tray.films[film.name]
            tray.arrivals.done(film, is_left=False)
        held = sum(film.digest is not None for film in tray.arrivals._films.values())
        assert held <= WINDOW
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done == sorted(done)
    assert most < 8 << 20
