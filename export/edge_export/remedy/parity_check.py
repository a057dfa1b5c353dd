"""What every graph is compared with: the same films, the same reference, the same budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_export.graph.artefact import Artefact, Measured, measure, require_openable
from edge_export.graph.float_graphs import FloatGraphs
from edge_export.proof.faults import Fault
from edge_export.proof.layers import LayerNoise, dead_layers, layer_noise
from edge_export.proof.parity import Budget
from edge_export.proof.prove import Proof, prove
from edge_export.proof.reference import HeldOut, Reference
from edge_export.quantize.recipe import RECIPES

_LAYERS_ON = (
    24  # held-out films on which layers are compared; more change the noise by tenths of a dB
)


@dataclass(frozen=True, slots=True)
class MeasuredGraphs:
    """Graphs, their answers to the held-out films, and the noise of their layers, by file."""

    artefacts: Sequence[Artefact]
    answers: Mapping[str, Measured]
    layers: Mapping[str, Sequence[LayerNoise]]

    def __add__(self, more: MeasuredGraphs) -> MeasuredGraphs:
        """Return the graphs of both."""
        return MeasuredGraphs(
            [*self.artefacts, *more.artefacts],
            {**self.answers, **more.answers},
            {**self.layers, **more.layers},
        )


@dataclass(frozen=True, slots=True)
class ParityCheck:
    """What graphs are compared with: the float graphs, and Keras's logits of the held-out films."""

    graphs: FloatGraphs
    reference: Reference
    held_out: HeldOut
    budget: Budget

    def run(self, artefacts: Sequence[Artefact]) -> MeasuredGraphs:
        """Measure `artefacts`, and compare the layers of those that were calibrated.

        Raises:
            ParityFailed: an answer is not finite.
            NoEngine: an ONNX graph opens on some processors alone.
        """
        pixels = self.held_out.pixels
        for artefact in artefacts:
            require_openable(artefact, (1, *pixels.shape[1:]))
        few = pixels[:: max(1, len(pixels) // _LAYERS_ON)]
        return MeasuredGraphs(
            artefacts,
            {artefact.file: measure(artefact, pixels) for artefact in artefacts},
            {
                artefact.file: layer_noise(self.graphs, artefact, few)
                for artefact in artefacts
                if RECIPES[artefact.recipe].calibrated
            },
        )

    def prove(self, measured: MeasuredGraphs, faults: Sequence[Fault] = ()) -> Proof:
        """Return what the graphs prove; `faults` are known ones of the reference."""
        names = self.graphs.layers
        dead = {file: dead_layers(file, noise, names) for file, noise in measured.layers.items()}
        return prove(
            self.reference,
            measured.answers,
            measured.artefacts,
            self.held_out,
            self.budget,
            faults=faults,
            dead=dead,
        )
