"""Agents whose paths shrink and grow, plain or sealed: how it is done, and what they then say fits."""

from host import wait_until
from sealed import OVERHEAD, identities, sealed_agent, session_up

# What design.md promises; a change is followed far sooner.
DOWN_SECONDS, UP_SECONDS = 5, 40
KINDS = ("plain", "sealed")


def overhead(lab, kind):
    """What the tunnel adds to an inner IP packet."""
    return OVERHEAD[lab.family] if kind == "sealed" else lab.overhead


def agents(lab, kind, segments):
    """Agents by host, started, sealed ones with their sessions up; `segments` is what segment 42 says on each host."""
    segments = {name: {"vni": 42, "tap": "vx42", **each} for name, each in segments.items()}
    if kind == "plain":
        return [lab.agent(name, segments=[each]) for name, each in segments.items()]
    known = identities(lab)
    made = [sealed_agent(lab, name, known, [{**each, "sealed": True}]) for name, each in segments.items()]
    for agent in made:
        agent.start()
    for agent in made:
        session_up(agent)
    return made


def path_mtu(agent, host):
    """What the agent takes for the MTU of the path to a host."""
    return next(each["path-mtu"] for each in agent.json("peers") if each["address"] == host.address)


def segment_mtu(agent, vni=42):
    """What a segment carries at this moment."""
    return next(each["mtu"] for each in agent.json("segments") if each["vni"] == vni)


def set_link_mtu(lab, mtu):
    """Changes both ends of the cable between h1 and h2: the smaller one first, the larger one last."""
    for host in (lab.h1, lab.h2):
        host.ip("link", "set", "u0", "mtu", mtu)


def set_route_mtu(lab, host, mtu):
    """Gives h1 a route of its own to another host, with an MTU."""
    prefix = 32 if lab.family == "v4" else 128
    lab.h1.ip("route", "replace", f"{host.address}/{prefix}", "dev", "u0", "mtu", mtu)


def shrunk(lab, kind, link=1400):
    """Agents on both hosts with the MTU of a whole link, and the link then smaller: the first agent, that MTU, and what
    fits.
    """
    mtu = 1500 - overhead(lab, kind)
    first, _ = agents(lab, kind, {"h1": {"mtu": mtu}, "h2": {"mtu": mtu}})
    set_link_mtu(lab, link)
    wait_until(lambda: path_mtu(first, lab.h2) == link, DOWN_SECONDS, "the path is the link's")
    return first, mtu, link - overhead(lab, kind)
