"""What could crash, tried in a process of its own: `python -m edge_runtime.machine.probe A B`.

Writes one JSON object to stdout; its `problem` is empty where all is well.
"""

from __future__ import annotations

import json
import math
import sys
from base64 import b64decode
from contextlib import closing
from zlib import decompress

from edge_runtime.engines import ENGINES, first_engine, open_engine, require_sound_graphs
from edge_runtime.errors import EdgeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.bundle import Bundle

SHAPE = (1, 8, 8, 1)
"""The pixels that the built-in graphs take."""
SCALE, OFFSET = 0.0625, -7.5
"""They answer `SCALE * mean + OFFSET`."""

# Cast, mean, multiplication, addition; compressed, in base 64.
_GRAPHS = {
    "tflite": (
        "eNptUzFOw0AQHMcOWMopRJGRItFQgJSCIhKJRAEtVQoKCspY4KBIhiA5RQoKSgreQM0DKCjzAp5AnQIhCooUgN"
        "m923N8EcWcbtc7uzNruwXg9Li/D9QRoQGFkDIBRaAIGBAiH/B1FugTuoSWxG95ngdyBz5nH058dwSsUceATpPj"
        "7h6hQuj85Lknc1QxPaDT5BaEbxgCc2eEW8KB9HqkWZGegxrX85113kvfdZlTBfT812X9pq3n5y9SX5XYL/TXya"
        "fRVZOdCH/L8pm3EL4vfOvP7BQOv2H4u9Zj99dwLcSu1m5j3tmAgh3CO+slPBDOCHuiNSBvofRkr+n4cjTpLPUw"
        "nqlGiU5bNx4Os2Ti1p2s9MrO4zS5cGuUdoXifSnx3JA9ag5czlOpL2u+SuJrYLUv73vD+Q5kDxXLi6dJhtKelX"
        "y1EE5Y0jFMx/FEeJ48Cx0PtYKnzBzf+r4ZTZM0+5/LuUPCtswyf02g83Py2TS9ml90b5t7W8k0O69n8r0/s3xa"
        "IQ=="
    ),
    "onnx": (
        "eNpFT71KA0EQvtlsLuMg8RiDHIIgW26VOmDhWadJabfJzsnhJhfYDcTOB/AhfBQfyUcwXhZSfMzf98MgLr4UPV"
        "K5744SIo/b0Ltk9IuLyV6RSn0N36BoTucLaXeUyHorbmdoJf6wkeWptzeE7yJ7321jXfwr7mkg0ThuXBAuh+LN"
        "aHkI9EB5pLJv2yiJy9C/dWluRs/es07d7sNOUVWThQLVDJn2FgGhAqOL4vOpOdva2WX5+9Nkt9fLP3c0Q8UVKY"
        "QTMAPWNeVEntI1AmNmQKOpqPgP1+w86A=="
    ),
}

_TRANSFER_SYNTAXES = {
    "JPEG": "JPEGBaseline8Bit",
    "JPEG 12 bit": "JPEGExtended12Bit",
    "JPEG lossless": "JPEGLosslessSV1",
    "JPEG-LS": "JPEGLSLossless",
    "JPEG 2000": "JPEG2000Lossless",
    "RLE": "RLELossless",
}
"""Kinds of compressed DICOM -> pydicom's name of the transfer syntax. Uncompressed needs none."""


def graph(form: str) -> memoryview:
    """Return the built-in graph of a format, in memory that may be written to."""
    return memoryview(bytearray(decompress(b64decode(_GRAPHS[form]))))


def engine(name: str) -> dict[str, object]:
    """Run the built-in graph on the engine `name`.

    Raises:
        NoEngine: the engine cannot be used.
    """
    pixels = bytes(range(64))
    with closing(first_engine(graph, SHAPE, ENGINES[name][1], name)) as opened:
        (logit,) = opened.logits(pixels)
    expected = SCALE * sum(pixels) / len(pixels) + OFFSET
    right = math.isclose(logit, expected, abs_tol=1e-4)
    return {"problem": "" if right else f"answers {logit} where {expected} is expected"}


def bundle(path: str) -> dict[str, object]:
    """Verify every byte of the bundle at `path` and open its graph.

    Raises:
        EdgeError: it is none, was changed, or nothing runs it.
    """
    from edge_runtime.bundle import open_bundle

    return _runs(open_bundle(path))


def default_bundle(_: str) -> dict[str, object]:
    """Do the same with the bundle that is used when none is named.

    Raises:
        EdgeError: there is none, it was changed, is not the chosen one, or nothing runs it.
    """
    from edge_runtime.bundle.defaults import open_default

    return _runs(open_default())


def _runs(bundle: Bundle) -> dict[str, object]:
    from edge_runtime.machine.many_films import told
    from edge_runtime.trust import verify_bundle

    with bundle:
        verify_bundle(bundle)
        bundle.verify()
        require_sound_graphs(bundle)
        with closing(open_engine(bundle)) as opened:
            manifest = bundle.manifest
            words, choice = told(bundle)
            return {
                "problem": "",
                "name": manifest.name,
                "version": manifest.version,
                "engine": opened.name,
                "many_films": [words, choice and choice.to_json()],
            }


def dicom(_: str) -> dict[str, object]:
    """Tell which kinds of compressed DICOM the installed decoders open."""
    import pydicom.uid
    from pydicom.pixels.decoders.base import get_decoder

    kinds = {
        kind: get_decoder(getattr(pydicom.uid, name)).is_available
        for kind, name in _TRANSFER_SYNTAXES.items()
    }
    return {"problem": "", "version": pydicom.__version__, "decodes": kinds}


WHAT: dict[str, Callable[[str], dict[str, object]]] = {
    "engine": engine,
    "bundle": bundle,
    "default_bundle": default_bundle,
    "dicom": dicom,
}


def main() -> None:
    """Try what the command line names and say how it went."""
    _, what, which = sys.argv
    try:
        outcome: dict[str, object] = {"status": 0, **WHAT[what](which)}
    except EdgeError as error:
        outcome = {"status": error.exit_status, "problem": error.problem, "cure": error.cure}
        outcome["subject"] = error.subject
        if isinstance(error.__cause__, ModuleNotFoundError):
            outcome["lacks"] = error.__cause__.name
    except ModuleNotFoundError as error:
        outcome = {"status": 0, "problem": f"{error.name} is not installed"}
    sys.stdout.write(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main()
