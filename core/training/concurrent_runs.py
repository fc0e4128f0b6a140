"""Several runs on one device: side by side on a CUDA GPU, as many as fit in its memory; else in turn.

On a CPU with several cores small networks are also trained side by side, one core each.

Each run is a separate Training, with its own seed, order, corruption and checkpoint, and
yields the records that it would yield alone.
"""

import gc
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from core.choices import NETWORKS
from core.cleaning.ranking import Ranking
from core.cleaning.scores import ImageScores
from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.errors import CheckpointError, StorageError, TooLargeError
from core.records import EpochProgress, EpochRecord
from core.training.devices import is_out_of_memory
from core.training.memory_plan import available, is_short, needed
from core.training.self_check import check_device
from core.training.training import Training

MOST_SIDE_BY_SIDE = 4  # on a CPU, because the runs share one Python interpreter; measured with two


@dataclass(frozen=True)
class EpochDone:
    """An epoch of a run has finished."""

    run_id: str
    record: EpochRecord
    device_seconds: float  # the run's share of the device's time


@dataclass(frozen=True)
class EpochFailed:
    """An epoch of a run failed, and the run has been evicted."""

    run_id: str
    error: Exception


@dataclass
class Saving:
    """Decides when the checkpoint of a loaded run is saved."""

    checkpoint: Path
    save_after: float  # seconds of training that may be missing in the checkpoint; 0: save each epoch
    # Epochs reported by an earlier process. Those missing in the checkpoint are saved one by one,
    # so that a run whose process is killed repeatedly still makes progress.
    reported: int
    unsaved_seconds: float = 0.0

    def after_epoch(self, training: Training, seconds: float) -> None:
        """Save the run if a save is due. Raises StorageError; the epoch stays recorded."""
        self.unsaved_seconds += seconds
        is_reported = len(training.records) <= self.reported
        if training.is_complete or is_reported or self.unsaved_seconds >= self.save_after:
            self.save(training)

    def save(self, training: Training) -> None:
        """Save unsaved epochs, unless the next epoch has begun. Raises StorageError."""
        if training.is_between_epochs and self.unsaved_seconds > 0:
            self.unsaved_seconds = 0.0  # set first, so that a failed save is not repeated
            training.save(self.checkpoint)


class ConcurrentRuns:
    """The runs in a device's memory, by run_id.

    `load` brings a run into memory, `launch` starts its next epoch, `work` continues it,
    `collect` returns a finished epoch, `suspend` pauses a run in the middle of its epoch, and
    `evict` removes a run from memory and keeps its checkpoint. The checkpoint holds all epochs
    of a run that is complete or was evicted between two epochs.
    """

    def __init__(self, device: str, save_after: float = 0.0):
        """Check the device; `abilities` tells how it can be used. save_after: see Saving."""
        self.save_after = save_after
        self.abilities = check_device(device)
        self.device = torch.device(self.abilities.device)
        self.max_at_once = self.abilities.max_at_once
        self.memory = available(self.device)  # bytes that the plan may use
        self.works_by_itself = self.device.type == "cuda"  # see Training
        self.in_flight: set[str] = set()  # runs with a launched epoch, not suspended
        self._trainings: dict[str, Training] = {}  # in the order of their last launch
        self._saving: dict[str, Saving] = {}
        self._were_short: set[str] = set()  # runs that have run out of memory once
        self._failed: deque[EpochFailed] = deque()  # not yet collected
        is_cpu = self.device.type == "cpu"
        self.cores = min(torch.get_num_threads(), MOST_SIDE_BY_SIDE) if is_cpu else 1
        self._each_on_a_core: ThreadPoolExecutor | None = None
        self._side_by_side: dict[str, int] = {}  # how many runs last worked together, including this

    @property
    def loaded(self) -> list[str]:
        """The runs in memory, in the order of their last launch."""
        return list(self._trainings)

    def records(self, run_id: str) -> list[EpochRecord]:
        """The records of all epochs of a loaded run, including those of its checkpoint."""
        return self._trainings[run_id].records

    def scores(self, run_id: str) -> ImageScores | None:
        """The scores of a loaded run's images; None where an older version started the run."""
        return self._trainings[run_id].scores

    def is_complete(self, run_id: str) -> bool:
        """Whether a loaded run has all its epochs."""
        return self._trainings[run_id].is_complete

    def progress(self, run_id: str) -> EpochProgress:
        """The progress of a loaded run in its current epoch."""
        return self._trainings[run_id].progress

    def is_ready(self, run_id: str) -> bool:
        """Whether the epoch of a run in flight is done."""
        return run_id in self.in_flight and self._trainings[run_id].is_ready

    def has_room_for(self, config: RunConfig) -> bool:
        """Whether a run of this config can be launched now, in addition to the runs in flight."""
        return len(self.in_flight) < self.max_at_once and self.has_memory_for(config)

    def has_memory_for(self, *configs: RunConfig) -> bool:
        """Whether these runs fit in memory in addition to the runs in flight.

        A single run, with none in flight, is always assumed to fit.
        """
        all_of_them = [self._trainings[run_id].config for run_id in self.in_flight] + list(configs)
        return len(all_of_them) == 1 or needed(all_of_them, self.device) <= self.memory

    def load(
        self,
        config: RunConfig,
        data: Cifar10,
        checkpoint: Path,
        ranking: Ranking | None = None,
        reported: int = 0,
    ) -> bool:
        """Bring a run into memory, with the epochs of its checkpoint; return whether it fits.

        ranking: of its labels, for a run that repairs some. reported: see Saving.
        Runs that are not in flight are evicted to make room. The one launched last goes first,
        because its turn comes last. A damaged checkpoint is renamed, and the run starts again.
        Where memory is short, return False or raise TooLargeError, as `launch` does.
        """
        if config.run_id in self._trainings:
            return True
        self._make_room_for(config)

        def work() -> None:
            training = self._training(config, data, checkpoint, ranking)
            self._trainings[config.run_id] = training
            self._saving[config.run_id] = Saving(checkpoint, self.save_after, reported)

        return self._fits_in_memory(config.run_id, work)

    def launch(self, run_id: str) -> bool:
        """Start the next epoch of a loaded run; return whether it fits in memory.

        On False the run, and all runs not in flight, have been evicted and must be loaded
        again when there is room for them. The second time this happens to a run, the plan
        uses less memory from then on. Raises TooLargeError where the run does not even fit alone,
        and what the training raises.
        """
        self._trainings[run_id] = self._trainings.pop(run_id)  # moved to the end of the order
        if not self._fits_in_memory(run_id, lambda: self._trainings[run_id].launch()):
            return False
        self.in_flight.add(run_id)
        return True

    def work(self, run_id: str, seconds: float = math.inf) -> None:
        """Continue the epoch of a run in flight for about `seconds`; `collect` reports a failure.

        Does nothing on a CUDA GPU, which works by itself.
        """
        if self.works_by_itself:
            return
        try:
            self._trainings[run_id].work(seconds)
        except Exception as error:
            self.evict(run_id)
            self._failed.append(EpochFailed(run_id, error))

    def shares_cores(self, config: RunConfig) -> bool:
        """Whether a run of this config is trained on one core, side by side with others like it.

        Two cores that share a multilayer network wait for each other at each of its many small
        steps: with the trainer's GOMP_SPINCOUNT an epoch took 0.24 s on two cores, and two runs
        side by side took 0.17 s each. The results of these networks are the same on one core and
        on several; those of convolutional networks are not.
        """
        return self.cores > 1 and NETWORKS[config.model].is_flat

    def work_side_by_side(self, run_ids: Sequence[str], seconds: float = math.inf) -> dict[str, float]:
        """Continue the epochs of several runs, one core each; return the seconds each run worked.

        All of them must share cores (`shares_cores`). They start in their order, as many as there
        are cores. Where an epoch ends before the time is over, its core continues with the next
        run instead of waiting. A run that had no core is missing in the result. `collect` reports
        failures.
        """
        began = time.perf_counter()
        if len(run_ids) == 1:
            self._side_by_side[run_ids[0]] = 1
            self.work(run_ids[0], seconds)
            return {run_ids[0]: time.perf_counter() - began}
        if self._each_on_a_core is None:
            self._each_on_a_core = ThreadPoolExecutor(
                self.cores, initializer=torch.set_num_threads, initargs=(1,)
            )
        at_once = min(len(run_ids), self.cores)
        first, others, until = run_ids[:at_once], iter(run_ids[at_once:]), began + seconds
        took: dict[str, float] = {}
        failed: list[EpochFailed] = []

        def work_on_a_core(run_id: str | None) -> None:
            while run_id is not None:
                now = time.perf_counter()
                try:
                    self._trainings[run_id].work(until - now)
                except Exception as error:
                    failed.append(EpochFailed(run_id, error))
                took[run_id] = time.perf_counter() - now
                run_id = next(others, None) if time.perf_counter() < until else None

        for work in [self._each_on_a_core.submit(work_on_a_core, run_id) for run_id in first]:
            work.result()
        self._side_by_side |= dict.fromkeys(took, at_once)
        for failure in failed:
            self.evict(failure.run_id)
        self._failed.extend(failed)
        return took

    def suspend(self, run_id: str) -> None:
        """Pause a run in the middle of its epoch.

        Its unsaved work is lost if another run needs the memory. A CUDA GPU finishes an epoch
        that it has started.
        """
        if not self.works_by_itself:
            self.in_flight.discard(run_id)

    def collect(self) -> EpochDone | EpochFailed | None:
        """Return one finished or failed epoch, or None.

        One at a time, so that its run can be launched again before the host collects the next.
        """
        if self._failed:
            return self._failed.popleft()
        run_id = next(filter(self.is_ready, self._trainings), None)
        if run_id is None:
            return None
        at_once = len(self.in_flight) if self.works_by_itself else self._side_by_side.get(run_id, 1)
        share = 1 / at_once
        self.in_flight.remove(run_id)
        try:
            training = self._trainings[run_id]
            record = training.collect()
            self._saving[run_id].after_epoch(training, record.seconds)
        except Exception as error:
            self.evict(run_id)
            return EpochFailed(run_id, error)
        return EpochDone(run_id, record, share * record.seconds)

    def evict(self, run_id: str) -> None:
        """Remove a run from memory, after saving it if it is between two epochs.

        In the middle of an epoch all work since the last checkpoint is lost. A failed save is
        logged, not raised.
        """
        self.in_flight.discard(run_id)
        self._side_by_side.pop(run_id, None)
        training = self._trainings.pop(run_id, None)
        saving = self._saving.pop(run_id, None)
        try:
            if training and saving:
                training.close()
                saving.save(training)
        except StorageError as error:
            logging.warning("%s Run %s will continue from an earlier epoch.", error, run_id)

    def _training(
        self,
        config: RunConfig,
        data: Cifar10,
        checkpoint: Path,
        ranking: Ranking | None,
    ) -> Training:
        """Build the training and restore its checkpoint; a damaged checkpoint is renamed."""
        use_graphs = self.abilities.use_graphs
        start = partial(Training, config, data, str(self.device), use_graphs, ranking=ranking)
        training = start()
        try:
            if checkpoint.exists():
                training.restore(checkpoint)
        except CheckpointError as error:
            aside = checkpoint.replace(checkpoint.with_suffix(".damaged"))
            logging.warning("%s It is kept as %s; the run starts again.", error, aside.name)
            training.close()
            training = start()  # some of its weights may have been overwritten
        return training

    def _fits_in_memory(self, run_id: str, work: Callable[[], None]) -> bool:
        """Do the work; return whether memory sufficed, as described in `launch`."""
        if _try_with_memory(work, on_failure=lambda: self.evict(run_id)):
            return True
        for idle in set(self._trainings) - self.in_flight:
            self.evict(idle)
        self._return_memory()
        if run_id not in self._were_short:
            self._were_short.add(run_id)
        elif self.in_flight:
            configs = [self._trainings[other].config for other in self.in_flight]
            self.memory = needed(configs, self.device)
            logging.warning("The memory is full: it holds %d runs at most.", len(configs))
        else:
            raise TooLargeError(
                "There is too little memory for this run: try a smaller network or batch size."
            )
        return False

    def _make_room_for(self, config: RunConfig) -> None:
        for run_id in reversed(self.loaded):
            loaded = [training.config for training in self._trainings.values()]
            if needed([*loaded, config], self.device) <= self.memory:
                break
            if run_id not in self.in_flight:
                self.evict(run_id)
        if self.device.type == "cuda" and is_short(config, self.device):
            self._return_memory()

    def _return_memory(self) -> None:
        """Free the GPU memory that torch caches for evicted runs; waits for all runs in flight."""
        if self.device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()


def _try_with_memory(work: Callable[[], None], on_failure: Callable[[], None]) -> bool:
    """Do the work; return whether there was enough memory for it. Other failures are raised.

    The traceback of the error refers to the run's tensors, whose memory can be freed only after
    this function has returned.
    """
    try:
        work()
    except BaseException as error:
        on_failure()
        if not is_out_of_memory(error):
            raise
        return False
    return True
