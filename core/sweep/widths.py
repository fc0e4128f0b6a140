"""The small network with more and fewer hidden units, from the stored runs."""

import pandas as pd

from core.capacity.pixels import PIXEL_VALUES
from core.choices import USUAL_NETWORK
from core.config import CLASS_COUNT, TRAIN_IMAGES, RunConfig
from core.sweep.protocol import by_protocol
from core.sweep.reference import weights_that_suffice
from core.sweep.statistics import over_seeds

ENOUGH = weights_that_suffice(TRAIN_IMAGES["embedded"])


def weights_of(width: int) -> int:
    """The number of weights and biases of the network with `width` hidden units."""
    return (PIXEL_VALUES + 1) * width + (width + 1) * CLASS_COUNT


def width_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The stored runs on the embedded images that differ only in level, width and seed."""
    runs = by_protocol(runs, "embedded", but=("width",))
    same = (runs.model == USUAL_NETWORK) & (runs.corruption == "labels")
    same &= (runs.epochs == RunConfig().epochs) & (runs.epochs_after_fitted == 0)
    return runs[same & (runs.weight_decay == 0) & ~runs.random_crop]


def width_means(runs: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The mean of a quantity over the seeds, and its 95% interval.

    runs: from `width_runs`; quantity: a column of them. Columns width, weights, level, error, low,
    high, seeds.
    """
    means = over_seeds(runs, quantity, "error", by=("width", "level"))
    means["weights"] = means.width.map(weights_of)
    columns = ["width", "weights", "level", "error", "low", "high", "seeds"]
    return means[columns].assign(low=means.low.clip(0, 1), high=means.high.clip(0, 1))
