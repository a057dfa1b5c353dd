"""A bundle as a CycloneDX bill of materials: its files, and a model card of what it proves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_kit.documents.bom import bom_bytes, require_library, written_at
from edge_kit.documents.facts import NOT_A_DEVICE, Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cyclonedx.model.component import Component

_MODEL = "model"
_PREFIX = "edge-kit:"


def model_bom(facts: Facts) -> bytes:
    """Return the bill of materials of a bundle, a machine-learning model with its model card.

    Raises:
        UsageError: the library for it is not installed.
        DataError: it is not as its schema says.
    """
    require_library()
    from cyclonedx.model.bom import Bom, BomMetaData

    root = _component(facts)
    bom = Bom(metadata=BomMetaData(component=root, timestamp=written_at()))
    files = _files(facts)
    bom.components.update([*files, *_tools(facts)])
    bom.register_dependency(root, files)

    def add(document: dict[str, Any]) -> None:
        # cyclonedx-python-lib has no class for a model card, which the schema has.
        document["metadata"]["component"]["modelCard"] = _model_card(facts)

    return bom_bytes(bom, facts.title, add)


def _component(facts: Facts) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    told = facts.told
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=facts.manifest.name,
        version=facts.manifest.version,
        bom_ref=_MODEL,
        description=told(
            f"Classifies films as {' or '.join(facts.classes)}, or says uncertain. {NOT_A_DEVICE}"
        ),
        properties=_properties(_noted(facts)),
    )


def _noted(facts: Facts) -> dict[str, str]:
    """Return what made the bundle, by name."""
    values = {"identity": facts.identity, "verdict": facts.manifest.verdict}
    if facts.noted is None:
        return {**values, "provenance": "not recorded"}
    noted = facts.noted
    return {
        **values,
        "sources": noted.sources.sha256,
        f"origin:{noted.origin.kind}": noted.origin.sha256,
        "data": noted.data.sha256,
        "data:films": str(noted.data.films),
        "calibration": noted.calibration.sha256,
        "calibration:films": str(noted.calibration.films),
        "command:train": noted.commands.train or "not known",
        "command:export": noted.commands.export or "not known",
    }


def _properties(values: Mapping[str, str]) -> list[Any]:
    from cyclonedx.model import Property

    return [Property(name=_PREFIX + name, value=value) for name, value in values.items()]


def _files(facts: Facts) -> list[Component]:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    recipes = {graph.file: graph.recipe for graph in facts.manifest.graphs}
    return [
        Component(
            type=ComponentType.FILE,
            name=name,
            bom_ref=f"file:{name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
            properties=_properties({"recipe": recipes[name]} if name in recipes else {}),
        )
        for name, file in facts.manifest.files.items()
    ]


def _tools(facts: Facts) -> list[Component]:
    """Return the libraries that made the bundle, none of which it holds."""
    from cyclonedx.model.component import Component, ComponentScope, ComponentType

    return [
        Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"tool:{name}",
            scope=ComponentScope.EXCLUDED,
        )
        for name, version in facts.packages.items()
    ]


def _model_card(facts: Facts) -> dict[str, Any]:
    """Return the model card of the schema: parameters, figures and considerations."""
    manifest, told = facts.manifest, facts.told
    pixels = manifest.preprocess
    shape = f"uint8 [1, {pixels.height}, {pixels.width}, {pixels.channels}] pixels"
    gate = [] if manifest.film_gate is None else [{"format": told("float32 logit, film or not")}]
    return {
        "bom-ref": f"{_MODEL}-card",
        "modelParameters": {
            # Of a network that was trained elsewhere, its name alone is known.
            **({"approach": {"type": "supervised"}} if manifest.training.epochs else {}),
            "task": "binary image classification",
            "modelArchitecture": manifest.training.model,
            "datasets": [_dataset(facts, split) for split in facts.splits],
            "inputs": [{"format": shape}],
            "outputs": [{"format": f"float32 logit of {facts.classes[1]}"}, *gate],
        },
        "quantitativeAnalysis": {"performanceMetrics": [*_metrics(facts)]},
        "considerations": {
            "useCases": [told(f"{facts.use}. {NOT_A_DEVICE}")],
            "technicalLimitations": [
                *map(told, facts.cautions),
                *([facts.limits] if facts.limits else []),
            ],
            "performanceTradeoffs": [
                told(facts.proof),
                *(told(str(loss)) for loss in facts.losses),
            ],
        },
    }


def _dataset(facts: Facts, split: str) -> dict[str, Any]:
    told = facts.told
    return {
        "type": "dataset",
        "bom-ref": f"data:{split}",
        "name": told(f"{split} films: {facts.counts(split)}"),
        "contents": {"properties": _data_properties(facts)},
    }


def _data_properties(facts: Facts) -> list[dict[str, str]]:
    digest = facts.noted.data.sha256 if facts.noted else "not recorded"
    return [{"name": f"{_PREFIX}data", "value": digest}]


def _metrics(facts: Facts) -> list[dict[str, Any]]:
    return [
        {
            "type": figure.name,
            "value": f"{figure.value:.6g}",
            "slice": facts.told(f"{figure.graph}, {figure.n} {figure.split} films"),
            "confidenceInterval": {
                "lowerBound": f"{figure.low:.6g}",
                "upperBound": f"{figure.high:.6g}",
            },
        }
        for figure in facts.figures
    ]
