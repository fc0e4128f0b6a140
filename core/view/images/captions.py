"""Sentences about single images: when they were learned, and how losses of wrong labels differ."""

import numpy as np
from numpy.typing import NDArray

from core.cleaning.scores import NOT_LEARNED, ImageScores
from core.records import LOSS_EDGES, EpochRecord
from core.sweep.statistics import loss_auc
from core.view.words import FEW


def describe_learned(scores: ImageScores, is_wrong: NDArray[np.bool_]) -> str:
    """Say when right and wrong labels were learned; is_wrong: (N,), of all training images."""

    def middle(chosen: NDArray[np.bool_]) -> tuple[float, float]:
        epochs = scores.learned[chosen & (scores.learned >= NOT_LEARNED)]
        known = epochs[epochs > NOT_LEARNED]
        share = len(known) / max(1, len(epochs))
        return (float(np.median(known)) if len(known) else float("nan")), share

    (right, share), (wrong, of_wrong) = middle(~is_wrong), middle(is_wrong)
    text = f"{share:.0%} of the images with a right label are learned for good"
    text += f", half of them by epoch {right:.0f}" if share else ""
    if not is_wrong.any():
        return f"{text}."
    text += f"; of those with a wrong label {of_wrong:.0%}"
    return f"{text}, half by epoch {wrong:.0f}." if of_wrong else f"{text}."


def describe_losses(record: EpochRecord) -> str:
    """Say how far apart the losses of right and wrong labels are in this epoch."""
    right, wrong = np.split(np.array(record.loss_counts, dtype=float), 2)
    apart = loss_auc(right, wrong)
    if apart is None:
        return "The losses of all images."
    high, count = int(wrong[np.array(LOSS_EDGES) >= 2].sum()), int(wrong.sum())
    share = f"{high} of the {count}" if count < FEW else f"{high / count:.0%} of the"
    return (
        f"After epoch {record.epoch}, the wrong label has a higher loss than the right one in {apart:.0%} of all pairs "
        f"(50% if losses told nothing); {share} wrong labels have a loss of 2 or more. When the two hills are far "
        "apart, wrong labels can be found."
    )
