"""Which training images are given a wrong label? Three ways of ranking them, and their scores.

N = training images. Every ranking is made from the scores of runs that are named by the
settings alone (`sources`), so that a repaired run can be done again by anybody.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.cleaning.confident import out_of_fold
from core.cleaning.scores import ImageScores
from core.config import RunConfig

HELD_OUT = (
    0.2  # of the training images, to see when to stop: of a tenth the error is known to 2 points only
)
FOLDS = 4
MARGIN_EPOCHS = 10  # afterwards every label is repeated, and all margins grow alike
FOLD_EPOCHS = 20  # the best epoch comes well before: memorizing has begun by then


class Ranking(NamedTuple):
    """The training images, the most suspicious first."""

    order: NDArray[np.int64]  # (N,): indices
    prediction: NDArray[np.int64]  # (N,): what the network takes each image for, by index


def sources(config: RunConfig, ranking: str) -> list[RunConfig]:
    """The runs by whose scores the labels of this one are ranked.

    They are trained with the same settings on the labels as they were given.
    """
    plain = replace(config, repair="none", repaired=0.0, validation=0.0, fold=0)
    if ranking == "loss":
        return [replace(plain, validation=HELD_OUT)]
    most = MARGIN_EPOCHS if ranking == "margin" else FOLD_EPOCHS
    short = replace(plain, epochs=min(config.epochs, most), epochs_after_fitted=0)
    if ranking == "margin":
        return [replace(short, validation=HELD_OUT)]
    return [replace(short, validation=1 / FOLDS, fold=fold) for fold in range(FOLDS)]


def rank(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating], method: str = "self_confidence"
) -> NDArray[np.int64]:
    """Rank images by how suspicious their labels are: int64 (N,), indices, the most suspicious first.

    Parameters
    ----------
    labels : (N,), the class given to each image, in [0, K).
    probabilities : (N, K), a network's probability of each class, from a network that was not
        trained on the image: one that was repeats its label, right or wrong.
    method : "self_confidence" ranks by the probability of the label, the least first. It is the
        order of the cross-entropy, too. "normalized_margin" ranks by that probability less the
        largest other one, and finds labels better where the network hesitates between two classes.

    Raises ValueError for another method, or arrays that do not fit together. Images that are
    equally suspicious keep their order. Northcutt et al. 2021, "Confident Learning".
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            f"labels have the shape {labels.shape} and probabilities {probabilities.shape}, but must "
            "have (N,) and (N, K)."
        )
    rows = np.arange(len(labels))
    confidence = probabilities[rows, labels]
    if method == "normalized_margin":
        others = probabilities.astype(np.float64, copy=True)
        others[rows, labels] = -np.inf
        confidence = confidence - others.max(axis=1)
    elif method != "self_confidence":
        raise ValueError(f"method is {method!r}, but must be self_confidence or normalized_margin.")
    return np.argsort(confidence, kind="stable")


def rank_by_scores(ranking: str, scores: list[ImageScores], labels: NDArray[np.integer]) -> Ranking:
    """Rank by the scores of the `sources`. labels: (N,), given.

    loss: at the epoch at which the held-out images tell to stop, the highest first. The
        networks have the pattern by then and not yet the wrong labels (Arpit et al. 2017).
    margin: the area under the margin over the first epochs, the least first (Pleiss et al. 2020,
        who stop at the first drop of the learning rate, before the network memorizes).
    confident: the probability of the given label from the network that was not trained on
        the image, the least first (Northcutt et al. 2021, self-confidence).
    """
    labels = np.asarray(labels, dtype=np.int64)
    if ranking == "confident":
        probabilities = out_of_fold(scores)
        return Ranking(rank(labels, probabilities), probabilities.argmax(axis=1))
    if ranking == "margin":
        suspicion, prediction = -scores[0].margin, scores[0].best_prediction
    elif ranking == "loss":
        suspicion, prediction = scores[0].best_loss, scores[0].best_prediction
    else:
        raise ValueError(f"there is no ranking {ranking!r}.")
    # Stable, so that everybody gets the same order of images that are equally suspicious.
    return Ranking(np.argsort(-suspicion, kind="stable"), prediction.astype(np.int64))


def ranking_for(
    config: RunConfig,
    labels: NDArray[np.integer],
    scores_of: Callable[[RunConfig], ImageScores | None],
) -> Ranking | None:
    """The ranking that a repaired run needs; None while the scores of a source are missing."""
    scores = [scores_of(source) for source in sources(config, config.ranking)]
    known = [found for found in scores if found is not None]
    return rank_by_scores(config.ranking, known, labels) if len(known) == len(scores) else None


class Found(NamedTuple):
    """How well a ranking finds wrong labels when its first k = 1 .. N are looked at."""

    precision: NDArray[np.float64]  # (N,): share of the first k that are wrong
    recall: NDArray[np.float64]  # (N,): share of the wrong ones that are among the first k
    roc_area: float  # chance that a wrong label ranks before a right one
    precision_at_count: float  # where k is the number of wrong labels


def score_ranking(order: NDArray[np.int64], is_wrong: NDArray[np.bool_]) -> Found | None:
    """Hold a ranking against the truth; None where every label is right, or none.

    order: (N,), without ties by then; is_wrong: (N,), by index.
    """
    hits = is_wrong[order]
    wrong, right = int(hits.sum()), int((~hits).sum())
    if not wrong or not right:
        return None
    found = np.cumsum(hits)
    looked_at = np.arange(1, len(order) + 1)
    right_after = right - np.cumsum(~hits)  # right labels that rank behind each place
    return Found(
        precision=found / looked_at,
        recall=found / wrong,
        roc_area=float(right_after[hits].sum() / (wrong * right)),
        precision_at_count=float(found[wrong - 1] / wrong),
    )
