"""A site's bundle has new numbers for its decision, the same graphs, and nothing of the site."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from edge_export.films.film import Split
from edge_export.proof.calibration import calibrate
from edge_export.proof.threshold import Rule, choose_threshold
from edge_export.statistics.estimates import Bools, Floats
from edge_kit.evaluation.evaluated import EvaluatedModel, FilmOutcome, open_evaluated
from edge_kit.evaluation.films import LabelledFilms, labelled_films
from edge_kit.evaluation.refit import Refit, refit
from edge_kit.evaluation.site_bundle import write_site_bundle
from edge_runtime.bundle import open_bundle, verify_all
from edge_runtime.bundle.records import Calibration, Decision, Uncertain
from edge_runtime.engines import open_engine
from edge_runtime.errors import DataError, IntegrityError, ParityFailed, UsageError
from edge_runtime.machine.check import replay_golden
from edge_runtime.updates.region import require_decision_alone
from films import write_film

RULE = Rule(0.75)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LabelledFilms:
    root = tmp_path_factory.mktemp("hospital-of-erika")
    for one in range(12):  # brighter ones are positive to the tiny bundle, all but a few
        write_film(root / "covid" / f"meier-{one}.png", one, gamma=0.6 if one % 4 else 1.0)
        write_film(root / "normal" / f"schulz-{one}.png", 100 + one, gamma=1.1)
    return labelled_films(root, modality="xray", positive="covid", skip_unreadable=False)


@pytest.fixture(scope="module")
def subject(bundle: Path) -> EvaluatedModel:
    return open_evaluated(bundle)


@pytest.fixture(scope="module")
def found(subject: EvaluatedModel, local: LabelledFilms) -> Refit:
    return refit(subject, local, RULE, "platt")


def answers(subject: EvaluatedModel, local: LabelledFilms) -> tuple[Bools, Floats]:
    raw = np.array([one.logit for one in subject.classify([film.path for film in local.films])])
    return np.array([film.label == "covid" for film in local.films]), raw


def test_threshold_and_calibration_are_those_of_the_site_s_films(
    found: Refit, subject: EvaluatedModel, local: LabelledFilms
) -> None:
    positive, raw = answers(subject, local)
    made = calibrate(positive, raw, "platt")
    probability = expit(made.scale * raw + made.offset)
    threshold = choose_threshold(positive, probability, RULE)
    assert found.decision.calibration == made
    assert found.decision.threshold == pytest.approx(threshold.value)
    assert found.fitted.sensitivity.value >= 0.75
    assert found.before.sensitivity.value == (raw[positive] >= 0).mean()
    assert found.before.specificity.value == (raw[~positive] < 0).mean()
    assert (found.site.positive, found.site.negative) == (12, 12)


def test_the_new_bundle_has_the_same_graphs_and_says_whose_decision_it_has(
    found: Refit, bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new.edge"
    identity = write_site_bundle(bundle, out, found)
    with verify_all(bundle) as old, verify_all(out) as new:
        assert new.identity == identity != old.identity
        for name in old.manifest.files:
            assert bytes(new.read(name)) == bytes(old.read(name))
        assert new.manifest.version == f"{old.manifest.version}+site"
        assert new.manifest.site == found.site
        assert new.manifest.site.bundle == old.identity
        assert new.manifest.site.fitted == ("calibration", "threshold")
        assert new.manifest.decision == found.decision
        assert new.manifest.verdict == "undecided"
        wanted = old.manifest.golden.tolerance / found.decision.calibration.scale
        assert new.manifest.golden.tolerance == pytest.approx(wanted, rel=0.01)
        assert new.manifest.golden.tolerance <= wanted
        replay_golden(new, open_engine(new))
        card = bytes(new.read("site/card.md")).decode()
    assert "## Fitted again at a site" in card
    assert f"{found.fitted.sensitivity}" in card


def test_a_box_takes_the_new_bundle_for_a_threshold_alone(
    found: Refit, bundle: Path, tmp_path: Path
) -> None:
    write_site_bundle(bundle, tmp_path / "new.edge", found)
    with verify_all(bundle) as maker, verify_all(tmp_path / "new.edge") as site:
        require_decision_alone(maker, site)
        with pytest.raises(IntegrityError, match="changes more than the decision"):
            require_decision_alone(site, maker)


def test_no_name_of_the_site_its_folder_or_its_films_is_in_the_bundle(
    found: Refit, bundle: Path, local: LabelledFilms, tmp_path: Path
) -> None:
    out = tmp_path / "new.edge"
    write_site_bundle(bundle, out, found)
    content = out.read_bytes()
    for name in ("erika", str(tmp_path), *(film.path.name for film in local.films)):
        assert name.encode() not in content
    for film in local.films:
        assert film.sha256.encode() not in content


def test_a_bundle_fitted_twice_has_one_note_and_one_section(
    found: Refit, bundle: Path, local: LabelledFilms, tmp_path: Path
) -> None:
    once, twice = tmp_path / "once.edge", tmp_path / "twice.edge"
    first = write_site_bundle(bundle, once, found)
    again = refit(open_evaluated(once), local, Rule(None), None)
    write_site_bundle(once, twice, again)
    manifest = open_bundle(twice).manifest
    assert manifest.version == open_bundle(once).manifest.version
    assert manifest.site is not None
    assert (manifest.site.bundle, manifest.site.fitted) == (first, ("threshold",))
    assert manifest.decision.calibration == found.decision.calibration
    card = bytes(open_bundle(twice).read("site/card.md")).decode()
    assert card.count("## Fitted again at a site") == 1
    assert "Youden" in card


def with_logits(subject: EvaluatedModel, logits: list[float], decision: Decision) -> EvaluatedModel:
    return replace(
        subject,
        decision=decision,
        classify=lambda paths: [FilmOutcome(one) for one in logits[: len(paths)]],
    )


def decided(scale: float, threshold: float, low: float, high: float) -> Decision:
    return Decision(
        calibration=Calibration(method="temperature", scale=scale, offset=0.0),
        threshold=threshold,
        uncertain=Uncertain(low=low, high=high),
        chosen=None,
    )


@pytest.mark.parametrize(("low", "high"), [(0.4, 0.65), (0.5, 0.5), (0.0, 1.0)])
def test_the_band_stays_as_wide_in_the_graph_s_own_logits(
    low: float, high: float, subject: EvaluatedModel, local: LabelledFilms
) -> None:
    logits = np.random.default_rng(0).normal(size=24).tolist()
    before = decided(2.0, 0.5, low, high)
    after = refit(with_logits(subject, logits, before), local, RULE, "platt", 1.0).decision
    line, band = after.calibration, after.uncertain

    def raw(probability: float) -> float:
        return float((logit(probability) - line.offset) / line.scale)

    if low == high:
        assert band.low == band.high == after.threshold
    elif low == 0:
        assert (band.low, band.high) == (0.0, 1.0)
    else:
        assert raw(after.threshold) - raw(band.low) == pytest.approx(-logit(low) / 2, abs=1e-3)
        assert raw(band.high) - raw(after.threshold) == pytest.approx(logit(high) / 2, abs=1e-3)


def test_a_calibration_alone_keeps_the_threshold_as_a_probability(
    subject: EvaluatedModel, local: LabelledFilms, bundle: Path, tmp_path: Path
) -> None:
    found = refit(subject, local, None, "platt")
    assert found.decision.threshold == subject.decision.threshold
    assert found.decision.chosen is None
    assert found.site.fitted == ("calibration",)
    # A temperature leaves the films on their sides of one half, and so what was proved.
    kept = refit(subject, local, None, "temperature")
    assert not kept.moved
    write_site_bundle(bundle, tmp_path / "kept.edge", kept)
    assert open_bundle(tmp_path / "kept.edge").manifest.verdict == "pass"


@pytest.mark.parametrize(("names", "told"), [("ab", True), ("aa", False), (("", ""), False)])
def test_sources_of_one_class_are_told_of(
    names: str | tuple[str, str], told: bool, subject: EvaluatedModel, local: LabelledFilms
) -> None:
    sources = [names[film.label == local.positive] for film in local.films]
    named = replace(local, attributes=tuple({"source": source} for source in sources))
    warnings = " ".join(refit(subject, named, RULE, None).warnings)
    assert ("2 of 2 sources have films of one class only" in warnings) is told


def test_shares_of_films_left_out_of_the_fitting_are_no_better_than_chance_on_noise(
    subject: EvaluatedModel, local: LabelledFilms
) -> None:
    sums = []
    for seed in range(20):
        logits = np.random.default_rng(seed).normal(size=24).tolist()
        noise = with_logits(subject, logits, decided(1.0, 0.5, 0.5, 0.5))
        with suppress(DataError):  # of some noise all films would be positive
            found = refit(noise, local, Rule(None), None)
            if found.validated:
                both = (found.fitted, found.validated)
                sums.append([one.sensitivity.value + one.specificity.value for one in both])
    assert len(sums) > 8
    fitted, validated = np.mean(sums, axis=0)
    assert fitted > 1.2
    assert validated < 1.1


def test_films_left_out_are_decided_by_what_was_fitted_without_them(
    subject: EvaluatedModel, local: LabelledFilms
) -> None:
    # All are over the old threshold, and the classes far apart.
    logits = [5.0 if film.label == "covid" else 3.0 for film in local.films]
    before = decided(1.0, 0.5, 0.5, 0.5)
    found = refit(with_logits(subject, logits, before), local, Rule(None), "platt")
    assert found.validated is not None
    for one, specificity in ((found.before, 0.0), (found.fitted, 1.0), (found.validated, 1.0)):
        assert (one.sensitivity.value, one.specificity.value) == (1.0, specificity)


def test_of_one_group_a_class_nothing_can_be_left_out(
    subject: EvaluatedModel, local: LabelledFilms
) -> None:
    films = tuple(replace(film, group=film.label) for film in local.films)
    found = refit(subject, replace(local, films=films), RULE, None)
    assert found.validated is None
    assert len(found.figures) == 2


def test_few_films_refused_films_and_films_seen_before_are_told_of(
    subject: EvaluatedModel, local: LabelledFilms, found: Refit
) -> None:
    assert "12 films of covid are few: under 50" in found.warnings[0]
    seen: dict[str, Split] = {local.films[0].sha256: "train"}

    def classify(paths: object) -> list[FilmOutcome]:
        del paths
        return [*(FilmOutcome(float(one % 5)) for one in range(23)), FilmOutcome(None, "blank")]

    warned = refit(replace(subject, known=seen, classify=classify), local, RULE, None).warnings
    assert warned[0].startswith("1 of these films calibrated the bundle")
    assert warned[1] == "1 film was refused and left out"


def test_what_cannot_be_fitted_is_one_line(
    subject: EvaluatedModel, local: LabelledFilms, found: Refit
) -> None:
    with pytest.raises(UsageError, match="is a run"):
        refit(replace(subject, kind="run"), local, RULE, None)
    with pytest.raises(UsageError, match="nothing to fit"):
        refit(subject, local, None, None)
    with pytest.raises(UsageError, match="was chosen for the probabilities that it has now"):
        refit(replace(subject, decision=found.decision), local, None, "platt")
    few = [film for film in local.films if film.label == "covid"][:1]
    few += [film for film in local.films if film.label != "covid"]
    with pytest.raises(DataError, match="1 covid and 12 noncovid films were judged, 2 of each"):
        refit(subject, replace(local, films=tuple(few)), RULE, None)
    with pytest.raises(DataError, match="takes every film for positive"):
        refit(with_logits(subject, [1.0] * 24, decided(1.0, 0.5, 0.5, 0.5)), local, RULE, None)
    assert math.isfinite(found.decision.threshold)


def test_a_site_s_calibration_that_ends_at_a_bound_gives_way_and_it_is_said(
    subject: EvaluatedModel, local: LabelledFilms
) -> None:
    rng = np.random.default_rng(0)
    far = [
        -9.0 + 2 * (film.label == "covid") + float(rng.normal(scale=0.8)) for film in local.films
    ]
    shifted = with_logits(subject, far, decided(1.0, 0.5, 0.5, 0.5))
    found = refit(shifted, local, RULE, "auto")
    assert found.decision.calibration.method == "platt"
    assert "platt is taken instead" in found.warnings[0]
    with pytest.raises(DataError, match="--calibration: temperature ends at its bound"):
        refit(shifted, local, RULE, "temperature")


def test_a_site_s_bundle_that_would_call_most_films_uncertain_is_refused(
    subject: EvaluatedModel, local: LabelledFilms
) -> None:
    logits = np.random.default_rng(0).normal(size=24).tolist()
    vague = with_logits(subject, logits, decided(2.0, 0.5, 0.0, 1.0))
    with pytest.raises(ParityFailed, match="100% of 24 films would be uncertain"):
        refit(vague, local, RULE, "platt")
