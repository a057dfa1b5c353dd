"""What to try, in order, when the int8 graphs do not decide like the float one.

Every rung applies to both formats. A rung with several candidates chooses among them on the
calibration films alone, so that the films that judge it have had no say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from edge_export.graph.artefact import Artefact
from edge_export.proof.findings import Rung
from edge_export.proof.layers import HarmfulLayer, harmful_layers
from edge_export.proof.verdict import worst
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import INT8, INT16, Recipe, Setting
from edge_export.remedy.parity_check import Bench, Trial

# Entropy is no remedy: it took 28 of 348 films to the other side where min-max took none, and its
# search a second a tensor.
_METHODS = ("min_max", "percentile", "mse")
# So many of the most harmful layers go back to float, one rung after the other.
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
    bench: Bench, quantizer: Quantizer, setting: Setting, say: Callable[[str], None] | None
) -> tuple[Attempt, Trial, list[Rung]]:
    """Return the first attempt at static int8 that does not fail, what it gave, and all rungs.

    Where none is left, the first attempt of all is returned: what was ordered. `say` gets a line
    for each rung once there is more than one; without it there is no other.
    """
    rungs: list[Rung] = []
    tried: list[tuple[Attempt, Trial]] = []
    started = time.monotonic()
    for attempt in attempts(quantizer, setting):
        trial = bench.run(attempt.artefacts)
        tried.append((attempt, trial))
        rungs.append(_rung(bench, attempt, trial, time.monotonic() - started))
        if say and (len(rungs) > 1 or rungs[0].answer == "fail"):
            say(f"remedy {len(rungs) - 1}: {rungs[-1]}" if len(rungs) > 1 else str(rungs[-1]))
        if rungs[-1].answer != "fail" or say is None:
            return *tried[-1], rungs
        started = time.monotonic()
    return *tried[0], rungs


def attempts(quantizer: Quantizer, setting: Setting) -> Iterator[Attempt]:
    """Yield what was ordered, then the rungs above it, from the cheapest to the dearest.

    Each is made only when it is asked for. Bias correction is no rung: every attempt has it.
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
    # Ranges that clip may be the best for a layer that is ruined and the worst for all others, so
    # layers go back to float from either, whichever then is better.
    bases = dict.fromkeys((ordered, best))
    ranked = {base: _ranked(quantizer, base) for base in bases}
    last = frozenset[str]()
    for count in _KEPT:
        candidates = [_kept(quantizer, base, ranked[base], count) for base in bases]
        chosen = min(candidates, key=_error)
        kept = chosen.setting.keep_float
        # With every weight in float again nothing is rescued.
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


def _rung(bench: Bench, attempt: Attempt, trial: Trial, seconds: float) -> Rung:
    """Return what an attempt cost and gave, by the worse of its formats."""
    proof = bench.prove(trial)
    both = [proof.comparisons[artefact.file]["both"] for artefact in attempt.artefacts]
    first = attempt.artefacts[0]
    return Rung(
        step=attempt.step,
        changed=attempt.changed,
        flips=max(comparison.flips for comparison in both),
        n=both[0].n,
        largest_difference=max(comparison.largest_difference for comparison in both),
        bytes=len(first.graph),
        milliseconds=trial.measured[first.file].milliseconds,
        answer=worst(evidence.verdict for evidence in proof.evidence.values()),
        seconds=seconds,
    )
