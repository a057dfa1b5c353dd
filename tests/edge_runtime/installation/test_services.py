"""Services go over to a new model between two films: none is lost, and the trail says so."""

from __future__ import annotations

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from asgi import Client
from dicom_nodes import device_image
from dicom_peers import Archive, running, send, settings
from edge_runtime.answer.classifier import Classifier
from edge_runtime.answer.in_use import ModelInUse
from edge_runtime.audit_trail import AuditTrail, TrailHead, verify
from edge_runtime.audit_trail.line import ANSWERED, MODEL
from edge_runtime.errors import CannotWrite
from edge_runtime.web.app import application
from edge_runtime.web.films import FilmService
from edge_runtime.web.settings import Settings
from served import eventually
from tiny_bundle import command, encoded, environment, film_image
from update_bed import Bed


def update(bed: Bed, store: Path) -> None:
    done = bed.run(*bed.update(store))
    assert done.returncode == 0, done.stderr


def lines_of(trail: Path) -> list[dict[str, Any]]:
    """Return the decisions and the changes of models in a trail, which holds."""
    lines: list[dict[str, Any]] = []
    outcome = verify([trail], each=lambda line: lines.append(line.content))
    assert not outcome.problems
    return [line for line in lines if line["kind"] in (ANSWERED, MODEL)]


def models_in(lines: list[dict[str, Any]]) -> list[str]:
    """Return by what was answered, in turn, with the change of the model where it stands."""
    told = [line["bundle"] if line["kind"] == ANSWERED else MODEL for line in lines]
    return [name for name, before in zip(told, [None, *told], strict=False) if name != before]


class Tray:
    """A tray that a process watches, into which films are put whole."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder, self.trail, self.count = folder / "tray", folder / "trail.jsonl", 0
        self.folder.mkdir()
        self.process = subprocess.Popen(
            command(
                *("watch", self.folder, "--bundle", store, "--audit", self.trail),
                *("--quiet", "0.05"),
            ),
            env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def drop(self, many: int) -> None:
        for _ in range(many):
            self.count += 1
            part = self.folder / f"{self.count}.part"
            part.write_bytes(encoded(film_image(seed=self.count)))
            part.rename(self.folder / f"{self.count}.png")

    def is_answered_by(self, identity: str) -> bool:
        """Put in more films, and tell whether one before them was answered by a model."""
        self.drop(2)
        begun = self.trail.exists() and b"\n" in self.trail.read_bytes()
        return begun and identity in models_in(lines_of(self.trail))

    def is_empty(self) -> bool:
        return len([*(self.folder / "done").glob("*.png")]) == self.count

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=60)[1]


def test_a_tray_goes_over_between_two_films(bed: Bed, store: Path, tmp_path: Path) -> None:
    tray = Tray(tmp_path, store)
    try:
        assert eventually(lambda: tray.is_answered_by(bed.old))
        tray.drop(20)
        update(bed, store)
        assert eventually(lambda: tray.is_answered_by(bed.new))
        assert eventually(tray.is_empty)
    finally:
        said = tray.end()
    lines = lines_of(tray.trail)
    assert models_in(lines) == [bed.old, MODEL, bed.new]
    change = next(line for line in lines if line["kind"] == MODEL)
    assert (change["before"], change["after"]) == (bed.old, bed.new)
    by = {line["film"]: line["bundle"] for line in lines if line["kind"] == ANSWERED}
    assert len(lines) - 1 == len(by) == tray.count
    documents = [json.loads(path.read_text()) for path in (tray.folder / "done").glob("*.json")]
    assert {each["sha256"]: each["bundle_sha256"] for each in documents} == by
    assert "answers now" in said


@pytest.fixture
def page(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a page of a store that looks at it before each film, with a trail."""
    monkeypatch.setattr("edge_runtime.answer.in_use.LOOK", 0.0)
    service = FilmService(str(store), Settings())
    service.model._look = 0.0
    service.model._look_at = 0.0
    with service, AuditTrail(str(tmp_path / "trail.jsonl")) as trail:
        yield service, trail


def test_a_page_goes_over_between_two_films(
    page: tuple[FilmService, AuditTrail], bed: Bed, store: Path, tmp_path: Path
) -> None:
    films, trail = page
    film = encoded(film_image())
    with closing(Client(application(films, Settings(), trail=trail))) as client:
        assert client.ask("/api/classify", film).json["model"]["identity"] == bed.old
        update(bed, store)
        assert client.ask("/health").json["model"]["identity"] == bed.new
        reply = client.ask("/api/classify", film).json
        assert (reply["model"]["identity"], reply["bundle_sha256"]) == (bed.new, bed.new)
        assert client.ask("/model").json["identity"] == bed.new
        assert client.ask("/card").status == 200
    assert models_in(lines_of(tmp_path / "trail.jsonl")) == [bed.old, MODEL, bed.new]


def test_films_that_come_while_a_page_goes_over_are_all_answered_by_one_model_each(
    page: tuple[FilmService, AuditTrail], bed: Bed, store: Path
) -> None:
    films, _ = page
    answers: list[tuple[str, str]] = []

    def judge(number: int) -> tuple[str, str]:
        judged = films._judge(encoded(film_image(seed=number)))
        return judged.answer.status, judged.by.bundle.identity

    with ThreadPoolExecutor(4) as threads:
        answers += threads.map(judge, range(20))
        update(bed, store)
        answers += threads.map(judge, range(60))
    assert {status for status, _ in answers} == {"ok"}
    assert {identity for _, identity in answers[:20]} == {bed.old}
    assert answers[-1][1] == bed.new
    assert not films.model._retired


def test_a_change_that_cannot_be_recorded_waits(
    page: tuple[FilmService, AuditTrail], bed: Bed, store: Path, tmp_path: Path
) -> None:
    films, _ = page

    class Full(AuditTrail):
        is_full = True

        def record_model(self, before: str, after: str) -> TrailHead:
            if self.is_full:
                raise CannotWrite(self.path, "the disk is full", "free some of it")
            return super().record_model(before, after)

    film = encoded(film_image())
    with (
        Full(str(tmp_path / "another.jsonl")) as trail,
        closing(Client(application(films, Settings(), trail=trail))) as client,
    ):
        update(bed, store)
        assert client.ask("/api/classify", film).json["model"]["identity"] == bed.old
        trail.is_full = False
        assert client.ask("/api/classify", film).json["model"]["identity"] == bed.new
    assert models_in(lines_of(tmp_path / "another.jsonl")) == [bed.old, MODEL, bed.new]


@pytest.mark.filterwarnings(
    r"ignore:unclosed <socket\.socket:ResourceWarning:pynetdicom\.transport"
)
def test_a_node_goes_over_between_two_images(bed: Bed, store: Path, tmp_path: Path) -> None:
    trail = tmp_path / "trail.jsonl"
    with Archive() as archive:
        told = settings(tmp_path, archive.port, audit=trail)
        with running(told, store) as (node, _):
            assert send(told.port, device_image(1)) == [0]
            assert eventually(lambda: node.counts["ok"] == 1)
            update(bed, store)
            assert send(told.port, device_image(2), device_image(3)) == [0, 0]
            assert eventually(lambda: node.counts["ok"] == 3)
            assert eventually(lambda: node.delivered == 6)
    lines = lines_of(trail)
    assert models_in(lines) == [bed.old, MODEL, bed.new]
    assert len([line for line in lines if line["kind"] == ANSWERED]) == 3


def test_a_model_that_cannot_be_opened_is_said_and_the_one_before_goes_on(
    bed: Bed, store: Path
) -> None:
    said: list[str] = []
    opened = lambda path: Classifier(path, engines=1)  # noqa: E731
    with ModelInUse(str(store), opened, said.append, look=0.0) as model:
        update(bed, store)
        (store / "models" / f"{bed.new}.edge").write_bytes(b"nothing")
        assert model.latest().bundle.identity == bed.old
        assert model.latest().classify(str(bed.film)).status == "ok"
    assert len(said) == 1
    assert "is not gone over to" in said[0]
