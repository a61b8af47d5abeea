"""The threats and faults that the agent is judged by, row by row: `Tests/faults.json`, and which tests show them.

A test of Tests/namespaces is called `test_fault_row_NN_…`; the name that a Swift test displays begins with `row N: ` or
`rows N, N: `. A row without any says in `untested` why there is none.
"""

import glob
import json
import os
import re

ROOT = os.path.realpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
_PYTHON = re.compile(r"\btest_fault_row_(\d\d)_\w+")
_SWIFT = re.compile(r'@Test\(\s*"(rows? (\d+(?:, \d+)*): (?:[^"\\]|\\.)*)"')


def rows(path=f"{ROOT}/Tests/faults.json"):
    """Every row: its number, `threat`, `rule`, and `untested` where there is no test."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def row_of(name):
    """The row of a test of Tests/namespaces by its name or node, or None."""
    found = _PYTHON.search(name)
    return int(found[1]) if found else None


def tests(root=ROOT):
    """The tests in the tree by row: (file, name)."""
    of = {}
    for path in sorted(glob.glob(f"{root}/Tests/namespaces/test_*.py")):
        for name in re.findall(r"^def (test_fault_row_\w+)", _text(path), re.MULTILINE):
            of.setdefault(row_of(name), []).append((os.path.relpath(path, root), name))
    for path in sorted(glob.glob(f"{root}/Tests/*/**/*.swift", recursive=True)):
        for name, numbers in _SWIFT.findall(_text(path)):
            for number in numbers.split(", "):
                of.setdefault(int(number), []).append((os.path.relpath(path, root), name))
    return of


def without_a_test(listed, of):
    """The rows that have neither a test nor a reason, those of a test that are not in the list, and those of a reason
    that have a test.
    """
    numbers = [row["row"] for row in listed]
    return ([row["row"] for row in listed if row["row"] not in of and not row.get("untested")],
            sorted(set(of) - set(numbers), key=str),
            [row["row"] for row in listed if row["row"] in of and row.get("untested")])


def _text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()
