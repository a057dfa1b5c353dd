"""Pictures of the page on a fleet, as the docs show it: of simulated boxes.

    PYTHONPATH=tests/support:benchmarks python benchmarks/fleet_screenshots.py docs/pictures

Needs Debian's `chromium`, which asks nothing of any network.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from screenshots import save, screenshot

from edge_kit.evaluation.score_reference import ScoreReference
from edge_kit.fleet.judging import JudgedBy, judge
from edge_kit.fleet.keys import KnownBox
from edge_kit.fleet.reading import read_receipts
from edge_kit.fleet.report import render
from simulated_boxes import BUNDLE, NOW, SCORES, SimulatedBox, write_fleet

BOXES = 120
HEIGHTS = {"desktop": 2000}
"""Pixels of the page's height that the docs show, by mode."""


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    pictures: Path = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as name:
        page = Path(name) / "fleet.html"
        page.write_text(render_fleet(Path(name)), encoding="utf-8")
        for mode, height in HEIGHTS.items():
            save(screenshot(page, mode, height), pictures / f"fleet-{mode}.png")


def render_fleet(folder: Path) -> str:
    """Return the page of simulated boxes that a list knows by name, of which some are wrong."""
    (receipts := folder / "receipts").mkdir()
    write_fleet(receipts, BOXES)
    boxes = [SimulatedBox(receipts, number) for number in range(BOXES)]
    known = {box.name: KnownBox(box.public, f"Clinic {box.number + 1}") for box in boxes}
    films = tuple(count * 2 for count in SCORES)
    words = f"the {sum(films)} held-out films of the proof of clinic-xray 0.2.2"
    proof = ScoreReference(films, words)
    by = JudgedBy(known=known, references={BUNDLE: proof}, now=NOW)
    return render(judge(read_receipts(receipts), by))


if __name__ == "__main__":
    main()
