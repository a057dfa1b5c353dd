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
_OF_THE_SITE = "site/card.md"


def model_name(bundle: Bundle) -> dict[str, str]:
    """Return name, version and identity of a bundle."""
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "identity": bundle.identity,
    }


def health(films: FilmService) -> dict[str, Any]:
    """Return that the page works, and with what."""
    by = films.classifier
    return {"status": "ok", "engine": by.engine, "model": model_name(by.bundle)}


def model(films: FilmService) -> dict[str, Any]:
    """Return what the bundle is, and for whom."""
    by = films.classifier
    manifest, decision = by.manifest, by.decision
    band = decision.uncertain
    return {
        **model_name(by.bundle),
        "classes": [manifest.classes.negative, manifest.classes.positive],
        "positive": manifest.classes.positive,
        "threshold": decision.threshold,
        "band": [band.low, band.high],
        "preprocess": manifest.preprocess.to_json(),
        "intended_use": manifest.intended_use.to_json(),
        "research_use_only": RESEARCH_USE,
        "engine": by.engine,
        "verdict": manifest.verdict,
        "signed": films.bundle.signers.to_json() if films.bundle.signers else None,
    }


def card(bundle: Bundle) -> str:
    """Return the card of the model, a site's before its maker's, or that it has none."""
    names = [name for name in (_OF_THE_SITE, _CARD) if name in bundle.manifest.files]
    texts = [bytes(bundle.read(name)).decode("utf-8", "replace") for name in names]
    return "\n".join(texts) or "This bundle has no card.\n"
