"""Numbers in words: per cent, times, counts; and the names of what is measured."""

import re
from collections.abc import Iterable

from core.choices import NETWORKS
from core.config import LEVELS, RunConfig, settings_of

# The one name of each quantity: on every page, in every export, on the command line.
LABELS = {
    "test_error": "test error",
    "train_error": "training error",
    "right_label_error": "error on right labels",
    "memorized": "memorized",
    "recovered": "predicted as the true class",
    "test_loss": "test loss",
    "train_loss": "training loss",
    "validation_error": "validation error",
}
TIME_TO_FIT = "time to fit"
CHANCE = "repeated by chance"
FLOOR = "least error without memorizing"
FLOOR_EXPLAINED = (
    "0.9 p, the share of wrong labels on average (p is the corruption level; a label picked at random is "
    "wrong nine times in ten): a network that named every image correctly would disagree with so many "
    "labels; below the line it has memorized some, and most networks begin earlier"
)
# For experts, once.
NOISE_EXPLAINED = (
    "For experts: labels are picked at random here. Nobody intends to deceive, and the errors of "
    "real annotators are not random: they confuse what looks alike. CIFAR-10's own test labels are "
    "about 0.5% wrong, so that “true” is itself an approximation."
)


def named_levels(levels: Iterable[float]) -> str:
    """Of corruption, rising: "levels 20%, 40%"; "every level" where none of the sweep's is left out."""
    levels = set(levels)
    if levels >= set(LEVELS):
        return "every level"
    named = [f"{level:.0%}" for level in sorted(levels)]
    return f"level{'s' * (len(named) > 1)} {', '.join(named)}"


def capitalized(text: str) -> str:
    """With a capital at its beginning; the rest as it is, names of networks too."""
    return text[:1].upper() + text[1:]


def the_network(model: str) -> str:
    """Its name within a sentence."""
    name = NETWORKS[model].short
    return f"the {name}" if name[0].islower() else name


def name_of_run(config: RunConfig) -> str:
    """A run in a few words, for tables and legends."""
    return f"{NETWORKS[config.model].short}, {settings_of(config)}"


def compute(grid: str, model: str = "") -> str:
    """How to get what is not computed yet; a sentence that begins with a space."""
    network = f" --model {model}" if model else ""
    return f" `python -m core sweep --grid {grid}{network}` computes it."


def number_text(value: float) -> str:
    """All its digits, so that who types it again means the same."""
    return repr(float(value)).removesuffix(".0")


def without_links(text: str) -> str:
    """Markdown in which what somebody has typed, or put into an address, makes no link or picture."""
    return re.sub(r"\[|@|(?<=:)//|(?<=www)\.", lambda found: "\\" + found[0], text)


def per_cent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


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


def all_but(share: float, count: int) -> str:
    """What is left of `count` things when a share of them is missing: all, or all but so many."""
    missing = round(share * count)
    return "all" if missing == 0 else f"all but {missing:,} of {count:,}"


def between(least: int, most: int, noun: str) -> str:
    """1 to 3 seeds; 3 seeds where all are alike."""
    return plural(most, noun) if least == most else f"{least} to {plural(most, noun)}"


def plural(count: int, noun: str) -> str:
    """1 epoch, 2 epochs."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
