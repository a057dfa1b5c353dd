"""Sentences on films are told of pictures where these are no films, and names stay as they are."""

from __future__ import annotations

import pytest

from edge_export.words import counted, speaking, spoken, words

OF_FILMS = (
    "Films of one patient: 12 films at 40 films/s, a film's logit; the film branch, without a look "
    "at the lungs."
)


@pytest.mark.parametrize("modality", ["xray", "ct"])
def test_of_films_nothing_is_changed(modality: str) -> None:
    assert words(modality, "film")(OF_FILMS) == OF_FILMS


def test_of_pictures_the_words_are_those_of_pictures() -> None:
    assert words("other")(OF_FILMS) == (
        "Pictures of one group: 12 pictures at 40 pictures/s, a picture's logit; the picture "
        "branch, by simple features alone."
    )


@pytest.mark.parametrize(
    "name",
    ["not_a_film", "--calibration-films", "film_gate", "films.csv", "films/a.png", "data/films",
     'class="films large"', "non-films"],
)  # fmt: skip
def test_names_of_options_files_and_keys_stay(name: str) -> None:
    assert words("other")(f"see {name} there") == f"see {name} there"


def test_names_of_classes_stay_as_their_maker_wrote_them() -> None:
    told = words("other", "film", "no film (2)")
    assert told("class 'no film (2)' is no film (2), film is film") == (
        "class 'no film (2)' is no film (2), film is film"
    )
    assert words("other", "torn film")("3 films are torn film") == "3 pictures are torn film"


@pytest.mark.parametrize(
    ("number", "noun", "told"),
    [
        *[(1, "batch", "1 batch"), (4, "batch", "4 batches"), (0, "film", "0 films")],
        *[(2, "copy", "2 copies"), (3, "day", "3 days"), (2, "class", "2 classes")],
    ],
)
def test_things_are_counted_in_english(number: int, noun: str, told: str) -> None:
    assert counted(number, noun) == told


def test_what_is_said_deep_down_is_in_the_words_of_the_block() -> None:
    with speaking(words("other")):
        assert spoken("reading: 3 of 5 films") == "reading: 3 of 5 pictures"
        with speaking(words("xray")):
            assert spoken("a film") == "a film"
        assert spoken("whole: 5 films") == "whole: 5 pictures"
    assert spoken("a film") == "a film"
