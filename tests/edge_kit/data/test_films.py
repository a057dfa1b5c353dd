"""A copy that is left out passes its patient on to the film that is kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge_kit.data.films import list_films, read_listed
from edge_kit.data.reader import FilmReader
from films import write_film


def test_a_copy_that_is_left_out_leaves_its_patient_to_the_one_that_is_kept(
    tmp_path: Path,
) -> None:
    write_film(tmp_path / "covid/b.png", 1)
    shutil.copyfile(tmp_path / "covid/b.png", tmp_path / "covid/a.png")
    write_film(tmp_path / "covid/c.png", 2)
    write_film(tmp_path / "normal/d.png", 3)
    rows = ["path,label,patient_id", "covid/a.png,covid,", "covid/b.png,covid,P1"]
    rows += ["covid/c.png,covid,P1", "normal/d.png,normal,P2"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows), "utf-8")
    listed = list_films(tmp_path, modality="xray", positive="covid")
    found = read_listed(listed, FilmReader(), skip_unreadable=False)
    kept = {film.entry.name: film.entry.ids for film in found.films}
    assert list(kept) == ["covid/a.png", "covid/c.png", "normal/d.png"]
    assert kept["covid/a.png"] == kept["covid/c.png"]
    assert found.copies == 1
    assert found.warnings() == ["1 film left out, byte for byte the same as others"]
