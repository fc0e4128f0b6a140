"""Training what the precomputed sweep lacks, as many runs at once as the device holds, resumable.

`folder` holds the finished runs (see core.results); in folder/running each run that is
under way has its lock and its checkpoint, which carries all its epochs. A run moves into
the two files when its last epoch is done, and only then is its checkpoint deleted.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from core.cifar10 import Cifar10, load
from core.config import RunConfig
from core.devices import describe_device
from core.gang import Gang, Outcome
from core.records import EpochRecord
from core.results import SWEEP_FOLDER, Result, add_results, load_runs, provenance
from core.training import DivergedError

POLL_SECONDS = 0.002  # between looks at what a GPU has finished


class TakenError(Exception):
    """Another sweep on this folder is training the run."""


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
    once more. A run that diverges, or that another sweep trains, ends with a failure.
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
        self.todo, self.folder, self.data = deque(configs), folder, data
        self.device_name = describe_device(device)
        self.gang = Gang(device)
        self.claims: dict[str, FileLock] = {}  # of the runs that have begun, by run id
        self.configs: dict[str, RunConfig] = {}
        self.at_once: dict[str, int] = {}  # most runs that were trained beside each, with itself

    def __iter__(self) -> Iterator[Told]:
        try:
            while self.todo or self.claims:
                while self.todo and self.gang.has_room_for(self.todo[0]):
                    yield from self._begin(self.todo.popleft())
                outcomes = self.gang.collect()
                for outcome in outcomes:
                    yield from self._tell(outcome)
                if not outcomes:
                    time.sleep(POLL_SECONDS)
        finally:
            for run_id in list(self.claims):
                self._leave(run_id)

    def _begin(self, config: RunConfig) -> Iterator[Told]:
        run_id = config.run_id
        try:
            self.claims[run_id] = claim(config, self.folder)
        except TakenError as error:
            yield Told(config, has_ended=True, failure=error)
            return
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
        training = self.gang.trainings[run_id]
        if not training.is_complete:
            if not self.gang.launch(run_id):
                self._put_back(run_id)
            for other in self.gang.under_way:
                self.at_once[other] = max(self.at_once.get(other, 1), len(self.gang.under_way))
            return
        at_once = self.at_once.get(run_id, 1)
        keep(training.config, training.records, self.device_name, self.folder, at_once)
        self._checkpoint(run_id).unlink()
        self._leave(run_id)
        yield Told(training.config, has_ended=True)

    def _tell(self, outcome: Outcome) -> Iterator[Told]:
        config = self.configs[outcome.run_id]
        if outcome.error is None:
            yield Told(config, outcome.record)
            yield from self._go_on(outcome.run_id)
        elif isinstance(outcome.error, DivergedError):
            self._leave(outcome.run_id)
            yield Told(config, has_ended=True, failure=outcome.error)
        else:
            raise outcome.error

    def _put_back(self, run_id: str) -> None:
        """There was too little memory: it comes next when there is room."""
        self.todo.appendleft(self.configs[run_id])
        self._leave(run_id)

    def _leave(self, run_id: str) -> None:
        self.gang.drop(run_id)
        self.claims.pop(run_id).release()

    def _checkpoint(self, run_id: str) -> Path:
        return self.folder / "running" / f"{run_id}.safetensors"


def keep(
    config: RunConfig, records: list[EpochRecord], device_name: str, folder: Path, at_once: int = 1
) -> None:
    """Add a run with all its epochs to the finished ones; at_once: runs trained side by side."""
    about = provenance(device_name, sum(record.seconds for record in records), at_once)
    add_results([Result(config, records, about)], folder)
