"""A set of names forgets none, invents none, keeps a number for each and stays small."""

from __future__ import annotations

import sys

from edge_runtime.answer.names import NameTable

ODD = ["", "a", "A", "a\n", "\udcff", "\ud800", "ü", "n" * 5000, "a\0b"]


def test_each_name_is_new_once_and_keeps_the_last_number() -> None:
    names = NameTable()
    many = [*ODD, *(f"films/{number}.png" for number in range(20_000))]
    assert all(names.put(name, place) is None for place, name in enumerate(many))
    assert all(names.put(name, 2**64 - 1 - place) == place for place, name in enumerate(many))
    assert all(names.put(name, 0) == 2**64 - 1 - place for place, name in enumerate(many))
    assert len(names) == len(many)


def test_a_name_takes_at_most_48_bytes() -> None:
    names = NameTable()
    for number in range(1, 50_001):
        names.put(str(number), number)
        if number % 1000 == 0:
            size = sys.getsizeof(names._slots) + sys.getsizeof(names._values)
            assert size <= 48 * number + 2048
