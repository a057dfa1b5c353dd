"""A draft of the technical documentation of Annex IV to the EU's Regulation 2024/1689 (AI Act).

The headings follow its nine points, in our words; the Official Journal has those that count.
"""

from __future__ import annotations

from edge_kit.documents.facts import Facts, blank
from edge_kit.documents.markdown import Section, draft, figures, listed, losses

_FOREWORD = (
    "Technical documentation as Article 11 and Annex IV of Regulation (EU) 2024/1689 ask for it, "
    "point by point."
)
_OVERSIGHT = (
    "Each answer comes with its probability, its threshold and an uncertain band, within which it "
    "is `uncertain`; what is outside the intended use, as far as a file says so, is refused with "
    "the reason. A heat map shows what an answer depends on (`edge-run heatmap`)."
)
_SECURITY = (
    "Every file is named by its SHA-256 in the manifest and checked before use; graphs are checked "
    "before an engine opens them; films can be decoded in a process of their own (`--isolated`)."
)
_STANDARDS = (
    "Formats, not harmonised standards: films by DICOM, graphs as TFLite and ONNX, this bundle's "
    "bill of materials by CycloneDX 1.7."
)


def annex_iv(facts: Facts) -> bytes:
    """Return the draft of the technical documentation of a bundle, as Markdown."""
    sections = [
        *_general(facts),
        *_development(facts),
        _monitoring(facts),
        _metrics(facts),
        _risks(facts),
        _changes(facts),
        Section("7. Standards", [_STANDARDS], ["harmonised standards and other specifications"]),
        Section("8. EU declaration of conformity", [], ["a copy of it, once there is one"]),
        Section(
            "9. Evaluation after placing on the market",
            ["`edge-run check` replays the golden films on each machine; the audit trail counts "
             "answers and refusals by day and model (`edge-run audit report`)."],
            ["the system of evaluation, with the plan of post-market monitoring of Article 72(3)"],
        ),
    ]  # fmt: skip
    return draft(facts, "Technical documentation (Annex IV)", _FOREWORD, sections)


def _general(facts: Facts) -> list[Section]:
    negative, positive = facts.classes
    graphs = ", ".join(
        f"`{graph.file}` ({graph.format}, {graph.recipe})" for graph in facts.manifest.graphs
    )
    site = facts.manifest.site
    before = f"Fitted again at a site; the bundle before is `{site.bundle}`." if site else ""
    return [
        Section("1. General description", [], []),
        Section(
            "(a) Purpose, provider, version",
            [f"Classifies films as `{negative}` or `{positive}`, or says `uncertain`. For films "
             f"of: {facts.use}.", f"Version {facts.manifest.version}. {before}".strip()],
            ["the provider", "the intended purpose in medicine, which a bundle for research has "
             "not", "how this version relates to those before"],
        ),
        Section(
            "(b) to (d) What it works with, and in which form it comes",
            ["One file, read by `edge-run` from a command line, a page in a browser, a watched "
             "folder or a DICOM node; without a network.", f"Graphs: {graphs}."],
            ["other systems that it is to work with", "versions that have to be updated"],
        ),
        Section(
            "(e) to (h) Hardware, user interface, instructions",
            ["Processors and engines on which it was tried are in docs/figures.md of Edge Kit; the "
             "page is in docs/page.md, the instructions for a clinic in docs/clinic.md."],
            ["the hardware that it is to run on", "instructions for the deployer"],
        ),
    ]  # fmt: skip


def _development(facts: Facts) -> list[Section]:
    return [
        Section("2. Elements and development", [], []),
        Section("(a) Methods and steps", [_made(facts)], ["which parts of others were used"]),
        Section(
            "(b) Design and its choices",
            [_decision(facts)],
            ["assumptions on the persons for whom it is meant", "what was weighed against what"],
        ),
        Section("(c) Architecture and resources", [_architecture(facts)], ["computing power used"]),
        Section("(d) Data", [_data(facts)], ["how the films were obtained, labelled and cleaned"]),
        Section("(e) Human oversight", [_OVERSIGHT], ["an assessment of these measures"]),
        Section(
            "(f) Changes determined beforehand",
            ["A draft of a change control plan: `edge-kit model-card --format change-plan`."],
            ["which changes are"],
        ),
        Section(
            "(g) Validation and testing",
            [facts.proof, losses(facts), figures(facts)],
            ["figures by groups of persons", "logs and reports of tests, dated and signed"],
        ),
        Section("(h) Cybersecurity", [_SECURITY], ["measures of the machine that it runs on"]),
    ]  # fmt: skip


def _made(facts: Facts) -> str:
    noted, tools = facts.noted, ", ".join(f"{name} {v}" for name, v in facts.packages.items())
    if noted is None:
        return f"What made it is not recorded. Libraries: {tools}."
    commands = [line for line in (noted.commands.train, noted.commands.export) if line]
    shown = "\n".join(f"    {line}" for line in commands) or f"    {blank('the commands')}"
    return (
        f"Exported by edge-kit {noted.sources.version}, sources `{noted.sources.sha256}`, from "
        f"the {noted.origin.kind} `{noted.origin.sha256}`:\n\n{shown}\n\nLibraries: {tools}."
    )


def _decision(facts: Facts) -> str:
    decision = facts.manifest.decision
    gate = facts.manifest.film_gate
    refused = (
        "Whatever picture it gets is answered."
        if gate is None
        else f"Pictures whose second logit is below {gate.threshold:g} are refused."
    )
    return (
        f"A logit, calibrated by {decision.calibration.method}, is a probability of "
        f"`{facts.classes[1]}`; the threshold is {decision.threshold:g}, between "
        f"{decision.uncertain.low:g} and {decision.uncertain.high:g} the answer is `uncertain`. "
        f"{refused}"
    )


def _architecture(facts: Facts) -> str:
    training, pixels = facts.manifest.training, facts.manifest.preprocess
    ran = "" if training.epochs is None else f", {training.epochs} epochs from seed {training.seed}"
    return (
        f"Network `{training.model}`{ran}; input {pixels.height} x {pixels.width} x "
        f"{pixels.channels} pixels of uint8, prepared as the manifest says key by key."
    )


def _data(facts: Facts) -> str:
    counts = [f"{split}: {facts.counts(split)}" for split in facts.splits]
    digest = f"`{facts.noted.data.sha256}`" if facts.noted else "not recorded"
    limits = facts.limits.rstrip() or f"- {blank('limits of the data')}"
    return (
        f"{listed(counts, 'films by split')}\n- digest of films, labels and splits: {digest}\n"
        f"- calibration: {len(facts.manifest.quantization.films)} training films, by digest in the "
        f"manifest\n\nWhat the maker states of them:\n\n{limits}"
    )


def _monitoring(facts: Facts) -> Section:
    return Section(
        "3. Monitoring, functioning and control",
        ["What has to be said before any figure:",
         listed(facts.cautions, "known faults of the data and the model"),
         "On the test films, held out, with 95 % intervals:",
         figures(facts),
         _OVERSIGHT],
        ["accuracy for the persons and groups for whom it is meant",
         "outcomes that are not intended but can be foreseen, and risks to health and rights",
         "what input the deployer has to provide"],
    )  # fmt: skip


def _metrics(facts: Facts) -> Section:
    return Section(
        "4. Why these metrics",
        ["Against the float model: sensitivity and specificity lost, by a one-sided 95 % bound "
         "against a margin, since a small graph may change no more decisions than that. On films: "
         "sensitivity, specificity and AUC, with intervals as if films were independent. "
         + facts.proof],
        ["why these fit the intended purpose"],
    )  # fmt: skip


def _risks(facts: Facts) -> Section:
    return Section(
        "5. Risk management",
        ["Known to the bundle, for an assessment to start from:",
         listed(facts.cautions, "known risks")],
        ["the risk management system of Article 9"],
    )  # fmt: skip


def _changes(facts: Facts) -> Section:
    quantization = facts.manifest.quantization
    made = [f"remedy: {line}" for line in quantization.remedies]
    made += [f"ignored at its maker's request: {line}" for line in quantization.overrides]
    if site := facts.manifest.site:
        made.append(f"a site fitted {' and '.join(site.fitted)} again, of `{site.bundle}`")
    return Section(
        "6. Changes through its life",
        ["\n".join(f"- {line}" for line in made) or "None is recorded in the bundle."],
        ["changes since it was placed on the market"],
    )
