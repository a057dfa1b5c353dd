"""What a survey found, as counts, and as one HTML page in plain words with the films beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from edge_export.report.html import template
from edge_export.words import words
from edge_kit.data.film_folders import FilmFolders, Folders, film_folders
from edge_kit.data.fingerprints import decode
from edge_kit.data.groups import GROUPS, write_groups
from edge_kit.data.survey import Survey, Surveyed, across_classes, across_splits
from edge_kit.files import new_folder
from edge_runtime.output import new_folder_at

REPORT = "report.html"
MOST_CLUSTERS, MOST_FILMS = 60, 8
"""How many clusters, and how many films of one, the page shows; groups.csv has them all."""
_SIDE = 320  # pixels; a letter that marks a side, or a word burned in, can be read


def require_new(out: Path) -> None:
    """Refuse a folder that is there, before the scan is paid for.

    Raises:
        CannotWrite: `out` exists.
    """
    new_folder_at(out)


def write_scan(survey: Survey, data: Folders, out: Path) -> None:
    """Write the report and the table of groups into the new folder `out`, whole or not at all.

    Raises:
        CannotWrite: `out` exists, or the disk refused.
    """
    require_new(out)
    with new_folder(out) as folder:
        write_groups(survey, folder / GROUPS)
        page = render(survey, data).encode("utf-8", "backslashreplace")
        (folder / REPORT).write_bytes(page)


def counts(survey: Survey) -> dict[str, int]:
    """Return what the report counts, by names that JSON and the table share.

    Pairs are those that a method linked: same bytes, alike hashes, or one film laid over the other;
    what has the same bytes counts as exact alone.
    """
    clusters = survey.clusters()
    return {
        "films": len(survey.films),
        "unreadable": len(survey.unreadable),
        "groups": len({film.group for film in survey.films}),
        "patients": len({film.patient for film in survey.films} - {""}),
        **{f"{name}_pairs": number for name, number in survey.links.items()},
        "clusters": len(clusters),
        "duplicates": sum(len(films) - 1 for films in clusters),
        "clusters_across_classes": sum(map(across_classes, clusters)),
        "clusters_across_splits": sum(map(across_splits, clusters)),
        "groups_across_splits": survey.parted_groups(),
    }


def told_counts(survey: Survey) -> dict[str, int]:
    """Return the counts by the words that people read: what a column names need be no patient."""
    told = words(survey.modality)
    named = {"patients": "named groups"} if survey.modality == "other" else {}
    return {
        told(named.get(name, name.replace("_", " "))): number
        for name, number in counts(survey).items()
    }


REASONS = {
    "exact": "has the same bytes as another film here",
    "near": "is nearly the same picture as another film here",
    "geometric": "matches another film here once it is turned, mirrored, shifted, cropped or "
    "exposed otherwise",
}
"""Why a film is in a cluster, by the method that found it."""


def render(survey: Survey, data: Folders) -> str:
    """Return the page; it asks nothing of any network and runs no script."""
    clusters, told, folders = survey.clusters(), words(survey.modality), film_folders(data)
    return template("edge_kit.data", "scan.html.j2", survey.modality).render(
        folder=folders.title,
        counts=counts(survey),
        told_counts=told_counts(survey),
        unreadable=survey.unreadable,
        told=[told(line) for line in (*survey.left_out, *survey.notes)],
        clusters=[_shown(films, folders) for films in clusters[:MOST_CLUSTERS]],
        hidden=max(0, len(clusters) - MOST_CLUSTERS),
        reasons={method: told(reason) for method, reason in REASONS.items()},
        table=GROUPS,
    )


def _shown(films: Sequence[Surveyed], folders: FilmFolders) -> dict[str, object]:
    pictures = [(film, *_picture(folders.path(film.path))) for film in films[:MOST_FILMS]]
    largest = max(pictures, key=lambda shown: shown[1][0] * shown[1][1])
    return {
        "films": pictures,
        # Where labels contradict each other, size does not tell which is right.
        "kept": None if across_classes(films) else largest[0],
        "hidden": max(0, len(films) - MOST_FILMS),
        "size": len(films),
        "across_classes": across_classes(films),
        "across_splits": across_splits(films),
    }


def _picture(path: Path) -> tuple[tuple[int, int], str]:
    """Return width and height of the film in pixels, and a smaller one as a data URI."""
    _, grey = decode(path)
    size = grey.size
    grey.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    grey.save(buffer, "JPEG", quality=80)
    return size, f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
