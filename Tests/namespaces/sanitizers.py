"""What the address and the thread sanitizer say of programs that were built with them: no test passes that made one
speak, whoever ended that program, and how."""

import os
import pathlib
import shutil
import tempfile

from lab import PREFIX


class SanitizerReports:
    """The reports of every program that is started with the environment of this process."""

    def __init__(self):
        # `remove_leftovers` knows the name. An agent without root's rights has to write there, too.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-0-"))
        self.directory.chmod(0o1777)
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"):
            given = os.environ.get(name, "detect_leaks=0")
            os.environ[name] = f"{given}:log_path={self.directory}/report"

    def judge(self):
        """Fails with what was reported since the last time."""
        paths = sorted(self.directory.iterdir())
        texts = [path.read_text(errors="replace") for path in paths]
        for path in paths:
            path.unlink()
        assert not texts, f"{len(texts)} reports of a sanitizer: " + "\n".join(text[:8000] for text in texts)

    def close(self):
        """Removes the folder."""
        shutil.rmtree(self.directory, ignore_errors=True)
