"""The Debian package of `scripts/package`: what is in it, and its life on a machine of its own, without Swift."""

import os
import re
import signal
import socket
import stat
import subprocess

import pytest

from installed import Machine, Unit, stop
from privileges import NET_ADMIN, numbers, threads

pytestmark = pytest.mark.package

EXPOSURE = 2.5
"""What `systemd-analyze security` may say at most."""

UNIT = "/usr/lib/systemd/system/vtep.service"


def package():
    """The path of the package."""
    return os.path.realpath(os.environ["VTEP_PACKAGE"])


def run(*arguments, **options):
    """Runs a command to its end. Returns what it printed."""
    done = subprocess.run([str(each) for each in arguments], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """A folder with what is in the package."""
    folder = tmp_path_factory.mktemp("contents")
    run("dpkg-deb", "--extract", package(), folder)
    return folder


@pytest.fixture
def machine(tmp_path):
    """A machine with nothing installed yet."""
    with Machine(tmp_path) as made:
        yield made


@pytest.fixture
def installed(machine):
    """A machine with the package."""
    machine.run("dpkg", "--install", put(machine))
    return machine


def put(machine):
    """Copies the package to the machine. Returns where it is."""
    with open(package(), "rb") as source, open(machine.path("/run/package.deb"), "wb") as copy:
        copy.write(source.read())
    return "/run/package.deb"


def test_lintian_finds_no_error(figure):
    done = subprocess.run(["lintian", "--fail-on", "error", "--allow-root", package()], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    figure(f"lintian: {len(re.findall('^W:', done.stdout, re.MULTILINE))} warnings; "
           f"{os.path.getsize(package()) / 1e6:.1f} MB")


def test_it_is_roots_and_depends_on_the_libraries_that_it_is_linked_with(contents):
    listed = run("dpkg-deb", "--contents", package()).splitlines()
    assert all(line.split()[1] == "root/root" for line in listed), listed
    depends = run("dpkg-deb", "--field", package(), "Depends")
    assert "libc6 (>=" in depends and "libsodium23 (>=" in depends and "swift" not in depends
    linked = run("ldd", contents / "usr/bin/vtep")
    assert "swift" not in linked.lower() and "Foundation" not in linked and "not found" not in linked
    assert {"/etc/vtep/vtep.yaml"} == set(run("dpkg-deb", "--info", package(), "conffiles").split())


@pytest.mark.parametrize("name", ("man8/vtep.8.gz", "man5/vtep.yaml.5.gz"))
def test_the_manual_is_shown_without_a_warning(contents, name):
    page = contents / "usr/share/man" / name
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l", page], capture_output=True,
                          timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()


def test_completions_are_what_the_shells_take(contents):
    completions = contents / "usr/share/bash-completion/completions/vtep"
    run("bash", "-c", f"source {completions} && complete -p vtep")
    for name in ("zsh/vendor-completions/_vtep", "fish/vendor_completions.d/vtep.fish"):
        assert "monitor" in (contents / "usr/share" / name).read_text(encoding="utf-8")


def test_the_units_are_clean_and_little_exposed(installed, figure):
    done = installed.run("systemd-analyze", "verify", "--man=no", "vtep.service", "vtep@a.service")
    assert (done.stdout, done.stderr) == ("", "")
    for name in ("vtep.service", "vtep@a.service"):
        said = installed.run("systemd-analyze", "security", "--offline=true", "--no-pager", name).stdout
        exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)[1])
        assert exposure <= EXPOSURE, said
        figure(f"{name}: exposure {exposure}")


def test_the_configuration_that_it_comes_with_is_refused_until_somebody_writes_it(installed):
    path = "/etc/vtep/vtep.yaml"
    done = installed.run("vtep", "check", "--config", path, check=False)
    assert done.returncode == 78 and re.search(rf"{path}:\d+: local.address: \"CHANGE-ME\"", done.stderr), done.stderr
    with open(installed.path(path), encoding="utf-8") as file:
        text = file.read().replace("CHANGE-ME", "192.0.2.1")
    with open(installed.path(path), "w", encoding="utf-8") as file:
        file.write(text)
    assert installed.run("vtep", "check", "--config", path).stdout.startswith(f"{path}: ok")


class Service:
    """The agent of the package on host h1, started as its unit would."""

    def __init__(self, lab, machine, arguments):
        self.socket = lab.h1.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{lab.prefix}")
        self.socket.settimeout(20)
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "NOTIFY_SOCKET": f"@{lab.prefix}",
                       "WATCHDOG_USEC": "1000000"}
        self.process = lab.h1.popen(*machine.command(*arguments), env=environment, stderr=subprocess.PIPE)

    def told(self, message):
        """Waits for a message to the service manager."""
        while True:
            heard = self.socket.recv(4096).decode()
            if heard.startswith(message):
                return heard


def configured(machine):
    """Makes a key as the configuration's comment says, and writes a configuration with it. Returns its text."""
    machine.run("sh", "-c", "umask 077; vtep genkey > /etc/vtep/private.key; chown vtep: /etc/vtep/private.key")
    public = machine.run("sh", "-c", "vtep genkey | vtep pubkey").stdout.strip()
    text = (f"user: vtep\nlocal: {{address: 192.0.2.1, private-key-file: /etc/vtep/private.key}}\nsegments:\n"
            f"  - {{vni: 42, tap: vx42, address: [10.42.0.1/24]}}\n  - {{vni: 43, tap: vx43, sealed: true}}\n"
            f"peers: [{{name: b, address: 192.0.2.2, public-key: \"{public}\"}}]\n")
    with open(machine.path("/etc/vtep/vtep.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    machine.run("vtep", "check", "--config", "/etc/vtep/vtep.yaml")
    return text


def test_installed_started_as_the_unit_would_upgraded_removed_and_purged(lab, machine):
    machine.run("dpkg", "--install", put(machine))
    account = machine.run("id", "vtep").stdout
    uid = int(re.search(r"uid=(\d+)", account)[1])
    run_folder = os.stat(machine.path("/run/vtep"))
    assert run_folder.st_uid == uid and stat.S_IMODE(run_folder.st_mode) == 0o755
    text = configured(machine)

    with open(machine.path(UNIT), encoding="utf-8") as file:
        service = Service(lab, machine, Unit(file.read()).command())
    lab.h2.kernel_vxlan(42, [lab.h1.address], addresses=["10.42.0.2/24"])
    assert "2 segments" in service.told("READY=1")
    for thread in threads(service.process.pid):
        assert numbers(thread["Uid"]) == [uid] * 4
        assert [numbers(thread[name], 16)[0] for name in ("CapEff", "CapPrm", "CapBnd")] == [NET_ADMIN] * 3
        assert [numbers(thread[name], 16)[0] for name in ("CapInh", "CapAmb")] == [0, 0]
    assert lab.h1.ping("10.42.0.2")
    assert '"vni":43' in machine.run("vtep", "segments", "--json").stdout.replace(" ", "")
    service.process.send_signal(signal.SIGHUP)
    service.told("WATCHDOG=1")
    assert stat.S_IMODE(os.stat(machine.path("/run/vtep/control.sock")).st_mode) == 0o660

    # An upgrade leaves the running agent, its configuration and its keys alone where there is no service manager.
    machine.run("dpkg", "--install", "/run/package.deb")
    with open(machine.path("/etc/vtep/vtep.yaml"), encoding="utf-8") as file:
        assert file.read() == text
    assert service.process.poll() is None and lab.h1.ping("10.42.0.2")
    assert stop(service.process) == 0
    service.told("STOPPING=1")
    errors = service.process.stderr.read().decode()
    assert "reloaded" in errors and "level=error" not in errors, errors
    assert lab.h1.link("vx42") is None and not os.path.exists(machine.path("/run/vtep/control.sock"))

    machine.run("dpkg", "--remove", "vtep")
    assert not os.path.exists(machine.path("/usr/bin/vtep")) and os.path.exists(machine.path("/etc/vtep/vtep.yaml"))
    machine.run("dpkg", "--purge", "vtep")
    # What the administrator has made is the administrator's.
    assert machine.left("vtep") == ["/etc/vtep"] and os.listdir(machine.path("/etc/vtep")) == ["private.key"]
    assert machine.run("dpkg", "--audit").stdout == ""


def test_nothing_is_left_of_one_that_was_never_configured(installed):
    assert machine_has(installed)
    installed.run("dpkg", "--purge", "vtep")
    assert installed.left("vtep") == [] and not os.path.exists(installed.path("/run/vtep"))


def machine_has(machine):
    """Whether the search for what is left finds anything of an installed package."""
    return "/usr/bin/vtep" in machine.left("vtep")
