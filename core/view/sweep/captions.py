"""The sweep: what its figures show, what their marks are, and what is missing."""

from collections.abc import Collection
from typing import Any

import pandas as pd

from core.choices import NETWORKS
from core.config import TRAIN_IMAGES
from core.sweep.grids import EARLY, GRIDS
from core.sweep.reference import PAPER_NAMES, weights_that_suffice
from core.sweep.replication import READ_EARLY
from core.view.words import (
    FLOOR_EXPLAINED,
    all_but,
    between,
    compute,
    named_levels,
    plural,
    the_network,
)


def describe_sweep(ours: pd.DataFrame, model: str, are_corrupted: bool = False) -> str:
    """What figure 1c shows; ours: rows of the precomputed sweep.

    are_corrupted: whether it shows the errors against corrupted test labels.
    """
    ours = ours[ours.model == model]
    means = ours.groupby("level").final_test_error.mean()
    if 0.0 in means.index and 1.0 in means.index:
        images = TRAIN_IMAGES[ours.iloc[0].data]
        kept = all_but(ours.final_train_error.max(), images)
        what = "the more it misreads"
        if are_corrupted:
            what = "those of the new images, too, the more of them it gets wrong"
        return (
            f"With true labels this network misreads {means[0.0]:.0%} of new images; the more labels are "
            f"random, {what}: up to {means[1.0]:.0%} (a blind guess: 90%). Yet it repeats {kept} "
            "labels it was given, even the wrong ones."
        )
    name = the_network(model)
    if len(means):
        return (
            f"Of {name} {plural(len(means), 'level')} of 11 {'is' if len(means) == 1 else 'are'} computed yet: at "
            f"{means.index[0]:.0%} corruption it misreads {means.iloc[0]:.0%} of new images."
        )
    return f"No run of {name} is computed yet."


def describe_lacking(networks: Collection[str], figures: Collection[str]) -> str:
    """What the page offers no choice of: networks, by key, and figures, by name."""
    what = [f"of {the_network(model)} no run" for model in networks]
    if figures:
        names = ", ".join(f"“{name}”" for name in figures)
        what.append(f"of this network too few runs for {names}")
    return f"Not computed yet: {'; '.join(what)}." if what else ""


def describe_networks(ours: pd.DataFrame) -> str:
    """What all networks together show; ours: rows of the sweep, of one set of images."""
    ends = ours[ours.level == 0].groupby("model").final_test_error.mean().sort_values()
    if len(ends) < 2:
        return "The networks together, as far as they are computed."
    first, last = (NETWORKS[str(model)].short for model in (ends.index[0], ends.index[-1]))
    worst = ours.groupby(["model", "level"]).final_train_error.mean().max()
    learned = "learns" if worst < 0.01 else f"learns {1 - worst:.0%} or more of"
    misled = ours[ours.level > 0].model.nunique()
    cost = "all of them" if misled == len(ends) else f"each of the {misled} that were given any"
    return (
        f"On true labels they differ, from {ends.iloc[0]:.0%} ({first}) to {ends.iloc[-1]:.0%} wrong on new "
        f"images ({last}). At every level computed each {learned} the labels it is given; wrong ones cost {cost}."
    )


def describe_networks_marks(ours: pd.DataFrame) -> str:
    """What the marks are where all networks are drawn together."""
    counts = "; ".join(
        f"{NETWORKS[str(model)].short} {plural(rows.level.nunique(), 'level')}, {_seeds(rows)}"
        for model, rows in ours.groupby("model")
    )
    text = f"Filled, joined where levels follow one another: ours, means over the seeds ({counts}). "
    if (ours.data == "full").any():
        text += "Hollow: the paper's. "
    text += "Thick: test error; thin, near 0: training error."
    early = ours[ours.epochs_after_fitted == EARLY]
    for model, rows in early.groupby("model"):
        text += f" {NETWORKS[str(model)].short} at {named_levels(rows.level.unique())}: {READ_EARLY}."
    return text


def describe_message(ours: pd.DataFrame, model: str) -> str:
    """The poster's message, in our numbers: what rises, what stays near zero, why, how it can be.

    ours: rows of the sweep, of one set of images.
    """
    ours = ours[ours.model == model]
    if not len(ours):
        return ""
    at = ours.groupby("level").final_test_error.mean()
    if len(at) == 1:
        return ""  # of one level nothing rises
    worst = ours.final_train_error.max()
    rises = f"from {at.iloc[0]:.0%} at {at.index[0]:.0%} corruption to {at.iloc[-1]:.0%} at {at.index[-1]:.0%}"
    images = TRAIN_IMAGES[ours.iloc[0].data]
    return (
        f"**What rises:** the test error, {rises}.\n\n"
        f"**What stays near zero:** the training error. At worst the network repeats "
        f"{all_but(worst, images)} labels"
        f"{', even where all are random' if 1.0 in at.index else ''}.\n\n"
        "**Why:** as far as it can, the network finds the pattern; the rest it learns by heart, true "
        "labels as well as wrong ones. No mistakes on the images it has studied do not prove that it has "
        "understood anything: new images tell.\n\n"
        f"**How is that possible?** A network of two layers with {weights_that_suffice(images):,} "
        f"adjustable numbers (weights) can be built that gives {images:,} images any labels at all (Zhang "
        f"et al., theorem 1). This one is built differently and has {NETWORKS[model].weights:,}; that "
        "training *finds* weights that do it is what the experiment shows."
    )


def describe_sources(
    ours: pd.DataFrame,
    model: str,
    data: str,
    live_runs: int,
    are_corrupted: bool = False,
    figure: str = "error",
) -> str:
    """What the marks of the sweep's charts against the level are, and what is not there.

    ours: runs of the sweep; live_runs: how many of the visitor's own are drawn;
    are_corrupted: whether the test errors are those against corrupted test labels.
    """
    computed = ours[ours.model == model]
    levels = computed.level.nunique()
    images = "all 50,000 images" if data == "full" else "the 5,000 embedded images"
    if levels:
        seeds = computed.groupby("level").seed.nunique()
        least, most = int(seeds.min()), int(seeds.max())
        text = (
            f"Filled: ours, {levels} of 11 levels, {_seeds(computed)}, {images}, batch size "
            f"{computed.iloc[0].batch_size}, on {_devices(computed)}."
        )
        if most > 1:
            text += " Band: 95% interval of the mean, over seeds."
        if least == 1:
            text += " One seed has no band"
            text += "." if figure == "time" else ": it settles gaps of five points, not of one."
        early = computed[computed.epochs_after_fitted == EARLY]
        if len(early) and figure != "time":  # by then it is fitted
            text += (
                f" At {named_levels(early.level.unique())}: {READ_EARLY}; in runs that were longer the test error "
                "then still moved by 0.8 points or less (root mean square)."
            )
    else:
        text = f"Our own runs of {the_network(model)} on {images} are not computed yet."
        for grid in GRIDS.values():
            if any(
                (run.model, run.data, run.corruption) == (model, data, "labels")
                for run in grid.one_seed
            ):
                text += compute(grid.name, model)
                break
    if are_corrupted:
        text += (
            " Test errors: what the same predictions come to where each test label, too, is picked at "
            "random with probability p (computed, not sampled); nobody can get below 0.9 p there."
        )
    if figure == "error":
        text += f" Dashed: {FLOOR_EXPLAINED}."
    if data != "full":
        text += " The paper has no such small training set: nothing of it is drawn here."
    elif model in PAPER_NAMES:
        text += " Hollow: Zhang et al. 2017, figure 1"
        if figure == "error" and not are_corrupted:
            text += ", whose points lie near where ours would if the test labels were corrupted, too"
        text += "."
    if live_runs:
        text += " Large: your own finished runs, whatever their images and settings."
    return text


# On the thin line beside ours, by whether ours are those against corrupted test labels.
OTHER_LINE = {
    False: " Thin line: our error if the test labels were corrupted as well.",
    True: " Thin line: our error against the true test labels.",
}


def describe_others(poster: bool, earlier: bool, attempts: dict[str, Any]) -> str:
    """What the grey marks are, and what was wrong there; attempts: reference.earlier_attempts."""
    parts = []
    if poster:
        parts.append(
            "Grey crosses: the poster of 2023, which reports the ends only. Its Inception was never "
            "trained to zero training error on corrupted labels."
        )
    if earlier:
        choice, *faults = attempts["mdv3101/Rethinking_Generalization"]["known_faults"]
        parts.append(
            "Grey dashes: an earlier public attempt (mdv3101/Rethinking_Generalization): "
            f"{choice}. What was wrong in it: {'; '.join(faults)}. Grey triangle: public code by the paper's first author "
            "(pluskid/fitting-random-labels), 300 epochs on random labels, with weight decay; its networks "
            "are others."
        )
    return " ".join(parts)


def _shown(runs: pd.DataFrame, model: str) -> str:
    computed = runs[runs.model == model]
    epochs = computed.epochs_trained.astype(int)
    return f"{between(epochs.min(), epochs.max(), 'time')} in batches of {computed.iloc[0].batch_size}"


def describe_worth(full: pd.DataFrame, mini: pd.DataFrame, model: str) -> str:
    """What wrong labels cost, in images: our errors on all images beside that on a tenth of them.

    full, mini: protocol.label_runs of both sets. Empty where it cannot be said.
    """
    at = full[full.model == model].groupby("level").final_test_error.mean()
    few = mini[(mini.model == model) & (mini.level == 0)].final_test_error.mean()
    above = [level for level in at.index if at[level] >= few]
    below = [level for level in at.index if at[level] < few]
    if pd.isna(few) or not above or not below or min(above) < max(below):
        return ""
    low, high = max(below), min(above)
    level = low + (high - low) * (few - at[low]) / (at[high] - at[low])
    return (
        f"**What does it cost?** With 5,000 images and true labels the test error is {few:.0%}. With ten "
        f"times as many images it is as high when about {level:.0%} of the labels are picked at random: that "
        "costs about as much as losing nine tenths of the images. (The many were shown "
        f"{_shown(full, model)}, the few {_shown(mini, model)}.)"
    )


def _devices(runs: pd.DataFrame) -> str:
    """In short: each run's own caption names the processor."""
    names = {
        "CPUs" if device_type == "cpu" else f"a GPU ({device})"
        for device_type, device in zip(runs.device_type, runs.device, strict=True)
    }
    return " and ".join(sorted(names))


def _seeds(runs: pd.DataFrame) -> str:
    """How many a level has."""
    counts = runs.groupby("level").seed.nunique()
    return between(int(counts.min()), int(counts.max()), "seed")
