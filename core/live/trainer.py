"""The process that trains the queued runs, epoch by epoch, each visitor as much as any other.

Started by core/live/supervisor.py as `python -m core.live.trainer`. It takes its orders from the
store and tells it everything; killed at any moment, the next trainer goes on from the
last epoch of each run.
"""

import logging
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import torch

from core.data.cifar10 import Cifar10, load
from core.errors import LabError, StoreError
from core.live.store import MAX_ATTEMPTS, LiveRun, Store
from core.paths import data_folder
from core.training.concurrent_runs import Gang, Outcome
from core.training.devices import best_device, describe_device

POLL_SECONDS = 0.1  # when there is nothing to train
COLLECT_SECONDS = 0.002  # between looks at what a GPU has finished


class Trainer:
    """On a CPU one run after the other trains an epoch; a GPU trains them side by side."""

    def __init__(self, store: Store, device: str, folder: Path):
        self.store, self.folder = store, folder  # of the checkpoints
        self.device_name = describe_device(device)
        self.gang = Gang(device)
        self.used: dict[str, float] = {}  # seconds of the device that each visitor at work has had
        self.data: dict[str, Cifar10] = {}
        self.next_look = 0.0  # into the store, on the monotonic clock
        folder.mkdir(parents=True, exist_ok=True)

    def turn(self) -> bool:
        """Launch the runs whose turn it is, tell of one that is done; False if there was neither."""
        # While a GPU is at work it is asked often whether it has finished, the store is not.
        is_time = not self.gang.under_way or time.monotonic() >= self.next_look
        launched = self._look() if is_time else []
        outcome = self.gang.collect()
        if outcome:
            self._tell(outcome)
            self.next_look = 0.0
        return bool(launched or outcome)

    def _look(self) -> list[LiveRun]:
        """See in the store what is wanted, and begin it."""
        self.next_look = time.monotonic() + POLL_SECONDS
        active = self.store.active_runs()
        for run_id in set(self.gang.trainings) - self.gang.under_way - {run.run_id for run in active}:
            self.gang.drop(run_id)  # paused or cancelled; the checkpoint stays
        return [] if self.store.note("paused") else self._launch(active)

    def _launch(self, active: list[LiveRun]) -> list[LiveRun]:
        """Begin an epoch of as many as there is room for; those that were begun, or ended."""
        waiting = [run for run in active if run.run_id not in self.gang.under_way]
        launched = []
        while waiting:
            run = self._next(active, waiting)
            if not self.gang.has_room_for(run.config):
                break
            waiting.remove(run)
            under_way = [*self.gang.under_way, run.run_id]
            self.store.set_note("training", " ".join(under_way))
            try:
                self._launch_one(run)
            except Exception as error:
                self._fail(run, error)
            launched.append(run)
        return launched

    def _next(self, active: list[LiveRun], waiting: list[LiveRun]) -> LiveRun:
        """Whose turn it is: of the visitor who has had the least time, what waited longest.

        Time and not epochs: a heavy run takes from the light ones of others no more than
        an equal share. Who comes anew begins level with the one who has had the least.
        """
        owners = dict.fromkeys(run.owner for run in active)
        least = min((self.used[owner] for owner in owners if owner in self.used), default=0.0)
        self.used = {owner: max(self.used.get(owner, least), least) for owner in owners}
        under_way = Counter(run.owner for run in active if run.run_id in self.gang.under_way)
        owner = min((run.owner for run in waiting), key=lambda name: (under_way[name], self.used[name]))
        trained = list(self.gang.trainings)
        own = [run for run in waiting if run.owner == owner]
        return min(own, key=lambda run: trained.index(run.run_id) if run.run_id in trained else -1)

    def _launch_one(self, run: LiveRun) -> None:
        if run.run_id not in self.gang.trainings and not self._join(run):
            return
        training = self.gang.trainings[run.run_id]
        for record in training.records[run.epochs_done :]:  # the trainer was killed before it told
            self.store.add_epoch(run.run_id, record)
        if training.is_complete:
            self._end(run)
        elif len(training.records) <= run.epochs_done:
            del training  # so that the gang is the only one to hold it
            if not self.gang.launch(run.run_id):
                self.store.put_back(run.run_id)

    def _join(self, run: LiveRun) -> bool:
        if run.attempts >= MAX_ATTEMPTS:
            self._end(
                run,
                f"The training was started {MAX_ATTEMPTS} times and never finished an epoch "
                "(is there enough memory?): try a smaller network or the embedded images.",
            )
            return False
        self.store.started(run.run_id, self.device_name)
        name, checkpoint = run.config.data, self._checkpoint(run)
        if name not in self.data:
            self.data[name] = load(name)
        if run.epochs_done == 0:
            checkpoint.unlink(missing_ok=True)
        if self.gang.join(run.config, self.data[name], checkpoint):
            return True
        self.store.put_back(run.run_id)
        return False

    def _tell(self, outcome: Outcome) -> None:
        run = self.store.run(outcome.run_id)
        if run is None:  # the store was damaged and a new one begun
            self.gang.drop(outcome.run_id)
            return
        if outcome.error:
            self._fail(run, outcome.error)
            return
        if run.owner in self.used:  # who has left meanwhile begins level when they come back
            self.used[run.owner] += outcome.device_seconds
        speed = run.config.train_images / outcome.device_seconds
        self.store.measured_speed(run.config, self.device_name, speed)
        # A run that a damaged checkpoint made begin anew has told its first epochs before.
        if outcome.record.epoch > run.epochs_done:
            self.store.add_epoch(run.run_id, outcome.record)
        if self.gang.trainings[run.run_id].is_complete:
            self._end(run)

    def _fail(self, run: LiveRun, error: Exception) -> None:
        # The store's own trouble, or the GPU's, is not the run's: the next trainer goes on.
        if isinstance(error, (StoreError, torch.AcceleratorError)):
            raise error
        if isinstance(error, LabError):
            self._end(run, str(error))
            return
        # One broken run must not stop the others; what broke it is for the log.
        logging.error("Run %s stopped.", run.run_id, exc_info=error)
        reason = "its message is in the terminal where the app runs"
        if isinstance(error, OSError):  # a full disk, say
            reason = error.strerror or str(error)
        self._end(run, f"The training stopped: {reason}.")

    def _end(self, run: LiveRun, failure: str = "") -> None:
        self.gang.drop(run.run_id)
        if failure:
            self.store.failed(run.run_id, failure)
        elif self.store.finished(run.run_id):  # not, if it was cancelled meanwhile
            self._checkpoint(run).unlink(missing_ok=True)

    def _checkpoint(self, run: LiveRun) -> Path:
        return self.folder / f"{run.run_id}.safetensors"


def main() -> None:
    os.nice(5)  # pages first
    threading.Thread(target=_leave_with_server, daemon=True).start()
    trainer = Trainer(Store(), best_device(), data_folder() / "checkpoints")
    while True:
        if not trainer.turn():
            time.sleep(COLLECT_SECONDS if trainer.gang.under_way else POLL_SECONDS)


def _leave_with_server() -> None:
    """The server holds the other end of our standard input: its end is ours."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
