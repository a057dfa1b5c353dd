"""What stands beside every accuracy: how far shortcuts alone get on the same films."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge_kit.audit.audit import AUDITED, audit, rows
from edge_kit.audit.films import audited_films
from edge_kit.audit.sentences import sentences
from edge_kit.data.cache import cached_pixels
from edge_kit.evaluation.subject import Subject
from edge_runtime.errors import EdgeError


def caveat(
    subject: Subject,
    root: Path,
    cache: Path | None,
    say: Callable[[str], None],
    *,
    positive: str | None = None,
    skip_unreadable: bool = False,
) -> list[str]:
    """Return the sentences of an audit of `subject` on the films below `root`.

    A figure is good without it: where these films cannot be audited, that is said, and nothing is
    returned.
    """
    try:
        dataset = audited_films(
            root, subject, positive=positive, skip_unreadable=skip_unreadable, cache=cache
        )
        pixels = {
            split: np.asarray(cached_pixels(rows(dataset, split), subject.recipe, cache, say))
            for split in AUDITED
        }
        found = audit(dataset, root, subject.recipe, subject.predict, pixels=pixels)
    except EdgeError as error:
        say(f"warning: the films were not audited for shortcuts: {error}")
        return []
    return sentences(found)
