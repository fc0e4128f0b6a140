"""Sentences about how many weights memorizing takes: widths, the theorem and the kernel."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.capacity.demonstrations import Built, Solved
from core.capacity.kernel import Influences
from core.capacity.memorization import Memorized
from core.config import TRAIN_IMAGES
from core.data.cifar10 import CLASSES
from core.sweep.grids import WIDTHS
from core.sweep.statistics import OTHER_LABELS, margin_of_error, rise_and_fall
from core.view.words import all_but, compute, duration, per_cent, plural

FITTED = 0.005  # the largest training error with which a network counts as fitting all labels
DRAWN = (0.0, 0.1, 0.2)  # the corruption levels in the chart
POINTS = 0.01  # the smallest change of the mean test error worth mentioning


def describe_fitting(means: pd.DataFrame, enough: int) -> str:
    """Say how many weights repeat random labels; means: widths.width_means of their training errors.

    enough: the number of weights that suffice by theorem 1.
    """
    if not len(means):
        asked = (
            "How many weights does the network need to repeat random labels? That is not computed yet."
        )
        return asked + compute("mini-widths")
    fitted = means[means.error <= FITTED].sort_values("weights")
    narrow = means.sort_values("weights").iloc[0]
    start = (
        f"With {plural(int(narrow.width), 'hidden unit')} the network fails to learn "
        f"{narrow.error:.0%} of 5,000 random labels"
    )
    if not len(fitted):
        return start + "; no network computed so far learns all of them."
    first = fitted.iloc[0]
    return (
        f"{start}; with {int(first.width)} units, {int(first.weights):,} weights, it learns "
        f"{all_but(first.error, TRAIN_IMAGES['embedded'])}. In theory {enough:,} weights would be enough."
    )


def describe_descent(means: pd.DataFrame) -> str:
    """Say whether the test error falls, rises and falls again with more weights.

    means: widths.width_means of test errors. A level with a missing width is left out, because the
    rise may be there.
    """
    means = means[means.level.isin(DRAWN)]
    means = means[means.groupby("level").width.transform("nunique") == len(WIDTHS)]
    if means.empty:
        return "What more weights do to the test error is not computed yet." + compute("mini-widths")
    parts, rises = [], []
    for level, rows in means.groupby("level"):
        rise, fall = rise_and_fall(rows.sort_values("weights").error.tolist())
        name = f"at {float(str(level)):.0%} random labels" if level else "on true labels"
        rises += [rise] if rise > POINTS else []
        if rise > POINTS and fall > POINTS:
            parts.append(
                f"{name} it rises by {100 * rise:.1f} points and falls again by {100 * fall:.1f}"
            )
        elif rise > POINTS:
            parts.append(f"{name} it rises again by {100 * rise:.1f} points")
        else:
            parts.append(f"{name} it only falls")
    seeds = int(means.seeds.min())
    margin = margin_of_error(seeds, OTHER_LABELS)  # networks of two widths start from other weights
    chance = ": such a small rise may be chance" if rises and max(rises) <= margin else ""
    return (
        f"What more weights do to the test error: {', '.join(parts)} (means of {plural(seeds, 'seed')} on 1,000 "
        f"images, known to {100 * margin:.1f} points{chance})."
    )


def describe_theorem(built: Built) -> str:
    """Say what the construction of theorem 1 gave."""
    images = TRAIN_IMAGES["embedded"]
    return (
        f"Built in {duration(built.seconds)}, without any training: {built.weights:,} weights repeat "
        f"{all_but(built.errors / images, images)} random labels. The largest weight is about "
        f"{float(f'{built.largest:.0e}'):,.0f}. Such a network exists, but nobody would trust it: in single "
        f"precision, which all other networks here use, it misses {built.errors_in_float32:,} labels, and "
        f"{built.no_class:.1%} of its answers to new photographs are not even a class."
    )


def describe_memorized(found: Memorized) -> str:
    """Say how many photographs the kernel fit has memorized, and what that is good for."""
    count, share = len(found.is_memorized), float(found.is_memorized.mean())
    useful = float(found.influences.decisive[found.is_memorized].mean())
    return (
        f"Each of the {count:,} photographs left out in turn, exactly and in {duration(found.seconds)}: without itself, "
        f"{share:.0%} of them would be named wrongly. This method has memorized their labels, although all are true. "
        f"Yet {useful:.0%} of these are needed: without them it would misread a new photograph that it reads correctly."
    )


def describe_estimated(memorization: NDArray[np.float64], networks: int) -> str:
    """Say how much a small network memorizes; memorization: of `estimated_memorization`, (n,)."""
    known = memorization[~np.isnan(memorization)]
    return (
        f"A small network, too, learns true labels by heart: estimated from {networks} networks that each studied 70% of "
        f"the photographs, it owes {known.mean():.0%} of its right answers on studied photographs to having studied "
        "them (right with the photograph, wrong without it, on average)."
    )


def describe_influence(found: Influences, photo: int, true: int) -> str:
    """Say what the method answers for a test photograph; photo: its index; true: its class."""
    answer = CLASSES[found.answers[photo]]
    real = CLASSES[true]
    start = (
        f"This {real} is read correctly" if answer == real else f"This {real} is taken for a {answer}"
    )
    return f"{start}. Of the 5,000 photographs studied, these six weigh most for it:"


def kernel_rows(solved: Solved) -> pd.DataFrame:
    """Return the table of errors and norms of the kernel solutions for true and random labels."""
    fits = {"true": solved.true, "random": solved.random}
    return pd.DataFrame(
        {
            "Labels": list(fits),
            "Training error": [per_cent(fit.train_error) for fit in fits.values()],
            "Test error": [per_cent(fit.test_error) for fit in fits.values()],
            "Norm of the solution": [f"{fit.norm:,.0f}" for fit in fits.values()],
        }
    )


def describe_kernel(solved: Solved, network: float | None) -> str:
    """Say what the kernel solution repeats; network: the small network's test error on true labels."""
    compared = (
        "" if network is None else f" The small network, trained on the same images: {network:.1%}."
    )
    return (
        f"One system of {TRAIN_IMAGES['embedded']:,} equations, solved in {duration(solved.seconds)}: on true labels "
        f"{solved.true.test_error:.1%} of new photographs are misread.{compared} It repeats "
        f"{all_but(solved.random.train_error, TRAIN_IMAGES['embedded'])} random labels, too; the norm of that solution is "
        f"{solved.random.norm / solved.true.norm:.1f} times the norm of the solution for true labels."
    )
