"""What the corruption did to the training set."""

from core.config import RunConfig
from core.data.corruption import LabelCorruption
from core.view.words import NOISES

PIXELS = {
    "shuffled-pixels": "The pixels of every image are reordered, all in the same way.",
    "random-pixels": "The pixels of every image are reordered, each image in a way of its own.",
    "gaussian": "Every image is replaced by noise with the mean and spread of the data.",
}


def describe_corruption(config: RunConfig, corrupted: LabelCorruption) -> str:
    if config.corruption != "labels":
        return PIXELS[config.corruption] + " The labels stay true: can a network still fit them?"
    if config.level == 0:
        return "All labels are true. Raise the corruption level to put lies into the data."
    wrong, count = int(corrupted.is_wrong.sum()), len(corrupted.labels)
    redrawn = int(corrupted.is_redrawn.sum())
    if config.noise != "uniform":
        return (
            f"{redrawn:,} of the {count:,} labels were drawn again ({config.level:.0%} corruption), as "
            f"{NOISES[config.noise]}. {redrawn - wrong:,} came out right; {wrong:,} are wrong: "
            f"{wrong / count:.0%}."
        )
    return (
        f"{redrawn:,} of the {count:,} labels were picked at random ({config.level:.0%} corruption). "
        f"{redrawn - wrong:,} are right by chance; {wrong:,} are wrong: {wrong / count:.0%}."
    )
