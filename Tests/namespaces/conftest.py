"""What every test here stands on: root, the tools, the binary, and a clean machine afterwards."""

import os
import shutil
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from agent import Agent, binary  # noqa: E402
from blast import Blaster  # noqa: E402
from broken import carries_its_own_libsodium, environments  # noqa: E402
from figures import figure, pytest_terminal_summary  # noqa: E402, F401
from lab import Lab, remove_leftovers  # noqa: E402
from numbered import Numbered  # noqa: E402
from sanitizers import SanitizerReports  # noqa: E402
from sealed_end import End  # noqa: E402

TOOLS = {"ip": "iproute2", "bridge": "iproute2", "ethtool": "ethtool", "ping": "iputils-ping", "tcpdump": "tcpdump",
         "tshark": "tshark", "cc": "gcc", "setpriv": "util-linux", "sysctl": "procps", "faketime": "faketime",
         "curl": "curl", "zsh": "zsh", "fish": "fish", "strace": "strace"}

MARKERS = ("alone: judges times, shares of a processor or what is on the machine, so nothing else may run beside it",
           "long: takes long and is begun first",
           "package: judges the package that VTEP_PACKAGE names, or takes what `scripts/setup --package` installs; not "
           "collected without VTEP_PACKAGE")


def pytest_configure(config):
    """Refuses to start, with the reason, where tests would have to be left out."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if config.option.collectonly:
        return
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if os.geteuid() != 0:
        pytest.exit("the namespace tests need root: they make network namespaces, TAPs and raw sockets", returncode=1)
    if missing:
        pytest.exit(f"the namespace tests need: apt-get install {' '.join(missing)}", returncode=1)
    if binary() is None or not os.access(binary(), os.X_OK):
        pytest.exit(f"no vtep to test at {binary() or '.build'}: build it with `swift build -c release`, or name it in "
                    "VTEP_BINARY", returncode=1)
    config.sanitizer_reports = SanitizerReports()
    config.add_cleanup(config.sanitizer_reports.close)
    # SIGTERM as Ctrl-C: pytest then takes every fixture down, and namespaces with them.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not is_one_of_several(config):
        remove_leftovers()
        # And what a process that ran tests for this one had no time for.
        config.add_cleanup(remove_leftovers)


def is_one_of_several(config):
    """Whether this process runs tests for another one, beside others (`-n`)."""
    return hasattr(config, "workerinput")


def pytest_collection_modifyitems(config, items):
    """Puts what takes longest first, so that no process is left with it in the end."""
    if not os.environ.get("VTEP_PACKAGE"):
        left = [item for item in items if item.get_closest_marker("package") is not None]
        items[:] = [item for item in items if item.get_closest_marker("package") is None]
        config.hook.pytest_deselected(items=left)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_report_header():
    """Says what is judged."""
    scale = "full (VTEP_FULL=1)" if full() else "short (VTEP_FULL=1 for the full one)"
    lines = [f"vtep: {binary()}; scale: {scale}"]
    if not os.environ.get("VTEP_PACKAGE"):
        lines.append("without VTEP_PACKAGE: what judges the package, promtool and Prometheus is deselected")
    if binary() and carries_its_own_libsodium():
        lines.append("WARNING: this vtep has its libsodium linked in: what needs a broken one is SKIPPED, not judged")
    return lines


def pytest_unconfigure():
    """Removes every lab, also when a fixture could not."""
    Lab.close_all()


def full():
    """Whether the full scale was asked for."""
    return os.environ.get("VTEP_FULL") == "1"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Shows what the agents said when a test fails."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for lab in Lab._open:
            for agent in lab.agents:
                if agent.process is not None:
                    report.sections.append((f"{agent.host.name}: standard error of the agent", agent.stderr()[-4000:]))


@pytest.fixture(autouse=True)
def sanitizer_reports(pytestconfig):
    """What sanitizers reported, which nothing of a test may have caused, its lab's end included."""
    yield pytestconfig.sanitizer_reports
    pytestconfig.sanitizer_reports.judge()


@pytest.fixture(autouse=True)
def every_frame_is_accounted_for():
    """The accounting identity of every agent that a test leaves running (`stop` checks it for the others)."""
    yield
    for agent in list(Agent.running):
        agent.check_identity()


@pytest.fixture
def lab():
    """Two hosts on an IPv4 cable of MTU 1500."""
    with Lab() as made:
        yield made


@pytest.fixture
def lab3():
    """Three hosts on a switch, IPv4."""
    with Lab(hosts=3) as made:
        yield made


@pytest.fixture
def end(lab):
    """An agent with a session to a peer in the tests' hands."""
    made = End(lab)
    yield made
    made.close()


@pytest.fixture(scope="session")
def blaster(tmp_path_factory):
    """The compiled sender for large numbers of datagrams."""
    return Blaster(tmp_path_factory.mktemp("blast"))


@pytest.fixture(scope="session")
def numbered(tmp_path_factory):
    """The compiled sender and counter of numbered frames."""
    return Numbered(tmp_path_factory.mktemp("numbered"))


@pytest.fixture(scope="session")
def broken(tmp_path_factory):
    """By what is broken of libsodium, the environment of a process for which it is."""
    return environments(tmp_path_factory.mktemp("broken"))
