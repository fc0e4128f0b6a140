"""Sentences that compare the paper's numbers with ours, number by number and as a law."""

import pandas as pd

from core.sweep.statistics import PowerLaw
from core.view.words import plural, the_network


def describe_replication(table: pd.DataFrame, model: str) -> str:
    """Say how close our numbers are to the paper's; table: replication.replication."""
    ours = table[table.model == model]
    name = the_network(model)
    if not len(ours):
        return f"No number that the paper gives for {name} is computed yet."
    text = f"{plural(len(ours), 'number')} that the paper gives for {name} "
    text += "is computed here" if len(ours) == 1 else "are computed here"
    for source in ("Table 1", "Figure 1c"):
        last = ours[ours.source == source]
        far, where = 100 * last.difference.abs().max(), f"{source[0].lower()}{source[1:]}"
        if len(last) == 1:
            text += f"; the one in its {where} differs from ours by {far:.1f} percentage points"
        elif len(last):
            text += f"; those in its {where} differ from ours by up to {far:.1f} percentage points"
        if len(last) and source == "Figure 1c":
            text += " (ours are against true test labels)"
    times = ours[ours.source == "Figure 1b"]
    if len(times):
        text += f"; the ratios in its figure 1b by up to {times.difference.abs().max():.2f}"
    return (
        f"{text}. A remark says where the paper contradicts itself. The table gives shares as fractions of 1, and "
        "times relative to true labels."
    )


def describe_gap(table: pd.DataFrame) -> str:
    """Say why the paper's points are above ours; table: figures.next_to_paper."""
    inner = table[(table.level > 0) & (table.level < 1) & ~table.is_slip]
    if not len(inner):
        return ""
    gap = 100 * (inner.paper - inner.ours).max()
    rest = 100 * (inner.paper - inner.converted).abs().max()
    near = f"where ours would be if the labels of the new photographs were corrupted, too: within {rest:.1f} points"
    if rest > 2:
        near = (
            "much closer to where ours would be if the labels of the new photographs were corrupted, too: "
            f"{rest:.1f} points at most instead of {gap:.0f}; part of the rest exists already at 0%, where "
            "the paper's figure disagrees with its own table 1"
        )
    slips = ", ".join(f"{level:.0%}" for level in table[table.is_slip].level)
    skipped = f" (without its doubled point at {slips})" if slips else ""
    return (
        f"**The paper's points are up to {gap:.0f} percentage points above ours against true test labels. "
        "Why?** We ask how often the network is wrong about what is *really* in new photographs. The "
        f"paper's points are {near}{skipped}. Both are fair questions. The second asks how well the network does in a "
        "world where labels are picked at random at that rate. The best possible error there is 0.9 p. "
        "The paper does not say which question it asked. Its first author's later code corrupts both sets, and "
        "he explains why (GitHub, pluskid/fitting-random-labels, issue 4)."
    )


def describe_decay(ours: PowerLaw | None, paper: PowerLaw | None, are_corrupted: bool) -> str:
    """Compare two slopes: statistics.decay_above_chance of our errors and of the paper's."""
    if ours is None:
        return "This network has too few levels computed to tell how fast its accuracy falls."
    against = "test labels corrupted, too" if are_corrupted else "the true test labels"
    text = (
        "A network's accuracy above chance falls roughly like a power of the share of labels that are kept, "
        f"1\u00a0-\u00a0p. Ours, against {against}: exponent {ours.exponent:.2f} ± {ours.error:.2f} "
        f"({plural(ours.levels, 'level')})."
    )
    if paper is not None:
        text += (
            f" The paper's: {paper.exponent:.2f} ± {paper.error:.2f} ({plural(paper.levels, 'level')})."
        )
    return text


DECAY_EXPLAINED = (
    "Both axes are logarithmic, so a power is a straight line and its exponent is the slope. Gray: slopes 1 "
    "and 2. Corrupting the test labels multiplies the accuracy above chance by 1 - p once more, which adds "
    "exactly 1 to the exponent of any network. Exponents are fitted over levels 10% to 80%; closer to 100% "
    "only chance is left."
)
