"""`edge-run receipt`: what this box says of itself to those who look after many."""

from __future__ import annotations

from pathlib import Path

from edge_runtime.console import say, write
from edge_runtime.engines import ENGINES
from edge_runtime.errors import IntegrityError, UsageError
from edge_runtime.fleet.box import kept_box
from edge_runtime.fleet.receipt import Asked, write_receipt
from edge_runtime.fleet.records import MOST_TRAILS

OPTIONS = ("out=", "bundle=", "engine=")
USAGE = """\
usage: edge-run receipt [TRAIL...] [--out FOLDER] [--bundle B] [--engine E]

Write a receipt into a folder, on a stick or one that is synchronised, for
edge-kit fleet report: which bundle this box runs, on which processor and
engine, whether its golden films give what they should, counts of answers and
refusals by month, the heads of its audit trails, its disk and its clock. It
holds no name of a machine, a user, a patient, a film or a file.

TRAIL... are audit trails, each by the name that classify --audit or watch
--audit has for it; its later files are found beside it.

A box has a random name and a key of its own, made with its first receipt, in
box.json of the data folder. Each receipt is signed, has the next number, and
holds the digest of the one before. No receipt is written over.

  --out FOLDER  where the receipt goes; else the current folder
  --bundle B    the bundle; else the one in use
  --engine E    auto (the first that runs), litert, litert-python,
                tflite-runtime, onnxruntime

Exit status: 0 written. Written, but something is wrong: 3 not a bundle, 4 a
bundle or a trail was changed or is gone, 6 no engine, 7 golden films differ.
Not written: 2 usage, no bundle in use, nothing to sign with, 10 cannot write.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Write the next receipt of this box."""
    choice = options.get("engine", "auto")
    if choice not in ("auto", *ENGINES):
        cure = f"one of: auto, {', '.join(ENGINES)}"
        raise UsageError("--engine", f"no engine is called {choice!r}", cure)
    trails = list(dict.fromkeys(paths))
    if len(trails) > MOST_TRAILS:
        raise UsageError("receipt", f"{len(trails)} trails given", f"name at most {MOST_TRAILS}")
    asked = Asked(trails, options.get("bundle"), choice)
    with kept_box() as kept:
        done = write_receipt(kept, Path(options.get("out", ".")), asked, say)
    receipt = done.receipt
    write(f"{done.path}\nbox {receipt.box} key {receipt.key} receipt {receipt.counter}\n")
    for line in done.problems:
        say(f"edge-run: {line}")
    if done.error:
        raise done.error
    return IntegrityError.exit_status if done.problems else 0
