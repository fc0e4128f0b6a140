"""Made-up values for tests."""

import numpy as np

from core.records import EpochRecord


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
