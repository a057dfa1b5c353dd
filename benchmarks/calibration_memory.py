"""Peak memory and time of calibration, each method in a process of its own.

    python benchmarks/calibration_memory.py [--films 1000] [--customary 100]

Generated films at 224 x 224 x 3 through an untrained Model 3. One table of ranges serves TFLite and
ONNX, so a row stands for both. The last row is what people do: ONNX Runtime's entropy calibration,
which keeps every tensor of all films; give it fewer films where memory is short.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

METHODS = ("min_max", "percentile", "entropy", "mse")
SIDE = 224
FLOOR, CUSTOMARY = "films and engine alone", "onnxruntime entropy"
GRAPH, PIXELS = "model.f32.tflite", "pixels.npy"


def main() -> None:
    """Print one row for every method."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--films", type=int, default=1000, metavar="N")
    options.add_argument("--customary", type=int, default=100, metavar="N")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In processes of their own, so that what conversion took is in nobody's peak.
        with ProcessPoolExecutor(1) as process:
            process.submit(prepare, folder, chosen.films).result()
        print("| calibration | films | peak MB | processor seconds |\n|---|---|---|---|")
        for method in (FLOOR, *METHODS, CUSTOMARY):
            films = chosen.customary if method == CUSTOMARY else chosen.films
            print(f"| {method} | {films} | {measured(folder, method, films)} |", flush=True)


def prepare(folder: Path, films: int) -> None:
    """Write the float graphs of Model 3 RGB and the pixels of phantoms into `folder`."""
    from edge_export.films.phantom import phantom
    from edge_export.graph.network import InputRange, network
    from edge_export.graph.onnx import to_onnx
    from edge_export.graph.tflite import to_tflite
    from edge_export.quiet import import_tensorflow
    from edge_kit.models.studies import model3

    import_tensorflow()
    graph = to_tflite(network(model3(SIDE, SIDE, 3), InputRange()).logits)
    (folder / GRAPH).write_bytes(graph)
    (folder / "model.f32.onnx").write_bytes(to_onnx(graph))
    pixels = np.empty((films, SIDE, SIDE, 3), np.uint8)
    for seed in range(films):
        film = phantom(seed, positive=seed % 2 == 0, size=(SIDE, SIDE))
        pixels[seed] = np.asarray(film)[..., None]
    np.save(folder / PIXELS, pixels)


def measured(folder: Path, method: str, films: int) -> str:
    """Return peak and time of one method in a fresh process, or that it was killed."""
    command = [sys.executable, __file__, str(folder), method, str(films)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[-1] if done.returncode == 0 else f"exit {done.returncode} | -"


def calibrate(folder: Path, method: str, films: int) -> None:
    """Print the peak of this process in MB (10^6 bytes), and the processor time of calibration."""
    pixels = np.load(folder / PIXELS)[:films]
    started = process_time()
    if method == CUSTOMARY:
        customary(folder / "model.f32.onnx", pixels)
    else:
        from edge_export.quantize.ranges import measure_ranges

        graph = (folder / GRAPH).read_bytes()
        measure_ranges(graph, *((pixels[:1],) if method == FLOOR else (pixels, method)))
    seconds = process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # Linux counts in KiB
    print(f"{peak:.0f} | {seconds:.1f}")


def customary(graph: Path, pixels: Any) -> None:
    """Calibrate as the examples of ONNX Runtime do."""
    from onnxruntime.quantization.calibrate import (
        CalibrationDataReader,
        CalibrationMethod,
        create_calibrator,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Hands out one film after the other."""

        films: Iterator[Any] = iter(pixels)

        def get_next(self) -> dict[str, Any] | None:
            film = next(self.films, None)
            return None if film is None else {"pixels": film[None]}

    augmented = str(graph.with_suffix(".augmented.onnx"))
    calibrator = create_calibrator(
        str(graph), augmented_model_path=augmented, calibrate_method=CalibrationMethod.Entropy
    )
    calibrator.collect_data(Reader())
    calibrator.compute_data()


if __name__ == "__main__":
    if len(sys.argv) == 4 and not sys.argv[1].startswith("-"):
        calibrate(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    else:
        main()
