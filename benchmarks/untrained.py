"""A bundle of an untrained network: its float and its int8 graphs, to measure what they cost.

    python benchmarks/untrained.py model3 --out build/model3-untrained.edge
    python benchmarks/untrained.py FILE.py:FUNCTION --side 144 --out build/small.edge

What a graph costs hardly depends on its weights, and neither films nor a training are needed: the
weights are random, the ranges those of a few phantoms. The int8 graphs stand first, so that
`edge-run` runs them. Such a bundle says nothing of any film: it is not for use.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edge_export.description import intended_use
from edge_export.films.golden import golden_images
from edge_export.graph.artefact import Artefact, open_artefact
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import FLOAT32, INT8, Setting
from edge_export.quiet import import_tensorflow, quiet
from edge_export.report.document import TOOLS
from edge_kit.film_branch.branch import film_branch, join
from edge_kit.models.registry import architecture
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.records import Graph, Preprocess
from edge_runtime.film.preprocess import film_pixels, film_stages, standard
from edge_runtime.machine.check import stage_digest

SEED = 0
NO_PICTURE_REFUSED = -1000.0


def main() -> None:
    """Write the bundle that the command line asks for."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("model", help="as for edge-kit train --model")
    options.add_argument("--side", type=int, default=224, help="height and width in pixels")
    options.add_argument("--out", type=Path, required=True, help="the bundle")
    chosen = options.parse_args()
    import_tensorflow()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    print(f"wrote {chosen.out}, identity {write(chosen.out, chosen.model, chosen.side)}")


def write(out: Path, name: str, side: int) -> str:
    """Write a bundle of the network `name` for grey films of `side` pixels; return its identity."""
    known, preprocess = architecture(name), standard(side, side, 1)
    films = {image.file: image.png for image in golden_images()}
    artefacts = graphs(known.build, preprocess, films)
    members = {artefact.file: artefact.graph for artefact in artefacts}
    fields: dict[str, object] = {
        "name": f"{known.name.replace('_', '-')}-untrained",
        "version": "0.0.0",
        "intended_use": intended_use("xray"),
        "classes": {"negative": "noncovid", "positive": "covid"},
        "preprocess": preprocess,
        "decision": {
            "calibration": {"method": "none", "scale": 1.0, "offset": 0.0},
            "threshold": 0.5,
            "uncertain": {"low": 0.49, "high": 0.51},
        },
        "film_gate": {"threshold": NO_PICTURE_REFUSED},
        "graphs": [
            Graph(file=one.file, format=one.format, recipe=one.recipe, outputs=())
            for one in artefacts
        ],
        "golden": {"tolerance": 1.0, "films": golden(artefacts, preprocess, films)},
        "quantization": {"method": "min_max", "films": (), "overrides": (), "remedies": ()},
        "verdict": "undecided",
        "training": {"model": known.name, "seed": SEED, "epochs": 0},
        "tools": {tool: version(tool) for tool in TOOLS},
    }
    return write_bundle(out, fields, {**members, **films, "card.md": b"Untrained: not for use.\n"})


def graphs(build: Any, preprocess: Preprocess, films: Mapping[str, bytes]) -> list[Artefact]:
    """Return the int8 and the float graphs of what `build` makes, with a film branch."""
    import keras

    keras.utils.set_random_seed(SEED)
    shape = preprocess.height, preprocess.width, preprocess.channels
    model = join(build(*shape), film_branch(*shape))
    films_shown = [np.frombuffer(film_pixels(png, preprocess), np.uint8) for png in films.values()]
    pixels = np.stack(films_shown).reshape(-1, *shape)
    with quiet():
        quantizer = Quantizer(float_graphs(network(model, InputRange()), pixels), pixels)
        return [
            artefact
            for recipe in (INT8, FLOAT32)
            for artefact in quantizer.artefacts(recipe, Setting())[0]
        ]


def golden(
    artefacts: list[Artefact], preprocess: Preprocess, films: Mapping[str, bytes]
) -> list[dict[str, object]]:
    """Return what each graph answers to each of the golden `films` on this machine."""
    shape = (1, preprocess.height, preprocess.width, preprocess.channels)
    engines = {artefact.file: open_artefact(artefact, shape) for artefact in artefacts}
    return [
        {
            "file": file,
            "stages": {stage: stage_digest(image) for stage, image in film_stages(png, preprocess)},
            "logits": {
                graph: engine.logits(film_pixels(png, preprocess))
                for graph, engine in engines.items()
            },
        }
        for file, png in films.items()
    ]


if __name__ == "__main__":
    main()
