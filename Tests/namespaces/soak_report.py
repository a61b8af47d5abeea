"""What a soak reports: a document for the page of the faults, and a few lines for people."""

import datetime
import json
import os
import statistics

from soak_watch import counts_of, growth, slope


def report_of(soak):
    """What a soak that is over measured, and all that was wrong, its memory and descriptors among that."""
    memory = {agent.host.name: _memory(soak, agent) for agent in soak.agents}
    spared = memory[soak.agents[0].host.name]
    if spared["growth-mib"] > soak.scale.growth:
        soak.wrong.append(f"the memory of {soak.agents[0].host.name} grew by {spared['growth-mib']:.2f} MiB")
    for name, each in memory.items():
        # A process that took over holds on to two descriptors of the one before.
        for kind in ("descriptors", "threads"):
            if not each[kind] or any(len(counts) > 1 for counts in each[kind]):
                soak.wrong.append(f"the {kind} of the processes of {name} were {each[kind]}")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "seed": soak.seed,
        "minutes": round(soak.seconds / 60, 1), "warm-minutes": soak.scale.warm / 60,
        "growth-limit-mib": round(soak.scale.growth, 2), "agents": memory,
        "faults": dict(sorted(soak.faults.items())),
        "back-seconds": {"median": round(statistics.median(soak.back), 2), "largest": round(max(soak.back), 2)},
        "datagrams": {"sent": soak.sent, "arrived": soak.arrived, "lost-by-kernels-without-a-fault": soak.kernel},
        "tcp-transfers": soak.streams, "reloads": soak.reloads, "refused-reloads": soak.refused,
        "key-seconds": soak.key_seconds, "drops": dict(sorted(soak.drops.items())),
        "underlay": {"datagrams": soak.underlay.datagrams, "missed": soak.underlay.missed,
                     "findings": dict(soak.underlay.findings), "in-clear": soak.underlay.in_clear},
        "wrong": soak.wrong,
    }


def _memory(soak, agent):
    name, pid = agent.host.name, agent.process.pid
    late = soak.samples.of(name, after=soak.scale.warm)
    of_process = soak.samples.of(name, pid, after=soak.scale.warm)
    return {
        "processes": len({each.pid for each in soak.samples.of(name)}),
        "growth-mib": round(growth(of_process), 2) if of_process else 0.0,
        "slope-mib-per-hour": round(slope([(each.seconds, each.rss) for each in of_process]), 2),
        "rss-kib": [min(each.rss for each in late), max(each.rss for each in late)] if late else [],
        "descriptors": counts_of(late, "descriptors"), "threads": counts_of(late, "threads"),
        "samples": len(late),
    }


def write_report(report, path):
    """Writes it as JSON."""
    if path:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


def summary(report):
    """A few lines for people."""
    lines = [f"{report['minutes']} minutes, seed {report['seed']}: {sum(report['faults'].values())} faults of "
             f"{len(report['faults'])} kinds, {report['reloads']} reloads and {report['refused-reloads']} refused, "
             f"{report['datagrams']['arrived']} of {report['datagrams']['sent']} datagrams, "
             f"{report['tcp-transfers']} TCP transfers"]
    for name, each in report["agents"].items():
        lines.append(f"{name}: {each['processes']} processes, RSS {each['rss-kib']} KiB, "
                     f"growth {each['growth-mib']} MiB, slope {each['slope-mib-per-hour']} MiB/h, "
                     f"descriptors {each['descriptors']}, threads {each['threads']}")
    lines.append(f"underlay: {report['underlay']}")
    lines += [f"WRONG: {each}" for each in report["wrong"]]
    lines.append("FAILED" if report["wrong"] else "ok: no frame in clear, none unaccounted for, no unexpected drop")
    return "\n".join(lines)
