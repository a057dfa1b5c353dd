"""What a page says of its bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from edge_runtime.bundle import Bundle
    from edge_runtime.web.films import FilmService

RESEARCH_USE = (
    "Research use; not a medical device. "
    "Nobody may be diagnosed, treated or turned away by this answer."
)
_CARD = "card.md"


def model_name(films: FilmService) -> dict[str, str]:
    """Return name, version and identity of the bundle."""
    manifest = films.bundle.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "identity": films.bundle.identity,
    }


def health(films: FilmService) -> dict[str, Any]:
    """Return that the page works, and with what."""
    return {"status": "ok", "engine": films.classifier.engine, "model": model_name(films)}


def model(films: FilmService) -> dict[str, Any]:
    """Return what the bundle is, and for whom."""
    manifest, decision = films.bundle.manifest, films.classifier.decision
    band = decision.uncertain
    return {
        **model_name(films),
        "classes": [manifest.classes.negative, manifest.classes.positive],
        "positive": manifest.classes.positive,
        "threshold": decision.threshold,
        "band": [band.low, band.high],
        "preprocess": manifest.preprocess.to_json(),
        "intended_use": manifest.intended_use.to_json(),
        "research_use_only": RESEARCH_USE,
        "engine": films.classifier.engine,
        "verdict": manifest.verdict,
    }


def card(bundle: Bundle) -> str:
    """Return the card of the model, or that it has none."""
    try:
        return bytes(bundle.read(_CARD)).decode("utf-8", "replace")
    except KeyError:
        return "This bundle has no card.\n"
