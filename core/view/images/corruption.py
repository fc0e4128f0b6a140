"""Sentences about what the corruption did to the training set."""

from dataclasses import replace

from core.choices import CORRUPTIONS, NOISES
from core.cleaning.studied import StudiedLabels
from core.config import RunConfig
from core.data.corruption import LabelCorruption
from core.data.noise import has_uniform_wrong_labels, wrong_share
from core.view.words import FEW


def describe_corruption(config: RunConfig, corrupted: LabelCorruption) -> str:
    """Say how many labels were redrawn and how many of them are wrong, or how images were changed."""
    if config.corruption != "labels":
        return (
            CORRUPTIONS[config.corruption].explanation
            + " The labels stay true: can a network still fit them?"
        )
    if config.level == 0:
        return "All labels are true. Raise the corruption level to put lies into the data."
    wrong, count = int(corrupted.is_wrong.sum()), len(corrupted.labels)
    redrawn = int(corrupted.is_redrawn.sum())
    if config.noise != "uniform":
        return (
            f"{redrawn:,} of the {count:,} labels were redrawn ({100 * config.level:g}% corruption), as "
            f"{NOISES[config.noise].words}. {redrawn - wrong:,} came out right; {wrong:,} {_are_wrong(wrong, count)}."
        )
    return (
        f"{redrawn:,} of the {count:,} labels were picked at random ({100 * config.level:g}% corruption). "
        f"{redrawn - wrong:,} are right by chance; {wrong:,} {_are_wrong(wrong, count)}."
    )


def _are_wrong(wrong: int, count: int) -> str:
    are = "is wrong" if wrong == 1 else "are wrong"
    return f"{are}: {wrong / count:.0%}" if wrong >= FEW else are


def describe_repair(config: RunConfig, studied: StudiedLabels | None) -> str:
    """Say what the repair changed; studied: None if the labels after the repair are not known any more."""
    if studied is None:
        return "The labels after the repair are not known any more: their ranking was deleted."
    count = round(config.repaired * len(studied.labels))
    done = (
        "of the most suspicious photographs were left out"
        if config.repair == "drop"
        else "of the most suspicious labels were replaced by predicted ones"
    )
    wrong, used = int(studied.is_wrong[studied.is_trained].sum()), int(studied.is_trained.sum())
    return (
        f"Then {count:,} {done}: of the {used:,} labels that are studied, {wrong:,} are wrong, "
        f"{wrong / used:.0%}."
    )


def explain_noise(config: RunConfig) -> str:
    """Say how these wrong labels differ from those of real annotators."""
    if not wrong_share(replace(config, level=1.0)):
        text = "with this matrix no label is wrong."
    elif has_uniform_wrong_labels(config):
        text = (
            "labels are picked at random here. Nobody intends to deceive, and real annotators do not make "
            "random errors: they confuse classes that look alike."
        )
    elif NOISES[config.noise].human_column:
        text = "people gave these labels (CIFAR-10N), and they confuse classes that look alike."
    elif config.noise.startswith("cifar10n"):
        text = "labels are drawn as often as people confused these classes (CIFAR-10N)."
    else:
        text = "these wrong labels follow a rule. Real annotators also confuse some classes more than others."
    return (
        f"For experts: {text} About 0.5% of CIFAR-10's own test labels are wrong, so “true” is itself an "
        "approximation."
    )
