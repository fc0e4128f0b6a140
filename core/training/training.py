"""The training loop: train(config, data) yields one EpochRecord after another.

N = training images, B = batch, K = classes. The data set is one tensor on the device. Within an
epoch the host copies nothing from a CUDA GPU and waits for nothing there.
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
from core.cleaning.scores import ImageScores
from core.config import RunConfig
from core.data.cifar10 import Cifar10, load
from core.records import EpochProgress, EpochRecord
from core.training.bookkeeping import EpochTime
from core.training.checkpoint import load_checkpoint, save_checkpoint
from core.training.cuda_graphs import Replayed, ReplayedSteps, new_pool
from core.training.dataset import Dataset
from core.training.devices import autocast, best_device
from core.training.evaluation import (
    Evaluation,
    evaluate,
    evaluation_batch,
    evaluation_in_batches,
    to_host,
)
from core.training.losses import batch_loss, build_loss
from core.training.models import build_model
from core.training.streams import Mark, Stream, has_passed, seconds_between, wait_for


def train(
    config: RunConfig,
    data: Cifar10 | None = None,
    device: str | None = None,
    checkpoint: Path | None = None,
    evaluate_all: bool = False,
    ranking: Ranking | None = None,
) -> Iterator[EpochRecord]:
    """Train one network from scratch; yield a record after each epoch.

    Stop iterating to pause; close the iterator to cancel.

    data: the images; by default the data set named by the config. device: as torch names it; by
    default a CUDA GPU if there is one. checkpoint: a file in which the state is saved before each
    record is yielded; if it exists, its records are yielded again and training resumes after
    them. evaluate_all: evaluate all training images after every epoch, instead of a tenth of a
    large set (see EpochRecord.evaluated_on). ranking: needed by a run that repairs labels.
    Raises DivergedError, NotRankedError, StorageError, and CheckpointError for a checkpoint
    of another run.
    """
    training = Training(config, data, device, evaluate_all=evaluate_all, ranking=ranking)
    if checkpoint and checkpoint.exists():
        training.restore(checkpoint)
    try:
        yield from list(training.records)
        while not training.is_complete:
            training.launch()
            record = training.collect()
            if checkpoint:
                training.save(checkpoint)
            yield record
    finally:
        training.close()


class Training:
    """One network in training.

    An epoch is launched, worked on, and collected. On a CUDA GPU `launch` submits the whole epoch
    and the GPU works by itself, so that many networks can be trained side by side. Elsewhere
    `work` continues the epoch for a given time, so that several runs can take turns.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Cifar10 | None = None,
        device: str | None = None,
        use_graphs: bool | None = None,
        evaluate_all: bool = False,
        ranking: Ranking | None = None,
    ):
        """Prepare the network and its data. The other arguments are as for `train`.

        use_graphs: whether to replay CUDA graphs; by default on a CUDA GPU.
        """
        self.config = config
        self.device = torch.device(device or best_device())
        self.dataset = Dataset(config, data or load(config.data), self.device, ranking)
        # Whether the device works on submitted steps while the host turns to other runs.
        self.works_by_itself = self.device.type == "cuda"
        self.model, self.optimizer = initialize(config, self.device)
        self.loss_function = build_loss(config, len(self.dataset.given_labels), self.device)
        self.books = self.dataset.bookkeeping(evaluate_all)
        self.epoch: Iterator[None] | None = None  # the remaining work of the launched epoch
        self.is_between_epochs = True  # whether the weights are those of the last record
        self.in_flight: EpochInFlight | None = None
        self.progress = EpochProgress()  # stays empty on a CUDA GPU
        self.take_steps: Callable[[int], None] = self.take_steps_one_by_one
        self.evaluate: Callable[[], dict[str, Evaluation]] | None = None  # set if one graph does it
        self.sets = self.dataset.evaluated_sets(self.books.part)
        self.stream = Stream(self.device)  # last, because it waits until all of the above is done
        if self.works_by_itself if use_graphs is None else use_graphs:
            self._replay_graphs()

    def train_epoch(self) -> Iterator[None]:
        """Train on every image once; yield after each step, on a CUDA GPU only after all of them."""
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
        """Take one step of stochastic gradient descent on the next batch."""
        batch = self.dataset.next_batch(size)
        with autocast(self.device):
            loss = batch_loss(self.loss_function, self.model(batch.images), batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.loss = loss.detach()

    def take_steps_one_by_one(self, count: int) -> None:
        """Take `count` full-size steps without a graph."""
        for _ in range(count):
            self.step(self.config.batch_size)

    def _note_progress(self, size: int) -> None:
        if not self.works_by_itself:  # reading the loss would wait for a CUDA GPU
            self.progress = self.progress.after(size, self.loss.item())

    def _epoch(self) -> Iterator[None]:
        """Train and evaluate; yield after each piece. No torch setting stays changed at a yield."""
        started = self.stream.mark()
        yield from self.train_epoch()
        trained = self.stream.mark()
        part, evaluations = self.books.next_part, {}
        if self.evaluate and part is self.books.part:
            evaluations = self.evaluate()
        else:
            size = evaluation_batch(self.config, self.device)
            sets = self.sets if part is self.books.part else self.dataset.evaluated_sets(part)
            for name, (images, labels) in sets.items():
                evaluations[name] = yield from evaluation_in_batches(self.model, images, labels, size)
        self.in_flight = EpochInFlight(started, trained, self.stream.mark(), part, evaluations)

    def _replay_graphs(self) -> None:
        """Use CUDA graphs for steps and evaluation from now on."""
        torch.backends.cudnn.benchmark = True  # pays off: the same shapes recur thousands of times
        pool = new_pool()
        self.take_steps = ReplayedSteps(lambda: self.step(self.config.batch_size), pool).take
        model, size = self.model, evaluation_batch(self.config, self.device)
        self.evaluate = Replayed(
            lambda: {name: evaluate(model, *found, size) for name, found in self.sets.items()}, pool
        )

    @property
    def records(self) -> list[EpochRecord]:
        """The records of all epochs so far."""
        return self.books.records

    @property
    def scores(self) -> ImageScores | None:
        """The scores of the training images; None where an older version started the run."""
        return self.books.scores

    @property
    def is_complete(self) -> bool:
        """Whether the run has all its epochs."""
        return self.books.is_complete

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next epoch."""
        if self.config.has_switched(len(self.records) + 1):
            return self.config.learning_rate
        return self.config.learning_rate * self.config.learning_rate_decay ** len(self.records)

    def launch(self) -> None:
        """Start the next epoch: train on every image once, then evaluate.

        An epoch that has already started continues.
        """
        if self.epoch is None:
            self.epoch = self._epoch()
            self.is_between_epochs = False
        if self.works_by_itself:
            self.work()

    def work(self, seconds: float = math.inf) -> None:
        """Continue the epoch for about `seconds`, to the end of a step or of an evaluated batch."""
        if self.epoch is None:
            raise RuntimeError("no epoch has been launched.")
        until = time.perf_counter() + seconds
        with self.stream.open():
            for _ in self.epoch:
                if time.perf_counter() >= until:
                    return

    @property
    def is_ready(self) -> bool:
        """Whether the launched epoch is done."""
        return self.in_flight is not None and has_passed(self.in_flight.evaluated)

    def collect(self) -> EpochRecord:
        """Finish the launched epoch, and return its record. Raises DivergedError."""
        self.work()
        work = self.in_flight
        assert work is not None, "all its work has been submitted"
        wait_for(work.evaluated)
        self.epoch = self.in_flight = None
        measured = {name: to_host(evaluation) for name, evaluation in work.evaluations.items()}
        time = EpochTime(
            self.learning_rate,
            training_seconds=seconds_between(work.started, work.trained),
            seconds=seconds_between(work.started, work.evaluated),
        )
        record = self.books.add_epoch(measured, work.part, time)
        self.is_between_epochs = True
        return record

    def save(self, checkpoint: Path) -> None:
        """Save weights, momentum, records and scores between two epochs. Raises StorageError."""
        parts = (self.model, self.optimizer, self.loss_function)
        save_checkpoint(checkpoint, self.config, *parts, self.records, self.scores)

    def restore(self, checkpoint: Path) -> None:
        """Restore the state that `save` stored.

        Raises CheckpointError where the file is damaged or belongs to another run.
        """
        parts = (self.model, self.optimizer, self.loss_function)
        self.books.records, self.books.scores = load_checkpoint(checkpoint, self.config, *parts)

    def close(self) -> None:
        """Wait until a GPU no longer works with this run's memory."""
        self.stream.wait()


@dataclass
class EpochInFlight:
    """An epoch whose work has all been submitted: marks in its stream, and results to read."""

    started: Mark
    trained: Mark
    evaluated: Mark
    part: NDArray[np.int64] | None  # indices of the training images evaluated; None: all
    evaluations: dict[str, Evaluation]  # by the name of the set, see Dataset.evaluated_sets


def initialize(config: RunConfig, device: torch.device) -> tuple[nn.Sequential, torch.optim.Optimizer]:
    """Return a network with weights drawn from the run's seed, and its optimizer."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_model(config.model, width=config.width)
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    learning_rate: float | torch.Tensor = config.learning_rate
    if device.type == "cuda":  # a float would become a constant of the CUDA graph
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
    """Set the learning rate, in place where it is a tensor."""
    (group,) = optimizer.param_groups
    if isinstance(group["lr"], torch.Tensor):  # a CUDA graph reads this very tensor
        group["lr"].fill_(value)
    else:
        group["lr"] = value


@contextmanager
def flush_denormal() -> Iterator[None]:
    """A context in which denormal numbers are 0.

    The tiny gradients of a fitted network would slow a CPU down otherwise.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
