"""A machine of its own for a package: the root of this one with everything that is written kept apart, in memory."""

import configparser
import os
import resource
import shutil
import signal
import subprocess

from host import wait_until

_SETUP = r"""
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/tmp"
chmod 1777 "$1/root/tmp"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
for each in $2; do
  if [ -d "$1/root$each" ]; then mount -t tmpfs tmpfs "$1/root$each"; fi
done
touch "$1/ready"
exec sleep 86400
"""


def _toolchain():
    """The folders that the Swift of this machine lies in."""
    found = shutil.which("swift")
    if found is None:
        return []
    parts = os.path.realpath(found).split("/usr/bin/")
    return [parts[0]] if len(parts) == 2 and parts[0] else []


class Machine:
    """Packages are installed on it and nothing of this machine changes. There is no Swift on it. Use it in a `with`."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.root, self.upper = f"{self.directory}/root", f"{self.directory}/upper"
        self._holder = None

    def __enter__(self):
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "sh", "-c", _SETUP,
             "sh", self.directory, " ".join(_toolchain())], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        ready = f"/proc/{self._holder.pid}/root{self.directory}/ready"
        wait_until(lambda: os.path.exists(ready) or self._holder.poll() is not None, 20, "the machine is there")
        assert self._holder.poll() is None, self._holder.stderr.read().decode()
        return self

    def __exit__(self, *_):
        self._holder.kill()
        self._holder.wait()
        self._holder.stderr.close()

    def command(self, *arguments):
        """The command line that runs `arguments` on the machine."""
        return ["nsenter", "--mount", "--target", str(self._holder.pid), "chroot", self.root, *map(str, arguments)]

    def run(self, *arguments, check=True, **options):
        """Runs a command on the machine to its end. Fails with what it printed unless `check` is false."""
        environment = {**os.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120,
                              env=environment, **{"stdin": subprocess.DEVNULL, **options})
        if check:
            assert done.returncode == 0, f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def path(self, inside):
        """A path of the machine, for this process."""
        return f"/proc/{self._holder.pid}/root{self.root}{inside}"

    def left(self, word):
        """Paths with a word in them that something on the machine has written."""
        top = f"/proc/{self._holder.pid}/root{self.upper}"
        return sorted(os.path.join(folder, name).removeprefix(top) for folder, folders, files in os.walk(top)
                      for name in folders + files if word in name)


class Unit:
    """A unit of the service manager, and how it would start its program."""

    def __init__(self, text):
        # Keys may stand twice in a unit; none of those that are asked for does.
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        parser.read_string(text)
        self.service = dict(parser["Service"])

    def command(self):
        """What the unit runs, as its user, with its capabilities and limits."""
        words = self.service["ExecStart"].split()
        ambient, bounding = self.service["AmbientCapabilities"], self.service["CapabilityBoundingSet"]

        def wanted(capabilities):
            return ",".join(f"+{each.removeprefix('CAP_').lower()}" for each in capabilities.split())
        # Not above what this machine allows, on which root may lack the right to raise it.
        files = min(int(self.service["LimitNOFILE"]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        limits = [f"--nofile={files}", f"--core={self.service['LimitCORE']}"]
        return ["prlimit", *limits, "setpriv", "--reuid", self.service["User"], "--regid", self.service["Group"],
                "--init-groups", "--bounding-set", f"-all,{wanted(bounding)}", "--inh-caps", f"-all,{wanted(ambient)}",
                "--ambient-caps", f"-all,{wanted(ambient)}", "--no-new-privs", *words]


def stop(process):
    """Ends a service as its manager does. Returns its status."""
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=10)
