"""`vtep verify` and what it finds in a capture."""

import json

from agent import vtep


class Judgement:
    """What `vtep verify` says of a capture: its exit status, its report (None without one) and its messages."""

    def __init__(self, path, *options, **how):
        done = vtep("verify", path, "--json", *options, **{"timeout": 120, **how})
        self.status, self.messages = done.returncode, done.stderr
        self.report = json.loads(done.stdout) if done.stdout else None

    def findings(self):
        """The packets, from 1, that break each rule."""
        packets = {}
        for finding in self.report["findings"] if self.report else ():
            packets.setdefault(finding["rule"], []).append(finding["packet"])
        return packets

    def severities(self):
        """The severity of each rule that is broken."""
        return {finding["rule"]: finding["severity"] for finding in self.report["findings"]}

    def __repr__(self):
        found = self.report["findings"][:20] if self.report else "no report"
        return f"status {self.status}, {found}, {self.messages}"


def check(path, allows=(), options=(), silent=False):
    """Fails if a capture breaks a rule that is not among those that are allowed, warnings included; also where it was
    not judged whole, or has no datagram of VXLAN and is not said to be `silent`.
    """
    judged = Judgement(path, "--strict", *options)
    broken = set(judged.findings()) - set(allows)
    assert judged.status in (0, 1) and not broken, f"vtep verify: {sorted(broken)} in {path}: {judged}"
    assert silent or judged.report["datagrams"] > 0, f"{path}: no datagram was there to judge"


def judging(lab):
    """What `vtep verify` is to know of a lab: the path's MTU, ports, and which segments are sealed at every agent."""
    configurations = [agent.config for agent in lab.agents]
    sealed = [{segment["vni"] for segment in each["segments"] if segment.get("sealed")} for each in configurations]
    options = ["--underlay-mtu", lab.mtu]
    for key, usual in (("port", 4789), ("sealed-port", 4790)):
        ports = {end.get(key, usual) for each in configurations for end in (each["local"], *each["peers"])} | {usual}
        options += [f"--{key}", ",".join(map(str, sorted(ports)))]
    for vni in sorted(set.intersection(*sealed) if sealed else ()):
        options += ["--sealed", vni]
    return options
