"""What is said of how long a network needs to fit its labels, and of what it can be made to fit."""

import pandas as pd

from core.choices import NETWORKS
from core.config import TRAIN_IMAGES
from core.sweep.reference import Source
from core.view.words import between, capitalized, named_levels, the_network

REACHED = {  # by the rules of figures.FIT_RULES
    "error": "95% of its labels are right",
    "loss": "its average training loss is 0.05",
}

ALIKE = 0.25  # rms difference of our ratios from the paper's: a tenth of what they span for Inception


def describe_time(times: pd.DataFrame, model: str, rule: str) -> str:
    """What figure 1b shows; times: figures.relative_fit_times."""
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
            f" Not drawn: {named_levels(missing)}, where not every run gets there before its learning "
            "rate has faded away."
        )
    if theirs is not None and len(theirs):
        text += _next_to_the_paper(times[times.model == model], theirs)
        if model == "mlp-1x512":
            text += " The paper's point at 60% repeats the one at 70%, in figure 1c as well."
    return text


def _next_to_the_paper(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """Whether our ratios follow the paper's, and of how many epochs both are; two paragraphs."""
    text = ""
    both = ours.merge(theirs, on="level", suffixes=("", "_paper"))
    apart = both.time - both.time_paper
    if (both.level > 0).any():
        far = both.iloc[int(apart.abs().to_numpy().argmax())]
        rms = float((apart**2).mean() ** 0.5)
        text += (
            f"\n\nOur ratios {'follow' if rms < ALIKE else 'do not follow'} the paper's: their root mean square "
            f"difference is {rms:.2f}, the largest at {far.level:.0%}, where ours is {far.time:.2f} and the "
            f"paper's {far.time_paper:.2f}."
        )
    first, last = theirs.epochs.iloc[0], theirs.epochs.iloc[-1]
    text += (
        f"\n\nThe paper shows ratios. They are whole numbers divided by {first:.0f}, so that its network seems "
        f"to have taken {first:.0f} epochs on true labels and {last:.0f} on random ones (or a multiple of that)."
    )
    ends = ours[ours.level.isin((0, 1))].sort_values("level").epochs.tolist()
    if len(ends) == 2:
        text += f" Ours took {ends[0]:.0f} and {ends[1]:.0f}."
    return text


def describe_fits(fitted: pd.DataFrame, errors: dict[str, pd.Series], model: str) -> str:
    """In what order a network fits true labels, random ones, scrambled pixels and noise.

    fitted: figures.epochs_to_fit; errors: the last test errors of each series, a seed each.
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
        if NETWORKS[model].is_flat:
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


def describe_fitted(fitted: pd.DataFrame, errors: dict[str, pd.Series]) -> str:
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
    """What the lines of figure 1a are; curves: figures.loss_curves."""
    ours = curves[curves.source == Source.OURS.value]
    counts = ours.groupby("series").seeds.max()
    seeds = between(int(counts.min()), int(counts.max()), "seed")
    mean = "" if counts.max() == 1 else "mean over "
    text = f"{the_network(model)}, {TRAIN_IMAGES[data]:,} images, {mean}{seeds}."
    if (curves.source == Source.PAPER.value).any():
        return f"Thick: {text} Thin and dashed: the paper's Inception (figure 1a)."
    return capitalized(text)
