"""A sweep ends with one table, a front without what was stopped, and one command to a bundle."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.digest import sha256
from sweeps import Done, document, lasting, lines_of, run_sweep


def test_the_table_has_each_trial_once_with_interval_and_n(swept: Done) -> None:
    rows = lines_of(swept.out)
    assert len({row["name"] for row in rows}) == len(rows) == 8
    for row in rows:
        assert (row["outcome"] == "done") == (row["auc"] is not None)
        if row["outcome"] == "done":
            assert 0 <= row["auc_low"] <= row["auc"] <= row["auc_high"] <= 1
            assert row["sensitivity_low"] <= row["sensitivity"] <= row["sensitivity_high"]
            # 64 films are not for testing, half of them in each fold, half of those cases.
            assert (row["auc_n"], row["sensitivity_n"]) == (32, 16)
            assert row["bytes"] > 1000
            assert row["verdict"] in {"pass", "fail", "undecided"}
            assert row["milliseconds_low"] <= row["milliseconds"] <= row["milliseconds_high"]


def test_no_film_of_the_test_split_was_seen(swept: Done) -> None:
    held_back = {path.read_bytes() for path in (swept.plan.parent / "xray/test").rglob("*.png")}
    digests = {sha256(film) for film in held_back}
    tables = list(swept.out.glob("runs/*/splits.csv"))
    assert len(tables) == 2
    for table in tables:
        known = {line.split(",")[0] for line in table.read_text().splitlines()[1:]}
        assert len(known) == 64
        assert not known & digests


def test_a_hopeless_network_is_stopped_and_it_is_said(swept: Done) -> None:
    content = document(swept.out)
    blind = [row for row in content["configurations"] if row["model"] == "networks.py:blind"]
    assert [row["why_not"] for row in blind] == ["2 of 2 trials were stopped early"] * 2
    assert not any(row["on_front"] for row in blind)
    (told,) = content["stopped_early"]
    assert told.startswith("stopped after epoch 1 in fold 1, seed 0: validation AUC 0.5")
    page = (swept.out / "sweep.html").read_text()
    assert told in page
    assert "Trainings were stopped early, as the plan says (ASHA)" in page
    # In the second fold it was not even begun.
    assert {row["reason"] for row in lines_of(swept.out) if row["fold"] == 2} >= {told}
    assert not (swept.out / "runs/m2-fold1-seed0").exists()


def test_trainings_are_shared_by_the_exports_of_each(swept: Done) -> None:
    logs = "".join(path.read_text() for path in swept.out.glob("runs/*.log"))
    assert logs.count("wrote ") == 2
    assert logs.count("proving on the 38 films") >= 4


def test_one_command_makes_a_bundle_of_the_winner(swept: Done, tmp_path: Path) -> None:
    line = next(line for line in swept.stdout.splitlines() if "sweep pick" in line)
    page = (swept.out / "sweep.html").read_text()
    assert line.strip() in page
    program, _, *words = shlex.split(line)
    assert program == "edge-kit"
    bundle = tmp_path / words[-1]
    done = run_sweep(*words[:-1], bundle, "--body-part", "CHEST")
    assert done.returncode == 0, done.stderr
    winner = next(row for row in document(swept.out)["configurations"] if row["winner"])
    with open_bundle(bundle) as opened:
        files = [graph.file for graph in opened.manifest.graphs]
        assert opened.manifest.intended_use.body_parts == ("CHEST",)
    assert any(("int8" in file) == winner["recipe"].startswith("static") for file in files)


def test_what_a_kill_left_was_taken_as_it_is(swept: Done) -> None:
    assert {path: path.stat().st_mtime_ns for path in swept.models} == swept.models
    assert re.search(r"[1-7] of them done before", swept.stderr)


def test_a_trial_of_a_cluster_is_the_same_by_a_process_here(swept: Done) -> None:
    table, times = lasting(swept.out), (swept.out / "latency.json").read_bytes()
    (swept.out / "trials/m1-fold2-seed0-float16.json").unlink()
    done = run_sweep(swept.plan, "--out", swept.out, "--resume")
    assert done.returncode == 0, done.stderr
    assert "7 of them done before" in done.stderr
    assert lasting(swept.out) == table
    # Of the same graphs nothing is measured anew.
    assert (swept.out / "latency.json").read_bytes() == times


def test_nothing_heavy_is_loaded_before_it_is_asked_for() -> None:
    script = (
        # scikit-learn loads pandas where it is, and pandas pyarrow: nothing of ours may.
        "import sys; sys.modules.update(dict.fromkeys(('pandas',)))\n"
        "import edge_kit.cli; edge_kit.cli.parser()\n"
        "import edge_kit.sweeping.sweep, edge_kit.sweeping.plan_file\n"
        "assert not {'ray', 'tensorflow', 'jax', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
