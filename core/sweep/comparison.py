"""Our numbers beside the paper's: tables for the pages and charts."""

from collections.abc import Sequence
from typing import Any, TypeVar

import pandas as pd

from core.config import LEVELS, RunConfig, run_name
from core.records import FITTED_LOSS, EpochRecord
from core.sweep.reference import paper_curve

PROTOCOL_BATCH_SIZE = {"full": 128, "embedded": 64}  # of the grids "paper" and "mini"
BY_LEVEL = ["model", "level"]

Guess = Sequence[Sequence[float]]  # test errors and training errors, each at LEVELS
FIT_RULES = {  # when a training set counts as fitted: a metric, and the value to reach
    "loss": ("train_loss", FITTED_LOSS),
    "error": ("train_error", 0.05),
}


Number = TypeVar("Number", float, pd.Series)


def against_corrupted_labels(test_error: Number, level: Number) -> Number:
    """The error to expect of the same predictions if the test labels were corrupted, too.

    A test label redrawn with probability `level` agrees with any prediction one time in ten.
    Numbers or columns, in [0, 1].
    """
    return 1 - (1 - level) * (1 - test_error) - level / 10


def label_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The sweep's runs with corrupted labels, without any regularizer, as in figure 1c.

    Of several grids' runs of one network: those at the protocol's batch size of that data,
    and of the same network, level and seed the one that was to go on longest.
    """
    plain = runs[
        (runs.data == data)
        & (runs.corruption == "labels")
        & (runs.batch_size == PROTOCOL_BATCH_SIZE[data])
        & (runs.weight_decay == 0)
        & ~runs.random_crop
    ]
    longest = plain.sort_values(["epochs", "epochs_after_fitted"], kind="stable")
    return longest.drop_duplicates([*BY_LEVEL, "seed"], keep="last").sort_index()


def level_means(runs: pd.DataFrame) -> pd.DataFrame:
    """Test and training error at each level: the mean over the seeds, the least and the most.

    Columns model, level, quantity, error, low, high, seeds; runs: rows of the sweep.
    """
    parts = [
        _over_seeds(runs, name, "error").assign(quantity=quantity)
        for name, quantity in (
            ("final_test_error", "test error"),
            ("final_train_error", "training error"),
        )
    ]
    return pd.concat(parts)[["model", "level", "quantity", "error", "low", "high", "seeds"]]


def _over_seeds(runs: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    """For each network and level the mean of a column, its least and greatest value, the seeds."""
    low_to_high = {name: (column, "mean"), "low": (column, "min"), "high": (column, "max")}
    groups = runs.groupby(BY_LEVEL, as_index=False)
    return groups.agg(**low_to_high, seeds=("seed", "nunique"))


def fit_epochs(runs: pd.DataFrame, epochs: pd.DataFrame, rule: str = "loss") -> pd.DataFrame:
    """The epoch in which each run's training set was fitted, by a rule of FIT_RULES.

    runs, epochs: rows of the sweep. Columns model, level, seed, epoch; runs that never
    got there are left out.
    """
    metric, limit = FIT_RULES[rule]
    first = epochs[epochs[metric] <= limit].groupby("run_id").epoch.min()
    fitted = runs.assign(epoch=runs.run_id.map(first).astype(float))
    return fitted[["model", "level", "seed", "epoch"]].dropna(subset="epoch")


def relative_fit_times(fitted: pd.DataFrame) -> pd.DataFrame:
    """Figure 1b: epochs until fitted, as a multiple of the same network's on true labels.

    fitted: fit_epochs(). Columns model, level, time, low, high, seeds; a network is left
    out where its true labels are not computed. The band is that of the seeds' own epochs.
    """
    means = _over_seeds(fitted, "epoch", "time")
    base = means[means.level == 0].set_index("model").time
    unit = means.model.map(base).astype(float)
    for name in ("time", "low", "high"):
        means[name] = means[name] / unit
    return means.dropna(subset="time")


def sweep_test_error(runs: pd.DataFrame, config: RunConfig) -> float | None:
    """Our own test error on all images for this network and level, the mean over seeds."""
    if config.corruption != "labels":
        return None
    runs = label_runs(runs)
    same = runs[(runs.model == config.model) & (runs.level == config.level)]
    return float(same.final_test_error.mean()) if len(same) else None


def beside_paper(runs: pd.DataFrame, paper: dict[str, Any], model: str) -> pd.DataFrame:
    """Figure 1c in fractions, a row for each level computed (mean over seeds) that the paper has.

    Columns level, ours, converted (against test labels corrupted, too), paper.
    """
    means = runs[runs.model == model].groupby("level").final_test_error.mean()
    ours = means.rename("ours").reset_index()
    theirs = paper_curve(paper, model).rename(columns={"test_error": "paper"})
    table = ours.merge(theirs, on="level")
    return table.assign(converted=against_corrupted_labels(table.ours, table.level))


def guess_gaps(guess: Guess, ours: pd.DataFrame) -> tuple[float, float] | None:
    """How far a guess is off, on average over the levels that are computed.

    guess: test errors and training errors at the 11 levels; ours: rows of the sweep, of one
    network. None where nothing is computed.
    """
    means = level_means(ours)
    gaps = []
    for quantity, values in zip(("test error", "training error"), guess, strict=True):
        truth = means[means.quantity == quantity]
        guessed = truth.level.map(dict(zip(LEVELS, values, strict=True)))
        gaps.append(float((truth.error - guessed).abs().mean()))
    test, training = gaps
    return (test, training) if len(means) else None


def points(finished: list[tuple[RunConfig, EpochRecord]]) -> pd.DataFrame:
    """Finished runs with corrupted labels as points of the sweep's chart, from their last epochs."""
    rows = [
        {
            "model": config.model,
            "level": config.level,
            "run": run_name(config),
            "test_error": record.test_error,
            "train_error": record.train_error,
        }
        for config, record in finished
        if config.corruption == "labels"
    ]
    return pd.DataFrame(rows, columns=["model", "level", "run", "test_error", "train_error"])
