"""What to try, in order, when the int8 graphs do not decide like the float one.

Every remedy applies to both formats. Where a remedy has several variants, the calibration films
alone decide which is tried, so that the held-out films, which judge it, take no part in the choice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from edge_export.graph.artefact import Artefact
from edge_export.proof.findings import AttemptResult
from edge_export.proof.layers import HarmfulLayer, harmful_layers
from edge_export.proof.verdict import worst
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import INT8, INT16, Recipe, Setting
from edge_export.remedy.parity_check import MeasuredGraphs, ParityCheck

# Entropy is no remedy: it took 28 of 348 films to the other side where min-max took none, and its
# search a second a tensor.
_METHODS = ("min_max", "percentile", "mse")
# So many of the most harmful layers go back to float, one attempt after the other.
_KEPT = (1, 2, 4)
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_RANKED_ON = 16  # calibration films; the ranking of layers does not change with more


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One way to quantize: the kind of remedy, what it changes in words, and the graphs it gives.

    `root_mean_square` is the error of the logit on the calibration films.
    """

    step: str
    changed: str
    setting: Setting
    artefacts: Sequence[Artefact]
    root_mean_square: float


def try_remedies(
    check: ParityCheck, quantizer: Quantizer, setting: Setting, say: Callable[[str], None] | None
) -> tuple[Attempt, MeasuredGraphs, list[AttemptResult]]:
    """Return the first attempt at static int8 that does not fail, its graphs, and all results.

    Where every attempt fails, the first one is returned: what was ordered. `say` gets a line for
    each attempt once the first has failed; without `say` no remedy is tried.
    """
    results: list[AttemptResult] = []
    tried: list[tuple[Attempt, MeasuredGraphs]] = []
    started = time.monotonic()
    for attempt in attempts(quantizer, setting):
        measured = check.run(attempt.artefacts)
        # Of the others none is kept: each is as large as the network.
        tried = tried or [(attempt, measured)]
        results.append(_result(check, attempt, measured, time.monotonic() - started))
        if say and (len(results) > 1 or results[0].answer == "fail"):
            say(
                f"remedy {len(results) - 1}: {results[-1]}"
                if len(results) > 1
                else str(results[-1])
            )
        if results[-1].answer != "fail" or say is None:
            return attempt, measured, results
        started = time.monotonic()
    return *tried[0], results


def attempts(quantizer: Quantizer, setting: Setting) -> Iterator[Attempt]:
    """Yield what was ordered, then the remedies, from the cheapest to the dearest.

    Each is made only when it is asked for. Bias correction is no remedy: every attempt has it.
    """
    ordered = _attempt(quantizer, "as ordered", f"{setting.method} ranges", INT8, setting)
    yield ordered
    others = [
        _attempt(quantizer, "calibration method", f"{method} ranges", INT8, Setting(method))
        for method in _METHODS
        if method != setting.method
    ]
    best = min((ordered, *others), key=_error)
    if best is not ordered:
        yield best
    # Ranges that clip may suit a ruined layer best and all others worst. So layers go back to float
    # from the ranges that were ordered and from the best ones, and the better result is tried.
    bases = dict.fromkeys((ordered, best))
    ranked = {base: _ranked(quantizer, base) for base in bases}
    last = frozenset[str]()
    for count in _KEPT:
        candidates = [_kept(quantizer, base, ranked[base], count) for base in bases]
        chosen = min(candidates, key=_error)
        kept = chosen.setting.keep_float
        # With every weight in float again nothing would be quantized.
        if kept != last and not _computing(ranked[ordered]) <= kept:
            last = kept
            yield chosen
    # Steps 256 times as fine leave nothing to gain by clipping.
    wide = Setting("min_max")
    yield _attempt(quantizer, "int16 activations", "16 bits between layers", INT16, wide)


def _computing(ranked: Sequence[HarmfulLayer]) -> set[str]:
    """Return the tensors that are computed with weights."""
    return {layer.tensor for layer in ranked if layer.operator in _WEIGHTED}


def _error(attempt: Attempt) -> float:
    return attempt.root_mean_square


def _ranked(quantizer: Quantizer, base: Attempt) -> Sequence[HarmfulLayer]:
    films = quantizer.calibration[:_RANKED_ON]
    return harmful_layers(quantizer.graphs, base.artefacts[0], films)


def _kept(
    quantizer: Quantizer, base: Attempt, ranked: Sequence[HarmfulLayer], count: int
) -> Attempt:
    """Return the `base` with its `count` most harmful layers in float."""
    kept = frozenset[str]().union(*(layer.keep_float for layer in ranked[:count]))
    setting = replace(base.setting, keep_float=kept)
    changed = f"{setting.method} ranges, {count} worst in float"
    return _attempt(quantizer, "layers back to float", changed, INT8, setting)


def _attempt(
    quantizer: Quantizer, step: str, changed: str, recipe: Recipe, setting: Setting
) -> Attempt:
    artefacts, error = quantizer.artefacts(recipe, setting)
    return Attempt(step, changed, setting, artefacts, error)


def _result(
    check: ParityCheck, attempt: Attempt, measured: MeasuredGraphs, seconds: float
) -> AttemptResult:
    """Return cost and outcome of an attempt, by the worse of its formats."""
    proof = check.prove(measured)
    both = [proof.comparisons[artefact.file]["both"] for artefact in attempt.artefacts]
    first = attempt.artefacts[0]
    return AttemptResult(
        step=attempt.step,
        changed=attempt.changed,
        flips=max(comparison.flips for comparison in both),
        n=both[0].n,
        largest_difference=max(comparison.largest_difference for comparison in both),
        bytes=len(first.graph),
        milliseconds=measured.answers[first.file].milliseconds,
        answer=worst(evidence.verdict for evidence in proof.evidence.values()),
        seconds=seconds,
    )
