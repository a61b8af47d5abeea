"""contrib/wireshark/vtep.lua in tshark, and what `sealing.py` says of the same datagrams."""

import pathlib
import struct
import subprocess

import sealing

SCRIPT = pathlib.Path(__file__).parents[2] / "contrib" / "wireshark" / "vtep.lua"
FIELDS = ("kind", "vni", "lane", "index", "counter", "type", "ciphertext", "ephemeral", "static", "payload", "mac1",
          "mac2", "cookie_nonce", "cookie", "key")
_MACS = ("mac1", 16), ("mac2", 16)
_LAYOUTS = {1: (("ephemeral", 32), ("static", 48), ("payload", 48), *_MACS),
            2: (("ephemeral", 32), ("payload", 24), *_MACS), 3: (("cookie_nonce", 24), ("cookie", 32))}


def tshark(path, *options):
    """What tshark prints of a capture with the dissector. It fails at any error of the script."""
    done = subprocess.run(["tshark", "-n", "-X", f"lua_script:{SCRIPT}", "-r", path, *map(str, options)],
                          capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and not any(word in said.lower() for word in ("lua:", "lua error", "dissector bug")), \
        done.stderr or next(line for line in done.stdout.splitlines() if "lua" in line.lower())
    return done.stdout


def fields(path, *options):
    """The dissector's fields of each packet, without those that are not there."""
    asked = [option for name in FIELDS for option in ("-e", f"vtep.{name}")]
    rows = tshark(path, "-T", "fields", *asked, *options).splitlines()
    return [{name: text for name, text in zip(FIELDS, row.split("\t"), strict=True) if text} for row in rows]


def expected(datagram):
    """The same of a whole datagram by the other decoder; nothing where that takes it for none."""
    try:
        header = sealing.Header(datagram)
    except ValueError:
        return {}
    found = {"kind": header.kind, "vni": str(header.vni), "lane": str(header.lane), "counter": str(header.counter),
             "index": f"0x{header.index:06x}"}
    if header.kind != "handshake":
        return {**found, "ciphertext": datagram[16:].hex()} if len(datagram) > 16 else found
    offset = 16
    if header.counter in _LAYOUTS:
        found["type"] = str(header.counter)
    for name, size in _LAYOUTS.get(header.counter, ()):
        if offset + size > len(datagram):
            break
        found[name] = datagram[offset:offset + size].hex()
        offset += size
    return found


def write(path, payloads, cut=lambda frame: frame):
    """A capture of payloads of UDP port 4790; `cut` says what of each frame was captured."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for payload in payloads:
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
                             bytes([192, 0, 2, 2]))
            frame = bytes(12) + b"\x08\0" + ip + struct.pack(">HHHH", 50_000, 4790, 8 + len(payload), 0) + payload
            taken = cut(frame)
            file.write(struct.pack("<IIII", 1, 0, len(taken), len(frame)) + taken)
