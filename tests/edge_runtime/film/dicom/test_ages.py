"""An age is what the header tells of it; what an anonymiser writes tells nothing."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from dicom_films import dicom_film, with_bytes
from edge_runtime.bundle.records import IntendedUse
from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.ages import age
from edge_runtime.film.preprocess import film_pixels, standard
from tiny_bundle import film_array

USE = IntendedUse(modality="xray", body_parts=(), views=(), youngest=18, oldest=90)


def header(**elements: str) -> Dataset:
    found = Dataset()
    for keyword, said in elements.items():
        found.add_new(keyword, "LO", said.split("\\") if "\\" in said else said)
    return found


AGES: dict[str, float] = {
    "018Y": 18, "18Y": 18, "018y": 18, " 045Y ": 45, "119Y": 119, "006M": 0.5, "216M": 18,
    "052W": 52 * 7 / 365.25, "001D": 1 / 365.25, "000D": 0, "000W": 0, "000M": 0, "999M": 83.25,
    "045Y\\045Y": 45, "45 Y": 45,
}  # fmt: skip
NO_AGES = (
    *("", "000Y", "00Y", "0Y", "120Y", "150Y", "999Y", "-01Y", "-5Y", "Y", "45", "045"),
    *(
        "ANON",
        "anonymous",
        "XXXY",
        "UNKNOWN",
        "???",
        "45.5Y",
        "1e2Y",
        "045YR",
        "045Y\\046Y",
        "Y045",
    ),
    *("0451Y", "4 5Y", "\0\0\0Y"),
)
# Birth and study -> years.
DATES: dict[tuple[str, str], int] = {
    ("19700131", "20200131"): 50,
    ("19700131", "20200130"): 49,
    ("1970.01.31", "2020.01.31"): 50,
    ("1970-01-31", "20200131"): 50,
    ("1970/01/31", "20200131"): 50,
    ("19700131", "20200131101112.5"): 50,
    ("20191231", "20200101"): 0,
    ("19010101", "20200101"): 119,
    ("19700101", "20200101"): 50,
    ("20000229", "20180228"): 17,
}
NO_DATES = (
    ("", "20200101"),
    ("19700101", ""),
    ("20200101", "20200101"),  # what an anonymiser makes equal
    ("19000101", "20050101"),
    ("00010101", "20200101"),
    ("18000101", "20200101"),
    ("17530101", "20200101"),
    ("01011970", "20200101"),  # DDMMYYYY
    ("31121970", "20200101"),
    ("12311970", "20200101"),  # MMDDYYYY
    ("20051970", "20200101"),
    ("20021970", "20200101"),
    ("19701301", "20200101"),
    ("19700000", "20200101"),
    ("19700230", "20200101"),
    ("1970", "20200101"),
    ("197001", "20200101"),
    ("70.01.31", "20200101"),
    ("31.01.1970", "20200101"),
    ("20300101", "20200101"),
    ("ANON", "20200101"),
    ("19700101-19801231", "20200101"),
    ("19700101\\19710101", "20200101"),
    ("19700131", "99999999"),
    ("99991231", "20200101"),
    ("XXXXXXXX", "20200101"),
    ("00000000", "20200101"),
)


@pytest.mark.parametrize("said", AGES)
def test_an_age_is_read_in_its_unit(said: str) -> None:
    assert age(header(PatientAge=said)) == pytest.approx(AGES[said])


@pytest.mark.parametrize("said", NO_AGES)
def test_what_is_no_age_is_none(said: str) -> None:
    assert age(header(PatientAge=said)) is None


@pytest.mark.parametrize("dates", DATES, ids=str)
def test_an_age_follows_from_birth_and_study(dates: tuple[str, str]) -> None:
    assert age(header(PatientBirthDate=dates[0], StudyDate=dates[1])) == DATES[dates]


@pytest.mark.parametrize("dates", NO_DATES, ids=str)
def test_dates_that_tell_no_age_tell_none(dates: tuple[str, str]) -> None:
    assert age(header(PatientBirthDate=dates[0], StudyDate=dates[1])) is None


def test_the_age_counts_before_the_dates_and_they_where_it_is_none() -> None:
    dates = {"PatientBirthDate": "19700101", "StudyDate": "20200101"}
    assert age(header(PatientAge="040Y", **dates)) == 40
    assert age(header(PatientAge="000Y", **dates)) == 50
    assert age(header(PatientAge="999Y", **dates)) == 50


def test_the_first_date_that_is_one_counts() -> None:
    born = {"PatientBirthDate": "19700101"}
    assert age(header(**born, StudyDate="ANON", SeriesDate="20200101")) == 50
    assert age(header(**born, StudyDate="20200101", SeriesDate="20100101")) == 50
    # Equal to any of them is what an anonymiser writes.
    assert age(header(PatientBirthDate="20200101", StudyDate="20200102",
                      ContentDate="20200101")) is None  # fmt: skip


@pytest.mark.parametrize(
    ("elements", "refused"),
    [({"PatientAge": b"017Y"}, True), ({"PatientAge": b"000D"}, True),
     ({"PatientAge": b"000Y"}, False), ({"PatientAge": b"999Y"}, False),
     ({"PatientAge": b"\xff\xfe"}, False), ({"PatientAge": ("US", b"\x05\0")}, False),
     ({"PatientBirthDate": b"20150101", "StudyDate": b"20200101"}, True),
     ({"PatientBirthDate": b"20200101", "StudyDate": b"20200101"}, False),
     ({"PatientBirthDate": b"01012015", "StudyDate": b"20200101"}, False),
     ({"PatientBirthDate": b"19000101", "StudyDate": b"20050101"}, False),
     ({"PatientBirthDate": b"\xff\xfe", "StudyDate": b"20200101"}, False),
     ({"PatientBirthDate": b"20150101", "StudyDate": ("SQ", b"")}, False)],
    ids=str,
)  # fmt: skip
def test_a_film_is_refused_by_an_age_alone(elements: dict[str, bytes], refused: bool) -> None:
    film = with_bytes(dicom_film(film_array()), dict(elements))
    if refused:
        with pytest.raises(Refusal, match="outside 18 to 90 years"):
            film_pixels(film, standard(64, 64), USE)
    else:
        assert film_pixels(film, standard(64, 64), USE)
