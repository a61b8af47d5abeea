"""One agent that follows another on the same host: `vtep run --takeover`."""

import contextlib
import os

from host import wait_until


class Succession:
    """The processes of one agent of the lab, each taking over from the one before."""

    def __init__(self, agent, environment=None):
        self.agent, self.environment, self.count = agent, environment or {}, 0

    def launch(self, prefix=(), **sections):
        """Starts the next process and does not wait. Returns the process that runs."""
        before = self.agent.process
        self.count += 1
        self.agent.config = {**self.agent.config, **sections}
        self.agent.stderr_path = f"{self.agent.lab.directory}/{self.agent.host.name}-next-{self.count}.stderr"
        self.agent.launch(self.environment, prefix, ["--takeover"])
        return before

    def follow(self, prefix=(), **sections):
        """Starts the next process, with other sections of the configuration perhaps; the one before ends with 0."""
        before = self.launch(prefix, **sections)
        self.wait(before)

    def wait(self, before):
        """Waits until the next process is ready, and the one before has ended with status 0."""
        agent = self.agent
        wait_until(lambda: agent.process.poll() is not None or agent.ready(), 30, "the next agent is ready",
                   every=0.002)
        assert agent.process.poll() is None, f"the next agent ended: {agent.stderr()}"
        assert before.wait(timeout=20) == 0

    @contextlib.contextmanager
    def unfollowed(self):
        """Whatever is started inside, the process of before is the agent's again afterwards, and still runs."""
        process, stderr, config = self.agent.process, self.agent.stderr_path, self.agent.config
        yield
        self.agent.process, self.agent.stderr_path, self.agent.config = process, stderr, config
        self.agent.write()
        assert process.poll() is None, f"the agent of before has ended: {self.agent.stderr()}"


def gap_of(agent):
    """How long nobody read, in milliseconds, as the agent that took over says."""
    for line in agent.stderr().splitlines():
        if "taken over" in line:
            return float(line.split("pause-ms=")[1].split()[0])
    raise AssertionError(f"it does not say so: {agent.stderr()}")


def leftovers(agent):
    """What lies beside the control socket that should not."""
    return [suffix for suffix in (".next", ".takeover.next") if os.path.exists(agent.socket_path + suffix)]
