"""The training loop: train(config, data) yields one EpochRecord after another.

N = training images, B = batch, K = classes. The data set lives on the device as one
tensor; inside an epoch nothing is copied to or waited for by the host.
"""

import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from core.checkpoint import load_checkpoint, save_checkpoint
from core.cifar10 import Cifar10
from core.config import RunConfig
from core.examples import Examples, compute_type
from core.models import build_model
from core.records import EpochRecord, is_complete, training_measures

MEASURE_BATCH = 1000  # images per step where nothing is learned


class DivergedError(Exception):
    """The loss is no longer a number; the message is one sentence that says what to do."""


def train(
    config: RunConfig, data: Cifar10, device: str | None = None, checkpoint: Path | None = None
) -> Iterator[EpochRecord]:
    """Train one network from scratch; yield what was measured after each epoch.

    Stop asking to pause, close the iterator to cancel. With a `checkpoint` path the
    state is kept there before each record is yielded; where that file exists already,
    its records are yielded once more and the run goes on behind them.
    Raises DivergedError, and CheckpointError for a checkpoint that is not this run's.
    """
    device = torch.device(device or best_device())
    examples = Examples(config, data, device)
    model, optimizer = start(config, device)
    records = []
    if checkpoint and checkpoint.exists():
        records = load_checkpoint(checkpoint, config, model, optimizer)
        yield from records

    while not is_complete(config, records):
        epoch = len(records) + 1
        started = time.perf_counter()
        optimizer.param_groups[0]["lr"] = config.learning_rate * config.learning_rate_decay ** (
            epoch - 1
        )
        model.train()
        learn(model, optimizer, examples.batches(epoch))
        trained = time.perf_counter()

        model.eval()
        train_loss, predictions = measure(model, examples.train_images, examples.labels)
        test_loss, test_predictions = measure(model, examples.test_images, examples.test_labels)
        if not np.isfinite([train_loss, test_loss]).all():
            raise DivergedError(
                f"The training diverged in epoch {epoch} (its loss is no longer a number): "
                f"try a learning rate under {config.learning_rate:g}."
            )
        record = EpochRecord(
            epoch=epoch,
            train_loss=train_loss,
            test_loss=test_loss,
            test_error=float(np.mean(test_predictions != data.test_labels)),
            **training_measures(predictions, examples.given_labels, examples.true_labels),
            learning_rate=optimizer.param_groups[0]["lr"],
            seconds=time.perf_counter() - started,
            images_per_second=len(predictions) / (trained - started),
            predictions=tuple(predictions[examples.followed].tolist()),
        )
        records.append(record)
        if checkpoint:
            save_checkpoint(checkpoint, config, model, optimizer, records)
        yield record


def start(config: RunConfig, device: torch.device):
    """A network with fresh weights drawn from the run's seed, and its optimizer."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_model(config.model).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        fused=True,
    )
    return model, optimizer


def learn(model, optimizer, batches) -> None:
    """One step of gradient descent on each batch; returns when the device is done with all."""
    torch.set_flush_denormal(True)  # a fitted network's tiny gradients would slow a CPU down
    for images, labels in batches:  # (B, 3, 28, 28), (B,)
        with autocast(images.device):
            loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.set_flush_denormal(False)
    loss.item()  # the only point where the host waits for a GPU


@torch.no_grad()
def measure(model, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, np.ndarray]:
    """Mean cross-entropy, and the predicted classes as int64 (N,)."""
    loss, predictions = torch.zeros((), dtype=torch.float64, device=images.device), []
    for batch, given in zip(images.split(MEASURE_BATCH), labels.split(MEASURE_BATCH), strict=True):
        with autocast(images.device):
            logits = model(batch).float()  # (B, K)
        loss += F.cross_entropy(logits, given, reduction="sum")
        predictions.append(logits.argmax(dim=1))
    return loss.item() / len(images), torch.cat(predictions).cpu().numpy()


def autocast(device: torch.device):
    kind = compute_type(device)
    return torch.autocast(device.type, kind, enabled=kind != torch.float32)


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def describe_device(device: str) -> str:
    """The hardware in words, for the provenance of a result."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    kind = str(compute_type(torch.device(device))).removeprefix("torch.")
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{torch.get_num_threads()} CPU threads ({_processor()}, {capability}, {kind})"


def _processor() -> str:
    """The processor's name, where the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
