"""The labels that a run studies: the given ones, after its repair, without what is held out.

N = training images.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.cleaning.ranking import Ranking
from core.cleaning.repair import repair
from core.config import RunConfig
from core.data.corruption import followed_images, given_labels, held_out_images


class StudiedLabels(NamedTuple):
    """The labels of a run's training images, and what it does with each image."""

    labels: NDArray[np.int64]  # (N,): after the repair
    is_wrong: NDArray[np.bool_]  # (N,): the label is not the true class
    is_dropped: NDArray[np.bool_]  # (N,): left out by the repair
    is_held_out: NDArray[np.bool_]  # (N,): in the validation set
    followed: NDArray[np.int64]  # (128,): images with recorded predictions; the repair changes nothing

    @property
    def is_trained(self) -> NDArray[np.bool_]:
        """(N,): whether the run trains on the image."""
        return ~(self.is_dropped | self.is_held_out)

    @property
    def wrong_share(self) -> float:
        """The share of wrong labels among the images that the run trains on."""
        return float(self.is_wrong[self.is_trained].mean())


def studied_labels(
    config: RunConfig, true_labels: ArrayLike, ranking: Ranking | None = None
) -> StudiedLabels:
    """Return the labels that a run studies. true_labels: (N,); ranking: for a run that repairs.

    Raises NotRankedError where such a run has no ranking, and DataError.
    """
    true_labels = np.asarray(true_labels, dtype=np.int64)
    given = given_labels(config, true_labels)
    labels, is_kept = repair(config, given.labels, ranking)
    is_held_out = np.zeros(len(labels), dtype=bool)
    is_held_out[held_out_images(len(labels), config.validation, config.fold, config.seed)] = True
    followed = followed_images(given.is_wrong, config.seed)
    return StudiedLabels(labels, labels != true_labels, ~is_kept, is_held_out, followed)
