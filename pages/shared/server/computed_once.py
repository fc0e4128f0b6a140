"""Computations that take seconds, done once for all visitors.

They are not in the pages, because Streamlit runs a page again at every press, which would lose them.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.capacity.demonstrations import Built, Solved, build, solve
from core.capacity.memorization import Memorized, estimated_memorization, memorized
from core.cleaning.ranking import Ranking, can_rank, sources
from core.cleaning.scores import NOT_LEARNED, ImageScores
from core.cleaning.search import Searched, search
from core.cleaning.studied import StudiedLabels, studied_labels
from core.config import RunConfig
from core.data.corruption import given_labels
from core.sweep.grids import GRIDS, SUBSETS
from pages.shared.server import resources
from pages.shared.server.cache import cached


def searched(config: RunConfig, name: str) -> Searched | None:
    """Return the ranking from the scores of its source runs, or None if some are missing."""
    scores = [resources.image_scores(source) for source in sources(config, name)]
    known = [each for each in scores if each is not None and can_rank(name, each)]
    return _ranked(config, name, known) if len(known) == len(scores) else None


def studied(config: RunConfig) -> StudiedLabels | None:
    """Return the labels that a run studies, or None if the scores that ranked them are lost."""
    ranking = None
    if config.repair != "none":
        found = searched(replace(config, repair="none", repaired=0.0), config.ranking)
        if found is None:
            return None
        ranking = found.ranking
    return _studied(config, ranking)


@cached(16)
def _studied(config: RunConfig, _ranking: Ranking | None) -> StudiedLabels:
    return studied_labels(config, resources.data(config.data).train_labels, _ranking)


@cached(64)
def _ranked(config: RunConfig, name: str, _scores: list[ImageScores]) -> Searched:
    data = resources.data("embedded")
    return search(name, _scores, given_labels(config, data.train_labels).labels, data)


@cached(1)
def built() -> Built:
    """Return the network that theorem 1 builds for random labels."""
    return build(resources.data("embedded"))


@cached(1)
def memorization() -> Memorized:
    """Return who is memorized by the kernel fit, and who helps whom."""
    return memorized(resources.data("embedded"))


@cached(1)
def estimated_by_networks() -> NDArray[np.float64] | None:
    """Return the estimated memorization by the small network, or None if its runs are not stored."""
    scores = [resources.image_scores(config) for config in GRIDS["mini-subsets"].runs()]
    known = [each for each in scores if each is not None]
    if len(known) < SUBSETS:
        return None
    images = np.arange(RunConfig().train_images)
    is_held_out = [np.isin(images, each.held_out) for each in known]
    return estimated_memorization([each.learned > NOT_LEARNED for each in known], is_held_out)


@cached(1)
def solved() -> Solved:
    """Return the kernel solutions for true and for random labels."""
    return solve(resources.data("embedded"))
