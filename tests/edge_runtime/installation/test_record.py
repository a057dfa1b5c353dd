"""A record says which models answer, answered and wait, and which are not tried again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge_runtime.bundle.installed import unsealed
from edge_runtime.errors import IntegrityError
from edge_runtime.installation.record import Following, InstalledModel, StoreState

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def installed(identity: str = A, release: int = 1, maker: str | None = None) -> InstalledModel:
    return InstalledModel(identity, "model", "0.1.0", release, maker)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ((A[:-1], "m", "1", 1), "no identity"), ((A + "a", "m", "1", 1), "no identity"),
        ((A.upper(), "m", "1", 1), "no identity"), ((None, "m", "1", 1), "no identity"),
        (("g" * 64, "m", "1", 1), "no identity"), ((A, "m", "1", 1, "x"), "no identity"),
        ((A, "m", "1", 1, 5), "no identity"), ((A, "m", "1", -1), "no number of a release"),
        ((A, "m", "1", True), "no number of a release"),
        ((A, "m", "1", 1.0), "no number of a release"), ((A, 1, "1", 1), "no name"),
        ((A, "m", None, 1), "no name"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_none(fields: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        InstalledModel(*fields)


def test_a_model_is_shown_with_its_version_identity_and_release() -> None:
    assert str(installed(release=0)) == f"model 0.1.0 ({'a' * 16}), release 0"
    assert installed().maker is None and installed(maker=B).maker == B


def test_a_store_follows_the_stable_channel_unless_it_is_told_otherwise() -> None:
    assert Following() == Following("stable", None, None) == StoreState(box="x").following
    for fields in ((1,), ("stable", 1), ("stable", None, 1)):
        with pytest.raises(ValueError, match=r"^no name$"):
            Following(*fields)


def test_models_that_answer_and_their_makers_have_to_stay() -> None:
    state = StoreState("x", current=installed(A, maker=B), pending=installed(C))
    assert state.needed == {A, B, C}
    assert StoreState("x", previous=installed(C)).needed == {C}
    assert StoreState("x").needed == set()


def test_what_was_thrown_out_is_held_with_the_newest_reason_last() -> None:
    state = StoreState("x").holding(A, "first").holding(B, "second").holding(A, "third")
    assert [*state.held.items()] == [(B, "second"), (A, "third")]
    for number in range(150):
        state = state.holding(f"{number:064}", "many")
    assert [*state.held] == [f"{number:064}" for number in range(50, 150)]


def test_a_model_that_was_checked_answers_and_the_one_before_is_kept() -> None:
    state = StoreState("x", current=installed(A), pending=installed(B, 2), attempts=1)
    after = replace(state, held={B: "once", C: "still"}).confirmed()
    assert after == StoreState(
        "x", current=installed(B, 2), previous=installed(A), held={C: "still"}
    )
    again = replace(after, pending=installed(B, 3)).confirmed()
    assert (again.current, again.previous) == (installed(B, 3), installed(A))
    first = StoreState("x", pending=installed(A)).confirmed()
    assert (first.current, first.previous, first.pending) == (installed(A), None, None)


def test_a_model_that_was_thrown_out_is_held() -> None:
    state = StoreState("x", current=installed(A), pending=installed(B), attempts=2)
    assert state.thrown_out("why") == StoreState("x", current=installed(A), held={B: "why"})
    for change in (StoreState("x").confirmed, lambda: StoreState("x").thrown_out("why")):
        with pytest.raises(ValueError, match=r"^nothing is pending$"):
            change()


def test_a_record_reads_back_as_it_was_written() -> None:
    state = StoreState(
        "x", Following("pilot", "north", "model"), installed(A, 2, C), installed(B), None, 1,
        {C: "why"},
    )  # fmt: skip
    content = unsealed(state.to_bytes(), "x")
    assert content["format"] == 1 and content["pending"] is None
    assert StoreState.of(content, "x") == state
    waiting = replace(state, pending=installed(C, 9))
    assert StoreState.of(unsealed(waiting.to_bytes(), "x"), "x") == waiting


@pytest.mark.parametrize(
    "change", [{"current": {"identity": A}}, {"more": 1}, {"following": {"channel": 1}},
               {"following": None}, {"pending": [1]}],
)  # fmt: skip
def test_another_record_is_refused_in_one_line(change: dict[str, object]) -> None:
    content = {**unsealed(StoreState("x").to_bytes(), "x"), **change}
    with pytest.raises(IntegrityError) as caught:
        StoreState.of(content, "store.json")
    assert str(caught.value) == "store.json: is not what edge-run wrote; install into a new store"
    del content["following"]
    with pytest.raises(IntegrityError):
        StoreState.of(content, "store.json")
