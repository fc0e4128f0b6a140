"""Training the runs that the precomputed sweep lacks, as many at once as the device holds.

`folder` holds the finished runs (see core.sweep.results); in folder/running each run that
is being trained has its lock and its checkpoint, which carries all its epochs. A run moves
into the two files when its last epoch is done, and only then is its checkpoint deleted.
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
from core.data.corruption import given_labels
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

POLL_SECONDS = 0.002  # between looks at what a GPU has finished


@dataclass(frozen=True)
class RunStarted:
    config: RunConfig


@dataclass(frozen=True)
class EpochTrained:
    config: RunConfig
    record: EpochRecord


@dataclass(frozen=True)
class RunEnded:
    config: RunConfig
    failure: Exception | None = None  # why it ended too early


Event = RunStarted | EpochTrained | RunEnded


def missing(configs: Iterable[RunConfig], folder: Path = SWEEP_FOLDER) -> list[RunConfig]:
    """Those that have not been trained to their end, in the same order. Raises SweepError."""
    done = set(load_runs(folder).run_id)
    return [config for config in configs if config.run_id not in done]


def claim(config: RunConfig, folder: Path) -> FileLock:
    """The right to train this run, until the lock is released or its holder dies. Raises TakenError."""
    running = folder / "running"
    make_folder(running)
    lock = FileLock(running / f"{config.run_id}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TakenError(f"run {config.run_id} is being trained by another sweep.") from None
    return lock


class Sweep:
    """The training of some runs, in their order; to be iterated over once.

    Yields an Event for all that happens; the epochs in a run's checkpoint are reported
    once more. A run that diverges, that another sweep trains, or that is too large for the
    memory ends with a failure, and the others go on.
    Raises SweepError, DataError and StorageError (a full disk); the epochs trained so far stay.
    """

    def __init__(
        self,
        configs: Iterable[RunConfig],
        device: str,
        folder: Path = SWEEP_FOLDER,
        data: Cifar10 | None = None,
        at_once: int | None = None,
    ):
        """data: instead of what the configs name.
        at_once: runs that a GPU trains side by side at most; None: as many as its memory holds.
        """
        self.todo = deque(dict.fromkeys(configs))
        self.folder = folder
        self.data = data
        self.runs = ConcurrentRuns(device)
        if at_once:
            self.runs.max_at_once = min(at_once, self.runs.max_at_once)
        self.hardware = hardware(self.runs.abilities.device)
        self.claims: dict[str, FileLock] = {}  # of the runs that have begun, by run id
        self.configs: dict[str, RunConfig] = {}
        self.seconds: dict[str, tuple[float, float]] = {}  # a run's epochs; its share of the device

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
        """The first that can begin: a repaired run waits for those that rank its labels."""
        for config in self.todo:
            ranked_by = sources(config, config.ranking) if config.repair != "none" else []
            if not any(source.run_id in self.claims for source in ranked_by):
                return config
        return None

    def _start(self, config: RunConfig) -> Iterator[Event]:
        run_id = config.run_id
        self.claims[run_id] = claim(config, self.folder)
        self.configs[run_id] = config
        if not missing([config], self.folder):  # another sweep has finished it meanwhile
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
        """Launch the next epoch; or end the run, if there is none."""
        run_id = config.run_id
        if run_id not in self.runs.loaded:  # evicted, when the memory was short for another
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
        """The same events; what ends one run only is reported, and does not end the sweep."""
        try:
            yield from events
        except torch.AcceleratorError:  # the GPU itself is in trouble: no run can go on
            raise
        except (TakenError, DivergedError, TooLargeError, NotRankedError) as error:
            self._release(config.run_id)
            yield RunEnded(config, failure=error)
        except RuntimeError as error:  # torch's, of this run alone: a missing kernel, say
            logging.exception("Run %s stopped.", config.run_id)
            self._release(config.run_id)
            yield RunEnded(config, failure=error)

    def _put_back(self, config: RunConfig) -> None:
        """There was too little memory: it comes next when there is room."""
        self.todo.appendleft(config)
        self._release(config.run_id)

    def _release(self, run_id: str) -> None:
        self.runs.evict(run_id)
        if run_id in self.claims:
            self.claims.pop(run_id).release()

    def _checkpoint(self, run_id: str) -> Path:
        return self.folder / "running" / f"{run_id}.safetensors"


def stored_ranking(config: RunConfig, data: Cifar10, folder: Path) -> Ranking | None:
    """The ranking of the labels that a repaired run needs, from the finished runs."""
    if config.repair == "none":
        return None
    labels = given_labels(config, data.train_labels).labels
    return ranking_for(config, labels, lambda source: load_scores(source.run_id, folder))


def save(
    config: RunConfig,
    records: list[EpochRecord],
    scores: ImageScores | None,
    hardware: Hardware,
    folder: Path,
    runs_at_once: float = 1.0,
) -> None:
    """Add a run with all its epochs to the finished ones.

    runs_at_once: how many were trained side by side, on average. Raises SweepError, StorageError.
    """
    seconds = sum(record.seconds for record in records)
    about = provenance(hardware, seconds, runs_at_once)
    add_results([Result(config, records, about, scores)], folder)
