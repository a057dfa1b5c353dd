"""A patient's age, where a header tells it.

What anonymisers write in its place is no age: `000Y` and ages that nobody reaches, a date of birth
that is the study's, 1 January 1900, or none of the calendar.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from edge_runtime.film.dicom.elements import text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DAYS_A_YEAR = 365.25
_AGE_UNITS = {"D": 1 / _DAYS_A_YEAR, "W": 7 / _DAYS_A_YEAR, "M": 1 / 12, "Y": 1.0}
_AGE = re.compile(r"(\d{1,3}) ?([DWMY])")
_NOBODY_IS = 120  # years: one person is known to have been older
_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
_DATE = re.compile(r"(\d{4})([-./]?)(\d{2})\2(\d{2})(\d{6}.*)?", re.ASCII)  # or with a time
_OF_NOBODY = date(1900, 1, 1)  # what "unknown" becomes in many an archive


def age(header: Dataset) -> float | None:
    """Return the patient's age in years, by (0010,1010) or by the dates of birth and study.

    `None` where the header does not say, or says what is no age. A newborn is `000D` or `001D`.
    """
    if match := _AGE.fullmatch(_one(header, "PatientAge").upper()):
        years = int(match[1]) * _AGE_UNITS[match[2]]
        if years < _NOBODY_IS and match[0].lstrip("0 ") != "Y":
            return years
    born = _date(header, "PatientBirthDate")
    dates = [day for name in _DATES if (day := _date(header, name))]
    if born is None or not dates or born in (_OF_NOBODY, *dates) or dates[0] < born:
        return None
    taken = dates[0]
    years = taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day))
    return years if years < _NOBODY_IS else None


def _date(header: Dataset, keyword: str) -> date | None:
    """Return the day of an element such as 19700131, or the older 1970.01.31."""
    if match := _DATE.fullmatch(_one(header, keyword)):
        with suppress(ValueError):
            return date(int(match[1]), int(match[3]), int(match[4]))
    return None


def _one(header: Dataset, keyword: str) -> str:
    """Return the text that an element holds; several that differ count as none."""
    texts = {value.strip(" \0") for value in text(header, keyword).split("\\")}
    return texts.pop() if len(texts) == 1 else ""
