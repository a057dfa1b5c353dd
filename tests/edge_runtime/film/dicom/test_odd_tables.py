"""What is no table gives way to the window or rescaling beside it; a damaged one is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom_films import dicom_film, lookup_table, with_bytes
from edge_runtime.errors import Refusal
from odd_headers import GREY, PLAIN, RESCALED, SYNTAXES, TWELVE, WINDOW, Elements, shown, us

TABLE = lookup_table(np.arange(4096)[::-1] // 2, 0, 16)
TABLED: Elements = {**PLAIN, "VOILUTSequence": TABLE}


def table_with(**elements: Any) -> Sequence:
    """Return the table above with some of its elements replaced, or left out by `None`."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "US", TABLE[0].LUTData)
    for keyword, said in elements.items():
        del item[keyword]
        if said is not None:
            item.add_new(keyword, *said)
    return Sequence([item])


NO_TABLES: dict[str, Any] = {
    "no item": Sequence([]),
    "an empty item": Sequence([Dataset()]),
    "no descriptor": table_with(LUTDescriptor=None),
    "an empty descriptor": table_with(LUTDescriptor=("US", None)),
    "a descriptor of two values": table_with(LUTDescriptor=("US", [4096, 0])),
    "a descriptor of text": table_with(LUTDescriptor=("LO", "TAB")),
    "no data": table_with(LUTData=None),
    "empty data": table_with(LUTData=("OW", b"")),
}
"""What says of itself that there is no table in it."""
UNFIT: dict[str, Any] = {
    "fewer entries than said": table_with(LUTData=("US", list(range(99)))),
    "a single entry": table_with(LUTData=("US", 7)),
    "an entry less": table_with(LUTData=("US", list(range(4095)))),
    "an entry more": table_with(LUTData=("US", list(range(4097)))),
    "twice the entries": table_with(LUTData=("OW", bytes(4 * 4096))),
    "bytes for a half of them": table_with(LUTData=("OW", bytes(4096 + 2))),
    "entries of more bits than said": table_with(LUTDescriptor=("US", [4096, 0, 10])),
    "fewer entries than 65,536": table_with(LUTDescriptor=("US", [0, 0, 16])),
}
"""Tables that contradict themselves."""


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", NO_TABLES)
def test_the_window_beside_what_is_no_table_counts(name: str, syntax: str) -> None:
    table = NO_TABLES[name]
    film = dicom_film(TWELVE, SYNTAXES[syntax], **WINDOW, VOILUTSequence=table)
    assert np.array_equal(shown(film), shown(dicom_film(TWELVE, **WINDOW)))


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_says_nothing_alone(name: str) -> None:
    plain = shown(dicom_film(TWELVE, **PLAIN))
    for keyword in ("VOILUTSequence", "ModalityLUTSequence"):
        film = dicom_film(TWELVE, **PLAIN, **{keyword: NO_TABLES[name]})
        assert np.array_equal(shown(film), plain)


@pytest.mark.parametrize("name", NO_TABLES)
def test_the_rescaling_beside_what_is_no_table_counts(name: str) -> None:
    table = NO_TABLES[name]
    film = dicom_film(TWELVE, **RESCALED, ModalityLUTSequence=table)
    assert np.array_equal(shown(film), shown(dicom_film(TWELVE, **RESCALED)))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize("beside", [PLAIN, WINDOW, RESCALED])
def test_a_table_that_contradicts_itself_is_refused_whatever_stands_beside_it(
    keyword: str, name: str, syntax: str, beside: Elements
) -> None:
    with pytest.raises(Refusal) as caught:
        shown(dicom_film(TWELVE, SYNTAXES[syntax], **beside, **{keyword: UNFIT[name]}))
    assert caught.value.reason == "unreadable"
    wanted = f"its DICOM element {keyword} has a table that its descriptor does not fit"
    assert caught.value.problem == wanted


def test_a_table_of_bytes_may_have_one_more_to_be_even() -> None:
    levels = np.arange(255)[::-1].astype("u1")
    wanted = dicom_film(GREY, VOILUTSequence=lookup_table(levels, 0, 8))
    for data in (levels.tobytes() + b"\0", levels.tobytes()):
        table = table_with(LUTDescriptor=("US", [255, 0, 8]), LUTData=("OB", data))
        assert np.array_equal(shown(dicom_film(GREY, VOILUTSequence=table)), shown(wanted))


def test_the_first_item_with_a_table_in_it_counts() -> None:
    several = dicom_film(TWELVE, **PLAIN, VOILUTSequence=Sequence([Dataset(), TABLE[0]]))
    assert np.array_equal(shown(several), shown(dicom_film(TWELVE, **TABLED)))


@pytest.mark.parametrize("said", [("LO", b"A TABLE"), ("US", us(1)), ("OB", b"\xff\xfe")])
def test_a_sequence_of_another_type_is_none(said: tuple[str, bytes]) -> None:
    film = with_bytes(dicom_film(TWELVE, **WINDOW), {"VOILUTSequence": said})
    assert np.array_equal(shown(film), shown(dicom_film(TWELVE, **WINDOW)))
