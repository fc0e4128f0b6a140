"""A class of students as annotators: confusions between classes, and agreement.

An answer is (visitor, image, class). K = classes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.config import CLASS_COUNT, RunConfig, format_matrix
from core.data.noise import wrong_share

# A visitor with 10 or more answers who agrees with the data set in fewer than 3 of 10 did not look
# at the images. A blind guess agrees in one of ten, CIFAR-10N's single annotators in eight.
LEAST_ANSWERS = 10
LEAST_AGREEMENT = 0.3


class Answer(NamedTuple):
    """One visitor's answer to one image."""

    visitor: str
    image: int  # index among the training images
    label: int | None  # None: the visitor ran out of time
    is_timed: bool


def sensible(answers: Sequence[Answer], true_labels: NDArray[np.integer]) -> tuple[list[Answer], int]:
    """Leave out visitors who did not look; return the other answers, and the number left out."""
    by_visitor: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_visitor[answer.visitor].append(answer)
    kept, left_out = [], 0
    for own in by_visitor.values():
        given = [answer for answer in own if answer.label is not None]
        agreed = sum(answer.label == true_labels[answer.image] for answer in given)
        if len(given) >= LEAST_ANSWERS and agreed < LEAST_AGREEMENT * len(given):
            left_out += 1
        else:
            kept += own
    return kept, left_out


def confusion(answers: Sequence[Answer], true_labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Count the answers, (K, K): rows are classes of the data set, columns are answers."""
    counts = np.zeros((CLASS_COUNT, CLASS_COUNT), dtype=np.int64)
    for answer in answers:
        if answer.label is not None:
            counts[true_labels[answer.image], answer.label] += 1
    return counts


def agreement_with_data(counts: NDArray[np.int64]) -> float | None:
    """The share of answers that agree with the data set, or None. counts: from `confusion`."""
    total = counts.sum()
    return float(np.trace(counts) / total) if total else None


def agreement_within(answers: Sequence[Answer]) -> float | None:
    """The share of pairs of answers to one photograph that agree, or None if there is no pair."""
    by_image: dict[int, list[int]] = defaultdict(list)
    for answer in answers:
        if answer.label is not None:
            by_image[answer.image].append(answer.label)
    pairs = [a == b for labels in by_image.values() for a, b in combinations(labels, 2)]
    return sum(pairs) / len(pairs) if pairs else None


def shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of each class (row) that was answered as each class (column), (K, K).

    counts: from `confusion`. The row of a class without answers is 0.
    """
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def with_noise(config: RunConfig, counts: NDArray[np.int64]) -> tuple[RunConfig, RunConfig]:
    """Return two runs: on labels confused like these answers, and on equally many random errors.

    config: all other settings of both runs. counts: from `confusion`.
    """
    matrix = format_matrix(tuple(map(tuple, noise_of(counts).tolist())))
    confused = replace(config, level=1.0, noise="own", noise_matrix=matrix)
    share = wrong_share(confused) / wrong_share(RunConfig(level=1.0))
    random = replace(config, level=min(1.0, share), noise="uniform", noise_matrix="")
    return confused, random


def noise_of(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """P(answer | class), (K, K), rows that sum to 1. Each class gets one extra correct answer.

    Otherwise a class without answers would have no row.
    """
    return shares(counts + np.eye(CLASS_COUNT, dtype=np.int64))
