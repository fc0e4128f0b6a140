"""What the pages say in words, from the data: the sentence above each chart, states, times."""

import numpy as np

from core.config import RunConfig, run_name
from core.data.corruption import LabelCorruption
from core.live.estimate import Estimate, Speeds, epoch_seconds, time_left
from core.live.store import LiveRun
from core.records import EpochRecord, fitted_epoch
from core.sweep.comparison import guess_gaps

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


def of_sweep(ours, model: str) -> str:
    """What figure 1c shows; ours: rows of the precomputed sweep."""
    means = ours[ours.model == model].groupby("level").final_test_error.mean()
    if 0.0 in means.index and 1.0 in means.index:
        return (
            f"The more labels are wrong, the more new images are misread, from {means[0.0]:.0%} to "
            f"{means[1.0]:.0%}, which is guessing; yet every training set, lies and all, can be "
            "learned by heart."
        )
    return "What we have not computed is not drawn."


def of_time(times, model: str) -> str:
    """What figure 1b shows; times: comparison.relative_fit_times."""
    own = times[times.model == model]
    if not len(own) or own.level.max() == 0:
        return "How much longer do lies take to be learned? For this we have too few runs yet."
    most = own.loc[own.level.idxmax()]
    return (
        f"At {most.level:.0%} corruption the network needs {most.time:.1f} times as many epochs to fit "
        "its training set as on true labels: lies are learned later, but they are learned."
    )


def of_fit_rule(times, ours, model: str, rule: str) -> str:
    """By what rule a training set counts as fitted, and what never gets there."""
    name = {"loss": "average training loss is 0.05 or less", "error": "training error is 5% or less"}
    text = f"Fitted: the first epoch whose {name[rule]}."
    levels = set(ours[ours.model == model].level) - set(times[times.model == model].level)
    if levels:
        text += (
            f" Not drawn: {_levels(levels)}, where some run does not get there before its learning "
            "rate has faded away."
        )
    return text


def of_message(ours, model: str) -> str:
    """The poster's message, in our numbers: what rises, what stays at zero, and why."""
    own = ours[ours.model == model]
    if not len(own):
        return ""
    at = own.groupby("level").final_test_error.mean()
    worst = own.final_train_error.max()
    return (
        f"**What rises:** the test error, from {at.iloc[0]:.0%} at {at.index[0]:.0%} corruption to "
        f"{at.iloc[-1]:.0%} at {at.index[-1]:.0%}.\n\n"
        f"**What stays at zero:** the training error, {worst:.1%} at most. Even labels drawn by lot "
        "are learned.\n\n"
        "**Why:** the network has more weights than it needs to store every image with its label. "
        "Where labels follow a pattern it finds the pattern; where they do not, it learns them "
        "by heart. A training error of zero does not say which of the two it did."
    )


def of_sources(ours, model: str, data: str, own: int) -> str:
    """What the marks of the sweep's chart are, and what is not there. ours: runs of the sweep."""
    computed = ours[ours.model == model] if len(ours) else ours
    levels = computed.level.nunique() if len(computed) else 0
    images = "all 50,000 images" if data == "full" else "the 5,000 embedded images"
    if levels:
        seeds = computed.groupby("level").seed.nunique()
        count = f"{seeds.min()} to {seeds.max()}" if seeds.min() < seeds.max() else f"{seeds.max()}"
        # In short: each run's own caption names the processor.
        is_cpu = computed.device_type == "cpu"
        devices = ", ".join(
            sorted({"CPUs" if cpu else name for cpu, name in zip(is_cpu, computed.device, strict=True)})
        )
        text = (
            f"Filled: ours, {levels} of 11 levels, {count} seed{'s' if seeds.max() > 1 else ''}, "
            f"{images}, batch size {computed.iloc[0].batch_size}, on {devices}."
        )
        if seeds.max() > 1:
            text += " Band: from the lowest seed to the highest."
    else:
        grid = "paper" if data == "full" else "mini"
        text = (
            f"Our own runs of {model} on {images} are not computed yet: "
            f"`python -m core sweep --grid {grid} --model {model}` trains them."
        )
    if data == "full":
        text += " Hollow: Zhang et al. 2017, figure 1."
    else:
        text += " The paper has no such small training set: nothing of it is drawn here."
    if own:
        text += " Large: your own finished runs, whatever images they learned from."
    return text


def of_others(poster: bool, earlier: bool, attempts: dict) -> str:
    """What the grey marks are, and what was wrong there; attempts: results.earlier_attempts."""
    parts = []
    if poster:
        parts.append(
            "Grey crosses: the poster of 2023, which reports the ends only. Its Inception was never "
            "trained to zero training error on corrupted labels."
        )
    if earlier:
        faults = attempts["mdv3101/Rethinking_Generalization"]["known_faults"]
        parts.append(
            "Grey dashes: an earlier public attempt (mdv3101/Rethinking_Generalization). What was "
            f"wrong in it: {'; '.join(faults)}. Grey triangle: public code by the paper's first author "
            "(pluskid/fitting-random-labels), 300 epochs on random labels; nothing is wrong with it, "
            "but its networks are others."
        )
    return " ".join(parts)


def of_fidelity(table, model: str) -> str:
    """How near we are; table: fidelity.fidelity."""
    own = table[table.model == model]
    if not len(own):
        return f"Nothing of what the paper prints or plots of {model} is computed yet."
    text = f"Of {model}, {len(own)} numbers that the paper prints or plots are computed"
    last = own[own.source == "Table 1"]
    if len(last):
        text += (
            f"; those of its table 1 differ from ours by {100 * last.difference.abs().max():.1f} "
            "percentage points at most"
        )
    return (
        f"{text}. Where the paper contradicts itself, the note says so. Fractions, not per cent; "
        "times relative to true labels."
    )


def of_guess(guess, ours) -> str:
    """How far the visitor's guess is from the truth; guess: test and training errors."""
    off = guess_gaps(guess, ours)
    if off is None:
        return "The truth has not been computed yet."
    return (
        f"Your guess of the test error is off by {100 * off[0]:.0f} percentage points on average, that of "
        f"the training error by {100 * off[1]:.0f}."
    )


def of_guesses(guesses) -> str:
    """guesses: Classroom.guesses."""
    if not len(guesses):
        return "No guess yet."
    count = "One guess" if len(guesses) == 1 else f"{len(guesses)} guesses"
    test, train = 100 * np.median(guesses[:, :, -1], axis=0)
    return (
        f"{count} so far. Half of them expect a test error of {test:.0f}% or more and a training "
        f"error of {train:.0f}% or more when every label is drawn by lot."
    )


def of_queue(waiting: list[LiveRun], is_paused: bool) -> str:
    """What the teacher's page says of all runs that have not ended."""
    if not waiting:
        return "Nobody is training." + (" All training is paused." if is_paused else "")
    if len(waiting) == 1:
        return "1 run is waiting: all training is paused." if is_paused else "1 run is training."
    visitors = len({run.owner for run in waiting})
    text = f"{len(waiting)} runs from {visitors} visitor{'s' if visitors > 1 else ''} are"
    return f"{text} waiting: all training is paused." if is_paused else f"{text} taking turns."


def of_provenance(run) -> str:
    """Where a stored run comes from; run: a row of the sweep."""
    fitted = (
        "never" if run["fitted_epoch"] != run["fitted_epoch"] else f"in epoch {run['fitted_epoch']:.0f}"
    )
    beside = f" beside {run['runs_at_once'] - 1:.3g} others" if run["runs_at_once"] > 1 else ""
    return (
        f"Run {run['run_id']}: {run['epochs_trained']} epochs, fitted (average loss 0.05 or less) "
        f"{fitted}; {run['images_per_second']:,.0f} images/s, {duration(run['wall_seconds'])} in all{beside}, on "
        f"{run['device']}, torch {run['torch']}, Python {run['python']}, {run['date']}."
    )


def command_of(config: RunConfig) -> str:
    """The command that trains this very run again and keeps what it measures."""
    flags = [
        f"--{name.replace('_', '-')} {value:g}"
        if isinstance(value, float)
        else f"--{name.replace('_', '-')} {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in config.settings().items()
    ]
    return " ".join(["python -m core train", *flags, f"--out {config.run_id}.json"])


def of_start(config: RunConfig, there: LiveRun | None, needed: Estimate, waiting: int) -> str:
    """What Start will do and how long it will take, said before it is pressed.

    there: this very run, if somebody has asked for it already.
    """
    if there and there.status not in ("cancelled", "failed"):
        return f"{run_name(config)}: this run is there already; Start shows it."
    text = (
        f"{config.model}, {config.train_images:,} images, {_epochs(config.epochs)}: "
        f"{about(needed.seconds)}, {needed.basis}"
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


def of_status(
    run: LiveRun,
    records: list[EpochRecord],
    others: list[LiveRun],
    speeds: Speeds,
    is_paused: bool = False,
    at_once: int = 1,
) -> str:
    """Where a run stands.

    others: the active runs it shares the machine with; is_paused: all training.
    at_once: how many a GPU trains side by side right now, this one among them.
    """
    done = f"Epoch {len(records)} of {run.config.epochs}"
    if is_paused and run.is_active:
        return f"{done} · the teacher has paused all training"
    if run.status == "queued" and not records:
        if not others:
            return "Starting: loading the network."
        needed = epoch_seconds(run.config, speeds)
        left = time_left(run.config.epochs, needed, others, speeds, run.owner)
        return f"Waiting for its first turn{_turns(run, others)} · {about(left)} until its end"
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
    share = seconds / at_once  # of the device's time
    left = time_left(run.config.epochs - len(records), share, others, speeds, run.owner)
    sharing = f" · side by side with {at_once - 1} more" if at_once > 1 else _turns(run, others)
    return f"{done} · {_rate(seconds)} · {run.device} · {duration(left)} left{sharing}"


def of_turn(trained: list[LiveRun], run: LiveRun) -> str:
    """What is being trained right now; trained: the active runs among what the store notes."""
    if not trained or not run.is_active:
        return ""
    if len(trained) > 1:
        return (
            ""
            if run.run_id in {other.run_id for other in trained}
            else f"Now it is the turn of {len(trained)} others."
        )
    if trained[0].run_id == run.run_id:
        return "Its turn is now."
    return f"Now it is the turn of {run_name(trained[0].config)}."


def _turns(run: LiveRun, others: list[LiveRun]) -> str:
    """With how many it shares the machine."""
    if not others:
        return ""
    visitors = len({other.owner for other in others} - {run.owner})
    text = f" · takes turns with {len(others)} more"
    if visitors:
        text += f" of {visitors} other visitor{'s' if visitors > 1 else ''}"
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
    # The paper's point at 60% is the one at 70% over again.
    inner = table[(table.level > 0) & (table.level < 1) & (table.level != 0.6)]
    if not len(inner):
        return ""
    gap = 100 * (inner.paper - inner.ours).max()
    rest = 100 * (inner.paper - inner.converted).abs().max()
    return (
        f"**Why do the paper's points lie up to {gap:.0f} percentage points above ours?** We measure "
        "against the true labels of the test images. If the test labels were "
        "corrupted at the same level, too, the same networks would be counted wrong as often as the "
        f"thin line says, and there the paper's points lie, never more than {rest:.1f} points away "
        "(at 60% the paper's figure repeats its point at 70%). "
        "All three of the paper's curves bend like that. What was done we do not know; corrupted "
        "test labels are a known fault of one of the public attempts that came after it."
    )


def about(seconds: float) -> str:
    """An estimated time in words."""
    return duration(seconds) if seconds < 1 else f"about {duration(seconds)}"


def duration(seconds: float) -> str:
    """A time in words, no more exact than it is known."""
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _levels(levels) -> str:
    return "level " + ", ".join(f"{level:.0%}" for level in sorted(levels))


def _one_in(share: float) -> str:
    if share >= 0.4:
        return f"about {round(share * 10)} in 10"
    return f"about one in {round(1 / share)}" if share else "none"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"
