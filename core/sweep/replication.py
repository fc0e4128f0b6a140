"""The paper's numbers, printed or plotted, next to ours, wherever we have computed them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from core.sweep.figures import fit_epochs, relative_fit_times
from core.sweep.grids import EARLY, WEIGHT_DECAY
from core.sweep.protocol import protocol_runs
from core.sweep.reference import PAPER_NAMES, SERIES_1A, TABLE_NAMES, is_duplicate
from core.sweep.statistics import against_corrupted_labels

COLUMNS = ("source", "model", "quantity", "at", "paper", "ours", "difference", "seeds", "remark")
Paper = dict[str, Any]  # reference.paper()

FIGURE_1C_AT_0 = "The paper's figure 1c and table 1 disagree here: {:.2%} and {:.2%} test error."
DUPLICATE = "In figures 1b and 1c, the paper's point equals the next one; this is probably an error."
OUR_RULE = "Fitted: training error at most 5%; the paper does not print its rule."
CONVERTED = "On clean test labels. It would be {:.2%} if they were corrupted at the same level."


READ_EARLY = f"read {EARLY} epochs after the training set is fitted"


class Number(NamedTuple):
    """One number of the paper, and ours, the mean over `seeds` seeds."""

    source: str  # "Figure 1c", ...
    model: str
    quantity: str
    at: str  # the level, epoch or setting
    paper: float
    ours: float
    seeds: int
    remark: str = ""


def replication(runs: pd.DataFrame, epochs: pd.DataFrame, paper: Paper) -> pd.DataFrame:
    """A table of all Numbers, a row each, with the column difference = ours - paper.

    runs, epochs: the sweep. A number that we have not computed has no row. Errors, accuracies
    and levels are fractions; times are relative to true labels; losses are in nats.
    """
    runs = protocol_runs(runs)
    numbers: list[Number] = []
    for source in (_figure_1a, _figure_1b, _figure_1c, _figure_2b, _table_1, _table_4):
        numbers += source(runs, epochs, paper)
    table = pd.DataFrame(numbers, columns=list(Number._fields))
    return table.assign(difference=table.ours - table.paper)[list(COLUMNS)]


def _select(
    runs: pd.DataFrame,
    model: str,
    level: float = 0.0,
    corruption: str = "labels",
    decay: bool = False,
    crop: bool = False,
) -> pd.DataFrame:
    return runs[
        (runs.model == model)
        & (runs.level == level)
        & (runs.corruption == corruption)
        & (runs.weight_decay == (WEIGHT_DECAY if decay else 0))
        & (runs.random_crop == crop)
    ]


def _by_epoch(runs: pd.DataFrame, epochs: pd.DataFrame, metric: str) -> pd.Series:
    return epochs[epochs.run_id.isin(runs.run_id)].groupby("epoch")[metric].mean()


def _figure_1a(runs: pd.DataFrame, epochs: pd.DataFrame, paper: Paper) -> Iterator[Number]:
    for name, values in paper["fig1a_average_train_loss_by_epoch"]["series"].items():
        corruption, level = SERIES_1A[name]
        ours = _select(runs, "inception", level, corruption)
        means = _by_epoch(ours, epochs, "train_loss")
        for epoch, value in enumerate(values, start=1):
            if epoch in means.index:
                at = f"{name}, epoch {epoch}"
                yield Number(
                    "Figure 1a", "inception", "training loss", at, value, means[epoch], len(ours)
                )


def _figure_1b(runs: pd.DataFrame, epochs: pd.DataFrame, paper: Paper) -> Iterator[Number]:
    plain = runs[(runs.corruption == "labels") & (runs.weight_decay == 0) & ~runs.random_crop]
    figure = paper["fig1b_relative_convergence_time"]
    times = relative_fit_times(fit_epochs(plain, epochs))
    for model, name in PAPER_NAMES.items():
        ours = times[times.model == model]
        for level, value in zip(figure["corruption"], figure["series"][name], strict=True):
            point = ours[ours.level == level]
            if len(point) and level > 0:  # at 0 it is 1 by definition
                mean, seeds = point.time.iloc[0], int(point.seeds.iloc[0])
                at = f"level {level:.0%}"
                remark = OUR_RULE
                if is_duplicate(figure, name, level):
                    remark += " " + DUPLICATE
                yield Number("Figure 1b", model, "time to fit", at, value, mean, seeds, remark)


def _figure_1c(runs: pd.DataFrame, epochs: pd.DataFrame, paper: Paper) -> Iterator[Number]:
    figure = paper["fig1c_test_error"]
    for model, name in PAPER_NAMES.items():
        for level, value in zip(figure["corruption"], figure["series"][name], strict=True):
            ours = _select(runs, model, level)
            if not len(ours):
                continue
            error = ours.final_test_error.mean()
            remarks = []
            if 0 < level < 1:
                remarks.append(CONVERTED.format(against_corrupted_labels(error, level)))
            if level == 0 and abs(value - _table_error(paper, name)) > 0.005:
                remarks.append(FIGURE_1C_AT_0.format(value, _table_error(paper, name)))
            if is_duplicate(figure, name, level):
                remarks.append(DUPLICATE)
            if _is_read_early(ours):
                remarks.append(f"Ours was {READ_EARLY}.")
            yield Number(
                "Figure 1c", model, "test error", f"level {level:.0%}", value, error, len(ours),
                " ".join(remarks),
            )  # fmt: skip


def _figure_2b(runs: pd.DataFrame, epochs: pd.DataFrame, paper: Paper) -> Iterator[Number]:
    for name, values in paper["fig2b_test_accuracy_by_epoch"]["series"].items():
        model = TABLE_NAMES[name]
        ours = _select(runs, model)
        means = 1 - _by_epoch(ours, epochs, "test_error")
        for epoch, value in enumerate(values, start=1):
            if epoch in means.index:
                at = f"epoch {epoch}"
                yield Number("Figure 2b", model, "test accuracy", at, value, means[epoch], len(ours))


def _table_1(runs: pd.DataFrame, epochs: pd.DataFrame, paper: Paper) -> Iterator[Number]:
    for name, _, crop, decay, labels, train, test in paper["table1_percent_accuracy"]["rows"]:
        model = TABLE_NAMES[name]
        ours = _select(runs, model, float(labels == "random"), decay=decay, crop=crop)
        if not len(ours):
            continue
        with_ = [text for text, used in (("random crop", crop), ("weight decay", decay)) if used]
        at = f"{labels} labels, {' and '.join(with_) or 'no regularizer'}"
        accuracies = (1 - ours.final_train_error.mean(), 1 - ours.final_test_error.mean())
        for quantity, value, mean in zip(("training", "test"), (train, test), accuracies, strict=True):
            remark, series = "", paper["fig1c_test_error"]["series"].get(name)
            is_plain = quantity == "test" and not with_ and labels == "true"
            if is_plain and series and abs(series[0] - (1 - test / 100)) > 0.005:
                remark = FIGURE_1C_AT_0.format(series[0], 1 - test / 100)
            if _is_read_early(ours):
                remark = f"{remark} Ours: {READ_EARLY}.".strip()
            yield Number(
                "Table 1", model, f"{quantity} accuracy", at, value / 100, mean, len(ours), remark
            )


def _table_4(runs: pd.DataFrame, epochs: pd.DataFrame, paper: Paper) -> Iterator[Number]:
    printed = paper["table4_percent_train_accuracy_on_random_labels_with_a_regularizer"]
    for regularizer, decay, crop in (("weight decay", True, False), ("random crop", False, True)):
        for name, value in printed[regularizer].items():
            ours = _select(runs, TABLE_NAMES[name], 1.0, decay=decay, crop=crop)
            if len(ours) and not isinstance(value, str):
                yield Number(
                    "Table 4", TABLE_NAMES[name], "training accuracy", f"random labels, {regularizer}",
                    value / 100, 1 - ours.final_train_error.mean(), len(ours),
                )  # fmt: skip


def _is_read_early(runs: pd.DataFrame) -> bool:
    """Whether some of these runs end by the rule of the grid "paper-until-fitted"."""
    return bool((runs.epochs_after_fitted == EARLY).any())


def _table_error(paper: Paper, name: str) -> float:
    """The test error in table 1 of a network on true labels, without a regularizer."""
    for model, _, crop, decay, labels, _, test in paper["table1_percent_accuracy"]["rows"]:
        if (model, crop, decay, labels) == (name, False, False, "true"):
            return 1 - test / 100
    raise KeyError(name)
