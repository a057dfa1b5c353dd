"""The folder of the cache: made for this user alone, refused where others may change it.

What the cache holds is believed: pixels are trained on, a fingerprint says which films are one
patient's. So nothing is read from or written to a folder that somebody else may write, nor through
a link.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from edge_runtime.errors import UsageError
from edge_runtime.ownership import distrusted, require_own

_INSTEAD = "name another folder with --cache, or none with --no-cache"
_LINKED = frozenset({errno.ELOOP, errno.EMLINK})  # of Linux and macOS, and of BSD


def own_cache(cache: Path) -> None:
    """Make the folder `cache` where it is missing, for this user alone.

    Raises:
        OSError: the disk refuses.
        UsageError: others may change what is in it.
    """
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_own(str(cache), UsageError, _INSTEAD)


def open_cached(cache: Path, name: str) -> int:
    """Return the file `name` of the folder `cache`, open for reading and writing; it may be new.

    Raises:
        OSError: the disk refuses.
        UsageError: the folder, or the file, may be changed by others, or the file is none.
    """
    own_cache(cache)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if os.open not in os.supports_dir_fd:
        return os.open(cache / name, flags, 0o600)
    # Relative to the folder that was looked at: whoever moves it away changes nothing.
    folder = os.open(cache, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _require_own(cache, os.fstat(folder))
        descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as error:
        if error.errno in _LINKED:
            raise _linked(cache / name) from error
        raise
    finally:
        os.close(folder)
    try:
        require_plain(cache / name, os.fstat(descriptor))
    except UsageError:
        os.close(descriptor)
        raise
    return descriptor


def require_plain(path: Path, status: os.stat_result | None = None) -> None:
    """Refuse what is no file of the cache that can be believed; one that is missing can be.

    Raises:
        UsageError: `path` is a link, a device, or may be changed by others.
    """
    if status is None:
        with suppress(FileNotFoundError):
            status = path.lstat()
    if status is None:
        return
    if stat.S_ISLNK(status.st_mode):
        raise _linked(path)
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(path, "is no file, but stands where the cache has one", "remove it")
    _require_own(path, status)


def _require_own(path: Path, status: os.stat_result) -> None:
    if found := distrusted(str(path), status):
        problem, cure = found
        raise UsageError(path, problem, f"{cure}, or {_INSTEAD}")


def _linked(path: Path) -> UsageError:
    return UsageError(path, "is a link, and nothing of the cache is behind one", "delete the link")
