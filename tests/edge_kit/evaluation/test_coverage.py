"""A band keeps its coverage by one film a patient, judged on films held out, or is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drawn_films import answering, both, decided, drawn
from edge_export.proof.parity import probabilities
from edge_kit.evaluation.coverage import cover
from edge_kit.evaluation.covered import FITTED, HELD_OUT
from edge_kit.evaluation.evaluated import EvaluatedModel, open_evaluated
from edge_kit.evaluation.site_films import judged_films, one_a_patient
from edge_runtime.errors import DataError, ParityFailed, UsageError


@pytest.fixture(scope="module")
def subject(bundle: Path) -> EvaluatedModel:
    return open_evaluated(bundle)


def test_a_run_has_no_band(subject: EvaluatedModel) -> None:
    with pytest.raises(UsageError, match="is a run"):
        cover(replace(subject, kind="run"), drawn(9, 9), 0.8)


@pytest.mark.parametrize(("coverage", "least"), [(0.95, 19), (0.9, 9), (0.3, 2)])
def test_too_few_films_of_a_class_are_refused_with_the_number_that_is_needed(
    coverage: float, least: int, subject: EvaluatedModel
) -> None:
    for cases, controls in ((least - 1, 60), (60, least - 1)):
        few = drawn(cases, controls)
        with pytest.raises(DataError, match=f"{coverage:g} needs {least} of each") as refused:
            cover(answering(subject, few, 1.0), few, coverage, max_uncertain=1)
        assert f"{cases} covid and {controls} noncovid films were judged" in str(refused.value)
        assert refused.value.exit_status == 9
    enough = drawn(least, least)
    cover(answering(subject, enough, 1.0), enough, coverage, max_uncertain=1)


def test_one_film_a_patient_and_class_counts_that_of_the_least_digest(
    subject: EvaluatedModel,
) -> None:
    films = drawn(40, 30)
    groups = [f"patient {number // 4}" for number in range(40)]  # four films each
    groups += [f"patient {number}" for number in range(30)]  # ten of them have both classes
    together = replace(
        films,
        films=tuple(
            replace(film, group=group) for film, group in zip(films.films, groups, strict=True)
        ),
    )
    model = answering(subject, together, 1.0)
    kept = one_a_patient(judged_films(model, together))
    assert kept.counts == (30, 10)
    for group, positive, digest in zip(kept.groups, kept.positive, kept.digests, strict=True):
        own = [
            film.sha256
            for film in together.films
            if film.group == group and (film.label == "covid") == positive
        ]
        assert digest == min(own)
    outcome = cover(model, together, 0.8, max_uncertain=1)
    assert (outcome.site.negative, outcome.site.positive) == (30, 10)
    assert (outcome.coverage.negative.n, outcome.coverage.positive.n) == (30, 10)
    assert any(line.endswith(": 30 films left out") for line in outcome.warnings)
    backwards = replace(together, films=together.films[::-1])
    assert cover(model, backwards, 0.8, max_uncertain=1).decision == outcome.decision


def test_where_the_folder_has_splits_val_is_fitted_on_and_test_is_judged(
    subject: EvaluatedModel,
) -> None:
    val, test, train = drawn(30, 40, "val"), drawn(20, 25, "test"), drawn(9, 9, "train")
    akin = replace(test.films[0], group=val.films[0].group)
    test = replace(test, films=(akin, *test.films[1:]))
    everything = both(both(train, test), val)
    model = answering(subject, everything, 1.0)
    outcome = cover(model, everything, 0.9, max_uncertain=1)
    alone = cover(model, val, 0.9, max_uncertain=1)
    assert outcome.decision == alone.decision
    assert (outcome.coverage.negative.n, outcome.coverage.positive.n) == (40, 30)
    assert outcome.coverage.judged_on == HELD_OUT
    assert outcome.coverage.of_positive.right.n == 19
    assert outcome.coverage.of_negative.right.n == 25
    said = " ".join(outcome.warnings)
    assert "fitted on the films of the folder's val split alone" in said
    assert "19 films left out, of neither split or akin to both" in said
    assert "no films of both classes were held out" not in said
    assert "no films of both classes were held out" in " ".join(alone.warnings)
    of_one_class = both(drawn(0, 25, "test", 100), val)
    poor = cover(answering(subject, of_one_class, 1.0), of_one_class, 0.9, max_uncertain=1)
    assert poor.coverage.judged_on == FITTED
    assert "no films of both classes were held out" in " ".join(poor.warnings)


def test_the_curve_goes_through_what_was_chosen_and_ends_at_the_threshold(
    subject: EvaluatedModel,
) -> None:
    for shift, seed in ((0.0, 0), (1.0, 1), (4.0, 2)):
        films = drawn(30, 40)
        model = answering(subject, films, shift, seed)
        outcome = cover(model, films, 0.9, max_uncertain=1)
        found = outcome.coverage
        assert found.chosen.wrong is None or found.chosen in found.curve
        judged = judged_films(model, films)
        probability = probabilities(judged.raw, outcome.decision.calibration)
        decided_wrong = (probability >= outcome.decision.threshold) != judged.positive
        last = found.curve[-1]
        assert last.wrong is not None
        assert (last.answered.value, last.wrong.value) == (1.0, decided_wrong.mean())
        for outcome_of in (found.of_negative, found.of_positive):
            shares = (outcome_of.right, outcome_of.wrong, outcome_of.uncertain)
            assert sum(share.value for share in shares) == pytest.approx(1)
            assert outcome_of.wrong.value <= 1 - 0.9


def test_a_calibration_fitted_with_it_changes_no_answer(subject: EvaluatedModel) -> None:
    films = drawn(40, 40)
    model = answering(subject, films, 0.7)
    plain = cover(model, films, 0.9, max_uncertain=1)
    fitted = cover(model, films, 0.9, "platt", 1)
    assert fitted.site.fitted == ("calibration", "threshold")
    assert plain.site.fitted == ("threshold",)
    assert fitted.decision.calibration.method == "platt"
    assert fitted.fitted_parts == "uncertain band and the calibration"
    assert fitted.coverage.of_positive == plain.coverage.of_positive
    assert fitted.coverage.of_negative == plain.coverage.of_negative


def test_classes_told_apart_better_than_was_asked_are_said_to_be(subject: EvaluatedModel) -> None:
    films = drawn(40, 40)
    apart = cover(answering(subject, films, 5.0), films, 0.8)
    assert apart.coverage.ends.crossed
    assert "more may be answered with a coverage above 0.8" in " ".join(apart.warnings)
    assert apart.coverage.of_positive.uncertain.value > 0
    more = cover(answering(subject, films, 5.0), films, 0.95)
    assert more.coverage.chosen.answered.value > apart.coverage.chosen.answered.value


def test_a_band_as_wide_as_engines_differ_is_kept_and_said(subject: EvaluatedModel) -> None:
    films = drawn(40, 40)
    wide = replace(answering(subject, films, 2.0), decision=decided(0.01, 0.99))
    outcome = cover(wide, films, 0.8, max_uncertain=1)
    assert outcome.coverage.widened
    assert (outcome.decision.uncertain.low, outcome.decision.uncertain.high) == (0.01, 0.99)
    assert "it is as wide as engines differ by" in " ".join(outcome.warnings)


def test_most_films_uncertain_are_refused(subject: EvaluatedModel) -> None:
    films = drawn(40, 40)
    with pytest.raises(ParityFailed, match="ask for less coverage"):
        cover(answering(subject, films, 0.0), films, 0.9)


def test_answers_that_do_not_get_better_are_said_not_to(subject: EvaluatedModel) -> None:
    films = drawn(40, 40)
    poor = cover(answering(subject, films, -1.0), films, 0.9, max_uncertain=1)
    assert "fewer answers are no better ones here" in " ".join(poor.warnings)
    good = cover(answering(subject, films, 1.5), films, 0.9, max_uncertain=1)
    assert "fewer answers are no better ones here" not in " ".join(good.warnings)
