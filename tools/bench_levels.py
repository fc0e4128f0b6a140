"""The time of the whole curve, from the press to its last point, and the bare time of its epochs."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.config import RunConfig
from core.data.cifar10 import load
from core.live.classroom.level_sweep import all_levels
from core.live.runs.store import Store
from core.live.training.supervisor import TrainerProcess, sign_of_life

POLL_SECONDS = 0.05
STARTED_SECONDS = 120.0  # limit for the start of a trainer


@dataclass(frozen=True)
class LevelSweepSpeed:
    """The times of the whole curve of one network."""

    model: str
    runs: int
    epochs: int  # of each run
    bare_seconds: float  # for the epochs, including evaluation, one run after the other
    curve_seconds: float  # from the press to the end of the last run
    first_seconds: float  # from the press to the first epoch of any run


def level_sweep_speed(config: RunConfig) -> LevelSweepSpeed:
    """Train the curve twice: in a bare loop, and like the app, by a trainer process."""
    from core.training.training import train  # torch takes seconds to import

    configs, data = all_levels(config), load(config.data)
    names = [each.run_id for each in configs]
    next(train(config, data))  # warms up: loads and compiles everything once
    started = time.perf_counter()
    for each in configs:
        for _ in train(each, data):
            pass
    bare = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder, data_in(Path(folder)):
        store, trainer = Store(), TrainerProcess()
        trainer.start()
        try:
            _wait(lambda: sign_of_life().exists(), STARTED_SECONDS)
            started = time.perf_counter()
            store.submit_all_levels(configs, "somebody")
            _wait(lambda: any(run.epochs_done for run in store.runs_named(names)), STARTED_SECONDS)
            first = time.perf_counter() - started
            _wait(lambda: not store.active_runs(), 20 * bare + STARTED_SECONDS)
            whole = time.perf_counter() - started
        finally:
            trainer.stop()
    return LevelSweepSpeed(config.model, len(configs), config.epochs, bare, whole, first)


@contextmanager
def data_in(folder: Path) -> Iterator[None]:
    """A context in which `folder` is the data folder."""
    before = os.environ.get("LAB_DATA")
    os.environ["LAB_DATA"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LAB_DATA"]
        else:
            os.environ["LAB_DATA"] = before


def _wait(is_done: Callable[[], bool], seconds: float) -> None:
    until = time.perf_counter() + seconds
    while not is_done():
        if time.perf_counter() > until:
            raise TimeoutError(f"The trainer has not got this far in {seconds:.0f} s.")
        time.sleep(POLL_SECONDS)
