"""Sentences about what the corruption did to the training set."""

from core.choices import CORRUPTIONS, NOISES
from core.config import RunConfig
from core.data.corruption import LabelCorruption


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
            f"{redrawn:,} of the {count:,} labels were redrawn ({config.level:.0%} corruption), as "
            f"{NOISES[config.noise].words}. {redrawn - wrong:,} came out right; {wrong:,} are wrong: "
            f"{wrong / count:.0%}."
        )
    return (
        f"{redrawn:,} of the {count:,} labels were picked at random ({config.level:.0%} corruption). "
        f"{redrawn - wrong:,} are right by chance; {wrong:,} are wrong: {wrong / count:.0%}."
    )
