"""What contradicts the model, its classes or its films is refused, and nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.graph.network import InputRange
from edge_kit.cli import run
from edge_kit.data.dataset import load_dataset
from edge_runtime.errors import DataError, EdgeError, UsageError
from films import write_films
from ordered_exports import Exported, export

REAL = Path(__file__).parents[4] / "shared" / "data"


def arguments(words: str, **paths: Path) -> list[str]:
    return [str(paths[word[1:]]) if word.startswith("@") else word for word in words.split()]


FULL = "--data @data --classes noncovid,covid --input-range 0,255"


@pytest.mark.parametrize(
    ("words", "kind", "problem"),
    [
        ("@run --classes noncovid,covid", UsageError, "--classes: "),
        ("@run --input-range 0,1", UsageError, "--input-range: "),
        ("@run --preprocessing caffe", UsageError, "--preprocessing: "),
        ("@run --modality ct", UsageError, "--modality: "),
        ("@run --positive noncovid", UsageError, "--positive: 'noncovid' is not the model's"),
        ("@run --limits @missing", UsageError, "cannot be read"),
        ("@run --data @missing", DataError, "is no folder"),
        ("@missing", DataError, "no such file or folder"),
        ("@foreign", UsageError, "add --classes NEG,POS --input-range LOW,HIGH --data DIR"),
        ("@foreign --data @data", UsageError, "has to be said"),
        ("@foreign --data @data --classes noncovid,covid", UsageError, "has to be said"),
        ("@foreign --data @data --input-range 0,255", UsageError, "has to be said"),
        (f"@foreign {FULL} --positive noncovid", UsageError, "--positive: "),
        (f"@foreign {FULL} --preprocessing tf", UsageError, "--preprocessing: says what"),
        (
            "@foreign --data @data --classes noncovid,covid --preprocessing caffe",
            UsageError,
            "--preprocessing caffe: is for 3 channels, the model takes 1",
        ),
        (f"@foreign {FULL} --expected-predictions @missing", DataError, "cannot be read"),
        (f"@foreign {FULL} --modality ct", DataError, ""),
        ("@data --classes a,b --input-range 0,1 --data @data", DataError, "is no run"),
    ],
)
def test_what_contradicts_the_model_is_refused(
    words: str,
    kind: type[EdgeError],
    problem: str,
    trained: Path,
    foreign: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    if "--modality ct" in words and "@foreign" in words:
        marked = tmp_path / "xray"
        shutil.copytree(data, marked)
        data = tmp_path
    given = arguments(words, run=trained, foreign=foreign, data=data, missing=tmp_path / "none")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(kind) as caught:
        export(*given, "--out", out / "m.edge")
    assert problem in str(caught.value)
    assert caught.value.cure
    assert not list(out.iterdir())


def test_classes_of_a_foreign_model_may_be_spelled_as_folders_are(
    foreign: Path, data: Path, asked: Callable[..., Exported]
) -> None:
    said = ("--data", data, "--input-range", "-1,1", "--classes")
    plan = asked(foreign, *said, "Normal,COVID-19").plan
    named = asked(foreign, *said, "noncovid,covid").plan
    described = replace(plan.description, exported_by=named.description.exported_by)
    assert replace(plan, description=described) == named
    assert (plan.description.negative, plan.description.positive) == ("noncovid", "covid")
    assert plan.input_range == InputRange(-1.0, 1.0)


@pytest.mark.parametrize(
    "classes",
    ["covid", "covid,", ",covid", "a,b,c", "flu,covid", "noncovid,flu", ""],
)
def test_classes_are_two_and_those_of_the_data(
    classes: str, foreign: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(EdgeError) as caught:
        export(
            foreign, "--out", tmp_path / "m.edge", "--data", data,
            f"--classes={classes}", "--input-range", "0,255",
        )  # fmt: skip
    assert caught.value.exit_status in (2, 9)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "limits", ["0", "0,", "a,b", "1,0", "0,0", "nan,1", "0,inf", "0,1,2", "-1e7,1", ""]
)
def test_an_input_range_is_two_numbers_in_order(
    limits: str, foreign: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--input-range: "):
        export(
            foreign, "--out", tmp_path / "m.edge", "--data", data,
            "--classes", "noncovid,covid", f"--input-range={limits}",
        )  # fmt: skip


def test_two_modalities_without_a_choice_are_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = write_films(tmp_path / "d", "xray/covid", "xray/normal", "ct/covid", "ct/normal")
    assert run(["train", "--data", str(films), "--out", str(tmp_path / "r")]) == 2
    assert "holds ct (16), xray (16); choose one with --modality" in capsys.readouterr().err


def test_what_the_owner_of_the_data_should_know_is_said_at_the_export_too(
    foreign: Path, data: Path, tmp_path: Path, asked: Callable[..., Exported]
) -> None:
    copied = tmp_path / "data"
    shutil.copytree(data, copied)
    film = next((copied / "train" / "covid").iterdir())
    shutil.copyfile(film, film.with_name("copy.png"))
    given = ("--data", copied, "--classes", "noncovid,covid", "--input-range", "0,255")
    said = asked(foreign, *given, "--modality", "xray").said
    assert "warning: 1 film left out, byte for byte the same as others" in said


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("config.json", b"{}", "not the configuration of a run"),
        ("model.keras", b"text", "is neither a .keras file nor an .h5 file"),
        ("splits.csv", b"", "has no column"),
        ("splits.csv", b"sha256,label,split,group\n", "not in the split table"),
    ],
)
def test_a_run_that_was_meddled_with_is_refused_by_file(
    name: str, content: bytes, problem: str, trained: Path, tmp_path: Path
) -> None:
    meddled = tmp_path / "run"
    shutil.copytree(trained, meddled)
    (meddled / name).write_bytes(content)
    with pytest.raises(DataError, match=problem) as caught:
        export(meddled, "--out", tmp_path / "m.edge")
    assert name in str(caught.value)
    assert not (tmp_path / "m.edge").exists()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real films are not on this machine")
def test_the_real_films_are_what_their_readme_says() -> None:
    dataset = load_dataset(REAL, modality="xray", seed=0)
    assert (dataset.positive, dataset.negative) == ("covid", "noncovid")
    splits: dict[str, set[str]] = {}
    for film in dataset.films:
        splits.setdefault(film.group, set()).add(film.split)
    assert all(len(found) == 1 for found in splits.values())
    assert 1000 < len(dataset.films) <= 1147
