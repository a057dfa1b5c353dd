"""What the record of a store holds: the models that answer, answered, and wait to be checked."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edge_runtime.bundle.installed import STORE_FORMAT, sealed
from edge_runtime.errors import IntegrityError

if TYPE_CHECKING:
    from typing import Self

_IDENTITY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_HELD = 100
"""Models that were thrown out and are remembered, the newest."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """One model of a store.

    `release` counts what a repository published, from 1; `maker` is the identity of the maker's
    model where this is the same with a site's own decision.
    """

    identity: str
    name: str
    version: str
    release: int
    maker: str | None = None

    def __post_init__(self) -> None:
        for digest in (self.identity, *([self.maker] if self.maker is not None else [])):
            if not (isinstance(digest, str) and _IDENTITY.fullmatch(digest)):
                raise ValueError("no identity")
        if type(self.release) is not int or self.release < 0:
            raise ValueError("no number of a release")
        if not (isinstance(self.name, str) and isinstance(self.version, str)):
            raise ValueError("no name")

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.identity[:16]}), release {self.release}"


@dataclass(frozen=True, slots=True)
class Following:
    """What a store follows: a channel, the region that has its thresholds, and one model."""

    channel: str = "stable"
    region: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        for text in (self.channel, self.region or "", self.model or ""):
            if not isinstance(text, str):
                raise ValueError("no name")


@dataclass(frozen=True, slots=True)
class StoreState:
    """A store at one moment; each change of it is one replaced file.

    `pending` never answers: it was written and has not been checked on this machine, or not to the
    end, `attempts` times. `held` has the models that are not installed again by themselves, with
    the reason.
    """

    box: str
    following: Following = Following()
    current: InstalledModel | None = None
    previous: InstalledModel | None = None
    pending: InstalledModel | None = None
    attempts: int = 0
    held: dict[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> set[str]:
        """The identities of the models that have to stay on the disk."""
        models = [model for model in (self.current, self.previous, self.pending) if model]
        return {name for model in models for name in (model.identity, model.maker) if name}

    def holding(self, identity: str, reason: str) -> Self:
        """Return the state in which a model is not installed again by itself."""
        others = {key: text for key, text in self.held.items() if key != identity}
        kept = [*others.items(), (identity, reason)][-_MOST_HELD:]
        return replace(self, held=dict(kept))

    def confirmed(self) -> Self:
        """Return the state in which the pending model answers, and the one before it is kept."""
        if self.pending is None:
            raise ValueError("nothing is pending")
        is_same = self.current and self.current.identity == self.pending.identity
        previous = self.previous if is_same else self.current
        held = {key: text for key, text in self.held.items() if key != self.pending.identity}
        return replace(
            self, current=self.pending, previous=previous, pending=None, attempts=0, held=held
        )

    def thrown_out(self, reason: str) -> Self:
        """Return the state without the pending model, which is held."""
        if self.pending is None:
            raise ValueError("nothing is pending")
        return replace(self.holding(self.pending.identity, reason), pending=None, attempts=0)

    def to_bytes(self) -> bytes:
        """Return the record as it stands on the disk."""
        return sealed({"format": STORE_FORMAT, **asdict(self)})

    @classmethod
    def of(cls, content: dict[str, Any], path: str) -> Self:
        """Return the state that a record's content is.

        Raises:
            IntegrityError: it is none.
        """
        try:
            fields = {key: value for key, value in content.items() if key != "format"}
            for key in ("current", "previous", "pending"):
                fields[key] = InstalledModel(**fields[key]) if fields[key] else None
            fields["following"] = Following(**fields["following"])
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            cure = "install into a new store"
            raise IntegrityError(path, "is not what edge-run wrote", cure) from error
