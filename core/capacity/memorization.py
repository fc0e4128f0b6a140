"""How much of what a method repeats it has memorized: with each photograph, and without it.

n = training images, m = test images.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.capacity.kernel import Influences, influences, leave_one_out
from core.capacity.pixels import vectors
from core.data.cifar10 import Cifar10


class Memorized(NamedTuple):
    """The kernel fit on true labels, with and without each training image."""

    is_memorized: NDArray[np.bool_]  # (n,): named correctly with the image and wrongly without it
    influences: Influences
    seconds: float


def memorized(data: Cifar10) -> Memorized:
    """Leave each training image out of the kernel fit on true labels, and find who helps whom."""
    started = time.perf_counter()
    images, labels = vectors(data.train_images), data.train_labels.astype(np.int64)
    left_out = leave_one_out(images, labels)
    found = influences(
        images, left_out, labels, vectors(data.test_images), data.test_labels.astype(np.int64)
    )
    is_memorized = left_out.values.argmax(axis=1) != labels  # with it, the fit repeats every label
    return Memorized(is_memorized, found, time.perf_counter() - started)


def estimated_memorization(
    is_right: Sequence[NDArray[np.bool_]], is_held_out: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    """Estimate the memorization of each image from networks on subsets: (n,), NaN where unknown.

    is_right, is_held_out: for each network (n,), whether it names the image correctly, and whether it
    was trained without it. The estimate is the share of networks trained with the image that are
    right about it, minus that of those trained without it. Feldman and Zhang 2020, section 2.
    """
    right, without = np.array(is_right, dtype=float), np.array(is_held_out)
    with np.errstate(invalid="ignore"):
        inside = (right * ~without).sum(axis=0) / (~without).sum(axis=0)
        outside = (right * without).sum(axis=0) / without.sum(axis=0)
    return inside - outside
