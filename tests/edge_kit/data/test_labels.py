"""A folder's name means a class only where its words say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.data.films import list_films
from edge_kit.data.labels import (
    class_key,
    class_names,
    joined,
    match_classes,
    modality_of,
    split_of,
)
from edge_runtime.errors import DataError, UsageError

COVID = ["covid", "COVID", "Covid_19", "COVID-19", "covid19", "COVID-19 positive", "Positive"]
COVID += ["COVID+", "covid (+)", "SARS-CoV-2"]
NONCOVID = ["normal", "Normal", "non-covid", "noncovid", "non_covid", "Non-COVID", "non-COVID-19"]
NONCOVID += ["no finding", "No Finding", "negative", "healthy", "COVID-", "covid (-)", "COVID_19 -"]


@pytest.mark.parametrize("name", COVID)
def test_names_of_covid_mean_covid(name: str) -> None:
    assert class_key(name) == "covid"


@pytest.mark.parametrize("name", NONCOVID)
def test_names_of_its_absence_mean_noncovid(name: str) -> None:
    assert class_key(name) == "noncovid"


@pytest.mark.parametrize("name", ["pneumonia", "Lung_Opacity", "covidish", "normalish", "陽性"])
def test_other_names_mean_neither(name: str) -> None:
    assert class_key(name) not in ("covid", "noncovid")


@pytest.mark.parametrize(
    ("name", "modality", "split"),
    [
        ("X-ray", "xray", None),
        ("cxr", "xray", None),
        ("CT", "ct", None),
        ("CT-Scan", "ct", None),
        ("Train", None, "train"),
        ("Valid", None, "val"),
        ("VALIDATION", None, "val"),
        ("test", None, "test"),
        ("tests-of-time", None, None),
        ("", None, None),
    ],
)
def test_modalities_and_splits_are_known_by_name(
    name: str, modality: str | None, split: str | None
) -> None:
    assert (modality_of(name), split_of(name)) == (modality, split)


@pytest.mark.parametrize(
    ("found", "positive", "of"),
    [
        ("COVID Non-COVID", "covid", "covid noncovid"),
        ("COVID Normal healthy covid19", "covid", "covid noncovid noncovid covid"),
        ("COVID Pneumonia PNEUMONIA", "covid", "covid PNEUMONIA PNEUMONIA"),
        ("Normal Pneumonia", "pneumonia", "Normal Pneumonia"),
        ("COVID Pneumonia", "pneumonia", "COVID Pneumonia"),
        ("covid normal", "Normal", "covid noncovid"),
    ],
)
def test_every_name_found_belongs_to_one_of_two_classes(found: str, positive: str, of: str) -> None:
    names = found.split()
    classes = match_classes(dict.fromkeys(names, 1), positive=positive, subject="data")
    assert [classes.of[name] for name in names] == of.split()
    assert {classes.positive, classes.negative} == set(of.split())
    assert class_key(classes.positive) == class_key(positive)


@pytest.mark.parametrize(
    ("found", "positive", "negative", "of"),
    [
        ("Positive Negative", "Positive", None, "Positive Negative"),
        ("Positive Negative", "Negative", None, "Positive Negative"),
        ("normal sick healthy", "sick", "normal,healthy", "normal+healthy sick normal+healthy"),
        ("Positive Negative", "covid", None, "covid noncovid"),
        ("Positive noncovid", "positive", None, "covid noncovid"),
        ("covid Negative", "positive", None, "covid noncovid"),
    ],
)
def test_only_where_a_name_says_covid_are_the_classes_called_so(
    found: str, positive: str, negative: str | None, of: str
) -> None:
    names = found.split()
    classes = match_classes(
        dict.fromkeys(names, 1), positive=positive, negative=negative, subject="data"
    )
    assert [classes.of[name] for name in names] == of.split()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sick,sick, Sick", ["sick"]),
        ("a, b,c", ["a, b", "c"]),
        ("c,a, b", ["c", "a, b"]),
        ("a,c", ["a", "c"]),
        ('"x, y",c', ["x, y", "c"]),
    ],
)
def test_names_are_named_once_and_one_may_hold_a_comma(text: str, names: list[str]) -> None:
    assert class_names(text, ["a, b", "c", "a"]) == names


def test_the_advice_for_names_with_commas_can_be_followed() -> None:
    counts = dict.fromkeys(["a, b", "c", "d"], 1)
    with pytest.raises(DataError) as caught:
        match_classes(counts, positive="c", subject="data")
    assert str(caught.value).endswith("""--positive c --negative '"a, b",d'""")
    classes = match_classes(counts, positive="c", negative='"a, b",d', subject="data")
    assert classes.negative == "a, b+d"


@pytest.mark.parametrize(
    ("found", "positive", "message"),
    [
        ({"covid": 3}, "covid", "two classes are needed, 1 found: covid (3); keep"),
        ({"COVID": 3, "covid-19": 4}, "covid", "1 found: COVID (3), covid-19 (4)"),
        ({"covid": 3, "normal": 4, "flu": 5}, "covid", "3 found: covid (3), flu (5), normal (4)"),
        ({"flu": 3, "normal": 4}, "covid", "no class is named 'covid', found: flu (3), normal (4)"),
        ({"covid": 3, "normal": 4}, "flu", "with --positive"),
        ({"covid": 3, "nor\nmal": 4}, "covid", r"'nor\nmal' cannot be printed"),
        ({"covid": 3, "nor\udcffmal": 4}, "covid", r"'nor\udcffmal' cannot be printed"),
    ],
)
def test_ambiguous_classes_are_refused_with_a_list(
    found: dict[str, int], positive: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        match_classes(found, positive=positive, subject="data")
    assert message in str(caught.value)
    assert str(caught.value).startswith("data: ")


@pytest.mark.parametrize(
    ("found", "positive", "negative", "of"),
    [
        ("covid|flu|normal", "covid", "normal,flu", "covid noncovid noncovid"),
        ("covid|flu|normal", "COVID-19", "Normal", "covid - noncovid"),
        ("a|b|c|d", "a,b", "c", "a+b a+b c -"),
        ("a|b|c", "a,b", None, "a+b a+b c"),
        ("flu|normal|sars", "sars", "normal", "- normal sars"),
        ("a, b|c|d", "a, b", "c", "a, b|c|-"),
        ("covid|normal", "covid", "normal", "covid noncovid"),
    ],
)
def test_several_classes_are_mapped_to_two(
    found: str, positive: str, negative: str | None, of: str
) -> None:
    names = found.split("|")
    classes = match_classes(
        dict.fromkeys(names, 1), positive=positive, negative=negative, subject="data"
    )
    expected = of.split("|") if "|" in of else of.split()
    assert [classes.of.get(name, "-") for name in names] == expected


@pytest.mark.parametrize(
    ("found", "positive", "negative", "message"),
    [
        ("a b c", "a", "x", "no class is named 'x', found: a (1), b (1), c (1); name the negative"),
        ("a b c", "x", "a", "no class is named 'x', found: a (1), b (1), c (1); name the positive"),
        ("a b c d", "a,b", None, "4 found: a (1), b (1), c (1), d (1); say which are negative:"),
        ("a b c", "a", None, "say which are negative: --positive a --negative b,c"),
        ("a b c", "x", None, "say which is which, for example --positive a --negative b,c"),
        ("a b c", "a", "a,b", "--negative: 'a' is positive too; name it once"),
        ("a b c", "a", ",", "--negative: ',' names no class; name one"),
    ],
)
def test_a_choice_of_classes_that_does_not_fit_is_refused_with_what_does(
    found: str, positive: str, negative: str | None, message: str
) -> None:
    counts = dict.fromkeys(found.split(), 1)
    with pytest.raises((DataError, UsageError)) as caught:
        match_classes(counts, positive=positive, negative=negative, subject="data")
    assert message in str(caught.value)


def test_pictures_of_other_things_are_not_covid_unless_a_folder_says_so(tmp_path: Path) -> None:
    for name in ("Positive", "Negative"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    with pytest.raises(DataError, match=r"no class is named 'covid', found: Negative \(1\), Pos"):
        list_films(tmp_path, modality="other", positive="covid")
    assert list_films(tmp_path, modality="xray", positive="covid").classes.positive == "covid"


def test_a_folder_for_each_patient_does_not_fill_the_screen() -> None:
    counts = {f"patient{number:05d}": 2 for number in range(60_000)}
    with pytest.raises(DataError) as caught:
        match_classes(counts, positive="covid", subject="data")
    assert "60000 found: patient00000 (2), " in str(caught.value)
    assert " and 59988 more; name them: --positive A --negative B,C" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_name_of_many_classes_fits_into_a_manifest() -> None:
    assert joined(["a" * 50, "b" * 50, "c"]) == f"{'a' * 40}+2 more"


@pytest.mark.parametrize("name", ["uncertain", "Refused", "=cmd|' /C calc'!A0", "a;b", "x" * 65])
def test_a_class_that_would_be_taken_for_something_else_is_refused_where_it_is_found(
    name: str,
) -> None:
    with pytest.raises(DataError, match=r"films: class name .* rename the class"):
        match_classes({name: 3, "well": 3}, positive="well", subject="films")
    others = {name: 3, "well": 3, "ill": 3}  # left out, it disturbs nobody
    assert match_classes(others, positive="ill", negative="well", subject="films").positive == "ill"
