"""What is measured at one epoch, and what is known of a finished run.

Errors and shares are fractions of 1. A share of a set that is empty is None, never 0.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from core.config import MOST_EPOCHS, RunConfig

FITTED_LOSS = 0.05  # average training loss at which a training set counts as fitted


class Hardware(NamedTuple):
    """What trains or trained a run."""

    device: str  # in words, for people
    device_type: str  # torch's word: "cpu", "cuda", ...
    threads: int | None  # of a CPU: its rounding depends on them


@dataclass(frozen=True)
class EpochRecord:
    """Measured with the weights at the end of the epoch, batch norm in evaluation mode."""

    epoch: int  # from 1
    train_loss: float  # mean cross-entropy (natural log) against the labels given
    train_error: float  # against the labels given
    test_loss: float
    test_error: float  # against the true labels of the test images
    right_label_error: float | None  # training error where the given label is right
    memorized: float | None  # where it is wrong: the share predicted as that wrong label
    recovered: float | None  # where it is wrong: the share predicted as the true class
    learning_rate: float  # in this epoch
    seconds: float  # wall time of the epoch, measuring included
    images_per_second: float  # of the training alone
    predictions: tuple[int, ...] = ()  # predicted classes of corruption.followed_images

    def __post_init__(self):
        object.__setattr__(self, "predictions", tuple(self.predictions))  # a list, out of JSON

    def measured(self) -> dict:
        """What must be the same when the run is done again: all but the clock's values."""
        clock = ("seconds", "images_per_second")
        return {name: value for name, value in asdict(self).items() if name not in clock}


def training_measures(predictions, labels, true_labels) -> dict[str, float | None]:
    """The four shares of a training set; each argument is an int array of shape (N,)."""
    is_wrong = labels != true_labels
    return {
        "train_error": _share(predictions != labels),
        "right_label_error": _share((predictions != labels)[~is_wrong]),
        "memorized": _share((predictions == labels)[is_wrong]),
        "recovered": _share((predictions == true_labels)[is_wrong]),
    }


def _share(flags) -> float | None:
    return float(np.mean(flags)) if len(flags) else None


def fitted_epoch(records) -> int | None:
    """The first epoch whose average training loss is 0.05 or less; None if there is none."""
    return next((r.epoch for r in records if r.train_loss <= FITTED_LOSS), None)


def is_complete(config: RunConfig, records: list[EpochRecord]) -> bool:
    """Whether these records are all that the run is to have."""
    if len(records) < config.epochs:
        return False
    if not config.epochs_after_fitted or len(records) >= MOST_EPOCHS:
        return True
    fitted = fitted_epoch(records)
    return fitted is not None and len(records) >= fitted + config.epochs_after_fitted
