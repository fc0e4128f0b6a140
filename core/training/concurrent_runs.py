"""Several runs on one device: on a CUDA GPU side by side, as many as its memory holds; else in turn.

On a CPU of several cores small networks are trained side by side, too, a core each.

Each is a Training of its own, with its own seed, order, corruption and checkpoint, and
gives the records that it would give alone.
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

MOST_SIDE_BY_SIDE = 4  # on a CPU, since Python is one for all; measured with two


@dataclass(frozen=True)
class EpochDone:
    """The epoch of a run is done."""

    run_id: str
    record: EpochRecord
    device_seconds: float  # the run's share of the device's time


@dataclass(frozen=True)
class EpochFailed:
    """The epoch of a run failed; the run has been evicted."""

    run_id: str
    error: Exception


@dataclass
class Saving:
    """Decides when the checkpoint of a loaded run is saved."""

    checkpoint: Path
    save_after: float  # seconds of training that the checkpoint may lack; 0: saved at each epoch
    # Epochs reported before. Those that the checkpoint lacks are saved one by one, so that a run
    # whose process is killed again and again makes progress.
    reported: int
    unsaved_seconds: float = 0.0

    def after_epoch(self, training: Training, seconds: float) -> None:
        """Save the run if it is time to. Raises StorageError; the epoch is recorded all the same."""
        self.unsaved_seconds += seconds
        is_reported = len(training.records) <= self.reported
        if training.is_complete or is_reported or self.unsaved_seconds >= self.save_after:
            self.save(training)

    def save(self, training: Training) -> None:
        """Save what the checkpoint lacks, unless an epoch has begun. Raises StorageError."""
        if training.is_between_epochs and self.unsaved_seconds > 0:
            self.unsaved_seconds = 0.0  # first: what fails is not tried again
            training.save(self.checkpoint)


class ConcurrentRuns:
    """The runs in a device's memory. A run is named by its run_id.

    `load` brings one into memory, `launch` starts its next epoch, `work` goes on with it,
    `collect` returns one that is done, `suspend` lets one wait in the middle of its epoch,
    `evict` forgets one, whose checkpoint stays. It has all epochs of a run that is complete
    or was evicted between two of them.
    """

    def __init__(self, device: str, save_after: float = 0.0):
        """A GPU is checked first: `abilities` says how it is used. save_after: see Saving."""
        self.save_after = save_after
        self.abilities = check_device(device)
        self.device = torch.device(self.abilities.device)
        self.max_at_once = self.abilities.max_at_once
        self.memory = available(self.device)  # bytes that the plan may use
        self.works_by_itself = self.device.type == "cuda"  # see Training
        self.in_flight: set[str] = set()  # runs whose epoch has been launched and is wanted
        self._trainings: dict[str, Training] = {}  # the one launched last comes last
        self._saving: dict[str, Saving] = {}
        self._were_short: set[str] = set()  # runs that met with too little memory once
        self._failed: deque[EpochFailed] = deque()  # not yet collected
        is_cpu = self.device.type == "cpu"
        self.cores = min(torch.get_num_threads(), MOST_SIDE_BY_SIDE) if is_cpu else 1
        self._each_on_a_core: ThreadPoolExecutor | None = None
        self._side_by_side: dict[str, int] = {}  # runs that worked together last, this one included

    @property
    def loaded(self) -> list[str]:
        """The runs in memory, in the order in which they were launched last."""
        return list(self._trainings)

    def records(self, run_id: str) -> list[EpochRecord]:
        """Of all epochs of a loaded run, those of its checkpoint included."""
        return self._trainings[run_id].records

    def scores(self, run_id: str) -> ImageScores | None:
        """What a loaded run tells of its images, see Training."""
        return self._trainings[run_id].scores

    def is_complete(self, run_id: str) -> bool:
        """Whether a loaded run has all its epochs."""
        return self._trainings[run_id].is_complete

    def progress(self, run_id: str) -> EpochProgress:
        """Of the epoch of a loaded run that has been launched."""
        return self._trainings[run_id].progress

    def is_ready(self, run_id: str) -> bool:
        """Whether the epoch of a run in flight is done."""
        return run_id in self.in_flight and self._trainings[run_id].is_ready

    def has_room_for(self, config: RunConfig) -> bool:
        """Whether it can be launched now, in addition to the runs in flight."""
        return len(self.in_flight) < self.max_at_once and self.has_memory_for(config)

    def has_memory_for(self, *configs: RunConfig) -> bool:
        """Whether the memory holds them in addition to the runs in flight; a single one alone it does."""
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
        """Bring a run into memory, with the epochs that its checkpoint holds.

        ranking: of its labels, where it repairs some; reported: see Saving.
        To make room runs that are not in flight are evicted, the one launched last first:
        its turn comes last. A damaged checkpoint is set aside, and the run starts again.
        False, or TooLargeError, where the memory is short: see `launch`.
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
        """Start the next epoch of a loaded run.

        False where the memory turns out to be short. Then the run, and all that are not
        in flight, have been evicted and must be loaded again when there is room for them.
        If it happens to a run a second time, less memory is planned with from then on;
        if it was alone, it is too large: TooLargeError. Raises what the training raises.
        """
        self._trainings[run_id] = self._trainings.pop(run_id)  # the last one now
        if not self._fits_in_memory(run_id, lambda: self._trainings[run_id].launch()):
            return False
        self.in_flight.add(run_id)
        return True

    def work(self, run_id: str, seconds: float = math.inf) -> None:
        """Go on with the epoch of a run in flight for about so long; `collect` reports what fails.

        Nothing to do where the device works by itself.
        """
        if self.works_by_itself:
            return
        try:
            self._trainings[run_id].work(seconds)
        except Exception as error:
            self.evict(run_id)
            self._failed.append(EpochFailed(run_id, error))

    def shares_cores(self, config: RunConfig) -> bool:
        """Whether it is trained on one core, beside others of its kind.

        Two cores wait for each other at each of the many small steps of a multilayer network: with
        the trainer's GOMP_SPINCOUNT an epoch took them 0.24 s, two runs side by side 0.17 s each.
        Their results are the same on one core and on several; those of convolutions are not.
        """
        return self.cores > 1 and NETWORKS[config.model].is_flat

    def work_side_by_side(self, run_ids: Sequence[str], seconds: float = math.inf) -> dict[str, float]:
        """The same for several runs that share_cores, each on one; the seconds of those that had any.

        They begin in their order, as many as there are cores. Where an epoch ends before the time is
        over, its core goes on with the next: otherwise it would wait for the others.
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
        """Let a run wait where it is. If another needs the memory, what its checkpoint lacks is lost.

        An epoch that a CUDA GPU is working on is finished all the same.
        """
        if not self.works_by_itself:
            self.in_flight.discard(run_id)

    def collect(self) -> EpochDone | EpochFailed | None:
        """One epoch that is done by now; None if there is none.

        One at a time, so that its run can be launched again before the host turns to the next.
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
        """Forget a run. Between two epochs it is saved, if the disk has room.

        In the middle of one, all is lost that the checkpoint does not hold.
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
            logging.warning("%s Run %s goes on from an earlier epoch.", error, run_id)

    def _training(
        self,
        config: RunConfig,
        data: Cifar10,
        checkpoint: Path,
        ranking: Ranking | None,
    ) -> Training:
        """Raises what the training raises; a damaged checkpoint is set aside."""
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
        """Do the work; False where the memory is short, see `launch`."""
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
            logging.warning("The memory is full: %d runs are as many as it holds.", len(configs))
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
        """Torch keeps for its stream what a run had on a GPU. Waits for all that is in flight."""
        if self.device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()


def _try_with_memory(work: Callable[[], None], on_failure: Callable[[], None]) -> bool:
    """Do the work; False where there was too little memory for it. Other failures are raised.

    The error, whose traceback refers to the run's tensors, is forgotten on return: only
    then can their memory be returned.
    """
    try:
        work()
    except BaseException as error:
        on_failure()
        if not is_out_of_memory(error):
            raise
        return False
    return True
