"""A draft of a predetermined change control plan, in the three parts of the FDA's final guidance.

"Marketing Submission Recommendations for a Predetermined Change Control Plan for Artificial
Intelligence-Enabled Device Software Functions", December 2024, issued again in August 2025:
description of modifications, modification protocol, impact assessment.
"""

from __future__ import annotations

from edge_kit.documents.facts import Facts
from edge_kit.documents.markdown import Section, draft, figures, listed, losses

_FOREWORD = (
    "A predetermined change control plan in the three parts that the FDA's final guidance for "
    "AI-enabled device software functions names (December 2024, issued again in August 2025)."
)
MODIFICATIONS = (
    (
        "A site's threshold or calibration",
        "`edge-kit threshold`: the decision is fitted on a site's own films; graphs stay as they "
        "are, byte for byte. Automatic: no. The bundle is called `+site` and its verdict becomes "
        "`undecided` where the threshold moved.",
    ),
    (
        "Quantization anew",
        "`edge-kit export` of the same run by another recipe or version. Weights stay those of "
        "the run; graphs differ. Automatic: no.",
    ),
    (
        "Training anew",
        "`edge-kit train` with more films, and an export. Everything may differ. Automatic: no.",
    ),
)
"""What Edge Kit can change of a bundle: its name, and how."""


def change_plan(facts: Facts) -> bytes:
    """Return the draft of the change control plan of a bundle, as Markdown."""
    sections = [*_description(facts), *_protocol(facts), *_impact(facts)]
    return draft(facts, "Predetermined change control plan", _FOREWORD, sections)


def _description(facts: Facts) -> list[Section]:
    return [
        Section(
            "1. Description of modifications",
            [f"From version {facts.manifest.version}, for films of: {facts.use}. The intended use "
             "stays as it is. These are the changes that the program knows; none is planned until "
             "somebody says so."],
            ["which of them are planned, how often, and for all machines or some"],
        ),
        *(
            Section(f"(1.{number}) {name}", [text], ["the range within which it may change"])
            for number, (name, text) in enumerate(MODIFICATIONS, 1)
        ),
    ]  # fmt: skip


def _protocol(facts: Facts) -> list[Section]:
    decision, golden = facts.manifest.decision, facts.manifest.golden
    return [
        Section("2. Modification protocol", [], []),
        Section(
            "(2.1) Data management",
            ["Edge Kit names films by digest, and refuses a split that parts patients or "
             "near-duplicates, as far as it can know of them. Films of this bundle by split:",
             listed((f"{split}: {facts.counts(split)}" for split in facts.splits), "films")],
            ["sources of new films, and who labels them", "test films that no change has seen"],
        ),
        Section(
            "(2.2) Training anew",
            [f"Network `{facts.manifest.training.model}`. What made this bundle is "
             f"{'recorded in it' if facts.noted else 'not recorded in it'}; `edge-kit reproduce` "
             "exports a run again and compares byte for byte."],
            ["what starts a training"],
        ),
        Section(
            "(2.3) Evaluation",
            ["Acceptance as for this bundle: " + facts.proof,
             losses(facts), figures(facts),
             f"The threshold now is {decision.threshold:g}, uncertain from "
             f"{decision.uncertain.low:g} to {decision.uncertain.high:g}."],
            ["figures below which a change is given up", "figures by groups of persons"],
        ),
        Section(
            "(2.4) Update",
            [f"A new bundle is a new file with an identity of its own; `edge-run check` replays "
             f"{len(golden.films)} golden films within {golden.tolerance:g} of their logits on the "
             "machine before it is used."],
            ["how users are told", "how a change is taken back", "what is watched afterwards"],
        ),
    ]  # fmt: skip


def _impact(facts: Facts) -> list[Section]:
    return [
        Section(
            "3. Impact assessment",
            ["Known limits that a change may remove or make worse:",
             listed(facts.cautions, "known faults of the data and the model"),
             "Each change is compared with the float model and with this bundle; several together "
             "are proved together, as one export."],
            ["benefits and risks of each change, and of several together",
             "how the protocol above keeps each risk down",
             "what it does to parts of the device that are not this model"],
        )
    ]  # fmt: skip
