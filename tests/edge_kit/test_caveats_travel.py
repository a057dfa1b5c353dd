"""Every caveat that a command prints stands first in each page, JSON, card and picture it writes.

On drawn films that have everything there is to say something of: a marker that gives the class
away, sources of one class each, a patient in two splits, a copy, a film that cannot be read. What
names a film is for its owner's terminal alone, and never begins with `warning: `.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from edge_export.films.pixels import load_pixels
from edge_export.graph.network import load_model
from edge_export.report.files import SUFFIXES
from edge_kit.evaluation.elsewhere_words import NO_BETTER
from edge_kit.training.folds import WHY_NOT_POOLED
from said import Said, carry_out, write_rows
from shortcut_films import bright_centre, bright_corner, write_dataset
from tiny_network import RECIPE, tiny_network

NAMES = ("patient-0", "broken", "copy.png")
"""What no paper may hold: names of films."""
TRAIN = [
    "--model", "tiny", "--side", 64, "--epochs", 1, "--learning-rate", "1e-6", "--skip-unreadable",
]  # fmt: skip
LOOSE = [
    "--max-flips", "1", "--max-auc-difference", "1", "--margin", "0.9", "--calibration-films", "8",
    "--allow-calibration", "few_films", "--allow-calibration", "noise", "--max-uncertain", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return films of which one patient is in two splits, one is a copy, and one is torn."""
    root = tmp_path_factory.mktemp("own")
    films = write_dataset(root, bright_corner, count=60).films
    rows = [
        (film.path.name, film.label, film.split, f"p{max(place, 2)}", f"clinic of {film.label}")
        for place, film in enumerate(films)
        if place != 1
    ]
    shutil.copyfile(films[5].path, root / "copy.png")
    (root / "broken.png").write_bytes(b"torn")
    named = [("copy.png", *rows[4][1:]), ("broken.png", "covid", "train", "p99", "clinic of covid")]
    write_rows(root, [*rows, *named])
    return root


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return films of three sources, of which one alone has both classes, and one film is torn."""
    root = tmp_path_factory.mktemp("elsewhere")
    films = write_dataset(root, bright_centre, count=48).films
    rows = [
        (film.path.name, film.label, "", f"{film.label}{place // 4}",
         "both" if place < 16 else f"only {film.label}")
        for place, film in enumerate(films)
    ]  # fmt: skip
    (root / "broken.png").write_bytes(b"torn")
    write_rows(root, [*rows, ("broken.png", "covid", "", "q99", "both")])
    return root


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return films that are none of any training, of two sources of both classes."""
    root = tmp_path_factory.mktemp("far")
    films = write_dataset(root, bright_centre, count=32, seed=9).films
    write_rows(
        root,
        [
            (film.path.name, film.label, "", f"f{place}", "east" if place < 16 else "west")
            for place, film in enumerate(films)
        ],
    )
    return root


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def training(tiny: None, own: Path, far: Path, made: Path) -> Said:
    """Train on a leaking split, far too little for a network that tells films apart."""
    del tiny
    out = made / "run"
    return carry_out(
        "train",
        "--data",
        own,
        "--out",
        out,
        *TRAIN,
        "--allow-leaks",
        "--elsewhere",
        far,
        wrote=[out],
    )


@pytest.fixture(scope="module")
def folds(tiny: None, own: Path, far: Path, made: Path) -> Said:
    del tiny
    out = made / "folds"
    return carry_out(
        "train", "--data", own, "--out", out, *TRAIN, "--folds", 2, "--elsewhere", far, wrote=[out]
    )


@pytest.fixture(scope="module")
def ensemble(training: Said, own: Path, made: Path) -> Said:
    """Average the run and a copy of it whose weights were moved."""
    del training
    shutil.copytree(made / "run", made / "second")
    model, draw = load_model(made / "run" / "model.keras"), np.random.default_rng(0)
    model.set_weights([one + draw.normal(0, 0.01, one.shape) for one in model.get_weights()])
    model.save(made / "second" / "model.keras")
    out = made / "ensemble"
    arguments = (made / "run", made / "second", "--data", own, "--out", out, "--skip-unreadable")
    return carry_out("ensemble", *arguments, wrote=[out])


@pytest.fixture(scope="module")
def export(tiny: None, own: Path, far: Path, made: Path) -> Said:
    """Export a network that has learnt nothing, but calls one half of the films positive."""
    import keras

    del tiny
    keras.utils.set_random_seed(0)
    model, films = tiny_network(), write_dataset(made / "films", bright_corner, count=36).films
    kernel, bias = model.layers[-1].get_weights()
    answers = model.predict(load_pixels(films, RECIPE), verbose=0)
    middle, positive = logit(np.median(answers)), np.arange(36) % 2 == 0
    sign = 1 if answers[positive].mean() > answers[~positive].mean() else -1
    model.layers[-1].set_weights([sign * kernel, sign * (bias - middle)])
    model.save(made / "theirs.keras")
    out = made / "m.edge"
    return carry_out(
        "export", made / "theirs.keras", "--int8", "--data", own, "--out", out, "--classes",
        "noncovid,covid", "--input-range", "0,255", "--skip-unreadable", *LOOSE,
        "--elsewhere", far, wrote=[out, *(made / f"m{suffix}" for suffix in SUFFIXES)],
    )  # fmt: skip


@pytest.fixture(scope="module")
def failed(training: Said, own: Path, made: Path) -> Said:
    """Export the run, which calls all films one class: there are papers and no bundle."""
    del training
    out = made / "failed.edge"
    beside = [made / f"failed{suffix}" for suffix in SUFFIXES]
    arguments = (made / "run", "--int8", "--data", own, "--out", out, "--skip-unreadable", *LOOSE)
    return carry_out("export", *arguments, wrote=beside, status=7)


@pytest.fixture(scope="module")
def evaluation(export: Said, elsewhere: Path, made: Path) -> Said:
    del export
    out = made / "elsewhere"
    arguments = (made / "m.edge", "--data", elsewhere, "--out", out, "--skip-unreadable")
    return carry_out("evaluate", *arguments, wrote=[out])


@pytest.fixture(scope="module")
def evaluation_of_run(training: Said, own: Path, far: Path, made: Path) -> Said:
    del training
    out = made / "own"
    arguments = (made / "run", "--data", own, "--out", out, "--skip-unreadable", "--elsewhere", far)
    return carry_out("evaluate", *arguments, wrote=[out])


@pytest.fixture(scope="module")
def threshold(export: Said, elsewhere: Path, made: Path) -> Said:
    del export
    out = made / "site.edge"
    arguments = (made / "m.edge", "--data", elsewhere, "--out", out, "--youden")
    loose = "--skip-unreadable", "--max-uncertain", 1
    return carry_out("threshold", *arguments, *loose, wrote=[out])


@pytest.fixture(scope="module")
def coverage(export: Said, elsewhere: Path, made: Path) -> Said:
    del export
    out, report = made / "covered.edge", made / "covered"
    arguments = (made / "m.edge", "--data", elsewhere, "--out", out, "--coverage", 0.5)
    loose = "--skip-unreadable", "--max-uncertain", 1, "--report", report
    return carry_out("threshold", *arguments, *loose, wrote=[out, report])


COMMANDS = {
    "training": (6, 7),
    "folds": (6, 6),
    "ensemble": (5, 6),
    "export": (3, 6),
    "failed": (3, 6),
    "evaluation": (3, 6),
    "evaluation_of_run": (5, 6),
    "threshold": (4, 0),
    "coverage": (7, 0),
}
"""At least so many warnings and sentences each of them has to say of these films."""
PAPERS = {
    "training": ["config.json", "curves.png", "metrics.json", "record.json"],
    "folds": [*["config.json", "curves.png", "metrics.json", "record.json"] * 2, "folds.json"],
    "ensemble": ["config.json", "metrics.json"],
    "export": ["card.md", "m.claim.md", "m.report.html", "m.report.json", "parity.json"],
    "failed": ["failed.claim.md", "failed.report.html", "failed.report.json"],
    "evaluation": ["evaluation.json", "report.html"],
    "evaluation_of_run": ["evaluation.json", "report.html"],
    "threshold": ["card.md", "parity.json"],
    "coverage": ["card.md", "coverage.html", "coverage.json", "parity.json"],
}


def of_fold(text: str) -> str | None:
    """Return the number of the fold that a line, or the name of a paper, is of."""
    found = re.match(r"fold (\d+): ", text) or re.search(r"fold(\d+)/", text)
    return found[1] if found else None


@pytest.mark.parametrize("command", COMMANDS)
def test_every_caveat_that_is_printed_is_in_every_paper(
    command: str, request: pytest.FixtureRequest
) -> None:
    said: Said = request.getfixturevalue(command)
    assert sorted(Path(name).name for name in said.papers) == sorted(PAPERS[command])
    assert len(said.warnings) >= COMMANDS[command][0], said.err
    assert len(said.sentences) >= COMMANDS[command][1], said.out
    for paper, text in said.papers.items():
        for line in said.warnings:
            alone = re.sub(r"^fold \d+: ", "", line) if of_fold(paper) else line
            assert alone in text or of_fold(line) not in (None, of_fold(paper)), (paper, line)
        for sentence in said.sentences:
            # What is printed of the first fold's films; and a note to the table of all folds.
            elsewhere = of_fold(paper) == "2" or (of_fold(paper) and sentence == WHY_NOT_POOLED)
            assert sentence in text or elsewhere, (paper, sentence)
        assert not any(name in text for name in NAMES), paper


def test_warnings_of_an_export_that_its_summary_shows_are_in_every_paper(export: Said) -> None:
    ignored = re.findall(r"^  (calibration: \w+ ignored as asked)$", export.out, re.MULTILINE)
    assert len(ignored) == 2
    for paper, text in export.papers.items():
        assert all(line in text for line in ignored), paper
    # What a machine's clock says is in the papers of that machine, and not in the bundle.
    for line in re.findall(r"^  (.* is not faster than float .*)$", export.out, re.MULTILINE):
        assert [name for name, text in export.papers.items() if line in text] == [
            "m.report.html", "m.report.json", "m.claim.md",
        ]  # fmt: skip


def test_these_films_have_everything_there_is_to_say(
    training: Said, evaluation: Said, evaluation_of_run: Said, threshold: Said
) -> None:
    for words in (
        "1 film left out, that cannot be read",
        "1 film left out, byte for byte the same as others",
        "the given splits part 1 group",
        "it was trained on a split that separates 1 groups or near-duplicates",
        "val: the network calls every film ",
        "test: the network calls every film ",
    ):
        assert any(line.startswith(words) for line in training.warnings), words
    for said in (training, evaluation_of_run):
        assert said.sentences[0].startswith(
            "Elsewhere: the network is no better than a linear baseline. AUC within sources "
        )
    assert any(line.startswith("Accuracy on these films is no evid") for line in training.sentences)
    assert training.sentences[-1].startswith("the leak adds ")
    (line,) = [one for one in evaluation.warnings if one.startswith("the only source with films")]
    assert re.search(
        r", both, gives an AUC of 0\.\d{3} \(0\.\d{3} to \d\.\d{3}, n 16\); .*n 48\)", line
    )
    assert any("parts of the films that share" in one for one in evaluation.sentences)
    assert any(" is 0: none of " in one for one in evaluation_of_run.warnings)
    assert "no source has films of both classes" in " ".join(evaluation_of_run.warnings)
    assert "2 of 3 sources have films of one class only" in " ".join(threshold.warnings)
    better = "a decision looks better than it is on the films that it was fitted on"
    assert better in threshold.warnings


@pytest.mark.parametrize("command", ["training", "folds", "export", "evaluation_of_run"])
def test_a_network_no_better_than_a_linear_baseline_is_called_so_first_and_everywhere(
    command: str, request: pytest.FixtureRequest
) -> None:
    said: Said = request.getfixturevalue(command)
    assert any(NO_BETTER in line for line in said.warnings), said.err
    assert said.out.startswith(f"Elsewhere: the network is {NO_BETTER}. AUC within sources ")
    assert said.papers
    for paper, text in said.papers.items():
        assert f"{NO_BETTER} on films from elsewhere: AUC within sources" in text, paper
