"""The sentence above each chart: what to see in it, in plain words, from the data."""

from core.config import RunConfig
from core.corruption import LabelCorruption
from core.records import EpochRecord, fitted_epoch

PIXELS = {
    "shuffled-pixels": "Every image has its pixels reordered in the same way.",
    "random-pixels": "Every image has its pixels reordered in a way of its own.",
    "gaussian": "Every image is replaced by noise with the data's mean and spread.",
}


def of_corruption(config: RunConfig, corrupted: LabelCorruption) -> str:
    """What the corruption did to the training set."""
    if config.corruption != "labels":
        return PIXELS[config.corruption] + " The labels stay true: can a network still fit them?"
    if config.level == 0:
        return "All labels are true. Raise the corruption level to put lies into the data."
    wrong = int(corrupted.is_wrong.sum())
    return (
        f"At {config.level:.0%} corruption, {wrong:,} of the {len(corrupted.labels):,} training "
        f"images carry a wrong label: {_one_in(wrong / len(corrupted.labels))}."
    )


def of_errors(config: RunConfig, records: list[EpochRecord]) -> str:
    """What the error curves show so far."""
    if not records:
        return "The first epoch is being trained."
    last = records[-1]
    if config.level == 0:
        return (
            f"After {_epochs(last.epoch)} the network misreads {last.train_error:.1%} of the images it "
            f"has studied and {last.test_error:.0%} of those it has never seen."
        )
    if last.train_error > 0.9 * config.level + 0.05:
        return (
            f"After {_epochs(last.epoch)} the network is still looking for the pattern: it disagrees "
            f"with {last.train_error:.0%} of the labels it was given."
        )
    return (
        f"The network has memorized {last.memorized:.0%} of the wrong labels; "
        f"it misreads {last.test_error:.0%} of the images it has never seen."
    )


def of_lies(config: RunConfig, records: list[EpochRecord]) -> str:
    """What became of the wrongly labelled images."""
    told = [record for record in records if record.memorized is not None]
    if not told:
        return "No label is wrong here: there is no lie to memorize or to see through."
    best = max(told, key=lambda record: record.recovered)
    last = told[-1]
    return (
        f"It saw through {best.recovered:.0%} of the lies in epoch {best.epoch}; "
        f"now it repeats {last.memorized:.0%} of them and sees through {last.recovered:.0%}."
    )


def of_loss(records: list[EpochRecord]) -> str:
    epoch = fitted_epoch(records)
    if epoch:
        return f"The training set was fitted (average loss 0.05 or less) after {_epochs(epoch)}."
    if not records:
        return "The loss falls as the network learns its labels."
    return (
        f"The training loss is {records[-1].train_loss:.2f}; the training set counts as fitted at 0.05."
    )


def of_sweep(ours, models: list[str]) -> str:
    """What the sweep shows; ours: rows of the precomputed sweep."""
    means = ours[ours.model.isin(models)].groupby(["model", "level"]).final_test_error.mean()
    for model in models:
        if (model, 0.0) in means.index and (model, 1.0) in means.index:
            return (
                f"The more labels are wrong, the more new images are misread, from "
                f"{means[model, 0.0]:.0%} to {means[model, 1.0]:.0%}, which is guessing; yet every "
                "training set, lies and all, can be learned by heart."
            )
    return "The hollow points are the paper's. What we have not computed is not drawn."


def duration(seconds: float) -> str:
    """A time in words, no more exact than it is known."""
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _one_in(share: float) -> str:
    if share >= 0.4:
        return f"{round(share * 10)} in 10"
    return f"one in {round(1 / share)}" if share else "none"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"
