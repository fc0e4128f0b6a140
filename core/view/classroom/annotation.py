"""A class as annotators: how often it agrees, with the data set and with itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.cleaning.annotators import (
    LEAST_AGREEMENT,
    LEAST_ANSWERS,
    Answer,
    agreement_with_data,
    agreement_within,
    confusion,
)
from core.data.cifar10 import CLASSES
from core.records import EpochRecord
from core.sweep.statistics import margin_of_error
from core.view.words import plural

EXPLAINED = (
    f"Left out: whoever agrees with the data set in fewer than {10 * LEAST_AGREEMENT:.0f} of 10 answers, having "
    f"given {LEAST_ANSWERS} (a blind guess agrees once in ten)."
)
NONE_COUNTS = "No answer is counted: all who have answered agree too seldom with the data set."


def describe_answers(answers: Sequence[Answer], true_labels: NDArray[np.integer], left_out: int) -> str:
    """What the room has come to; answers: those that count."""
    counts = confusion(answers, true_labels)
    agreed = agreement_with_data(counts)
    if agreed is None:
        return NONE_COUNTS if left_out else "Nobody has named a photograph yet."
    visitors = len({answer.visitor for answer in answers})
    text = (
        f"{plural(int(counts.sum()), 'answer')} by {plural(visitors, 'visitor')}: {agreed:.0%} are the data "
        "set's own label"
    )
    within = agreement_within(answers)
    if within is not None:
        text += f"; two who see the same photograph agree in {within:.0%}"
    text += "."
    off = counts - np.diag(np.diag(counts))
    if off.max() > 1:
        true, given = np.unravel_index(off.argmax(), off.shape)
        text += f" Most often confused: {CLASSES[true]}, taken for {CLASSES[given]}."
    slow, fast = (
        agreement_with_data(confusion([a for a in answers if a.is_timed is timed], true_labels))
        for timed in (False, True)
    )
    if slow is not None and fast is not None:
        text += f" Without a time limit {slow:.0%} are right, with one {fast:.0%}."
    late = sum(answer.label is None for answer in answers)
    if late:
        text += f" Time ran out {plural(late, 'time')}."
    if left_out:
        text += f" {plural(left_out, 'visitor')} left out."
    return text


def describe_own(answers: Sequence[Answer], true_labels: NDArray[np.integer]) -> str:
    right = sum(answer.label == true_labels[answer.image] for answer in answers)
    return f"You named {right} of {len(answers)} as the data set does."


def describe_trained(
    whose: str, wrong: float, own: EpochRecord | None, random: EpochRecord | None
) -> str:
    """Which hurts more; whose: labels, in words; random: the end with as many random labels, `wrong` of all."""
    if own is None or random is None:
        return (
            f"Two networks, with {wrong:.0%} of their labels wrong: one gets {whose.lower()}, confused as above (and "
            "one right answer more for each class, so that none is without any), the other as many wrong labels "
            "picked at random."
        )
    gap = 100 * (own.test_error - random.test_error)
    if abs(gap) < 100 * margin_of_error(1):
        return (
            f"With {wrong:.0%} wrong labels both networks misread about as many new photographs: they differ by "
            f"{abs(gap):.1f} points, too little to tell from chance with 1,000 photographs."
        )
    worse = f"{whose} hurt more" if gap > 0 else "Random labels hurt more"
    return (
        f"{worse}, by {abs(gap):.1f} points of test error, with the same {wrong:.0%} of labels wrong."
    )
