"""The dashed line in the charts of one run: the training error of a network that knows each true class."""

from typing import NamedTuple

from core.cleaning.studied import StudiedLabels
from core.config import RunConfig
from core.data.noise import error_without_memorizing, has_uniform_wrong_labels, transition_matrix
from core.view.words import FLOOR, RIGHT_FLOOR, RULE_FLOOR


class Floor(NamedTuple):
    """The name of the line, and its training error."""

    name: str
    value: float


def floor_of(config: RunConfig, studied: StudiedLabels | None = None) -> Floor | None:
    """Return the line for a run, or None where no label is wrong.

    studied: the labels of a run that repairs some. Without them such a run has no line.
    """
    if config.repair != "none":
        share = studied.wrong_share if studied else 0.0
        return Floor(RIGHT_FLOOR, share) if share else None
    least = error_without_memorizing(config)
    if has_uniform_wrong_labels(config):
        return Floor(FLOOR, least) if least else None
    transition = transition_matrix(config)
    if (transition.diagonal() == 1).all():
        return None
    is_true = (transition.diagonal() >= transition.max(axis=1)).all()
    return Floor(RIGHT_FLOOR if is_true else RULE_FLOOR, least)
