"""What an accuracy is worth is what an audit of the same model on the same films says."""

from __future__ import annotations

from pathlib import Path

from edge_kit.audit.audit import audit
from edge_kit.audit.caveat import caveat, caveat_of_model
from edge_kit.audit.sentences import sentences
from edge_kit.data.dataset import Dataset
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import open_evaluated
from films import write_films


def test_it_is_what_an_audit_of_the_model_says(
    trained: Path, data: Path, dataset: Dataset, tmp_path: Path
) -> None:
    subject, said = open_evaluated(trained), list[str]()
    reader = FilmReader(tmp_path / "cache")
    expected = sentences(audit(dataset, data, subject.preprocess, subject.predict))
    assert caveat_of_model(subject, data, reader, said.append) == expected
    model = subject.preprocess, subject.predict
    assert caveat(dataset, data, *model, reader=reader, say=said.append) == expected
    assert said == []


def test_where_films_cannot_be_audited_that_is_said(trained: Path, tmp_path: Path) -> None:
    films, said = write_films(tmp_path, "covid", "normal", count=1), list[str]()
    assert caveat_of_model(open_evaluated(trained), films, FilmReader(), said.append) == []
    assert len(said) == 1
    assert said[0].startswith("warning: the films were not audited for shortcuts: ")
