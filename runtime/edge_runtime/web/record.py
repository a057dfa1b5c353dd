"""Answers in an audit trail, where whoever serves the page has asked for it: `--audit`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge_runtime.audit_trail import AuditEntry
from edge_runtime.errors import CannotWrite, IntegrityError
from edge_runtime.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from edge_runtime.audit_trail import AuditTrail
    from edge_runtime.web.films import FilmService, JudgedFilm


class Recorder:
    """Writes each answer into a trail before anybody is given it, with whoever was logged in."""

    def __init__(
        self,
        trail: AuditTrail,
        films: FilmService,
        user_of: Callable[[HTTPConnection], str | None],
    ) -> None:
        """Write the answers of `films` into `trail`; `user_of` tells whose request it is.

        A model that takes the place of another has a line before its first answer.
        """
        self._trail, self._user_of = trail, user_of
        films.model.changed = trail.record_model

    async def record(self, request: HTTPConnection, judged: JudgedFilm, film: str) -> None:
        """Write an answer for the film of the digest `film`, and wait until it is on the disk.

        Raises:
            Problem: it cannot be written, so that nobody may be given it.
        """
        user = self._user_of(request)
        by = judged.by
        entry = AuditEntry.of(
            judged.answer, by.bundle.identity, by.engine, film=film, user=user,
            signers=by.bundle.signers,
        )  # fmt: skip
        try:
            await asyncio.to_thread(self._trail.record, entry)
        except (CannotWrite, IntegrityError) as error:
            problem = "the answer cannot be recorded, as was asked for"
            raise Problem(500, "unexpected", problem, error.cure) from None
