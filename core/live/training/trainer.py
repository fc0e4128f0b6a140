"""The process that trains the queued runs, epoch by epoch, each visitor as much as any other.

Started by core/live/supervisor.py as `python -m core.live.training.trainer`. It takes its orders
from the store and reports everything to it; killed at any moment, the next trainer resumes
each run from its checkpoint, and trains and reports anew what that lacks: on a CPU the very same.
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
from core.data.corruption import given_labels
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

WARM_UP_SECONDS = 0.3  # of steps before the first run
POLL_SECONDS = 0.05  # when there is nothing to train
WORK_SECONDS = 0.2  # on one run, where they take turns, before the next look into the store
SAVE_SECONDS = 2.0  # of training that a checkpoint may lack: it takes as long as 7% of a quick epoch
TIDY_SECONDS = 600.0  # between looks at what is no longer to be kept
LOCKED_SECONDS = 30.0  # to wait for the store: nobody waits for this process
COLLECT_SECONDS = 0.002  # between looks at what a GPU has finished


class Trainer:
    """Trains the active runs: a CUDA GPU several epochs side by side, a CPU a moment of each in turn."""

    def __init__(self, store: Store, device: str, folder: Path, keep: Keep | None = None):
        """folder: of the checkpoints. Raises StorageError where it cannot be made."""
        self.store = store
        self.folder = folder
        self.keep = keep or Keep()
        self.next_tidying = 0.0  # on the monotonic clock
        self.runs = ConcurrentRuns(device, SAVE_SECONDS)
        remark = self.runs.abilities.remark
        self.device_name = describe_device(self.runs.abilities.device) + (remark and f". {remark}")
        self.fair_share = FairShare()
        self.data: dict[str, Cifar10] = {}
        self.next_look = 0.0  # into the store, on the monotonic clock
        self.in_training: list[str] | None = None  # run ids, as the store knows them
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(folder, error) from None

    def warm_up(self) -> None:
        """Do once what the first run of all would wait for: images, libraries, kernels. Seconds."""
        if self.runs.works_by_itself or self.store.active_runs():
            return  # a GPU has been checked with real steps; and who waits already is not kept waiting
        config = PRESETS[0].config
        self.data[config.data] = load(config.data)
        training = Training(config, self.data[config.data], str(self.runs.device))
        training.launch()
        training.work(WARM_UP_SECONDS)
        training.close()

    def turn(self) -> bool:
        """Go on with the runs whose turn it is, report one epoch that is done; False if nothing was."""
        # While a GPU is at work it is asked often whether it has finished, the store is not.
        works = self.runs.works_by_itself and self.runs.in_flight
        is_time = not works or time.monotonic() >= self.next_look
        has_worked = self._look() if is_time else False
        while outcome := self.runs.collect():
            self._report(outcome)
            self.next_look, has_worked = 0.0, True
            if self.runs.works_by_itself:
                break  # one at a time: its run is launched again before the host turns to the next
        return has_worked

    def _look(self) -> bool:
        """See in the store what is wanted, and do some of it; whether there was anything to do."""
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
        """Let the paused runs wait, in the middle of an epoch if need be; forget the ended ones."""
        left = set(self.runs.loaded) - active
        paused = self.store.paused(left) if left else set()
        for run_id in left:
            if run_id in paused:
                self.runs.suspend(run_id)
            elif not (self.runs.works_by_itself and run_id in self.runs.in_flight):
                self.runs.evict(run_id)  # the checkpoint stays

    def _work(self, active: list[LiveRun]) -> bool:
        """Go on for a moment with the run whose turn it is, or with several that have a core each."""
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
            if run.run_id not in took:  # the others' epochs filled the turn
                continue
            self.fair_share.report(run.owner, took[run.run_id] / min(len(working), self.runs.cores))
            is_new = run.run_id in begun and len(self.runs.records(run.run_id)) >= run.epochs_done
            if is_new and not self.runs.is_ready(run.run_id):
                self.store.report_progress(run.run_id, self.runs.progress(run.run_id))
        return True

    def _chosen(self, active: list[LiveRun]) -> list[LiveRun]:
        """The run whose turn it is; where it needs one core, as many others as have one.

        And as many again: where an epoch ends within the turn, its core goes on with one of them.
        But nobody has more of these than everybody could have: who has one run has one epoch a turn.
        """
        begun = self.runs.in_flight
        run = self.fair_share.next(active, active, begun=begun, last_trained=self.runs.loaded)
        if run.run_id not in begun and not self.runs.has_memory_for(run.config):
            # Those in the middle of an epoch fill the memory: one of them is finished first.
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
        """Start an epoch of as many as there is room for."""
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
        if len(records) > run.epochs_done:  # the last trainer was killed before it reported
            self._store_scores(run)
        for record in records[run.epochs_done :]:
            self.store.add_epoch(run.run_id, record)
        if self.runs.is_complete(run.run_id):
            self._end(run)
        elif len(records) <= run.epochs_done and not self.runs.launch(run.run_id):
            self.store.put_back(run.run_id)

    def _load(self, run: LiveRun) -> bool:
        if run.attempts >= MAX_ATTEMPTS:
            self._end(
                run,
                f"The training was started {MAX_ATTEMPTS} times and never finished an epoch "
                "(is there enough memory?): try a smaller network or the embedded images.",
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
        self.store.put_back(run.run_id)
        return False

    def _ranking(self, config: RunConfig) -> Ranking | None:
        """Of the labels, where the run repairs some: by the live runs, or else by the stored ones."""
        if config.repair == "none":
            return None
        labels = given_labels(config, self.data[config.data].train_labels).labels
        return ranking_for(config, labels, lambda source: find_scores(self.folder, source.run_id))

    def _report(self, outcome: EpochDone | EpochFailed) -> None:
        run = self.store.run(outcome.run_id)
        if run is None:  # the store was damaged and a new one begun
            self.runs.evict(outcome.run_id)
            return
        if isinstance(outcome, EpochFailed):
            self._fail(run, outcome.error)
            return
        if self.runs.works_by_itself:
            self.fair_share.report(run.owner, outcome.device_seconds)
        if run.config.width == USUAL_WIDTH:  # of another one the speed is no measure
            speed = run.config.train_images / outcome.device_seconds
            self.store.report_speed(run.config, self.device_name, speed)
        if outcome.record.epoch > run.epochs_done:  # not one that the checkpoint lacked
            try:
                self._store_scores(run)  # first: who reads the epoch finds them
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
        # The store's own trouble, or the GPU's, is not the run's: the next trainer resumes it.
        if isinstance(error, (StoreError, torch.AcceleratorError)):
            raise error
        if isinstance(error, LabError):
            self._end(run, str(error))
            return
        if isinstance(error, OSError):
            logging.error("Run %s stopped.", run.run_id, exc_info=error)
            self._end(run, str(StorageError(Path(error.filename or self.folder), error)))
            return
        # One broken run must not stop the others; what broke it is for the log.
        logging.error("Run %s stopped.", run.run_id, exc_info=error)
        self._end(run, "The training stopped: its message is in the terminal where the app runs.")

    def _end(self, run: LiveRun, failure: str = "") -> None:
        self.runs.evict(run.run_id)
        if failure:
            self.store.report_failure(run.run_id, failure)
        elif self.store.report_end(run.run_id):  # not, if it was cancelled meanwhile
            with suppress(OSError):  # it is finished all the same
                self._checkpoint(run).unlink(missing_ok=True)

    def _checkpoint(self, run: LiveRun) -> Path:
        return checkpoint(self.folder, run.run_id)

    def close(self) -> None:
        """Save what is in memory and between two epochs."""
        for run_id in self.runs.loaded:
            with suppress(Exception):  # a GPU in trouble: the next trainer has the checkpoints
                self.runs.evict(run_id)


def main() -> None:
    if hasattr(os, "nice"):  # Windows has no such call
        os.nice(5)  # pages first
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, whose end is ours
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
    except LabError as error:  # its sentence is for the server's log, and for its pages
        logging.error("%s", error)
        print(error, flush=True)
        _leave(error.exit_status)
    except Exception:
        logging.exception("The trainer ends; the next one resumes every run.")
        _leave(1)


def _give_sign_of_life() -> None:
    """Touch the file by which the server knows that this process does not hang."""
    with suppress(OSError):  # a full disk stops the runs, not this
        sign_of_life().touch()


def _leave(status: int) -> None:
    """End at once: on its way out Python would wait for the thread that reads standard input."""
    logging.shutdown()
    os._exit(status)


def _leave_with_server() -> None:
    """The server holds the other end of our standard input: its end is ours."""
    # Not through sys.stdin: Python aborts where a thread still holds its buffer at the exit.
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
