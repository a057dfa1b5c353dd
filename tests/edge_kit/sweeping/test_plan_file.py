"""A plan is read strictly: each mistake is one line that names the file, the key and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.sweeping.plan import Halving, SweepPlan
from edge_kit.sweeping.plan_file import read_plan
from edge_runtime.errors import UsageError
from sweeps import PLAN, lay_out, run_sweep

SOUND = 'data = "xray"\nmodels = ["model3", "clinic"]\n'


def written(folder: Path, text: str) -> Path:
    (folder / "xray").mkdir(exist_ok=True)
    path = folder / "plan.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('modells = ["model3"]\ndata = "xray"', "has an unknown key, 'modells'"),
        ('data = "xray"', "has no 'models'"),
        ('models = ["model3"]', "has no 'data'"),
        ('data = "xray"\nmodels = []', "models: the list is empty"),
        ('data = "xray"\nmodels = "model3"', "models: 'model3' is not a list"),
        ('data = "xray"\nmodels = ["model4"]', "models: --model 'model4' is not known"),
        ('data = "xray"\nmodels = ["model3", "model3"]', "models: 'model3' is there twice"),
        ('data = "ct"\nmodels = ["model3"]', "data: there is no folder"),
        (SOUND + "folds = 1", "folds: 1 is not a whole number from 2 to 20"),
        (SOUND + "folds = true", "folds: True is not a whole number"),
        (SOUND + "seeds = [0, -1]", "seeds: -1 is not a whole number"),
        (SOUND + 'recipes = ["int8"]', "recipes: 'int8' is not one of float32, "),
        (SOUND + 'calibration_methods = ["mean"]', "calibration_methods: 'mean' is not one of"),
        (SOUND + "specificity = 1", "specificity: 1 is not a number above 0 and below 1"),
        (SOUND + "specificity = nan", "specificity: nan is not a number"),
        (SOUND + "epochs = 2.5", "epochs: 2.5 is not a whole number"),
        (SOUND + 'latency = "no"', "latency: 'no' is neither true nor false"),
        (SOUND + "gpus = -1", "gpus: -1 is not a number from 0 to 64"),
        (SOUND + "early_stopping = true", "early_stopping: True is not a table"),
        (SOUND + "[early_stopping]\ngrace = 1", "early_stopping: unknown key 'grace'"),
        (
            SOUND + "[early_stopping]\nreduction_factor = 1",
            "early_stopping: reduction_factor: 1 is not a whole number from 2 to 10",
        ),
        (
            'data = "xray"\nmodels = ["model3"]\n[early_stopping]',
            "early_stopping compares networks with each other, and there is one",
        ),
        (
            SOUND + f"folds = 20\nseeds = {list(range(251))}",
            "asks for 10040 trials (models 2 x folds 20 x seeds 251 x ways to quantize 1), at most",
        ),
        ("models = [", "is not TOML"),
    ],
)
def test_a_mistake_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_plan(path)
    line = str(caught.value)
    assert said in line
    assert str(path) in line
    assert "\n" not in line


def test_what_is_not_said_is_what_train_and_export_do(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, SOUND))
    assert plan.recipes == ("static_wi8_ai8",)
    assert plan.calibration_methods == ("min_max",)
    assert (plan.early_stopping, plan.epochs, plan.gpus) == (None, None, 0)
    assert plan.data == (str(tmp_path / "xray"),)


def test_a_plan_is_the_same_after_it_was_written(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, SOUND + "seeds = [3, 1]\n[early_stopping]"))
    assert plan.early_stopping == Halving()
    assert SweepPlan.from_json(plan.to_json()) == plan


def test_only_recipes_that_need_ranges_are_calibrated(tmp_path: Path) -> None:
    text = SOUND + 'recipes = ["float16", "static_wi8_ai8"]\n'
    plan = read_plan(written(tmp_path, text + 'calibration_methods = ["min_max", "mse"]\n'))
    ways = [(one.recipe, one.method) for one in plan.configurations if one.model == "clinic"]
    assert ways == [
        ("float16", None),
        ("static_wi8_ai8", "min_max"),
        ("static_wi8_ai8", "mse"),
    ]
    names = [trial.name for trial in plan.trials]
    assert len(set(names)) == len(names) == plan.trial_count()[0] == 2 * 3 * 3


def test_a_wrong_plan_ends_with_the_status_of_usage_and_writes_nothing(tmp_path: Path) -> None:
    path = lay_out(tmp_path, plan=PLAN + 'unknown = "x"\n', films=0)
    (tmp_path / "xray").mkdir()
    done = run_sweep(path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "early_stopping: unknown key 'unknown'" in done.stderr
    assert not (tmp_path / "out").exists()
