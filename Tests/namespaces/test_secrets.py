"""Row 50, the last of it: no key is in anything that a command prints or that the log says at level trace."""

import base64
import signal
import subprocess

import pytest

from agent import binary, vtep
from keys import Identity, preshared_key, preshared_key_file, secret_file
from sealed import identities, sealed_agent, session_up, short_keys

def forms(key):
    """Every way in which 32 bytes could be printed: as they are, base64, hexadecimal, as numbers; half is enough."""
    half, text = key[:16], base64.b64encode(key)
    numbers = ", ".join(map(str, half)).encode()
    return (half, key[16:], text[:20], text[22:42], base64.urlsafe_b64encode(key)[:20], half.hex().encode(),
            key[16:].hex().encode(), half.hex(" ").encode(), half.hex(":").encode(), numbers,
            numbers.replace(b" ", b""))


READING = ("status", "segments", "fdb", "peers", "stats", "drops")
EXPLAINED = ("fdb", "explain", "02:00:00:00:00:01", "--vni", "42")


def printed(*arguments, **options):
    """All that a command prints, as bytes."""
    done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                          **options)
    return done.stdout + done.stderr


def commands(agent):
    """What every command says that asks the agent or reads its files, for people and for programs."""
    texts = {}
    for each in (*((command,) for command in READING), EXPLAINED, ("mtu", "--peer", "h2"),
                 ("top", "--once", "-d", "0.1"), ("drops", "--all"), ("fdb", "flush", "--vni", "42")):
        for more in ((), ("-j",)):
            texts[" ".join((*each, *more))] = printed(*each, *more, "--socket", agent.socket_path)
    for path in ("status", "segments", "peers", "stats", "drops", "events?drops=yes", "mtu?peer=h2", "nonsense"):
        texts[f"/v1/{path}"] = subprocess.run(
            ["curl", "-s", "--unix-socket", agent.socket_path, f"http://vtep/v1/{path}"], capture_output=True,
            timeout=60).stdout
    texts["check"] = printed("check", "--config", agent.config_path)
    texts["--help"], texts["version"] = printed("--help"), printed("version")
    return texts


@pytest.mark.parametrize("style", ("logfmt", "json"))
def test_fault_row_50_no_key_is_in_any_output_nor_in_the_log_at_level_trace(lab, style):
    known, shared = identities(lab), [preshared_key(), preshared_key()]
    agents = []
    for name in known:
        psk = preshared_key_file(lab, f"{name}.psk", *shared)
        agents.append(sealed_agent(lab, name, known, local={"psk-file": psk}, log={"level": "trace", "format": style}))
        agents[-1].start(short_keys(4))
    for agent in agents:
        session_up(agent)
    monitor = subprocess.Popen([binary(), "monitor", "--socket", agents[0].socket_path], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        lab.h1.ping("10.42.0.2", "-c", "20", "-i", "0.2")
        secrets = {f"the private key of {name}": each.private for name, each in known.items()}
        secrets.update({f"pre-shared key {number}": each for number, each in enumerate(shared)})
        texts = commands(agents[0])
        # Keys that are read again, and files that are refused: what is said of them is no part of them.
        other = Identity(lab, "other")
        secrets["the new private key of h1"] = other.private
        secret_file(lab, "h1.key", base64.b64encode(other.private) + b"\n")
        agents[0].process.send_signal(signal.SIGHUP)
        lab.h1.ping("10.42.0.2", check=False, seconds=1)
        half = base64.b64encode(other.private)[:-3]
        for wrong in (half, half + b"AAA=", base64.b64encode(other.private) + b"\nmore\n"):
            secret_file(lab, "h1.key", wrong)
            agents[0].process.send_signal(signal.SIGHUP)
            texts[f"check of {len(wrong)} bytes"] = printed("check", "--config", agents[0].config_path)
            assert b"h1.key" in texts[f"check of {len(wrong)} bytes"]
        lab.h1.ping("10.42.0.2", check=False, seconds=1)
    finally:
        monitor.terminate()
    texts["monitor"] = monitor.communicate(timeout=20)[0]
    for agent in agents:
        texts[f"the log of {agent.host.name}"] = agent.stderr().encode()
    assert "session is up" in agents[0].stderr() and b"public" in texts["status"]
    for what, secret in secrets.items():
        for form in forms(secret):
            for name, text in texts.items():
                assert form not in text and form.lower() not in text.lower(), f"{what} is in {name}"


def test_what_searches_for_keys_finds_each_form_of_one():
    key = bytes(range(100, 132))
    ways = key, base64.b64encode(key), key.hex().encode(), base64.urlsafe_b64encode(key), str(list(key)).encode()
    for text in ways:
        assert any(form in b"before " + text + b" after" for form in forms(key)), text


def test_a_key_in_the_wrong_place_of_a_configuration_is_not_repeated(tmp_path):
    private = vtep("genkey").stdout.strip()
    for line in (f'private-key: "{private}"', f'private-key-file: "{private}"', f'psk-file: [{private}]'):
        path = tmp_path / "vtep.yaml"
        path.write_text(f"local:\n  address: 192.0.2.1\n  {line}\nsegments: [{{vni: 42, tap: vx42}}]\n")
        said = printed("check", "--config", path)
        assert said and private.encode() not in said, said
