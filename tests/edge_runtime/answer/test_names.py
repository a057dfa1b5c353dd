"""A set of names forgets none, invents none and stays small."""

from __future__ import annotations

import sys

from edge_runtime.answer.names import Names

ODD = ["", "a", "A", "a\n", "\udcff", "\ud800", "ü", "n" * 5000, "a\0b"]


def test_each_name_is_new_once() -> None:
    names = Names()
    many = [*ODD, *(f"films/{number}.png" for number in range(20_000))]
    assert all(names.add(name) for name in many)
    assert not any(names.add(name) for name in many)
    assert len(names) == len(many)


def test_a_name_takes_at_most_24_bytes() -> None:
    names = Names()
    for number in range(1, 50_001):
        names.add(str(number))
        if number % 1000 == 0:
            assert sys.getsizeof(names._slots) <= 24 * number + 1024
