"""Sentences about the sweep: what its figures show, what their marks mean, and what is missing."""

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
    """Say what our figure 1c shows; ours: rows of the precomputed sweep.

    are_corrupted: whether the figure shows the errors against corrupted test labels.
    """
    ours = ours[ours.model == model]
    means = ours.groupby("level").final_test_error.mean()
    if 0.0 in means.index and 1.0 in means.index:
        images = TRAIN_IMAGES[ours.iloc[0].data]
        kept = all_but(ours.final_train_error.max(), images)
        what = "the more it misreads"
        if are_corrupted:
            what = "including those of the new images, the more of them it gets wrong"
        return (
            f"With true labels this network misreads {means[0.0]:.0%} of new images. The more labels are "
            f"random, {what}: up to {means[1.0]:.0%} (a blind guess: 90%). Yet it repeats {kept} "
            "labels that it was given, even the wrong ones."
        )
    name = the_network(model)
    if len(means):
        return (
            f"{len(means)} of 11 levels {'is' if len(means) == 1 else 'are'} computed for {name}: at "
            f"{means.index[0]:.0%} corruption it misreads {means.iloc[0]:.0%} of new images."
        )
    return f"No runs of {name} are computed yet."


def describe_best(ours: pd.DataFrame, best: pd.DataFrame, model: str) -> str:
    """Say what reading each run at its best epoch would change; best: figures.best_means.

    ours: rows of the sweep. Empty if no level between 20% and 80% is computed.
    """
    ends = ours[ours.model == model].groupby("level").final_test_error.mean()
    read = best[best.model == model].set_index("level").error
    gains = (ends - read).dropna()
    gains = gains[(gains.index >= 0.2) & (gains.index <= 0.8)]
    if gains.empty:
        return ""
    level = float(gains.index.to_numpy()[gains.to_numpy().argmax()])
    return (
        f"**When it is read decides.** At its best epoch this network misreads {read[level]:.0%} of new images at "
        f"{level:.0%} corruption, at the end {ends[level]:.0%}; from 20% to 80% it loses {100 * gains.mean():.0f} "
        "points on average by going on. (The test images chose the epoch, so this is a little too good.)"
    )


def describe_lacking(networks: Collection[str], figures: Collection[str]) -> str:
    """Name what the page cannot offer yet: networks, by key, and figures of this network, by name."""
    sentences = []
    if networks:
        sentences.append(f"Not computed yet: {', '.join(map(the_network, networks))}.")
    if figures:
        *first, last = (f"“{name}”" for name in figures)
        names = f"{', '.join(first)} and {last}" if first else last
        needs = "need" if first else "needs"
        sentences.append(f"{names} {needs} more runs of this network.")
    return " ".join(sentences)


def describe_networks(ours: pd.DataFrame) -> str:
    """Say what all networks together show; ours: rows of the sweep for one set of images."""
    ends = ours[ours.level == 0].groupby("model").final_test_error.mean().sort_values()
    if len(ends) < 2:
        return "All networks together, as far as they are computed."
    first, last = (NETWORKS[str(model)].short for model in (ends.index[0], ends.index[-1]))
    worst = ours.groupby(["model", "level"]).final_train_error.mean().max()
    learned = "learns" if worst < 0.01 else f"learns {1 - worst:.0%} or more of"
    misled = ours[ours.level > 0].model.nunique()
    cost = "all of them" if misled == len(ends) else f"each of the {misled} that were given any"
    return (
        f"With true labels the networks differ: they misread from {ends.iloc[0]:.0%} ({first}) to {ends.iloc[-1]:.0%} "
        f"({last}) of new images. At every computed level each of them {learned} the labels it is given, and "
        f"wrong labels harm {cost}."
    )


def describe_networks_marks(ours: pd.DataFrame) -> str:
    """Explain the marks of the chart of all networks together."""
    counts = "; ".join(
        f"{NETWORKS[str(model)].short} {plural(rows.level.nunique(), 'level')}, {_seeds(rows)}"
        for model, rows in ours.groupby("model")
    )
    text = f"Filled: ours, means over the seeds ({counts}); a line joins neighboring levels. "
    if (ours.data == "full").any():
        text += "Hollow: the paper's. "
    text += "Thick: test error; thin, near 0: training error."
    early = ours[ours.epochs_after_fitted == EARLY]
    for model, rows in early.groupby("model"):
        text += f" {NETWORKS[str(model)].short} at {named_levels(rows.level.unique())}: {READ_EARLY}."
    return text


def describe_message(ours: pd.DataFrame, model: str) -> str:
    """Give the poster's message in our numbers: what rises, what stays near zero, why, and how.

    ours: rows of the sweep for one set of images.
    """
    ours = ours[ours.model == model]
    if not len(ours):
        return ""
    at = ours.groupby("level").final_test_error.mean()
    if len(at) == 1:
        return ""  # one level shows no rise
    worst = ours.final_train_error.max()
    rises = f"from {at.iloc[0]:.0%} at {at.index[0]:.0%} corruption to {at.iloc[-1]:.0%} at {at.index[-1]:.0%}"
    images = TRAIN_IMAGES[ours.iloc[0].data]
    return (
        f"**What rises:** the test error, {rises}.\n\n"
        f"**What stays near zero:** the training error. At worst the network repeats "
        f"{all_but(worst, images)} labels"
        f"{', even where all are random' if 1.0 in at.index else ''}.\n\n"
        "**Why:** the network finds the pattern as far as it can, and learns the rest by heart, both true "
        "and wrong labels. If it makes no mistakes on the images it has studied, that does not prove that it has "
        "understood anything. Only new images can show that.\n\n"
        f"**How is that possible?** A network of two layers with {weights_that_suffice(images):,} "
        f"adjustable numbers (weights) can be built that gives {images:,} images any labels at all (Zhang "
        f"et al., theorem 1). This network is built differently and has {NETWORKS[model].weights:,}. The "
        "experiment shows that training *finds* weights that do it."
    )


def describe_sources(
    ours: pd.DataFrame,
    model: str,
    data: str,
    live_runs: int,
    are_corrupted: bool = False,
    figure: str = "error",
) -> str:
    """Explain the marks of the sweep's charts against the level, and say what is missing.

    ours: rows of the sweep; live_runs: how many of the visitor's own runs are drawn.
    are_corrupted: whether the test errors are against corrupted test labels.
    figure: "error" or "time".
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
            text += " Band: 95% interval of the mean over the seeds."
        if least == 1:
            text += " A single seed has no band"
            text += "." if figure == "time" else ": it can settle gaps of five points, but not of one."
        early = computed[computed.epochs_after_fitted == EARLY]
        if len(early) and figure != "time":  # reading early does not change the time to fit
            text += (
                f" At {named_levels(early.level.unique())}: {READ_EARLY}; in longer runs the test error moved by "
                "0.8 points or less after that (root mean square)."
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
            " Test errors: of the same predictions, if each test label is also picked at random with "
            "probability p (computed, not sampled). Then no error can be below 0.9 p."
        )
    if figure == "error":
        text += f" Dashed: {FLOOR_EXPLAINED}."
        if levels > 1:
            text += " Dotted: our test error at its best epoch, which the test images chose."
    if data != "full":
        text += " The paper has no training set this small, so none of its numbers are drawn here."
    elif model in PAPER_NAMES:
        text += " Hollow: Zhang et al. 2017, figure 1"
        if figure == "error" and not are_corrupted:
            text += (
                ". Its points are close to where ours would be if the test labels were corrupted, too"
            )
        text += "."
    if live_runs:
        text += " Large: your own finished runs, with any images and settings."
    return text


# The meaning of the thin line next to ours, by whether ours is against corrupted test labels.
OTHER_LINE = {
    False: " Thin line: our error if the test labels were corrupted as well.",
    True: " Thin line: our error against the true test labels.",
}


def describe_others(poster: bool, earlier: bool, attempts: dict[str, Any]) -> str:
    """Explain the gray marks and their known faults; attempts: reference.earlier_attempts."""
    parts = []
    if poster:
        parts.append(
            "Gray crosses: the poster of 2023, which reports only the two ends. Its Inception was never "
            "trained to zero training error on corrupted labels."
        )
    if earlier:
        choice, *faults = attempts["mdv3101/Rethinking_Generalization"]["known_faults"]
        parts.append(
            "Gray dashes: an earlier public attempt (mdv3101/Rethinking_Generalization): "
            f"{choice}. Its faults: {'; '.join(faults)}. Gray triangle: public code by the paper's first author "
            "(pluskid/fitting-random-labels), 300 epochs on random labels, with weight decay and other "
            "networks."
        )
    return " ".join(parts)


def _shown(runs: pd.DataFrame, model: str) -> str:
    computed = runs[runs.model == model]
    epochs = computed.epochs_trained.astype(int)
    return f"{between(epochs.min(), epochs.max(), 'time')} in batches of {computed.iloc[0].batch_size}"


def describe_worth(full: pd.DataFrame, mini: pd.DataFrame, model: str) -> str:
    """Say how many images wrong labels cost: compare errors on all images with that on a tenth of them.

    full, mini: protocol.label_runs of both sets. Empty if the runs do not suffice.
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
        f"times as many images the test error is equally high when about {level:.0%} of the labels are picked at "
        "random. So these wrong labels cost about as much as losing nine tenths of the images. (The 50,000 images "
        f"were shown {_shown(full, model)}, the 5,000 {_shown(mini, model)}.)"
    )


def _devices(runs: pd.DataFrame) -> str:
    """The kinds of devices, without the processor: each run's own caption names it."""
    names = {
        "CPUs" if device_type == "cpu" else f"a GPU ({device})"
        for device_type, device in zip(runs.device_type, runs.device, strict=True)
    }
    return " and ".join(sorted(names))


def _seeds(runs: pd.DataFrame) -> str:
    """The number of seeds per level."""
    counts = runs.groupby("level").seed.nunique()
    return between(int(counts.min()), int(counts.max()), "seed")
