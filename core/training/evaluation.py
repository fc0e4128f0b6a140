"""Evaluation of a network on a set of images: predictions, log-probabilities and loss.

N = images of the set, B = batch, K = classes.
"""

from collections.abc import Generator
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import nn

from core.choices import NETWORKS
from core.config import RunConfig
from core.training.bookkeeping import Measured
from core.training.devices import autocast

EVALUATION_BATCH = 1000  # images at a time
# For convolutional networks on a CPU: the output of a layer stays in the cache, twice as fast.
CPU_EVALUATION_BATCH = 100


class Evaluation(NamedTuple):
    """The network's output on the images of one set, on the device."""

    loss: torch.Tensor  # float64 (): mean cross-entropy
    predictions: torch.Tensor  # int64 (N,)
    log_probabilities: torch.Tensor  # (N, K)


def evaluate(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, size: int) -> Evaluation:
    """Evaluate the network on these images.

    images: (N, 3, 28, 28); labels: int64 (N,); size: images at a time.
    """
    with autocast(images.device):  # around all batches, so that the weights are cast only once
        batches = evaluation_in_batches(model, images, labels, size)
        while True:
            try:
                next(batches)
            except StopIteration as end:
                return cast(Evaluation, end.value)


def evaluation_in_batches(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, size: int
) -> Generator[None, None, Evaluation]:
    """Evaluate the network like `evaluate`, but yield after each batch.

    No torch setting stays changed at a yield.
    """
    dtype = torch.float32 if images.device.type == "mps" else torch.float64  # mps has no float64
    loss = torch.zeros((), dtype=dtype, device=images.device)
    predictions, log_probabilities = [], []
    model.eval()
    for batch, given in zip(images.split(size), labels.split(size), strict=True):
        with torch.no_grad(), autocast(images.device):
            logits = model(batch).float()  # (B, K)
            loss += F.cross_entropy(logits, given, reduction="sum")
            predictions.append(logits.argmax(dim=1))
            log_probabilities.append(F.log_softmax(logits, dim=1))
        yield
    return Evaluation(loss / len(images), torch.cat(predictions), torch.cat(log_probabilities))


def evaluation_batch(config: RunConfig, device: torch.device) -> int:
    """The number of images evaluated at a time; it affects only the rounding of the loss."""
    has_convolutions = not NETWORKS[config.model].is_flat
    return CPU_EVALUATION_BATCH if device.type == "cpu" and has_convolutions else EVALUATION_BATCH


def to_host(evaluation: Evaluation) -> Measured:
    """Copy an evaluation from the device to NumPy arrays."""
    loss, predictions, log_probabilities = evaluation
    return Measured(loss.item(), predictions.cpu().numpy(), log_probabilities.cpu().numpy())
