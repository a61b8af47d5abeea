"""Keys of sealed segments, made by the commands of the `vtep` under test and kept in files as its manual says."""

import base64
import os
import subprocess

from agent import binary


def _printed(command, text=b""):
    done = subprocess.run([binary(), command], input=text, capture_output=True, timeout=60)
    assert done.returncode == 0, f"vtep {command}: status {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def secret_file(lab, name, text, mode=0o600):
    """Writes a secret into the lab's directory. Returns its path."""
    path = f"{lab.directory}/{name}"
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    return path


class Identity:
    """A key pair: the private key in a file at `path`, both keys as bytes, the public one as `text` too."""

    def __init__(self, lab, name):
        printed = _printed("genkey")
        self.private = base64.b64decode(printed)
        self.path = secret_file(lab, f"{name}.key", printed)
        self.text = _printed("pubkey", printed).decode().strip()
        self.public = base64.b64decode(self.text)


def preshared_key():
    """A new pre-shared key as bytes."""
    return base64.b64decode(_printed("genpsk"))


def preshared_key_file(lab, name, *keys):
    """Writes pre-shared keys, the preferred one first, one a line. Returns the path."""
    return secret_file(lab, name, b"".join(base64.b64encode(key) + b"\n" for key in keys))
