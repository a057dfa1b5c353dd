"""Figures are the same bytes of the same document, and show what its numbers say."""

from __future__ import annotations

import copy
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest

from edge_export.report.plots import Plot, compared, layer_name, merged_bins, plots
from edge_export.statistics.estimates import proportion
from edge_export.words import words
from report_document import INT8, bare_document, full_document

TITLES = [
    "Logits, model.int8.tflite", "Difference in probability, model.int8.tflite",
    "Logits, model.int8.onnx", "Difference in probability, model.int8.onnx",
    "Reliability, model.int8.tflite", "Reliability, model.int8.onnx",
    "Noise by layer, model.int8.tflite", "Noise by layer, model.int8.onnx",
    "Size, MB", "Time a film, ms",
]  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return full_document()


@pytest.fixture(scope="module")
def drawn(document: dict[str, Any]) -> list[Plot]:
    return plots(document)


def few(document: dict[str, Any]) -> dict[str, Any]:
    """Return a report on eight films, a flipped one among them, and one int8 graph: soon drawn."""
    small = copy.deepcopy({**document, "films": document["films"][:8]})
    for file in ("model.f32.onnx", "model.int8.onnx"):
        del small["artefacts"][file]
    small["layers"] = {}
    return small


@pytest.fixture(scope="module")
def small(document: dict[str, Any]) -> dict[str, Plot]:
    return by_title(few(document))


def by_title(document: dict[str, Any]) -> dict[str, Plot]:
    return {plot.title: plot for plot in plots(document)}


def test_every_figure_is_there_and_is_well_formed_svg(drawn: list[Plot]) -> None:
    assert [plot.title for plot in drawn] == TITLES
    for plot in drawn:
        assert ElementTree.fromstring(plot.svg).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314


def test_the_same_document_gives_the_same_bytes_whatever_the_user_configured(
    document: dict[str, Any], drawn: list[Plot]
) -> None:
    configured: dict[Any, Any] = {"axes.facecolor": "red", "font.size": 20, "svg.hashsalt": None}
    with matplotlib.rc_context(configured):
        assert plots(document) == drawn


def test_a_figure_names_no_software_and_no_date(drawn: list[Plot]) -> None:
    for plot in drawn:
        assert b"metadata" not in plot.svg
        assert b"matplotlib.org" not in plot.svg


def test_the_words_count_the_flips_and_name_the_largest_difference(
    document: dict[str, Any], drawn: list[Plot]
) -> None:
    both = document["artefacts"][INT8[0]]["rows"]["both"]
    assert both["flips"] == 3
    assert "348 held-out films" in drawn[0].alt
    assert "3 lie on different sides of the threshold" in drawn[0].alt
    assert f"at most {both['largest_difference']:.4f} on 348 films" in drawn[1].alt


def test_flips_are_counted_at_the_calibrated_threshold(
    document: dict[str, Any], small: dict[str, Plot]
) -> None:
    moved = few(document)
    # With this offset the threshold is at a logit of -10, where no film is.
    moved["decision"]["calibration"]["offset"] = 6.0
    assert "1 lie on" in small[TITLES[0]].alt
    assert "0 lie on" in by_title(moved)[TITLES[0]].alt


def test_a_flip_is_ringed_and_sure_answers_have_a_reliability_too(
    document: dict[str, Any], small: dict[str, Plot]
) -> None:
    sure = few(document)
    for film in sure["films"]:
        film["logits"] = dict.fromkeys(film["logits"], 9000.0 if film["positive"] else -9000.0)
    drawn = by_title(sure)
    ring = b"fill: none; stroke: #000000"
    assert small[TITLES[0]].svg.count(ring) > drawn[TITLES[0]].svg.count(ring)
    assert "keras is off by 0.000 on average" in drawn[TITLES[4]].alt


def layers_alone(document: dict[str, Any], first: str | None, times: int = 1) -> dict[str, Any]:
    rows = document["layers"][INT8[0]] * times
    return {
        **few(document),
        "films": None,
        "layers": {INT8[0]: rows},
        "first_divergence": {INT8[0]: first},
    }


def test_the_first_divergence_is_named_and_marked(
    document: dict[str, Any], drawn: list[Plot]
) -> None:
    marked = drawn[6]
    plain = by_title(layers_alone(document, None))[TITLES[6]]
    assert marked.alt.endswith("the first to diverge is 7 conv 2-D.")
    assert plain.alt.endswith("no layer diverges.")
    assert marked.svg != plain.svg


def test_exact_layers_and_a_long_network_are_drawn(document: dict[str, Any]) -> None:
    long = copy.deepcopy(layers_alone(document, None, times=5))
    for row in long["layers"][INT8[0]]:
        row["sqnr_db"] = None
    assert "55 layers" in by_title(long)[TITLES[6]].alt


def test_without_films_layers_and_times_what_is_left_is_drawn() -> None:
    drawn = plots(bare_document())
    assert [plot.title for plot in drawn] == ["Size, MB", "Time a film, ms"]
    assert "model.int8.tflite, shipped not known" in drawn[0].alt


def test_where_nothing_is_shipped_the_graphs_that_lose_bits_are_compared(
    document: dict[str, Any],
) -> None:
    failed = copy.deepcopy(document)
    for artefact in failed["artefacts"].values():
        artefact["shipped"] = False
    assert compared(failed) == list(INT8)
    failed["artefacts"]["model.f32.onnx"]["shipped"] = True
    assert compared(failed) == ["model.f32.onnx"]


CROWDED = [(mean, proportion(found, 10)) for mean, found in
           ((0.01, 0), (0.02, 1), (0.03, 0), (0.5, 5), (0.98, 9), (0.99, 10))]  # fmt: skip


def test_bins_that_crowd_together_are_pooled_and_no_film_is_lost() -> None:
    merged = merged_bins(CROWDED, apart=0.07)
    assert [(round(mean, 3), seen) for mean, seen in merged] == [
        (0.02, proportion(1, 30)), (0.5, proportion(5, 10)), (0.985, proportion(19, 20)),
    ]  # fmt: skip
    assert merged_bins(CROWDED, apart=0.0) == CROWDED


def test_answers_that_span_a_part_of_the_scale_are_shown_on_that_part(
    document: dict[str, Any],
) -> None:
    crowded = few(document)
    for film in crowded["films"]:
        film["logits"] = {file: 0.01 * logit for file, logit in film["logits"].items()}
    drawn = {plot.title: plot for plot in plots(crowded)}[TITLES[4]]
    wide = {plot.title: plot for plot in plots(few(document))}[TITLES[4]]
    assert b"part of the scale" in drawn.svg or drawn.svg != wide.svg


def test_a_layer_of_the_branch_is_named_in_the_words_for_what_is_there() -> None:
    row = {"operator": "CONV_2D", "branch": True}
    assert layer_name(3, row, words("xray")) == "3 conv 2-D, film branch"
    assert layer_name(3, row, words("other")) == "3 conv 2-D, picture branch"
