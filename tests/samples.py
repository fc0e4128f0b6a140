"""Made-up values for tests, and what several of them do."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.cleaning.ranking import Ranking
from core.cleaning.scores import ImageScores
from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.live.runs.store import LiveRun, Status, Store
from core.live.training.trainer import Trainer
from core.records import EpochRecord
from core.training.concurrent_runs import ConcurrentRuns
from core.training.run import Run
from core.training.training import Training


def record(epoch: int, **values: Any) -> EpochRecord:
    """An EpochRecord with made-up values."""
    defaults = {
        "train_loss": 2.0 / epoch,
        "train_error": 0.5 / epoch,
        "test_loss": 2.0,
        "test_error": 0.7,
        "right_label_error": 0.3 / epoch,
        "memorized": 1 - 0.5 / epoch,
        "recovered": 0.2 / epoch,
        "learning_rate": 0.01 * 0.95 ** (epoch - 1),
        "seconds": 0.25,
        "images_per_second": 30_000.0,
        "predictions": tuple(int(c) for c in np.arange(128) % 10),
    }
    return EpochRecord(epoch=epoch, **{**defaults, **values})


def live_run(config: RunConfig, status: str = "running", epochs_done: int = 0, owner: str = "ann"):
    """A LiveRun with made-up values."""
    return LiveRun(
        run_id=config.run_id,
        config=config,
        status=Status(status),
        pause_after=None,
        attempts=0,
        message="",
        device="2 CPU threads",
        requested_at=0.0,
        owner=owner,
        address="",
        epochs_done=epochs_done,
    )


def report_epochs(store: Store, config: RunConfig, epochs: int) -> None:
    """What a page and the trainer tell the store until so many epochs are done, with made-up values."""
    store.submit(config, "ann")
    store.report_start(config.run_id, "2 CPU threads")
    for epoch in range(1, epochs + 1):
        store.add_epoch(config.run_id, record(epoch))


def finish(trainer: Trainer) -> None:
    """Let the trainer train until nothing is left."""
    while trainer.turn():
        pass


def trained(
    config: RunConfig, data: Cifar10, device: str = "cpu", ranking: Ranking | None = None
) -> tuple[list[EpochRecord], ImageScores | None]:
    """The records and image scores of a run trained to its end."""
    run = Run(config, data, device, ranking).train()
    return run.records, run.scores


def swept(model: str = "mlp-1x512", **settings: Any) -> pd.DataFrame:
    """A row of the sweep with made-up results, of a run like the paper grid's."""
    config = RunConfig(**{"model": model, "data": "full", "batch_size": 128, "epochs": 200, **settings})
    ends = {"final_test_error": 0.5, "final_train_error": 0.0}
    return pd.DataFrame([{"run_id": config.run_id, **asdict(config), **ends}])


def reproducible(records: Iterable[EpochRecord]) -> list[dict[str, Any]]:
    """What must be the same when the runs are trained again."""
    return [record.reproducible() for record in records]


def as_on_a_gpu(runs: ConcurrentRuns, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs on a CPU be side by side, so many of them: each epoch is done when it is launched."""
    runs.max_at_once = at_once
    runs.works_by_itself = True
    launch = Training.launch

    def launch_and_work(training: Training) -> None:
        launch(training)
        training.work()

    monkeypatch.setattr(Training, "launch", launch_and_work)


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Look again and again until the condition holds; fail when it takes too long."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)
