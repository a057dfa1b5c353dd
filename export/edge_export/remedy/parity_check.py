"""The bench that every graph is tried on: the same films, the same reference, the same budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_export.graph.artefact import Artefact, Measured, measure, require_openable
from edge_export.graph.float_graphs import FloatGraphs
from edge_export.proof.faults import Fault
from edge_export.proof.layers import LayerNoise, dead_layers, layer_noise
from edge_export.proof.parity import Budget
from edge_export.proof.prove import Proof, prove
from edge_export.proof.reference import Reference, Rows
from edge_export.quantize.recipe import RECIPES

_LAYERS_ON = 24  # held-out films on which layers are compared; more move their noise by tenths


@dataclass(frozen=True, slots=True)
class Trial:
    """Graphs, their answers to the held-out films, and the noise of their layers, by file."""

    artefacts: Sequence[Artefact]
    measured: Mapping[str, Measured]
    layers: Mapping[str, Sequence[LayerNoise]]

    def __add__(self, more: Trial) -> Trial:
        """Return both trials as one."""
        return Trial(
            [*self.artefacts, *more.artefacts],
            {**self.measured, **more.measured},
            {**self.layers, **more.layers},
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """What graphs are held against: the float graphs, and Keras's answers to the held-out rows."""

    graphs: FloatGraphs
    reference: Reference
    rows: Rows
    budget: Budget

    def run(self, artefacts: Sequence[Artefact]) -> Trial:
        """Measure `artefacts`, and compare the layers of those that were calibrated.

        Raises:
            ParityFailed: an answer is not finite.
            NoEngine: an ONNX graph opens on some processors alone.
        """
        pixels = self.rows.pixels
        for artefact in artefacts:
            require_openable(artefact, (1, *pixels.shape[1:]))
        few = pixels[:: max(1, len(pixels) // _LAYERS_ON)]
        return Trial(
            artefacts,
            {artefact.file: measure(artefact, pixels) for artefact in artefacts},
            {
                artefact.file: layer_noise(self.graphs, artefact, few)
                for artefact in artefacts
                if RECIPES[artefact.recipe].calibrated
            },
        )

    def prove(self, trial: Trial, faults: Sequence[Fault] = ()) -> Proof:
        """Return what a trial proves; `faults` are known ones of the reference."""
        dead = {file: dead_layers(file, noise) for file, noise in trial.layers.items()}
        return prove(
            self.reference,
            trial.measured,
            trial.artefacts,
            self.rows,
            self.budget,
            faults=faults,
            dead=dead,
        )
