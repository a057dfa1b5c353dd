"""Everything that one export measured, for the report, the card and the bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_export.graph.artefact import Artefact, Measured
from edge_export.proof.calibration import CalibrationFit
from edge_export.proof.decision import uncertain_share
from edge_export.proof.latency import Latency
from edge_export.proof.layers import LayerNoise
from edge_export.proof.parity import Budget
from edge_export.proof.preparation import Preparation
from edge_export.proof.prove import Proof
from edge_export.proof.reference import HeldOut
from edge_export.proof.verdict import Outcome, worst
from edge_export.quantize.calibrate import CalibrationRecord
from edge_export.quantize.stability import Stability
from edge_export.statistics.estimates import Estimate


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Cost and outcome of one attempt to quantize; figures are of the worse of its formats."""

    step: str
    changed: str
    flips: int
    n: int
    largest_difference: float
    bytes: int
    milliseconds: float
    answer: Outcome
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.step}, {self.changed}: {self.answer}, {self.flips} of {self.n} flips, "
            f"largest dp {self.largest_difference:.4f}, {self.bytes / 1e6:.2f} MB, "
            f"{self.milliseconds:.2f} ms a film, made in {self.seconds:.0f} s"
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that one export measured; `shipped` are the files that go into the bundle.

    `layers`, `latencies` and `nodes` are keyed by file; `splits` counts all films by split and
    class. Where static int8 was not ordered, `stability` is None and `ladder` is empty; otherwise
    the ladder begins with what was ordered.
    `warnings` are the same at every run and travel in the bundle; `slower` are those of this
    machine's speed, which do not. `caveat` is what an audit says that accuracy on these films is
    worth, in sentences, the conclusion first.
    `fit` tells how the calibration of probabilities came about, `preparation` how films are
    prepared and what was expected of it, where anything was.
    """

    artefacts: Sequence[Artefact]
    measured: Mapping[str, Measured]
    held_out: HeldOut
    proof: Proof
    budget: Budget
    shipped: Sequence[str]
    calibration: CalibrationRecord
    stability: Stability | None
    ladder: Sequence[AttemptResult]
    layers: Mapping[str, Sequence[LayerNoise]]
    latencies: Mapping[str, Latency]
    nodes: Mapping[str, int]
    warnings: Sequence[str]
    splits: Mapping[str, Mapping[str, int]]
    slower: Sequence[str] = ()
    caveat: Sequence[str] = ()
    fit: CalibrationFit | None = None
    preparation: Preparation | None = None

    @property
    def bundled(self) -> list[Artefact]:
        """The artefacts that go into the bundle, in the order of `shipped`."""
        by_file = {artefact.file: artefact for artefact in self.artefacts}
        return [by_file[file] for file in self.shipped]

    @property
    def cautions(self) -> list[str]:
        """Everything that a reader is warned of, whatever the machine, each line once."""
        faults = [fault.line for fault in self.proof.faults if fault.name not in FATAL]
        ignored = [f"calibration: {name} ignored as asked" for name in self.calibration.overrides]
        return list(dict.fromkeys([*self.warnings, *faults, *ignored]))

    @property
    def uncertain(self) -> Estimate:
        """The largest share of the held-out films that a shipped graph calls `uncertain`."""
        proof = self.proof
        shares = (
            uncertain_share(proof.decision, proof.probabilities[file]) for file in self.shipped
        )
        return max(shares, key=lambda share: share.value)

    @property
    def answer(self) -> Outcome:
        """The worst of the shipped artefacts' verdicts, and `fail` for a fault of the model."""
        if any(fault.name in FATAL for fault in self.proof.faults):
            return "fail"
        return worst(self.proof.evidence[file].verdict for file in self.shipped)

    @property
    def reasons(self) -> list[str]:
        """Why the answer is what it is, a line for each artefact and reason."""
        faults = [fault.line for fault in self.proof.faults if fault.name in FATAL]
        verdicts = {file: self.proof.evidence[file].verdict for file in self.shipped}
        return faults + [
            reason if reason.startswith(file) else f"{file}: {reason}"
            for file, verdict in verdicts.items()
            if verdict.answer == (self.answer if not faults else "fail")
            for reason in verdict.reasons
        ]

    @property
    def films_needed(self) -> dict[str, int | None]:
        """By class, how many more held-out films would decide; None where no number would."""
        verdicts = [self.proof.evidence[file].verdict for file in self.shipped]
        needed: dict[str, int | None] = {}
        for name in verdicts[0].films_needed:
            counts = [verdict.films_needed[name] for verdict in verdicts]
            needed[name] = (
                None if None in counts else max(count for count in counts if count is not None)
            )
        return needed


# Faults of the model itself that no bundle may carry. `chance` warns: few films look like it too.
FATAL = ("class_order", "preprocessing", "constant", "one_side", "film_gate")
