"""What the pages say in words, from the data: the sentence above each chart, states, times."""

from core.config import RunConfig, run_name
from core.corruption import LabelCorruption
from core.estimate import Estimate, Speeds, time_left
from core.records import EpochRecord, fitted_epoch
from core.store import LiveRun

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
    if last.memorized is None:  # no label is wrong
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


def of_sources(ours, model: str, own: int) -> str:
    """What the marks of the sweep's chart are, and what is not there. ours: runs of the sweep."""
    computed = ours[ours.model == model] if len(ours) else ours
    levels = computed.level.nunique() if len(computed) else 0
    if levels:
        seeds = computed.groupby("level").seed.nunique().min()
        first = computed.iloc[0]
        text = (
            f"Filled: ours, {levels} of 11 levels, {seeds} seed{'s' if seeds > 1 else ''}, all 50,000 "
            f"images, {first.epochs} epochs at batch size {first.batch_size}, on {first.device}."
        )
    else:
        text = (
            f"Our own runs of {model} on all images are not computed yet: "
            f"`python -m core sweep --model {model}` trains those that the sweep knows."
        )
    text += " Hollow: Zhang et al. 2017, figure 1c."
    if levels:
        text += " Thin: ours, were the test labels corrupted, too."
    if own:
        text += " Large: your own finished runs, whatever images they learned from."
    return text


def of_start(config: RunConfig, there: LiveRun | None, needed: Estimate, waiting: int) -> str:
    """What Start will do and how long it will take, said before it is pressed.

    there: this very run, if somebody has asked for it already.
    """
    if there and there.status not in ("cancelled", "failed"):
        return f"{run_name(config)}: this run is there already ({there.status}); Start shows it."
    text = (
        f"{config.model}, {config.train_images:,} images, {_epochs(config.epochs)}: about "
        f"{duration(needed.seconds)}, {needed.basis}"
    )
    if waiting:
        text += f"; {waiting} other run{'s take' if waiting > 1 else ' takes'} turns with it"
    return text + "."


def of_empty(config: RunConfig, paper_error: float | None) -> str:
    """What to expect of a run that has not been started."""
    text = "Press Start: the training error falls to nothing, whatever the labels are."
    if config.level:
        text = (
            "Press Start. Down to the dashed line a network can get without believing a single lie; "
            "every step below it is memorizing."
        )
    if paper_error is not None:
        text += f" On all 50,000 images the paper's test error is {paper_error:.0%} here."
    return text


def of_status(run: LiveRun, records: list[EpochRecord], others: list[LiveRun], speeds: Speeds) -> str:
    """Where a run stands; others: the active runs it takes turns with."""
    done = f"Epoch {len(records)} of {run.config.epochs}"
    if run.status == "queued" and not records:
        return "Waiting for its first turn." if others else "Starting: loading the network."
    if run.status != "running" and run.status != "queued":
        words = {
            "finished": "finished",
            "paused": "paused",
            "cancelled": "cancelled",
            "failed": "stopped",
        }
        return f"{done} · {words[run.status]} · {run.device}"
    if not records:
        return f"{done} · {run.device}"
    recent = records[-5:]
    seconds = sum(record.seconds for record in recent) / len(recent)
    left = time_left(run.config.epochs - len(records), seconds, others, speeds)
    text = f"{done} · {_rate(seconds)} · {run.device} · {duration(left)} left"
    if others:
        text += f" · takes turns with {len(others)} more"
    return text


def run_row(run: LiveRun, last: EpochRecord | None) -> dict[str, str]:
    """A run as a row of the visitor's table."""
    return {
        "Open": f"/train?run={run.run_id}",
        "Run": run_name(run.config),
        "State": run.status,
        "Epochs": f"{run.epochs_done} of {run.config.epochs}",
        "Training error": per_cent(last and last.train_error),
        "Test error": per_cent(last and last.test_error),
        "Memorized": per_cent(last and last.memorized),
    }


def per_cent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _rate(seconds: float) -> str:
    return f"{1 / seconds:.1f} epochs/s" if seconds < 1 else f"{seconds:.1f} s an epoch"


def of_gap(table) -> str:
    """Why the paper's points lie above ours; table: comparison.beside_paper."""
    inner = table[(table.Level > 0) & (table.Level < 100)].dropna(subset="The paper's")
    if not len(inner):
        return ""
    gap = (inner["The paper's"] - inner["Test error"]).max()
    rest = (inner["The paper's"] - inner["Ours with corrupted test labels"]).abs().max()
    return (
        f"**Why do the paper's points lie up to {gap:.0f} percentage points above ours?** We measure "
        "against the true labels of the test images. If the test labels were "
        "corrupted at the same level, too, the same networks would be counted wrong as often as the "
        f"thin line says, and there the paper's points lie, never more than {rest:.1f} points away. "
        "All three of the paper's curves bend like that. What was done we do not know; corrupted "
        "test labels are a known fault of one of the public attempts that came after it."
    )


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
        return f"about {round(share * 10)} in 10"
    return f"about one in {round(1 / share)}" if share else "none"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"
