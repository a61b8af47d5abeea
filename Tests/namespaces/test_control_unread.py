"""Row 50: clients of the control socket that ask for much and do not read it."""

import contextlib
import socket

from agent import vtep
from host import wait_until
from test_control_abuse import GROWTH_KIB, fill, two_agents


def test_fault_row_50_sixty_clients_that_do_not_read_cost_little_memory_and_no_short_answer(lab, figure):
    agents = two_agents(lab)
    agent = agents[0]
    fill(lab, agents[1], agent)
    for _ in range(20):
        assert agent.ask("fdb", "-j").returncode == 0
    before, most, answers = agent.memory(), 0, []
    with contextlib.ExitStack() as held:
        for _ in range(60):
            client = held.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(10)
            client.connect(agent.socket_path)
            client.sendall(b"GET /v1/fdb?after= HTTP/1.1\r\nhost: x\r\n\r\n")
            answers.append(client.recv(12).split()[1])
            most = max(most, agent.memory())
        assert vtep("status", "--socket", agent.socket_path).returncode == 0
        refused = agent.ask("fdb", "-j")
        assert refused.returncode == 1 and "other clients do not read" in refused.stderr, refused
    figure(f"60 clients that do not read a page of the table: {answers.count(b'200')} got one, {answers.count(b'503')} "
           f"were told to ask again; memory {most - before:+} KiB")
    assert set(answers) == {b"200", b"503"} and most - before < GROWTH_KIB
    wait_until(lambda: agent.ask("fdb", "-j").returncode == 0, 10, "long answers are had again when they have gone")
