"""Keep what compiled code writes to stderr off it: TFLite's notices obey no setting."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_STDERR = 2


@contextmanager
def silence() -> Iterator[None]:
    """Send file descriptor 2 to nowhere inside the block; failures still arrive as statuses."""
    if sys.stderr:
        sys.stderr.flush()
    try:
        kept = os.dup(_STDERR)
    except OSError:  # there is no stderr to keep clean
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)
