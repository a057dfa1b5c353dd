"""Every kind of network in every recipe: exported, proved, and its parity matrix printed.

The networks are small and untrained, but none is degenerate (`tests/zoo.py`); the films are
phantoms. Untrained, they decide by chance and close to the threshold, so flips say little here and
verdicts nothing; that all of it converts, runs and agrees from format to format is what is shown.

    python benchmarks/every_recipe.py [NAME...]
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from edge_export.examine import ExportPlan, examine
from edge_export.proof.findings import Findings
from edge_export.proof.parity import Budget
from edge_export.quantize.recipe import RECIPES
from edge_export.quiet import import_tensorflow
from edge_export.report.summary import summary
from edge_runtime.errors import DataError
from edge_runtime.film.preprocess import standard
from tiny_network import tiny_films, tiny_plan, write_tiny_films
from zoo import ZOO, ZooModel

# No verdict is asked for, so no remedy is.
ANYTHING = Budget(flips=1.0, auc=1.0, margin=0.99)


def main() -> None:
    """Export what is named, or all of the zoo; status 1 where a format does not follow its twin."""
    import_tensorflow()
    apart = []
    with tempfile.TemporaryDirectory() as folder:
        write_tiny_films(Path(folder), count=300)
        for name in sys.argv[1:] or ZOO:
            recipes = list(RECIPES)
            findings = exported(ZOO[name], Path(folder), recipes)
            print(f"\n## {name}\n")
            print(summary(findings, plan(ZOO[name], recipes).description))
            apart += [
                f"{name}: {difference}"
                for difference in findings.proof.located
                if difference.place == "kernel"
            ]
    print("\n".join(apart) or "every format follows its twin")
    sys.exit(bool(apart))


def exported(kind: ZooModel, folder: Path, recipes: list[str]) -> Findings:
    """Return what is found out of a network, by all `recipes` but those it cannot have."""
    films = tiny_films(folder)
    try:
        return examine(kind.build(), films, plan(kind, recipes), lambda _: None)
    except DataError as error:
        if "static_wi8_ai8_full" not in recipes:
            raise
        print(f"no full-integer graph: {error}")
        recipes.remove("static_wi8_ai8_full")
        return exported(kind, folder, recipes)


def plan(kind: ZooModel, recipes: list[str]) -> ExportPlan:
    """Return how a network of the zoo is exported."""
    tiny = tiny_plan(ANYTHING)
    description = replace(tiny.description, preprocess=standard(64, 64, kind.channels))
    return replace(tiny, description=description, recipes=recipes, calibration_count=100,
                   allowed=(), input_range=kind.input_range)  # fmt: skip


if __name__ == "__main__":
    main()
