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
import time
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from core.data.progress import Progress
from core.live.runs.housekeeping import Keep
from core.paths import ROOT, data_folder, file_identity

TRAINER = [sys.executable, "-m", "core.live.training.trainer"]
# How long its threads turn round and round while they wait for each other, before they
# sleep. On two cores: by default 36,000 images/s alone and 3,700 beside forty viewers;
# asleep at once 20,000 alone; so 27,000 alone and 14,000 beside them.
TRAINER_ENVIRONMENT = {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "1500")}
DOWNLOAD = [sys.executable, "-m", "core", "data", "--json"]
SETTLED_SECONDS = 20.0  # a trainer that lives so long has started well
RESTART_SECONDS = 1.0  # between the end of one trainer and the start of the next; grows with failures
MAX_RESTART_SECONDS = 60.0
SILENT_SECONDS = 180.0  # a trainer that gives no sign of life for so long hangs
LOOK_SECONDS = 2.0  # between looks at the trainer
KILLED = -9  # the exit status of what somebody, or a system short of memory, has killed


class TrainerProcess:
    """One for each server. The trainer ends when the server does: its standard input closes."""

    def __init__(self, keep: Keep | None = None) -> None:
        self.keep = keep or Keep()
        self.process: subprocess.Popen | None = None
        self.is_standby = False  # another server on this data folder has the trainer
        self._failures = 0  # ends of its own accord, in a row
        self._problem = ""  # why none can be started at all
        self._reason = ""  # what the last one said when it ended
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
        """One sentence that says what is wrong and what to do, while no trainer runs; else empty."""
        if self._problem:
            return f"{self._problem} It is tried again by itself."
        if self._failures < 2:
            return ""
        why = self._reason or "The server's terminal says why."
        return (
            f"The process that trains ends at once, and is started again and again. {why} The runs wait, "
            "and none of their epochs is lost."
        )

    def stop(self) -> None:
        """End the trainer at once and start no other."""
        self._stopped.set()
        if self.process:
            self.process.kill()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        """One trainer for a data folder: a second server waits here until the first is gone."""
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
                    f"The process that trains cannot be started ({path}: {error.strerror or error}): "
                    "make that a place where this program may write, on a disk of this machine."
                )
                self._stopped.wait(min(MAX_RESTART_SECONDS, RESTART_SECONDS * 2**tries))
                tries += 1
            except Exception:  # this thread is the only one that starts trainers: it must go on
                self._problem = (
                    "The process that trains cannot be started: the server's terminal says why."
                )
                logging.exception("The trainer cannot be started.")
                self._stopped.wait(MAX_RESTART_SECONDS)

    def _try(self) -> None:
        """Keep trainers alive until the server stops. Raises Timeout where another server does."""
        data_folder().mkdir(parents=True, exist_ok=True)
        path = data_folder() / "trainer.lock"
        with FileLock(path).acquire(timeout=1, poll_interval=0.2):
            self._problem, self.is_standby = "", False
            held = file_identity(path)
            while not self._stopped.is_set() and file_identity(path) == held:
                self._run_one(path, held)

    def _run_one(self, lock: Path, held: tuple[int, int] | None) -> None:
        """One trainer from its start to its end, and a pause that grows with every failure.

        Where the lock is no longer the file that is held (the data folder was deleted, or another
        put in its place), it holds nobody off: the trainer ends, and a lock is taken anew.
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
            if self._stopped.is_set():  # while it was being started: `stop` has not seen it
                process.kill()
            status = self._wait(process, lock, held)
            self._reason = process.stdout.read(1000).strip() if process.stdout else ""
        # Killed: start again. Ended in any other way, also by an abort, something is wrong with it.
        self._failures = 0 if status == KILLED else self._failures + 1
        self._stopped.wait(min(MAX_RESTART_SECONDS, RESTART_SECONDS * 2**self._failures))

    def _wait(self, process: subprocess.Popen, lock: Path, held: tuple[int, int] | None) -> int:
        """The exit status of the trainer; one that hangs, or whose lock is gone, is killed."""
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
    """When the trainer last said that it is alive, in seconds since 1970; 0 if it never did."""
    try:
        return sign_of_life().stat().st_mtime
    except OSError:
        return 0.0


def sign_of_life() -> Path:
    """The file that the trainer touches with every turn, which takes it seconds at most."""
    return data_folder() / "trainer.alive"


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
