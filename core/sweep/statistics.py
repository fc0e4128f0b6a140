"""The numbers that sentences quote: means and intervals, margins of error, chance, laws, peaks.

Errors and shares are fractions of 1.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from core.config import CLASS_COUNT, TEST_IMAGES, RunConfig

BY_LEVEL = ["model", "level"]
# Student's t at 97.5% for 2, 3, ... seeds: half the width of a 95% interval in standard errors.
T_95 = dict(enumerate((12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262), start=2))
CHANCE_LEVEL = 1 - 1 / CLASS_COUNT  # error of a guess
# Of so many embedded test images one of two networks alone is right: 0.13 to 0.17 of two seeds of the
# small network (measured at 20, 40 and 80%), and more where their training differs.
ONE_ALONE_IS_RIGHT = 0.2
DECAY_LEVELS = (0.1, 0.8)  # between these a power law is fitted: near 1 only chance is left
Number = TypeVar("Number", float, pd.Series)


def against_corrupted_labels(test_error: Number, level: Number) -> Number:
    """The error to expect of the same predictions if the test labels were corrupted, too.

    A test label redrawn with probability `level` agrees with any prediction one time in ten.
    Numbers or columns, in [0, 1].
    """
    return 1 - (1 - level) * (1 - test_error) - level / CLASS_COUNT


def margin_of_error(seeds: int) -> float:
    """How far two test errors on the same 1,000 images may lie apart by chance: two standard errors.

    Of means over so many seeds, of which each trains one network with something and one without.
    """
    variance = ONE_ALONE_IS_RIGHT / TEST_IMAGES["embedded"] / seeds
    return 2 * float(variance**0.5)


class PowerLaw(NamedTuple):
    """y = factor (1 - p)^exponent."""

    exponent: float
    factor: float
    error: float  # standard error of the exponent, from how far the points lie off the line
    levels: int  # that it is fitted over


def decay_above_chance(levels: pd.Series, errors: pd.Series) -> PowerLaw | None:
    """How the accuracy above chance, 0.9 - error, falls as fewer labels are kept.

    Least squares of the logarithms, over levels from 10% to 80%; None for fewer than three of
    them. Against test labels corrupted at the same level the exponent is larger by exactly 1:
    see against_corrupted_labels, by which 0.9 - error is multiplied by 1 - p.
    """
    low, high = DECAY_LEVELS
    inner = (levels >= low) & (levels <= high) & (errors < CHANCE_LEVEL)
    if inner.sum() < 3:
        return None
    kept, above = np.log(1 - levels[inner]), np.log(CHANCE_LEVEL - errors[inner])
    slope, start = np.polyfit(kept, above, 1)
    off = above - (slope * kept + start)
    variance = (off**2).sum() / (len(off) - 2) / ((kept - kept.mean()) ** 2).sum()
    return PowerLaw(float(slope), float(np.exp(start)), float(variance**0.5), len(off))


def over_seeds(
    runs: pd.DataFrame, column: str, name: str, by: Sequence[str] = BY_LEVEL
) -> pd.DataFrame:
    """For each network and level (or what `by` says) the mean of a column, its 95% t interval, the seeds."""
    groups = runs.groupby(list(by), as_index=False)
    means = groups.agg(**{name: (column, "mean"), "std": (column, "std"), "seeds": ("seed", "nunique")})
    half = means.seeds.map(T_95) * means["std"] / means.seeds**0.5
    return means.assign(low=means[name] - half, high=means[name] + half).drop(columns="std")


def chance_repeats(config: RunConfig, recovered: float | None) -> float | None:
    """The share of wrong labels that a network would repeat by chance.

    recovered: the share of the wrongly labeled images that it predicts as their true class. Its
    other predictions hit the wrong label one time in nine where labels are drawn from all ten
    classes alike. None for other noise, whose wrong labels look like what a network confuses by
    itself, and where no label is wrong.
    """
    if recovered is None or config.noise != "uniform":
        return None
    return (1 - recovered) / (CLASS_COUNT - 1)


class Gain(NamedTuple):
    """The mean of a gain over runs, and two standard errors of it."""

    mean: float
    margin: float | None  # None: too few runs to tell
    runs: int


def mean_gain(gains: pd.Series) -> Gain:
    """gains: one for each run. The margin needs three runs: of two it is hardly known."""
    count = len(gains)
    margin = 2 * float(gains.std()) / count**0.5 if count > 2 else None
    return Gain(float(gains.mean()), margin, count)


class Descent(NamedTuple):
    """How far a sequence rises above its least value so far, and falls again from that peak."""

    rise: float
    fall: float


def descent(values: Sequence[float]) -> Descent:
    """Of a sequence with at least one value; one that only falls has neither."""
    array = np.asarray(values, dtype=float)
    above = array - np.minimum.accumulate(array)
    peak = int(above.argmax())
    if not above[peak]:
        return Descent(0.0, 0.0)
    return Descent(float(above[peak]), float(array[peak] - array[peak:].min()))


def pair_order(right: ArrayLike, wrong: ArrayLike) -> float | None:
    """The chance that a wrong label has the higher loss than a right one; a tie counts half.

    right, wrong: counts of images in the bins of one histogram, rising. This is the area under
    the ROC curve. None where one of them is empty.
    """
    right, wrong = np.asarray(right, dtype=float), np.asarray(wrong, dtype=float)
    if not right.sum() or not wrong.sum():
        return None
    below = np.cumsum(right) - right / 2
    return float((wrong * below).sum() / (wrong.sum() * right.sum()))


STOPS_MEMORIZING, HARDLY_STOPS = 0.2, 0.98  # of random labels repeated: a tenth is chance


def stops_memorizing(repeated: float) -> bool | None:
    """Whether a network that repeats this share of random labels was kept from it; None: in part."""
    if repeated > HARDLY_STOPS:
        return False
    return None if repeated > STOPS_MEMORIZING else True


def held_out_costs(ends: pd.Series, stopped: pd.Series) -> pd.DataFrame:
    """What stopping by held-out images gains over training on all images to the end.

    ends, stopped: test errors by (level, seed). Columns gain, seeds, margin (of error); a row
    for each level at which both are known.
    """
    gains = (ends - stopped).dropna().groupby("level").agg(["mean", "size"])
    return gains.rename(columns={"mean": "gain", "size": "seeds"}).assign(
        margin=lambda table: table.seeds.map(margin_of_error)
    )
