"""Five rankings of the training images by how suspicious their labels are, and their quality.

N = training images. Every ranking is computed from the scores of runs that follow from the
settings alone (`sources`), or from the images and their labels (`rank_by_kernel`), so that anybody
can repeat a repaired run.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.capacity.kernel import leave_one_out
from core.capacity.pixels import vectors
from core.cleaning.confident import out_of_fold
from core.cleaning.scores import NOT_SCORED, ImageScores
from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.data.corruption import given_labels

# Share of the training images that show when to stop; a tenth would give their error only to 2 points.
HELD_OUT = 0.2
FOLDS = 4
MARGIN_EPOCHS = 10  # afterwards every label is repeated, and all margins grow alike
# Epochs on the first half of the images, all of whose labels are repeated at the end, and then on
# the second half, after which what will be forgotten is forgotten.
FIRST_HALF_EPOCHS, SECOND_HALF_EPOCHS = 30, 8
FOLD_EPOCHS = 20  # well after the best epoch: memorizing has begun by then


class Ranking(NamedTuple):
    """The training images, the most suspicious first, and the network's predictions."""

    order: NDArray[np.int64]  # (N,): indices of the images
    prediction: NDArray[np.int64]  # (N,): the predicted class of each image, by index


def sources(config: RunConfig, ranking: str) -> list[RunConfig]:
    """The runs whose scores rank the labels of `config` by `ranking`; none for "kernel".

    They have the same settings, and are trained on the unrepaired labels.
    """
    if ranking == "kernel":
        return []
    plain = replace(config, repair="none", repaired=0.0, validation=0.0, fold=0, switch_after=0)
    if ranking == "loss":
        return [replace(plain, validation=HELD_OUT)]
    if ranking == "forgetting":
        halves = replace(
            plain,
            validation=0.5,
            switch_after=FIRST_HALF_EPOCHS,
            epochs=FIRST_HALF_EPOCHS + SECOND_HALF_EPOCHS,
            epochs_after_fitted=0,
        )
        return [halves, replace(halves, fold=1)]
    most = MARGIN_EPOCHS if ranking == "margin" else FOLD_EPOCHS
    short = replace(plain, epochs=min(config.epochs, most), epochs_after_fitted=0)
    if ranking == "margin":
        return [short]
    return [replace(short, validation=1 / FOLDS, fold=fold) for fold in range(FOLDS)]


def rank(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating], method: str = "self_confidence"
) -> NDArray[np.int64]:
    """Rank images by how suspicious their labels are: int64 (N,), indices, the most suspicious first.

    Parameters
    ----------
    labels : (N,), the class given to each image, in [0, K).
    probabilities : (N, K), the probability of each class from a network that was not trained
        on the image. A network trained on it repeats its label, right or wrong.
    method : "self_confidence" ranks by the probability of the label, the smallest first, which
        is also the order of the cross-entropy. "normalized_margin" ranks by that probability minus
        the largest other one, and works better where the network hesitates between two classes.

    Raises ValueError for another method, or for arrays whose shapes do not match. Equally
    suspicious images keep their order. Northcutt et al. 2021, "Confident Learning".
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
    """Rank the training images by the scores of the `sources`. labels: (N,), given.

    ranking is one of:
    loss: the loss at the epoch at which held-out images would stop the training, the highest
        first. By then the network has learned the pattern but not the wrong labels (Arpit et al.
        2017). Images that the network was not trained on have higher losses for that reason
        alone, so trained and held-out images are ranked separately, and the two rankings are merged
        by quantile.
    margin: the area under the margin over the first epochs, the smallest first (Pleiss et al. 2020,
        who stop at the first drop of the learning rate, before the network memorizes). Its
        predictions are those of the last of these epochs.
    forgetting: the mean margin while the network trains on the other half of the images, the smallest
        first: what it forgets soonest (after Maini et al. 2022, who rank by the epoch of forgetting).
        Each half is ranked by itself, in the run that trained on it first, and the two rankings are
        merged by quantile.
    confident: the probability of the given label from the network that was not trained on
        the image, the smallest first (Northcutt et al. 2021, self-confidence).
    Raises ValueError for another ranking; `rank_by_kernel` needs no scores.
    """
    labels = np.asarray(labels, dtype=np.int64)
    if ranking == "confident":
        probabilities = out_of_fold(scores)
        return Ranking(rank(labels, probabilities), probabilities.argmax(axis=1))
    if ranking == "forgetting":
        first, second = scores  # of the two halves, each held out in the other run
        is_second = np.isin(np.arange(len(labels)), first.held_out)
        margin, prediction = (
            np.where(is_second, getattr(second, name), getattr(first, name))
            for name in ("margin", "prediction")
        )
        merged = quantiles_within(-margin, is_second)
        return Ranking(np.argsort(-merged, kind="stable"), prediction.astype(np.int64))
    (run,) = scores
    if ranking == "margin":
        suspicion: NDArray[np.floating] = -run.margin
        prediction = run.prediction
    elif ranking == "loss":
        is_held_out = np.isin(np.arange(len(labels)), run.held_out)
        suspicion = quantiles_within(run.best_loss, is_held_out)
        prediction = run.best_prediction
    else:
        raise ValueError(f"there is no ranking {ranking!r}.")
    # A stable sort, so that the order of equally suspicious images is the same everywhere.
    return Ranking(np.argsort(-suspicion, kind="stable"), prediction.astype(np.int64))


def quantiles_within(values: NDArray[np.floating], is_second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The quantile of each value within its own group, float64 (N,), in (0, 1).

    values: (N,); is_second: (N,), True for the second of the two groups. Half of the equal values
    count as smaller.
    """
    quantiles = np.empty(len(values))
    for group in (~is_second, is_second):
        rising = np.sort(values[group])
        below, up_to = (np.searchsorted(rising, values[group], side) for side in ("left", "right"))
        quantiles[group] = (below + up_to) / 2 / max(1, len(rising))
    return quantiles


def rank_by_kernel(data: Cifar10, labels: NDArray[np.integer]) -> Ranking:
    """Rank by the kernel fit without each image: how far its value is below the largest other one.

    labels: (N,), given. Nothing is trained. The predictions are those of the fit without the image.
    """
    given = np.asarray(labels, dtype=np.int64)
    values = leave_one_out(vectors(data.train_images), given).values
    return Ranking(rank(labels, values, "normalized_margin"), values.argmax(axis=1))


def ranking_for(
    config: RunConfig, data: Cifar10, scores_of: Callable[[RunConfig], ImageScores | None]
) -> Ranking | None:
    """The ranking for a run that repairs labels, or None if scores of a source are missing.

    data: the run's images. scores_of: returns the scores of a source run, or None.
    """
    labels = given_labels(config, data.train_labels).labels
    if config.ranking == "kernel":
        return rank_by_kernel(data, labels)
    scores = [scores_of(source) for source in sources(config, config.ranking)]
    known = [found for found in scores if found is not None and can_rank(config.ranking, found)]
    return rank_by_scores(config.ranking, known, labels) if len(known) == len(scores) else None


def can_rank(ranking: str, scores: ImageScores) -> bool:
    """Whether scores hold all that this ranking needs: those of older versions lack predictions."""
    return ranking not in ("margin", "forgetting") or bool((scores.prediction != NOT_SCORED).any())


class Found(NamedTuple):
    """The quality of a ranking: how many wrong labels are among its first k images, k = 1 .. N."""

    precision: NDArray[np.float64]  # (N,): share of the first k that are wrong
    recall: NDArray[np.float64]  # (N,): share of the wrong ones that are among the first k
    roc_area: float  # probability that a wrong label ranks before a right one
    precision_at_count: float  # precision at k = the number of wrong labels


def score_ranking(order: NDArray[np.int64], is_wrong: NDArray[np.bool_]) -> Found | None:
    """Compare a ranking with the truth; None where all labels are right, or all are wrong.

    order: (N,), indices with ties already broken; is_wrong: (N,), by index.
    """
    hits = is_wrong[order]
    wrong, right = int(hits.sum()), int((~hits).sum())
    if not wrong or not right:
        return None
    found = np.cumsum(hits)
    checked = np.arange(1, len(order) + 1)
    right_after = right - np.cumsum(~hits)  # right labels that rank after each position
    return Found(
        precision=found / checked,
        recall=found / wrong,
        roc_area=float(right_after[hits].sum() / (wrong * right)),
        precision_at_count=float(found[wrong - 1] / wrong),
    )
