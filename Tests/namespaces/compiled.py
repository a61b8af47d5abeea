"""The small C programs and libraries that the tests bring along."""

import os
import subprocess

_LIBRARY = ("-shared", "-fPIC")


def compiled(directory, name, library=False, options=()):
    """Compiles `name.c` of this folder: a program, or a library to be loaded in front of others. Returns its path."""
    path = f"{directory}/{name}{'.so' if library else ''}"
    source = f"{os.path.dirname(os.path.abspath(__file__))}/{name}.c"
    line = ["cc", "-O2", "-Wall", *(_LIBRARY if library else ()), *options, "-o", path, source, "-ldl"]
    built = subprocess.run(line, capture_output=True, text=True)
    assert built.returncode == 0, f"{name}.c does not compile: {built.stderr}"
    return path
