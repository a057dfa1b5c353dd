"""Every way in which a bad export could be shipped by accident is caught by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from edge_export.examine import ExportPlan, examine
from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_export.graph.network import InputRange, Network
from edge_export.proof.findings import Findings
from edge_export.proof.parity import Budget
from edge_export.quantize.recipe import DYNAMIC, FLOAT32, FULL, INT8, RECIPES
from edge_export.statistics.estimates import Floats
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError
from tiny_network import constant, tiny_plan

if TYPE_CHECKING:
    import keras

PLAN = tiny_plan()


def found(model: keras.Model, films: list[Film], plan: ExportPlan = PLAN) -> Findings:
    return examine(model, films, plan, lambda _: None)


def copied(model: keras.Model) -> keras.Model:
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def test_an_ordinary_export_ships_int8_in_both_formats_and_measures_the_floats_beside(
    findings: Findings,
) -> None:
    assert findings.answer == "pass"
    assert list(findings.shipped) == ["model.int8.tflite", "model.int8.onnx"]
    assert [one.recipe for one in findings.artefacts] == [FLOAT32.name] * 2 + [INT8.name] * 2
    assert set(findings.layers) == set(findings.shipped)
    assert set(findings.latencies) == set(findings.nodes) == set(findings.measured)
    assert len(findings.ladder) == 1
    assert findings.stability is not None
    assert findings.stability.n == len(findings.held_out.digests)
    assert findings.calibration.overrides == ("few_films",)


def test_swapped_classes_are_caught(model: keras.Model, films: list[Film]) -> None:
    description = replace(PLAN.description, negative="covid", positive="noncovid")
    result = found(model, films, replace(PLAN, description=description))
    assert result.answer == "fail"
    assert [fault.name for fault in result.proof.faults] == ["class_order"]


def test_a_wrong_input_range_is_caught_and_the_right_one_named(
    model: keras.Model, films: list[Film]
) -> None:
    result = found(model, films, replace(PLAN, input_range=InputRange(-1, 1)))
    assert result.answer == "fail"
    line = next(one.line for one in result.proof.faults if one.name == "preprocessing")
    assert "give --input-range 0,255" in line


@pytest.mark.parametrize("sign", [1, -1], ids=["classes in order", "classes swapped"])
def test_an_input_range_that_ranks_clearly_better_is_named_however_good_the_given_one(
    sign: int, model: keras.Model, films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    positive = np.array([one.label == "covid" for one in films if one.split != "train"])
    blurred = 0.8 * positive + np.random.default_rng(0).normal(size=len(positive))

    def answers(candidate: Network, _: Pixels) -> Floats:
        given = candidate.input_range == PLAN.input_range
        return (blurred if given else sign * (positive - 0.5))[:, None]

    monkeypatch.setattr("edge_export.proof.preparation.reference_outputs", answers)
    monkeypatch.setattr("edge_export.proof.reference.reference_outputs", answers)
    result = found(model, films, replace(PLAN, recipes=(FLOAT32.name,)))
    assert result.proof.comparisons["keras"]["both"].metrics.auc.low > 0.5
    assert [fault.name for fault in result.proof.faults] == ["preprocessing"]
    assert result.answer == "fail"


@pytest.mark.parametrize(("bias", "decision"), [(50.0, "covid"), (-50.0, "noncovid")])
def test_a_model_that_decides_all_films_alike_is_caught_whatever_its_logits(
    bias: float, decision: str, model: keras.Model, films: list[Film]
) -> None:
    biased = copied(model)
    kernel, _ = biased.layers[-1].get_weights()
    biased.layers[-1].set_weights([kernel, np.array([bias])])
    result = found(biased, films)
    assert result.answer == "fail"
    (line,) = (one.line for one in result.proof.faults if one.name == "one_side")
    assert line in result.reasons
    assert "films fall on one side of one half" in line
    assert f"every one is {decision} (probabilities" in line
    assert "add --youden or --sensitivity X" in line
    assert "input-range" not in line


def test_other_films_than_the_run_was_tested_on_are_caught(
    model: keras.Model, films: list[Film], findings: Findings
) -> None:
    measured = findings.proof.comparisons["keras"]["test"].metrics.accuracy.value
    assert not found(model, films, replace(PLAN, recorded_accuracy=measured)).proof.faults
    result = found(model, films, replace(PLAN, recorded_accuracy=measured - 0.2))
    assert [fault.name for fault in result.proof.faults] == ["preprocessing"]
    assert result.answer == "fail"


def test_a_constant_model_is_caught(model: keras.Model, films: list[Film]) -> None:
    result = found(constant(model), films)
    assert result.answer == "fail"
    assert not result.ladder  # nothing is quantized of what is wrong before that
    assert any("constant: answers 0.25 whatever the film" in line for line in result.reasons)


@pytest.mark.parametrize("layer", [1, 3, -1])
def test_a_weight_that_is_no_number_is_caught_by_its_layer(
    layer: int, model: keras.Model, films: list[Film]
) -> None:
    broken = copied(model)
    weights = broken.layers[layer].get_weights()
    weights[0].flat[3] = np.nan
    broken.layers[layer].set_weights(weights)
    with pytest.raises(DataError, match=f"layer {broken.layers[layer].name!r}.*not finite"):
        found(broken, films)


def noise(films: list[Film], folder: Path) -> list[Film]:
    """Return `films` with noise for their training rows."""
    rng = np.random.default_rng(0)
    made = []
    for place, film in enumerate(films):
        path = folder / f"{place}.png"
        if film.split == "train":
            Image.fromarray(rng.integers(0, 256, (64, 64), np.uint8)).save(path)
            film = replace(film, path=path, sha256=sha256(path.read_bytes()))  # noqa: PLW2901
        made.append(film)
    return made


def one_class(films: list[Film]) -> list[Film]:
    return [film for film in films if film.split != "train" or film.label == "covid"]


def shared(films: list[Film]) -> list[Film]:
    training = next(film for film in films if film.split == "train")
    return [replace(films[-1], split="train", label=training.label), *films[1:]]


CALIBRATIONS: dict[str, Callable[[list[Film], Path], list[Film]]] = {
    "few_films": lambda films, _: films,
    "noise": noise,
    "one_class": lambda films, _: one_class(films),
    "overlap": lambda films, _: shared(films),
}


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_a_bad_calibration_is_refused_by_name_and_recorded_where_it_is_allowed(
    name: str, model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    given = CALIBRATIONS[name](films, tmp_path)
    few = tuple({"few_films"} - {name})
    plan = replace(PLAN, calibration_count=100)
    with pytest.raises(DataError, match=rf"\({name}\).*--allow-calibration {name}"):
        found(model, given, replace(plan, allowed=few))
    allowed = found(model, given, replace(plan, allowed=("few_films", name)))
    assert name in allowed.calibration.overrides


def test_recipes_are_made_in_all_their_formats_each_once_and_floats_shipped_only_if_ordered(
    model: keras.Model, films: list[Film]
) -> None:
    ordered = (DYNAMIC.name, FULL.name)
    result = found(model, films, replace(PLAN, recipes=ordered))
    assert Counter(one.recipe for one in result.artefacts) == {
        FLOAT32.name: 2, DYNAMIC.name: 2, FULL.name: 1,
    }  # fmt: skip
    assert list(result.shipped) == [
        RECIPES[name].file(form) for name in ordered for form in RECIPES[name].formats
    ]
    assert (result.stability, list(result.ladder)) == (None, [])


def test_one_graph_is_chosen_among_those_that_pass(model: keras.Model, films: list[Film]) -> None:
    recipes = (INT8.name, FLOAT32.name)
    result = found(model, films, replace(PLAN, recipes=recipes, choose_one=True))
    assert len(result.shipped) == 1
    assert result.shipped[0] in result.measured
    assert result.answer == "pass"


def test_a_graph_that_edge_run_leaves_to_others_is_chosen_only_where_there_is_no_other(
    model: keras.Model, films: list[Film]
) -> None:
    full = FULL.file("tflite")
    plan = replace(PLAN, recipes=(FULL.name, FLOAT32.name), choose_one=True)
    assert found(model, films, plan).shipped != [full]
    alone = found(model, films, replace(plan, recipes=(FULL.name,)))
    assert alone.shipped == [full]
    assert any("edge-run runs none of these graphs" in line for line in alone.warnings)


def test_where_no_graph_passes_all_stay_and_it_says_so(
    model: keras.Model, films: list[Film], findings: Findings
) -> None:
    plan = replace(PLAN, choose_one=True, budget=Budget(flips=0.2, auc=0.2, margin=0.02))
    result = found(model, films, plan)
    assert result.shipped == findings.shipped
    assert any("--choose chose none" in line for line in result.warnings)


def test_too_few_films_are_undecided_and_it_says_how_many_more(
    model: keras.Model, films: list[Film]
) -> None:
    result = found(model, films, replace(PLAN, budget=Budget(flips=0.2, auc=0.2, margin=0.02)))
    assert result.answer == "undecided"
    assert not any("--choose" in line for line in result.warnings)
    assert all(count is None or count > 0 for count in result.films_needed.values())
    assert any("are needed to tell" in line or "no number" in line for line in result.reasons)
