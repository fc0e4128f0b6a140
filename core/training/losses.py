"""The training losses: cross-entropy, and losses that defend against wrong labels.

B = batch, K = classes, N = training images. Each loss takes logits (B, K), the labels given,
int64 (B,), and the images' indices, int64 (B,), and returns the mean over the batch, a tensor ().
"""

import torch
import torch.nn.functional as F
from torch import nn

from core.choices import LOSSES
from core.config import CLASS_COUNT, RunConfig
from core.training.dataset import Batch

SMOOTHING = 0.1  # Szegedy et al. 2016
GENERALIZED_Q = 0.7  # Zhang and Sabuncu 2018
TARGET_MOMENTUM, PULL = 0.7, 3.0  # beta and lambda for CIFAR-10 in Liu et al. 2020
SMALLEST = 1e-4  # probability whose logarithm is taken; from the authors' code


class CrossEntropy(nn.Module):
    """Cross-entropy -log p_y, p_y the network's probability of the label; the paper's loss."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, labels)


class LabelSmoothing(nn.Module):
    """Cross-entropy with the target (1 - e) of the label plus e / K of every class.

    e = SMOOTHING. Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7.
    """

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)


class GeneralizedCrossEntropy(nn.Module):
    """The loss (1 - p_y^q) / q, between cross-entropy (q to 0) and mean absolute error (q = 1).

    q = GENERALIZED_Q. Zhang and Sabuncu 2018, "Generalized Cross Entropy Loss", equation 6.
    """

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        # p^q as exp(q log p), whose gradient is finite where p is 0.
        powers = torch.exp(GENERALIZED_Q * -F.cross_entropy(logits, labels, reduction="none"))
        return ((1 - powers) / GENERALIZED_Q).mean()


class EarlyLearning(nn.Module):
    """Cross-entropy + lambda log(1 - <p, t>), which pulls toward the network's earlier predictions.

    t, (N, K), holds each image's running mean of the predicted probabilities, with momentum beta.
    lambda = PULL, beta = TARGET_MOMENTUM. Liu et al. 2020, "Early-Learning Regularization
    Prevents Memorization of Noisy Labels", equations 6 and 9.
    """

    def __init__(self, images: int, classes: int):
        super().__init__()
        self.targets: torch.Tensor
        self.register_buffer("targets", torch.zeros(images, classes))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        answers = F.softmax(logits.float(), dim=1).clamp(SMALLEST, 1 - SMALLEST)
        with torch.no_grad():
            shares = answers / answers.sum(dim=1, keepdim=True)
            mixed = TARGET_MOMENTUM * self.targets.index_select(0, chosen)
            targets = mixed + (1 - TARGET_MOMENTUM) * shares
            self.targets.index_copy_(0, chosen, targets)
        agreement = (answers * targets).sum(dim=1)  # < 1: both are shares
        return F.cross_entropy(logits, labels) + PULL * torch.log(1 - agreement).mean()


def build_loss(config: RunConfig, images: int, device: torch.device) -> nn.Module:
    """Build the run's loss on `device`. Its buffers hold any state per image; images: N."""
    return LOSSES[config.loss].build(images, CLASS_COUNT).to(device)


def batch_loss(loss: nn.Module, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The mean loss of a batch, a tensor ().

    Where its images are mixtures, the losses against both labels are mixed with the same weight.

    Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", equation 1 and section 2.
    """
    own = loss(logits, batch.labels, batch.chosen)
    if batch.partner_labels is None or batch.weight is None:
        return own
    return batch.weight * own + (1 - batch.weight) * loss(logits, batch.partner_labels, batch.chosen)
