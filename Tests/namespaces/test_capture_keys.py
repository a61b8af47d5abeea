"""`vtep capture --keys`: what two agents sealed is shown and written opened, and nothing without their keys."""

from agent import vtep
from key_log import KeyLog
from sealed import identities, overlay, sealed_agent, sealed_segment, session_up
from test_capture import inner_of

LOG = "keys.log"


def test_sealed_datagrams_are_opened_with_the_key_log_and_written_as_inner_frames(lab):
    known, log = identities(lab), f"{lab.directory}/{LOG}"
    with lab.capture(expression="udp port 4790") as capture:
        agents = [sealed_agent(lab, name, known, [sealed_segment(int(name[1:]))],
                               control={"key-log": log if name == "h1" else f"{log}.other"}).start() for name in known]
        for agent in agents:
            session_up(agent)
        lab.h1.ping(overlay(2), "-c", "5", "-i", "0.05")
    closed = vtep("capture", "-r", capture.path).stdout.splitlines()
    opened = vtep("capture", "-r", capture.path, "--keys", log).stdout.splitlines()
    assert len(closed) == len(opened) == len(capture.frames())
    assert not any("ICMP" in line for line in closed)
    assert sum("handshake " in line for line in closed) >= 2
    sealed = [line for line in opened if ": sealed vni 42 lane " in line]
    assert sum("ICMP echo request" in line for line in sealed) == 5 and all(" | " in line for line in sealed)
    assert all(" | " in line for line in opened if ": control lane 15 " in line)
    # The inner frames as tcpdump reads them.
    inner = f"{lab.directory}/inner.pcap"
    done = vtep("capture", "-r", capture.path, "--keys", log, "-w", inner)
    assert done.returncode == 0 and f"{len(opened) - len(sealed)} packets without a frame" in done.stderr
    capture.path = inner
    echoes = [inner_of(line.split(" ", 1)[1]) for line in capture.lines("icmp", "-e", "-S")]
    assert echoes == [line.partition(" | ")[2] for line in sealed if "ICMP echo" in line] and len(echoes) == 10


def test_without_the_right_keys_a_line_says_so_and_a_log_that_is_none_is_refused(lab):
    known = identities(lab)
    with lab.capture(expression="udp port 4790") as capture:
        agents = [sealed_agent(lab, name, known, [sealed_segment(int(name[1:]))],
                               control={"key-log": f"{lab.directory}/{name}.log"}).start() for name in known]
        for agent in agents:
            session_up(agent)
        lab.h1.ping(overlay(2))
    other, wrong = f"{lab.directory}/other.log", f"{lab.directory}/wrong.log"
    assert len(KeyLog(f"{lab.directory}/h1.log")) >= 2
    with open(f"{lab.directory}/h1.log", encoding="utf-8") as text:
        lines = [line.split(" ") for line in text if not line.startswith("#")]
    with open(other, "w", encoding="utf-8") as text:
        text.write("".join(" ".join([*line[:3], "ab" * (len(line[3]) // 2), *line[4:]]) for line in lines))
    with open(wrong, "w", encoding="utf-8") as text:
        text.write("# one line\nnonsense\n")
    with open(f"{lab.directory}/none.log", "w", encoding="utf-8"):
        pass
    for keys, mark in ((other, "(not authentic)"), (f"{lab.directory}/none.log", "(no key)")):
        shown = vtep("capture", "-r", capture.path, "--keys", keys).stdout.splitlines()
        sealed = [line for line in shown if ": sealed vni 42 lane " in line]
        assert sealed and all(line.endswith(mark) for line in sealed)
    refused = vtep("capture", "-r", capture.path, "--keys", wrong)
    assert refused.returncode == 1 and f"{wrong}:2" in refused.stderr
