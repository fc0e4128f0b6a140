"""Our numbers beside the paper's: tables for the pages and charts."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from core.choices import NETWORKS
from core.config import LEVELS, TEST_IMAGES, RunConfig, run_name
from core.records import FITTED_LOSS, EpochRecord
from core.sweep.grids import WEIGHT_DECAY
from core.sweep.reference import (
    PROTOCOL,
    SERIES_1A,
    TABLE_NAMES,
    Source,
    is_as_in_the_paper,
    paper_curve,
    sound_paper_curve,
)

PROTOCOL_BATCH_SIZE = {"full": 128, "embedded": 64}  # of the grids "paper" and "mini"
BY_LEVEL = ["model", "level"]

Guess = Sequence[Sequence[float]]  # test errors and training errors, each at LEVELS
FIT_RULES = {  # when a training set counts as fitted: a metric, and the value to reach
    "error": ("train_error", 0.05),
    "loss": ("train_loss", FITTED_LOSS),
}
# Student's t at 97.5% for 2, 3, ... seeds: half the width of a 95% interval in standard errors.
T_95 = dict(enumerate((12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262), start=2))
CHANCE_ERROR = 0.9
# Of so many embedded test images one of two networks alone is right: 0.13 to 0.17 of two seeds of the
# small network (measured at 20, 40 and 80%), and more where their training differs.
ONE_ALONE_IS_RIGHT = 0.2
DECAY_LEVELS = (0.1, 0.8)  # between these a power law is fitted: near 1 only chance is left
EXPERIMENT = ["model", "level", "corruption", "weight_decay", "random_crop"]  # all but seed and length


Number = TypeVar("Number", float, pd.Series)


def against_corrupted_labels(test_error: Number, level: Number) -> Number:
    """The error to expect of the same predictions if the test labels were corrupted, too.

    A test label redrawn with probability `level` agrees with any prediction one time in ten.
    Numbers or columns, in [0, 1].
    """
    return 1 - (1 - level) * (1 - test_error) - level / 10


def by_chance(seeds: int) -> float:
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
    inner = (levels >= low) & (levels <= high) & (errors < CHANCE_ERROR)
    if inner.sum() < 3:
        return None
    kept, above = np.log(1 - levels[inner]), np.log(CHANCE_ERROR - errors[inner])
    slope, start = np.polyfit(kept, above, 1)
    off = above - (slope * kept + start)
    variance = (off**2).sum() / (len(off) - 2) / ((kept - kept.mean()) ** 2).sum()
    return PowerLaw(float(slope), float(np.exp(start)), float(variance**0.5), len(off))


def protocol_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The sweep's runs that may be averaged over their seeds: alike in all else.

    Those with the protocol's batch size and learning rate; and of one experiment those that
    were to go on longest, for an end that was read early is another number.
    """
    runs = by_protocol(runs, data)
    length = runs.epochs + runs.epochs_after_fitted / 1000  # the epochs first
    return runs[length == length.groupby([runs[name] for name in EXPERIMENT]).transform("max")]


def by_protocol(runs: pd.DataFrame, data: str, but: Sequence[str] = ()) -> pd.DataFrame:
    """Those of these runs that keep to the protocol, however long; but: what of PROTOCOL may differ."""
    same = (runs.data == data) & (runs.batch_size == PROTOCOL_BATCH_SIZE[data])
    same &= runs.learning_rate == runs.model.map(
        {name: network.learning_rate for name, network in NETWORKS.items()}
    )
    for name, value in PROTOCOL.items():
        if name not in but:
            same &= runs[name] == value
    return runs[same]


def label_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The protocol's runs with corrupted labels, without any regularizer, as in figure 1c."""
    runs = protocol_runs(runs, data)
    return runs[(runs.corruption == "labels") & (runs.weight_decay == 0) & ~runs.random_crop]


def level_means(runs: pd.DataFrame) -> pd.DataFrame:
    """Test and training error at each level: the mean over the seeds, and its 95% interval.

    Columns model, level, quantity, error, low, high, seeds; of one seed there is no interval.
    runs: rows of the sweep.
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


def over_seeds(
    runs: pd.DataFrame, column: str, name: str, by: Sequence[str] = BY_LEVEL
) -> pd.DataFrame:
    """For each network and level (or what `by` says) the mean of a column, its 95% t interval, the seeds."""
    groups = runs.groupby(list(by), as_index=False)
    means = groups.agg(**{name: (column, "mean"), "std": (column, "std"), "seeds": ("seed", "nunique")})
    half = means.seeds.map(T_95) * means["std"] / means.seeds**0.5
    return means.assign(low=means[name] - half, high=means[name] + half).drop(columns="std")


def fit_epochs(runs: pd.DataFrame, epochs: pd.DataFrame, rule: str = "error") -> pd.DataFrame:
    """The epoch in which each run's training set was fitted, by a rule of FIT_RULES.

    runs, epochs: rows of the sweep. Columns model, level, seed, epoch; NaN for a run that
    never got there.
    """
    metric, limit = FIT_RULES[rule]
    first = epochs[epochs[metric] <= limit].groupby("run_id").epoch.min()
    fitted = runs.assign(epoch=runs.run_id.map(first).astype(float))
    return fitted[["model", "level", "seed", "epoch"]]


def relative_fit_times(fitted: pd.DataFrame) -> pd.DataFrame:
    """Figure 1b: epochs until fitted, as a multiple of the same network's on true labels.

    fitted: fit_epochs(). Columns model, level, time, low, high, seeds, epochs: the mean of the
    seeds' own ratios, its 95% interval, and their mean epoch. A level is left out where not
    every run is fitted, and a network whose true labels are not computed.
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
    """The protocol's runs behind figure 1a, by the name of its series; those that are computed."""
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
    """Figure 1a: mean training loss over the seeds, by epoch, as far as every seed goes.

    series: series_runs(); epochs: of the same runs; paper: reference.paper, of which its
    Inception is added. Columns series, epoch, loss, seeds, source.
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
    """The first epoch at which each curve is at a loss of 0.05 or below, in their order.

    curves: loss_curves(). Columns source, series, epoch; those that never get there are left out.
    """
    there = curves[curves.loss <= FITTED_LOSS]
    first = there.groupby(["source", "series"], as_index=False).epoch.min()
    return pd.DataFrame(first).sort_values(["source", "epoch"], kind="stable")


def regularized(runs: pd.DataFrame, data: str, paper: dict[str, Any], model: str) -> pd.DataFrame:
    """Tables 1 and 4 for one network: accuracies with and without each regularizer.

    A row for each setting that the paper prints or that is computed. Columns labels, random_crop,
    weight_decay, train, test, seeds (ours; fractions), gained (test accuracy, compared with no
    regularizer seed by seed), pairs (of such seeds), paper_train, paper_test.
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
    """Our own test error on all images for this network and level, the mean over seeds."""
    if not is_as_in_the_paper(config):
        return None
    runs = label_runs(runs)
    same = runs[(runs.model == config.model) & (runs.level == config.level)]
    return float(same.final_test_error.mean()) if len(same) else None


def beside_paper(runs: pd.DataFrame, paper: dict[str, Any], model: str) -> pd.DataFrame:
    """Figure 1c in fractions, a row for each level computed (mean over seeds) that the paper has.

    Columns level, ours, converted (against test labels corrupted, too), paper, is_slip (the
    paper's point is another's over again).
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
