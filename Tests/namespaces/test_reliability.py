"""The page of the faults: no row is without a test, and the page tells what a run measured and what it did not."""

import datetime
import json

import faults
import reliability

LISTED = [{"row": 1, "threat": "rain", "rule": "an umbrella"}, {"row": 2, "threat": "snow", "rule": "boots"},
          {"row": 3, "threat": "comets", "rule": "none", "untested": "there was none"}]


def test_every_row_has_a_test_or_says_why_there_is_none():
    assert [row["row"] for row in faults.rows()] == list(range(1, 61))
    assert all(row["threat"] and row["rule"] for row in faults.rows())
    assert faults.without_a_test(faults.rows(), faults.tests()) == ([], [], [])


def test_a_row_without_a_test_is_found_and_so_is_a_test_without_a_row():
    assert faults.without_a_test(LISTED, {1: [], 4: []}) == ([2], [4], [])
    assert faults.without_a_test(LISTED, {1: [], 2: [], 3: []}) == ([], [], [3]), "a reason that is none any more"


def results(folder, outcome="passed"):
    """Those of a run of one test in Python and two in Swift."""
    (folder / "pytest-1.json").write_text(json.dumps({"scale": "short", "tests": [
        {"test": "Tests/namespaces/test_x.py::test_fault_row_01_it_rains[hard]", "outcome": outcome,
         "figures": ["12 mm"]}]}))
    (folder / "unit.log").write_text('✔ Test "rows 1, 2: weather" with 3 test cases passed after 0.1 seconds.\n'
                                     'figure: row 2: 3 cm\n✔ Test "no row" passed after 0.1 seconds.\n')
    return reliability.Results(folder)


def test_the_page_has_every_row_with_its_outcome_and_figures(tmp_path):
    made = results(tmp_path)
    assert reliability.bad(made, LISTED) == []
    text = reliability.page(made, LISTED, datetime.datetime(2026, 1, 2))
    for line in ("| 1 | rain | an umbrella | 2 | passed |", "| 2 | snow | boots | 1 | passed |",
                 "| 3 | comets | none | none | there was none |", "* hard: 12 mm", "* 3 cm"):
        assert line in text.splitlines(), text
    assert "2026-01-02" in text and "scale: short" in text


def test_a_row_that_failed_or_was_not_run_makes_no_good_page(tmp_path):
    assert reliability.bad(results(tmp_path, "failed"), LISTED) == ["row 1: failed"]
    assert reliability.bad(results(tmp_path, "skipped"), LISTED) == [], "a case may be"
    (tmp_path / "unit.log").unlink()
    assert reliability.bad(reliability.Results(tmp_path), LISTED) == ["row 1: skipped", "row 2: not run"]
