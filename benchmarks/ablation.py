"""What helps a light network in another hospital: one change at a time, by films of elsewhere.

Trains `clinic` as it is, and then with one thing changed, on the folders `--data` without the
source of the yardstick; judges each by AUC on films of its own folders, and of elsewhere against
healthy people and against other findings, apart. With `--leave-out` each is trained a second time,
without that source too, and judged on its films against NIH's held-out ones; a second table has the
ranks on the columns to choose by. Each training leaves one JSON file, and what is there is not run
again. Choose by the columns "val"; "test" is for reporting.

    python benchmarks/ablation.py --data ../shared/data --data ../shared/elsewhere \\
        --yardstick collection [--leave-out hannover] [--seeds 0] [--results FOLDER] [ARM...]

An ARM is a name of the table (`--list` gives them) or several that do not collide, as "A + B".
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

from arms.arm import Arm, combined
from arms.judged import Yardstick
from arms.results import Training, tables
from arms.table import ARMS

from edge_kit.data.film_folders import film_folders
from edge_kit.data.reader import FilmReader

RESULTS = Path(__file__).resolve().parent / "ablation"


def main() -> None:
    """Run what is named, or all arms, as far as it has not been run, and print the tables."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,  # a name of --list on each line
    )
    parser.add_argument("arms", nargs="*", metavar="ARM")
    parser.add_argument("--list", action="version", version="\n".join(ARMS), help="name the arms")
    parser.add_argument("--data", action="append", type=Path, required=True)
    parser.add_argument("--yardstick", required=True, metavar="SOURCE")
    parser.add_argument("--leave-out", metavar="SOURCE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, help="a quick look, into other --results")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.epochs and options.results.resolve() == RESULTS:
        parser.error("--epochs: give other --results")
    try:
        arms = {name: combined(name, ARMS) for name in options.arms or ARMS}
    except (KeyError, ValueError) as error:
        parser.error(f"no such arm: {error}" if isinstance(error, KeyError) else str(error))
    folders = film_folders(options.data)
    yardstick = Yardstick(folders, options.yardstick, FilmReader(say=lambda _: None))
    options.results.mkdir(parents=True, exist_ok=True)
    sources = [None, *([options.leave_out] if options.leave_out else [])]
    for seed, (name, arm), source in product(options.seeds, arms.items(), sources):
        training = Training(name, seed, source)
        if not training.place(options.results).exists():
            outcome = yardstick.measured(_shortened(arm, options.epochs), seed, source)
            training.write(options.results, outcome)
    print(tables(options.results, list(ARMS), options.leave_out))


def _shortened(arm: Arm, epochs: int | None) -> Arm:
    """Return `arm` with so many epochs, with its own where there is no number."""
    return replace(arm, recipe={**arm.recipe, "epochs": epochs}) if epochs else arm


if __name__ == "__main__":
    main()
