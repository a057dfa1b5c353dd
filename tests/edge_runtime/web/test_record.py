"""Whoever has an answer of a page can find it in the trail, and there is none beside the trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from asgi import Client
from edge_runtime.audit_trail import AuditEntry, AuditTrail, DeliveryEntry, TrailHead
from edge_runtime.errors import CannotWrite
from edge_runtime.web.app import application
from edge_runtime.web.films import FilmService
from edge_runtime.web.settings import Settings
from edge_runtime.web.users import UsersFile
from tiny_bundle import encoded, film_image
from trails import verified

TOKEN = "the token of a program"  # noqa: S105, as in conftest.py


class Full(AuditTrail):
    def record(self, *entries: AuditEntry | DeliveryEntry) -> TrailHead:
        del entries
        raise CannotWrite(self.path, "no space left on device", "free some space")


@contextmanager
def page(films: FilmService, trail: AuditTrail, **options: Any) -> Iterator[Client]:
    users = options.pop("users", None)
    settings = Settings(**options)
    with closing(Client(application(films, settings, users=users, trail=trail))) as client:
        yield client


def answers(trail: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in trail.read_text().splitlines()]
    return [line for line in lines if "status" in line]


def test_each_answer_has_a_line_with_the_film_s_digest_and_no_name(
    films: FilmService, tmp_path: Path
) -> None:
    film, path = encoded(film_image()), tmp_path / "trail.jsonl"
    with AuditTrail(str(path)) as trail, page(films, trail) as client:
        reply = client.ask("/api/classify", film, headers={"X-Film-Name": "Meyer_Anna.png"})
        refused = client.ask("/api/classify", b"no film")
    assert (reply.status, refused.status) == (200, 422)
    first, second = answers(path)
    assert (first["film"], first["bundle"]) == (sha256(film).hexdigest(), films.bundle.identity)
    assert first["probability"] == reply.json["probability"]
    assert (first["user"], second["status"]) == (None, "refused")
    assert second["film"] == sha256(b"no film").hexdigest()
    assert "Meyer" not in path.read_text()
    verified(path)


def test_the_line_names_who_was_logged_in(
    films: FilmService, users_path: Path, tmp_path: Path
) -> None:
    path, users = tmp_path / "trail.jsonl", UsersFile(users_path)
    guarded: dict[str, Any] = {"host": "10.0.0.1", "login": True, "users": users}
    with AuditTrail(str(path)) as trail, page(films, trail, **guarded) as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert client.ask("/api/classify", encoded(film_image()), headers=headers).status == 200
    assert [line["user"] for line in answers(path)] == ["pacs"]


def test_what_cannot_be_recorded_is_not_answered(films: FilmService, tmp_path: Path) -> None:
    with Full(str(tmp_path / "trail.jsonl")) as trail, page(films, trail) as client:
        reply = client.ask("/api/classify", encoded(film_image()))
    assert reply.status == 500
    assert "recorded" in reply.json["detail"]
    assert "probability" not in reply.json


@pytest.mark.parametrize("path", ["/api/pixels", "/api/view"])
def test_a_picture_of_a_film_is_no_answer(path: str, films: FilmService, tmp_path: Path) -> None:
    file = tmp_path / "trail.jsonl"
    with AuditTrail(str(file)) as trail, page(films, trail) as client:
        assert client.ask(path, encoded(film_image())).status == 200
    assert not answers(file)
