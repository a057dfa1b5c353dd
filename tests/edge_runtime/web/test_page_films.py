"""Films go in one at a time or by the hundred, and each comes back with an answer or a reason."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from clinic_page import ClinicPage, answer, answers, film, telephone_photo
from dicom_films import dicom_film
from edge_export.films.phantom import phantom
from edge_runtime.errors import REFUSALS

if TYPE_CHECKING:
    from playwright.sync_api import Route

REAL = Path(__file__).parents[4] / "shared" / "data" / "xray"
RESEARCH = "Research use; not a medical device."


def test_a_name_that_ends_within_a_character_has_an_answer(visited: ClinicPage) -> None:
    name = "\U0001fa7b" * 99 + "x.png"  # of which half a character is too long to be sent
    visited.give(film(0, name=name))
    assert "COVID-19" in visited.text("#answer")


def test_one_film_has_label_probability_threshold_model_and_time(visited: ClinicPage) -> None:
    visited.give(film(0))
    card = visited.text("#answer")
    assert "COVID-19" in card
    assert "threshold 50%" in card
    assert RESEARCH in card
    said = visited.page.locator("#answer .bar").get_attribute("aria-label") or ""
    assert said.startswith("Probability of COVID-19: ")
    assert said.endswith("Threshold: 50%. Uncertain from 48.3% to 51.7%.")
    details = visited.text("#details")
    assert "clinic-xray 0.2.2" in details
    assert "Nothing was shown for children." in details
    identity = visited.page.locator(".identity .whole")
    assert not identity.is_visible()
    visited.page.locator(".identity summary").click()
    assert len(identity.inner_text()) == 64


def test_fifty_films_are_answered_with_few_requests_at_once(visited: ClinicPage) -> None:
    visited.page.evaluate(
        """() => {
          const real = window.fetch;
          let now = 0;
          window.most = 0;
          window.fetch = async (...call) => {
            window.most = Math.max(window.most, (now += 1));
            try { return await real(...call); } finally { now -= 1; }
          };
        }"""
    )
    drawn = [film(number) for number in range(5)]
    visited.give(*({**drawn[n % 5], "name": f"film-{n:02}.png"} for n in range(50)))
    assert visited.rows() == [f"film-{n:02}.png" for n in range(50)]
    assert all("%" in line for line in visited.lines())
    assert 2 <= visited.page.evaluate("window.most") <= 4
    assert visited.text("#said") == "Finished: 50 films in the list."


def test_the_queue_shows_how_far_it_is_and_can_be_cancelled(visited: ClinicPage) -> None:
    visited.page.route("**/api/classify", lambda _: None)  # never answers
    visited.page.set_input_files("#files", [film(n) for n in range(5)])  # type: ignore[arg-type]
    visited.page.wait_for_selector("text=0 of 5 films answered")
    visited.page.wait_for_selector(".row.is-reading >> nth=2")
    visited.page.click("#cancel")
    visited.wait()
    assert visited.lines() == ["Cancelled"] * 5
    visited.page.unroute("**/api/classify")
    visited.page.click("text=Ask for the answer again")
    visited.page.wait_for_selector("#answer .label:has-text('COVID-19')")


def fulfil(reply: dict[str, Any], route: Route) -> None:
    route.fulfill(**reply)


def test_a_busy_server_is_asked_again_when_it_said_so(visited: ClinicPage) -> None:
    for status in (429, 503):
        busy = {"status": status, "headers": {"Retry-After": "1"}, "json": {"reason": "busy"}}
        visited.page.route("**/api/classify", partial(fulfil, busy), times=1)
    visited.page.set_input_files("#files", [film(0), film(1)])  # type: ignore[arg-type]
    visited.page.wait_for_selector("text=It goes on in one second.")
    visited.wait()
    assert all("COVID-19" in line for line in visited.lines())


def test_a_server_that_is_gone_is_looked_for_until_it_is_back(visited: ClinicPage) -> None:
    visited.page.route("**/api/classify", lambda route: route.abort("connectionrefused"))
    visited.page.route("**/health", lambda route: route.abort("connectionrefused"))
    visited.page.set_input_files("#files", [film(0)])  # type: ignore[arg-type]
    visited.page.wait_for_selector(".notice.bad:has-text('The server does not answer.')")
    assert visited.lines() == ["Waiting"]
    visited.page.unroute("**/api/classify")
    visited.page.unroute("**/health")
    visited.page.click("text=Try again")
    visited.wait()
    assert "COVID-19" in visited.lines()[0]
    assert visited.page.locator(".notice").count() == 0


def test_every_refusal_says_why_and_what_to_do(visited: ClinicPage) -> None:
    refused = {"status": "refused", "label": None, "probability": None, "problem": "as it says"}
    answers(visited.page, {reason: answer(**refused, refusal=reason) for reason in REFUSALS})
    visited.give(*(film(0, name=reason) for reason in REFUSALS))
    titles = set()
    for reason in REFUSALS:
        visited.choose(reason)
        card = visited.text("#answer")
        for words in ("Not assessed", "What to do:", "as it says", RESEARCH):
            assert words in card
        assert "refusal." not in card  # which a text that is missing would leave
        titles.add(visited.text("#answer h3"))
    assert len(titles) == len(REFUSALS)


def test_a_telephones_photograph_is_refused_and_told_what_to_give(visited: ClinicPage) -> None:
    visited.give(telephone_photo())
    card = visited.text("#answer")
    assert "This is a picture in colour" in card
    assert "taken with a telephone" in card
    assert "Give the file from the X-ray machine" in card


def test_what_is_no_film_is_refused_and_the_others_are_answered(visited: ClinicPage) -> None:
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    empty = {"name": "empty.png", "mimeType": "image/png", "buffer": b""}
    visited.give(broken, film(0), empty)
    broken_line, film_line, empty_line = visited.lines()
    assert broken_line == "Not assessed · The file cannot be read"
    assert film_line.startswith("COVID-19")
    assert empty_line.startswith(("No answer", "Not assessed"))


def test_tiff_and_dicom_are_answered_and_shown(visited: ClinicPage) -> None:
    levels = np.asarray(phantom(5, positive=True), dtype=np.uint16) * 16
    dicom = {"name": "film.dcm", "mimeType": "application/dicom", "buffer": dicom_film(levels)}
    visited.give(film(2, "TIFF"), dicom)
    assert all("COVID-19" in line for line in visited.lines())
    for name in ("film.dcm", "film-02.tiff"):
        visited.choose(name).shown()


def test_an_answer_has_words_and_a_shape_beside_its_colour(visited: ClinicPage) -> None:
    shapes = {"negative": "Not COVID-19", "uncertain": "Uncertain", "positive": "COVID-19"}
    said: dict[str, dict[str, Any]] = {
        "negative": {"label": "noncovid", "probability": 0.2},
        "uncertain": {"label": "uncertain", "probability": 0.51},
        "positive": {"label": "covid", "probability": 0.97},
    }
    answers(visited.page, {name: answer(**changes) for name, changes in said.items()})
    visited.give(*(film(0, name=name) for name in said))
    for name, words in shapes.items():
        visited.choose(name)
        assert visited.text("#answer .label") == words
        assert visited.page.locator(f"#answer .icon-{name}").count() == 1
        assert visited.page.locator(f".row .icon-{name}").count() == 1


def test_a_warning_stands_beside_the_answer(visited: ClinicPage) -> None:
    warned = answer(warning="9 rows at its end are of one shade")
    answers(visited.page, {"film.png": warned})
    visited.give(film(0, name="film.png"))
    assert "9 rows at its end" in visited.text("#answer .warning")


def test_a_name_that_would_mislead_is_shown_without_what_misleads(visited: ClinicPage) -> None:
    visited.give(film(0, name="<img src=x onerror=alert(1)>\u202egnp.png"))
    assert visited.rows() == ["<img src=x onerror=alert(1)>\ufffdgnp.png"]


_DROP = """(files) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  const kind = %s;
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_films_are_dropped_or_pasted_anywhere(visited: ClinicPage, way: str) -> None:
    given = [(one["name"], base64.b64encode(one["buffer"]).decode()) for one in (film(0), film(1))]
    visited.page.evaluate(_DROP % f'"{way}"', given)
    visited.wait()
    assert visited.rows() == ["film-00.png", "film-01.png"]


def test_a_folder_is_taken_without_what_is_no_film(visited: ClinicPage, tmp_path: Path) -> None:
    (tmp_path / "ward" / "day").mkdir(parents=True)
    (tmp_path / "ward" / "a.png").write_bytes(film(0)["buffer"])
    (tmp_path / "ward" / "day" / "b.png").write_bytes(film(1)["buffer"])
    (tmp_path / "ward" / "notes.txt").write_text("no film")
    visited.page.set_input_files("#folder", tmp_path / "ward")
    visited.wait()
    assert sorted(visited.rows()) == ["ward/a.png", "ward/day/b.png"]
    assert "One file of the folder is no film" in visited.text("#notices")


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real films in ../shared/data")
def test_real_films_are_answered(visited: ClinicPage) -> None:
    visited.give(*sorted(REAL.rglob("*.*"))[:6])
    assert len(visited.rows()) == 6
    assert all("%" in line or "Not assessed" in line for line in visited.lines())
    visited.shown()
