"""The record of one epoch, and when a run is fitted or complete.

Errors and shares are fractions of 1. The share of an empty set is None, never 0.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from core.config import RunConfig

FITTED_LOSS = 0.05  # average training loss at which a training set counts as fitted
LOSS_EDGES = tuple(step / 4 for step in range(33))  # left edges: 0, 0.25, ..., 8
TIMES = ("seconds", "images_per_second")  # fields of a record that depend on the clock

Labels = NDArray[np.integer]  # classes, (N,)


class Hardware(NamedTuple):
    """The hardware on which a run is or was trained."""

    device: str  # in words, for people
    device_type: str  # as torch names it: "cpu", "cuda", ...
    threads: int | None  # CPU threads, on which rounding depends; None on a GPU


@dataclass(frozen=True)
class EpochRecord:
    """The metrics of one epoch.

    They are evaluated with the weights at the end of the epoch, batch norm in evaluation mode.
    """

    epoch: int  # from 1
    train_loss: float  # mean cross-entropy (natural log) against the labels given
    train_error: float  # against the labels given
    test_loss: float
    test_error: float  # against the true labels of the test images
    right_label_error: float | None  # training error on images whose given label is right
    memorized: float | None  # share of the wrongly labeled images predicted as the wrong label
    recovered: float | None  # share of the wrongly labeled images predicted as the true class
    learning_rate: float  # in this epoch
    seconds: float  # wall time of the epoch, including its evaluation
    images_per_second: float  # training speed, without the evaluation
    predictions: tuple[int, ...] = ()  # predicted classes of corruption.followed_images
    evaluated_on: int | None = None  # training images; None: all. All test images are always evaluated
    validation_error: float | None = None  # on the images held out, against the labels given
    loss_counts: tuple[int, ...] = ()  # see count_losses
    # Share of the training images whose prediction differs from that of the epoch before.
    prediction_changes: float | None = None
    # Share of the test images predicted as the usual wrong label of their class, see noise.usual_wrong_classes.
    usual_wrong: float | None = None

    def __post_init__(self) -> None:
        for name in ("predictions", "loss_counts"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON gives lists

    def reproducible(self) -> dict[str, Any]:
        """The fields that a repeated run must reproduce: all except the times."""
        return {name: value for name, value in asdict(self).items() if name not in TIMES}


@dataclass(frozen=True)
class EpochProgress:
    """The progress of the current epoch."""

    images: int = 0  # trained so far
    running_loss: float | None = None  # mean over these, each with the weights before its step

    def after(self, images: int, loss: float) -> "EpochProgress":
        """Return the progress after `images` more images, whose mean loss is `loss`."""
        total_loss = (self.running_loss or 0.0) * self.images + loss * images
        return EpochProgress(self.images + images, total_loss / (self.images + images))


NOT_METRICS = ("predictions", "evaluated_on", "loss_counts")
METRICS = tuple(spec.name for spec in fields(EpochRecord) if spec.name not in NOT_METRICS)


class TrainingMetrics(TypedDict):
    """The fields of an EpochRecord that are computed from predictions of the training set."""

    train_error: float
    right_label_error: float | None
    memorized: float | None
    recovered: float | None


def training_metrics(predictions: Labels, labels: Labels, true_labels: Labels) -> TrainingMetrics:
    """Compare a training set's predictions, (N,), with the labels given and the true labels."""
    is_wrong = labels != true_labels
    return {
        "train_error": float(np.mean(predictions != labels)),
        "right_label_error": share((predictions != labels)[~is_wrong]),
        "memorized": share((predictions == labels)[is_wrong]),
        "recovered": share((predictions == true_labels)[is_wrong]),
    }


def count_losses(losses: NDArray[np.floating], is_wrong: NDArray[np.bool_]) -> tuple[int, ...]:
    """A histogram of the losses, with LOSS_EDGES as left edges; the last bin has no upper end.

    losses: (N,), cross-entropy against the labels given; is_wrong: (N,). Returns 2 *
    len(LOSS_EDGES) counts: first of the images whose label is right, then of the others.
    """
    bins = np.clip(np.searchsorted(LOSS_EDGES, losses, side="right") - 1, 0, len(LOSS_EDGES) - 1)
    counts = np.bincount(bins + len(LOSS_EDGES) * is_wrong, minlength=2 * len(LOSS_EDGES))
    return tuple(counts.tolist())


def share(flags: NDArray[np.bool_]) -> float | None:
    """The share of True among flags; None where there are none."""
    return float(np.mean(flags)) if len(flags) else None


def fitted_epoch(records: Iterable[EpochRecord]) -> int | None:
    """The first epoch whose average training loss is 0.05 or less, or None."""
    return next((r.epoch for r in records if r.train_loss <= FITTED_LOSS), None)


def is_complete(config: RunConfig, records: list[EpochRecord]) -> bool:
    """Whether the run ends after these records."""
    return _ends_after(config, len(records), fitted_epoch(records))


def is_last(config: RunConfig, records: list[EpochRecord]) -> bool:
    """Whether the epoch after these records is certain to be the run's last.

    A run that trains until it is fitted never ends in the epoch in which that happens.
    """
    return _ends_after(config, len(records) + 1, fitted_epoch(records))


def _ends_after(config: RunConfig, epochs: int, fitted: int | None) -> bool:
    if epochs < config.epochs:
        return False
    if not config.epochs_after_fitted or epochs >= config.max_epochs:
        return True
    return fitted is not None and epochs >= fitted + config.epochs_after_fitted
