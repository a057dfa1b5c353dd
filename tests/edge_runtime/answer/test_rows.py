"""One answer is one row, whatever the film is called and whatever became of it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from edge_runtime.answer.classify import FIELDS, Answer
from edge_runtime.answer.rows import FORMATS, row_writer
from edge_runtime.bundle import Bundle
from edge_runtime.errors import FilmError, Refusal

NAMES = [
    "film.png",
    "with space.png",
    "Thorax-Übersicht.png",
    "new\nline.png",
    "carriage\rreturn.png",
    'quote",comma;.png',
    "tab\t.png",
    "\x1b[31mred.png",
    "\udcff\udcfe.png",
    "\ud800.png",
    "n" * 255,
    "",
]


def answers(name: str) -> list[Answer]:
    return [
        Answer(name, 1.5, logit=1.25, probability=0.777, decided="covid"),
        Answer(name, 0.5, error=Refusal("blank", name, "one even shade, no film", "cure")),
        Answer(name, 0.5, error=FilmError(name, "No such file or directory", "cure")),
    ]


def written(form: str, bundle: Bundle, *rows: Answer) -> str:
    out = io.StringIO()
    write = row_writer(form, out, bundle, "litert")
    for row in rows:
        write(row)
    return out.getvalue()


def read_csv(text: str) -> list[dict[str, Any]]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [{name: value or None for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_json_is_one_ascii_object_a_line_with_every_field(name: str, bundle: Bundle) -> None:
    text = written("json", bundle, *answers(name))
    assert text.isascii()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["file"] for row in rows] == [name] * 3
    assert all(tuple(row) == (*FIELDS, "signed") for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_csv_reads_back_as_it_was(name: str, bundle: Bundle) -> None:
    rows = read_csv(written("csv", bundle, *answers(name)))
    assert [row["file"] or "" for row in rows] == [name] * 3
    assert all(tuple(row) == FIELDS for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_one_printable_line_an_answer(name: str, bundle: Bundle) -> None:
    header, *lines = written("table", bundle, *answers(name)).split("\n")
    assert header.split() == ["answer", "probability", "file"]
    assert [line.split()[0] for line in lines[:-1]] == ["covid", "refused", "error"]
    assert all(line.isprintable() for line in lines)
    assert lines[-1] == ""


@pytest.mark.parametrize("form", ["json", "csv"])
def test_only_a_judged_film_has_numbers_and_only_a_refused_one_a_reason(
    form: str, bundle: Bundle
) -> None:
    text = written(form, bundle, *answers("film.png"))
    rows = read_csv(text) if form == "csv" else [json.loads(line) for line in text.splitlines()]
    said = [(row["status"], row["label"], row["refusal"], row["problem"]) for row in rows]
    assert said == [
        ("ok", "covid", None, None),
        ("refused", None, "blank", "one even shade, no film"),
        ("error", None, None, "No such file or directory"),
    ]
    numbers = [(row["logit"], row["probability"]) for row in rows]
    assert [tuple(value and float(value) for value in pair) for pair in numbers] == [
        (1.25, 0.777),
        (None, None),
        (None, None),
    ]


def test_a_row_names_bundle_engine_and_threshold(bundle: Bundle) -> None:
    row = json.loads(written("json", bundle, answers("film.png")[0]))
    assert row["bundle"] == "model3-xray-0.1.0"
    assert row["bundle_sha256"] == bundle.identity
    assert (row["engine"], row["threshold"], row["milliseconds"]) == ("litert", 0.5, 1.5)


@pytest.mark.parametrize("form", FORMATS)
def test_each_row_leaves_at_once_and_whole(form: str, bundle: Bundle) -> None:
    class Disk(io.StringIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    flushed: list[str] = []
    write = row_writer(form, Disk(), bundle, "litert")
    for count, answer in enumerate(answers("film.png"), start=1):
        write(answer)
        assert flushed[-1].endswith("\n")
        assert flushed[-1].count("\n") == count + (form != "json")
