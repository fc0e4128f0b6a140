"""The process that trains the queued runs, one epoch at a time, each visitor in turn.

Started by core/processes.py as `python -m core.trainer`. It takes its orders from the
store and tells it everything; killed at any moment, the next trainer goes on from the
last epoch of each run.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from core.checkpoint import CheckpointError
from core.cifar10 import DATA_FOLDER, Cifar10, DataError, load
from core.records import EpochRecord
from core.store import MAX_ATTEMPTS, LiveRun, Store
from core.training import DivergedError, best_device, describe_device, train

MAX_IN_MEMORY = 48  # runs whose weights are in memory at a time; the others' lie on the disk
POLL_SECONDS = 0.1


class Trainer:
    def __init__(self, store: Store, device: str, folder: Path):
        self.store, self.device = store, device
        self.folder = folder  # of the checkpoints
        self.trainings: dict[str, Iterator[EpochRecord]] = {}  # the one trained last comes last
        self.used: dict[str, float] = {}  # seconds that each visitor at work has had
        self.data: dict[str, Cifar10] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def turn(self) -> bool:
        """One epoch of the run whose turn it is; False if there was nothing to do."""
        active = self.store.active_runs()
        for run_id in set(self.trainings) - {run.run_id for run in active}:
            self.trainings.pop(run_id).close()  # paused or cancelled; the checkpoint stays
        if not active or self.store.note("paused"):
            return False
        run, started = self._next(active), time.monotonic()
        self.store.set_note("training", run.run_id)
        self._one_epoch(run)
        self.used[run.owner] += time.monotonic() - started
        if run.run_id in self.trainings:
            self.trainings[run.run_id] = self.trainings.pop(run.run_id)
        return True

    def _next(self, active: list[LiveRun]) -> LiveRun:
        """Whose turn it is: of the visitor who has had the least time, what waited longest.

        Time and not epochs: a heavy run takes from the light ones of others no more than
        an equal share. Who comes anew begins level with the one who has had the least.
        """
        owners = dict.fromkeys(run.owner for run in active)
        least = min((self.used[owner] for owner in owners if owner in self.used), default=0.0)
        self.used = {owner: max(self.used.get(owner, least), least) for owner in owners}
        owner = min(owners, key=self.used.get)
        trained = list(self.trainings)
        own = [run for run in active if run.owner == owner]
        return min(own, key=lambda run: trained.index(run.run_id) if run.run_id in trained else -1)

    def _one_epoch(self, run: LiveRun) -> None:
        try:
            if run.run_id not in self.trainings:
                if run.attempts >= MAX_ATTEMPTS:
                    self._end(
                        run,
                        f"The training was started {MAX_ATTEMPTS} times and never finished an epoch "
                        "(is there enough memory?): try a smaller network or the embedded images.",
                    )
                    return
                self.store.started(run.run_id, describe_device(self.device))
                self.trainings[run.run_id] = self._start(run)
            record = next(self.trainings[run.run_id], None)
            while record and record.epoch <= run.epochs_done:  # a resumed run tells all again
                record = next(self.trainings[run.run_id], None)
        except CheckpointError:  # damaged: from the first epoch again, with the same records
            del self.trainings[run.run_id]
            self._checkpoint(run).unlink()
        except DivergedError as error:
            self._end(run, str(error))
        except (DataError, ValueError, OSError) as error:
            self._end(run, f"The training stopped: {error}")
        except Exception as error:  # one broken run must not stop the others
            print(f"run {run.run_id}: {error!r}", file=sys.stderr, flush=True)
            self._end(run, f"The training stopped: {error}.")
        else:
            if record is None:
                self._end(run)
                return
            self.store.add_epoch(run.run_id, record)
            speed = run.config.train_images / record.seconds
            self.store.measured_speed(run.config, describe_device(self.device), speed)
            if record.epoch == run.config.epochs and not run.config.epochs_after_fitted:
                self._end(run)

    def _start(self, run: LiveRun) -> Iterator[EpochRecord]:
        name, checkpoint = run.config.data, self._checkpoint(run)
        if name not in self.data:
            self.data[name] = load(name)
        if len(self.trainings) >= MAX_IN_MEMORY:
            self.trainings.pop(next(iter(self.trainings))).close()  # trained longest ago
        if run.epochs_done == 0:
            checkpoint.unlink(missing_ok=True)
        return train(run.config, self.data[name], self.device, checkpoint)

    def _end(self, run: LiveRun, failure: str = "") -> None:
        self.trainings.pop(run.run_id, None)
        if failure:
            self.store.failed(run.run_id, failure)
        elif self.store.finished(run.run_id):  # not, if it was cancelled meanwhile
            self._checkpoint(run).unlink(missing_ok=True)

    def _checkpoint(self, run: LiveRun) -> Path:
        return self.folder / f"{run.run_id}.safetensors"


def main() -> None:
    os.nice(5)  # pages first
    threading.Thread(target=_leave_with_server, daemon=True).start()
    trainer = Trainer(Store(), best_device(), DATA_FOLDER / "checkpoints")
    while True:
        if not trainer.turn():
            time.sleep(POLL_SECONDS)


def _leave_with_server() -> None:
    """The server holds the other end of our standard input: its end is ours."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
