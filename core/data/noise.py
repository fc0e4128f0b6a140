"""The shapes of label noise: what a redrawn label becomes.

K = classes. A mixing matrix S, float64 (K, K), has a row for each true class, and each row sums
to 1. At level p the given label follows T = (1 - p) I + p S, so that P(given | true) is known.
"""

import json
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.choices import NOISES
from core.config import CLASS_COUNT, TRAIN_IMAGES, RunConfig, parse_matrix
from core.paths import ASSETS

Mixing = NDArray[np.float64]  # (K, K)

# Classes that people confuse: truck to automobile, bird to airplane, deer to horse, and cat and
# dog to each other; Patrini et al. 2017, section 5.
CONFUSABLE = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}


def mixing_matrix(config: RunConfig) -> Mixing:
    """The mixing matrix S of a run, (K, K). With noise uniform every cell is 1 / K."""
    if config.noise == "own":
        matrix = np.array(parse_matrix(config.noise_matrix))
        return matrix / matrix.sum(axis=1, keepdims=True)  # corrects rows that people rounded
    return named_mixing(config.noise)


@cache
def named_mixing(noise: str) -> Mixing:
    """The mixing matrix S of a noise by its name, (K, K), read-only. Raises ValueError."""
    if noise not in NOISES or not NOISES[noise].builder:
        raise ValueError(f"there is no noise {noise!r}.")
    mixing = NOISES[noise].mixing()
    mixing.setflags(write=False)
    return mixing


def uniform_mixing() -> Mixing:
    """The mixing matrix in which every class is equally likely, (K, K)."""
    return np.full((CLASS_COUNT, CLASS_COUNT), 1 / CLASS_COUNT)


def pair_mixing() -> Mixing:
    """The mixing matrix that turns each class into the next, (K, K)."""
    return np.roll(np.eye(CLASS_COUNT), 1, axis=1)


def confusable_mixing() -> Mixing:
    """The mixing matrix that turns five classes into a look-alike (CONFUSABLE), (K, K)."""
    return np.eye(CLASS_COUNT)[[CONFUSABLE.get(label, label) for label in range(CLASS_COUNT)]]


def human_mixing(column: str) -> Mixing:
    """The mixing matrix of human labels, (K, K). column: of CIFAR-10N's labels, see human_labels."""
    counts = np.array(human_labels()[column]["counts_true_by_given"], dtype=np.float64)
    return counts / counts.sum(axis=1, keepdims=True)


@cache
def human_labels() -> dict:
    """Counts of how often people gave each label to CIFAR-10's training images (CIFAR-10N).

    Wei et al. 2022, "Learning with Noisy Labels Revisited".
    """
    return json.loads((ASSETS / "reference" / "cifar10n.json").read_text(encoding="utf-8"))


def transition_matrix(config: RunConfig) -> Mixing:
    """The transition matrix T = P(given label | true class) of a run, (K, K)."""
    return (1 - config.level) * np.eye(CLASS_COUNT) + config.level * mixing_matrix(config)


def has_uniform_wrong_labels(config: RunConfig) -> bool:
    """Whether a wrong label is each of the other classes equally often.

    It is so with uniform noise, and with a matrix of one's own whose cells off the diagonal are equal.
    Any other noise follows a rule that a network can learn.
    """
    if NOISES[config.noise].human_column:
        return False  # people's own labels of each image
    others = mixing_matrix(config)[~np.eye(CLASS_COUNT, dtype=bool)]
    return bool(np.ptp(others) < 1e-9)


def usual_wrong_classes(config: RunConfig) -> NDArray[np.int64]:
    """The most frequent wrong label of each class, (K,), or -1 where none is more frequent than others.

    With uniform noise it is -1 for every class.
    """
    others = mixing_matrix(config).copy()
    np.fill_diagonal(others, 0)
    largest = others.max(axis=1)
    is_unique = (others >= largest[:, None] - 1e-9).sum(axis=1) == 1
    return np.where(is_unique, others.argmax(axis=1), -1)


def error_without_memorizing(config: RunConfig) -> float:
    """The least expected training error of a network that knows each true class, but no single label.

    It answers the most frequent label of each true class, so that its error is 1 minus the mean over
    the classes of the largest cell in each row of T. This is the share of wrong labels wherever
    the true label is the most frequent one.
    """
    transition = transition_matrix(config)
    largest = transition.max(axis=1)
    if (transition.diagonal() >= largest).all():
        return wrong_share(config)  # exact also for counted labels
    return float(1 - largest.mean())


def wrong_share(config: RunConfig) -> float:
    """The expected share of wrong labels.

    It is p (1 - mean diagonal of S), because all classes have equally many images, and 0.9 p
    for uniform noise.
    """
    if config.noise == "uniform":
        return (1 - 1 / CLASS_COUNT) * config.level  # avoids the rounding of a mean
    if column := NOISES[config.noise].human_column:  # the exact count on these images
        part = {"embedded": "wrong_of_embedded_5000", "full": "wrong_of_50000"}[config.data]
        wrong = human_labels()[column][part]
        return float(config.level * wrong / TRAIN_IMAGES[config.data])
    return float(config.level * (1 - np.diag(mixing_matrix(config)).mean()))
