"""`edge-run dicom-listen`: images that a hospital sends are answered, back into their studies."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edge_runtime.answer.batch import processors
from edge_runtime.answer.classifier import Classifier
from edge_runtime.answer.in_use import ModelInUse
from edge_runtime.commands import REQUIRE, open_named, threads_of
from edge_runtime.commands.classify import NOTICE
from edge_runtime.commands.watch import ending
from edge_runtime.console import say, silenced_stderr
from edge_runtime.cures import installing
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from edge_runtime.dicom_node.settings import NodeSettings

OPTIONS = ("audit=", "bundle=", "engine=", "fhir=", "threads=", REQUIRE)
USAGE = """\
usage: edge-run dicom-listen CONFIG.toml [--bundle B] [--audit FILE]

Listen for DICOM images (CR, DX, CT and Secondary Capture), answer each, and
send the answers to the archive: a structured report and a secondary capture in
the study of the image. CONFIG.toml names the AE titles, addresses and limits,
see docs/dicom-node.md. What was received is on the disk until it is answered,
answers until they are delivered, over kills and full disks. Films are read in
processes with limits, as by classify --isolated. SIGTERM and Ctrl-C end it.

  --bundle B     the bundle; else that of CONFIG.toml, else the one in use
  --engine E     auto, litert, litert-python, tflite-runtime, onnxruntime
  --threads N    images at once; else one for each processor
  --audit FILE   write a line for each answer and for each delivery into an
                 audit trail (see edge-run audit)
  --fhir DIR     write each answer as FHIR R4 resources into this folder, too
  --require-signature
                 take no bundle but one that a trusted key has signed

Exit status: 0 ok, 2 usage, or another node has the folder, 3 not a bundle,
4 integrity, 6 no engine, 10 cannot write or listen, 130/143 interrupted.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Listen until a signal comes."""
    if len(paths) != 1 or not paths[0]:
        raise UsageError("dicom-listen", "takes one file", "name the node's CONFIG.toml")
    for package in ("pydicom", "pynetdicom"):
        if not find_spec(package):
            cure = installing("dicom-node")
            raise UsageError("dicom-listen", f"needs {package}, which is not installed", cure)
    from edge_runtime.dicom_node.node import Node

    settings = _settings(paths[0], options)
    threads = threads_of(options) or processors()
    with ExitStack() as stack:
        named = options.get("bundle") or (str(settings.bundle) if settings.bundle else None)
        bundle = stack.enter_context(open_named(named, options))
        say(NOTICE)
        say(f"bundle: {bundle.path}")
        stack.enter_context(silenced_stderr())
        engine = options.get("engine", "auto")
        model = stack.enter_context(ModelInUse(
            named,
            lambda path: Classifier(
                path, engine=engine, engines=threads, isolated=True,
                require_signature=REQUIRE in options,
            ),
            lambda line: say(f"edge-run: {line}"),
        ))  # fmt: skip
        node = stack.enter_context(
            Node(settings, model, lambda line: say(f"edge-run: {line}"), workers=threads)
        )
        say(f"edge-run: {settings.ae_title} listens on port {settings.port}")
        with ending(node.stop) as caught:
            try:
                node.run()
            finally:
                say(f"edge-run: {node}")
    if caught:
        raise caught[0]
    return 0


def _settings(path: str, options: dict[str, str]) -> NodeSettings:
    """Return the settings of the file, with what the command line says instead."""
    from dataclasses import replace
    from pathlib import Path

    from edge_runtime.dicom_node.settings import read_settings

    told: dict[str, Path] = {
        name: Path(options[name]) for name in ("audit", "fhir") if options.get(name)
    }
    settings = replace(read_settings(path), **told)  # type: ignore[arg-type]
    if settings.fhir and not settings.fhir.is_dir():
        raise UsageError(settings.fhir, "is no folder", "make it first")
    return settings
