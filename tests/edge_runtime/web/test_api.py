"""The page answers what the command answers, for whatever a client calls its film."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from asgi import Client
from edge_runtime.answer.classify import FIELDS
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.web.api import film_name
from edge_runtime.web.films import FilmService
from tiny_bundle import edge_run, encoded, film_image


@pytest.fixture
def data(film: Path) -> bytes:
    """Return a film as it is sent."""
    return film.read_bytes()


def picture(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_the_answer_is_that_of_the_command(
    data: bytes, film: Path, tiny: Path, page: Client
) -> None:
    told = json.loads(edge_run("classify", film, "--bundle", tiny, "--format", "json").stdout)
    answer = page.ask("/api/classify", data, headers={"X-Film-Name": "film.png"}).json
    assert [*answer] == [*FIELDS, "signed", "time", "model", "research_use_only"]
    differ = {"file", "place", "stamp", "milliseconds"}
    assert {key: answer[key] for key in FIELDS if key not in differ} == {
        key: told[key] for key in FIELDS if key not in differ
    }
    assert answer["file"] == "film.png"
    assert answer["model"]["identity"] == told["bundle_sha256"]
    assert answer["research_use_only"].startswith("Research use")


def test_a_refusal_is_an_answer_with_the_same_keys(page: Client) -> None:
    grey = encoded(Image.new("L", (96, 96), 7))
    answer = page.ask("/api/classify", grey)
    assert answer.status == 200
    assert [*answer.json] == [*FIELDS, "signed", "time", "model", "research_use_only"]
    assert (answer.json["status"], answer.json["refusal"]) == ("refused", "blank")


@pytest.mark.parametrize("path", ["/api/classify", "/api/pixels", "/api/view", "/api/heatmap"])
@pytest.mark.parametrize("body", [b"", b"no film", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_cannot_be_read_is_a_problem_with_the_reason_of_the_command(
    path: str, body: bytes, page: Client
) -> None:
    reply = page.ask(path, body)
    assert reply.status == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.json["reason"], reply.json["status"]) == ("unreadable", 422)
    assert reply.json["cure"]


def test_the_pixels_are_those_that_the_network_saw(
    data: bytes, page: Client, films: FilmService
) -> None:
    shown = picture(page.ask("/api/pixels", data).body)
    recipe = films.bundle.manifest.preprocess
    assert shown.size == (recipe.width, recipe.height)
    assert shown.tobytes() == film_pixels(data, recipe)


def test_the_map_is_transparent_and_lies_over_the_pixels(data: bytes, page: Client) -> None:
    drawn = picture(page.ask("/api/heatmap", data).body)
    assert drawn.mode == "RGBA"
    assert drawn.size == picture(page.ask("/api/pixels", data).body).size


def test_the_view_is_upright_grey_and_no_larger_than_the_film(page: Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    reply = page.ask("/api/view", encoded(film_image(96, 80).convert("RGB"), "JPEG", exif=exif))
    assert reply.headers["content-type"] == "image/png"
    shown = picture(reply.body)
    assert (shown.mode, shown.size) == ("L", (80, 96))


def test_a_large_film_is_shown_smaller(page: Client) -> None:
    shown = picture(page.ask("/api/view", encoded(film_image(3200, 800))).body)
    assert shown.size == (1600, 400)


def test_a_view_of_sixteen_bits_goes_from_black_to_white(page: Client) -> None:
    wide = Image.new("I;16", (80, 80), 1000)
    wide.paste(5000, (0, 0, 40, 80))
    shown = picture(page.ask("/api/view", encoded(wide)).body)
    assert shown.getextrema() == (0, 255)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("", "film"),
        ("film.png", "film.png"),
        (quote("Übersicht né.dcm"), "Übersicht né.dcm"),
        (quote("=cmd"), "./=cmd"),
        (quote("+1.png"), "./+1.png"),
        (quote("@SUM(1).png"), "./@SUM(1).png"),
        (quote("../../etc/passwd"), "passwd"),
        (quote("..\\..\\windows\\system.ini"), "system.ini"),
        (quote("/"), "film"),
        (quote("a\nb\x1b[2J\u202e.png"), r"a\nb\x1b[2J\u202e.png"),
        (quote("Foto 3.00\u202fPM.png"), r"Foto 3.00\u202fPM.png"),
        (quote("folder\\a\tb.png"), r"a\tb.png"),
        ("%ff%fe.png", "\ufffd\ufffd.png"),
        ("%", "%"),
        ("x" * 5000, "x" * 255),
    ],
)
def test_a_name_is_harmless_wherever_it_goes(sent: str, name: str) -> None:
    assert film_name(sent) == name


def test_no_name_is_in_a_problem(page: Client) -> None:
    reply = page.ask("/api/classify", b"no film", headers={"X-Film-Name": "Meyer_Anna.png"})
    assert b"Meyer" not in reply.body


@pytest.mark.parametrize(
    ("path", "allowed"), [("/api/classify", "POST"), ("/health", "GET, HEAD"), ("/logout", "POST")]
)
def test_another_method_is_a_problem_that_names_the_right_one(
    path: str, allowed: str, page: Client
) -> None:
    reply = page.ask(path, method="DELETE")
    assert (reply.status, reply.json["reason"]) == (405, "wrong_method")
    assert {*reply.headers["allow"].split(", ")} == {*allowed.split(", ")}


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/languages/../"),
        *("/languages/..%2f..%2fetc%2fpasswd", "/static/\x00", "/nothing", "/static/"),
    ],
)
def test_no_path_leads_out_of_the_page(path: str, page: Client) -> None:
    reply = page.ask(path)
    assert reply.status == 404
    assert reply.json["reason"] == "not_found"


def test_the_model_is_told_with_threshold_and_band(page: Client, films: FilmService) -> None:
    told = page.ask("/model").json
    decision = films.classifier.decision
    assert told["threshold"] == decision.threshold
    assert told["band"] == [decision.uncertain.low, decision.uncertain.high]
    assert told["positive"] in told["classes"]
    assert told["intended_use"] == films.bundle.manifest.intended_use.to_json()


def test_the_card_and_the_health_are_told(page: Client) -> None:
    assert page.ask("/card").body == b"# A card\n"
    told = page.ask("/health").json
    assert (told["status"], told["engine"]) == ("ok", "litert")


def test_what_fails_by_our_mistake_is_one_line_without_a_name(
    page: Client,
    films: FilmService,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(film: bytes) -> None:
        del film
        raise ZeroDivisionError("Meyer_Anna.png")

    monkeypatch.setattr(films.classifier, "classify", broken)
    with pytest.raises(ZeroDivisionError):  # for the server, which is told to log nothing
        page.ask("/api/classify", b"film", headers={"X-Film-Name": "Meyer_Anna.png"})
    said = capsys.readouterr().err
    assert "the page failed at one request: ZeroDivisionError" in said
    assert "Meyer" not in said
