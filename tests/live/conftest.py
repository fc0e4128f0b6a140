"""Tests of the live part share a data folder of their own, the store in it, and a trainer."""

import pytest

from core.live.runs.store import Store
from core.live.training import trainer as trainer_module
from core.live.training.trainer import Trainer


@pytest.fixture
def store(data_folder) -> Store:
    return Store(data_folder / "runs.sqlite")


@pytest.fixture
def trainer(store, tiny, data_folder, monkeypatch):
    """A turn is an epoch of one run; step_by_step makes it shorter, two_cores make it one of two."""
    monkeypatch.setattr(trainer_module, "WORK_SECONDS", 60.0)
    monkeypatch.setattr(trainer_module, "load", lambda name: tiny)
    trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    trainer.runs.cores = 1
    return trainer
