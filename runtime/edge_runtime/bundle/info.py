"""A bundle in words."""

from __future__ import annotations

import json

from edge_runtime.bundle import Bundle
from edge_runtime.bundle.provenance import read_provenance
from edge_runtime.errors import UsageError
from edge_runtime.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.bundle.provenance import Provenance
    from edge_runtime.bundle.records import Decision, FilmGate, IntendedUse, Site, Training
    from edge_runtime.bundle.signers import Signers

_PARITY = {
    "pass": "proved: it decides like the model it was made from",
    "undecided": "UNDECIDED: too few {thing}s to prove that it decides like its model",
}
_AGELESS = 150  # the oldest age that a manifest can name


def describe(bundle: Bundle, form: str) -> str:
    """Return what `bundle` is, as lines for people (`table`), or manifest and signers as `json`.

    Raises:
        UsageError: another format is wanted.
        NotABundle, IntegrityError: what made it cannot be read.
    """
    manifest = bundle.manifest
    if form == "json":
        return json.dumps(_content(bundle), indent=2, sort_keys=True) + "\n"
    if form != "table":
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    pixels, quantization = manifest.preprocess, manifest.quantization
    thing = "picture" if manifest.intended_use.modality == "other" else "film"
    lines = {
        "bundle": f"{manifest.name} {manifest.version}",
        "identity": bundle.identity,
        **_signed(bundle.signers),
        "intended use": use_in_words(manifest.intended_use),
        "classes": f"{manifest.classes.negative} | {manifest.classes.positive} (positive)",
        "input": f"{pixels.height} x {pixels.width}, {pixels.channels} channel(s), uint8",
        "threshold": _threshold(manifest.decision),
        "probabilities": _probabilities(manifest.decision),
        **({"fitted again": _site(manifest.site, thing)} if manifest.site else {}),
        f"not a {thing}": _gate(manifest.film_gate),
        "quantized": _quantized(manifest, thing),
        **({"ignored": ", ".join(quantization.overrides)} if quantization.overrides else {}),
        **({"remedies": ", ".join(quantization.remedies)} if quantization.remedies else {}),
        "parity": _parity(manifest, thing),
        "trained": _trained(manifest.training),
    }
    lines.update(_graphs(manifest))
    if manifest.tools:
        tools = manifest.tools
        lines["made with"] = ", ".join(f"{tool} {tools[tool]}" for tool in tools)
    lines["made from"] = _made_from(read_provenance(bundle), thing)
    width = max(map(len, lines))
    return "".join(f"{name:<{width}}  {printable(value)}\n" for name, value in lines.items())


def _content(bundle: Bundle) -> dict[str, object]:
    """Return the manifest as JSON, the identity, and, or null, who signed and what made it."""
    noted = read_provenance(bundle)
    return {
        **bundle.manifest.to_json(),
        "identity": bundle.identity,
        "signed": bundle.signers.to_json() if bundle.signers else None,
        "provenance": noted.to_json() if noted else None,
    }


def _graphs(manifest: Manifest) -> dict[str, str]:
    lines = {}
    for graph in manifest.graphs:
        size = manifest.files[graph.file].bytes / 1e6
        integer = ", gives integers: for other runtimes" if graph.outputs else ""
        lines[graph.file] = f"{graph.format}, {graph.recipe}, {size:.2f} MB{integer}"
    return lines


def _signed(signers: Signers | None) -> dict[str, str]:
    """Say who signed the model, and who its decision, in one line where they are the same."""
    if signers is None or (signers.are_checked and signers.to_json() is None):
        return {"signatures": "none: its identity alone tells whose it is"}
    model, decision = signers.words(signers.model), signers.words(signers.decision)
    if model == decision:
        return {"signatures": model}
    return {"signatures": f"model {model}; decision {decision}"}


def _parity(manifest: Manifest, thing: str) -> str:
    if manifest.site and manifest.verdict == "undecided":
        return "UNDECIDED: at this threshold nothing was proved, only at its maker's"
    return _PARITY[manifest.verdict].format(thing=thing)


def use_in_words(use: IntendedUse) -> str:
    """Return for which films a bundle is."""
    parts = [{"xray": "X-ray", "ct": "CT", "other": "pictures of any kind"}[use.modality]]
    parts += [" or ".join(use.body_parts) or "body part not stated"]
    parts += [f"view {' or '.join(use.views) or 'not stated'}"]
    if use.youngest is None or use.oldest is None:
        parts += ["ages not stated"]
    elif use.oldest >= _AGELESS:
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


def _site(site: Site, thing: str) -> str:
    fitted = " and ".join(site.fitted)
    return (
        f"{fitted} by a site, on {site.positive} positive and {site.negative} negative {thing}s "
        f"of its own; before that it was {site.bundle[:16]}"
    )


def _probabilities(decision: Decision) -> str:
    method = decision.calibration.method
    return "not calibrated" if method == "none" else f"calibrated by {method}"


def _gate(gate: FilmGate | None) -> str:
    if gate is None:
        return "not recognised: these graphs answer whatever picture they get"
    return f"refused below {gate.threshold:g} of the graphs' second logit"


def _quantized(manifest: Manifest, thing: str) -> str:
    """Say by which ranges the graphs were quantized, where they were."""
    quantization, recipes = manifest.quantization, [graph.recipe for graph in manifest.graphs]
    if all(recipe.startswith("float") for recipe in recipes):
        return "no: the graphs compute in float"
    if not quantization.films:
        return f"without calibration {thing}s"
    return f"by {quantization.method} ranges measured on {len(quantization.films)} {thing}s"


def _made_from(noted: Provenance | None, thing: str) -> str:
    """Say what made it, by the beginning of each digest."""
    if noted is None:
        return "not recorded"
    sources, data = noted.sources, noted.data
    return (
        f"{noted.origin.kind} {noted.origin.sha256[:16]}, {data.films} {thing}s "
        f"{data.sha256[:16]}, by edge-kit {sources.version} of sources {sources.sha256[:16]}"
    )


def _trained(training: Training) -> str:
    """Say what is known of the training; of a model made elsewhere that is its name alone."""
    parts = [training.model]
    parts += [] if training.seed is None else [f"seed {training.seed}"]
    parts += [] if training.epochs is None else [f"{training.epochs} epochs"]
    return ", ".join(parts) + ("" if len(parts) > 1 else ", elsewhere: seed and epochs not known")
