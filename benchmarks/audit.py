"""How far shortcuts alone get on real films: the audit's figures, as docs/figures.md has them.

Audits the films alone and then with each model given, and prints a Markdown table, what the audit
says of it in words, and the time it takes beside reading the films.

    python benchmarks/audit.py --data ../shared/data --model models/model3-xray-0.2.2.edge
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

from edge_export.films.pixels import load_pixels
from edge_kit.audit.audit import AUDITED, Audit, audit, rows
from edge_kit.audit.films import audited_films
from edge_kit.audit.sentences import areas, sentences
from edge_kit.data.dataset import Dataset
from edge_kit.evaluation.evaluated import EvaluatedModel, open_evaluated
from edge_runtime.film.preprocess import standard


def main() -> None:
    """Audit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--modality", default="xray")
    parser.add_argument("--model", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    models = {"films alone": None, **{path.name: open_evaluated(path) for path in options.model}}
    for title, model in models.items():
        dataset = audited_films(options.data, model, modality=options.modality)
        show(title, *timed(dataset, options.data, model))


def timed(dataset: Dataset, data: Path, model: EvaluatedModel | None) -> tuple[Audit, float, float]:
    """Return the audit, the seconds it took, and those that reading the films took before."""
    preprocess = model.preprocess if model else standard()
    began = perf_counter()
    pixels = {split: load_pixels(rows(dataset, split), preprocess) for split in AUDITED}
    read = perf_counter()
    outcome = audit(dataset, data, preprocess, model.predict if model else None, pixels=pixels)
    return outcome, perf_counter() - read, read - began


def show(title: str, outcome: Audit, seconds: float, reading: float) -> None:
    """Print one audit."""
    films = sum(outcome.films.values())
    print(f"\n### {title}: {seconds:.1f} s for {films} films, read in {reading:.1f} s\n")
    print("| told apart by | test AUC (95 %) |\n|---|---|")
    for name, area in areas(outcome).items():
        print(f"| {name} | {area.value:.3f} ({area.low:.3f} to {area.high:.3f}) |")
    print()
    for sentence in sentences(outcome):
        print(f"- {sentence}")


if __name__ == "__main__":
    main()
