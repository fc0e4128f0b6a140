"""Repair of the most suspicious labels: drop the images, or relabel them with the network's predictions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.cleaning.ranking import Ranking
from core.config import RunConfig
from core.errors import LabError


class NotRankedError(LabError):
    """A run that repairs labels cannot be trained, because the runs that rank them are missing."""

    def __init__(self) -> None:
        super().__init__(
            "The labels to repair are not known yet: first train the runs that find the wrong labels."
        )


class Repaired(NamedTuple):
    """The labels after the repair, and the mask of the images that are still trained on."""

    labels: NDArray[np.int64]  # (N,)
    is_kept: NDArray[np.bool_]  # (N,)


def repair(config: RunConfig, labels: NDArray[np.int64], ranking: Ranking | None) -> Repaired:
    """Drop or relabel the most suspicious labels, a share `config.repaired` of all.

    labels: the given labels, (N,). Raises NotRankedError where a ranking is needed and missing.
    """
    is_kept = np.ones(len(labels), dtype=bool)
    if config.repair == "none":
        return Repaired(labels, is_kept)
    if ranking is None:
        raise NotRankedError
    suspects = ranking.order[: round(config.repaired * len(labels))]
    if config.repair == "drop":
        is_kept[suspects] = False
        return Repaired(labels, is_kept)
    labels = labels.copy()
    labels[suspects] = ranking.prediction[suspects]
    return Repaired(labels, is_kept)
