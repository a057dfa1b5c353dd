"""Does an answer change where only the picture's making does? Border, overlay text, a coarse JPEG.

The test films of a folder, as they are and disturbed in three ways that leave the chest what it is:
a black border of 5 % of each side, two lines of white text in the corners, half the size as JPEG of
quality 40. Counted are labels that change sides of the threshold, whatever the uncertain band says.

    python benchmarks/disturbed_films.py --data ../shared/data --data ../shared/elsewhere BUNDLE...
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from edge_export.statistics.estimates import proportion
from edge_kit.data.film_folders import film_folders
from edge_kit.data.films import list_films
from edge_runtime import Classifier


def bordered(film: Image.Image) -> Image.Image:
    """Return the film in a black frame of 5 % of each side."""
    across, down = round(0.05 * film.width), round(0.05 * film.height)
    framed = Image.new("L", (film.width + 2 * across, film.height + 2 * down))
    framed.paste(film, (across, down))
    return framed


def lettered(film: Image.Image) -> Image.Image:
    """Return the film with two lines of text, as viewers burn them in."""
    film, size = film.copy(), max(10, film.height // 24)
    draw, font = ImageDraw.Draw(film), ImageFont.load_default(size)
    draw.text((film.width // 40, film.height // 40), "CHEST AP ERECT", 255, font)
    draw.text((film.width // 40, film.height - 2 * size), "R  12:04  W2048 L1024", 255, font)
    return film


def coarse(film: Image.Image) -> Image.Image:
    """Return the film at half its size, as JPEG of quality 40."""
    stream = BytesIO()
    film.resize((film.width // 2, film.height // 2)).save(stream, "JPEG", quality=40)
    return Image.open(stream).convert("L")


WAYS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "black border of 5 %": bordered,
    "two lines of text": lettered,
    "half the size, JPEG 40": coarse,
}


def main() -> None:
    """Print a row for each bundle and way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
    parser.add_argument("--data", action="append", type=Path, required=True)
    options = parser.parse_args()
    folders = film_folders(options.data)
    listed = list_films(folders, modality="xray", positive="covid")
    films = [folders.path(entry.name) for entry in listed.entries if entry.split == "test"]
    print("| bundle | disturbed by | films | other label (95 %) | refused |")
    print("|---|---|---|---|---|")
    for bundle in options.bundles:
        with Classifier(bundle) as classifier:
            threshold = classifier.manifest.decision.threshold
            sides = [side(classifier, Image.open(path).convert("L"), threshold) for path in films]
            for way, disturb in WAYS.items():
                pairs = [
                    (before, side(classifier, disturb(Image.open(path).convert("L")), threshold))
                    for path, before in zip(films, sides, strict=True)
                ]
                both = [pair for pair in pairs if None not in pair]
                flips = proportion(sum(before != after for before, after in both), len(both))
                print(
                    f"| {bundle.stem} | {way} | {len(films)} | {flips} | {len(pairs) - len(both)} |"
                )


def side(classifier: Classifier, film: Image.Image, threshold: float) -> bool | None:
    """Return whether a film is called positive, nothing where it is refused."""
    stream = BytesIO()
    film.save(stream, "PNG")
    answer = classifier.classify(stream.getvalue())
    return None if answer.probability is None else answer.probability >= threshold


if __name__ == "__main__":
    main()
