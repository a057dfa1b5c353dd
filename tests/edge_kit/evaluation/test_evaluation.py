"""What an evaluation says of a model is on its page, in its document and in its table alike."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.report.document import encoded
from edge_export.statistics.estimates import Estimate
from edge_kit.evaluation.evaluated import FilmOutcome, open_evaluated
from edge_kit.evaluation.evaluation import (
    Evaluation,
    blind,
    document,
    evaluate,
    refusals,
    set_digest,
)
from edge_kit.evaluation.figures import Confusion
from edge_kit.evaluation.films import LabelledFilms, labelled_films
from edge_kit.evaluation.report import render, write_report
from edge_kit.evaluation.table import table
from edge_runtime.errors import CannotWrite
from films import write_films


@pytest.fixture(scope="module")
def found(bundle: Path, labelled: LabelledFilms) -> Evaluation:
    return evaluate(open_evaluated(bundle), labelled, prevalences=(0.1, 0.2))


def test_what_has_to_be_said_of_a_model_is_said_first(
    bundle: Path, labelled: LabelledFilms
) -> None:
    subject = replace(open_evaluated(bundle), caution="its split leaks")
    assert evaluate(subject, labelled).warnings[0] == "its split leaks"


@pytest.mark.parametrize(
    ("positive", "negative", "told"),
    [
        (0, 0, []),
        (0, 1, ["1 film was refused, 0 positive and 1 negative, and counts neither as right nor"]),
        (1, 1, ["2 films were refused, 1 positive and 1 negative, and count neither as right nor"]),
    ],
)
def test_refused_films_of_either_class_are_counted(
    positive: int, negative: int, told: list[str]
) -> None:
    assert [line.removesuffix(" as wrong") for line in refusals(positive, negative)] == told


def test_a_refused_film_of_the_negative_class_is_warned_of(
    bundle: Path, labelled: LabelledFilms
) -> None:
    subject = open_evaluated(bundle)
    negative = [film.label == labelled.negative for film in labelled.films].index(True)

    def classify(paths: Sequence[Path]) -> list[FilmOutcome]:
        outcomes = subject.classify(paths)
        outcomes[negative] = FilmOutcome(None, "not_a_film")
        return outcomes

    warnings = evaluate(replace(subject, classify=classify), labelled, "all").warnings
    assert refusals(0, 1)[0] in warnings


def test_an_evaluation_is_of_the_films_of_the_split(
    found: Evaluation, labelled: LabelledFilms
) -> None:
    assert found.split == "all"
    assert found.figures.films == len(labelled.films)
    assert found.digest == set_digest([film.sha256 for film in labelled.films])
    assert found.digest != set_digest([film.sha256 for film in labelled.films[1:]])


def test_the_table_gives_every_figure_with_interval_and_n(found: Evaluation) -> None:
    text = table(found)
    for name in ("auc", "accuracy", "sensitivity", "specificity", "uncertain", "refused"):
        (line,) = [one for one in text.splitlines() if one.startswith(f"{name} ")]
        assert " to " in line
        assert ", n " in line
    assert "at 10 %      PPV " in text


def test_the_document_is_json_of_numbers_without_names_or_paths(
    found: Evaluation, data: Path, bundle: Path
) -> None:
    text = encoded(document(found)).decode()
    content = json.loads(text)
    assert content["figures"]["metrics"]["auc"]["value"] == found.figures.metrics.auc.value
    assert content["subject"]["identity"] == open_evaluated(bundle).identity
    for name in (str(data), "film-0", ".png", bundle.name):
        assert name not in text


@pytest.fixture(scope="module")
def page(found: Evaluation) -> str:
    return render(found)


def test_the_page_runs_no_script_and_asks_no_network(page: str, data: Path) -> None:
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count('<img src="data:image/svg+xml;base64,') == 3
    assert str(data) not in page


def test_the_page_names_folder_and_seed(found: Evaluation, data: Path) -> None:
    assert f"<code>{data.resolve().name}</code>" in render(found)
    subject = replace(found.subject, seed=7)
    assert "splits of seed 7" in render(replace(found, subject=subject))


SURE = Estimate(0.9, 0.8, 0.95, 20)
CHANCE = Estimate(0.5, 0.4, 0.6, 20)
TURNED = Estimate(0.1, 0.05, 0.2, 20)


@pytest.mark.parametrize(
    ("counts", "area", "told"),
    [
        (Confusion(9, 1, 1, 9), SURE, []),
        (Confusion(0, 10, 0, 10), SURE, ["sensitivity is 0"]),
        (Confusion(10, 0, 10, 0), SURE, ["specificity is 0"]),
        (Confusion(5, 5, 5, 5), CHANCE, ["no better than chance"]),
        (Confusion(1, 9, 9, 1), TURNED, ["the wrong way round"]),
        (Confusion(0, 10, 10, 0), TURNED, ["sensitivity is 0", "specificity is 0", "wrong way"]),
    ],
)
def test_a_model_that_does_not_tell_the_classes_apart_gets_a_banner(
    found: Evaluation, counts: Confusion, area: Estimate, told: list[str]
) -> None:
    figures = replace(
        found.figures, confusion=counts, by_group=replace(found.figures.by_group, auc=area)
    )
    changed = replace(found, figures=figures)
    lines = blind(changed)
    assert len(lines) == len(told)
    assert all(words in line for words, line in zip(told, lines, strict=True))
    assert ("Does not tell the classes apart" in render(changed)) is bool(told)


def test_names_of_classes_cannot_break_the_page(found: Evaluation) -> None:
    subject = replace(found.subject, positive="<b>covid & co</b>")
    page = render(replace(found, subject=subject, warnings=("<script>",)))
    assert "<b>covid" not in page
    assert "<script>" not in page


def test_a_report_is_written_whole_or_not_at_all(
    found: Evaluation, page: str, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    write_report(out, found)
    assert sorted(one.name for one in out.iterdir()) == ["evaluation.json", "report.html"]
    assert (out / "report.html").read_text("utf-8") == page  # of the same figures the same bytes
    with pytest.raises(CannotWrite, match="exists already"):
        write_report(out, found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge_kit.evaluation.report.encoded", _full)
        with pytest.raises(CannotWrite):
            write_report(tmp_path / "other", found)
    assert [one.name for one in tmp_path.iterdir()] == ["report"]


def _full(content: object) -> bytes:
    del content
    raise OSError(28, "No space left on device")


def test_sources_of_one_class_each_and_groups_are_told_of(tmp_path: Path, bundle: Path) -> None:
    write_films(tmp_path, "covid", "normal", count=4)
    rows = ["path,label,source,patient_id"]
    rows += [f"{label}/{one}.png,{label},{label} hospital,{label}{one // 2}"
             for label in ("covid", "normal") for one in range(4)]  # fmt: skip
    (tmp_path / "manifest.csv").write_text("\n".join(rows), "utf-8")
    labelled = labelled_films(tmp_path, modality="xray", positive="covid", skip_unreadable=False)
    found = evaluate(open_evaluated(bundle), labelled)
    assert "no source has films of both classes" in found.warnings[0]
    assert found.warnings[1].startswith("8 films in 4 groups")
    assert "source covid hospital: " in table(found)


@pytest.mark.parametrize(
    ("covid", "normal", "told"),
    [
        (
            "aaaaaaaa",
            "aaaabbbb",
            r"the only source with films of both classes, a, gives an AUC of ",
        ),
        (
            "aaaabbbb",
            "aaabbbcc",
            r"the 2 sources with films of both classes give AUCs of .* \(a\); ",
        ),
        ("aaaaaaaa", "aaaaaaaa", ""),
    ],
)
def test_the_auc_within_sources_of_both_classes_stands_above_that_of_all_where_others_have_one(
    covid: str, normal: str, told: str, tmp_path: Path, bundle: Path
) -> None:
    write_films(tmp_path, "covid", "normal", count=8)
    rows = ["path,label,source"]
    for label, sources in (("covid", covid), ("normal", normal)):
        rows += [f"{label}/{film}.png,{label},{source}" for film, source in enumerate(sources)]
    (tmp_path / "manifest.csv").write_text("\n".join(rows), "utf-8")
    labelled = labelled_films(tmp_path, modality="xray", positive="covid", skip_unreadable=False)
    found = evaluate(open_evaluated(bundle), labelled)
    page = render(found)
    lines = [line for line in found.warnings if "films of both classes" in line]
    printed = table(found)
    assert printed.startswith("AUC within source") and found.first[0] in page
    assert printed.index("AUC within source") < printed.index("auc ")
    assert page.index("<dt>AUC within sources") < page.index("<dt>AUC of all films")
    assert document(found)["yardstick"]["sentences"] == found.first
    if not told:
        assert lines == []
        return
    (line,) = lines
    assert re.match(told, line)
    assert f"; the AUC of all films, {found.figures.metrics.auc}, compares sources" in line
