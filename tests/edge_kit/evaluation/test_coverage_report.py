"""A bundle with a band for a coverage answers by its sets, and says what they are worth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_export.proof.parity import probabilities
from edge_export.proof.threshold import Rule
from edge_export.statistics.conformal import conformal_ends
from edge_kit.evaluation.coverage import cover
from edge_kit.evaluation.coverage_report import DOCUMENT, REPORT, write_coverage_report
from edge_kit.evaluation.covered import FITTED, Covered
from edge_kit.evaluation.evaluated import EvaluatedModel, open_evaluated
from edge_kit.evaluation.films import LabelledFilms, labelled_films
from edge_kit.evaluation.refit import refit
from edge_kit.evaluation.site_bundle import write_site_bundle
from edge_kit.evaluation.site_films import judged_films, one_a_patient
from edge_runtime import Classifier
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import UsageError
from films import write_film


@pytest.fixture(scope="module")
def subject(bundle: Path) -> EvaluatedModel:
    return open_evaluated(bundle)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LabelledFilms:
    root = tmp_path_factory.mktemp("hospital-of-erika")
    for number in range(20):  # brighter ones are positive to the tiny bundle, most of them
        gamma = 0.7 if number % 4 else 1.0
        write_film(root / "covid" / f"meier-{number}.png", number, gamma=gamma)
        gamma = 1.2 if number % 5 else 0.8
        write_film(root / "normal" / f"schulz-{number}.png", 100 + number, gamma=gamma)
    return labelled_films(root, modality="xray", positive="covid", skip_unreadable=False)


@pytest.fixture(scope="module")
def fitted(subject: EvaluatedModel, local: LabelledFilms) -> Covered:
    return cover(subject, local, 0.8, max_uncertain=1)


@pytest.fixture(scope="module")
def site_bundle(fitted: Covered, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "new.edge"
    write_site_bundle(bundle, out, fitted)
    return out


def test_the_classifier_s_own_answers_are_the_prediction_sets(
    fitted: Covered, site_bundle: Path, subject: EvaluatedModel, local: LabelledFilms
) -> None:
    films = judged_films(subject, local)
    kept = one_a_patient(films)
    calibration = fitted.decision.calibration
    ends = conformal_ends(kept.positive, probabilities(kept.raw, calibration), 0.8)
    negative, positive = ends.sets(probabilities(films.raw, calibration))
    expected = [
        "uncertain" if no == yes else "covid" if yes else "noncovid"
        for no, yes in zip(negative.tolist(), positive.tolist(), strict=True)
    ]
    assert not fitted.coverage.widened
    assert len(set(expected)) == 3
    with Classifier(site_bundle) as classifier:
        answers = [classifier.classify(film.path).label for film in local.films]
    assert answers == expected


def test_the_bundle_says_what_its_coverage_is_worth_and_names_nobody(
    fitted: Covered, site_bundle: Path, local: LabelledFilms
) -> None:
    bundle = open_bundle(site_bundle)
    assert bundle.manifest.decision == fitted.decision
    assert bundle.manifest.site == fitted.site
    names = ("site/card.md", "site/parity.json")
    card, parity = (bytes(bundle.read(name)).decode() for name in names)
    assert "A site fitted the uncertain band again" in card
    site = json.loads(parity)["site"]
    assert site["coverage"]["asked"] == 0.8
    assert site["coverage"]["judged_on"] == FITTED
    assert not {"ends", "curve"} & set(site["coverage"])
    for line in fitted.warnings:
        assert line in card
        assert line in site["warnings"]
    for line in fitted.figures:
        assert line in card
    content = site_bundle.read_bytes()
    for name in ("erika", "meier", *(film.sha256 for film in local.films)):
        assert name.encode() not in content
    first, *others = fitted.warnings
    assert "holds for films of this hospital alone" in first
    for law in (fitted.coverage.negative, fitted.coverage.positive):
        assert any(f"one in twenty covers less than {law.low:.3f}" in line for line in others)
    assert any("no films of both classes were held out" in line for line in others)


def test_such_a_bundle_is_not_fitted_again(site_bundle: Path, local: LabelledFilms) -> None:
    again = open_evaluated(site_bundle)
    assert again.covered
    with pytest.raises(UsageError, match="its band was fitted for a coverage"):
        cover(again, local, 0.8)
    with pytest.raises(UsageError, match="give the bundle that it was made of"):
        refit(again, local, Rule(None), None)


def test_the_report_has_all_that_was_said_and_the_curve(
    fitted: Covered, subject: EvaluatedModel, tmp_path: Path
) -> None:
    write_coverage_report(tmp_path / "out", fitted, subject, "abc")
    page = (tmp_path / "out" / REPORT).read_text("utf-8")
    content = json.loads((tmp_path / "out" / DOCUMENT).read_text("utf-8"))
    assert content["warnings"] == list(fitted.warnings)
    assert len(content["coverage"]["curve"]) == len(fitted.coverage.curve)
    assert content["coverage"]["of_positive"]["uncertain"]["n"] == 20
    for line in fitted.warnings:
        assert line.replace("'", "&#39;") in page
    assert "<script" not in page
    assert "data:image/svg+xml" in page
    assert "erika" not in page
    chosen = fitted.coverage.chosen
    assert f"answered {chosen.answered}" in page
