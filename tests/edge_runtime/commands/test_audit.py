"""`edge-run audit` and `--audit`: a line before each answer, and no answer without a line."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from edge_runtime.cli import run
from tiny_bundle import edge_run, environment, write_film
from trails import delivery, opened, put, write_trail

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return write_trail(tmp_path / "trail.jsonl")


def test_verify_prints_a_head_that_is_expected_later(
    trail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "verify", str(trail), "--head", str(tmp_path / "head")]) == 0
    said, head = capsys.readouterr().out.splitlines()
    assert said == "4 decisions, every line as it was written"
    assert (tmp_path / "head").read_text() == head.removeprefix("head ") + "\n"
    for expected in (head.removeprefix("head "), str(tmp_path / "head")):
        assert run(["audit", "verify", str(trail), "--expect-head", expected]) == 0
    put(trail, b"".join(trail.read_bytes().splitlines(keepends=True)[:-1]))
    assert run(["audit", "verify", str(trail)]) == 0
    capsys.readouterr()
    assert run(["audit", "verify", str(trail), "--expect-head", str(tmp_path / "head")]) == 4
    assert "lines 5 to 5 are gone" in capsys.readouterr().err


def test_deliveries_are_told_apart_from_decisions(
    trail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(trail) as more:  # which goes on where a trail of decisions alone ended
        more.record(*map(delivery, range(3)), delivery(3, "capture"), delivery(4, to="VNA"))
    assert run(["audit", "verify", str(trail)]) == 0
    said = capsys.readouterr().out.splitlines()[0]
    assert said == "4 decisions, 5 deliveries, every line as it was written"
    html = tmp_path / "report.html"
    assert run(["audit", "report", str(trail), "--html", str(html)]) == 0
    table = capsys.readouterr().out
    assert "4 decisions, head" in table and "ORTHANC: capture 1, report 3\nVNA: report 1" in table
    assert "<td>ORTHANC</td><td>capture 1, report 3</td>" in html.read_text()
    assert run(["audit", "report", str(trail), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["deliveries"] == {"ORTHANC": {"capture": 1, "report": 3}, "VNA": {"report": 1}}
    assert sum(model["decisions"] for model in told["models"]) == told["decisions"] == 4
    put(trail, trail.read_bytes().replace(b"VNA", b"PAC", 1))
    assert run(["audit", "verify", str(trail)]) == 4


def test_verify_names_the_line_and_leaves_with_4(
    trail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(trail, trail.read_bytes().replace(b"blank", b"other", 1))
    assert run(["audit", "verify", str(trail)]) == 4
    captured = capsys.readouterr()
    assert captured.out == "" and f"{trail}: line 3 was changed" in captured.err


def test_verify_fails_where_the_first_files_of_a_trail_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trail(tmp_path / "trail.jsonl", largest=1000)
    assert run(["audit", "verify", str(tmp_path / "trail-2.jsonl")]) == 4
    captured = capsys.readouterr()
    assert "lines 1 to 3 are in no file that is named" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 2), (["look"], 2), (["verify"], 2), (["verify", "missing"], 9),
        (["verify", "TRAIL", "--format", "json"], 2), (["report", "TRAIL", "--head", "x"], 2),
        (["verify", "TRAIL", "--expect-head", "x"], 2), (["report", "TRAIL", "--format", "x"], 2),
        (["report", "TRAIL", "--html", "/"], 10), (["report", "TRAIL", "--bundle", "x"], 3),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_and_its_status(
    words: list[str], status: int, trail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(trail) if word == "TRAIL" else word for word in words]
    assert run(["audit", *words]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("edge-run: ")


def test_report_is_a_table_a_document_and_a_page(
    trail: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "report.html"
    assert run(["audit", "report", str(trail), "--html", str(html), "--bundle", str(tiny)]) == 0
    assert "4 decisions" in capsys.readouterr().out
    assert html.read_text().startswith("<!doctype html>")
    assert run(["audit", "report", str(trail), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["refused"] == {"blank": 2}


@pytest.mark.parametrize("more", [[], ["--format", "csv"], ["--resume", "RESUME"]])
def test_classify_writes_a_line_for_each_row(
    more: list[str], tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (films := tmp_path / "films").mkdir()
    for number in range(3):
        write_film(films / f"{number}.png", seed=number)
    (films / "not.png").write_bytes(b"no picture")
    audit = tmp_path / "trail.jsonl"
    more = [str(tmp_path / "r.csv") if word == "RESUME" else word for word in more]
    assert run(["classify", str(films), "--bundle", str(tiny), "--audit", str(audit), *more]) == 5
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [line.get("status") for line in lines] == [None, "ok", "ok", "ok", "refused"]
    assert len({line["film"] for line in lines[1:]}) == 4 and ".png" not in audit.read_text()
    assert run(["audit", "verify", str(audit)]) == 0
    capsys.readouterr()


def test_a_disk_that_is_full_answers_nothing(tmp_path: Path, tiny: Path) -> None:
    film, audit = write_film(tmp_path / "film.png"), tmp_path / "trail.jsonl"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    words = ("classify", film, "--bundle", tiny, "--audit", audit, "--format", "csv")
    # Or it would be the compiled modules that have no room.
    ended = edge_run(*words, preexec_fn=limit, env=environment(PYTHONDONTWRITEBYTECODE="1"))
    assert ended.returncode == 10
    assert '"ok"' not in ended.stdout and "trail.jsonl" in ended.stderr
    assert edge_run(*words).returncode == 0
    assert edge_run("audit", "verify", audit).returncode == 0


@pytest.mark.parametrize(
    "words", [["verify", "--head"], ["report", "--html"]], ids=["head", "html"]
)
def test_no_result_is_written_over_a_trail(
    words: list[str], trail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    action, option = words
    before, other = trail.read_bytes(), write_trail(tmp_path / "other.jsonl")
    (tmp_path / "link").symlink_to(trail)
    for out in (trail, tmp_path / "link", other):
        assert run(["audit", action, str(trail), option, str(out)]) == 2
        assert f"{out} is an audit trail" in capsys.readouterr().err
    assert trail.read_bytes() == before
