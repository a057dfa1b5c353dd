"""The name of a class is read as one wherever it stands, in any script."""

from __future__ import annotations

import pytest

from edge_runtime.answer.decide import UNCERTAIN
from edge_runtime.bundle.class_name import OUR_WORDS, class_name_problem, spelling_problem
from edge_runtime.bundle.records import Classes
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import REFUSALS


@pytest.mark.parametrize(
    "name",
    [
        *("covid", "noncovid", "COVID-19", "COVID+", "COVID-", "No Finding", "Grade 2 (mild)"),
        *(
            "Viral Pneumonia",
            "flu+cold",
            "a+11 more",
            "Crohn's",
            "Crohn\u2019s",
            "R & D",
            "1",
            "1.5",
        ),
        *("Pneumonia/Viral", "pneumonia, viral", "\u80ba\u708e", "\u043d\u043e\u0440\u043c\u0430"),
        *("Ungew\u00f6hnlich", "cafe\u0301", "\u0928\u093f\u092e\u094b\u0928\u093f\u092f\u093e"),
        *("\u0627\u0644\u062a\u0647\u0627\u0628", "\u65b0\u51a0", "x" * 64, "not refused", "okay"),
    ],
)
def test_names_that_people_give_are_names(name: str) -> None:
    assert spelling_problem(name) == class_name_problem(name) == ""
    assert Classes(negative=name, positive="other one").negative == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            "x" * 65,
            " covid",
            "covid ",
            "a\nb",
            "a\tb",
            "a\x1b[31m",
            "a\u202eb",
            "a\u200bb",
        ),
        *(
            "a\u200db",
            "\ufeffa",
            "a\u00adb",
            "\u3164",
            "a\u3164",
            "a\ufe0f",
            "\u115fa",
            "a\U000e0061",
        ),
        *("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\uff1dcmd", "uncertain", "Refused", "OK"),
        *("error", "unreadable", "UNCERTAIN"),
    ],
)
def test_names_that_would_be_taken_for_something_else_are_none(name: str) -> None:
    assert class_name_problem(name) and spelling_problem(name)
    for names in ({"negative": name, "positive": "x"}, {"negative": "x", "positive": name}):
        with pytest.raises(SchemaError):
            Classes(**names)


@pytest.mark.parametrize(
    "name",
    [
        *("a;b", "a|b", "<b>x</b>", 'a"b', "a=b", "a*", "a\\b", "50%", "...", "(-)", "\u0301a"),
        *("\uff35\uff4e\uff43\uff45\uff52\uff54\uff41\uff49\uff4e", "a\U0001f637"),
    ],
)
def test_older_bundles_have_signs_that_no_new_class_gets(name: str) -> None:
    assert spelling_problem(name)
    assert class_name_problem(name) == ""
    Classes(negative=name, positive="x")


def test_every_word_of_a_result_is_ours() -> None:
    assert {UNCERTAIN, *REFUSALS} <= OUR_WORDS
