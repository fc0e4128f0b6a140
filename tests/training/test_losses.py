import math

import pytest
import torch
import torch.nn.functional as F

from core.choices import LOSSES
from core.config import RunConfig
from core.errors import ConfigError
from core.training.dataset import Batch
from core.training.losses import EarlyLearning, batch_loss

CPU = torch.device("cpu")
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]], dtype=torch.float64)
LABELS, CHOSEN = torch.tensor([0, 1]), torch.tensor([4, 2])


def loss_named(name: str):
    return LOSSES[name].build(images=6, classes=3)


def probabilities(row: list[float]) -> list[float]:
    powers = [math.exp(value) for value in row]
    return [power / sum(powers) for power in powers]


BY_HAND = [probabilities(row) for row in LOGITS.tolist()]
GIVEN = [BY_HAND[0][0], BY_HAND[1][1]]  # the probability of each label


def test_cross_entropy_by_hand():
    expected = -sum(map(math.log, GIVEN)) / 2
    assert loss_named("cross-entropy")(LOGITS, LABELS, CHOSEN).item() == pytest.approx(expected)


def test_label_smoothing_by_hand():
    """0.9 of the label and 0.1 / 3 of each of three classes."""
    expected = 0.0
    for row, label in zip(BY_HAND, LABELS.tolist(), strict=True):
        wanted = [0.1 / 3 + 0.9 * (place == label) for place in range(3)]
        expected -= sum(w * math.log(p) for w, p in zip(wanted, row, strict=True)) / 2
    assert loss_named("label-smoothing")(LOGITS, LABELS, CHOSEN).item() == pytest.approx(expected)


def test_generalized_cross_entropy_by_hand():
    expected = sum((1 - p**0.7) / 0.7 for p in GIVEN) / 2
    assert loss_named("generalized")(LOGITS, LABELS, CHOSEN).item() == pytest.approx(expected)


def test_early_learning_by_hand_over_two_steps():
    """The targets are the mean of what was said, and belong to the images and not to their places."""
    loss = loss_named("early-learning").double()
    cross_entropy = -sum(map(math.log, GIVEN)) / 2
    targets = [[0.3 * p for p in row] for row in BY_HAND]
    for step in range(2):
        if step:
            targets = [
                [0.7 * t + 0.3 * p for t, p in zip(old, row, strict=True)]
                for old, row in zip(targets, BY_HAND, strict=True)
            ]
        agreements = [
            sum(t * p for t, p in zip(target, row, strict=True))
            for target, row in zip(targets, BY_HAND, strict=True)
        ]
        expected = cross_entropy + 3 * sum(math.log(1 - a) for a in agreements) / 2
        assert loss(LOGITS, LABELS, CHOSEN).item() == pytest.approx(expected, rel=1e-5)
    assert loss.targets[4].tolist() == pytest.approx(targets[0], rel=1e-5)
    assert loss.targets[2].tolist() == pytest.approx(targets[1], rel=1e-5)
    assert not loss.targets[[0, 1, 3, 5]].any()


@pytest.mark.parametrize("name", ["cross-entropy", "label-smoothing", "generalized", "early-learning"])
def test_gradients_against_finite_differences(name):
    """Early learning: towards targets that stand still, as its gradient takes them."""

    def value(logits):
        loss = loss_named(name).double()
        if isinstance(loss, EarlyLearning):
            loss.targets.fill_(0.25)
            shares = F.softmax(logits, dim=1)
            targets = 0.7 * 0.25 + 0.3 * F.softmax(LOGITS, dim=1)
            return F.cross_entropy(logits, LABELS) + 3 * torch.log(1 - (shares * targets).sum(1)).mean()
        return loss(logits, LABELS, CHOSEN)

    logits = LOGITS.clone().requires_grad_()
    loss = loss_named(name).double()
    if isinstance(loss, EarlyLearning):
        loss.targets.fill_(0.25)
    loss(logits, LABELS, CHOSEN).backward()
    step = 1e-6
    for row in range(2):
        for column in range(3):
            moved = torch.zeros_like(LOGITS)
            moved[row, column] = step
            slope = (value(LOGITS + moved) - value(LOGITS - moved)).item() / (2 * step)
            assert logits.grad[row, column].item() == pytest.approx(slope, abs=1e-7)


def test_the_ends_of_generalized_cross_entropy_are_finite():
    logits = torch.tensor([[-80.0, 80.0, 0.0]], requires_grad=True)
    loss = loss_named("generalized")(logits, torch.tensor([0]), torch.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(1 / 0.7) and logits.grad.isfinite().all()


def test_a_mixture_has_the_losses_of_both_labels():
    loss = loss_named("cross-entropy")
    batch = Batch(torch.empty(0), LABELS, CHOSEN, torch.tensor([2, 2]), torch.tensor(0.25))
    own = F.cross_entropy(LOGITS, LABELS).item()
    other = F.cross_entropy(LOGITS, torch.tensor([2, 2])).item()
    assert batch_loss(loss, LOGITS, batch).item() == pytest.approx(0.25 * own + 0.75 * other)


def test_mixup_and_early_learning_exclude_each_other():
    with pytest.raises(ConfigError, match="choose one of the two"):
        RunConfig(mixup=1.0, loss="early-learning")
