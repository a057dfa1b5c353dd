"""The limits that a maker stated come out of a card as they went in, and nothing else does."""

from __future__ import annotations

import pytest

from edge_export.report.card import OF_THIS_MODEL, limits_of

_AFTER = "\n\n- Held-out films come from the same sources.\n- Not tested: other ages.\n"
_NONE = "The maker has stated no limits of the data (`--limits FILE`): assume the worst."
CASES: dict[str, tuple[str, str]] = {
    "as they were written": ("- One.\n- Two,\n  and more.", "- One.\n- Two,\n  and more.\n"),
    "with what looks like their end": ("- One.\n\n- Held-out words.\n- Two.",
                                       "- One.\n\n- Held-out words.\n- Two.\n"),
    "without the caution of a run": (f"{OF_THIS_MODEL}its split leaks.\n- One.", "- One.\n"),
    "none but the caution of a run": (f"{OF_THIS_MODEL}its split leaks.", ""),
    "none": (_NONE, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_limits_come_out_of_a_card_as_they_went_in(name: str) -> None:
    stated, expected = CASES[name]
    assert limits_of(f"# A card\n\n## Limits\n{stated}{_AFTER}") == expected


@pytest.mark.parametrize("card", ["", "# A card\n", "## Limits\n- One.\n", "\n## Limits\n- One.\n"])
def test_a_text_that_is_no_card_of_ours_has_none(card: str) -> None:
    assert limits_of(card) == ""
