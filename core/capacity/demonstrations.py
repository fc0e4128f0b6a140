"""Theorem 1 and the kernel fit on the embedded images, with their results and times."""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.capacity.kernel import KernelFit, kernel_fits
from core.capacity.pixels import vectors
from core.capacity.two_layers import fitted
from core.config import CLASS_COUNT, RunConfig
from core.data.cifar10 import Cifar10
from core.data.corruption import given_labels


class Built(NamedTuple):
    """The result of theorem 1 on random labels."""

    errors: int  # labels that are not repeated
    errors_in_float32: int  # the same, if all is computed in single precision
    no_class: float  # share of the test images whose answer is not one of the classes
    weights: int
    largest: float  # of the weights w
    seconds: float


class Solved(NamedTuple):
    """The results of kernel least squares on true and on random labels."""

    true: KernelFit
    random: KernelFit
    seconds: float


def build(data: Cifar10) -> Built:
    """Build the network of theorem 1 for random labels of the training images."""
    started = time.perf_counter()
    images, labels = vectors(data.train_images), _labels(data, 1.0)
    network = fitted(images, labels)
    wrong = int((np.round(network.answers(images)) != labels).sum())
    single = network.in_float32()
    in_float32 = int((np.round(single.answers(images.astype(np.float32))) != labels).sum())
    new = np.round(network.answers(vectors(data.test_images)))
    no_class = float(np.mean((new < 0) | (new >= CLASS_COUNT)))
    largest = float(np.abs(network.weights).max())
    seconds = time.perf_counter() - started
    return Built(wrong, in_float32, no_class, network.weight_count, largest, seconds)


def solve(data: Cifar10) -> Solved:
    """Fit a Gaussian kernel to true and to random labels of the training images."""
    started = time.perf_counter()
    true, random = kernel_fits(
        vectors(data.train_images),
        [_labels(data, level) for level in (0.0, 1.0)],
        vectors(data.test_images),
        data.test_labels.astype(np.int64),
    )
    return Solved(true, random, time.perf_counter() - started)


def _labels(data: Cifar10, level: float) -> NDArray[np.int64]:
    """The labels of the runs with seed 0 at this level, (N,)."""
    return given_labels(RunConfig(level=level), data.train_labels).labels.astype(np.int64)
