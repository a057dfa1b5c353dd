"""The model card that travels in the bundle: what it is for, how it did, what it must not do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from edge_export.cautions import first_section
from edge_export.description import unstated
from edge_export.proof.calibration import NONE, TEMPERATURE
from edge_export.proof.decision import MOST_UNCERTAIN
from edge_export.proof.findings import Findings
from edge_export.proof.parity import REFERENCE
from edge_export.proof.prove import Proof
from edge_export.proof.threshold import Rule, Threshold
from edge_export.quantize.recipe import RECIPES
from edge_export.report.summary import parity_table
from edge_export.words import words

if TYPE_CHECKING:
    from edge_export.description import BundleDescription
    from edge_runtime.bundle.records import IntendedUse

CARD = "card.md"
"""The name of the card in a bundle."""
NOT_STATED = "not stated"
"""What stands for a part of the intended use that the maker has not stated."""
FIRST_HEADING = "## What it does"
"""The first heading of a card; what a site adds stands before it."""

_HEAD = """\
# {name} {version}

**Research use; not a medical device.** Nobody may be diagnosed, treated or turned away by its
answer.

{before}"""
_BODY = """
Classifies films ({modality}) as `{negative}` or `{positive}`, or says `uncertain`. Probabilities
are of `{positive}`, {calibrated}; the threshold is {threshold:g}, answers between
{low:g} and {high:g} are `uncertain`.{chosen}

It is for films of: {use}. Files whose
DICOM header says otherwise are refused, those that say nothing of it are not.{unstated}

{film_check}

## How it was made
Architecture {model}, input {height} x {width} x {channels}. {origin}

{quantization}

Users of ONNX Runtime in programs of their own: {onnx}

## How it did on held-out films
{verdict}

{losses}

Against the Keras model it was made from. `flips` are decisions that changed; `max dp` and `mean
dp` are differences of probability. Accuracy counts uncertain films as decided at the threshold.

{table}
With 95 % intervals (Wilson's, of the AUC DeLong's, as if films were independent), on the test
films, `{graph}`:

- accuracy {accuracy}
- sensitivity {sensitivity}
- specificity {specificity}
- AUC {auc}

## Limits
{limits}

- Held-out films come from the same sources as the training films: these figures say how the
  small graph follows the big one, not how either does in another hospital.
- Not tested: other age groups, other projections, other diseases, other equipment than in the
  data above.
"""
_OURS = """\
Trained for {epochs} epochs from seed {seed}:

    {made_by}
    {exported_by}"""
_EXPORT = "edge-kit export RUN --int8 --data DATA{decision} --out {name}.edge"
_FOREIGN = """\
Trained elsewhere: on which films is not
known here, and those below may be among them."""
_EXPORTED = """ Exported by:

    {exported_by}"""
_ONNX = """\
set the session option `session.x64quantprecision` to 1 on x86
processors without VNNI, or int8 sums saturate there and decisions change. `edge-run` does."""
_NO_LIMITS = "The maker has stated no limits of the data (`--limits FILE`): assume the worst."

_LIMITS_HEADING, _AFTER_LIMITS = "\n## Limits\n", "\n\n- Held-out "
OF_THIS_MODEL = "- Of this model: "
"""What stands before the caution of a run, in the limits of a card."""

_VERDICT = {
    "pass": "**Proved**: sensitivity and specificity each lose less than the margin.",
    "undecided": "**Undecided**: too few films to prove that nothing was lost.",
    "fail": "**Failed**: not to be shipped.",
}


def card(findings: Findings, description: BundleDescription) -> str:
    """Return the card as Markdown; nothing in it changes from run to run."""
    proof, training, preprocess = findings.proof, description.training, description.preprocess
    first = findings.shipped[0]
    test = proof.comparisons[first]["test"].metrics
    known = {
        "name": description.name,
        "version": description.version,
        "modality": description.intended_use.modality,
        "negative": description.negative,
        "positive": description.positive,
        "model": training.model,
        "seed": training.seed,
        "epochs": training.epochs,
        "height": preprocess.height,
        "width": preprocess.width,
        "channels": preprocess.channels,
        "made_by": description.made_by,
        "exported_by": description.exported_by
        or _EXPORT.format(decision=_decision_options(findings), name=description.name),
    }
    elsewhere = _FOREIGN + (_EXPORTED if description.exported_by else "")
    told = words(description.intended_use.modality)
    return told(_HEAD + FIRST_HEADING + _BODY).format(
        **known,
        before=first_section(findings.cautions, findings.caveat),
        origin=told(_OURS if description.made_by else elsewhere).format(**known)
        + told(_prepared(findings)),
        calibrated=_calibrated(proof),
        threshold=proof.decision.threshold,
        chosen=told(_chosen(proof.threshold) + _fit(findings)),
        low=proof.decision.uncertain.low,
        high=proof.decision.uncertain.high,
        use=_use(description.intended_use),
        unstated=_unstated(description.intended_use),
        film_check=told(_film_check(findings)),
        quantization=told(_quantization(findings)),
        onnx=_ONNX,
        verdict=told(_VERDICT[findings.answer]),
        losses=_losses(findings),
        table=parity_table(findings),
        graph=first,
        accuracy=test.accuracy,
        sensitivity=test.sensitivity,
        specificity=test.specificity,
        auc=test.auc,
        limits=description.limits.strip() or _NO_LIMITS,
    )


def limits_of(card: str) -> str:
    """Return the limits of the data that a card states, as its maker wrote them; empty if none.

    What `edge-kit` adds of a run of its own is left out.
    """
    _, _, section = card.partition(_LIMITS_HEADING)
    stated, end, _ = section.rpartition(_AFTER_LIMITS)
    lines = stated.splitlines(keepends=True)
    if lines and lines[0].startswith(OF_THIS_MODEL):
        lines = lines[1:]
    text = "".join(lines).strip()
    return f"{text}\n" if end and text and text != _NO_LIMITS else ""


def _decision_options(findings: Findings) -> str:
    """Return the options that chose calibration and threshold, where they are not the default."""
    proof = findings.proof
    method, chosen = proof.decision.calibration.method, proof.threshold.chosen
    words = "" if method == TEMPERATURE else f" --calibration {method}"
    if findings.uncertain.value > MOST_UNCERTAIN:
        words += " --max-uncertain 1"
    if chosen is None:
        return words
    rule = "--youden" if chosen.sensitivity is None else f"--sensitivity {chosen.sensitivity:g}"
    return f"{words} {rule}"


def _use(use: IntendedUse) -> str:
    """Return in words which films a bundle is for."""
    parts = [
        f"modality {use.modality}",
        f"body part {' or '.join(use.body_parts) or NOT_STATED}",
        f"view {' or '.join(use.views) or NOT_STATED}",
        f"ages {NOT_STATED if use.youngest is None else f'{use.youngest} to {use.oldest}'}",
    ]
    return ", ".join(parts)


def _unstated(use: IntendedUse) -> str:
    """Return what follows from what the maker did not state of the intended use."""
    missing = unstated(use)
    if not missing:
        return ""
    return (
        f" What is not\nstated ({', '.join(missing)}) refuses no file, and nothing is known of how "
        "it does there."
    )


def _chosen(threshold: Threshold) -> str:
    """Return how the threshold was chosen, or nothing where it is one half."""
    chosen = threshold.chosen
    if chosen is None:
        return ""
    return (
        f"\n\nThat threshold is {Rule(chosen.sensitivity)}, chosen on\n{chosen.positive} positive "
        f"and {chosen.negative} negative validation films. There, which is too good\nfor having "
        f"been chosen so: sensitivity {threshold.sensitivity},\nspecificity "
        f"{threshold.specificity}."
    )


def _calibrated(proof: Proof) -> str:
    method = proof.decision.calibration.method
    return "not calibrated" if method == NONE else f"calibrated by {method}"


def _fit(findings: Findings) -> str:
    """Return what has to be known of the calibration, or nothing where it is sound."""
    note = findings.fit.note if findings.fit else ""
    return f"\n\n{_paragraph(f'Of the calibration: {note}.')}" if note else ""


def _prepared(findings: Findings) -> str:
    """Return how films are prepared for the model, and what its author expected of the answers."""
    if findings.preparation is None:
        return ""
    sentences = [f"{line[0].upper()}{line[1:]}." for line in findings.preparation.lines()]
    return "\n\n" + "\n\n".join(map(_paragraph, sentences))


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _film_check(findings: Findings) -> str:
    """Return how pictures that are no films are refused, and how many held-out films are."""
    if not findings.proof.film_checks:
        return "Nothing tells it films from other pictures: whatever it is shown, it judges."
    lines = ["What does not look like a film to its second output is refused as `not_a_film`:", ""]
    for file in (REFERENCE, *findings.shipped):
        parity = findings.proof.film_checks[file]
        changed = "" if file == REFERENCE else f", {parity.changed} of them otherwise than Keras"
        lines.append(f"- `{file}` refuses {parity.refused} of {parity.n} held-out films{changed}")
    return "\n".join(lines)


def _quantization(findings: Findings) -> str:
    """Return how each shipped graph was made, and the faults that its maker chose to ignore."""
    recipes = {artefact.file: artefact.recipe for artefact in findings.artefacts}
    calibration = findings.calibration
    lines = [f"- `{file}`: {recipes[file]}" for file in findings.shipped]
    if any(RECIPES[recipes[file]].calibrated for file in findings.shipped):
        lines.append(
            f"- static recipes by {calibration.method} ranges of {len(calibration.films)} training "
            "films, listed by digest in the\n  manifest"
        )
    lines += [f"- ignored at its maker's request: {name}" for name in calibration.overrides]
    lines += [f"- remedy: {attempt.step}, {attempt.changed}" for attempt in findings.ladder[1:]
              if attempt.answer != "fail"]  # fmt: skip
    return "\n".join(lines)


def _losses(findings: Findings) -> str:
    lines = []
    for file in findings.shipped:
        for name, loss in findings.proof.evidence[file].losses.items():
            bound = f"at most {100 * loss.high:.1f} (one-sided 95 %, n {loss.n})"
            lines.append(f"- `{file}` {name}: {100 * loss.value:.1f} points lost, {bound}")
    return "\n".join(lines)
