"""Row 53 and the service manager's watchdog: it is told that the agent goes on only while every worker does."""

import signal
import threading

import pytest

from notify import NotifySocket
from privileges import user
from stopped_thread import stopped, thread_named

SECONDS = 0.6
"""What WATCHDOG_USEC allows; the agent tells every half of it."""


@pytest.fixture
def service(lab):
    """The socket of the service manager."""
    with NotifySocket(lab) as made:
        yield made


def started(lab, service, **sections):
    """An agent that the service manager has started, and that is ready."""
    agent = lab.agent(start=False, **sections).start(service.environment(SECONDS))
    assert service.next("READY=1", 10)
    return agent


def tells(service, seconds=3 * SECONDS):
    """How many notifications came, of which none was later than allowed."""
    service.next("WATCHDOG=1", SECONDS)
    heard = [when for when, what in service.heard(seconds) if what == "WATCHDOG=1"]
    gaps = [later - earlier for earlier, later in zip(heard, heard[1:])]
    assert all(gap < SECONDS for gap in gaps), gaps
    return len(heard)


def silent(service):
    """Nothing comes for three times as long as is allowed, after what was on its way."""
    service.heard(SECONDS)
    return [what for _, what in service.heard(3 * SECONDS)] == []


@pytest.mark.parametrize("sections", ({}, {"workers": 3}, {"user": user().pw_name}), ids=("root", "workers", "user"))
def test_it_tells_every_half_of_the_time_while_it_goes_on_and_sleeps(lab, service, sections):
    if "user" in sections:
        sections = {**sections, "control": {"socket": f"{lab.directory}/run/control.sock"}}
    agent = started(lab, service, **sections)
    assert 4 <= tells(service) <= 8
    agent.stop()
    assert service.next("STOPPING=1", 2)
    assert service.heard(SECONDS) == []


def test_nothing_is_told_without_the_variable_or_to_another_process(lab, service):
    for environment in (service.environment(), service.environment(SECONDS, process=1)):
        agent = lab.agent(start=False).start(environment)
        assert service.next("READY=1", 10)
        assert service.heard(3 * SECONDS) == []
        agent.stop()
        service.forget()


def test_fault_row_53_a_worker_that_is_held_ends_it_and_one_that_goes_on_brings_it_back(lab, service, figure):
    agent = started(lab, service, workers=2)
    for name in ("vtep-worker-1", "vtep-worker-0"):
        tells(service, SECONDS)
        with stopped(thread_named(agent.process.pid, name)):
            assert silent(service), f"told while {name} was held"
            told = [line for line in agent.stderr().splitlines() if "does not go on" in line]
            assert f"worker={name[-1]}" in told[-1]
        assert service.next("WATCHDOG=1", 3 * SECONDS)
    assert agent.stderr().count("does not go on") == 2 and agent.stderr().count("the worker goes on") == 2
    figure("each of two workers was held: named, the watchdog silent until it went on")


def test_fault_row_53_the_main_thread_that_is_held_and_a_stopped_process_end_it(lab, service):
    agent = started(lab, service)
    with stopped(agent.process.pid):
        assert silent(service)
    assert service.next("WATCHDOG=1", 3 * SECONDS)
    agent.process.send_signal(signal.SIGSTOP)
    assert silent(service)
    agent.process.send_signal(signal.SIGCONT)
    assert service.next("WATCHDOG=1", 3 * SECONDS)
    assert tells(service) >= 4


def test_it_goes_on_telling_under_a_flood(lab, service, blaster):
    agent = started(lab, service)
    before = agent.counters()
    flood = threading.Thread(target=blaster.send, args=(lab.h2, lab.h1.address, (b"x" * 64 for _ in range(120_000))),
                             kwargs={"rate": 30_000})
    flood.start()
    assert tells(service) >= 4
    flood.join()
    assert agent.counters().since(before).underlay["frames-in"] > 10_000
