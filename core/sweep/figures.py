"""The tables behind the figures of the sweep: our numbers next to the paper's."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.config import LEVELS, RunConfig, run_name
from core.records import FITTED_LOSS, EpochRecord
from core.sweep.grids import WEIGHT_DECAY
from core.sweep.protocol import is_as_in_the_paper, label_runs, protocol_runs
from core.sweep.reference import SERIES_1A, TABLE_NAMES, Source, paper_curve, sound_paper_curve
from core.sweep.statistics import BY_LEVEL, against_corrupted_labels, over_seeds

Guess = Sequence[Sequence[float]]  # test errors and training errors, each at LEVELS
FIT_RULES = {  # a training set counts as fitted when this metric is at most this value
    "error": ("train_error", 0.05),
    "loss": ("train_loss", FITTED_LOSS),
}


def level_means(runs: pd.DataFrame) -> pd.DataFrame:
    """The test and training errors at each level: the mean over the seeds, and its 95% interval.

    runs: rows of the sweep. Columns model, level, quantity, error, low, high, seeds. The interval
    of a single seed is NaN.
    """
    parts = [
        over_seeds(runs, name, "error").assign(quantity=quantity)
        for name, quantity in (
            ("final_test_error", "test error"),
            ("final_train_error", "training error"),
        )
    ]
    means = pd.concat(parts)[["model", "level", "quantity", "error", "low", "high", "seeds"]]
    return means.assign(low=means.low.clip(0, 1), high=means.high.clip(0, 1))


def best_means(runs: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """The smallest test error of any epoch at each level, the mean over the seeds.

    The test images choose the epoch, so it is a little too good. runs, epochs: rows of the sweep.
    Columns model, level, error, low, high, seeds.
    """
    best = runs.run_id.map(epochs.groupby("run_id").test_error.min()).astype(float)
    return over_seeds(runs.assign(best=best), "best", "error")


def fit_epochs(runs: pd.DataFrame, epochs: pd.DataFrame, rule: str = "error") -> pd.DataFrame:
    """The epoch in which each run's training set was fitted, by a rule of FIT_RULES.

    runs, epochs: rows of the sweep. Columns model, level, seed, epoch. The epoch is NaN for a run
    that was never fitted.
    """
    metric, limit = FIT_RULES[rule]
    first = epochs[epochs[metric] <= limit].groupby("run_id").epoch.min()
    fitted = runs.assign(epoch=runs.run_id.map(first).astype(float))
    return fitted[["model", "level", "seed", "epoch"]]


def relative_fit_times(fitted: pd.DataFrame) -> pd.DataFrame:
    """Figure 1b: epochs until fitted, as a multiple of those of the same network on true labels.

    fitted: from `fit_epochs`. Columns model, level, time, low, high, seeds, epochs: the mean of
    the ratios of single seeds, its 95% interval, and the mean epoch. A level is left out if one of
    its runs is not fitted, and a network if it has no runs on true labels.
    """
    base = fitted[fitted.level == 0].set_index(["model", "seed"]).epoch
    own = fitted.set_index(["model", "seed"]).index.map(base.to_dict())
    ratios = fitted.assign(time=fitted.epoch / own.to_numpy(dtype=float))
    complete = ratios.groupby(BY_LEVEL).time.transform(lambda times: times.notna().all())
    ratios = ratios[complete.astype(bool)]
    means = over_seeds(ratios, "time", "time")
    epochs = ratios.groupby(BY_LEVEL, as_index=False).agg(epochs=("epoch", "mean"))
    return means.merge(epochs, on=BY_LEVEL)


def series_runs(runs: pd.DataFrame, model: str, data: str) -> dict[str, pd.DataFrame]:
    """The stored runs by the protocol behind figure 1a, by the name of its series."""
    plain = protocol_runs(runs, data)
    plain = plain[(plain.model == model) & (plain.weight_decay == 0) & ~plain.random_crop]
    found = {
        name: plain[(plain.corruption == corruption) & (plain.level == level)]
        for name, (corruption, level) in SERIES_1A.items()
    }
    return {name: rows for name, rows in found.items() if len(rows)}


def loss_curves(
    series: dict[str, pd.DataFrame], epochs: pd.DataFrame, paper: dict[str, Any] | None
) -> pd.DataFrame:
    """Figure 1a: the mean training loss over the seeds, by epoch, as far as every seed goes.

    series: from `series_runs`; epochs: of these runs; paper: from `reference.paper`, to add the
    curves of its Inception. Columns series, epoch, loss, seeds, source.
    """
    parts = []
    for name, runs in series.items():
        own = epochs[epochs.run_id.isin(runs.run_id)]
        means = own.groupby("epoch").train_loss.agg(["mean", "size"]).reset_index()
        means = means[means["size"] == len(runs)].rename(columns={"mean": "loss", "size": "seeds"})
        parts.append(means.assign(series=name, source=Source.OURS.value))
    if paper:
        for name, values in paper["fig1a_average_train_loss_by_epoch"]["series"].items():
            rows = pd.DataFrame({"epoch": range(1, len(values) + 1), "loss": values})
            parts.append(rows.assign(series=name, source=Source.PAPER.value))
    columns = ["series", "epoch", "loss", "seeds", "source"]
    return pd.concat(parts or [pd.DataFrame()]).reindex(columns=columns)


def epochs_to_fit(curves: pd.DataFrame) -> pd.DataFrame:
    """The first epoch at which each curve has a loss of 0.05 or less, in order of the epoch.

    curves: from `loss_curves`. Columns source, series, epoch; curves without such an epoch are
    left out.
    """
    there = curves[curves.loss <= FITTED_LOSS]
    first = there.groupby(["source", "series"], as_index=False).epoch.min()
    return pd.DataFrame(first).sort_values(["source", "epoch"], kind="stable")


def regularized(runs: pd.DataFrame, data: str, paper: dict[str, Any], model: str) -> pd.DataFrame:
    """Tables 1 and 4 for one network: accuracies with and without each regularizer.

    There is a row for each setting that the paper prints or that is computed. Columns labels,
    random_crop, weight_decay, train, test, seeds (ours; fractions), gained (test accuracy compared
    with no regularizer, seed by seed), pairs (number of such seeds), paper_train, paper_test.
    """
    ours = protocol_runs(runs, data)
    ours = ours[(ours.model == model) & (ours.corruption == "labels") & ours.level.isin([0, 1])]
    ours = ours[ours.weight_decay.isin([0.0, WEIGHT_DECAY])]
    keys = ["labels", "random_crop", "weight_decay"]
    named = ours.assign(
        labels=ours.level.map({0.0: "true", 1.0: "random"}), weight_decay=ours.weight_decay > 0
    )
    bare = named[~named.random_crop & ~named.weight_decay]
    without = bare.set_index(["labels", "seed"]).final_test_error
    same = pd.MultiIndex.from_frame(named[["labels", "seed"]])
    gained = without.reindex(same).to_numpy(dtype=float) - named.final_test_error
    means = (
        named.assign(gained=gained)
        .groupby(keys, as_index=False)
        .agg(
            train=("final_train_error", "mean"),
            test=("final_test_error", "mean"),
            seeds=("seed", "nunique"),
            gained=("gained", "mean"),
            pairs=("gained", "count"),
        )
    )
    means = means.assign(train=1 - means.train, test=1 - means.test)
    if data != "full":
        return means.assign(paper_train=np.nan, paper_test=np.nan)
    printed: dict[tuple[str, bool, bool], tuple[float, float]] = {}
    for name, _, crop, decay, labels, train, test in paper["table1_percent_accuracy"]["rows"]:
        if TABLE_NAMES[name] == model:
            printed[labels, crop, decay] = (train / 100, test / 100)
    table_4 = paper["table4_percent_train_accuracy_on_random_labels_with_a_regularizer"]
    for regularizer, crop, decay in (("weight decay", False, True), ("random crop", True, False)):
        for name, value in table_4[regularizer].items():
            if TABLE_NAMES[name] == model and not isinstance(value, str):
                printed["random", crop, decay] = (value / 100, np.nan)
    theirs = pd.DataFrame(
        [(*key, *values) for key, values in printed.items()],
        columns=[*keys, "paper_train", "paper_test"],
    )
    both = means.merge(theirs, on=keys, how="outer")
    return both.sort_values(keys, ascending=[False, True, True], ignore_index=True)


def sweep_test_error(runs: pd.DataFrame, config: RunConfig) -> float | None:
    """Our test error on all images for this network and level, the mean over seeds, or None."""
    if not is_as_in_the_paper(config):
        return None
    runs = label_runs(runs)
    same = runs[(runs.model == config.model) & (runs.level == config.level)]
    return float(same.final_test_error.mean()) if len(same) else None


def next_to_paper(runs: pd.DataFrame, paper: dict[str, Any], model: str) -> pd.DataFrame:
    """Figure 1c in fractions: a row for each level that both the paper and we have.

    Columns level, ours (mean over the seeds), converted (as if the test labels were corrupted as
    well), paper, is_slip (whether the paper repeats another level's point).
    """
    means = runs[runs.model == model].groupby("level").final_test_error.mean()
    ours = means.rename("ours").reset_index()
    theirs = paper_curve(paper, model).rename(columns={"test_error": "paper"})
    table = ours.merge(theirs, on="level")
    sound = sound_paper_curve(paper, model).level
    return table.assign(
        is_slip=~table.level.isin(sound),
        converted=against_corrupted_labels(table.ours, table.level),
    )


def guess_gaps(guess: Guess, ours: pd.DataFrame) -> tuple[float, float] | None:
    """The mean absolute errors of a guess over the computed levels: (test error, training error).

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
    """Finished runs with corrupted labels as points of the sweep's chart, by their last epochs."""
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
