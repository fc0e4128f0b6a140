"""Every number that the paper prints or plots and that we have computed: theirs beside ours."""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from core.sweep.comparison import (
    BATCH_SIZE,
    PAPER_NAMES,
    against_corrupted_labels,
    fit_epochs,
    relative_fit_times,
)

TABLE_NAMES = {  # of the networks in table 1
    "Inception": "inception",
    "Inception w/o BN": "inception-no-bn",
    "AlexNet": "alexnet",
    "MLP 3x512": "mlp-3x512",
    "MLP 1x512": "mlp-1x512",
}
SERIES_1A = {  # of figure 1a: corruption and level
    "true labels": ("labels", 0.0),
    "random labels": ("labels", 1.0),
    "shuffled pixels": ("shuffled-pixels", 0.0),
    "random pixels": ("random-pixels", 0.0),
    "gaussian": ("gaussian", 0.0),
}
FIGURE_1C_AT_0 = "The paper's figure 1c and table 1 disagree here: {:.2%} and {:.2%} test error."
DUPLICATE = "The figure's point at 60% is the same as at 70%: a slip, it seems."
CONVERTED = "On clean test labels; {:.2%} were they corrupted at the same level."


class Number(NamedTuple):
    """One number of the paper, and ours: the mean over so many seeds."""

    source: str  # "Figure 1c", ...
    model: str
    quantity: str
    at: str  # the level, epoch or setting
    paper: float
    ours: float
    seeds: int
    note: str = ""


def fidelity(runs: pd.DataFrame, epochs: pd.DataFrame, paper: dict) -> pd.DataFrame:
    """A row for each Number, with the column difference = ours - paper.

    runs, epochs: the sweep; what it does not hold has no row. Errors, accuracies and levels
    are fractions; times are relative to true labels; losses are in nats.
    """
    if len(runs):
        keep = (runs.data == "full") & (runs.batch_size == BATCH_SIZE["full"])
        runs = runs[keep]
    numbers = []
    if len(runs):
        for source in (_figure_1a, _figure_1b, _figure_1c, _figure_2b, _table_1, _table_4):
            numbers += source(runs, epochs, paper)
    table = pd.DataFrame(numbers, columns=Number._fields)
    table.insert(6, "difference", table.ours - table.paper)
    return table


def _select(runs, model: str, level=0.0, corruption="labels", decay=False, crop=False):
    return runs[
        (runs.model == model)
        & ((runs.level - level).abs() < 1e-6)
        & (runs.corruption == corruption)
        & ((runs.weight_decay > 0) == decay)
        & (runs.random_crop == crop)
    ]


def _by_epoch(runs, epochs, measure: str) -> pd.Series:
    return epochs[epochs.run_id.isin(runs.run_id)].groupby("epoch")[measure].mean()


def _figure_1a(runs, epochs, paper) -> Iterator[Number]:
    for name, values in paper["fig1a_average_train_loss_by_epoch"]["series"].items():
        corruption, level = SERIES_1A[name]
        own = _select(runs, "inception", level, corruption)
        means = _by_epoch(own, epochs, "train_loss")
        for epoch, value in enumerate(values, start=1):
            if epoch in means.index:
                at = f"{name}, epoch {epoch}"
                yield Number(
                    "Figure 1a", "inception", "training loss", at, value, means[epoch], len(own)
                )


def _figure_1b(runs, epochs, paper) -> Iterator[Number]:
    plain = runs[(runs.corruption == "labels") & (runs.weight_decay == 0) & ~runs.random_crop]
    figure = paper["fig1b_relative_convergence_time"]
    times = relative_fit_times(fit_epochs(plain, epochs))
    for model, name in PAPER_NAMES.items():
        own = times[times.model == model]
        for level, value in zip(figure["corruption"], figure["series"][name], strict=True):
            here = own[(own.level - level).abs() < 1e-6]
            if len(here):
                mean, seeds = here.time.iloc[0], int(here.seeds.iloc[0])
                at = f"level {level:.0%}"
                yield Number("Figure 1b", model, "relative time to fit", at, value, mean, seeds)


def _figure_1c(runs, epochs, paper) -> Iterator[Number]:
    figure = paper["fig1c_test_error"]
    for model, name in PAPER_NAMES.items():
        for level, value in zip(figure["corruption"], figure["series"][name], strict=True):
            own = _select(runs, model, level)
            if not len(own):
                continue
            error = own.final_test_error.mean()
            notes = []
            if 0 < level < 1:
                notes.append(CONVERTED.format(against_corrupted_labels(error, level)))
            if level == 0 and abs(value - _table_error(paper, name)) > 0.005:
                notes.append(FIGURE_1C_AT_0.format(value, _table_error(paper, name)))
            if is_duplicate(figure, name, level):
                notes.append(DUPLICATE)
            yield Number(
                "Figure 1c", model, "test error", f"level {level:.0%}", value, error, len(own),
                " ".join(notes),
            )  # fmt: skip


def is_duplicate(figure: dict, name: str, level: float) -> bool:
    """Whether the figure's point is the next one's over again."""
    values = figure["series"][name]
    place = round(10 * level)
    # Only below 80%: near guessing, points may well coincide.
    return place < 8 and values[place] == values[place + 1]


def _figure_2b(runs, epochs, paper) -> Iterator[Number]:
    for name, values in paper["fig2b_test_accuracy_by_epoch"]["series"].items():
        model = TABLE_NAMES[name]
        own = _select(runs, model)
        means = 1 - _by_epoch(own, epochs, "test_error")
        for epoch, value in enumerate(values, start=1):
            if epoch in means.index:
                at = f"epoch {epoch}"
                yield Number("Figure 2b", model, "test accuracy", at, value, means[epoch], len(own))


def _table_1(runs, epochs, paper) -> Iterator[Number]:
    for name, _, crop, decay, labels, train, test in paper["table1_percent_accuracy"]["rows"]:
        model = TABLE_NAMES[name]
        own = _select(runs, model, float(labels == "random"), decay=decay, crop=crop)
        if not len(own):
            continue
        with_ = [text for text, used in (("random crop", crop), ("weight decay", decay)) if used]
        at = f"{labels} labels, {' and '.join(with_) or 'no regularizer'}"
        ours = (1 - own.final_train_error.mean(), 1 - own.final_test_error.mean())
        for quantity, value, mean in zip(("training", "test"), (train, test), ours, strict=True):
            note = ""
            if quantity == "test" and not with_ and labels == "true" and name in _figure(paper):
                value_1c = _figure(paper)[name][0]
                if abs(value_1c - (1 - test / 100)) > 0.005:
                    note = FIGURE_1C_AT_0.format(value_1c, 1 - test / 100)
            yield Number(
                "Table 1", model, f"{quantity} accuracy", at, value / 100, mean, len(own), note
            )


def _table_4(runs, epochs, paper) -> Iterator[Number]:
    printed = paper["table4_percent_train_accuracy_on_random_labels_with_a_regularizer"]
    for name, value in printed["weight decay"].items():
        own = _select(runs, TABLE_NAMES[name], 1.0, decay=True)
        if len(own) and not isinstance(value, str):
            yield Number(
                "Table 4", TABLE_NAMES[name], "training accuracy", "random labels, weight decay",
                value / 100, 1 - own.final_train_error.mean(), len(own),
            )  # fmt: skip


def _figure(paper: dict) -> dict:
    return paper["fig1c_test_error"]["series"]


def _table_error(paper: dict, name: str) -> float:
    """Table 1's test error of a network on true labels, without a regularizer."""
    for model, _, crop, decay, labels, _, test in paper["table1_percent_accuracy"]["rows"]:
        if (model, crop, decay, labels) == (name, False, False, "true"):
            return 1 - test / 100
    raise KeyError(name)
