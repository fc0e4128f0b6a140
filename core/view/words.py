"""Numbers in words (percentages, times, counts) and the names of the measured quantities."""

import re
from collections.abc import Iterable

from core.choices import NETWORKS
from core.config import LEVELS, RunConfig, settings_of

# The name of each quantity on every page, in every export and on the command line.
LABELS = {
    "test_error": "test error",
    "train_error": "training error",
    "right_label_error": "error on right labels",
    "memorized": "wrong label repeated",
    "recovered": "predicted as the true class",
    "test_loss": "test loss",
    "train_loss": "training loss",
    "validation_error": "validation error",
}
FEW = 20  # fewer wrong labels than this are counted, not given as a share
CHANGED = "answers that changed"
CHANGED_MEAN = "mean of three epochs"
TIME_TO_FIT = "time to fit"
CHANCE = "repeated by chance"
# The dashed line of a run, by what its wrong labels are.
FLOOR = "least error without memorizing"  # each other class equally often
RIGHT_FLOOR = "error of naming every image correctly"
RULE_FLOOR = "least error by the labels' rule"  # where a wrong label is the most frequent one
FLOOR_EXPLAINED = (
    "0.9 p, the average share of wrong labels (p is the corruption level; a label picked at random is wrong "
    "nine times in ten). A network that named every image correctly would disagree with this share of the "
    "labels. A network below the line has memorized some of them; most networks begin to memorize earlier"
)


def named_levels(levels: Iterable[float]) -> str:
    """Name corruption levels in rising order: "levels 20%, 40%", or "every level" for all of LEVELS."""
    levels = set(levels)
    if levels >= set(LEVELS):
        return "every level"
    named = [f"{level:.0%}" for level in sorted(levels)]
    return f"level{'s' * (len(named) > 1)} {', '.join(named)}"


def capitalized(text: str) -> str:
    """Return the text with its first letter in upper case and the rest unchanged."""
    return text[:1].upper() + text[1:]


def the_network(model: str) -> str:
    """Return the name of a network for use within a sentence."""
    name = NETWORKS[model].short
    return f"the {name}" if name[0].islower() else name


def name_of_run(config: RunConfig) -> str:
    """Return a short name of a run, for tables and legends."""
    return f"{NETWORKS[config.model].short}, {settings_of(config)}"


def compute(grid: str, model: str = "") -> str:
    """Say which command computes the missing runs; the sentence begins with a space."""
    network = f" --model {model}" if model else ""
    return f" `python -m core sweep --grid {grid}{network}` computes it."


def number_text(value: float) -> str:
    """Return a number with all its digits, so that it can be typed in again without a change."""
    return repr(float(value)).removesuffix(".0")


def without_links(text: str) -> str:
    """Escape Markdown so that text from a visitor or an address makes no link and no picture."""
    return re.sub(r"\[|@|(?<=:)//|(?<=www)\.", lambda found: "\\" + found[0], text)


def per_cent(value: float | None) -> str:
    """Return a share as a percentage with one decimal, or a dash for None."""
    return "–" if value is None else f"{value:.1%}"


def about(seconds: float) -> str:
    """Return an estimated time in words."""
    return duration(seconds) if seconds < 1 else f"about {duration(seconds)}"


def duration(seconds: float) -> str:
    """Return a time in words, rounded to what is worth knowing."""
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def all_but(share: float, count: int) -> str:
    """Name what remains of `count` things when a share is missing: "all" or "all but 3 of 5,000"."""
    missing = round(share * count)
    return "all" if missing == 0 else f"all but {missing:,} of {count:,}"


def between(least: int, most: int, noun: str) -> str:
    """Return a range with its noun: "1 to 3 seeds", or "3 seeds" if both ends are equal."""
    return plural(most, noun) if least == most else f"{least} to {plural(most, noun)}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: "1 epoch", "2 epochs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
