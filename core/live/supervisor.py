"""The server's two child processes: the trainer, kept alive, and the download of the data.

Both run outside the server because a busy Python thread beside Streamlit's would slow
every viewer down, and because they need torch, which the server does without.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from contextlib import suppress

from filelock import FileLock, Timeout

from core.data.progress import Progress
from core.paths import ROOT, data_folder

TRAINER = [sys.executable, "-m", "core.live.trainer"]
# How long its threads turn round and round while they wait for each other, before they
# sleep. On two cores: by default 36,000 images/s alone and 3,700 beside forty viewers;
# asleep at once 20,000 alone; so 27,000 alone and 14,000 beside them.
TRAINER_ENVIRONMENT = {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "1500")}
DOWNLOAD = [sys.executable, "-m", "core", "data", "--json"]
SETTLED_SECONDS = 20.0  # a trainer that lives so long has started well
RESTART_SECONDS = 1.0  # between the end of one trainer and the start of the next


class TrainerProcess:
    """One for each server. The trainer ends when the server does: its standard input closes."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None
        self.is_standby = False  # another server on this data folder has the trainer
        self._failures = 0  # ends of its own accord, in a row
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Make sure that a trainer is or will soon be at work; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()

    @property
    def failure(self) -> str:
        """One sentence, while the trainer cannot be started; else empty."""
        if self._failures < 2:
            return ""
        return (
            "The process that trains cannot start: its message is in the terminal where the app runs."
        )

    def stop(self) -> None:
        """End the trainer at once and start no other."""
        self._stopped.set()
        if self.process:
            self.process.kill()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        data_folder().mkdir(parents=True, exist_ok=True)
        # One trainer for a data folder: a second server waits here until the first is gone.
        lock = FileLock(data_folder() / "trainer.lock")
        while not self._stopped.is_set():
            with suppress(Timeout), lock.acquire(timeout=1, poll_interval=0.2):
                self.is_standby = False
                self._keep_alive()
                return
            self.is_standby = True

    def _keep_alive(self) -> None:
        """One trainer after the other, until the server stops."""
        while not self._stopped.is_set():
            environment = {**os.environ, **TRAINER_ENVIRONMENT}
            with subprocess.Popen(
                TRAINER, cwd=ROOT, env=environment, stdin=subprocess.PIPE
            ) as self.process:
                status = self._wait(self.process)
            # Killed by a signal: start again. Ended by itself: something is wrong with it.
            self._failures = self._failures + 1 if status > 0 else 0
            self._stopped.wait(RESTART_SECONDS * min(60, 2**self._failures))

    def _wait(self, process: subprocess.Popen) -> int:
        """The exit status of the trainer; a thread that waits costs the pages nothing."""
        try:
            return process.wait(SETTLED_SECONDS)
        except subprocess.TimeoutExpired:
            self._failures = 0  # it works
            return process.wait()


class DownloadProcess:
    """`python -m core data` for the page's button; what it last reported is `progress`."""

    def __init__(self) -> None:
        self.progress = Progress(0, "Starting")
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
        """Each line of the child is a JSON object: a Progress, or {"error": a sentence}."""
        failure = ""
        try:
            with subprocess.Popen(DOWNLOAD, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
                for line in process.stdout or ():
                    report = json.loads(line)
                    if "error" in report:
                        failure = report["error"]
                    else:
                        self.progress = Progress(**report)
            if process.returncode != 0:  # without a sentence, its traceback is in the server's log
                self.error = failure or (
                    "The download stopped unexpectedly: its message is in the terminal where the app "
                    "runs. Try again."
                )
        except Exception:
            logging.exception("The download could not be followed.")
            self.error = (
                "The download could not be started or followed: its message is in the terminal where "
                "the app runs."
            )
        finally:
            self._running = False
