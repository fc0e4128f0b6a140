"""The sweep on a Ray cluster: one task per run; results are stored as runs end."""

import logging
import sys
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import core
from core.cleaning.ranking import Ranking
from core.cleaning.repair import NotRankedError
from core.cleaning.scores import ImageScores
from core.config import RunConfig
from core.data.cifar10 import Cifar10, load
from core.errors import ConfigError, LabError, TakenError
from core.records import EpochRecord, Hardware
from core.sweep.results import SWEEP_FOLDER
from core.sweep.runner import Event, RunEnded, claim, missing, save, stored_ranking


def train_on_cluster(
    configs: list[RunConfig],
    address: str,
    gpus: float = 0,
    folder: Path = SWEEP_FOLDER,
) -> Generator[Event]:
    """Train runs on a Ray cluster; yield an event when a run is in `folder` or has failed.

    gpus: for each task. A share such as 0.25 lets four runs use one GPU; 0 trains on CPUs.
    A run whose node is lost is trained again on another. A run that another sweep on this
    folder has claimed fails with a TakenError.
    Raises ConfigError where Ray is not installed or no cluster answers at `address`.
    """
    ray = _connected(address)
    task = ray.remote(_train).options(num_cpus=1, num_gpus=gpus, max_retries=-1, retry_exceptions=False)
    try:
        with ExitStack() as claims:
            data = {name: ray.put(load(name)) for name in {config.data for config in configs}}
            waiting: dict[Any, RunConfig] = {}  # by Ray's reference to the result

            def begin(config: RunConfig) -> bool:
                """Start a run and return True, unless the runs that rank its labels are missing."""
                ranking = stored_ranking(config, load(config.data), folder)
                if config.repair != "none" and ranking is None:
                    return False
                waiting[task.remote(config, data[config.data], gpus > 0, ranking)] = config
                return True

            later = []
            for config in configs:
                try:
                    claims.callback(claim(config, folder).release)
                except TakenError as error:
                    yield RunEnded(config, failure=error)
                    continue
                if missing([config], folder) and not begin(config):
                    later.append(config)
            while waiting:
                (done,), _ = ray.wait(list(waiting), num_returns=1)
                config = waiting.pop(done)
                try:
                    records, scores, trained_on = ray.get(done)
                except ray.exceptions.RayTaskError as error:
                    if not isinstance(error.cause, LabError):
                        logging.exception("Run %s stopped.", config.run_id)
                    yield RunEnded(config, failure=error.cause)
                else:
                    save(config, records, scores, trained_on, folder)
                    yield RunEnded(config)
                    later = [config for config in later if not begin(config)]
            for config in later:
                yield RunEnded(config, failure=NotRankedError())
    finally:
        ray.shutdown()


def _train(
    config: RunConfig, data: Cifar10, on_gpu: bool, ranking: Ranking | None
) -> tuple[list[EpochRecord], ImageScores | None, Hardware]:
    """Train one run on a node of the cluster."""
    from core.training.devices import hardware
    from core.training.run import Run

    device = "cuda" if on_gpu else "cpu"
    run = Run(config, data, device, ranking).train()
    return run.records, run.scores, hardware(device)


def _connected(address: str) -> ModuleType:
    try:
        import ray
    except ImportError:
        raise ConfigError("--ray needs Ray: pip install -r requirements-cluster.txt") from None
    if " " in sys.executable:  # Ray splits its workers' command line at blanks, and waits forever
        raise ConfigError(
            f"Ray cannot start workers in {sys.prefix}: move the project to a path without a blank."
        )
    root = Path(core.__file__).parent
    try:
        # The nodes get a copy of this code. They need its requirements, but no checkout and no data.
        ray.init(address, runtime_env={"py_modules": [str(root)]}, log_to_driver=False)
    except ConnectionError as error:
        raise ConfigError(f"no Ray cluster answers at {address} ({error}).") from None
    return ray
