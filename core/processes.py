"""The server's two child processes: the trainer, kept alive, and the download of the data.

Both run outside the server because a busy Python thread beside Streamlit's would slow
every viewer down, and because they need torch, which the server does without.
"""

import subprocess
import sys
import threading
from pathlib import Path

from core.download import Progress

ROOT = Path(__file__).parent.parent
RESTART_SECONDS = 1.0  # between the end of one trainer and the start of the next


class TrainerProcess:
    """One for each server. The trainer ends when the server does: its standard input closes."""

    def __init__(self):
        self.process: subprocess.Popen | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Make sure that a trainer is or will soon be at work; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the trainer after this moment and start no other."""
        self._stopped.set()
        if self.process:
            self.process.kill()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.is_set():
            with subprocess.Popen(
                [sys.executable, "-m", "core.trainer"], cwd=ROOT, stdin=subprocess.PIPE
            ) as self.process:
                self.process.wait()  # a thread that waits costs the pages nothing
            self._stopped.wait(RESTART_SECONDS)


class DownloadProcess:
    """`python -m core data` for the page's button; what it last said is `progress`."""

    def __init__(self):
        self.progress: Progress | None = None
        self.error = ""
        self._lock = threading.Lock()
        self._running = False

    @property
    def is_running(self) -> bool:
        return self._running

    def start(self) -> None:
        with self._lock:
            if not self._running:
                self._running, self.error = True, ""
                self.progress = Progress(0, "Starting")
                threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "data"],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for line in process.stdout:
            share, _, message = line.strip().partition("%")
            self.progress = Progress(float(share) / 100, message.strip())
        failure = process.stderr.read().strip().splitlines()
        if process.wait() != 0:
            self.error = failure[-1].partition(": ")[2] if failure else "The download was stopped."
        self._running = False
