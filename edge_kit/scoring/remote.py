"""Films in buckets and on other stores, through fsspec: listed folder by folder, and fetched."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from edge_runtime.errors import FilmError, UsageError
from edge_runtime.film.decode import begins_as_film
from edge_runtime.film.refuse import unreadable
from edge_runtime.film.walk import left_out

MOST_BYTES = 256 << 20
"""Bytes of a film that are fetched at most."""
_URL = re.compile(r"(?!file://)[a-z][a-z0-9+.-]*://")
_SECRET = re.compile(r"[a-z0-9+.-]+://[^/@:]*:[^/@]*@")
# What a store's package raises beside OSError; none is imported that is not in use.
_FOREIGN = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("azure.core.exceptions", "AzureError"),
    ("gcsfs.retry", "HttpError"),
)


def is_url(path: str) -> bool:
    """Tell whether a path is one of another store, such as `s3://bucket/film.png`."""
    return _URL.match(path) is not None


def films_in(url: str, passed_over: dict[str, int]) -> Iterator[str]:
    """Yield the URL of each film below `url`; of one folder at a time the listing is held.

    Raises:
        UsageError: the store cannot be reached, has no such folder, or its package is missing.
    """
    if _SECRET.match(url):
        raise UsageError("SOURCE", "holds a password", "give it in the store's own variables")
    system = _system(url.partition("://")[0], url)
    try:
        if system.isfile(url):
            raise UsageError(url, "is no folder", "copy the list here, and name the copy")
        if not system.exists(url):
            raise UsageError(url, "is not there", "check the bucket and the rights")
        yield from _walked(system, url, passed_over)
    except _errors() as error:
        raise UsageError(url, _words(error), "check the bucket and the rights") from error


def _walked(system: Any, url: str, passed_over: dict[str, int]) -> Iterator[str]:
    for folder, _, names in system.walk(url):
        for name in sorted(filter(None, names)):  # a folder may have an object of its own
            path = system.unstrip_protocol(f"{folder.rstrip('/')}/{name}")
            if kind := left_out(name, path, is_folder=False, is_file=True, is_film=_is_film):
                passed_over[kind] = passed_over.get(kind, 0) + 1
            else:
                yield path


def fetched(url: str) -> bytes:
    """Return the bytes of the film at `url`.

    Raises:
        FilmError: the store does not give it.
        Refusal: it is larger than any film.
    """
    try:
        system = _system(url.partition("://")[0], url)
        data: bytes = system.cat_file(url, start=0, end=MOST_BYTES + 1)
    except UsageError as error:
        raise FilmError(url, error.problem, error.cure) from error
    except _errors() as error:
        raise FilmError(url, _words(error), "check the bucket and the rights") from error
    if not data:
        raise unreadable(url, "empty file")
    if len(data) > MOST_BYTES:
        raise FilmError(url, f"is larger than {MOST_BYTES >> 20} MiB", "export it smaller")
    return data


def _is_film(url: str) -> bool:
    """Tell whether what is at `url` begins as a film, or cannot be read to say so."""
    try:
        return begins_as_film(_system(url.partition("://")[0], url).cat_file(url, start=0, end=132))
    except _errors():
        return True


def _system(protocol: str, url: str) -> Any:
    """Return the file system of a protocol, with the settings of its own variables.

    Raises:
        UsageError: nobody knows it, or its package is not installed.
    """
    import fsspec

    try:
        return fsspec.filesystem(protocol)
    except (ImportError, ValueError) as error:
        raise UsageError(url, _words(error), "install what fsspec names for it") from error


def _errors() -> tuple[type[BaseException], ...]:
    """Return what the stores' packages raise, as far as they are loaded."""
    loaded = [(sys.modules.get(module), name) for module, name in _FOREIGN]
    foreign = [getattr(module, name) for module, name in loaded if module is not None]
    return (OSError, ValueError, *foreign)


def _words(error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(reason).splitlines()[0]
