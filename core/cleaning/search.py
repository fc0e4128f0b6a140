"""The search for wrong labels on the page: images to mark, the ranking, shares to repair.

N = training images.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.cleaning.confident import confident_joint, estimated_transition, out_of_fold
from core.cleaning.ranking import Ranking, rank_by_kernel, rank_by_scores
from core.cleaning.scores import ImageScores
from core.config import LEVEL_DIGITS, MAX_REPAIRED, RunConfig
from core.data.cifar10 import Cifar10
from core.data.corruption import LabelCorruption
from core.data.noise import wrong_share


class Searched(NamedTuple):
    """The result of a search: the ranking and, by confident learning, the estimated noise."""

    ranking: Ranking
    transition: NDArray[np.float64] | None  # (K, K), estimated P(given | true), by confident learning


def search(name: str, scores: list[ImageScores], labels: NDArray[np.int64], data: Cifar10) -> Searched:
    """Rank labels from most to least suspicious.

    name: a ranking in RANKINGS; scores: those of the runs to rank by; labels: the given ones, (N,);
    data: the images, for the ranking that needs no run.
    """
    if name == "kernel":
        return Searched(rank_by_kernel(data, labels), None)
    transition = None
    if name == "confident":
        transition = estimated_transition(confident_joint(labels, out_of_fold(scores)))
    return Searched(rank_by_scores(name, scores, labels), transition)


def images_to_mark(config: RunConfig, corrupted: LabelCorruption, count: int) -> NDArray[np.int64]:
    """Choose `count` training images with the expected share of wrong labels; return their indices."""
    wrong, right = np.flatnonzero(corrupted.is_wrong), np.flatnonzero(~corrupted.is_wrong)
    rng = np.random.default_rng(config.seed)
    wrong = rng.permutation(wrong)[: round(count * wrong_share(config))]
    return rng.permutation(np.concatenate([wrong, rng.permutation(right)[: count - len(wrong)]]))


def repair_shares(config: RunConfig) -> tuple[list[float], float]:
    """Return the repair shares offered to visitors, rising, and the default one.

    They are the multiples of 5% up to 60%, and 0.5, 1 and 1.25 times the share of wrong labels, at
    most 90%. The default is the one closest to the share of wrong labels.
    """
    wrong = wrong_share(config)
    shares = {step / 20 for step in range(1, 13)}
    shares |= {round(min(factor * wrong, MAX_REPAIRED), LEVEL_DIGITS) for factor in (0.5, 1, 1.25)}
    offered = sorted(shares - {0.0})  # 0.0 appears where no label is wrong
    return offered, min(offered, key=lambda share: abs(share - wrong))
