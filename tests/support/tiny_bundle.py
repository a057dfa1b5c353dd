"""A bundle that really runs, a few kilobytes long, and the command line that runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

import edge_runtime
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.records import Preprocess
from edge_runtime.film.preprocess import film_pixels, film_stages
from edge_runtime.machine.check import stage_digest
from sample_bundle import sample_fields
from tiny_graphs import SIDE, expected_logit, onnx_graph, tflite_graph

if TYPE_CHECKING:  # programs that tests start need no pytest
    import pytest

GOLDEN = "golden/0.png"
TFLITE, ONNX = "model.f32.tflite", "model.f32.onnx"
RECIPE = Preprocess(**{**sample_fields()["preprocess"], "height": SIDE, "width": SIDE})


def film_array(width: int = 96, height: int = 80, seed: int = 7) -> np.ndarray[Any, Any]:
    """Return uint8 `(height, width)` shades that no turn or mirror maps to themselves."""
    y, x = np.mgrid[0:height, 0:width]
    shades: np.ndarray[Any, Any] = (
        110 + 45 * np.sin((seed + x) / 9) * np.cos(y / 11) + x / 4 + y / 3
    )
    return shades.astype(np.uint8)


def film_image(width: int = 96, height: int = 80, seed: int = 7) -> Image.Image:
    """Return `film_array` as a grey picture."""
    return Image.fromarray(film_array(width, height, seed))


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of a file of Pillow's format `form`."""
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def write_film(path: Path, seed: int = 7) -> Path:
    """Write `film_image` as a PNG, whatever the name of `path`."""
    film_image(seed=seed).save(path, "PNG")
    return path


def write_tiny_bundle(
    path: Path,
    *,
    graphs: Mapping[str, bytes] | None = None,
    golden: Mapping[str, Any] | None = None,
    tolerance: float = 1e-3,
    integers: Collection[str] = (),
    recipes: Mapping[str, str] = MappingProxyType({}),
    gate: float | None = None,
) -> Path:
    """Write a bundle of the tiny graphs to `path`, or of `graphs`; `golden` changes its film.

    Those of `integers` are said to give integers, `recipes` has those of graphs that are no "f32".
    Where there is a `gate`, the threshold of a film's logit, every graph gives its logit a second
    time, as the film's.
    """
    outputs = 1 if gate is None else 2
    if graphs is None:
        graphs = {TFLITE: tflite_graph(outputs=outputs), ONNX: onnx_graph(outputs=outputs)}
    png = encoded(film_image())
    pixels = film_pixels(png, RECIPE)
    film = {
        "file": GOLDEN,
        "logits": {name: [expected_logit(pixels)] * outputs for name in graphs},
        "stages": {name: stage_digest(image) for name, image in film_stages(png, RECIPE)},
    }
    fields = {
        **sample_fields(),
        "preprocess": RECIPE,
        "film_gate": None if gate is None else {"threshold": gate},
        "graphs": [
            {
                "file": name,
                "format": name.rpartition(".")[2],
                "recipe": recipes.get(name, "f32"),
                "outputs": [{"scale": 0.1, "zero_point": 3}] * outputs if name in integers else [],
            }
            for name in graphs
        ],
        "golden": {"tolerance": tolerance, "films": [{**film, **(golden or {})}]},
    }
    write_bundle(path, fields, {**graphs, GOLDEN: png, "card.md": b"# A card\n"})
    return path


def command(*arguments: object) -> list[str]:
    """Return the command line that runs `edge-run` with `arguments`."""
    return [sys.executable, "-m", "edge_runtime", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Return an environment with the runtime and `changes`, without this user's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("EDGE_BUNDLE", "EDGE_RUN_TRUST") and not name.startswith("PYTHON")
    }
    runtime = str(Path(edge_runtime.__file__).parent.parent)
    return {**kept, "PYTHONPATH": runtime, "XDG_DATA_HOME": "/nonexistent", **changes}


def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data folder of a user of its own, which is not there yet."""
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "data" / "edge-kit"


def edge_run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Return what `edge-run` says and its exit status, in a process of its own."""
    options.setdefault("env", environment())
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        command(*arguments),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=60,
        check=False,
        **options,
    )
