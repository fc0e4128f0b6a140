"""Training what the precomputed sweep lacks: one run after another, killed and resumed at will.

`folder` holds the finished runs (see core.results); in folder/running each run that is
under way has its lock and its checkpoint, which carries all its epochs. A run moves into
the two files when its last epoch is done, and only then is its checkpoint deleted.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from core.checkpoint import CheckpointError
from core.cifar10 import Cifar10, load
from core.config import RunConfig
from core.records import EpochRecord
from core.results import SWEEP_FOLDER, Result, add_results, load_runs, provenance
from core.training import describe_device, train


class TakenError(Exception):
    """Another sweep on this folder is training the run."""


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


def train_run(
    config: RunConfig, device: str, folder: Path = SWEEP_FOLDER, data: Cifar10 | None = None
) -> Iterator[EpochRecord]:
    """Train one run of the sweep, going on where it was; add it to the folder at its end.

    Nothing is yielded for a run that is there already. Raises TakenError, DivergedError,
    SweepError and OSError (a full disk); the epochs trained so far are kept.
    """
    with claim(config, folder):
        if not missing([config], folder):  # another sweep has finished it meanwhile
            return
        checkpoint = folder / "running" / f"{config.run_id}.safetensors"
        records = []
        for record in _resumed(config, data or load(config.data), device, checkpoint):
            records.append(record)
            yield record
        keep(config, records, device_name=describe_device(device), folder=folder)
        checkpoint.unlink()


def keep(config: RunConfig, records: list[EpochRecord], device_name: str, folder: Path) -> None:
    """Add a run with all its epochs to the finished ones."""
    wall = sum(record.seconds for record in records)
    add_results([Result(config, records, provenance(device_name, wall))], folder)


def _resumed(config, data, device, checkpoint: Path) -> Iterator[EpochRecord]:
    """train(), from the first epoch again where the checkpoint is damaged: it is set aside."""
    try:
        with closing(train(config, data, device, checkpoint)) as training:
            yield from training
    except CheckpointError as error:
        aside = checkpoint.replace(checkpoint.with_suffix(".damaged"))
        logging.warning("%s It is kept as %s; the run starts again.", error, aside.name)
        yield from train(config, data, device, checkpoint)
