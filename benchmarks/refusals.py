"""What a bundle refuses, and for which reasons, of films and of much that is none.

Every picture is written to a file and classified as `edge-run classify` does it, whatever it is
made of. None of the photographs, documents and drawings is used in training; the films are those
of the test rows. scikit-image is needed for its photographs, by this script alone.

    pip install scikit-image
    python benchmarks/refusals.py --bundle models/model3-xray-0.2.2.edge --data ../shared/data
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from edge_export.statistics.estimates import proportion
from edge_kit.data.index import index_films
from edge_runtime.answer.classify import classify
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import open_engine

if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle
    from edge_runtime.engines import Engine

# What scikit-image and scikit-learn ship in their packages, by what it shows.
PHOTOGRAPHS = (
    *("astronaut.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png"),
    *("hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "motorcycle_right.png"),
    *("rocket.jpg", "china.jpg", "flower.jpg", "brick.png", "grass.png", "gravel.png"),
)
MICROSCOPE = ("cell.png", "ihc.png", "microaneurysms.png", "retina.jpg")
DRAWINGS = ("chessboard_GRAY.png", "chessboard_RGB.png", "color.png", "horse.png", "logo.png",
            "phantom.png")  # fmt: skip
DOCUMENTS = ("page.png", "text.png")
TEXT = """Radiology Department, report. Patient of ward 12, referred with cough and fever for three
days; no prior surgery. Findings: heart not enlarged, both lungs clear, no effusion. Impression:
no acute disease. Paracetamol 500 mg daily, follow up in two weeks."""
Pictures = Iterable[Path | Image.Image]


def main() -> None:
    """Measure one bundle and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    with open_bundle(options.bundle) as bundle, tempfile.TemporaryDirectory() as folder:
        engine = open_engine(bundle, options.engine)
        print("| kind | n | refused (95 %) | reasons |")
        print("|---|---|---|---|")
        modality = bundle.manifest.intended_use.modality
        for kind, pictures in kinds(options.data, modality):
            outcomes = [outcome(picture, bundle, engine, Path(folder)) for picture in pictures]
            if outcomes:
                print(row(kind, outcomes), flush=True)


def kinds(data: Path, modality: str) -> Iterator[tuple[str, Pictures]]:
    """Yield the kinds of pictures, those that are films first."""
    entries = index_films(data)
    films = [
        data / entry.name
        for entry in entries
        if (entry.modality, entry.split) == (modality, "test")
    ]
    yield "test films", films
    yield "... mirrored left to right, which still are films", altered(films, ImageOps.mirror)
    turns = ((90, "a quarter to the left"), (180, "upside down"), (270, "a quarter to the right"))
    for degrees, name in turns:
        yield f"test films, turned {name}", altered(films, turned(degrees))
    yield "test films, turned by 60 degrees", altered(films, turned(60))
    yield "test films, flipped top to bottom", altered(films, ImageOps.flip)
    yield "test films, inverted", altered(films, ImageOps.invert)
    yield "test films, 16 tiles shuffled", altered(films, shuffled)
    yield "test films, a ninth of them", altered(films, ninth)
    others = [entry for entry in entries if entry.modality not in (modality, None)]
    for name, seen in (("of validation and test rows", False), ("of training rows", True)):
        slices = [data / entry.name for entry in others if (entry.split == "train") == seen]
        yield f"films of the other modality, {name}", slices
    for name, files in (
        ("photographs", PHOTOGRAPHS), ("microscope and eye", MICROSCOPE), ("drawings", DRAWINGS)
    ):  # fmt: skip
        shipped = [find(file) for file in files]
        yield f"{name}, as they are", shipped
        yield f"{name}, grey", altered(shipped, lambda image: image)
    quarters = (
        part(find(file), *place) for file in PHOTOGRAPHS for place in product((0, 1), (0, 1))
    )
    yield "quarters of the photographs, grey", quarters
    yield "documents, scanned", [find(file) for file in DOCUMENTS]
    yield "documents, drawn", (document(seed) for seed in range(100))
    yield "noise", (noise(seed) for seed in range(100))
    yield "blank", (Image.new("L", (512, 400), grey) for grey in range(0, 256, 8))


def find(file: str) -> Path:
    """Return the path of a picture that one of the two packages ships."""
    import skimage
    import sklearn

    folders = (Path(skimage.__file__).parent / "data",
               Path(sklearn.__file__).parent / "datasets" / "images")  # fmt: skip
    return next(folder / file for folder in folders if (folder / file).is_file())


def grey(path: Path) -> Image.Image:
    """Return the picture as 8-bit grey, on black where it is transparent."""
    with Image.open(path) as image:
        return image.convert("RGBA" if image.has_transparency_data else "RGB").convert("L")


def altered(paths: Iterable[Path], change: Callable[[Image.Image], Image.Image]) -> Pictures:
    """Yield the pictures in grey, changed."""
    return (change(grey(path)) for path in paths)


def turned(degrees: float) -> Callable[[Image.Image], Image.Image]:
    """Return what turns a picture counter-clockwise and keeps all of it, on black."""
    return lambda image: image.rotate(degrees, Image.Resampling.BILINEAR, expand=True)


def shuffled(image: Image.Image) -> Image.Image:
    """Return the 4 x 4 tiles of a picture in another order, the same for all."""
    width, height = (side // 4 for side in image.size)
    out = Image.new("L", (4 * width, 4 * height))
    for place, tile in enumerate(np.random.default_rng(0).permutation(16).tolist()):
        x, y = tile % 4 * width, tile // 4 * height
        tiled = image.crop((x, y, x + width, y + height))
        out.paste(tiled, (place % 4 * width, place // 4 * height))
    return out


def ninth(image: Image.Image) -> Image.Image:
    """Return the part of a lung that lies a third from the left and from the top."""
    width, height = image.size
    return image.crop((width // 6, height // 4, width // 2, height // 4 + height // 3))


def part(path: Path, right: int, lower: int) -> Image.Image:
    """Return a quarter of the picture in grey."""
    image = grey(path)
    width, height = image.width // 2, image.height // 2
    return image.crop((right * width, lower * height, (right + 1) * width, (lower + 1) * height))


def document(seed: int) -> Image.Image:
    """Return a page of text in real letters; every third is white on black, as on a screen."""
    draw = np.random.default_rng(seed)
    size = int(draw.integers(10, 40))
    page = Image.new("L", (int(draw.integers(500, 900)), int(draw.integers(500, 1200))), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    left = int(draw.integers(10, 80))
    for y in range(left, int(draw.uniform(0.4, 1) * page.height), int(1.4 * size)):
        pen.text((left, y), " ".join(draw.choice(TEXT.split(), 12)), fill=0, font=font)
    return ImageOps.invert(page) if seed % 3 == 0 else page


def noise(seed: int) -> Image.Image:
    """Return noise of one of three kinds: even, normal, or rare white pixels on black."""
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(64, 1024, 2))
    levels = (draw.integers(0, 256, shape), draw.normal(128, 40, shape),
              255 * (draw.random(shape) < 0.1))[seed % 3]  # fmt: skip
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def outcome(picture: Path | Image.Image, bundle: Bundle, engine: Engine, folder: Path) -> str:
    """Return why a picture was refused, empty where it was judged."""
    path = picture if isinstance(picture, Path) else folder / "picture.png"
    if isinstance(picture, Image.Image):
        picture.save(path, compress_level=1)
    answer = classify(str(path), bundle, engine)
    return "" if answer.error is None else getattr(answer.error, "reason", answer.status)


def row(kind: str, outcomes: list[str]) -> str:
    """Return a line of the table."""
    share = proportion(sum(map(bool, outcomes)), len(outcomes))
    reasons = Counter(filter(None, outcomes)).most_common()
    listed = ", ".join(f"{reason} {count}" for reason, count in reasons)
    low, high = f"{100 * share.low:.1f}", f"{100 * share.high:.1f}"
    return f"| {kind} | {share.n} | {100 * share.value:.1f} % ({low} to {high}) | {listed} |"


if __name__ == "__main__":
    main()
