"""Sentences about a class as annotators: how often it agrees with the data set and with itself."""

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
from core.sweep.statistics import OTHER_LABELS, margin_of_error
from core.view.words import plural

EXPLAINED = (
    f"Left out: visitors with {LEAST_ANSWERS} or more answers who agree with the data set in fewer than "
    f"{10 * LEAST_AGREEMENT:.0f} of 10 (a blind guess agrees once in ten)."
)
NONE_COUNTS = "No answer is counted: every visitor who answered agrees too seldom with the data set."


def describe_answers(answers: Sequence[Answer], true_labels: NDArray[np.integer], left_out: int) -> str:
    """Describe the room's answers. answers: those that count; left_out: the visitors left out."""
    counts = confusion(answers, true_labels)
    agreed = agreement_with_data(counts)
    if agreed is None:
        return NONE_COUNTS if left_out else "Nobody has named a photograph yet."
    visitors = len({answer.visitor for answer in answers})
    text = (
        f"{plural(int(counts.sum()), 'answer')} by {plural(visitors, 'visitor')}: {agreed:.0%} agree with "
        "the data set's label"
    )
    within = agreement_within(answers)
    if within is not None:
        text += f"; two visitors who see the same photograph agree in {within:.0%} of cases"
    text += "."
    off = counts - np.diag(np.diag(counts))
    if off.max() > 1:
        true, given = np.unravel_index(off.argmax(), off.shape)
        text += f" Most often confused: {CLASSES[true]}, labeled {CLASSES[given]}."
    slow, fast = (
        agreement_with_data(confusion([a for a in answers if a.is_timed is timed], true_labels))
        for timed in (False, True)
    )
    if slow is not None and fast is not None:
        text += f" Without a time limit {slow:.0%} are right; with one, {fast:.0%}."
    late = sum(answer.label is None for answer in answers)
    if late:
        text += f" Time ran out {plural(late, 'time')}."
    if left_out:
        text += f" {plural(left_out, 'visitor')} left out."
    return text


def describe_own(answers: Sequence[Answer], true_labels: NDArray[np.integer]) -> str:
    """Say how many of a visitor's own answers are right; true_labels: (N,)."""
    right = sum(answer.label == true_labels[answer.image] for answer in answers)
    return f"{right} of your {len(answers)} answers agree with the data set."


def describe_trained(
    whose: str, wrong: float, own: EpochRecord | None, random: EpochRecord | None
) -> str:
    """Say whether the class's labels or random labels hurt more, or what will be compared.

    whose: names the class's labels, in words. own, random: the last epochs of the two networks, or
    None. wrong: the share of wrong labels, which is the same for both.
    """
    if own is None or random is None:
        return (
            f"Two networks, each with {wrong:.0%} of its labels wrong: one is trained on labels confused like "
            f"{whose.lower()}, the other on equally many random errors. (Each class gets one extra right answer, so "
            "that no class is empty.)"
        )
    gap = 100 * (own.test_error - random.test_error)
    if abs(gap) < 100 * margin_of_error(1, OTHER_LABELS):
        return (
            f"With {wrong:.0%} wrong labels both networks misread about equally many new photographs: they differ by "
            f"{abs(gap):.1f} points. With 1,000 photographs that may be chance."
        )
    worse = f"{whose} hurt more" if gap > 0 else "Random labels hurt more"
    return f"{worse}: the test error is {abs(gap):.1f} points higher, with {wrong:.0%} of the labels wrong in both cases."
