"""The training loop: train(config, data) yields one EpochRecord after another.

N = training images, B = batch, K = classes. The data set lives on the device as one
tensor; inside an epoch nothing is copied to or waited for by the host.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.errors import DivergedError
from core.records import EpochRecord, is_complete, is_last, training_metrics
from core.training.checkpoint import load_checkpoint, save_checkpoint
from core.training.cuda_graphs import Replayed, ReplayedSteps, new_pool
from core.training.dataset import Dataset
from core.training.devices import autocast, best_device
from core.training.models import build_model
from core.training.streams import Mark, Stream, has_passed, seconds_between, wait_for

EVALUATION_BATCH = 1000  # images at a time
# With convolutions on a CPU so few that what a layer makes stays in its cache: twice as fast.
CPU_EVALUATION_BATCH = 100

Evaluation = tuple[torch.Tensor, torch.Tensor]  # mean loss, float64 (); predictions, int64 (N,)


def train(
    config: RunConfig,
    data: Cifar10,
    device: str | None = None,
    checkpoint: Path | None = None,
    evaluate_all: bool = False,
) -> Iterator[EpochRecord]:
    """Train one network from scratch; yield what was measured after each epoch.

    Stop asking to pause, close the iterator to cancel. With a `checkpoint` path the
    state is saved there before each record is yielded; where that file exists already,
    its records are yielded once more and training resumes behind them. Of a large training
    set a part is evaluated after each epoch but the last, see EpochRecord.evaluated_on, or
    with `evaluate_all` all of it.
    Raises DivergedError, and CheckpointError for a checkpoint that is not this run's.
    """
    training = Training(config, data, device or best_device(), checkpoint, evaluate_all=evaluate_all)
    try:
        yield from list(training.records)
        while not training.is_complete:
            training.launch()
            yield training.collect()
    finally:
        training.close()


@torch.no_grad()
def evaluate(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, size: int) -> Evaluation:
    """Mean cross-entropy, float64 (), and the predicted classes, int64 (N,), on the device.

    images: (N, 3, 28, 28); labels: int64 (N,); size: images at a time.
    """
    model.eval()
    loss, predictions = torch.zeros((), dtype=torch.float64, device=images.device), []
    with autocast(images.device):  # around all batches: it casts the weights once
        for batch, given in zip(images.split(size), labels.split(size), strict=True):
            logits = model(batch).float()  # (B, K)
            loss += F.cross_entropy(logits, given, reduction="sum")
            predictions.append(logits.argmax(dim=1))
    return loss / len(images), torch.cat(predictions)


class Training:
    """One network in training, and what was measured of it so far.

    An epoch is launched, then collected. A CPU has done it when `launch` returns; a GPU
    has only been given the work, so that many networks can be launched and are trained side by side.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Cifar10,
        device: str,
        checkpoint: Path | None = None,
        use_graphs: bool | None = None,
        evaluate_all: bool = False,
    ):
        """use_graphs: replay CUDA graphs; by default on a GPU.
        evaluate_all: all training images after every epoch, however many they are.

        Raises CheckpointError for a checkpoint that is damaged or another run's.
        """
        self.config = config
        self.checkpoint = checkpoint
        self.dataset = Dataset(config, data, torch.device(device))
        self.device = self.dataset.device
        self.model, self.optimizer = initialize(config, self.device)
        self.records: list[EpochRecord] = []
        if checkpoint and checkpoint.exists():
            self.records = load_checkpoint(checkpoint, config, self.model, self.optimizer)
        self.in_flight: EpochInFlight | None = None
        self.evaluated = None if evaluate_all else self.dataset.part
        self.take_steps: Callable[[int], None] = self.take_steps_one_by_one
        self.evaluate: Callable[[], list[Evaluation]] = self.evaluate_all
        if self.evaluated is not None:
            self.part = self.dataset.train_part(self.evaluated)
            self.followed = self.dataset.train_part(self.dataset.followed)
            self.evaluate = self.evaluate_part
        self.stream = Stream(self.device)  # last: it waits for all that was made before it
        if self.device.type == "cuda" if use_graphs is None else use_graphs:
            self._replay_graphs()

    def train_epoch(self) -> None:
        """Every training image once. On a GPU the steps are queued and not yet done on return."""
        self.model.train()
        set_learning_rate(self.optimizer, self.learning_rate)
        self.dataset.shuffle(epoch=len(self.records) + 1)
        steps, rest = divmod(len(self.dataset), self.config.batch_size)
        with flush_denormal():
            self.take_steps(steps)
            if rest:
                self.step(rest)

    def step(self, size: int) -> None:
        """Stochastic gradient descent on the next batch."""
        images, labels = self.dataset.next_batch(size)  # (B, 3, 28, 28), (B,)
        with autocast(images.device):
            loss = F.cross_entropy(self.model(images), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def take_steps_one_by_one(self, count: int) -> None:
        for _ in range(count):
            self.step(self.config.batch_size)

    def evaluate_all(self) -> list[Evaluation]:
        """On the test set and on the whole training set."""
        test = (self.dataset.test_images, self.dataset.test_labels)
        return self._evaluate(test, (self.dataset.train_images, self.dataset.labels))

    def evaluate_part(self) -> list[Evaluation]:
        """On the test set, on a part of the training set, and on the followed images."""
        test = (self.dataset.test_images, self.dataset.test_labels)
        return self._evaluate(test, self.part, self.followed)

    def _evaluate(self, *sets: tuple[torch.Tensor, torch.Tensor]) -> list[Evaluation]:
        size = evaluation_batch(self.config, self.device)
        return [evaluate(self.model, images, labels, size) for images, labels in sets]

    def _replay_graphs(self) -> None:
        """From now on, steps and evaluation are CUDA graphs."""
        torch.backends.cudnn.benchmark = True  # the same shapes come thousands of times
        pool = new_pool()
        self.take_steps = ReplayedSteps(lambda: self.step(self.config.batch_size), pool).take
        size = evaluation_batch(self.config, self.device)
        few = (self.dataset.test_images[:size], self.dataset.test_labels[:size])
        self.evaluate = Replayed(self.evaluate, pool, warm_up=lambda: self._evaluate(few))

    @property
    def is_complete(self) -> bool:
        return is_complete(self.config, self.records)

    @property
    def learning_rate(self) -> float:
        """Of the next epoch."""
        return self.config.learning_rate * self.config.learning_rate_decay ** len(self.records)

    def launch(self) -> None:
        """Start the next epoch: train on every image once, then evaluate on both sets."""
        with self.stream.open():
            started = self.stream.mark()
            self.train_epoch()
            trained = self.stream.mark()
            part = None if is_last(self.config, self.records) else self.evaluated
            evaluations = self.evaluate() if part is self.evaluated else self.evaluate_all()
            evaluated = self.stream.mark()
        self.in_flight = EpochInFlight(started, trained, evaluated, part, evaluations)

    @property
    def is_ready(self) -> bool:
        """Whether the epoch that was launched is done."""
        return self.in_flight is not None and has_passed(self.in_flight.evaluated)

    def collect(self) -> EpochRecord:
        """The record of the epoch that was launched; waits until it is done.

        Raises DivergedError, and StorageError where the checkpoint cannot be written.
        """
        epoch, dataset, work = len(self.records) + 1, self.dataset, self.in_flight
        if work is None:
            raise RuntimeError("no epoch has been launched.")
        wait_for(work.evaluated)
        self.in_flight = None
        (test_loss, test_predictions), (train_loss, predictions), *of_followed = (
            (loss.item(), classes.cpu().numpy()) for loss, classes in work.evaluations
        )
        chosen = slice(None) if work.part is None else work.part
        if not np.isfinite([train_loss, test_loss]).all():
            raise DivergedError(
                f"The training diverged in epoch {epoch} (its loss is no longer a number): "
                f"try a learning rate under {self.config.learning_rate:g}."
            )
        record = EpochRecord(
            epoch=epoch,
            train_loss=train_loss,
            test_loss=test_loss,
            test_error=float(np.mean(test_predictions != dataset.true_test_labels)),
            **training_metrics(predictions, dataset.given_labels[chosen], dataset.true_labels[chosen]),
            learning_rate=self.learning_rate,
            seconds=seconds_between(work.started, work.evaluated),
            images_per_second=len(dataset) / seconds_between(work.started, work.trained),
            predictions=tuple(
                (of_followed[0][1] if of_followed else predictions[dataset.followed]).tolist()
            ),
            evaluated_on=None if work.part is None else len(work.part),
        )
        records = [*self.records, record]
        if self.checkpoint:
            save_checkpoint(self.checkpoint, self.config, self.model, self.optimizer, records)
        self.records = records
        return record

    def close(self) -> None:
        """Wait until a GPU has done all its work with this run's memory."""
        self.stream.wait()


@dataclass
class EpochInFlight:
    """An epoch that a device is working on: moments of its work, and what will be read then."""

    started: Mark
    trained: Mark
    evaluated: Mark
    part: NDArray[np.int64] | None  # training images evaluated; None: all
    evaluations: list[Evaluation]  # on test set, training set and, with a part, followed images


def evaluation_batch(config: RunConfig, device: torch.device) -> int:
    """How many images are evaluated at a time; only the rounding of the loss depends on it."""
    has_convolutions = not config.model.startswith("mlp")
    return CPU_EVALUATION_BATCH if device.type == "cpu" and has_convolutions else EVALUATION_BATCH


def initialize(config: RunConfig, device: torch.device) -> tuple[nn.Sequential, torch.optim.Optimizer]:
    """A network with fresh weights drawn from the run's seed, and its optimizer."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_model(config.model)
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
