"""What tests measure, listed at the end of a run, also of one in several processes."""

import pytest

_NAME = "figure"


@pytest.fixture
def figure(request):
    """Notes a line of what was measured: `figure("3 ms")`."""
    return lambda text: request.node.user_properties.append((_NAME, str(text)))


def pytest_terminal_summary(terminalreporter):
    """Lists the lines with the tests that noted them."""
    reports = [each for kind in terminalreporter.stats.values() for each in kind if getattr(each, "when", "") == "call"]
    lines = [f"{each.nodeid.rpartition('/')[2]}: {text}" for each in reports for name, text in each.user_properties
             if name == _NAME]
    if lines:
        terminalreporter.write_sep("=", "figures")
        for line in sorted(lines):
            terminalreporter.write_line(line)
