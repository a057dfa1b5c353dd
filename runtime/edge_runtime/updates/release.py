"""What a repository offers: releases of a channel, and thresholds that a region published for them.

Targets are called `CHANNEL/NAME-VERSION.edge` and `REGION/NAME-VERSION.edge`. What they are says
their custom part, which is signed like all of the metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import IntegrityError
from edge_runtime.installation.record import InstalledModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from tuf.api.metadata import TargetFile

CHANNELS = ("stable", "pilot")
"""Channels of a maker: a box follows one of them."""


@dataclass(frozen=True, slots=True)
class Release:
    """One target: the `model` that it is, its `path`, and the `percent` of boxes that take it."""

    path: str
    model: InstalledModel
    percent: int = 100

    @property
    def folder(self) -> str:
        """The channel, or the region."""
        return self.path.partition("/")[0]

    def is_for(self, box: str) -> bool:
        """Tell whether a box is among those that take it; one that is stays so at more percent."""
        place = int(sha256(f"{box} {self.model.identity}".encode())[:8], 16) / 0x1_0000_0000
        return place * 100 < self.percent

    @classmethod
    def of(cls, path: str, target: TargetFile) -> Self:
        """Return the release that a verified target is.

        Raises:
            IntegrityError: its custom part says nothing that is known here.
        """
        custom: Any = target.custom
        try:
            percent = custom.get("percent", 100)
            if type(percent) is not int or not 0 <= percent <= 100:
                raise ValueError("no percentage")
            model = InstalledModel(
                custom["identity"], custom["model"], custom["version"], custom["release"],
                custom.get("maker"),
            )  # fmt: skip
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            problem = f"says nothing that is known here ({error})"
            raise IntegrityError(path, problem, "update edge-runtime") from error
        return cls(path, model, percent)


def releases(targets: Mapping[str, TargetFile], folder: str, name: str | None) -> list[Release]:
    """Return the releases of a channel or region, of the model `name` alone if there is one."""
    mine = [
        Release.of(path, target)
        for path, target in targets.items()
        if path.partition("/")[0] == folder
    ]
    return [release for release in mine if name in (None, release.model.name)]


def newest(offered: Iterable[Release], box: str, *, is_first: bool) -> Release | None:
    """Return the newest release that a box is to have.

    A box that has no model yet takes the newest that all have, or else the newest there is.
    """
    known = sorted(offered, key=lambda release: release.model.release)
    mine = [release for release in known if release.is_for(box)]
    if not mine and is_first:
        mine = known
    return mine[-1] if mine else None
