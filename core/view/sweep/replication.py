"""What is said of the paper's numbers beside ours, number by number and as a law."""

import pandas as pd

from core.sweep.statistics import PowerLaw
from core.view.words import plural, the_network


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
    """Why the paper's points lie above ours; table: figures.next_to_paper."""
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
    """What the two slopes say: statistics.decay_above_chance of our errors and of the paper's."""
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
