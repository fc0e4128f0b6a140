"""Sentences about one run: what its curves show, its status, how to train it again."""

import shlex
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from core.choices import CORRUPTIONS, LOSSES, NETWORKS, NOISES, RANKINGS, REPAIRS
from core.config import RunConfig
from core.data.noise import has_uniform_wrong_labels, mixing_matrix, wrong_share
from core.live.runs.store import RESTARTABLE, LiveRun, Status
from core.live.training.estimate import Estimate, Speeds, epoch_seconds, time_left
from core.records import EpochRecord, fitted_epoch
from core.sweep.statistics import chance_repeats
from core.sweep.stopping import label_wave_epoch, prediction_changes
from core.view.run.floor import Floor
from core.view.words import (
    FEW,
    RIGHT_FLOOR,
    RULE_FLOOR,
    about,
    capitalized,
    duration,
    name_of_run,
    number_text,
    per_cent,
    plural,
    the_network,
)

NOTICEABLE = 0.13  # the least share that is clearly above a chance level of a tenth
EXCESS = 0.1  # share of repeated wrong labels above chance from which the network memorizes


def run_title(config: RunConfig) -> str:
    """Return the title of a run: what is wrong with its labels, the network, the number of images."""
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


# The settings that the title of a run says in other words, or does not say.
SHOWN = {"model", "data", "level", "corruption", "epochs", "batch_size", "learning_rate"}
SHOWN |= {"noise", "noise_matrix", "repaired", "ranking"}


def _in_words(name: str, value: Any, config: RunConfig) -> str:
    """A setting that differs from its default, in words."""
    if name == "loss":
        return LOSSES[config.loss].words
    if name == "repair":
        return (
            f"the {config.repaired:.0%} most suspicious labels {REPAIRS[config.repair]} "
            f"(by {RANKINGS[config.ranking]})"
        )
    if name == "width":
        return plural(config.width, "hidden unit")
    if name == "switch_after":
        return f"the held-out half from epoch {value + 1} on"
    if name == "validation":
        return f"{config.validation:.0%} held out"
    return name.replace("_", " ") + ("" if value is True else f" {value:g}")


def start_label(config: RunConfig | None, run: LiveRun | None) -> str:
    """Return the label of the start button; run: the run on the page, if any."""
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
    """Say what the error curves show so far; records: of at least one epoch."""
    last = records[-1]
    after = f"After {plural(last.epoch, 'epoch')} the network"
    if last.memorized is None or last.recovered is None:  # no label is wrong
        return (
            f"{after} misreads {last.train_error:.1%} of the images it has studied and "
            f"{last.test_error:.0%} of those it has never seen."
        )
    if _is_all_random(config):
        return (
            "All labels are random. There is no pattern to find, so the network can only memorize. "
            f"After {plural(last.epoch, 'epoch')} it repeats {1 - last.train_error:.0%} of its labels "
            "(a blind guess: 10%)."
        )
    count = wrong_count(last)
    if count is not None and count < FEW:
        repeats, names = (round(share * count) for share in (last.memorized, last.recovered))
        return (
            f"{after} names {names} of the {plural(count, 'image')} with a wrong label correctly and "
            f"repeats {repeats} of the wrong labels. It misreads {last.test_error:.0%} of new images."
        )
    if max(last.recovered, last.memorized) < NOTICEABLE:
        return f"{after} does no better than a blind guess on the images with a wrong label."
    chance = chance_repeats(config, last.recovered)
    if chance is None:
        return (
            f"{after} repeats {last.memorized:.0%} of the wrong labels and names {last.recovered:.0%} of "
            f"these images correctly. {_rule_in_words(config, last)} It misreads {last.test_error:.0%} "
            "of new images."
        )
    memorizes = last.memorized - chance >= EXCESS
    named = (
        f"it names {last.recovered:.0%} of the images with a wrong label correctly (a blind guess: 10%) "
        f"and repeats the wrong label of {last.memorized:.0%} (by chance, its mistakes would hit "
        f"{chance:.0%})"
    )
    if last.recovered > last.memorized:
        also = ", and already memorizing" if memorizes else ""
        return f"{after} is finding the pattern{also}: {named}."
    if not memorizes:
        return f"{after} has learned little so far: {named}."
    best = max((record.recovered or 0.0, -record.epoch) for record in records)
    before = ""
    if best[0] >= NOTICEABLE and -best[1] < last.epoch:
        before = f" In epoch {-best[1]} it named {best[0]:.0%} of them correctly."
    state = "has memorized" if last.memorized > 0.95 else "is memorizing: it repeats"
    return (
        f"{after} {state} {last.memorized:.0%} of the wrong labels; it names {last.recovered:.0%} of these "
        f"images correctly.{before} It misreads {last.test_error:.0%} of new images."
    )


def _is_all_random(config: RunConfig) -> bool:
    """Whether every label is drawn from all classes, whatever the image shows."""
    if config.repair != "none" or config.level < 1 or not has_uniform_wrong_labels(config):
        return False
    return float(np.ptp(mixing_matrix(config))) < 1e-9


def _rule_in_words(config: RunConfig, last: EpochRecord) -> str:
    """Say why a network can repeat these wrong labels without learning each of them by heart."""
    if config.repair == "relabel":
        return (
            "The wrong labels that are left include predicted ones, which follow a rule that a network "
            "can learn."
        )
    if config.repair == "drop":
        return "The wrong labels that are left are those that looked least suspicious."
    if NOISES[config.noise].human_column:
        return (
            "People gave these labels: where people confuse classes, a network can learn to, as well."
        )
    text = "These wrong labels follow a rule, which can be learned like any other"
    if last.usual_wrong is None:
        return f"{text}."
    return f"{text}: of new photographs it gives {last.usual_wrong:.0%} the usual wrong label of their class."


def wrong_count(record: EpochRecord) -> int | None:
    """Return how many of the evaluated training images have a wrong label; None if not recorded."""
    counts = record.loss_counts
    return sum(counts[len(counts) // 2 :]) if counts else None


def describe_fate(config: RunConfig, records: list[EpochRecord]) -> str:
    """Say what became of the images with a wrong label, and what a blind guess would do."""
    known = [
        (record.epoch, record.recovered, record.memorized)
        for record in records
        if record.recovered is not None and record.memorized is not None
    ]
    if not records:
        return ""
    if not known:
        return "No label is wrong here."
    count = wrong_count(records[-1])
    if count is not None and count < FEW:
        return f"Only {plural(count, 'label')} of the images evaluated here {'are' if count > 1 else 'is'} wrong."
    best_epoch, best, _ = max(known, key=lambda each: each[1])
    _, recovered, memorized = known[-1]
    by_chance = chance_repeats(config, recovered)
    chance = ""
    if by_chance is not None:
        chance = f" (by chance, its mistakes would hit {by_chance:.0%})"
    if _is_all_random(config):
        return f"Now it repeats {memorized:.0%} of the wrong labels{chance}."
    return (
        f"In epoch {best_epoch} the network named {best:.0%} of the images with a wrong label correctly; now it "
        f"names {recovered:.0%} correctly and repeats the wrong label of {memorized:.0%}{chance}."
    )


def describe_loss(records: list[EpochRecord]) -> str:
    """Say what the average training loss is, or when the training set first counted as fitted."""
    epoch = fitted_epoch(records)
    if epoch:
        return f"The average training loss reached 0.05 in epoch {epoch}."
    if not records:
        return "The loss falls as the network learns its labels."
    return f"The average training loss is {records[-1].train_loss:.2f}."


def describe_changes(records: list[EpochRecord]) -> str:
    """Say when the prediction changes would have stopped the training, and what that would change."""
    stop = label_wave_epoch(prediction_changes(records))
    start = (
        "How many training photographs the network names otherwise than one epoch before. No label and no "
        "held-out photograph is needed for this."
    )
    if len(records) < 4 or stop == len(records):
        return f"{start} This rule does not stop yet."
    then, now = records[stop - 1].test_error, records[-1].test_error
    return (
        f"{start} They move again after epoch {stop}: stopped there, the network would misread {then:.0%} of new "
        f"photographs; now it misreads {now:.0%}."
    )


def describe_evaluation(records: list[EpochRecord]) -> str:
    """Say on how many training images the metrics are measured, unless it is always all of them."""
    parts = [record for record in records if record.evaluated_on is not None]
    if not parts:
        return ""
    since = "Until" if parts[0].epoch == 1 else f"From epoch {parts[0].epoch} until"
    return (
        f"{since} the last epoch, the numbers about training images come from {parts[0].evaluated_on:,} of "
        "them, picked at random; at the end they come from all."
    )


def describe_start(config: RunConfig, existing: LiveRun | None, needed: Estimate, waiting: int) -> str:
    """Say, before Start is pressed, what it will do and how long that will take.

    existing: the same run, if it has been submitted already; waiting: number of other active runs.
    """
    if existing and existing.status not in RESTARTABLE:
        return "This run exists already: it is shown at once."
    text = (
        f"{capitalized(the_network(config.model))}, {config.train_images:,} images, "
        f"{plural(config.epochs, 'epoch')}: "
        f"{about(needed.seconds)}, {needed.basis}"
    )
    if waiting:
        text += f"; {plural(waiting, 'other run')} {'take' if waiting > 1 else 'takes'} turns with it"
    return text + "."


def describe_empty(config: RunConfig, floor: Floor | None) -> str:
    """Say what to look for in a run that has no epoch yet, whether started or not.

    floor: the dashed line of its chart, if it has one.
    """
    if not config.level:
        return "Does the training error fall to zero?"
    if floor is None:
        if config.repair != "none":
            return "The labels are the repaired ones. Does the training error fall to zero?"
        return "With this matrix no label is wrong. Does the training error fall to zero?"
    expected = wrong_share(config) * config.train_images
    if config.repair == "none" and expected < FEW:
        return (
            f"About {max(1, round(expected))} of {config.train_images:,} labels will be wrong: "
            "does the network repeat them?"
        )
    if floor.name == RULE_FLOOR:
        return (
            "Dashed: the training error of a network that gives every image the most frequent label of "
            f"its true class (at {floor.value:.1%}). These labels follow a rule. A network that reaches "
            "this line has learned the rule, wrong classes included."
        )
    line = "Dashed: the training error of a network that names every image correctly"
    if config.repair != "none":
        return f"{line}, which is the share of wrong labels after the repair (at {floor.value:.1%})."
    if floor.name == RIGHT_FLOOR:
        return (
            f"{line} (at {floor.value:.1%}, the share of wrong labels with these settings). These wrong "
            "labels follow a rule. A network well below this line repeats some of them."
        )
    if config.noise != "uniform":
        line = "Dashed: the least training error of a network that memorizes no label"
    where = f"at {floor.value:.1%}"
    if config.noise == "uniform":
        where = "at 0.9 p: p is the corruption level, and a label picked at random is wrong nine times in ten"
    return f"{line} ({where}). A network well below this line has memorized wrong labels."


def describe_status(
    run: LiveRun,
    records: list[EpochRecord],
    others: list[LiveRun],
    speeds: Speeds,
    is_paused: bool = False,
    runs_at_once: int = 1,
) -> str:
    """Say how far a run is and how long it will still take.

    others: the other active runs on this machine; is_paused: whether all training is paused.
    runs_at_once: how many runs a GPU trains side by side right now, this one included.
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
    share = seconds / runs_at_once  # seconds of device time per epoch
    left = time_left(run.config.epochs - len(records), share, others, speeds, run.owner)
    sharing = _sharing(run, others)
    if runs_at_once > 1:
        sharing = f" · trained side by side with {plural(runs_at_once - 1, 'other run')}"
    return f"{done} · {_rate(seconds)} · {run.device} · {duration(left)} left{sharing}"


def describe_turn(in_training: list[LiveRun], run: LiveRun) -> str:
    """Say what is in training right now, on the page of `run`."""
    if not in_training or not run.is_active:
        return ""
    if run.run_id in {other.run_id for other in in_training}:
        return "This run is in training now." if len(in_training) == 1 else ""
    if len(in_training) > 1:
        return f"{len(in_training)} other runs are in training now."
    return f"In training now: {name_of_run(in_training[0].config)}."


def run_row(run: LiveRun, last: EpochRecord | None) -> dict[str, str]:
    """Return a run as a row of the visitor's table; last: the record of its last epoch, if any."""
    return {
        "Run": name_of_run(run.config),
        "State": run.status.value,
        "Epochs": f"{run.epochs_done} of {run.config.epochs}",
        "Training error": per_cent(last.train_error if last else None),
        "Test error": per_cent(last.test_error if last else None),
        "Wrong labels repeated": per_cent(last.memorized if last else None),
    }


def describe_provenance(run: pd.Series) -> str:
    """Say when, where and how a stored run was trained; run: a row of the sweep."""
    fitted = "stayed above 0.05"
    if pd.notna(run["fitted_epoch"]):
        fitted = f"reached 0.05 in epoch {run['fitted_epoch']:.0f}"
    together = ""
    if run["runs_at_once"] > 1:
        together = f" together with {run['runs_at_once'] - 1:.3g} others"
    return (
        f"Run {run['run_id']}: {run['epochs_trained']} epochs, average loss "
        f"{fitted}; {run['images_per_second']:,.0f} images/s, {duration(run['wall_seconds'])} in all"
        f"{together}, on {run['device']}, torch {run['torch']}, Python {run['python']}, {run['date']}."
    )


def command_of(config: RunConfig) -> str:
    """Return the command that trains this run again and saves its records."""
    flags = []
    for name, value in config.overrides().items():
        text = number_text(value) if isinstance(value, float) else shlex.quote(str(value))
        if isinstance(value, bool):
            text = text.lower()
        flags.append(f"--{name.replace('_', '-')} {text}")
    return " ".join(["python -m core train", *flags, f"--out {config.run_id}.json"])


def _within_epoch(run: LiveRun) -> str:
    """The progress of the current epoch."""
    if not run.is_active or run.running_loss is None:
        return ""
    share = run.images_done / run.config.train_images
    return f" · {share:.0%} through the next (average loss {run.running_loss:.2f})"


def _sharing(run: LiveRun, others: list[LiveRun]) -> str:
    """The number of other runs and visitors on this machine."""
    if not others:
        return ""
    visitors = len({other.owner for other in others} - {run.owner})
    text = f" · takes turns with {plural(len(others), 'other run')}"
    return f"{text} from {plural(visitors, 'other visitor')}" if visitors else text


def _rate(seconds: float) -> str:
    return f"{1 / seconds:.1f} epochs/s" if seconds < 1 else f"{seconds:.1f} s per epoch"
