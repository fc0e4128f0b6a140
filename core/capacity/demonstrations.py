"""Both on the embedded images, as the page shows them: what came out, and how long it took."""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.capacity.kernel import KernelFit, kernel_fits
from core.capacity.pixels import vectors
from core.capacity.two_layers import fitted
from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.data.corruption import given_labels


class Built(NamedTuple):
    """Theorem 1 on random labels."""

    errors: int  # labels that are not repeated
    weights: int
    largest: float  # of the weights w
    seconds: float


class Solved(NamedTuple):
    """Kernel least squares on true and on random labels."""

    true: KernelFit
    random: KernelFit
    seconds: float


def build(data: Cifar10) -> Built:
    started = time.perf_counter()
    images, labels = vectors(data.train_images), _labels(data, 1.0)
    network = fitted(images, labels)
    wrong = int((np.round(network.answers(images)) != labels).sum())
    largest = float(np.abs(network.weights).max())
    return Built(wrong, network.weight_count, largest, time.perf_counter() - started)


def solve(data: Cifar10) -> Solved:
    started = time.perf_counter()
    true, random = kernel_fits(
        vectors(data.train_images),
        [_labels(data, level) for level in (0.0, 1.0)],
        vectors(data.test_images),
        data.test_labels.astype(np.int64),
    )
    return Solved(true, random, time.perf_counter() - started)


def _labels(data: Cifar10, level: float) -> NDArray[np.int64]:
    """As the first seed's runs at this level get them."""
    return given_labels(RunConfig(level=level), data.train_labels).labels.astype(np.int64)
