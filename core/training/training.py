"""The training loop: train(config, data) yields one EpochRecord after another.

N = training images, B = batch, K = classes. The data set lives on the device as one
tensor; inside an epoch nothing is copied to or waited for by the host.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.errors import DivergedError
from core.records import EpochRecord, is_complete, training_measures
from core.training.checkpoint import load_checkpoint, save_checkpoint
from core.training.cuda_graphs import recorded
from core.training.dataset import Examples
from core.training.descent import Descent
from core.training.devices import Queue, autocast, best_device, has_passed, seconds_between, wait_for
from core.training.models import build_model

MEASURE_BATCH = 1000  # images per step where nothing is learned
# With convolutions on a CPU so few that what a layer makes stays in its cache: twice as fast.
CPU_MEASURE_BATCH = 100


def train(
    config: RunConfig, data: Cifar10, device: str | None = None, checkpoint: Path | None = None
) -> Iterator[EpochRecord]:
    """Train one network from scratch; yield what was measured after each epoch.

    Stop asking to pause, close the iterator to cancel. With a `checkpoint` path the
    state is kept there before each record is yielded; where that file exists already,
    its records are yielded once more and the run goes on behind them.
    Raises DivergedError, and CheckpointError for a checkpoint that is not this run's.
    """
    training = Training(config, data, device or best_device(), checkpoint)
    try:
        yield from list(training.records)
        while not training.is_complete:
            training.launch()
            yield training.collect()
    finally:
        training.close()


class Training:
    """One network in training, and what was measured of it so far.

    An epoch is launched, then collected. A CPU has done it when `launch` returns; a GPU
    has only been told, so that many networks can be launched and are trained side by side.
    """

    def __init__(self, config: RunConfig, data: Cifar10, device: str, checkpoint: Path | None = None):
        """Raises CheckpointError for a checkpoint that is damaged or another run's."""
        self.config, self.checkpoint = config, checkpoint
        self.examples = Examples(config, data, torch.device(device))
        self.model, self.optimizer = start(config, self.examples.device)
        self.records: list[EpochRecord] = []
        if checkpoint and checkpoint.exists():
            self.records = load_checkpoint(checkpoint, config, self.model, self.optimizer)
        self.descent = Descent(self.model, self.optimizer, self.examples)
        self.queue = Queue(self.examples.device)
        self.replay_measuring = None  # on a GPU: a CUDA graph

    @property
    def is_complete(self) -> bool:
        return is_complete(self.config, self.records)

    @property
    def learning_rate(self) -> float:
        """Of the next epoch."""
        return self.config.learning_rate * self.config.learning_rate_decay ** len(self.records)

    def launch(self) -> None:
        """One epoch: every training image once, then the measures on both sets."""
        with self.queue.open():
            if self.descent.use_graph and self.replay_measuring is None:
                self._measure(warm_up=True)
                self.replay_measuring = recorded(self._measure, self.descent.pool)
            self.started = self.queue.mark()
            self.descent.learn(len(self.records) + 1, self.learning_rate)
            self.learned = self.queue.mark()
            self.of_train, self.of_test = (self.replay_measuring or self._measure)()
            self.measured = self.queue.mark()

    def _measure(self, warm_up: bool = False) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Of the training and of the test set; warm_up: of a few images only."""
        examples, size = self.examples, measure_batch(self.config, self.examples.device)
        sets = (
            (examples.train_images, examples.labels),
            (examples.test_images, examples.test_labels),
        )
        most = size if warm_up else None
        return [measure(self.model, images[:most], labels[:most], size) for images, labels in sets]

    @property
    def is_ready(self) -> bool:
        """Whether the epoch that was launched is done."""
        return has_passed(self.measured)

    def collect(self) -> EpochRecord:
        """What was measured after the epoch that was launched; waits until it is done.

        Raises DivergedError, and OSError where the checkpoint cannot be written.
        """
        wait_for(self.measured)
        epoch, examples = len(self.records) + 1, self.examples
        train_loss, test_loss = self.of_train[0].item(), self.of_test[0].item()
        if not np.isfinite([train_loss, test_loss]).all():
            raise DivergedError(
                f"The training diverged in epoch {epoch} (its loss is no longer a number): "
                f"try a learning rate under {self.config.learning_rate:g}."
            )
        predictions, of_test = self.of_train[1].cpu().numpy(), self.of_test[1].cpu().numpy()
        record = EpochRecord(
            epoch=epoch,
            train_loss=train_loss,
            test_loss=test_loss,
            test_error=float(np.mean(of_test != examples.true_test_labels)),
            **training_measures(predictions, examples.given_labels, examples.true_labels),
            learning_rate=self.learning_rate,
            seconds=seconds_between(self.started, self.measured),
            images_per_second=len(predictions) / seconds_between(self.started, self.learned),
            predictions=tuple(predictions[examples.followed].tolist()),
        )
        records = [*self.records, record]
        if self.checkpoint:
            save_checkpoint(self.checkpoint, self.config, self.model, self.optimizer, records)
        self.records = records
        return record

    def close(self) -> None:
        """Before it is forgotten: what a GPU still does with its memory must come to an end."""
        self.queue.wait()


def start(config: RunConfig, device: torch.device):
    """A network with fresh weights drawn from the run's seed, and its optimizer."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_model(config.model).to(device, memory_format=torch.channels_last)
    learning_rate = config.learning_rate
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


def measure_batch(config: RunConfig, device: torch.device) -> int:
    """How many images are measured at a time; the numbers do not depend on it but for rounding."""
    has_convolutions = not config.model.startswith("mlp")
    return CPU_MEASURE_BATCH if device.type == "cpu" and has_convolutions else MEASURE_BATCH


@torch.no_grad()
def measure(
    model, images: torch.Tensor, labels: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy, float64 (), and the predicted classes, int64 (N,), on the device.

    size: images at a time.
    """
    model.eval()
    loss, predictions = torch.zeros((), dtype=torch.float64, device=images.device), []
    for batch, given in zip(images.split(size), labels.split(size), strict=True):
        with autocast(images.device):
            logits = model(batch).float()  # (B, K)
        loss += F.cross_entropy(logits, given, reduction="sum")
        predictions.append(logits.argmax(dim=1))
    return loss / len(images), torch.cat(predictions)
