"""The sweep: what its figures show, what their marks are, and what is missing."""

from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from core.config import TRAIN_IMAGES
from core.sweep.comparison import PowerLaw
from core.sweep.grids import EARLY, GRIDS, TUTORIAL_WEIGHT_DECAY, WEIGHT_DECAY
from core.sweep.reference import PAPER_NAMES, Source, parameters, weights_that_suffice
from core.sweep.replication import READ_EARLY
from core.view.words import (
    FLOOR_EXPLAINED,
    SHORT_NETWORKS,
    all_but,
    between,
    capitalized,
    compute,
    plural,
    the_network,
)

REACHED = {  # by the rules of comparison.FIT_RULES
    "error": "95% of its labels are right",
    "loss": "its average training loss is 0.05",
}


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
    first, last = (SHORT_NETWORKS[str(model)] for model in (ends.index[0], ends.index[-1]))
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
        f"{SHORT_NETWORKS[str(model)]} {plural(rows.level.nunique(), 'level')}, {_seeds(rows)}"
        for model, rows in ours.groupby("model")
    )
    text = f"Filled, joined where levels follow one another: ours, means over the seeds ({counts}). "
    if (ours.data == "full").any():
        text += "Hollow: the paper's. "
    text += "Thick: test error; thin, near 0: training error."
    early = ours[ours.epochs_after_fitted == EARLY]
    for model, rows in early.groupby("model"):
        text += f" {SHORT_NETWORKS[str(model)]} at {_levels(rows.level.unique())}: {READ_EARLY}."
    return text


def describe_time(times: pd.DataFrame, model: str, rule: str) -> str:
    """What figure 1b shows; times: comparison.relative_fit_times."""
    ours = times[times.model == model]
    if not len(ours) or ours.level.max() == 0:
        return "How much longer do wrong labels take to be learned? For this too few runs are computed yet."
    most = ours.sort_values("level").iloc[-1]
    return (
        f"At {most.level:.0%} corruption the network needs {most.time:.1f} times as many epochs as on "
        f"true labels before {REACHED[rule]}."
    )


def describe_fit_rule(
    times: pd.DataFrame, ours: pd.DataFrame, model: str, rule: str, theirs: pd.DataFrame | None
) -> str:
    """By what rule a training set counts as fitted, and what never gets there.

    theirs: reference.paper_fit_times, where the paper has the figure.
    """
    name = {"loss": "average training loss is 0.05 or less", "error": "training error is 5% or less"}
    text = f"Fitted: the first epoch whose {name[rule]}. "
    if rule == "error":
        text += "This rule is ours: the paper does not print its own."
    else:
        text += "By this rule the paper's own loss curves of Inception give its figure's ratio of 3.6."
    missing = set(ours[ours.model == model].level) - set(times[times.model == model].level)
    if missing:
        text += (
            f" Not drawn: {_levels(missing)}, where not every run gets there before its learning "
            "rate has faded away."
        )
    if theirs is not None and len(theirs):
        both = times[times.model == model].merge(theirs, on="level", suffixes=("", "_paper"))
        far = both.loc[(both.time - both.time_paper).abs().nlargest(1).index]
        for row in far[(far.time - far.time_paper).abs() > 0.2].itertuples():
            text += (
                f"\n\nThe paper's ratios are not reproduced here: at {row.level:.0%} ours is "
                f"{row.time:.2f}, the paper's {row.time_paper:.2f}."
            )
        first, last = theirs.epochs.iloc[0], theirs.epochs.iloc[-1]
        text += (
            f"\n\nThe paper shows ratios. They are whole numbers divided by {first:.0f}, so that its "
            f"network seems to have taken {first:.0f} epochs on true labels and {last:.0f} on random ones "
            "(or a multiple of that)."
        )
        if model == "mlp-1x512":
            text += " Its point at 60% repeats the one at 70%, in figure 1c as well."
    return text


def describe_message(ours: pd.DataFrame, model: str, paper: dict[str, Any]) -> str:
    """The poster's message, in our numbers: what rises, what stays near zero, why, how it can be.

    ours: rows of the sweep, of one set of images; paper: reference.paper.
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
        f"et al., theorem 1). This one is built differently and has {parameters(paper, model):,}; that "
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
            text += " One seed has no band: it settles gaps of five points, not of one."
        early = computed[computed.epochs_after_fitted == EARLY]
        if len(early):
            text += (
                f" At {_levels(early.level.unique())}: {READ_EARLY}; in runs that were longer the test error "
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


def describe_replication(table: pd.DataFrame, model: str) -> str:
    """How near we are; table: replication.replication."""
    ours = table[table.model == model]
    name = the_network(model)
    if not len(ours):
        return f"Nothing of what the paper prints or plots of {name} is computed yet."
    text = f"Of {name}, {plural(len(ours), 'number')} that the paper prints or plots "
    text += "is computed" if len(ours) == 1 else "are computed"
    for source in ("Table 1", "Figure 1c"):
        last = ours[ours.source == source]
        far, where = 100 * last.difference.abs().max(), f"{source[0].lower()}{source[1:]}"
        if len(last) == 1:
            text += f"; the one of its {where} differs from ours by {far:.1f} percentage points"
        elif len(last):
            text += f"; those of its {where} differ from ours by {far:.1f} percentage points at most"
        if len(last) and source == "Figure 1c":
            text += " (ours are on true test labels)"
    times = ours[ours.source == "Figure 1b"]
    if len(times):
        text += f"; the ratios of its figure 1b by up to {times.difference.abs().max():.2f}"
    return (
        f"{text}. Where the paper contradicts itself, the remark says so. The table gives shares as fractions "
        "of 1, and times relative to true labels."
    )


def describe_gap(table: pd.DataFrame) -> str:
    """Why the paper's points lie above ours; table: comparison.beside_paper."""
    inner = table[(table.level > 0) & (table.level < 1) & ~table.is_slip]
    if not len(inner):
        return ""
    gap = 100 * (inner.paper - inner.ours).max()
    rest = 100 * (inner.paper - inner.converted).abs().max()
    near = f"where ours would if the labels of the new photographs were corrupted, too: within {rest:.1f} points"
    if rest > 2:
        near = (
            "much nearer to where ours would if the labels of the new photographs were corrupted, too: "
            f"{rest:.1f} points at most instead of {gap:.0f}; some of the rest is there at 0% already, where "
            "the paper's figure disagrees with its own table 1"
        )
    slips = ", ".join(f"{level:.0%}" for level in table[table.is_slip].level)
    skipped = f" (its doubled point at {slips} left out)" if slips else ""
    return (
        f"**Against true test labels the paper's points lie up to {gap:.0f} percentage points above ours. "
        "Why?** We ask how often the network is wrong about what is *really* in new photographs. The "
        f"paper's points lie {near}{skipped}. Both are fair questions. The second asks how well the network does in a "
        "world where labels are picked at random at that rate, and there the best possible error is 0.9 p. "
        "The paper does not say which it asked; its first author's later code corrupts both sets, and "
        "he explains why (GitHub, pluskid/fitting-random-labels, issue 4)."
    )


def describe_decay(ours: PowerLaw | None, paper: PowerLaw | None, are_corrupted: bool) -> str:
    """What the two slopes say: comparison.decay_above_chance of our errors and of the paper's."""
    if ours is None:
        return "Of this network too few levels are computed to tell how fast its accuracy falls."
    against = "test labels corrupted, too" if are_corrupted else "the true test labels"
    text = (
        "What a network gets right beyond a blind guess falls roughly like a power of the share of labels "
        f"that are kept, 1\u00a0-\u00a0p. Ours, against {against}: exponent {ours.exponent:.2f} ± {ours.error:.2f} "
        f"({plural(ours.levels, 'level')})."
    )
    if paper is not None:
        text += (
            f" The paper's: {paper.exponent:.2f} ± {paper.error:.2f} ({plural(paper.levels, 'level')})."
        )
    return text


DECAY_EXPLAINED = (
    "Both axes are logarithmic, so that a power is a straight line and its exponent the slope; grey: "
    "slopes 1 and 2. Corrupting the test labels multiplies the accuracy above chance by 1 - p once "
    "more: it adds exactly 1 to the exponent, whatever the network. Exponents are fitted over levels "
    "10% to 80%; nearer to 100% only chance is left."
)


def describe_fits(fitted: pd.DataFrame, errors: dict[str, pd.Series], model: str) -> str:
    """In what order a network fits true labels, random ones, scrambled pixels and noise.

    fitted: comparison.epochs_to_fit; errors: the last test errors of each series, a seed each.
    """
    lines = []
    for source, whose in ((Source.OURS, "Ours"), (Source.PAPER, "The paper's Inception")):
        rows = fitted[fitted.source == source.value]
        if len(rows):
            order = ", ".join(
                f"{name} {epoch}" for name, epoch in zip(rows.series, rows.epoch, strict=True)
            )
            lines.append(f"**{whose}, epochs until the average training loss is 0.05:** {order}.")
    unfitted = _unfitted(fitted, errors)
    if unfitted:
        lines.append(f"Not in the epochs that it was trained here: {', '.join(unfitted)}.")
    if "shuffled pixels" in errors and "true labels" in errors:
        both = [100 * errors[name].mean() for name in ("true labels", "shuffled pixels")]
        if model.startswith("mlp"):
            lines.append(
                "A fully connected network does not know which pixels are neighbours: with all images' "
                f"pixels reordered in one way it must do as well. Test error {both[0]:.1f}% before, "
                f"{both[1]:.1f}% after."
            )
        else:
            lines.append(
                "A convolutional network lives on which pixels are neighbours: reordering them, in one "
                f"way for all images, takes its test error from {both[0]:.1f}% to {both[1]:.1f}%."
            )
    left = {
        "random pixels": "Each image's pixels reordered in a way of its own leave its colours",
        "gaussian": "noise in its place leaves nothing to recognize",
        "random labels": "random labels leave nothing to find",
    }
    known = [
        f"{words} (test error {100 * errors[name].mean():.1f}%)"
        for name, words in left.items()
        if name in errors
    ]
    if known:
        text = "; ".join(known)
        by_heart = [name for name in left if name in errors and name not in unfitted]
        heart = " What it fits all the same it has learned by heart." if by_heart else ""
        lines.append(f"{capitalized(text)}.{heart}")
    return "\n\n".join(lines)


def describe_what_is_fitted(fitted: pd.DataFrame, errors: dict[str, pd.Series]) -> str:
    """What the network can be made to repeat; arguments: as of describe_fits."""
    unfitted = _unfitted(fitted, errors)
    if not unfitted:
        random = ", random ones" if "random labels" in errors else ""
        noise = ", even those of pure noise" if "gaussian" in errors else ""
        return (
            f"The network can be made to repeat any labels: true ones{random}{noise}. "
            "How long it takes differs."
        )
    return (
        f"How long it takes to fit what a network is fed differs. With {' and '.join(unfitted)} the average "
        "training loss stayed above 0.05 in all epochs trained here."
    )


def _unfitted(fitted: pd.DataFrame, errors: dict[str, pd.Series]) -> list[str]:
    """Our series whose average training loss has not come down to 0.05."""
    done = set(fitted[fitted.source == Source.OURS.value].series)
    return [name for name in errors if name not in done]


def describe_fit_sources(curves: pd.DataFrame, model: str, data: str) -> str:
    """What the lines of figure 1a are; curves: comparison.loss_curves."""
    ours = curves[curves.source == Source.OURS.value]
    counts = ours.groupby("series").seeds.max()
    seeds = between(int(counts.min()), int(counts.max()), "seed")
    mean = "" if counts.max() == 1 else "mean over "
    text = f"{the_network(model)}, {TRAIN_IMAGES[data]:,} images, {mean}{seeds}."
    if (curves.source == Source.PAPER.value).any():
        return f"Thick: {text} Thin and dashed: the paper's Inception (figure 1a)."
    return capitalized(text)


def describe_regularized(table: pd.DataFrame) -> str:
    """Whether a regularizer keeps random labels from being learned; table: comparison.regularized."""
    names = {"random_crop": "random crops", "weight_decay": "weight decay"}
    clauses, moved, verdicts = [], [], []
    for row in table.to_dict("records"):
        used = " and ".join(words for name, words in names.items() if row[name])
        if row["labels"] == "true" and used and row["pairs"] > 0:
            moved.append(f"{used} {100 * row['gained']:+.1f} ({plural(int(row['pairs']), 'seed')})")
        if row["labels"] == "random" and used and pd.notna(row["train"]):
            theirs = f" ({row['paper_train']:.1%} in the paper)" if pd.notna(row["paper_train"]) else ""
            clauses.append(f"with {used} {row['train']:.1%}{theirs}")
            stops = "no" if row["train"] > 0.98 else "in part" if row["train"] > 0.2 else "yes"
            verdicts.append(f"{capitalized(used)}: {stops}")
        elif row["labels"] == "random" and used and pd.notna(row["paper_train"]):
            clauses.append(f"with {used}, in the paper, {row['paper_train']:.1%}")
    text = "Of labels that are all random the network repeats " + ", ".join(clauses) + "."
    if verdicts:
        text = f"{'; '.join(verdicts)}. {text}"
    if not clauses:
        text = "On random labels with a regularizer nothing is computed yet."
    if moved:
        text += (
            " On true labels the test accuracy changes, compared seed by seed and in points, by: "
            f"{', '.join(moved)}."
        )
    return text


REGULARIZERS_EXPLAINED = (
    "Accuracies at the end of training; the paper's are of its tables 1 and 4. Our weight decay is "
    "0.0005: the paper says “default” and prints no number. Such small differences need several seeds: "
    "a row of one seed settles none of them. With crops our training accuracy is measured on the centres "
    "of the images, the paper's on the images as they were cropped; and a network that sees every image "
    "differently each time needs longer: a low number after a fixed time does not show that it cannot "
    "memorize."
)


def describe_failed_alexnet(ours: pd.DataFrame) -> str:
    """What weight decay does to AlexNet on random labels, of which the paper says that it failed.

    ours: rows of comparison.protocol_runs.
    """
    alone = ours[(ours.model == "alexnet") & (ours.corruption == "labels") & ~ours.random_crop]
    kept = 1 - alone[alone.level == 1].groupby("weight_decay").final_train_error.mean()
    text = (
        "Of AlexNet with weight decay on random labels the paper says that it “failed to converge”, and "
        "prints no value. "
    )
    known = [
        f"{kept[decay]:.1%} ({decay:g})"
        for decay in (WEIGHT_DECAY, TUTORIAL_WEIGHT_DECAY)
        if decay in kept.index
    ]
    if not known:
        return f"{text}Ours is not computed yet."
    text += f"Ours, with it on all layers, repeats {' and '.join(known)} of the labels. "
    if TUTORIAL_WEIGHT_DECAY in kept.index:
        text += (
            f"{TUTORIAL_WEIGHT_DECAY:g} is that of the tutorial from which the paper's AlexNet seems to come "
            "(there on two layers): "
        )
        fails = kept[TUTORIAL_WEIGHT_DECAY] < 0.2
        text += (
            "it may be the paper's."
            if fails
            else "it does not explain the paper's failure here, either."
        )
    return text.strip()


def _shown(runs: pd.DataFrame, model: str) -> str:
    run = runs[runs.model == model].iloc[0]
    return f"{run.epochs} times in batches of {run.batch_size}"


def describe_worth(full: pd.DataFrame, mini: pd.DataFrame, model: str) -> str:
    """What wrong labels cost, in images: our errors on all images beside that on a tenth of them.

    full, mini: comparison.label_runs of both sets. Empty where it cannot be said.
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
        "CPUs" if device_type == "cpu" else device
        for device_type, device in zip(runs.device_type, runs.device, strict=True)
    }
    return ", ".join(sorted(names))


def _levels(levels: Iterable[float]) -> str:
    named = [f"{level:.0%}" for level in sorted(levels)]
    return f"level{'s' * (len(named) > 1)} {', '.join(named)}"


def _seeds(runs: pd.DataFrame) -> str:
    """How many a level has."""
    counts = runs.groupby("level").seed.nunique()
    return between(int(counts.min()), int(counts.max()), "seed")
