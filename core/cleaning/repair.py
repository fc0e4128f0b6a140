"""What is done with the most suspicious labels: the images are dropped, or named by the network."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.cleaning.ranking import Ranking
from core.config import RunConfig
from core.errors import LabError


class NotRankedError(LabError):
    """A repaired run is to be trained, but the runs that rank its labels are not there."""

    def __init__(self) -> None:
        super().__init__(
            "Which labels to repair is not known yet: train the runs that find the wrong labels first."
        )


class Repaired(NamedTuple):
    labels: NDArray[np.int64]  # (N,): after the repair
    is_kept: NDArray[np.bool_]  # (N,): whether the image is still trained on


def repair(config: RunConfig, labels: NDArray[np.int64], ranking: Ranking | None) -> Repaired:
    """Repair the first config.repaired of the ranking. Raises NotRankedError where there is none.

    labels: (N,), given.
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
