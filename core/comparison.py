"""Our numbers beside the paper's: tables for the pages and charts."""

import pandas as pd

from core.config import RunConfig, run_name
from core.records import EpochRecord

PAPER_NAMES = {  # of the networks in the paper's figure 1
    "mlp-1x512": "MLP 1x512",
    "alexnet": "AlexNet",
    "inception": "Inception",
}


def paper_curve(paper: dict, model: str) -> pd.DataFrame:
    """The paper's figure 1c for one network: columns level, test_error; empty if not in it."""
    figure = paper["fig1c_test_error"]
    values = figure["series"].get(PAPER_NAMES.get(model), [])
    return pd.DataFrame({"level": figure["corruption"][: len(values)], "test_error": values})


def paper_test_error(paper: dict, config: RunConfig) -> float | None:
    """The paper's test error for this network at this level, where its figure has that point."""
    if config.corruption != "labels":
        return None
    curve = paper_curve(paper, config.model)
    near = curve[(curve.level - config.level).abs() < 1e-6]
    return float(near.test_error.iloc[0]) if len(near) else None


def against_corrupted_labels(test_error, level):
    """The error to expect of the same predictions if the test labels were corrupted, too.

    A test label redrawn with probability `level` agrees with any prediction one time in ten.
    Numbers or arrays in [0, 1].
    """
    return 1 - (1 - level) * (1 - test_error) - level / 10


def label_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The sweep's runs on all images with corrupted labels, without any regularizer."""
    if not len(runs):
        return runs
    keep = (runs.data == "full") & (runs.corruption == "labels")
    return runs[keep & (runs.weight_decay == 0) & ~runs.random_crop]


def sweep_test_error(runs: pd.DataFrame, config: RunConfig) -> float | None:
    """Our own test error on all images for this network and level, the mean over seeds."""
    runs = label_runs(runs)
    if not len(runs) or config.corruption != "labels":
        return None
    same = runs[(runs.model == config.model) & ((runs.level - config.level).abs() < 1e-6)]
    return float(same.final_test_error.mean()) if len(same) else None


def beside_paper(runs: pd.DataFrame, paper: dict, model: str) -> pd.DataFrame:
    """One row for each level computed: our errors (per cent, mean over seeds) and the paper's."""
    ours = runs[runs.model == model].groupby("level", as_index=False)
    table = ours.agg(
        train=("final_train_error", "mean"),
        test=("final_test_error", "mean"),
        seeds=("seed", "nunique"),
    )
    theirs = paper_curve(paper, model).assign(level=lambda rows: rows.level.round(6))
    table = table.assign(level=table.level.round(6)).merge(theirs, on="level", how="left")
    both = against_corrupted_labels(table.test, table.level)
    return pd.DataFrame(
        {
            "Level": (100 * table.level).round().astype(int),
            "Training error": (100 * table.train).round(2),
            "Test error": (100 * table.test).round(2),
            "The paper's": (100 * table.test_error).round(2),
            "Difference": (100 * (table.test - table.test_error)).round(2),
            "Ours with corrupted test labels": (100 * both).round(2),
            "Seeds": table.seeds,
        }
    )


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
