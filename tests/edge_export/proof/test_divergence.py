"""The layer that moves a logit is found by replacing layers one after the other, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.float_graphs import FloatGraphs, float_graphs, from_tflite
from edge_export.graph.network import OUTPUTS, Network, network
from edge_export.graph.trace import outputs
from edge_export.proof.divergence import flipped_at, hybrids
from edge_export.proof.layers import first_divergence, harmful_layers, layer_noise
from edge_export.quantize.ranges import Range, measure_ranges
from edge_export.quantize.recipe import FLOAT32, Format
from sabotage import int8, scaled, written_by
from zoo import ZOO, zoo_pixels

BOTH = pytest.mark.parametrize("form", ["tflite", "onnx"])


@pytest.fixture(scope="module")
def graphs(candidate: Network, pixels: Pixels) -> FloatGraphs:
    return float_graphs(candidate, pixels)


@pytest.fixture(scope="module")
def ranges(graphs: FloatGraphs, pixels: Pixels) -> dict[str, Range]:
    return measure_ranges(graphs.tflite, pixels)


def floats(graphs: FloatGraphs) -> Artefact:
    return Artefact("model.f32.tflite", "tflite", FLOAT32.name, graphs.tflite)


@BOTH
def test_the_way_leads_from_the_float_graph_to_the_quantized_one(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format
) -> None:
    artefact, films = int8(graphs, ranges, form), pixels[:4]
    steps = list(hybrids(graphs, artefact, films))
    reference, answer = (measure(one, films).logits for one in (floats(graphs), artefact))
    assert steps[0].before == pytest.approx(reference, abs=1e-4)
    # The engine fuses a little more where nobody looks at what lies between.
    assert steps[-1].logits == pytest.approx(answer, abs=1e-3)
    assert np.abs(reference - answer).max() > 5e-3
    for one, after in pairwise(steps):
        assert (after.before == one.logits).all()


def test_the_outputs_belong_together_even_if_no_film_has_shown_it(
    graphs: FloatGraphs, pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_export.graph.float_graphs.match_tensors", lambda *_: {})
    ends = dict(zip(OUTPUTS, outputs(graphs.tflite), strict=True))
    assert from_tflite(graphs.tflite, pixels).same == ends


@BOTH
def test_a_float_graph_moves_nothing(graphs: FloatGraphs, pixels: Pixels, form: Format) -> None:
    graph = graphs.tflite if form == "tflite" else graphs.onnx
    steps = list(hybrids(graphs, Artefact("float", form, FLOAT32.name, graph), pixels[:3]))
    assert len(steps) == 7  # pixels, twice convolution and pooling, two dense layers
    for step in steps:
        assert step.logits == pytest.approx(step.before, abs=1e-4)
        assert (step.rounded == step.before).all()


@BOTH
def test_the_layer_with_the_bad_range_moves_the_logit(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format
) -> None:
    for tensor in written_by(graphs, "CONV_2D"):
        bad = int8(graphs, scaled(ranges, tensor, 0.1), form)
        moved = {
            step.tensor: np.abs(step.logits - step.before).max()
            for step in hybrids(graphs, bad, pixels[:4])
        }
        others = [size for name, size in moved.items() if name != tensor]
        assert moved[tensor] > 3 * max(others)


Branching = tuple[FloatGraphs, dict[str, Range], Pixels]


@pytest.fixture(scope="module")
def branching() -> Branching:
    kind = ZOO["residual"]
    pixels = zoo_pixels(kind.channels)
    graphs = float_graphs(network(kind.build(), kind.input_range), pixels)
    return graphs, measure_ranges(graphs.tflite, pixels), pixels


def test_a_cut_goes_through_every_path_and_each_layer_has_one(branching: Branching) -> None:
    graphs, ranges, pixels = branching
    steps = list(hybrids(graphs, int8(graphs, ranges, "tflite"), pixels[:2]))
    tensors = [step.tensor for step in steps]
    assert len(set(tensors)) == len(tensors)
    assert set(written_by(graphs, "CONV_2D") + written_by(graphs, "ADD")) <= set(tensors)
    # Were a path left in float, or its values taken for another's, the ends would not meet.
    assert steps[-1].before == pytest.approx(steps[-1].logits, abs=1e-4)
    assert 0.01 < np.abs(steps[-1].logits - steps[0].before).max() < 0.2


@BOTH
def test_a_bad_range_within_a_path_is_found_by_name(branching: Branching, form: Format) -> None:
    graphs, ranges, pixels = branching
    for tensor in written_by(graphs, "CONV_2D")[1:3]:  # both in the first block
        bad = int8(graphs, scaled(ranges, tensor, 0.1), form)
        diverged = first_divergence(layer_noise(graphs, bad, pixels[:4]))
        assert diverged is not None
        assert diverged.tensor == tensor
        assert harmful_layers(graphs, bad, pixels[:4])[0].tensor == tensor


FLIPS: dict[str, tuple[Sequence[bool], bool, int | None]] = {
    "never": ([True, True], True, None),
    "at once": ([False, False], True, 0),
    "on the way": ([True, False, False], True, 1),
    "at the end": ([False, False, True], False, 2),
    "and back": ([True, False, True], True, None),
    "back and again": ([False, True, False], True, 2),
}


@pytest.mark.parametrize(("sides", "reference", "place"), FLIPS.values(), ids=FLIPS)
def test_a_flip_counts_from_where_it_stays(
    sides: Sequence[bool], reference: bool, place: int | None
) -> None:
    assert flipped_at(sides, reference) == place
