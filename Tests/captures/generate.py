#!/usr/bin/python3
"""Makes the golden captures of this folder: for every rule of `vtep verify` one that breaks it and one near it that
does not, and files of every format, broken ones too; `expected.json` says what is to be found in each.

    Tests/captures/generate.py          writes them
    Tests/captures/generate.py FOLDER   writes them elsewhere
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "namespaces")]

import file_captures  # noqa: E402
import overlay_rules  # noqa: E402
import sealed_rules  # noqa: E402
import underlay_rules  # noqa: E402
from pcap_file import pcap  # noqa: E402
from underlay import Trace  # noqa: E402

WARNINGS = {"source-port-range", "df-clear", "flow-port-unstable", "vlan-tag", "duplicate", "mac-moved"}
"""Rules that fail a capture only under `--strict`."""

RULES = {
    underlay_rules: ("outer_length", "outer_ipv4_checksum", "outer_udp_checksum", "outer_fragment", "source_port_range",
                     "df_clear", "flow_port_unstable", "duplicate", "mac_moved"),
    overlay_rules: ("header_short", "no_vni_flag", "reserved_bits", "inner_short", "inner_source", "oversize",
                    "vlan_tag", "unknown_vni"),
    sealed_rules: ("plain_on_sealed_port", "sealed_on_plain_port", "sealed_framing", "control_with_vni", "nonce_reused",
                   "authentication", "clear_traffic", "opened_inner_source"),
}


def made():
    """The bytes of every file by its name."""
    files, expected = {sealed_rules.KEY_LOG: sealed_rules.key_log().encode()}, {}
    for module, names in RULES.items():
        for name in names:
            broken, whole = Trace(), Trace()
            options = getattr(module, name)(broken, whole) or []
            stem = name.replace("_", "-")
            rule = stem.removeprefix("opened-")
            for kind, trace in (("broken", broken), ("whole", whole)):
                files[f"{stem}.{kind}.pcap"] = pcap(trace.records)
                findings = {rule: trace.broken} if trace.broken else {}
                expected[f"{stem}.{kind}.pcap"] = expectation(options, findings)
    for name, data, status, findings in file_captures.captures():
        files[name] = data
        expected[name] = expectation([], findings, status)
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in expected.items())
    files["expected.json"] = ("{\n" + ",\n".join(lines) + "\n}\n").encode()
    return files


def expectation(options, findings, status=None):
    """What `vtep verify OPTIONS` is to say of a capture: its exit status, and packets by rule; None: not laid down."""
    if status is None:
        status = int(any(rule not in WARNINGS for rule in findings))
    return {"options": options, "exit": status, "findings": findings}


def write(folder):
    """Writes every file into a folder."""
    for name, data in made().items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    write(sys.argv[1] if len(sys.argv) > 1 else HERE)
