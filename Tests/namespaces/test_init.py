"""`vtep init` and `vtep completion`: what a new user meets first."""

import os
import stat
import subprocess

import pytest

from agent import binary, vtep

PEER = "b,192.0.2.2"


def public_key():
    """The public key of a new host."""
    private = vtep("genkey").stdout
    return subprocess.run([binary(), "pubkey"], input=private, capture_output=True, text=True, timeout=60,
                          check=True).stdout.strip()


def test_init_with_options_is_a_configuration_that_check_takes_at_once(tmp_path):
    done = vtep("init", "--output", tmp_path, "--address", "192.0.2.1", "--peer", f"{PEER},{public_key()}",
                "--peer", f"c,192.0.2.3,{public_key()}", "--vni", "7")
    assert done.returncode == 0 and done.stderr == "", done
    assert "CHANGE" not in (tmp_path / "vtep.yaml").read_text()
    for name in ("vtep.yaml", "private.key"):
        assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600
    checked = vtep("check", "--config", tmp_path / "vtep.yaml")
    assert checked.returncode == 0 and "ok (1 segments, 2 peers)" in checked.stdout, checked
    with open(tmp_path / "private.key", encoding="ascii") as private:
        own = subprocess.run([binary(), "pubkey"], stdin=private, capture_output=True, text=True, timeout=60)
    assert own.stdout.strip() in done.stdout, "the public key is what the others need"
    assert (tmp_path / "private.key").read_text().strip() not in done.stdout


def test_init_without_options_waits_for_the_lines_that_it_marks(tmp_path):
    done = vtep("init", cwd=tmp_path)
    assert done.returncode == 0 and "CHANGE" in done.stdout
    path = tmp_path / "vtep.yaml"
    lines = path.read_text().splitlines()
    checked = vtep("check", "--config", path)
    assert checked.returncode == 78
    for problem in checked.stderr.splitlines():
        assert "CHANGE" in lines[int(problem.split(":")[1]) - 1], problem
    path.write_text("\n".join(lines).replace('public-key: ""', f'public-key: "{public_key()}"') + "\n")
    assert vtep("check", "--config", path).returncode == 0


def test_init_overwrites_nothing(tmp_path):
    assert vtep("init", "--output", tmp_path / "a.yaml").returncode == 0
    kept = (tmp_path / "a.yaml").read_text(), (tmp_path / "private.key").read_text()
    for output in ("a.yaml", "b.yaml"):
        done = vtep("init", "--output", tmp_path / output)
        assert done.returncode == 1 and "is there already, and is left as it is" in done.stderr and not done.stdout
        assert kept == ((tmp_path / "a.yaml").read_text(), (tmp_path / "private.key").read_text())
    assert not (tmp_path / "b.yaml").exists(), "what was begun is taken back"
    assert vtep("init", "--plain", "--output", tmp_path / "b.yaml").returncode == 0
    (tmp_path / "c.yaml").symlink_to(tmp_path / "d.yaml")
    assert vtep("init", "--plain", "--output", tmp_path / "c.yaml").returncode == 1
    assert not (tmp_path / "d.yaml").exists(), "a link is not followed"


@pytest.mark.parametrize("arguments, status, said", (
    (("--address", "192.0.2"), 64, "192.0.2.1 or 2001:db8::1"),
    (("--peer", "b"), 64, "NAME,ADDRESS"),
    (("--peer", f"{PEER},short"), 64, "44 characters"),
    (("--peer", PEER, "--peer", PEER), 64, "peer name"),
    (("--vni", "16777216"), 64, "0 to 16777215"),
    (("--output", "/nonexistent/directory"), 1, "make it first"),
))
def test_init_says_what_is_wrong_before_it_makes_anything(tmp_path, arguments, status, said):
    done = vtep("init", *arguments, cwd=tmp_path)
    assert done.returncode == status and said in done.stderr and done.stdout == "", done
    assert os.listdir(tmp_path) == []


BASH = r"""
set -euo pipefail
source "$1"
COMP_WORDS=(vtep "${@:2}") COMP_CWORD=$(($# - 1)) COMP_LINE="vtep ${*:2}" COMP_POINT=${#COMP_LINE} COMP_TYPE=9
"$(complete -p vtep | sed 's/.*-F \([^ ]*\).*/\1/')" vtep "${!#}" "" || true
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("words, found", (
    (("mon",), {"monitor"}), (("f",), {"fdb"}), (("fdb", "ex"), {"explain"}), (("peers", "--so"), {"--socket"}),
    (("completion", ""), {"bash", "zsh", "fish"}),
))
def test_completion_in_bash_completes(tmp_path, words, found):
    script = vtep("completion", "bash")
    assert script.returncode == 0 and script.stderr == ""
    (tmp_path / "vtep.bash").write_text(script.stdout)
    done = subprocess.run(["bash", "-c", BASH, "bash", tmp_path / "vtep.bash", *words], capture_output=True, text=True,
                          timeout=30, env={**os.environ, "PATH": f"{os.path.dirname(binary())}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stderr
    assert found <= {word.strip() for word in done.stdout.splitlines()}, done.stdout


@pytest.mark.parametrize("shell, arguments", (("zsh", ("-n",)), ("fish", ("--no-execute",))))
def test_completion_of_other_shells_is_a_script_that_they_read(tmp_path, shell, arguments):
    script = vtep("completion", shell)
    assert script.returncode == 0 and "monitor" in script.stdout and "socket" in script.stdout
    path = tmp_path / f"vtep.{shell}"
    path.write_text(script.stdout)
    done = subprocess.run([shell, *arguments, path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stderr == "", done


def test_completion_of_another_shell_is_wrong_usage():
    done = vtep("completion", "csh")
    assert done.returncode == 64 and "bash" in done.stderr
