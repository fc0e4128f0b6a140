"""The server's two child processes: the trainer, which is kept alive, and the download of the data.

Both run outside the server because a busy Python thread next to Streamlit's would slow down
every page, and because they need torch, which the server does not load.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from core.data.progress import Progress
from core.live.runs.housekeeping import Keep
from core.paths import ROOT, data_folder, file_identity

TRAINER = [sys.executable, "-m", "core.live.training.trainer"]
# How long OpenMP threads spin while they wait for each other, before they sleep. On two cores:
# with the default, 36,000 images/s alone and 3,700 next to forty viewers; without any spinning,
# 20,000 alone; with this value, 27,000 alone and 14,000 next to forty viewers.
TRAINER_ENVIRONMENT = {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "1500")}
DOWNLOAD = [sys.executable, "-m", "core", "data", "--json"]
SETTLED_SECONDS = 20.0  # a trainer that runs this long has started well
RESTART_SECONDS = 1.0  # between the end of one trainer and the start of the next; grows with failures
MAX_RESTART_SECONDS = 60.0
SILENT_SECONDS = 180.0  # a trainer without a sign of life for this long hangs
LOOK_SECONDS = 2.0  # between checks of the trainer
KILLED = -9  # exit status after SIGKILL, by a person or by a system short of memory


class TrainerProcess:
    """The server's trainer process. It ends with the server, when its standard input closes."""

    def __init__(self, keep: Keep | None = None) -> None:
        self.keep = keep or Keep()
        self.process: subprocess.Popen | None = None
        self.is_standby = False  # another server on this data folder has the trainer
        self._failures = 0  # exits in a row without being killed
        self._problem = ""  # why no trainer can be started
        self._reason = ""  # output of the last trainer when it ended
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Make sure that a trainer runs or will soon run. Returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()

    @property
    def failure(self) -> str:
        """While no trainer can run: what is wrong and what to do. Otherwise empty."""
        if self._problem:
            return f"{self._problem} The server keeps trying."
        if self._failures < 2:
            return ""
        why = self._reason or "The server's terminal says why."
        return (
            f"The training process ends right after each start, and is started again. {why} The runs "
            "wait, and no finished epoch is lost."
        )

    def stop(self) -> None:
        """Kill the trainer and start no other."""
        self._stopped.set()
        if self.process:
            self.process.kill()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        """Run one trainer per data folder. A second server waits here until the first has ended."""
        tries = 0
        while not self._stopped.is_set():
            try:
                self._try()
                tries = 0
            except Timeout:
                self._problem, self.is_standby = "", True
            except OSError as error:
                logging.exception("The trainer cannot be started.")
                path = error.filename or data_folder() / "trainer.lock"
                self._problem = (
                    f"The training process cannot be started ({path}: {error.strerror or error}): "
                    "make that a place where this program may write, on a disk of this machine."
                )
                self._stopped.wait(min(MAX_RESTART_SECONDS, RESTART_SECONDS * 2**tries))
                tries += 1
            except Exception:  # this thread is the only one that starts trainers: it must go on
                self._problem = (
                    "The training process cannot be started: the server's terminal says why."
                )
                logging.exception("The trainer cannot be started.")
                self._stopped.wait(MAX_RESTART_SECONDS)

    def _try(self) -> None:
        """Keep a trainer alive until the server stops. Raises Timeout if another server keeps one."""
        data_folder().mkdir(parents=True, exist_ok=True)
        path = data_folder() / "trainer.lock"
        with FileLock(path).acquire(timeout=1, poll_interval=0.2):
            self._problem, self.is_standby = "", False
            held = file_identity(path)
            while not self._stopped.is_set() and file_identity(path) == held:
                self._run_one(path, held)

    def _run_one(self, lock: Path, held: tuple[int, int] | None) -> None:
        """Run one trainer until it ends, then pause; the pause grows with every failure.

        If the locked file is no longer at its path (the data folder was deleted or replaced), the
        lock protects nothing: the trainer is killed, and the new file is locked.
        """
        environment = {**os.environ, **TRAINER_ENVIRONMENT}
        command = [*TRAINER, json.dumps(asdict(self.keep))]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            self.process, self._problem = process, ""
            if self._stopped.is_set():  # `stop` was called during the start and did not see it
                process.kill()
            status = self._wait(process, lock, held)
            self._reason = process.stdout.read(1000).strip() if process.stdout else ""
        # A killed trainer is simply started again. Any other end, such as an abort, is a failure.
        self._failures = 0 if status == KILLED else self._failures + 1
        self._stopped.wait(min(MAX_RESTART_SECONDS, RESTART_SECONDS * 2**self._failures))

    def _wait(self, process: subprocess.Popen, lock: Path, held: tuple[int, int] | None) -> int:
        """Wait for the trainer's exit status. Kill it if it hangs or its lock is gone."""
        started = time.time()
        while True:
            try:
                return process.wait(min(LOOK_SECONDS, SILENT_SECONDS))
            except subprocess.TimeoutExpired:
                silent = time.time() - max(started, _last_sign_of_life())
            if silent > SILENT_SECONDS:
                logging.error("The trainer has done nothing for %.0f s: it is started again.", silent)
                process.kill()
            elif file_identity(lock) != held:
                logging.error("%s is no longer there: the trainer is started again.", lock)
                process.kill()
            elif time.time() - started > SETTLED_SECONDS:
                self._failures = 0  # it works


def _last_sign_of_life() -> float:
    """The time of the trainer's last sign of life in seconds since 1970; 0: never."""
    try:
        return sign_of_life().stat().st_mtime
    except OSError:
        return 0.0


def sign_of_life() -> Path:
    """Return the file that the trainer touches after every turn, a few seconds apart at most."""
    return data_folder() / "trainer.alive"


class DownloadProcess:
    """Runs `python -m core data` for the page's button; `progress` is its last report."""

    def __init__(self) -> None:
        self.progress = Progress(0, "Starting")
        self.error = ""
        self._lock = threading.Lock()
        self._running = False

    @property
    def is_running(self) -> bool:
        """Whether the download is running."""
        return self._running

    def start(self) -> None:
        """Start the download unless it is running. Returns at once."""
        with self._lock:
            if not self._running:
                self._running, self.error = True, ""
                self.progress = Progress(0, "Starting")
                threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Read the child's output: each line is a JSON object, a Progress or {"error": a sentence}."""
        failure = ""
        try:
            with subprocess.Popen(DOWNLOAD, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
                for line in process.stdout or ():
                    report = json.loads(line)
                    if "error" in report:
                        failure = report["error"]
                    else:
                        self.progress = Progress(**report)
            if process.returncode != 0:  # a child that reports no error leaves a traceback in the log
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
