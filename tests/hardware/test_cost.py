"""Counts become medians with their spread, and ratios to the float graph and the first bundle."""

from __future__ import annotations

from dataclasses import replace

from hardware.cost import HEADER, Cost, Spread, rows, table

INT8 = Cost("A72", "litert", "model3 0.1.0", "int8", "static_wi8_ai8", Spread(50e6, 49, 51))
FLOAT = replace(INT8, graph="f32", recipe="float32", inference=Spread(100e6, 99, 101))
SMALL = replace(INT8, bundle="clinic 0.1.0", inference=Spread(5e6, 4, 6))
ELSEWHERE = replace(INT8, processor="A7", inference=Spread(200e6, 199, 201))


def test_a_spread_is_the_median_between_the_least_and_the_greatest() -> None:
    assert Spread.of([3_000_000, 1_000_000, 2_000_000]) == Spread(2e6, 1_000_000, 3_000_000)
    assert str(Spread.of([2_000_000, 1_234_000, 3_000_000])) == "2.00 (1.23 to 3.00)"


def test_a_ratio_is_taken_on_one_processor_in_one_engine() -> None:
    ratios = {cells[:4]: cells[5:7] for cells in rows([INT8, FLOAT, SMALL, ELSEWHERE])}
    assert ratios == {
        ("A72", "litert", "model3 0.1.0", "int8"): ("0.50", ""),
        ("A72", "litert", "model3 0.1.0", "f32"): ("", ""),
        ("A72", "litert", "clinic 0.1.0", "int8"): ("", "0.10"),
        ("A7", "litert", "model3 0.1.0", "int8"): ("", ""),
    }


def test_a_whole_run_is_shown_for_the_graph_that_it_runs() -> None:
    whole = replace(INT8, classify=Spread(400e6, 399_000_000, 401_000_000))
    shown = [cells[-1] for cells in rows([whole, FLOAT])]
    assert shown == ["400.00 (399.00 to 401.00)", ""]


def test_the_table_has_a_row_for_each_cost_and_no_cell_too_many() -> None:
    lines = table([INT8, FLOAT]).splitlines()
    assert [line.count(" | ") for line in lines] == [len(HEADER) - 1] * 4
