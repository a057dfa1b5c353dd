"""What a repository says now, by python-tuf, in the words of this program.

Nothing is believed before python-tuf has verified it: signatures and thresholds of keys, versions
that never go back, expiry, lengths and digests. What it verified is kept even where a later step
fails, as its own files would be.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    SlowRetrievalError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Snapshot, Targets
from tuf.ngclient import Updater, UpdaterConfig

from edge_runtime.errors import DataError, IntegrityError
from edge_runtime.output import as_cannot_write
from edge_runtime.updates.trusted import Trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tuf.api.metadata import TargetFile
    from tuf.ngclient import FetcherInterface

_BOUNDS = UpdaterConfig(
    max_root_rotations=64, max_delegations=8,
    root_max_length=128_000, timestamp_max_length=16_384,
    snapshot_max_length=1_000_000, targets_max_length=4_000_000,
    app_user_agent="edge-run",
)  # fmt: skip


class Expired(IntegrityError):
    """A repository that is the newest known, and promises nothing any more."""


class Repository:
    """A repository at `address` as it is now, verified from what was `trusted` before.

    After `refreshed`, `trusted` is what is to be kept, whatever was raised.
    """

    def __init__(
        self,
        address: str,
        fetcher: FetcherInterface,
        trusted: Trusted,
        folder: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take `folder`, an empty one, for the work of python-tuf."""
        self.address, self.trusted = address, trusted
        self._fetcher, self._folder, self._clock = fetcher, folder, clock
        self._runs = 0

    def refresh(self) -> None:
        """Verify what the repository says now.

        Raises:
            Expired: it is the newest known, and its time is over.
            IntegrityError: it is not what its keys signed, or older than what was seen before.
            DataError: it cannot be had.
        """
        time = self.trusted.time(self._clock())
        try:
            self._refresh_at(time)
        except Expired:
            # The keys of a root that came just now may tell that the time was a thief's.
            if self.trusted.time(self._clock()) >= time:
                raise
            self._refresh_at(self.trusted.time(self._clock()))

    def targets(self, role: str = Targets.type) -> dict[str, TargetFile]:
        """Return the targets of a role, verified; none where it has published nothing yet.

        Raises:
            IntegrityError, DataError: as `refresh` does.
        """
        if role != Targets.type:
            delegations = self._metadata(Targets.type).delegations
            snapshot = Metadata[Snapshot].from_bytes(self._text(Snapshot.type)).signed
            is_delegated = delegations and role in (delegations.roles or {})
            if not is_delegated or f"{role}.json" not in snapshot.meta:
                return {}
            with in_our_words(self.address), self._kept():
                self._updater.get_targetinfo(f"{role}/-")  # so that the role is loaded
        return self._metadata(role).targets

    def download(self, path: str) -> Path:
        """Return the file of a target, of the length and the digests that were signed.

        Raises:
            IntegrityError, DataError: as `refresh` does.
            CannotWrite: there is no room for it.
        """
        with in_our_words(self.address), as_cannot_write(self._folder):
            target = self._updater.get_targetinfo(path)
            if target is None:
                raise IntegrityError(path, "is delegated to nobody", "ask who published it")
            place = self._folder / "target.edge"
            self._updater.download_target(target, str(place))
            return place

    def _refresh_at(self, time: datetime) -> None:
        self._runs += 1
        place = self._folder / str(self._runs)
        with as_cannot_write(self._folder):
            place.mkdir()
            self.trusted.unfold(place)
        self._place = place
        with in_our_words(self.address), self._kept(), as_cannot_write(self._folder):
            self._updater = Updater(
                str(place), f"{self.address}/metadata/", None, f"{self.address}/targets/",
                self._fetcher, _BOUNDS, bootstrap=self.trusted.root.encode(),
            )  # fmt: skip
            set_reference_time(self._updater, time)
            self._updater.refresh()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Take over what python-tuf has verified inside the block, also where it fails."""
        try:
            yield
        finally:
            self.trusted = self.trusted.folded(self._place)

    def _metadata(self, role: str) -> Targets:
        return Metadata[Targets].from_bytes(self._text(role)).signed

    def _text(self, role: str) -> bytes:
        return self.trusted.metadata[f"{role}.json"].encode()


def set_reference_time(updater: Updater, time: datetime) -> None:
    """Let python-tuf judge expiry by `time`: it has no public way to, and reads the clock."""
    updater._trusted_set.reference_time = time


@contextmanager
def in_our_words(address: str) -> Iterator[None]:
    """Turn what python-tuf raises in this block into one line about the repository at `address`.

    Raises:
        Expired, IntegrityError, DataError: instead.
    """
    try:
        yield
    except ExpiredMetadataError as error:
        cure = "ask its maker for a newer one (edge-kit repo timestamp)"
        raise Expired(address, f"is over its time ({error})", cure) from error
    except BadVersionNumberError as error:
        cure = "take a newer copy, or another mirror"
        raise IntegrityError(
            address, f"is older than what was seen before ({error})", cure
        ) from error
    except (UnsignedMetadataError, LengthOrHashMismatchError, DownloadLengthMismatchError) as error:
        cure = "copy it again; if that does not help, ask its maker"
        raise IntegrityError(address, f"is not what was signed ({error})", cure) from error
    except RepositoryError as error:
        raise IntegrityError(
            address, f"is no sound repository ({error})", "copy it again"
        ) from error
    except SlowRetrievalError as error:
        raise DataError(address, f"is too slow ({error})", "try again, or use a stick") from error
    except DownloadHTTPError as error:
        problem = f"has no repository, or not all of it ({error})"
        raise DataError(address, problem, "check the address or copy it again") from error
    except DownloadError as error:
        problem = f"cannot be read ({error})"
        raise DataError(address, problem, "check the network or the stick") from error


@contextmanager
def opened(address: str, fetcher: FetcherInterface, trusted: Trusted) -> Iterator[Repository]:
    """Yield a repository with a temporary folder for its work.

    Raises:
        CannotWrite: there is no such folder to be had.
    """
    with as_cannot_write("the temporary folder"):
        work = TemporaryDirectory(prefix="edge-run-", ignore_cleanup_errors=True)
    with work as name:
        yield Repository(address, fetcher, trusted, Path(name))
