"""A demonstration offers films of nobody, and a page without one offers none."""

from __future__ import annotations

from asgi import Client
from edge_runtime.web.app import application
from edge_runtime.web.demo import Demo
from edge_runtime.web.films import FilmService
from edge_runtime.web.settings import Settings


def test_films_are_listed_and_can_be_judged(films: FilmService) -> None:
    page = Client(application(films, Settings(), more=Demo(films.bundle).routes()))
    listed = page.ask("/demo").json["films"]
    assert [film["name"] for film in listed] == ["film-1.png", "no-film.png"]
    for film in listed:
        reply = page.ask(film["url"])
        assert reply.headers["content-type"] == "image/png"
        assert page.ask("/api/classify", reply.body).status == 200
    assert page.ask("/demo/another.png").status == 404
    page.close()


def test_a_page_in_earnest_has_no_such_films(page: Client) -> None:
    assert page.ask("/demo").status == 404
