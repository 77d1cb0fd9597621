from __future__ import annotations

import pytest

from tf_medsynth.reports.plain_tables import MOST_ROWS, as_interval, plain_tables, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([0.5, 0.25, 0.75, 9], "0.500 (0.250 to 0.750; n = 9)"),
        ({"estimate": 0.5, "low": 0.25, "high": 0.75}, "0.500 (0.250 to 0.750)"),
        ([0.5, None, None, 1], "0.500"),
        ([96, 96], "96, 96"),
        (list(range(50)), "50 values"),
        (None, "\N{EN DASH}"),
        (True, "yes"),
        (1e-5, "1e-05"),
        (0, "0"),
        ("words", "words"),
    ],
)
def test_values_as_text(value, text):
    assert shown(value) == text


def test_four_numbers_are_no_interval_where_the_estimate_lies_outside():
    assert as_interval([1.0, 2.0, 3.0, 4]) is None
    assert as_interval([0.5, 0.25, 0.75, 9.5]) is None
    assert as_interval([0.5, 0.25, 0.75, True]) is None


def test_scalars_of_a_level_stand_together_and_levels_below_on_their_own():
    first, second = plain_tables({"a_b": 1, "deeper": {"c": 2.0}, "d": "x"}, "Top")
    assert first.rows == [["a b", "1"], ["d", "x"]] and first.title == "Top"
    assert second.rows == [["c", "2.000"]] and second.title == "Top · deeper"


def test_alike_mappings_stand_side_by_side():
    (table,) = plain_tables({"pairs": {"T1-T2": {"median": 0.1, "p95": 0.2}, "T1-T1c": {"median": 0.3}}})
    assert table.columns == ["of", "median", "p95"]
    assert table.rows == [["T1-T2", "0.100", "0.200"], ["T1-T1c", "0.300", "\N{EN DASH}"]]


def test_long_lists_are_cut_and_say_so():
    (table,) = plain_tables({"found": [{"k": n} for n in range(MOST_ROWS + 3)]})
    assert len(table.rows) == MOST_ROWS and f"of {MOST_ROWS + 3} rows" in table.note


def test_lists_of_lists_and_empty_groups_break_nothing():
    tables = plain_tables({"matrix": [[1, 2], [3, 4]], "empty": {}, "none": []})
    assert ["0", "1, 2"] in tables[-1].rows


def test_a_mapping_in_a_row_of_a_list_is_one_cell():
    (table,) = plain_tables({"judges": [{"fold": 0, "dice": {"synthetic": 0.5, "real": None}}]})
    assert table.rows == [["0", "synthetic 0.500, real \N{EN DASH}"]]
