"""What takes seconds, worked out once for all visitors.

Not in the pages themselves: a page is run anew at every press, and what it keeps is gone.
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
    """The ranking by its sources, which are trained; None where the scores of one are not there."""
    scores = [resources.image_scores(source) for source in sources(config, name)]
    known = [each for each in scores if each is not None]
    return _ranked(config, name, known) if len(known) == len(scores) else None


@cached(64)
def _ranked(config: RunConfig, name: str, _scores: list[ImageScores]) -> Searched:
    labels = given_labels(config, resources.data("embedded").train_labels).labels
    return search(name, _scores, labels)


@cached(1)
def built() -> Built:
    """Made once for all visitors."""
    return build(resources.data("embedded"))


@cached(1)
def solved() -> Solved:
    """Solved once for all visitors."""
    return solve(resources.data("embedded"))
