"""The search for wrong labels as a person follows it: forty to mark, the ranking, what to mend.

N = training images.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.cleaning.confident import confident_joint, estimated_transition, out_of_fold
from core.cleaning.ranking import Ranking, rank_by_scores
from core.cleaning.scores import ImageScores
from core.config import LEVEL_DIGITS, MAX_REPAIRED, RunConfig
from core.data.corruption import LabelCorruption
from core.data.noise import wrong_share


class Searched(NamedTuple):
    ranking: Ranking
    transition: NDArray[np.float64] | None  # (K, K), estimated P(given | true), by confident learning


def search(name: str, scores: list[ImageScores], labels: NDArray[np.int64]) -> Searched:
    """Rank the labels given, (N,), by the scores of the sources; name: of the ranking."""
    transition = None
    if name == "confident":
        transition = estimated_transition(confident_joint(labels, out_of_fold(scores)))
    return Searched(rank_by_scores(name, scores, labels), transition)


def images_to_mark(config: RunConfig, corrupted: LabelCorruption, count: int) -> NDArray[np.int64]:
    """So many training images, as large a part of them wrongly labelled as of all: their indices."""
    wrong, right = np.flatnonzero(corrupted.is_wrong), np.flatnonzero(~corrupted.is_wrong)
    rng = np.random.default_rng(config.seed)
    wrong = rng.permutation(wrong)[: round(count * wrong_share(config))]
    return rng.permutation(np.concatenate([wrong, rng.permutation(right)[: count - len(wrong)]]))


def repairable(config: RunConfig) -> tuple[list[float], float]:
    """The shares of the images that are offered for repair, rising, and the one to begin with.

    Every 5% up to 60%, and as many as are wrong, half of these, and a quarter more.
    """
    wrong = wrong_share(config)
    shares = {step / 20 for step in range(1, 13)}
    shares |= {round(min(factor * wrong, MAX_REPAIRED), LEVEL_DIGITS) for factor in (0.5, 1, 1.25)}
    offered = sorted(shares - {0.0})  # none, where no label is wrong
    return offered, min(offered, key=lambda share: abs(share - wrong))
