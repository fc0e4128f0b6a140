"""The numbers that sentences quote: means, intervals, margins of error, chance, power laws, peaks.

Errors and shares are fractions of 1.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from core.config import CLASS_COUNT, TEST_IMAGES, RunConfig
from core.data.noise import has_uniform_wrong_labels

BY_LEVEL = ["model", "level"]
# Student's t at 97.5% for 2 to 30 seeds: half the width of a 95% interval in standard errors. With
# more seeds 1.96 is close enough.
_T_95 = (
    "12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 2.160 2.145 2.131 2.120 "
    "2.110 2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 2.056 2.052 2.048 2.045"
)
T_95 = dict(enumerate(map(float, _T_95.split()), start=2))
CHANCE_LEVEL = 1 - 1 / CLASS_COUNT  # error of a random guess
# Share of the embedded test images that exactly one of two networks classifies correctly, measured
# with the small network at 40%. With the same seed and labels: 0.08 with weight decay, 0.21 with
# generalized cross-entropy. With another seed, or with other wrong labels: 0.27 to 0.31.
ONE_ALONE_IS_RIGHT = 0.22
OTHER_LABELS = 0.32
DECAY_LEVELS = (0.1, 0.8)  # range in which a power law is fitted; near 1 only chance is left
Number = TypeVar("Number", float, pd.Series)


def against_corrupted_labels(test_error: Number, level: Number) -> Number:
    """The expected error of the same predictions if the test labels were corrupted as well.

    A redrawn test label, which has probability `level`, agrees with any prediction one time in ten.
    test_error and level are numbers or columns in [0, 1].
    """
    return 1 - (1 - level) * (1 - test_error) - level / CLASS_COUNT


def margin_of_error(seeds: int, one_alone: float = ONE_ALONE_IS_RIGHT) -> float:
    """Two standard errors of the difference of two mean test errors on the same 1,000 images.

    Each of the `seeds` seeds trains two networks, one for each mean. one_alone: the share of images
    that exactly one of the two classifies correctly; OTHER_LABELS where their wrong labels differ.
    """
    variance = one_alone / TEST_IMAGES["embedded"] / seeds
    return 2 * float(variance**0.5)


class PowerLaw(NamedTuple):
    """The fitted power law y = factor (1 - p)^exponent."""

    exponent: float
    factor: float
    error: float  # standard error of the exponent, from the residuals
    levels: int  # number of levels in the fit


def decay_above_chance(levels: pd.Series, errors: pd.Series) -> PowerLaw | None:
    """Fit a power law to the accuracy above chance, 0.9 - error, as a function of 1 - p.

    It is a least-squares fit of the logarithms over levels from 10% to 80% with an error below
    chance. Returns None if fewer than three remain. Against test labels corrupted at the same level the exponent is larger by
    exactly 1, because `against_corrupted_labels` multiplies 0.9 - error by 1 - p.
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
    """The mean of a column over the seeds, with its 95% t interval, for each network and level.

    by: columns to group by, instead of network and level. Returns the columns `by`, `name`, seeds, low and high.
    """
    groups = runs.groupby(list(by), as_index=False)
    means = groups.agg(**{name: (column, "mean"), "std": (column, "std"), "seeds": ("seed", "nunique")})
    t_values = means.seeds.map(lambda seeds: T_95.get(seeds, 1.96 if seeds > 1 else np.nan))
    half = t_values * means["std"] / means.seeds**0.5
    return means.assign(low=means[name] - half, high=means[name] + half).drop(columns="std")


def chance_repeats(config: RunConfig, recovered: float | None) -> float | None:
    """The share of wrong labels that a network would repeat by chance.

    recovered: the share of the wrongly labeled images that it predicts as their true class. Its
    other predictions hit the wrong label one time in nine where each other class is equally often
    the wrong label. None for other noise and after a repair, whose wrong labels resemble the
    network's own confusions, and where no label is wrong.
    """
    if recovered is None or config.repair != "none" or not has_uniform_wrong_labels(config):
        return None
    return (1 - recovered) / (CLASS_COUNT - 1)


class SeedGains(NamedTuple):
    """The mean gain of each seed, and half the 95% t interval of their mean."""

    by_seed: list[float]
    mean: float
    margin: float | None  # None: a single seed


def gains_by_seed(gains: pd.Series, seeds: pd.Series) -> SeedGains:
    """Average the gains of single runs within each seed. gains, seeds: one value for each run.

    Runs of one seed share weights, orders and held-out images, so only seeds are independent.
    """
    means = gains.groupby(seeds.to_numpy()).mean()
    count = len(means)
    margin = half_interval(float(means.std()), count) if count > 1 else None
    return SeedGains(means.tolist(), float(means.mean()), margin)


def half_interval(deviation: float, count: int) -> float:
    """Half the 95% t interval of a mean of `count` values, two or more, with this standard deviation."""
    return T_95.get(count, 1.96) * deviation / count**0.5


class RiseAndFall(NamedTuple):
    """The largest rise of a sequence above its smallest value so far, and the fall after that peak."""

    rise: float
    fall: float


def rise_and_fall(values: Sequence[float]) -> RiseAndFall:
    """Find the largest rise of a non-empty sequence; rise and fall are 0 where it never rises."""
    array = np.asarray(values, dtype=float)
    above = array - np.minimum.accumulate(array)
    peak = int(above.argmax())
    if not above[peak]:
        return RiseAndFall(0.0, 0.0)
    return RiseAndFall(float(above[peak]), float(array[peak] - array[peak:].min()))


def loss_auc(right: ArrayLike, wrong: ArrayLike) -> float | None:
    """The probability that a wrong label has a higher loss than a right one; a tie counts half.

    right, wrong: counts of images in the bins of one histogram, by rising loss. This is the area
    under the ROC curve. None where one of them is empty.
    """
    right, wrong = np.asarray(right, dtype=float), np.asarray(wrong, dtype=float)
    if not right.sum() or not wrong.sum():
        return None
    below = np.cumsum(right) - right / 2
    return float((wrong * below).sum() / (wrong.sum() * right.sum()))


# Shares of random labels that a network repeats; chance is 0.1. Up to the first it has not memorized
# them, above the second it has.
STOPS_MEMORIZING, HARDLY_STOPS = 0.2, 0.98


def stops_memorizing(repeated: float) -> bool | None:
    """Return True if a network that repeats this share of random labels was kept from memorizing.

    Returns False if it memorized them, None if it memorized some.
    """
    if repeated > HARDLY_STOPS:
        return False
    return None if repeated > STOPS_MEMORIZING else True


def early_stopping_gains(ends: pd.Series, stopped: pd.Series) -> pd.DataFrame:
    """The gain of stopping by held-out images over training on all images to the end.

    ends, stopped: test errors by (level, seed). Columns gain, seeds, margin (of error), with a row
    for each level at which both are known.
    """
    gains = (ends - stopped).dropna().groupby("level").agg(["mean", "size"])
    return gains.rename(columns={"mean": "gain", "size": "seeds"}).assign(
        margin=lambda table: table.seeds.map(margin_of_error)
    )
