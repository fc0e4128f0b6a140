"""The small network with more and with fewer hidden units, from the stored runs."""

import pandas as pd

from core.capacity.pixels import PIXEL_VALUES
from core.config import CLASS_COUNT, MODELS, TRAIN_IMAGES, RunConfig
from core.sweep.comparison import PROTOCOL, PROTOCOL_BATCH_SIZE, over_seeds
from core.sweep.reference import weights_that_suffice

ENOUGH = weights_that_suffice(TRAIN_IMAGES["embedded"])


def weights_of(width: int) -> int:
    """Weights and biases of the network with so many hidden units."""
    return (PIXEL_VALUES + 1) * width + (width + 1) * CLASS_COUNT


def width_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The stored runs on the embedded images that differ in level, width and seed alone."""
    same = (runs.model == MODELS[0]) & (runs.data == "embedded") & (runs.corruption == "labels")
    same &= (runs.batch_size == PROTOCOL_BATCH_SIZE["embedded"]) & (runs.epochs == RunConfig().epochs)
    same &= (runs.weight_decay == 0) & ~runs.random_crop & (runs.epochs_after_fitted == 0)
    same &= runs.learning_rate == RunConfig().learning_rate
    for name, value in PROTOCOL.items():
        if name != "width":
            same &= runs[name] == value
    return runs[same]


def width_means(runs: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The mean over the seeds and its 95% interval; runs: width_runs; quantity: a column of them.

    Columns width, weights, level, error, low, high, seeds.
    """
    parts = [
        over_seeds(rows, quantity, "error").assign(width=width, weights=weights_of(int(str(width))))
        for width, rows in runs.groupby("width")
    ]
    columns = ["width", "weights", "level", "error", "low", "high", "seeds"]
    means = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
    return means[columns].assign(low=means.low.clip(0, 1), high=means.high.clip(0, 1))
