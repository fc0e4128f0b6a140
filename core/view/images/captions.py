"""When images were learned, and how far apart right and wrong labels are."""

import numpy as np
from numpy.typing import NDArray

from core.cleaning.scores import NOT_LEARNED, ImageScores
from core.records import LOSS_EDGES, EpochRecord
from core.sweep.statistics import pair_order


def describe_learned(scores: ImageScores, is_wrong: NDArray[np.bool_]) -> str:
    """is_wrong: of all training images, (N,)."""

    def middle(chosen: NDArray[np.bool_]) -> tuple[float, float]:
        epochs = scores.learned[chosen & (scores.learned >= NOT_LEARNED)]
        known = epochs[epochs > NOT_LEARNED]
        share = len(known) / max(1, len(epochs))
        return (float(np.median(known)) if len(known) else float("nan")), share

    (right, share), (wrong, of_wrong) = middle(~is_wrong), middle(is_wrong)
    text = f"{share:.0%} of the images with a right label are learned for good"
    text += f", half of those by epoch {right:.0f}" if share else ""
    if not is_wrong.any():
        return f"{text}."
    text += f"; of those with a wrong label {of_wrong:.0%}"
    return f"{text}, half by epoch {wrong:.0f}." if of_wrong else f"{text}."


def describe_losses(record: EpochRecord) -> str:
    """How far apart the two hills are."""
    right, wrong = np.split(np.array(record.loss_counts, dtype=float), 2)
    apart = pair_order(right, wrong)
    if apart is None:
        return "The losses of all images."
    high = float(wrong[np.array(LOSS_EDGES) >= 2].sum() / wrong.sum())
    return (
        f"After epoch {record.epoch} a wrong label has the higher loss than a right one in {apart:.0%} of all pairs "
        f"(by lot: 50%); {high:.0%} of the wrong labels have a loss of 2 or more. Where the hills stand apart, "
        "wrong labels can be found."
    )
