"""Shards put together: every part once, and one index of all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from edge_kit.files import new_folder
from edge_kit.scoring.journal import (
    MANIFEST,
    RESULTS,
    Binding,
    PartJournal,
    Told,
    read_journal,
    write_index,
)
from edge_kit.scoring.manifest import INDEX, read_manifest
from edge_kit.scoring.summary_page import write_summary
from edge_kit.scoring.tables import holds, part_name
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import DataError, UsageError
from edge_runtime.output import as_cannot_write


def merge(folders: Sequence[Path], out: Path, bundle: str | None) -> str:
    """Write the answers of all shards into the new folder `out`; return a line that counts them.

    Files are linked where the disk has links, and copied elsewhere.

    Raises:
        DataError: a part is in no folder, in two, or not what was written.
        UsageError: the folders are of different bundles or manifests, or `bundle` is another one.
        CannotWrite: `out` is not empty, or the disk does not take it.
    """
    binding, parts = _collected(folders)
    _require_bundle(binding, bundle)
    manifest = read_manifest(Path(binding.place))
    missing = sorted(set(range(len(manifest.parts))) - parts.keys())
    if missing:
        named = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        problem = f"{len(missing)} parts are in none of the folders: {named}"
        raise DataError("score merge", problem, "score them, or name their folder")
    with new_folder(out) as folder:
        (folder / RESULTS).mkdir()
        (folder / MANIFEST).mkdir()
        for number, (told, place) in parts.items():
            _take(place / RESULTS / part_name(number), folder / RESULTS, told["sha256"])
            _take(manifest.part(number).path, folder / MANIFEST, manifest.part(number).sha256)
        _link(manifest.folder / INDEX, folder / MANIFEST)
        told_parts = {number: told for number, (told, _) in parts.items()}
        whole = replace(binding, place=str(out.resolve() / MANIFEST), shard=(0, 1))
        _index(folder, whole, told_parts)
        write_summary(folder, manifest, told_parts, bundle)
    rows = sum(int(told["rows"]) for told in told_parts.values())
    return f"{rows} films in {len(told_parts)} parts of {len(folders)} shards, each once"


def _require_bundle(binding: Binding, path: str | None) -> None:
    """Refuse a bundle that did not answer: the summary would hold the answers against its proof."""
    if path is None:
        return
    with open_bundle(path) as bundle:
        if bundle.identity != binding.bundle_sha256:
            problem = f"is not the bundle of these answers, {binding.bundle}"
            raise UsageError(path, problem, "name that one, or none")


def _index(folder: Path, binding: Binding, parts: dict[int, Told]) -> None:
    with closing(PartJournal(folder, binding)) as journal:
        for number in sorted(parts):
            journal.add(parts[number])
    write_index(folder, binding, parts)


def _collected(folders: Sequence[Path]) -> tuple[Binding, dict[int, tuple[Told, Path]]]:
    """Return what all folders are bound to, and each part with the folder that has it."""
    first: Binding | None = None
    parts: dict[int, tuple[Told, Path]] = {}
    for folder in folders:
        binding, told, _ = read_journal(folder)
        if binding is None:
            raise UsageError(folder, "has no answers", "name the --out of a shard")
        first = first or binding
        if binding.bundle_sha256 != first.bundle_sha256:
            raise UsageError(folder, "has answers of another bundle", "merge those of one alone")
        if binding.manifest != first.manifest:
            problem = "has answers to the films of another manifest"
            raise UsageError(folder, problem, "let all shards have one: score manifest")
        for number, line in told.items():
            if number in parts:
                problem = f"has part {number}, as {parts[number][1]} does"
                raise DataError(folder, problem, "name each shard once")
            parts[number] = line, folder
    if first is None:
        raise UsageError("score merge", "names no folder", "name the shards")
    return first, parts


def _take(path: Path, folder: Path, digest: str) -> None:
    if not holds(path, digest):
        raise DataError(path, "is not the file that was written", "score its shard with --resume")
    _link(path, folder)


def _link(path: Path, folder: Path) -> None:
    with as_cannot_write(folder / path.name):
        try:
            os.link(path, folder / path.name)
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, folder / path.name)
