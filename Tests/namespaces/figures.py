"""What tests measure: listed at the end of a run, also of one in several processes, and kept for the page of the faults
where VTEP_RESULTS names a folder.
"""

import json
import os
import time

import pytest

import faults

_NAME = "figure"


@pytest.fixture
def figure(request):
    """Notes a line of what was measured: `figure("3 ms")`."""
    return lambda text: request.node.user_properties.append((_NAME, str(text)))


def _figures(report):
    return [text for name, text in report.user_properties if name == _NAME]


def pytest_terminal_summary(terminalreporter):
    """Lists the lines with the tests that noted them."""
    reports = [each for kind in terminalreporter.stats.values() for each in kind if getattr(each, "when", "") == "call"]
    lines = [f"{each.nodeid.rpartition('/')[2]}: {text}" for each in reports for text in _figures(each)]
    if lines:
        terminalreporter.write_sep("=", "figures")
        for line in sorted(lines):
            terminalreporter.write_line(line)
    # One of several processes tells the one that began them, which keeps it.
    if os.environ.get("VTEP_RESULTS") and not hasattr(terminalreporter.config, "workerinput"):
        _keep(os.environ["VTEP_RESULTS"], terminalreporter.stats)


def _keep(folder, stats):
    """Writes how every test of a fault's row ended. What failed or was skipped before it began has ended so too."""
    ended = {}
    for reports in stats.values():
        for each in reports:
            when = getattr(each, "when", None)
            if when is None or faults.row_of(each.nodeid) is None or (when != "call" and each.passed):
                continue
            test = {"test": each.nodeid, "outcome": each.outcome, "figures": _figures(each)}
            if ended.get(each.nodeid, {}).get("outcome") != "failed":
                ended[each.nodeid] = test
    if not ended:
        return
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/pytest-{os.getpid()}-{time.time_ns()}.json", "w", encoding="utf-8") as file:
        json.dump({"scale": "full" if os.environ.get("VTEP_FULL") == "1" else "short", "tests": list(ended.values())},
                  file, indent=1)
