"""Getting the files of a repository, from a folder or by HTTP, with the same bounds.

How long a file may be python-tuf asks for; how slowly it may come is bounded here. Whatever reads
it does so in a thread of its own, so that neither a server that sends a byte a minute, nor a disk
or a name server that does not answer, keeps an update waiting.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient import FetcherInterface

from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import urllib3

    Read = Callable[[str], Iterator[bytes]]

PATIENCE = 30.0
"""Seconds in which a file need not have brought anything."""
LEAST_RATE = 1024.0
"""Bytes a second that have to come on the average after that."""
_PIECE = 1 << 16  # bytes
_NOT_FOUND = 404
_BINARY = getattr(os, "O_BINARY", 0)
_NOT_WAITING = getattr(os, "O_NONBLOCK", 0)  # a pipe on a stick must not keep us waiting


class BoundedFetcher(FetcherInterface):
    """What fetches files by `read`, given that they come fast enough."""

    def __init__(
        self, read: Read, *, patience: float = PATIENCE, least_rate: float = LEAST_RATE
    ) -> None:
        self._read, self._patience, self._least = read, patience, least_rate

    def _fetch(self, url: str) -> Iterator[bytes]:
        pieces: Queue[bytes | BaseException | None] = Queue(4)
        over = Event()
        reader = Thread(target=_filling, args=(self._read, url, pieces, over), daemon=True)
        reader.start()
        try:
            yield from self._coming(pieces)
        finally:
            over.set()

    def _coming(self, pieces: Queue[bytes | BaseException | None]) -> Iterator[bytes]:
        began, count = monotonic(), 0
        while True:
            # By then so many bytes have to be there, or some more.
            until = began + self._patience + count / self._least
            try:
                piece = pieces.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                raise SlowRetrievalError(f"{count} bytes in {monotonic() - began:.0f} s") from None
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            count += len(piece)
            yield piece


def _filling(
    read: Read, url: str, pieces: Queue[bytes | BaseException | None], over: Event
) -> None:
    """Put what `read` gives into `pieces`, then nothing, or what went wrong, until it is over."""
    try:
        for piece in read(url):
            _put(pieces, piece, over)
            if over.is_set():
                return
    except (DownloadError, OSError, ValueError) as error:
        is_ours = isinstance(error, DownloadError)
        _put(pieces, error if is_ours else DownloadError(_reason(error)), over)
    else:
        _put(pieces, None, over)


def _put(
    pieces: Queue[bytes | BaseException | None], piece: bytes | BaseException | None, over: Event
) -> None:
    while not over.is_set():
        with suppress(Full):
            pieces.put(piece, timeout=0.1)
            return


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def reading_folder(folder: str) -> Read:
    """Return what reads files below `folder`, by addresses that begin with it."""
    root = Path(folder)

    def read(url: str) -> Iterator[bytes]:
        parts = [unquote(part) for part in url.removeprefix(f"{folder}/").split("/")]
        if any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
            raise DownloadError("is no name of a file")
        try:
            descriptor = os.open(root.joinpath(*parts), os.O_RDONLY | _NOT_WAITING | _BINARY)
        except (FileNotFoundError, NotADirectoryError) as error:
            if not root.is_dir():
                raise DownloadError("the folder is gone") from error
            raise DownloadHTTPError("is not there", _NOT_FOUND) from error
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DownloadError("is no regular file")
            while piece := stream.read(_PIECE):
                yield piece

    return read


def reading_http(timeout: float = PATIENCE) -> Read:
    """Return what reads addresses of HTTP, by the proxy of this machine where it has one."""
    import urllib3

    def read(url: str) -> Iterator[bytes]:
        try:
            response = _pool(url, timeout).request(
                "GET",
                url,
                preload_content=False,
                decode_content=False,  # a few bytes must not become many
                headers={"User-Agent": "edge-run", "Accept-Encoding": "identity"},
            )
            try:
                if response.status != 200:
                    problem = f"the server says {response.status}"
                    raise DownloadHTTPError(problem, response.status)
                while piece := response.read1(_PIECE, decode_content=False):
                    yield piece
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(_in_words(error)) from error

    return read


def _pool(url: str, timeout: float) -> urllib3.PoolManager:
    """Return connections for one address, with a proxy where the system names one."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    parts = urlsplit(url)
    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(timeout),
        "retries": urllib3.Retry(total=2, redirect=2, backoff_factor=0.2),
    }
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _in_words(error: Exception) -> str:
    """Return what went wrong in a few words, of errors that name objects in memory."""
    reason = getattr(error, "reason", None) or error
    return str(reason).rpartition(">: ")[2][:200] or type(reason).__name__


def fetcher_of(source: str) -> tuple[str, BoundedFetcher]:
    """Return the address of a repository, and what fetches from it: HTTP, HTTPS or a folder.

    Raises:
        UsageError: it is neither.
    """
    scheme, mark, _ = source.partition("://")
    if mark:
        if scheme.lower() not in ("http", "https"):
            raise UsageError("--from", f"{scheme} is not known here", "give http, https, a folder")
        return source.rstrip("/"), BoundedFetcher(reading_http())
    if not (source and Path(source).is_dir()):
        raise UsageError("--from", f"{source!r} is no folder", "name the repository's folder")
    folder = str(Path(source).absolute())
    return folder, BoundedFetcher(reading_folder(folder))
