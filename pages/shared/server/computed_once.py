"""Computations that take seconds, done once for all visitors.

They are not in the pages, because Streamlit runs a page again at every press, which would lose them.
"""

from core.capacity.demonstrations import Built, Solved, build, solve
from core.cleaning.ranking import sources
from core.cleaning.scores import ImageScores
from core.cleaning.search import Searched, search
from core.config import RunConfig
from core.data.corruption import given_labels
from pages.shared.server import resources
from pages.shared.server.cache import cached


def searched(config: RunConfig, name: str) -> Searched | None:
    """Return the ranking from the scores of its source runs, or None if some are missing."""
    scores = [resources.image_scores(source) for source in sources(config, name)]
    known = [each for each in scores if each is not None]
    return _ranked(config, name, known) if len(known) == len(scores) else None


@cached(64)
def _ranked(config: RunConfig, name: str, _scores: list[ImageScores]) -> Searched:
    labels = given_labels(config, resources.data("embedded").train_labels).labels
    return search(name, _scores, labels)


@cached(1)
def built() -> Built:
    """Return the network that theorem 1 builds for random labels."""
    return build(resources.data("embedded"))


@cached(1)
def solved() -> Solved:
    """Return the kernel solutions for true and for random labels."""
    return solve(resources.data("embedded"))
