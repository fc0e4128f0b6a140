"""The training loop: train(config, data) yields one EpochRecord after another.

N = training images, B = batch, K = classes. The data set lives on the device as one
tensor; inside an epoch nothing is copied to or waited for by the host.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.cleaning.ranking import Ranking
from core.cleaning.scores import ImageScores, no_scores
from core.config import CLASS_COUNT, RunConfig
from core.data.cifar10 import Cifar10
from core.errors import DivergedError
from core.records import (
    EpochProgress,
    EpochRecord,
    count_losses,
    is_complete,
    is_last,
    training_metrics,
)
from core.training.checkpoint import load_checkpoint, save_checkpoint
from core.training.cuda_graphs import Replayed, ReplayedSteps, new_pool
from core.training.dataset import Dataset
from core.training.devices import autocast, best_device
from core.training.evaluation import (
    Evaluation,
    Measured,
    evaluate,
    evaluation_batch,
    evaluation_in_batches,
)
from core.training.losses import batch_loss, build_loss
from core.training.models import build_model
from core.training.streams import Mark, Stream, has_passed, seconds_between, wait_for


def train(
    config: RunConfig,
    data: Cifar10,
    device: str | None = None,
    checkpoint: Path | None = None,
    evaluate_all: bool = False,
    ranking: Ranking | None = None,
) -> Iterator[EpochRecord]:
    """Train one network from scratch; yield what was measured after each epoch.

    Stop asking to pause, close the iterator to cancel. With a `checkpoint` path the
    state is saved there before each record is yielded; where that file exists already,
    its records are yielded once more and training resumes behind them. Of a large training
    set a part is evaluated after each epoch but the last, see EpochRecord.evaluated_on, or
    with `evaluate_all` all of it. A run that repairs labels needs their `ranking`.
    Raises DivergedError, NotRankedError, and CheckpointError for a checkpoint that is not this run's.
    """
    training = Training(
        config, data, device or best_device(), checkpoint, evaluate_all=evaluate_all, ranking=ranking
    )
    try:
        yield from list(training.records)
        while not training.is_complete:
            training.launch()
            yield training.collect()
    finally:
        training.close()


def train_to_end(
    config: RunConfig, data: Cifar10, device: str, ranking: Ranking | None = None
) -> tuple[list[EpochRecord], ImageScores | None]:
    """All records of one run, and what it tells of its images. Raises what `train` raises."""
    training = Training(config, data, device, ranking=ranking)
    try:
        while not training.is_complete:
            training.launch()
            training.collect()
    finally:
        training.close()
    return training.records, training.scores


class Training:
    """One network in training, and what was measured of it so far.

    An epoch is launched, worked on, and collected. A CUDA GPU is given the whole epoch by
    `launch` and works by itself, so that many networks are trained side by side. Elsewhere
    `work` does it, for as long as it is told to, so that several runs can take turns.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Cifar10,
        device: str,
        checkpoint: Path | None = None,
        use_graphs: bool | None = None,
        evaluate_all: bool = False,
        ranking: Ranking | None = None,
        save_after: float = 0.0,
        reported: int = 0,
    ):
        """use_graphs: replay CUDA graphs; by default on a GPU.
        evaluate_all: all training images after every epoch, however many they are.
        ranking: of the labels, where the run repairs some.
        save_after: seconds of training that a checkpoint may lack; 0: it is saved at each epoch.
        reported: epochs that have been told of before; those of them that the checkpoint lacks are
            saved one by one, so that a run whose process is killed again and again gets on.

        Raises CheckpointError for a checkpoint that is damaged or another run's, NotRankedError.
        """
        self.config = config
        self.checkpoint = checkpoint
        self.save_after, self.reported = save_after, reported
        self.unsaved_seconds = 0.0  # of training, since the checkpoint was saved last
        self.dataset = Dataset(config, data, torch.device(device), ranking)
        self.device = self.dataset.device
        # Does the device do what it has been given, while the host turns to other runs?
        self.works_by_itself = self.device.type == "cuda"
        self.model, self.optimizer = initialize(config, self.device)
        images = len(self.dataset.given_labels)
        self.loss_function = build_loss(config, images, self.device)
        self.records: list[EpochRecord] = []
        # None for a run that an earlier version began, which kept none.
        self.scores: ImageScores | None = no_scores(images, self.dataset.held_out, CLASS_COUNT)
        if checkpoint and checkpoint.exists():
            self.records, self.scores = load_checkpoint(
                checkpoint, config, self.model, self.optimizer, self.loss_function
            )
        self.epoch: Iterator[None] | None = None  # the work that is left of the one launched
        self.stands_between_epochs = True  # the weights are those of the last record
        self.in_flight: EpochInFlight | None = None
        self.progress = EpochProgress()  # stays empty on a CUDA GPU
        self.evaluated = None if evaluate_all else self.dataset.part
        self.take_steps: Callable[[int], None] = self.take_steps_one_by_one
        self.evaluate: Callable[[], dict[str, Evaluation]] | None = None  # by one graph
        self.sets = self._evaluated_sets(self.evaluated)
        self.stream = Stream(self.device)  # last: it waits for all that was made before it
        if self.works_by_itself if use_graphs is None else use_graphs:
            self._replay_graphs()

    def train_epoch(self) -> Iterator[None]:
        """Every training image once; stops after each step, on a CUDA GPU after all of them."""
        self.model.train()
        set_learning_rate(self.optimizer, self.learning_rate)
        self.dataset.shuffle(epoch=len(self.records) + 1)
        self.progress = EpochProgress()
        steps, rest = divmod(len(self.dataset), self.config.batch_size)
        for count in [steps] if self.works_by_itself else [1] * steps:
            with flush_denormal():
                self.take_steps(count)
            self._note_progress(self.config.batch_size)
            yield
        if rest:
            with flush_denormal():
                self.step(rest)
            self._note_progress(rest)
            yield

    def step(self, size: int) -> None:
        """Stochastic gradient descent on the next batch."""
        batch = self.dataset.next_batch(size)
        with autocast(self.device):
            loss = batch_loss(self.loss_function, self.model(batch.images), batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.loss = loss.detach()

    def take_steps_one_by_one(self, count: int) -> None:
        for _ in range(count):
            self.step(self.config.batch_size)

    def _note_progress(self, size: int) -> None:
        if not self.works_by_itself:  # a CUDA GPU would have to be waited for
            self.progress = self.progress.after(size, self.loss.item())

    def _epoch(self) -> Iterator[None]:
        """The work of an epoch, to be stopped between its pieces; no setting of torch outlives one."""
        started = self.stream.mark()
        yield from self.train_epoch()
        trained = self.stream.mark()
        part = None if is_last(self.config, self.records) else self.evaluated
        if self.evaluate and part is self.evaluated:
            evaluations = self.evaluate()
        else:
            size, evaluations = evaluation_batch(self.config, self.device), {}
            sets = self.sets if part is self.evaluated else self._evaluated_sets(part)
            for name, (images, labels) in sets.items():
                evaluations[name] = yield from evaluation_in_batches(self.model, images, labels, size)
        self.in_flight = EpochInFlight(started, trained, self.stream.mark(), part, evaluations)

    def _evaluated_sets(
        self, part: NDArray[np.int64] | None
    ) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """By name, the images and labels to evaluate.

        part: which of the trained images are evaluated as "train"; None: all of them. The
        followed ones are a set of their own where they may not be among them.
        """
        dataset = self.dataset
        sets = {
            "test": (dataset.test_images, dataset.test_labels),
            "train": dataset.train_part(dataset.trained if part is None else part),
        }
        if part is not None or len(dataset) < len(dataset.labels):
            sets["followed"] = dataset.train_part(dataset.followed)
        if len(dataset.held_out):
            sets["validation"] = dataset.train_part(dataset.held_out)
        return sets

    def _replay_graphs(self) -> None:
        """From now on, steps and evaluation are CUDA graphs."""
        torch.backends.cudnn.benchmark = True  # the same shapes come thousands of times
        pool = new_pool()
        self.take_steps = ReplayedSteps(lambda: self.step(self.config.batch_size), pool).take
        model, size = self.model, evaluation_batch(self.config, self.device)
        self.evaluate = Replayed(
            lambda: {name: evaluate(model, *found, size) for name, found in self.sets.items()}, pool
        )

    @property
    def is_complete(self) -> bool:
        return is_complete(self.config, self.records)

    @property
    def learning_rate(self) -> float:
        """Of the next epoch."""
        return self.config.learning_rate * self.config.learning_rate_decay ** len(self.records)

    def launch(self) -> None:
        """Start the next epoch: train on every image once, then evaluate on both sets.

        One that has been started already goes on.
        """
        if self.epoch is None:
            self.epoch = self._epoch()
            self.stands_between_epochs = False
        if self.works_by_itself:
            self.work()

    def work(self, seconds: float = math.inf) -> None:
        """Go on with the epoch for about so long, to the end of the piece at hand."""
        if self.epoch is None:
            raise RuntimeError("no epoch has been launched.")
        until = time.perf_counter() + seconds
        with self.stream.open():
            for _ in self.epoch:
                if time.perf_counter() >= until:
                    return

    @property
    def is_ready(self) -> bool:
        """Whether the epoch that was launched is done."""
        return self.in_flight is not None and has_passed(self.in_flight.evaluated)

    def collect(self) -> EpochRecord:
        """The record of the epoch that was launched; works on it, or waits, until it is done.

        Raises DivergedError; and StorageError where the checkpoint cannot be written: then the epoch
        is among the records.
        """
        self.work()
        epoch, dataset, work = len(self.records) + 1, self.dataset, self.in_flight
        assert work is not None, "all its work has been given"
        wait_for(work.evaluated)
        self.epoch = self.in_flight = None
        found = {name: Measured.of(evaluation) for name, evaluation in work.evaluations.items()}
        test, on_train, held_out = found["test"], found["train"], found.get("validation")
        chosen = dataset.trained if work.part is None else work.part
        labels, true_labels = dataset.given_labels[chosen], dataset.true_labels[chosen]
        if not np.isfinite([on_train.loss, test.loss]).all():
            raise DivergedError(
                f"The training diverged in epoch {epoch} (its loss is no longer a number): "
                f"try a learning rate under {self.config.learning_rate:g}."
            )
        record = EpochRecord(
            epoch=epoch,
            train_loss=on_train.loss,
            test_loss=test.loss,
            test_error=float(np.mean(test.predictions != dataset.true_test_labels)),
            **training_metrics(on_train.predictions, labels, true_labels),
            learning_rate=self.learning_rate,
            seconds=seconds_between(work.started, work.evaluated),
            images_per_second=len(dataset) / seconds_between(work.started, work.trained),
            predictions=tuple(self._of_followed(found).tolist()),
            evaluated_on=None if work.part is None else len(work.part),
            validation_error=held_out and held_out.error(dataset.given_labels[dataset.held_out]),
            loss_counts=count_losses(on_train.losses(labels), labels != true_labels),
        )
        self.scores = self._scores_after(found, chosen, record.validation_error)
        self.records = [*self.records, record]  # a new list: others may be reading the old one
        self.stands_between_epochs = True
        self.unsaved_seconds += record.seconds
        is_known = len(self.records) <= self.reported
        if self.is_complete or is_known or self.unsaved_seconds >= self.save_after:
            self._save()
        return record

    def _save(self) -> None:
        """Raises StorageError."""
        if self.checkpoint and self.stands_between_epochs and self.unsaved_seconds > 0:
            self.unsaved_seconds = 0.0  # first: what fails is not tried again
            parts = (self.model, self.optimizer, self.loss_function)
            save_checkpoint(self.checkpoint, self.config, *parts, self.records, self.scores)

    def _of_followed(self, found: "dict[str, Measured]") -> NDArray[np.int64]:
        """The predictions of the followed images."""
        if "followed" in found:
            return found["followed"].predictions
        return found["train"].predictions[self.dataset.followed]  # which is every image

    def _scores_after(
        self, found: "dict[str, Measured]", chosen: NDArray[np.int64], error: float | None
    ) -> ImageScores | None:
        """With this epoch. Images count that are evaluated at each: of a large set the part."""
        if self.scores is None:
            return None
        indices, answers = chosen, found["train"].log_probabilities
        if self.evaluated is not None and chosen is not self.evaluated:  # the last epoch of a large set
            places = np.searchsorted(chosen, self.evaluated)
            indices, answers = self.evaluated, answers[places]
        if "validation" in found:
            indices = np.concatenate([indices, self.dataset.held_out])
            answers = np.concatenate([answers, found["validation"].log_probabilities])
            order = np.argsort(indices)
            indices, answers = indices[order], answers[order]
        return self.scores.add_epoch(indices, answers, self.dataset.given_labels, error)

    def close(self) -> None:
        """Wait until a GPU has done all its work with this run's memory; save what is unsaved.

        Not in the middle of an epoch: what was trained since the last checkpoint is lost.
        Raises StorageError.
        """
        self.stream.wait()
        self._save()


@dataclass
class EpochInFlight:
    """An epoch whose work has all been given to the device: moments of it, and what to read then."""

    started: Mark
    trained: Mark
    evaluated: Mark
    part: NDArray[np.int64] | None  # training images evaluated; None: all
    evaluations: dict[str, Evaluation]  # by the name of the set, see Training._evaluated_sets


def initialize(config: RunConfig, device: torch.device) -> tuple[nn.Sequential, torch.optim.Optimizer]:
    """A network with fresh weights drawn from the run's seed, and its optimizer."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_model(config.model, width=config.width)
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    learning_rate: float | torch.Tensor = config.learning_rate
    if device.type == "cuda":  # a number would be frozen into the CUDA graph
        learning_rate = torch.tensor(learning_rate, device=device)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        fused=True,
    )
    return model, optimizer


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    (group,) = optimizer.param_groups
    if isinstance(group["lr"], torch.Tensor):  # where a CUDA graph reads it
        group["lr"].fill_(value)
    else:
        group["lr"] = value


@contextmanager
def flush_denormal() -> Iterator[None]:
    """A fitted network's tiny gradients are 0: as denormal numbers they would slow a CPU down."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
