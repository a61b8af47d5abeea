"""What the threads of a process may do, as the kernel says it, and users that agents become."""

import glob
import os
import pwd

NET_ADMIN = 1 << 12
EVERY_SET = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def user():
    """A user of this machine that is nobody's, and has no right to anything."""
    return pwd.getpwnam("nobody")


def threads(process):
    """What `/proc` says of every thread of a process, as a dictionary each."""
    read = []
    for path in glob.glob(f"/proc/{process}/task/*/status"):
        with open(path, encoding="ascii") as file:
            read.append(dict(line.rstrip("\n").split(":", 1) for line in file))
    return read


def numbers(text, base=10):
    """The numbers of a line of `/proc/PID/status`."""
    return [int(each, base) for each in text.split()]


def judge(agent, uid, gid, bounded=True):
    """Every thread of the agent is this user's, has CAP_NET_ADMIN, and neither has nor can have anything else.

    `bounded`: also the set that bounds what an `execve` gives. Returns how many threads there are.
    """
    found = threads(agent.process.pid)
    names = sorted(each["Name"].strip() for each in found)
    assert len(found) >= 4 and any(name.startswith("vtep-worker") for name in names), names
    expected = {"CapInh": 0, "CapPrm": NET_ADMIN, "CapEff": NET_ADMIN, "CapBnd": NET_ADMIN, "CapAmb": 0}
    if not bounded:
        del expected["CapBnd"]
    for thread in found:
        assert numbers(thread["Uid"]) == [uid] * 4 and numbers(thread["Gid"]) == [gid] * 4, thread
        assert {name: numbers(thread[name], 16)[0] for name in expected} == expected, thread
        assert numbers(thread["NoNewPrivs"]) == [1], thread
        if uid != 0:
            assert set(numbers(thread["Groups"])) == set(os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)), thread
    return len(found)
