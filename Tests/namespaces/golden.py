"""The captures of Tests/captures, and what is expected of each."""

import json
import os
import random
import sys

FOLDER = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "captures"))
sys.path.append(FOLDER)

import generate  # noqa: E402, F401
import sealed_rules  # noqa: E402, F401
from pcap_file import pcap, pcapng  # noqa: E402, F401
from underlay import Conversation, Trace  # noqa: E402, F401

with open(f"{FOLDER}/expected.json", encoding="utf-8") as _file:
    EXPECTED = json.load(_file)


def chance():
    """Random numbers of $VTEP_SEED, or of a seed that a failing test shows."""
    seed = int(os.environ.get("VTEP_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"VTEP_SEED={seed} repeats this")
    return random.Random(seed)
