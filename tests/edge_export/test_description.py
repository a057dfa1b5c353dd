"""What the maker of a bundle did not state is told with what follows from it, and nothing else."""

from __future__ import annotations

import pytest

from edge_export.description import intended_use, unstated, unstated_line

WHOLE = ((18, 150), ("PA",), ("CHEST",))


@pytest.mark.parametrize("modality", ["xray", "ct", "other"])
def test_nothing_is_told_where_all_was_stated(modality: str) -> None:
    assert unstated_line(intended_use(modality, *WHOLE)) == ""


@pytest.mark.parametrize(
    ("modality", "missing"),
    [
        ("xray", ["body part", "view", "ages"]),
        ("ct", ["body part", "ages"]),
        ("other", ["body part", "view", "ages"]),
    ],
)
def test_no_view_is_missed_of_slices(modality: str, missing: list[str]) -> None:
    assert unstated(intended_use(modality)) == missing


def test_what_follows_is_told_of_that_kind_of_picture() -> None:
    assert unstated_line(intended_use("xray", None, *WHOLE[1:])) == (
        "not stated: ages (--ages); the bundle answers films of children"
    )
    assert unstated_line(intended_use("other", (0, 17))) == (
        "not stated: body part, view (--body-part, --views); the bundle answers whatever a DICOM "
        "header says of them"
    )
