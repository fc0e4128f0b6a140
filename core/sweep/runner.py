"""Training of the missing runs of the precomputed sweep, as many at once as the device holds.

`folder` holds the finished runs (see core.sweep.results). In folder/running each run in training
has a lock and a checkpoint, which holds all its epochs. After its last epoch a run is added to
the files of `folder`, and only then is its checkpoint deleted.
"""

import logging
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from core.cleaning.ranking import Ranking, ranking_for, sources
from core.cleaning.repair import NotRankedError
from core.cleaning.scores import ImageScores
from core.config import RunConfig
from core.data.cifar10 import Cifar10, load
from core.errors import DivergedError, TakenError, TooLargeError
from core.records import EpochRecord, Hardware
from core.sweep.results import (
    SWEEP_FOLDER,
    Result,
    add_results,
    load_runs,
    load_scores,
    make_folder,
    provenance,
)
from core.training.concurrent_runs import ConcurrentRuns, EpochDone, EpochFailed
from core.training.devices import hardware

POLL_SECONDS = 0.002  # between polls of a GPU for finished epochs


@dataclass(frozen=True)
class RunStarted:
    """A run has been claimed and will be trained."""

    config: RunConfig


@dataclass(frozen=True)
class EpochTrained:
    """An epoch of a run has been trained, now or earlier."""

    config: RunConfig
    record: EpochRecord


@dataclass(frozen=True)
class RunEnded:
    """A run is stored, or has failed."""

    config: RunConfig
    failure: Exception | None = None


Event = RunStarted | EpochTrained | RunEnded


def missing(configs: Iterable[RunConfig], folder: Path = SWEEP_FOLDER) -> list[RunConfig]:
    """The runs that are not stored in `folder`, in the same order. Raises SweepError."""
    done = set(load_runs(folder).run_id)
    return [config for config in configs if config.run_id not in done]


def claim(config: RunConfig, folder: Path) -> FileLock:
    """Lock a run for training, until the lock is released or this process ends. Raises TakenError."""
    running = folder / "running"
    make_folder(running)
    lock = FileLock(running / f"{config.run_id}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TakenError(f"run {config.run_id} is being trained by another sweep.") from None
    return lock


class Sweep:
    """The training of some runs, in their order, as an iterable of Events. Iterate only once.

    The epochs in a run's checkpoint are reported again. A run that diverges, that another sweep
    trains, or that is too large for the memory ends with a failure, and the others continue.
    Raises SweepError, DataError, and StorageError, for a full disk for example. The epochs trained
    so far are not lost.
    """

    def __init__(
        self,
        configs: Iterable[RunConfig],
        device: str,
        folder: Path = SWEEP_FOLDER,
        data: Cifar10 | None = None,
        at_once: int | None = None,
    ):
        """Prepare the device. data: used instead of the data sets named by the configs.

        at_once: the most runs that a GPU trains side by side; None: as many as its memory holds.
        """
        self.todo = deque(dict.fromkeys(configs))
        self.folder = folder
        self.data = data
        self.runs = ConcurrentRuns(device)
        if at_once:
            self.runs.max_at_once = min(at_once, self.runs.max_at_once)
        self.hardware = hardware(self.runs.abilities.device)
        self.claims: dict[str, FileLock] = {}  # locks of the runs in training, by run id
        self.configs: dict[str, RunConfig] = {}
        # By run id: the wall time of all epochs, and the run's share of the device's time.
        self.seconds: dict[str, tuple[float, float]] = {}

    def __iter__(self) -> Generator[Event]:
        try:
            while self.todo or self.claims:
                while (config := self._next()) and self.runs.has_room_for(config):
                    self.todo.remove(config)
                    yield from self._end_on_failure(config, self._start(config))
                for run_id in list(self.runs.in_flight):
                    self.runs.work(run_id)
                outcome = self.runs.collect()
                if outcome:
                    config = self.configs[outcome.run_id]
                    yield from self._end_on_failure(config, self._report(config, outcome))
                else:
                    time.sleep(POLL_SECONDS)
        finally:
            for run_id in list(self.claims):
                self._release(run_id)

    def _next(self) -> RunConfig | None:
        """The first run that can start; one that repairs labels waits for the runs that rank them."""
        for config in self.todo:
            ranked_by = sources(config, config.ranking) if config.repair != "none" else []
            if not any(source.run_id in self.claims for source in ranked_by):
                return config
        return None

    def _start(self, config: RunConfig) -> Iterator[Event]:
        run_id = config.run_id
        self.claims[run_id] = claim(config, self.folder)
        self.configs[run_id] = config
        if not missing([config], self.folder):  # another sweep has finished it in the meantime
            self._release(run_id)
            yield RunEnded(config)
            return
        yield RunStarted(config)
        data = self.data or load(config.data)
        ranking = stored_ranking(config, data, self.folder)
        if not self.runs.load(config, data, self._checkpoint(run_id), ranking):
            self._put_back(config)
            return
        for record in self.runs.records(run_id):
            yield EpochTrained(config, record)
        yield from self._continue(config)

    def _report(self, config: RunConfig, outcome: EpochDone | EpochFailed) -> Iterator[Event]:
        if isinstance(outcome, EpochFailed):
            raise outcome.error
        wall, share = self.seconds.get(outcome.run_id, (0.0, 0.0))
        self.seconds[outcome.run_id] = (
            wall + outcome.record.seconds,
            share + outcome.device_seconds,
        )
        yield EpochTrained(config, outcome.record)
        yield from self._continue(config)

    def _continue(self, config: RunConfig) -> Iterator[Event]:
        """Launch the next epoch, or end the run if it is complete."""
        run_id = config.run_id
        if run_id not in self.runs.loaded:  # evicted when another run needed its memory
            self._put_back(config)
        elif self.runs.is_complete(run_id):
            wall, share = self.seconds.get(run_id, (1.0, 1.0))
            records = self.runs.records(run_id)
            scores, at_once = self.runs.scores(run_id), round(wall / share, 1)
            save(config, records, scores, self.hardware, self.folder, runs_at_once=at_once)
            self._checkpoint(run_id).unlink()
            self._release(run_id)
            yield RunEnded(config)
        elif not self.runs.launch(run_id):
            self._put_back(config)

    def _end_on_failure(self, config: RunConfig, events: Iterator[Event]) -> Iterator[Event]:
        """Yield the events; report a failure of this run alone, instead of ending the sweep."""
        try:
            yield from events
        except torch.AcceleratorError:  # the GPU itself has failed: no run can continue
            raise
        except (TakenError, DivergedError, TooLargeError, NotRankedError) as error:
            self._release(config.run_id)
            yield RunEnded(config, failure=error)
        except RuntimeError as error:  # torch fails for this run alone: a missing kernel, say
            logging.exception("Run %s stopped.", config.run_id)
            self._release(config.run_id)
            yield RunEnded(config, failure=error)

    def _put_back(self, config: RunConfig) -> None:
        """Put a run that did not fit in memory at the head of the queue."""
        self.todo.appendleft(config)
        self._release(config.run_id)

    def _release(self, run_id: str) -> None:
        self.runs.evict(run_id)
        if run_id in self.claims:
            self.claims.pop(run_id).release()

    def _checkpoint(self, run_id: str) -> Path:
        return self.folder / "running" / f"{run_id}.safetensors"


def stored_ranking(config: RunConfig, data: Cifar10, folder: Path) -> Ranking | None:
    """The ranking for a run that repairs labels, from the stored runs, or None."""
    if config.repair == "none":
        return None
    return ranking_for(config, data, lambda source: load_scores(source.run_id, folder))


def save(
    config: RunConfig,
    records: list[EpochRecord],
    scores: ImageScores | None,
    hardware: Hardware,
    folder: Path,
    runs_at_once: float = 1.0,
) -> None:
    """Add a run with all its epochs to the stored runs. Raises SweepError, StorageError.

    runs_at_once: how many runs were trained side by side, on average.
    """
    seconds = sum(record.seconds for record in records)
    about = provenance(hardware, seconds, runs_at_once)
    add_results([Result(config, records, about, scores)], folder)
