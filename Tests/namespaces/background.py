"""What goes on beside a test, while it is entered."""

import threading


class Background:
    """Runs `work` in a thread of its own from entering to leaving; `work` returns when `ended` is set."""

    def __init__(self):
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self.work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self._thread.join()

    def work(self):
        """What is done."""
        raise NotImplementedError
