"""What is said of figures is what their papers hold, line by line and first."""

from __future__ import annotations

import pytest

from edge_export.cautions import HEADING, Cautions, first_section, foremost


def test_what_is_said_is_what_is_kept_each_line_once() -> None:
    said: list[str] = []
    cautions = Cautions(said.append, str, ["known"])
    cautions.warn("known", "two", "two")
    cautions.warn("three")
    assert said == ["warning: two", "warning: three"]
    assert cautions.warnings == ("known", "two", "three")


def test_what_figures_are_worth_is_kept_in_its_order_and_left_to_say() -> None:
    said: list[str] = []
    cautions = Cautions(said.append)
    cautions.weigh("No evidence.", "AUC 1.000.")
    cautions.weigh("It leaks.")
    assert cautions.caveat == ("No evidence.", "AUC 1.000.", "It leaks.")
    assert said == []


def test_a_part_has_all_and_its_own_and_the_whole_has_its_own_by_name() -> None:
    said: list[str] = []
    cautions = Cautions(said.append)
    cautions.warn("one")
    part = cautions.part("fold 2")
    part.warn("one", "two")
    assert part.warnings == ("one", "two")
    assert cautions.warnings == ("one", "fold 2: two")
    assert said == ["warning: one", "warning: fold 2: two"]


def test_the_first_section_has_every_sentence_as_a_line_and_is_empty_without_any() -> None:
    text = first_section(["left out"], ["No evidence.", "AUC 1.000."])
    assert text == f"{HEADING}\n\n**No evidence.**\n\n- left out\n\n- AUC 1.000.\n\n"
    assert first_section(["left out"]) == f"{HEADING}\n\n- left out\n\n"
    assert first_section([], []) == ""


def test_keys_of_what_has_to_be_said_come_first_and_all_others_as_ever() -> None:
    content = {"b": {"z": 1, "a": 2}, "a": 1, "warnings": [], "caveat": ()}
    ordered = foremost(content)
    assert list(ordered) == ["warnings", "caveat", "a", "b"]
    assert list(ordered["b"]) == ["a", "z"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        foremost({"a": float("nan")})
