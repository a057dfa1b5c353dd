"""What the film branch refuses of drawn pictures where pictures are no films.

    python benchmarks/picture_gate.py

Draws tiles of any colour, half of them cracked, trains the branch alone on their training share
and counts what its check refuses of the negatives drawn for as many others. The classifier has no
part in it.
"""

from __future__ import annotations

import argparse

import numpy as np
from PIL import Image, ImageDraw

from edge_export.films.pixels import Pixels
from edge_export.quiet import import_tensorflow
from edge_kit.film_branch.fit import checked_branch
from edge_runtime.film.preprocess import film_pixels, standard

SIDE = 96
SPLITS = {"train": 0.7, "val": 0.15, "test": 0.15}


def tile(draw: np.random.Generator, *, cracked: bool) -> Image.Image:
    """Return a tile of any colour with its stains; a crack is dark and runs anywhere."""
    ground = draw.uniform(110, 200, 3)
    stains = Image.fromarray(draw.normal(0, 12, (6, 6)).astype(np.float32))
    field = np.asarray(stains.resize((SIDE, SIDE), Image.Resampling.BICUBIC))[..., None] + ground
    grain = draw.normal(0, 3, field.shape)
    image = Image.fromarray(np.clip(field + grain, 0, 255).astype(np.uint8))
    if cracked:
        points = np.cumsum(np.vstack([draw.uniform(10, 80, 2), draw.normal(0, 12, (8, 2))]), axis=0)
        colour = tuple((ground * 0.2).astype(int).tolist())
        ImageDraw.Draw(image).line(points.ravel().tolist(), fill=colour, width=3)
    return image


def main() -> None:
    """Print the shares for sets of several sizes, each by several seeds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tiles", type=int, nargs="+", default=[120, 300], help="in a set")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    import_tensorflow()
    preprocess = standard(SIDE, SIDE, 3, modality="other")
    for number in options.tiles:
        for seed in range(options.seeds):
            draw = np.random.default_rng(seed)
            films: dict[str, Pixels] = {}
            for split, share in SPLITS.items():
                tiles = [tile(draw, cracked=bool(n % 2)) for n in range(round(share * number))]
                pixels = b"".join(film_pixels(one, preprocess) for one in tiles)
                films[split] = np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE, 3)
            none = {split: pixels[:0] for split, pixels in films.items()}
            _, check = checked_branch(
                *(films, none, preprocess, "other"),  # type: ignore[arg-type]
                seed=seed,
                say=lambda _: None,
            )
            found = check.refused["test"]
            worst = min(found.negatives, key=lambda kind: found.negatives[kind].value)
            print(
                f"{number} tiles, seed {seed}: refuses {found.of_negatives} of the negatives of "
                f"the test tiles, worst {worst} {found.negatives[worst]}; "
                f"of the tiles {found.films}",
                flush=True,
            )


if __name__ == "__main__":
    main()
