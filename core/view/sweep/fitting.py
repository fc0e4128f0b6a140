"""Sentences about how long a network needs to fit its labels, and what it can be made to fit."""

from collections.abc import Mapping

import pandas as pd

from core.choices import NETWORKS
from core.config import TRAIN_IMAGES
from core.sweep.reference import Source
from core.view.words import between, capitalized, named_levels, the_network

REACHED = {  # keys: those of figures.FIT_RULES
    "error": "95% of its labels are right",
    "loss": "its average training loss is 0.05",
}

ALIKE = 1.5  # epochs: the largest rms difference of numbers of epochs that count as alike


def describe_time(times: pd.DataFrame, model: str, rule: str) -> str:
    """Say what our figure 1b shows; times: figures.relative_fit_times."""
    ours = times[times.model == model]
    if not len(ours) or ours.level.max() == 0:
        return (
            "How much longer does it take to learn wrong labels? Too few runs are computed to tell yet."
        )
    most = ours.sort_values("level").iloc[-1]
    return (
        f"At {most.level:.0%} corruption the network needs {most.time:.1f} times as many epochs as on "
        f"true labels before {REACHED[rule]}."
    )


def describe_fit_rule(
    times: pd.DataFrame, ours: pd.DataFrame, model: str, rule: str, theirs: pd.DataFrame | None
) -> str:
    """Explain the rule by which a training set counts as fitted, and name the levels that never are.

    theirs: reference.paper_fit_times, if the paper has the figure.
    """
    name = {"loss": "average training loss is 0.05 or less", "error": "training error is 5% or less"}
    text = f"Fitted: the first epoch whose {name[rule]}. "
    if rule == "error":
        text += "This rule is ours: the paper does not print its own."
    else:
        text += "By this rule, the paper's own loss curves of Inception give the ratio of 3.6 in its figure."
    missing = set(ours[ours.model == model].level) - set(times[times.model == model].level)
    if missing:
        text += (
            f" Not drawn: {named_levels(missing)}, where not every run is fitted before its learning rate has "
            "decayed to almost nothing."
        )
    if theirs is not None and len(theirs):
        text += _next_to_the_paper(times[times.model == model], theirs, model)
        if model == "mlp-1x512":
            text += " The paper's point at 60% repeats the one at 70%, in figure 1c as well."
    return text


def _next_to_the_paper(ours: pd.DataFrame, theirs: pd.DataFrame, model: str) -> str:
    """How many epochs the paper's network and ours needed, and how far apart they are; two paragraphs."""
    first, last = theirs.epochs.iloc[0], theirs.epochs.iloc[-1]
    text = (
        f"\n\nThe paper shows ratios. They are whole numbers divided by {first:.0f}, so its network seems to have "
        f"needed {first:.0f} epochs on true labels and {last:.0f} on random ones (or a multiple of that)."
    )
    ends = ours[ours.level.isin((0, 1))].sort_values("level").epochs.tolist()
    if len(ends) == 2:
        text += f" Ours needed {ends[0]:.0f} and {ends[1]:.0f}."
    both = ours.merge(theirs, on="level", suffixes=("", "_paper"))
    if len(both) < 3:
        return text
    apart = both.epochs_paper - both.epochs
    mean, spread, rms = float(apart.mean()), float(apart.std()), float((apart**2).mean() ** 0.5)
    text += f"\n\nOver {len(both)} levels "
    if rms < ALIKE:
        return f"{text}the two differ by {rms:.1f} epochs (root mean square): the paper's figure is replicated."
    more = f"{abs(mean):.0f} epochs {'more' if mean > 0 else 'fewer'}"
    if spread < ALIKE:
        return (
            f"{text}the paper's {NETWORKS[model].short} needs {more} than ours, almost the same number at "
            f"every level (± {spread:.1f}). We do not know why."
        )
    return (
        f"{text}the paper's {NETWORKS[model].short} needs {more} than ours on average (± {spread:.1f})."
    )


def describe_fits(fitted: pd.DataFrame, errors: dict[str, pd.Series], model: str) -> str:
    """Say in what order a network fits true labels, random labels, scrambled pixels and noise.

    fitted: figures.epochs_to_fit; errors: the last test errors of each series, one per seed.
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
        lines.append(f"Not fitted in the epochs trained here: {', '.join(unfitted)}.")
    if "shuffled pixels" in errors and "true labels" in errors:
        both = [100 * errors[name].mean() for name in ("true labels", "shuffled pixels")]
        if NETWORKS[model].is_flat:
            lines.append(
                "A fully connected network does not know which pixels are neighbors. If the pixels of all images "
                f"are reordered in the same way, it must do equally well. Test error: {both[0]:.1f}% before, "
                f"{both[1]:.1f}% after."
            )
        else:
            lines.append(
                "A convolutional network depends on which pixels are neighbors. Reordering the pixels of all images "
                f"in the same way takes its test error from {both[0]:.1f}% to {both[1]:.1f}%."
            )
    left = {
        "random pixels": "Reordering the pixels of each image in its own way leaves only its colors",
        "gaussian": "noise instead of images leaves nothing to recognize",
        "random labels": "random labels leave no pattern to find",
    }
    known = [
        f"{words} (test error {100 * errors[name].mean():.1f}%)"
        for name, words in left.items()
        if name in errors
    ]
    if known:
        text = "; ".join(known)
        by_heart = [name for name in left if name in errors and name not in unfitted]
        heart = " If the network fits them anyway, it has learned them by heart." if by_heart else ""
        lines.append(f"{capitalized(text)}.{heart}")
    return "\n\n".join(lines)


def describe_fitted(
    fitted: pd.DataFrame, errors: dict[str, pd.Series], repeated: Mapping[str, float]
) -> str:
    """Say what the network can be made to repeat; fitted, errors: see `describe_fits`.

    repeated: the share of labels that it repeats at the end, by series.
    """
    unfitted = _unfitted(fitted, errors)
    if not unfitted:
        random = ", random ones" if "random labels" in errors else ""
        noise = ", even those of pure noise" if "gaussian" in errors else ""
        return (
            f"The network can be made to repeat any labels: true ones{random}{noise}. "
            "How long it takes differs."
        )
    though = ", ".join(f"{repeated[name]:.1%}" for name in unfitted if name in repeated)
    return (
        "The time to fit depends on the images and labels. With "
        f"{' and '.join(unfitted)} the average training loss stayed above 0.05 in all epochs trained here"
        f"{f', though the network repeats {though} of the labels' if though else ''}."
    )


def _unfitted(fitted: pd.DataFrame, errors: dict[str, pd.Series]) -> list[str]:
    """Our series whose average training loss has not come down to 0.05."""
    done = set(fitted[fitted.source == Source.OURS.value].series)
    return [name for name in errors if name not in done]


def describe_fit_sources(curves: pd.DataFrame, model: str, data: str) -> str:
    """Explain the lines of our figure 1a; curves: figures.loss_curves."""
    ours = curves[curves.source == Source.OURS.value]
    counts = ours.groupby("series").seeds.max()
    seeds = between(int(counts.min()), int(counts.max()), "seed")
    mean = "" if counts.max() == 1 else "mean over "
    text = f"{the_network(model)}, {TRAIN_IMAGES[data]:,} images, {mean}{seeds}."
    if (curves.source == Source.PAPER.value).any():
        text = f"Thick: {text} Thin and dashed: the paper's Inception (figure 1a)."
        if model == "inception" and "random labels" in counts.index:
            text += (
                " On random labels our loss jumps where the paper's is smooth. A likely cause: it is measured "
                "with batch norm's running averages, which follow the weights faster here than in TensorFlow."
            )
        return text
    return capitalized(text)
