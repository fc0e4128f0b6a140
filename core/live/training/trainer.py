"""The process that trains the queued runs, with equal time for every visitor.

core/live/training/supervisor.py starts it as `python -m core.live.training.trainer`. It reads its
runs from the store and reports everything to it. It can be killed at any moment: the next trainer
resumes each run from its checkpoint, and trains and reports again the epochs that the checkpoint
lacks. On a CPU these are identical.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import torch

from core.cleaning.ranking import Ranking, ranking_for
from core.config import PRESETS, USUAL_WIDTH, RunConfig
from core.data.cifar10 import Cifar10, load
from core.errors import LabError, StorageError, StoreError
from core.live.runs.housekeeping import Keep, checkpoint, tidy
from core.live.runs.image_scores import find_scores, put_scores
from core.live.runs.store import MAX_ATTEMPTS, LiveRun, Store
from core.live.training.fair_share import FairShare
from core.live.training.supervisor import sign_of_life
from core.paths import data_folder
from core.training.concurrent_runs import ConcurrentRuns, EpochDone, EpochFailed
from core.training.devices import best_device, describe_device, use_allowed_cpus
from core.training.training import Training

WARM_UP_SECONDS = 0.3  # length of the training before the first run
POLL_SECONDS = 0.05  # between reads of the store when there is nothing to train
WORK_SECONDS = 0.2  # per turn on a CPU, before the store is read again
SAVE_SECONDS = 2.0  # training that may be unsaved: saving takes as long as 7% of a quick epoch
TIDY_SECONDS = 600.0  # between housekeeping
LOCKED_SECONDS = 30.0  # to wait for a locked store: nobody waits for this process
COLLECT_SECONDS = 0.002  # between checks for finished epochs on a GPU


class Trainer:
    """Trains the active runs: several epochs at once on a CUDA GPU, in short turns on a CPU."""

    def __init__(self, store: Store, device: str, folder: Path, keep: Keep | None = None):
        """folder: the folder of the checkpoints. Raises StorageError if it cannot be created."""
        self.store = store
        self.folder = folder
        self.keep = keep or Keep()
        self.next_tidying = 0.0  # on the monotonic clock
        self.runs = ConcurrentRuns(device, SAVE_SECONDS)
        remark = self.runs.abilities.remark
        self.device_name = describe_device(self.runs.abilities.device) + (remark and f". {remark}")
        self.fair_share = FairShare()
        self.data: dict[str, Cifar10] = {}
        self.next_look = 0.0  # when to read the store again, on the monotonic clock
        self.in_training: list[str] | None = None  # run ids last reported to the store
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(folder, error) from None

    def warm_up(self) -> None:
        """Load images, libraries and kernels, which takes seconds, before the first run needs them."""
        if self.runs.works_by_itself or self.store.active_runs():
            return  # a GPU was warmed up when it was checked; a run that waits must not wait longer
        config = PRESETS[0].config
        self.data[config.data] = load(config.data)
        training = Training(config, self.data[config.data], str(self.runs.device))
        training.launch()
        training.work(WARM_UP_SECONDS)
        training.close()

    def turn(self) -> bool:
        """Train for one turn and report finished epochs. Return False if there was nothing to do."""
        # While a GPU works, it is checked often for finished epochs; the store is read less often.
        works = self.runs.works_by_itself and self.runs.in_flight
        is_time = not works or time.monotonic() >= self.next_look
        has_worked = self._look() if is_time else False
        while outcome := self.runs.collect():
            self._report(outcome)
            self.next_look, has_worked = 0.0, True
            if self.runs.works_by_itself:
                break  # launch this run again before the next outcome is reported
        return has_worked

    def _look(self) -> bool:
        """Read the active runs from the store and train some; return whether there were any."""
        self.next_look = time.monotonic() + POLL_SECONDS
        if time.monotonic() >= self.next_tidying:
            tidy(self.store, self.folder, self.keep)
            self.next_tidying = time.monotonic() + TIDY_SECONDS
        active = self.store.active_runs()
        self._leave({run.run_id for run in active})
        has_worked = False
        if active and not self.store.database.state().is_paused:
            has_worked = self._launch(active) if self.runs.works_by_itself else self._work(active)
        if not has_worked:
            self._report_in_training(list(self.runs.in_flight) if self.runs.works_by_itself else [])
        return has_worked

    def _leave(self, active: set[str]) -> None:
        """Suspend paused runs, in the middle of an epoch if necessary, and evict ended ones."""
        left = set(self.runs.loaded) - active
        paused = self.store.paused(left) if left else set()
        for run_id in left:
            if run_id in paused:
                self.runs.suspend(run_id)
            elif not (self.runs.works_by_itself and run_id in self.runs.in_flight):
                self.runs.evict(run_id)  # the checkpoint stays

    def _work(self, active: list[LiveRun]) -> bool:
        """Train the run whose turn it is for a moment, or several runs on one core each."""
        chosen, begun = self._chosen(active), self.runs.in_flight
        self._report_in_training([run.run_id for run in chosen[: self.runs.cores]])
        for run in chosen:
            started = time.monotonic()
            try:
                if run.run_id not in begun:
                    self._launch_one(run)
            except Exception as error:
                self._fail(run, error)
            self.fair_share.report(run.owner, time.monotonic() - started)
        working = [run for run in chosen if run.run_id in begun]
        ids = [run.run_id for run in working]
        took = self.runs.work_side_by_side(ids, WORK_SECONDS) if ids else {}
        for run in working:
            if run.run_id not in took:  # the turn ended before this run began
                continue
            self.fair_share.report(run.owner, took[run.run_id] / min(len(working), self.runs.cores))
            is_new = run.run_id in begun and len(self.runs.records(run.run_id)) >= run.epochs_done
            if is_new and not self.runs.is_ready(run.run_id):
                self.store.report_progress(run.run_id, self.runs.progress(run.run_id))
        return True

    def _chosen(self, active: list[LiveRun]) -> list[LiveRun]:
        """The run whose turn it is and, if it needs only one core, runs for the other cores.

        Twice as many runs as cores are chosen, so that a core whose epoch ends within the turn goes
        on with another. Beyond the number of cores, no visitor gets more runs than every visitor
        could have: a visitor with a single run gets one epoch per turn.
        """
        begun = self.runs.in_flight
        run = self.fair_share.next(active, active, begun=begun, last_trained=self.runs.loaded)
        if run.run_id not in begun and not self.runs.has_memory_for(run.config):
            # Runs in the middle of an epoch fill the memory: finish one of them first.
            waiting = [other for other in active if other.run_id in begun]
            run = self.fair_share.next(active, waiting, last_trained=self.runs.loaded)
        chosen = [run]
        if not self.runs.shares_cores(run.config):
            return chosen
        waiting = [other for other in active if self.runs.shares_cores(other.config)]
        everybody = min(Counter(other.owner for other in waiting).values())
        waiting.remove(run)
        while waiting and len(chosen) < 2 * self.runs.cores:
            in_turn = [each.run_id for each in chosen]
            other = self.fair_share.next(
                active, waiting, in_flight=in_turn, begun=begun, last_trained=self.runs.loaded
            )
            waiting.remove(other)
            has = sum(each.owner == other.owner for each in chosen)
            if len(chosen) >= self.runs.cores and has >= everybody:
                break
            new = [each.config for each in (*chosen, other) if each.run_id not in begun]
            if other.run_id in begun or self.runs.has_memory_for(*new):
                chosen.append(other)
        return chosen

    def _launch(self, active: list[LiveRun]) -> bool:
        """Start an epoch of as many runs as the GPU has room for."""
        waiting = [run for run in active if run.run_id not in self.runs.in_flight]
        has_launched = False
        while waiting:
            run = self.fair_share.next(
                active, waiting, in_flight=self.runs.in_flight, last_trained=self.runs.loaded
            )
            if not self.runs.has_room_for(run.config):
                break
            waiting.remove(run)
            self._report_in_training([*self.runs.in_flight, run.run_id])
            try:
                self._launch_one(run)
            except Exception as error:
                self._fail(run, error)
            has_launched = True
        return has_launched

    def _launch_one(self, run: LiveRun) -> None:
        if run.run_id not in self.runs.loaded and not self._load(run):
            return
        records = self.runs.records(run.run_id)
        if len(records) > run.epochs_done:  # the last trainer was killed before it reported these
            self._store_scores(run)
        for record in records[run.epochs_done :]:
            self.store.add_epoch(run.run_id, record)
        if self.runs.is_complete(run.run_id):
            self._end(run)
        elif len(records) <= run.epochs_done and not self.runs.launch(run.run_id):
            self.store.discount_attempt(run.run_id)

    def _load(self, run: LiveRun) -> bool:
        if run.attempts >= MAX_ATTEMPTS:
            self._end(
                run,
                f"The training was started {MAX_ATTEMPTS} times and never finished an epoch, perhaps for "
                "lack of memory: try a smaller network or the embedded images.",
            )
            return False
        self.store.report_start(run.run_id, self.device_name)
        name, checkpoint = run.config.data, self._checkpoint(run)
        if name not in self.data:
            self.data[name] = load(name)
        if run.epochs_done == 0:
            checkpoint.unlink(missing_ok=True)
        ranking = self._ranking(run.config)
        if self.runs.load(run.config, self.data[name], checkpoint, ranking, run.epochs_done):
            return True
        self.store.discount_attempt(run.run_id)
        return False

    def _ranking(self, config: RunConfig) -> Ranking | None:
        """The ranking of a run's labels, if it repairs some; from live runs or else stored ones."""
        if config.repair == "none":
            return None
        data = self.data[config.data]
        return ranking_for(config, data, lambda source: find_scores(self.folder, source.run_id))

    def _report(self, outcome: EpochDone | EpochFailed) -> None:
        run = self.store.run(outcome.run_id)
        if run is None:  # the store was damaged and replaced
            self.runs.evict(outcome.run_id)
            return
        if isinstance(outcome, EpochFailed):
            self._fail(run, outcome.error)
            return
        if self.runs.works_by_itself:
            self.fair_share.report(run.owner, outcome.device_seconds)
        if run.config.width == USUAL_WIDTH:  # other widths train at other speeds
            speed = run.config.train_images / outcome.device_seconds
            self.store.report_speed(run.config, self.device_name, speed)
        if outcome.record.epoch > run.epochs_done:  # not one that was trained again
            try:
                self._store_scores(run)  # before the epoch, so that its readers find the scores
            except StorageError as error:
                self._fail(run, error)
                return
        self.store.add_epoch(run.run_id, outcome.record)
        if self.runs.is_complete(run.run_id):
            self._end(run)

    def _store_scores(self, run: LiveRun) -> None:
        scores = self.runs.scores(run.run_id)
        if scores is not None:
            put_scores(self.folder, run.run_id, scores)

    def _report_in_training(self, run_ids: list[str]) -> None:
        if run_ids != self.in_training:
            self.store.database.set_in_training(run_ids)
            self.in_training = run_ids

    def _fail(self, run: LiveRun, error: Exception) -> None:
        # An error of the store or the GPU is not the run's: end, and the next trainer resumes the run.
        if isinstance(error, (StoreError, torch.AcceleratorError)):
            raise error
        if isinstance(error, LabError):
            self._end(run, str(error))
            return
        if isinstance(error, OSError):
            logging.error("Run %s stopped.", run.run_id, exc_info=error)
            self._end(run, str(StorageError(Path(error.filename or self.folder), error)))
            return
        # One broken run must not stop the others; the cause goes to the log.
        logging.error("Run %s stopped.", run.run_id, exc_info=error)
        self._end(run, "The training stopped: its message is in the terminal where the app runs.")

    def _end(self, run: LiveRun, failure: str = "") -> None:
        self.runs.evict(run.run_id)
        if failure:
            self.store.report_failure(run.run_id, failure)
        elif self.store.report_end(run.run_id):  # False if it was cancelled meanwhile
            with suppress(OSError):  # the run is finished anyway
                self._checkpoint(run).unlink(missing_ok=True)

    def _checkpoint(self, run: LiveRun) -> Path:
        return checkpoint(self.folder, run.run_id)

    def close(self) -> None:
        """Save and evict all loaded runs."""
        for run_id in self.runs.loaded:
            with suppress(Exception):  # if the GPU fails, the last checkpoints remain
                self.runs.evict(run_id)


def main() -> None:
    """Train until the server ends."""
    if hasattr(os, "nice"):  # Windows has no such call
        os.nice(5)  # pages have priority
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C ends the server, and this process ends with it
    use_allowed_cpus()
    threading.Thread(target=_leave_with_server, daemon=True).start()
    try:
        keep = Keep(**json.loads(sys.argv[1])) if len(sys.argv) > 1 else Keep()
        store = Store(patience=LOCKED_SECONDS)
        trainer = Trainer(store, best_device(), data_folder() / "checkpoints", keep)
        with closing(trainer):
            trainer.warm_up()
            while True:
                has_worked = trainer.turn()
                _give_sign_of_life()
                if not has_worked:
                    time.sleep(COLLECT_SECONDS if trainer.runs.in_flight else POLL_SECONDS)
    except LabError as error:  # its sentence goes to the server's log and to its pages
        logging.error("%s", error)
        print(error, flush=True)
        _leave(error.exit_status)
    except Exception:
        logging.exception("The trainer ends; the next one resumes every run.")
        _leave(1)


def _give_sign_of_life() -> None:
    """Touch the file that shows the server that this process does not hang."""
    with suppress(OSError):  # a full disk must not stop this process
        sign_of_life().touch()


def _leave(status: int) -> None:
    """End at once. A normal exit would wait for the thread that reads standard input."""
    logging.shutdown()
    os._exit(status)


def _leave_with_server() -> None:
    """End this process when the server, which holds the other end of standard input, ends."""
    # Not through sys.stdin: Python aborts if a thread still holds its buffer at exit.
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
