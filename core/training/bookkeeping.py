"""The results of a run: a record after each epoch, and the scores of its images. NumPy only.

N = training images, M = images of an evaluated set, K = classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.cleaning.scores import NOT_SCORED, ImageScores, no_scores
from core.config import CLASS_COUNT, RunConfig
from core.data.noise import usual_wrong_classes
from core.errors import DivergedError
from core.records import EpochRecord, count_losses, is_complete, is_last, share, training_metrics


class Measured(NamedTuple):
    """The network's output on one set of images."""

    loss: float  # mean cross-entropy against the labels given
    predictions: NDArray[np.int64]  # (M,)
    log_probabilities: NDArray[np.float32]  # (M, K)

    def error(self, labels: NDArray[np.int64]) -> float:
        """The share of images whose prediction differs from the label. labels: (M,)."""
        return float(np.mean(self.predictions != labels))

    def losses(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """The cross-entropy of each image against its label, (M,). labels: (M,)."""
        return -self.log_probabilities[np.arange(len(labels)), labels]


class EpochTime(NamedTuple):
    """The learning rate and the wall times of one epoch."""

    learning_rate: float
    training_seconds: float
    seconds: float  # including the evaluation


@dataclass
class Bookkeeping:
    """The records and scores of one run, and the indices of the images evaluated for them.

    Indices into the N training images are in rising order. `part` is evaluated instead of all
    trained images after each epoch except the last. None: all are evaluated after every epoch.
    """

    config: RunConfig
    given_labels: NDArray[np.int64]  # (N,)
    true_labels: NDArray[np.int64]  # (N,)
    true_test_labels: NDArray[np.int64]
    trained: NDArray[np.int64]
    held_out: NDArray[np.int64]
    followed: NDArray[np.int64]  # in the order of the recorded predictions, not rising
    part: NDArray[np.int64] | None
    records: list[EpochRecord] = field(default_factory=list)
    scores: ImageScores | None = field(init=False)  # None: an older version started the run

    def __post_init__(self) -> None:
        self.scores = no_scores(len(self.given_labels), self.held_out, CLASS_COUNT)

    @property
    def is_complete(self) -> bool:
        """Whether the run has all its epochs."""
        return is_complete(self.config, self.records)

    @property
    def next_part(self) -> NDArray[np.int64] | None:
        """The trained images to evaluate after the next epoch; None: all of them."""
        return None if is_last(self.config, self.records) else self.part

    def add_epoch(
        self, measured: Mapping[str, Measured], part: NDArray[np.int64] | None, time: EpochTime
    ) -> EpochRecord:
        """Record one more epoch.

        measured: by the name of the set, "train" and "test", and, where they are evaluated
        separately, "followed" and "validation". part: the indices of "train"; None: all trained
        images. Raises DivergedError, and records nothing, where a loss is not a number.
        """
        test, train, held_out = measured["test"], measured["train"], measured.get("validation")
        chosen = self.trained if part is None else part
        labels, true_labels = self.given_labels[chosen], self.true_labels[chosen]
        epoch = len(self.records) + 1
        if not np.isfinite([train.loss, test.loss]).all():
            raise DivergedError(
                f"The training diverged in epoch {epoch} (its loss is no longer a number): "
                f"try a learning rate under {self.config.learning_rate:g}."
            )
        record = EpochRecord(
            epoch=epoch,
            train_loss=train.loss,
            test_loss=test.loss,
            test_error=test.error(self.true_test_labels),
            **training_metrics(train.predictions, labels, true_labels),
            learning_rate=time.learning_rate,
            seconds=time.seconds,
            images_per_second=len(self.trained) / time.training_seconds,
            predictions=tuple(self._followed_predictions(measured).tolist()),
            evaluated_on=None if part is None else len(part),
            validation_error=held_out and held_out.error(self.given_labels[self.held_out]),
            loss_counts=count_losses(train.losses(labels), labels != true_labels),
            prediction_changes=self._prediction_changes(train.predictions, chosen),
            usual_wrong=usual_wrong_share(test.predictions, self.true_test_labels, self.config),
        )
        if self.scores:
            scored, log_probabilities = self._scored(measured, chosen)
            since = self.config.switch_after if self.config.has_switched(epoch) else 0
            self.scores = self.scores.add_epoch(
                scored, log_probabilities, self.given_labels, record.validation_error, since
            )
        self.records = [*self.records, record]  # a new list: another thread may be reading the old one
        return record

    def _prediction_changes(
        self, predictions: NDArray[np.int64], chosen: NDArray[np.int64]
    ) -> float | None:
        """The share of images whose prediction differs from that of the epoch before; None at first.

        predictions: of the images `chosen`. In a large set only those evaluated each time count.
        """
        if self.scores is None:
            return None
        before = self.scores.prediction[chosen]
        is_known = before != NOT_SCORED
        return share((predictions != before)[is_known])

    def _followed_predictions(self, measured: Mapping[str, Measured]) -> NDArray[np.int64]:
        if "followed" in measured:
            return measured["followed"].predictions
        return measured["train"].predictions[self.followed]  # "train" holds every image in this case

    def _scored(
        self, measured: Mapping[str, Measured], chosen: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the images evaluated after every epoch, rising, and their log-probabilities.

        In a large set these are the images of `part`, even after the last epoch, which evaluates all.
        """
        indices, log_probabilities = chosen, measured["train"].log_probabilities
        if self.part is not None and chosen is not self.part:
            log_probabilities = log_probabilities[np.searchsorted(chosen, self.part)]
            indices = self.part
        if "validation" in measured:
            indices = np.concatenate([indices, self.held_out])
            held_out = measured["validation"].log_probabilities
            log_probabilities = np.concatenate([log_probabilities, held_out])
            order = np.argsort(indices)
            indices, log_probabilities = indices[order], log_probabilities[order]
        return indices, log_probabilities


def usual_wrong_share(
    predictions: NDArray[np.int64], true_labels: NDArray[np.int64], config: RunConfig
) -> float | None:
    """The share of images predicted as the usual wrong label of their class.

    predictions, true_labels: (M,). Images of classes without a usual wrong label do not count. None
    where there are no others, as with uniform noise, and where no label is wrong.
    """
    if not config.level:
        return None
    usual = usual_wrong_classes(config)[true_labels]
    return share((predictions == usual)[usual >= 0])
