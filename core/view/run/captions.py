"""One run: what its curves show, where it stands, how to train it again."""

import shlex
from dataclasses import replace
from typing import Any

import pandas as pd

from core.choices import CORRUPTIONS, LOSSES, NETWORKS, NOISES, RANKINGS, REPAIRS
from core.config import RunConfig
from core.data.noise import wrong_share
from core.live.runs.store import RESTARTABLE, LiveRun, Status
from core.live.training.estimate import Estimate, Speeds, epoch_seconds, time_left
from core.records import EpochRecord, fitted_epoch
from core.sweep.statistics import chance_repeats
from core.view.words import (
    about,
    capitalized,
    duration,
    name_of_run,
    number_text,
    per_cent,
    plural,
    the_network,
)

NOTICEABLE = 0.13  # a share that is more than a tenth by chance
EXCESS = 0.1  # of repeated wrong labels over chance: from there on the network memorizes


def run_title(config: RunConfig) -> str:
    """Which run is shown, in words: what is wrong with its labels, which network, how many images."""
    if config.corruption != "labels":
        what = CORRUPTIONS[config.corruption].words
    else:
        what = (
            f"{100 * config.level:g}% {NOISES[config.noise].words}" if config.level else "true labels"
        )
    more = [
        _in_words(name, value, config)
        for name, value in config.overrides().items()
        if name not in SHOWN
    ]
    network = NETWORKS[config.model].short
    parts = [what, network, f"{config.train_images:,} photographs", *more]
    return capitalized(", ".join(parts))


# Of a run's settings what its title says in other words, or leaves to the fields.
SHOWN = {"model", "data", "level", "corruption", "epochs", "batch_size", "learning_rate"}
SHOWN |= {"noise", "noise_matrix", "repaired", "ranking"}


def _in_words(name: str, value: Any, config: RunConfig) -> str:
    """A setting that is not the usual one."""
    if name == "loss":
        return LOSSES[config.loss].words
    if name == "repair":
        return (
            f"the {config.repaired:.0%} most suspicious labels {REPAIRS[config.repair]} "
            f"(by {RANKINGS[config.ranking]})"
        )
    if name == "width":
        return plural(config.width, "hidden unit")
    if name == "validation":
        return f"{config.validation:.0%} held out"
    return name.replace("_", " ") + ("" if value is True else f" {value:g}")


def start_label(config: RunConfig | None, run: LiveRun | None) -> str:
    """What stands on the button; run: what is on the page."""
    if config is None or run is None:
        return "Start training"
    shown = run.config
    if config == shown:
        ended = {Status.FINISHED: "Replay", Status.FAILED: "Try again"}
        return ended.get(run.status, "Training" if run.is_active else "Go on")
    if config.corruption == shown.corruption and replace(config, level=shown.level) == shown:
        return f"Train at {100 * config.level:g}%"
    return "Train this"


def describe_errors(config: RunConfig, records: list[EpochRecord]) -> str:
    """What the error curves show so far; records: of one epoch at least."""
    last = records[-1]
    after = f"After {plural(last.epoch, 'epoch')} the network"
    if last.memorized is None or last.recovered is None:  # no label is wrong
        return (
            f"{after} misreads {last.train_error:.1%} of the images it has studied and "
            f"{last.test_error:.0%} of those it has never seen."
        )
    if config.level == 1 and config.noise == "uniform":
        return (
            "All labels are random: there is no pattern to find, and the network can only memorize. "
            f"After {plural(last.epoch, 'epoch')} it repeats {1 - last.train_error:.0%} of its labels "
            "(a blind guess: 10%)."
        )
    chance = chance_repeats(config, last.recovered)
    if max(last.recovered, last.memorized) < NOTICEABLE:
        return f"{after} does no better than a blind guess on the images with a wrong label."
    by_chance = "" if chance is None else f" (its mistakes would hit {chance:.0%} by chance)"
    named = (
        f"of the images with a wrong label it names {last.recovered:.0%} correctly (a blind guess: 10%) "
        f"and repeats the wrong label of {last.memorized:.0%}{by_chance}"
    )
    if last.recovered > last.memorized:
        memorizes = chance is not None and last.memorized - chance >= EXCESS
        also = ", and already memorizing" if memorizes else ""
        return f"{after} is finding the pattern{also}: {named}."
    best = max((record.recovered or 0.0, -record.epoch) for record in records)
    before = ""
    if best[0] >= NOTICEABLE and -best[1] < last.epoch:
        before = f" In epoch {-best[1]} it named {best[0]:.0%} of them correctly."
    state = "has memorized" if last.memorized > 0.95 else "is memorizing: it repeats"
    return (
        f"{after} {state} {last.memorized:.0%} of the wrong labels; it names {last.recovered:.0%} of those "
        f"images correctly.{before} It misreads {last.test_error:.0%} of new images."
    )


def describe_fate(config: RunConfig, records: list[EpochRecord]) -> str:
    """What became of the wrongly labelled images, beside what a blind guess would do."""
    known = [
        (record.epoch, record.recovered, record.memorized)
        for record in records
        if record.recovered is not None and record.memorized is not None
    ]
    if not records:
        return ""
    if not known:
        return "No label is wrong here: there is no wrong label to memorize."
    best_epoch, best, _ = max(known, key=lambda each: each[1])
    _, recovered, memorized = known[-1]
    by_chance = chance_repeats(config, recovered)
    chance = ""
    if by_chance is not None:
        chance = f" (its mistakes would hit {by_chance:.0%} by chance)"
    if config.level == 1 and config.noise == "uniform":
        return f"Now it repeats {memorized:.0%} of the wrong labels{chance}."
    return (
        f"Of the images with a wrong label the network named {best:.0%} correctly in epoch {best_epoch}; now it "
        f"names {recovered:.0%} correctly and repeats the wrong label of {memorized:.0%}{chance}."
    )


def describe_loss(records: list[EpochRecord]) -> str:
    epoch = fitted_epoch(records)
    if epoch:
        return f"The average training loss is at most 0.05 since epoch {epoch}."
    if not records:
        return "The loss falls as the network learns its labels."
    return f"The average training loss is {records[-1].train_loss:.2f}."


def describe_evaluation(records: list[EpochRecord]) -> str:
    """On which training images the metrics are, where that is not all of them at every epoch."""
    counts = {record.evaluated_on for record in records if record.evaluated_on is not None}
    if not counts:
        return ""
    return (
        f"Until the last epoch, the numbers about training images are from {max(counts):,} of them, "
        "drawn at random; at the end they are from all."
    )


def describe_start(config: RunConfig, existing: LiveRun | None, needed: Estimate, waiting: int) -> str:
    """What Start will do and how long it will take, said before it is pressed.

    existing: this very run, if somebody has submitted it already; waiting: other active runs.
    """
    if existing and existing.status not in RESTARTABLE:
        return "This run is here already: it is shown at once."
    text = (
        f"{capitalized(the_network(config.model))}, {config.train_images:,} images, "
        f"{plural(config.epochs, 'epoch')}: "
        f"{about(needed.seconds)}, {needed.basis}"
    )
    if waiting:
        text += f"; {plural(waiting, 'other run')} {'take' if waiting > 1 else 'takes'} turns with it"
    return text + "."


def describe_empty(config: RunConfig) -> str:
    """What to look for in a run that has no epoch yet, started or not."""
    if not config.level:
        return "Does the training error fall to nothing?"
    return (
        "Dashed: where a network would end that named every image correctly "
        f"({_floor_in_words(config)}). A network below this line has memorized wrong labels."
    )


def _floor_in_words(config: RunConfig) -> str:
    if config.noise == "uniform":
        return "at 0.9 p: p is the corruption level, and a label picked at random is wrong nine times in ten"
    return f"at {wrong_share(config):.1%}, the share of wrong labels with these settings"


def describe_status(
    run: LiveRun,
    records: list[EpochRecord],
    others: list[LiveRun],
    speeds: Speeds,
    is_paused: bool = False,
    runs_at_once: int = 1,
) -> str:
    """Where a run stands.

    others: the active runs it shares the machine with; is_paused: all training.
    runs_at_once: how many a GPU trains side by side right now, this one among them.
    """
    done = f"Epoch {len(records)} of {run.config.epochs}{_within_epoch(run)}"
    if is_paused and run.is_active:
        return f"{done} · the teacher has paused all training"
    if run.status is Status.QUEUED and not records:
        if not others:
            return "Starting: loading the network."
        needed = epoch_seconds(run.config, speeds)
        left = time_left(run.config.epochs, needed, others, speeds, run.owner)
        return f"Waiting for its first turn{_sharing(run, others)} · {about(left)} until it ends"
    if not run.is_active:
        return " · ".join(filter(None, (done, run.status.value, run.device)))
    if not records:
        return " · ".join(filter(None, (done, run.device)))
    recent = records[-5:]
    seconds = sum(record.seconds for record in recent) / len(recent)
    share = seconds / runs_at_once  # of the device's time
    left = time_left(run.config.epochs - len(records), share, others, speeds, run.owner)
    sharing = _sharing(run, others)
    if runs_at_once > 1:
        sharing = f" · trained side by side with {plural(runs_at_once - 1, 'other run')}"
    return f"{done} · {_rate(seconds)} · {run.device} · {duration(left)} left{sharing}"


def describe_turn(in_training: list[LiveRun], run: LiveRun) -> str:
    """What is being trained right now."""
    if not in_training or not run.is_active:
        return ""
    if run.run_id in {other.run_id for other in in_training}:
        return "This run is being trained now." if len(in_training) == 1 else ""
    if len(in_training) > 1:
        return f"{len(in_training)} other runs are being trained now."
    return f"Being trained now: {name_of_run(in_training[0].config)}."


def run_row(run: LiveRun, last: EpochRecord | None) -> dict[str, str]:
    """A run as a row of the visitor's table."""
    return {
        "Run": name_of_run(run.config),
        "State": run.status.value,
        "Epochs": f"{run.epochs_done} of {run.config.epochs}",
        "Training error": per_cent(last.train_error if last else None),
        "Test error": per_cent(last.test_error if last else None),
        "Memorized": per_cent(last.memorized if last else None),
    }


def describe_provenance(run: pd.Series) -> str:
    """Where a stored run comes from; run: a row of the sweep."""
    fitted = "above 0.05 to the end"
    if pd.notna(run["fitted_epoch"]):
        fitted = f"at most 0.05 since epoch {run['fitted_epoch']:.0f}"
    together = ""
    if run["runs_at_once"] > 1:
        together = f" together with {run['runs_at_once'] - 1:.3g} others"
    return (
        f"Run {run['run_id']}: {run['epochs_trained']} epochs, average loss "
        f"{fitted}; {run['images_per_second']:,.0f} images/s, {duration(run['wall_seconds'])} in all"
        f"{together}, on {run['device']}, torch {run['torch']}, Python {run['python']}, {run['date']}."
    )


def command_of(config: RunConfig) -> str:
    """The command that trains this very run again and saves its records."""
    flags = []
    for name, value in config.overrides().items():
        text = number_text(value) if isinstance(value, float) else shlex.quote(str(value))
        if isinstance(value, bool):
            text = text.lower()
        flags.append(f"--{name.replace('_', '-')} {text}")
    return " ".join(["python -m core train", *flags, f"--out {config.run_id}.json"])


def _within_epoch(run: LiveRun) -> str:
    """How far the epoch is that is being trained."""
    if not run.is_active or run.running_loss is None:
        return ""
    share = run.images_done / run.config.train_images
    return f" · {share:.0%} through the next (average loss {run.running_loss:.2f})"


def _sharing(run: LiveRun, others: list[LiveRun]) -> str:
    """With how many it shares the machine."""
    if not others:
        return ""
    visitors = len({other.owner for other in others} - {run.owner})
    text = f" · takes turns with {plural(len(others), 'other run')}"
    return f"{text} from {plural(visitors, 'other visitor')}" if visitors else text


def _rate(seconds: float) -> str:
    return f"{1 / seconds:.1f} epochs/s" if seconds < 1 else f"{seconds:.1f} s an epoch"
