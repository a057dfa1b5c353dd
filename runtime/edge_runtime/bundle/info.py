"""A bundle in words."""

from __future__ import annotations

import json

from edge_runtime.bundle import Bundle
from edge_runtime.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.bundle.records import Decision, FilmGate, IntendedUse, Site, Training

_PARITY = {
    "pass": "proved: it decides like the model it was made from",
    "undecided": "UNDECIDED: too few films to prove that it decides like its model",
}
_AGELESS = 150  # the oldest age that a manifest can name


def describe(bundle: Bundle, form: str) -> str:
    """Return what `bundle` is, as lines for people (`table`) or its manifest (`json`).

    Raises:
        UsageError: another format is wanted.
    """
    manifest = bundle.manifest
    if form == "json":
        content = {**manifest.to_json(), "identity": bundle.identity}
        return json.dumps(content, indent=2, sort_keys=True) + "\n"
    if form != "table":
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    pixels, quantization = manifest.preprocess, manifest.quantization
    lines = {
        "bundle": f"{manifest.name} {manifest.version}",
        "identity": bundle.identity,
        "intended use": _use(manifest.intended_use),
        "classes": f"{manifest.classes.negative} | {manifest.classes.positive} (positive)",
        "input": f"{pixels.height} x {pixels.width}, {pixels.channels} channel(s), uint8",
        "threshold": _threshold(manifest.decision),
        "probabilities": _probabilities(manifest.decision),
        **({"fitted again": _site(manifest.site)} if manifest.site else {}),
        "not a film": _gate(manifest.film_gate),
        "quantized": _quantized(manifest),
        **({"ignored": ", ".join(quantization.overrides)} if quantization.overrides else {}),
        **({"remedies": ", ".join(quantization.remedies)} if quantization.remedies else {}),
        "parity": _parity(manifest),
        "trained": _trained(manifest.training),
    }
    for graph in manifest.graphs:
        size = manifest.files[graph.file].bytes / 1e6
        integer = ", gives integers: for other runtimes" if graph.outputs else ""
        lines[graph.file] = f"{graph.format}, {graph.recipe}, {size:.2f} MB{integer}"
    if manifest.tools:
        tools = manifest.tools
        lines["made with"] = ", ".join(f"{tool} {tools[tool]}" for tool in tools)
    width = max(map(len, lines))
    return "".join(f"{name:<{width}}  {value}\n" for name, value in lines.items())


def _parity(manifest: Manifest) -> str:
    if manifest.site and manifest.verdict == "undecided":
        return "UNDECIDED: at this threshold nothing was proved, only at its maker's"
    return _PARITY[manifest.verdict]


def _use(use: IntendedUse) -> str:
    parts = [{"xray": "X-ray", "ct": "CT"}[use.modality]]
    parts += [" or ".join(use.body_parts)] if use.body_parts else ["any body part"]
    parts += [f"view {' or '.join(use.views)}"] if use.views else ["any view"]
    if use.oldest >= _AGELESS:
        parts += [f"from {use.youngest} years on"] if use.youngest else ["any age"]
    else:
        parts += [f"{use.youngest} to {use.oldest} years"]
    return ", ".join(parts)


def _threshold(decision: Decision) -> str:
    band, chosen, words = decision.uncertain, decision.chosen, f"{decision.threshold:g}"
    if chosen is not None and chosen.sensitivity is None:
        words += ", chosen by Youden's index"
    elif chosen is not None:
        words += f", chosen for a sensitivity of {chosen.sensitivity:g}"
    if band.low == band.high:
        return f"{words}, without an uncertain band"
    return f"{words}, uncertain from {band.low:g} to {band.high:g}"


def _site(site: Site) -> str:
    fitted = " and ".join(site.fitted)
    return (
        f"{fitted} by a site, on {site.positive} positive and {site.negative} negative films of "
        f"its own; before that it was {site.bundle[:16]}"
    )


def _probabilities(decision: Decision) -> str:
    method = decision.calibration.method
    return "not calibrated" if method == "none" else f"calibrated by {method}"


def _gate(gate: FilmGate | None) -> str:
    if gate is None:
        return "not recognised: these graphs answer whatever picture they get"
    return f"refused below {gate.threshold:g} of the graphs' second logit"


def _quantized(manifest: Manifest) -> str:
    """Say by which ranges the graphs were quantized, where they were."""
    quantization, recipes = manifest.quantization, [graph.recipe for graph in manifest.graphs]
    if all(recipe.startswith("float") for recipe in recipes):
        return "no: the graphs compute in float"
    if not quantization.films:
        return "without calibration films"
    return f"by {quantization.method} ranges measured on {len(quantization.films)} films"


def _trained(training: Training) -> str:
    """Say what is known of the training; of a model made elsewhere that is its name alone."""
    parts = [training.model]
    parts += [] if training.seed is None else [f"seed {training.seed}"]
    parts += [] if training.epochs is None else [f"{training.epochs} epochs"]
    return ", ".join(parts) + ("" if len(parts) > 1 else ", elsewhere: seed and epochs not known")
