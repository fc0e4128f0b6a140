"""Training what the precomputed sweep lacks, as many runs at once as the device holds, resumable.

`folder` holds the finished runs (see core.results); in folder/running each run that is
under way has its lock and its checkpoint, which carries all its epochs. A run moves into
the two files when its last epoch is done, and only then is its checkpoint deleted.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from filelock import FileLock, Timeout

from core.config import RunConfig
from core.data.cifar10 import Cifar10, load
from core.errors import LabError, TakenError
from core.records import EpochRecord, Hardware
from core.sweep.results import SWEEP_FOLDER, Result, add_results, load_runs, provenance
from core.training.concurrent_runs import Gang, Outcome
from core.training.devices import hardware

POLL_SECONDS = 0.002  # between looks at what a GPU has finished


class Told(NamedTuple):
    """What a sweep tells as it goes: that a run has begun, an epoch of it, its end."""

    config: RunConfig
    record: EpochRecord | None = None
    has_ended: bool = False
    failure: Exception | None = None  # why it ended too early


def missing(configs: Iterable[RunConfig], folder: Path = SWEEP_FOLDER) -> list[RunConfig]:
    """Those that have not been trained to their end, in the same order. Raises SweepError."""
    done = set(load_runs(folder).run_id)
    return [config for config in configs if config.run_id not in done]


def claim(config: RunConfig, folder: Path) -> FileLock:
    """The right to train this run, until the lock is released or its holder dies. Raises TakenError."""
    running = folder / "running"
    running.mkdir(parents=True, exist_ok=True)
    lock = FileLock(running / f"{config.run_id}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TakenError(f"run {config.run_id} is being trained by another sweep.") from None
    return lock


class Sweep:
    """The training of some runs, in their order; to be iterated over once.

    Everything that happens is told (see Told); the epochs in a run's checkpoint are told
    once more. A run that diverges, that another sweep trains, or that is too big for the
    memory ends with a failure, and the others go on.
    Raises SweepError and OSError (a full disk); the epochs trained so far are kept.
    """

    def __init__(
        self,
        configs: Iterable[RunConfig],
        device: str,
        folder: Path = SWEEP_FOLDER,
        data: Cifar10 | None = None,
    ):
        """data: instead of what the configs name."""
        self.todo, self.folder, self.data = deque(dict.fromkeys(configs)), folder, data
        self.hardware = hardware(device)
        self.gang = Gang(device)
        self.claims: dict[str, FileLock] = {}  # of the runs that have begun, by run id
        self.configs: dict[str, RunConfig] = {}
        self.seconds: dict[str, tuple[float, float]] = {}  # of its epochs; its share of the device's

    def __iter__(self) -> Iterator[Told]:
        try:
            while self.todo or self.claims:
                while self.todo and self.gang.has_room_for(self.todo[0]):
                    config = self.todo.popleft()
                    yield from self._told_of_failure(config, self._begin(config))
                outcome = self.gang.collect()
                if outcome:
                    config = self.configs[outcome.run_id]
                    yield from self._told_of_failure(config, self._tell(outcome))
                else:
                    time.sleep(POLL_SECONDS)
        finally:
            for run_id in list(self.claims):
                self._leave(run_id)

    def _begin(self, config: RunConfig) -> Iterator[Told]:
        run_id = config.run_id
        self.claims[run_id] = claim(config, self.folder)
        self.configs[run_id] = config
        if not missing([config], self.folder):  # another sweep has finished it meanwhile
            self._leave(run_id)
            yield Told(config, has_ended=True)
            return
        yield Told(config)
        if not self.gang.join(config, self.data or load(config.data), self._checkpoint(run_id)):
            self._put_back(run_id)
            return
        for record in self.gang.trainings[run_id].records:
            yield Told(config, record)
        yield from self._go_on(run_id)

    def _go_on(self, run_id: str) -> Iterator[Told]:
        """The next epoch; or the run's end, if there is none."""
        training = self.gang.trainings.get(run_id)
        if training is None:  # left, when the memory was short for another
            self._put_back(run_id)
            return
        if not training.is_complete:
            del training  # so that the gang is the only one to hold it
            if not self.gang.launch(run_id):
                self._put_back(run_id)
            return
        wall, own = self.seconds.get(run_id, (1.0, 1.0))
        at_once = round(wall / own, 1)
        keep(training.config, training.records, self.hardware, self.folder, at_once)
        self._checkpoint(run_id).unlink()
        self._leave(run_id)
        yield Told(training.config, has_ended=True)

    def _tell(self, outcome: Outcome) -> Iterator[Told]:
        if outcome.error:
            raise outcome.error
        wall, own = self.seconds.get(outcome.run_id, (0.0, 0.0))
        self.seconds[outcome.run_id] = (wall + outcome.record.seconds, own + outcome.device_seconds)
        yield Told(self.configs[outcome.run_id], outcome.record)
        yield from self._go_on(outcome.run_id)

    def _told_of_failure(self, config: RunConfig, telling: Iterator[Told]) -> Iterator[Told]:
        """The same; what ends one run only is told, and does not end the sweep."""
        try:
            yield from telling
        except torch.AcceleratorError:  # the GPU itself is in trouble: no run can go on
            raise
        except LabError as error:
            self._leave(config.run_id)
            yield Told(config, has_ended=True, failure=error)
        except RuntimeError as error:  # torch's, of this run alone: a missing kernel, say
            logging.exception("Run %s stopped.", config.run_id)
            self._leave(config.run_id)
            yield Told(config, has_ended=True, failure=error)

    def _put_back(self, run_id: str) -> None:
        """There was too little memory: it comes next when there is room."""
        self.todo.appendleft(self.configs[run_id])
        self._leave(run_id)

    def _leave(self, run_id: str) -> None:
        self.gang.drop(run_id)
        if run_id in self.claims:
            self.claims.pop(run_id).release()

    def _checkpoint(self, run_id: str) -> Path:
        return self.folder / "running" / f"{run_id}.safetensors"


def keep(
    config: RunConfig,
    records: list[EpochRecord],
    hardware: Hardware,
    folder: Path,
    at_once: float = 1.0,
) -> None:
    """Add a run with all its epochs to the finished ones; at_once: runs trained side by side, on average."""
    about = provenance(hardware, sum(record.seconds for record in records), at_once)
    add_results([Result(config, records, about)], folder)
