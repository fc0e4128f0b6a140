"""The time cost of each defence against wrong labels, compared with training without a defence."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from core.choices import DEFENCES, NETWORKS
from core.config import RunConfig
from core.data.cifar10 import load

if TYPE_CHECKING:
    from core.training.training import Training

ROUNDS = 5  # measurements of each defence, in turn with the others


@dataclass(frozen=True)
class DefenceCost:
    """The time of an epoch with one defence."""

    model: str
    defence: str
    epoch_seconds: float  # including the evaluation; the median over the rounds
    times: float  # ratio to an epoch without a defence in the same round; the median
    least: float  # the smallest of these ratios
    most: float  # the largest of them


def defence_costs(model: str, seconds: float) -> Iterator[DefenceCost]:
    """Measure the cost of each of DEFENCES in about `seconds` each."""
    from core.training.training import Training  # torch takes seconds to import

    base = RunConfig(model=model, level=0.4, learning_rate=NETWORKS[model].learning_rate, epochs=1000)
    data = load(base.data)
    trainings = {
        name: Training(RunConfig(**{**base.overrides(), **defence.settings}), data, "cpu")
        for name, defence in DEFENCES.items()
    }
    measured: dict[str, list[float]] = {name: [] for name in trainings}
    for _ in range(ROUNDS):
        for name, training in trainings.items():
            measured[name].append(_epoch_seconds(training, seconds / ROUNDS))
    for name, values in measured.items():
        ratios = [value / none for value, none in zip(values, measured["none"], strict=True)]
        yield DefenceCost(model, name, median(values), median(ratios), min(ratios), max(ratios))


def _epoch_seconds(training: "Training", seconds: float) -> float:
    started, epochs = time.perf_counter(), 0
    while not epochs or time.perf_counter() - started < seconds:
        training.launch()
        training.work()
        training.collect()
        epochs += 1
    return (time.perf_counter() - started) / epochs
