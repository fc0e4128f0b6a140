"""What the tests share. The data folder is a temporary one, for child processes, too."""

import os
import tempfile
from pathlib import Path

os.environ["LAB_DATA"] = tempfile.mkdtemp(prefix="lab-tests-")
os.environ.pop("CIFAR10_DIR", None)

import numpy as np
import pytest

from core.cifar10 import Cifar10, load_embedded
from core.records import EpochRecord


@pytest.fixture(scope="session")
def embedded() -> Cifar10:
    return load_embedded()


@pytest.fixture(scope="session")
def tiny(embedded) -> Cifar10:
    """The first 200 training and 100 test images."""
    return Cifar10(
        embedded.train_images[:200],
        embedded.train_labels[:200],
        embedded.test_images[:100],
        embedded.test_labels[:100],
    )


@pytest.fixture
def data_folder(tmp_path, monkeypatch) -> Path:
    """An empty data folder for this test alone, in this process and in its children."""
    from core import cifar10

    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(cifar10, "DATA_FOLDER", tmp_path / "data")
    return tmp_path / "data"


def record(epoch: int, **values) -> EpochRecord:
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
